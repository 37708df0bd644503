"""The columns of ACL_entry as what an entry matches, or the reasons why it cannot be used.

vtep(5) leaves open which combinations are valid. Here all are that a frame can match.
"""

import ipaddress
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from ...values.acls import ALL_FLAGS, EVERY_BIT, AclMatch, MaskedAddress, PortRange, Refusal
from ...values.addresses import Invalid, is_group, parse_mac

T = TypeVar("T")

_ETHERTYPE = re.compile(r"0[xX][0-9a-fA-F]{1,4}")
_LEAST_ETHERTYPE = 0x0600
_IP_OF_TYPE = {0x0800: 4, 0x86DD: 6}
"""The EtherTypes of IP, with its version."""
_IP_OF_ICMP = {1: 4, 58: 6}
"""The protocols of ICMP, with the version of IP of each."""
_TCP = 6
_WITH_PORTS = (_TCP, 17, 132)
_LAST_PORT = 0xFFFF
_NAMES_OF_TYPES = {"ip": 0x0800, "ipv4": 0x0800, "arp": 0x0806, "ipv6": 0x86DD}
"""EtherTypes by the names that people write in the place of numbers."""

OPTIONAL = (
    "source_mac",
    "dest_mac",
    "ethertype",
    "source_ip",
    "source_mask",
    "dest_ip",
    "dest_mask",
    "protocol",
    "source_port_min",
    "source_port_max",
    "dest_port_min",
    "dest_port_max",
    "tcp_flags",
    "tcp_flags_mask",
    "icmp_type",
    "icmp_code",
)
"""The columns by which an entry matches frames; an entry has some of them."""


def read_match(columns: Mapping[str, Any]) -> tuple[AclMatch | None, tuple[Refusal, ...]]:
    """Return what an entry with these columns of OPTIONAL matches, and why it cannot be used.

    It is None if there is a reason. Each reason begins with the name of a column, and has its
    value.
    """
    return _Reading(columns).match()


class _Reading:
    """The columns of one entry, and what is wrong with them."""

    def __init__(self, columns: Mapping[str, Any]) -> None:
        self._columns = columns
        self._reasons: list[Refusal] = []

    def match(self) -> tuple[AclMatch | None, tuple[Refusal, ...]]:
        found = AclMatch(
            self._parsed("source_mac", _source_mac),
            self._parsed("dest_mac", parse_mac),
            self._parsed("ethertype", _ethertype),
            self._address("source"),
            self._address("dest"),
            self._parsed("protocol", _byte),
            self._ports("source"),
            self._ports("dest"),
            self._flags(),
            self._parsed("icmp_type", _byte),
            self._parsed("icmp_code", _byte),
        )
        if not self._reasons:
            self._reasons += _contradictions(found, self._columns)
        return (None, tuple(self._reasons)) if self._reasons else (found, ())

    def _parsed(self, column: str, parse: Callable[[Any], T]) -> T | None:
        value = self._columns.get(column)
        if value is None:
            return None
        try:
            return parse(value)
        except Invalid as error:
            self._refuse(f"{column}: {error}", _repair(column, value, self._columns))
            return None

    def _refuse(self, reason: str, columns: str) -> None:
        self._reasons.append(Refusal(reason, columns))

    def _address(self, side: str) -> MaskedAddress | None:
        column, mask_column = f"{side}_ip", f"{side}_mask"
        address = self._parsed(column, _ip)
        mask = self._parsed(mask_column, _ip)
        if address is None:
            if mask is not None and column not in self._columns:
                self._refuse(f"{column}: missing, and {mask_column} is {mask}", _set(column))
            return None
        if mask is None:
            return address, EVERY_BIT[_version_of(address)]
        if _version_of(mask) != _version_of(address):
            reason = f"{mask_column}: {mask} is of another version of IP than {column} {address}"
            self._refuse(reason, _set(mask_column))
        return address, mask

    def _ports(self, side: str) -> PortRange | None:
        least_column, most_column = f"{side}_port_min", f"{side}_port_max"
        least = self._parsed(least_column, _port)
        most = self._parsed(most_column, _port)
        if least is None and most is None:
            return None
        ports = least or 0, _LAST_PORT if most is None else most
        if ports[0] > ports[1]:
            reason = f"{least_column}: {ports[0]} is greater than {most_column} {ports[1]}"
            self._refuse(reason, f"{least_column}={ports[1]} {most_column}={ports[0]}")
        return ports

    def _flags(self) -> tuple[int, int] | None:
        flags = self._parsed("tcp_flags", _flag_bits)
        mask = self._parsed("tcp_flags_mask", _flag_bits)
        if flags is not None:
            return flags, ALL_FLAGS if mask is None else mask
        if mask is not None and "tcp_flags" not in self._columns:
            self._refuse(f"tcp_flags: missing, and tcp_flags_mask is {mask}", _set("tcp_flags"))
        return None


def _set(column: str, value: object = "VALUE") -> str:
    """Return the words that set a column; vtep-ctl takes a text with colons in quotes alone."""
    is_quoted = column.endswith(("_mac", "_ip", "_mask")) and column != "tcp_flags_mask"
    return f"'{column}=\"{value}\"'" if is_quoted else f"{column}={value}"


