"""The columns of ACL_entry as what an entry matches, or the reasons why it cannot be used.

vtep(5) leaves open which combinations are valid. Here all are that a frame can match.
"""

import ipaddress
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from ...values.acls import ALL_FLAGS, EVERY_BIT, AclMatch, MaskedAddress, PortRange
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


def read_match(columns: Mapping[str, Any]) -> tuple[AclMatch | None, tuple[str, ...]]:
    """Return what an entry with these columns of OPTIONAL matches, and why it cannot be used.

    It is None if there is a reason. Each reason begins with the name of a column, and has its
    value.
    """
    return _Reading(columns).match()


class _Reading:
    """The columns of one entry, and what is wrong with them."""

    def __init__(self, columns: Mapping[str, Any]) -> None:
        self._columns = columns
        self._reasons: list[str] = []

    def match(self) -> tuple[AclMatch | None, tuple[str, ...]]:
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
            self._reasons.append(f"{column}: {error}")
            return None

    def _address(self, side: str) -> MaskedAddress | None:
        column, mask_column = f"{side}_ip", f"{side}_mask"
        address = self._parsed(column, _ip)
        mask = self._parsed(mask_column, _ip)
        if address is None:
            if mask is not None and column not in self._columns:
                self._reasons.append(f"{column}: missing, and {mask_column} is {mask}")
            return None
        if mask is None:
            return address, EVERY_BIT[_version_of(address)]
        if _version_of(mask) != _version_of(address):
            reason = f"{mask_column}: {mask} is of another version of IP than {column} {address}"
            self._reasons.append(reason)
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
            self._reasons.append(reason)
        return ports

    def _flags(self) -> tuple[int, int] | None:
        flags = self._parsed("tcp_flags", _flag_bits)
        mask = self._parsed("tcp_flags_mask", _flag_bits)
        if flags is not None:
            return flags, ALL_FLAGS if mask is None else mask
        if mask is not None and "tcp_flags" not in self._columns:
            self._reasons.append(f"tcp_flags: missing, and tcp_flags_mask is {mask}")
        return None


def _contradictions(match: AclMatch, columns: Mapping[str, Any]) -> Iterator[str]:
    """Yield the reasons why no frame could match all columns, each valid by itself."""
    source = _version(match.source)
    version = _version(match.destination) if source is None else source
    if match.source and match.destination and source != _version(match.destination):
        yield f"dest_ip: {columns['dest_ip']} is of another version of IP than source_ip"
    if match.ethertype is not None:
        of_type = _IP_OF_TYPE.get(match.ethertype)
        for column in _ip_columns(columns):
            if of_type is None:
                yield f"ethertype: {columns['ethertype']} has no {column}"
        if of_type is not None and version not in (None, of_type):
            yield f"ethertype: {columns['ethertype']} is of another version of IP than the address"
        version = of_type if version is None else version
    yield from _contradictions_of_protocol(match, columns, version)


def _contradictions_of_protocol(
    match: AclMatch, columns: Mapping[str, Any], version: int | None
) -> Iterator[str]:
    ports = [column for column in columns if "_port_" in column]
    flags = [column for column in columns if column.startswith("tcp_flags")]
    icmp = [column for column in columns if column.startswith("icmp_")]
    if icmp and (ports or flags):
        yield f"{icmp[0]}: {columns[icmp[0]]} is of ICMP, which has no {(ports + flags)[0]}"
    if match.protocol is None:
        return
    has_flags, has_icmp = match.protocol == _TCP, match.protocol in _IP_OF_ICMP
    if ports and match.protocol not in _WITH_PORTS:
        yield f"{ports[0]}: {columns[ports[0]]} needs protocol 6, 17 or 132, not {match.protocol}"
    if flags and not has_flags:
        yield f"{flags[0]}: {columns[flags[0]]} needs protocol 6, not {match.protocol}"
    if icmp and not has_icmp:
        yield f"{icmp[0]}: {columns[icmp[0]]} needs protocol 1 or 58, not {match.protocol}"
    if icmp and has_icmp and version not in (None, _IP_OF_ICMP[match.protocol]):
        yield f"protocol: {match.protocol} is not the ICMP of IP version {version}"


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