def _repair(column: str, value: Any, columns: Mapping[str, Any]) -> str:
    """Return the words that set a column whose value is wrong by itself, as it may be meant."""
    side, _, what = column.partition("_")
    if what == "ip" and "/" in value and "%" not in value:
        try:
            meant = ipaddress.ip_interface(value)
        except ValueError:
            return _set(column)
        return f"{_set(column, meant.ip)} {_set(f'{side}_mask', meant.netmask)}"
    if what == "mask":
        try:
            prefix = f"{columns[f'{side}_ip']}/{value.removeprefix('/')}"
            return _set(column, ipaddress.ip_interface(prefix).netmask)
        except (KeyError, ValueError):
            return _set(column)
    if column == "ethertype":
        number = _NAMES_OF_TYPES.get(value.lower())
        return _set(column) if number is None else _set(column, f"{number:#06x}")
    return _set(column)


def _contradictions(match: AclMatch, columns: Mapping[str, Any]) -> Iterator[Refusal]:
    """Yield the reasons why no frame could match all columns, each valid by itself."""
    source = _version(match.source)
    version = _version(match.destination) if source is None else source
    if match.source and match.destination and source != _version(match.destination):
        reason = f"dest_ip: {columns['dest_ip']} is of another version of IP than source_ip"
        yield Refusal(reason, _set("dest_ip"))
    if match.ethertype is not None:
        of_type = _IP_OF_TYPE.get(match.ethertype)
        of_ip = _ip_columns(columns)
        reason = f"ethertype: {columns['ethertype']}"
        if of_type is None and of_ip:
            yield Refusal(f"{reason} has no {', '.join(of_ip)}", "ethertype", clears=True)
        if of_type is not None and version not in (None, of_type):
            other = next(number for number in _IP_OF_TYPE if number != match.ethertype)
            reason = f"{reason} is of another version of IP than the address"
            yield Refusal(reason, _set("ethertype", f"{other:#06x}"))
        version = of_type if version is None else version
    yield from _contradictions_of_protocol(match, columns, version)


def _contradictions_of_protocol(
    match: AclMatch, columns: Mapping[str, Any], version: int | None
) -> Iterator[Refusal]:
    ports = [column for column in columns if "_port_" in column]
    flags = [column for column in columns if column.startswith("tcp_flags")]
    icmp = [column for column in columns if column.startswith("icmp_")]
    has_flags, has_icmp = match.protocol == _TCP, match.protocol in _IP_OF_ICMP
    of_version = next((each for each, ip in _IP_OF_ICMP.items() if ip == version), "VALUE")
    if icmp and (ports or flags):
        reason = f"{icmp[0]}: {columns[icmp[0]]} is of ICMP, which has no {(ports + flags)[0]}"
        yield Refusal(reason, " ".join(ports + flags if has_icmp else icmp), clears=True)
        return
    if match.protocol is None:
        return
    if ports and match.protocol not in _WITH_PORTS:
        reason = f"{ports[0]}: {columns[ports[0]]} needs protocol 6, 17 or 132"
        yield Refusal(f"{reason}, not {match.protocol}", _set("protocol"))
    if flags and not has_flags:
        reason = f"{flags[0]}: {columns[flags[0]]} needs protocol 6, not {match.protocol}"
        yield Refusal(reason, _set("protocol", _TCP))
    if icmp and not has_icmp:
        reason = f"{icmp[0]}: {columns[icmp[0]]} needs protocol 1 or 58, not {match.protocol}"
        yield Refusal(reason, _set("protocol", of_version))
    if icmp and has_icmp and version not in (None, _IP_OF_ICMP[match.protocol]):
        reason = f"protocol: {match.protocol} is not the ICMP of IP version {version}"
        yield Refusal(reason, _set("protocol", of_version))


def _ip_columns(columns: Mapping[str, Any]) -> list[str]:
    """Return the columns that frames of IP alone have."""
    return [each for each in columns if each not in ("source_mac", "dest_mac", "ethertype")]


def _version(address: MaskedAddress | None) -> int | None:
    return None if address is None else _version_of(address[0])


def _version_of(address: str) -> int:
    return 6 if ":" in address else 4


def _source_mac(text: str) -> str:
    mac = parse_mac(text)
    if is_group(mac):
        raise Invalid(f"{text} is a group address, which sends no frames")
    return mac


def _ethertype(text: str) -> int:
    if not _ETHERTYPE.fullmatch(text):
        raise Invalid(f"{text!r} is not of the form 0xAAAA")
    number = int(text, 16)
    if number < _LEAST_ETHERTYPE:
        raise Invalid(f"{text} is below 0x0600, so it is a length (IEEE 802.3)")
    return number


def _ip(text: str) -> str:
    """Return an address in its canonical form."""
    try:
        return socket.inet_ntop(socket.AF_INET, socket.inet_pton(socket.AF_INET, text))
    except (OSError, ValueError):
        pass  # the library is slower, and knows IPv6 as well
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise Invalid(f"{text!r} is not an IP address") from None
    if "%" in text:
        raise Invalid(f"{text!r} has a zone, which frames do not")
    return str(address)


def _at_most(most: int) -> Callable[[int], int]:
    def parse(number: int) -> int:
        if not 0 <= number <= most:
            raise Invalid(f"{number} is outside of 0 to {most}")
        return number

    return parse


_byte, _port, _flag_bits = _at_most(0xFF), _at_most(_LAST_PORT), _at_most(ALL_FLAGS)
