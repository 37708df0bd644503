"""Codec of matches and of single fields (OXM; OpenFlow 1.3.5, section 7.2.3).

os-ken knows the names, numbers and sizes of fields. This module encodes and decodes their values
itself, because they are very many. os-ken decodes fields that we never write.
"""

import struct
from bisect import bisect_left
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from ipaddress import IPv6Address
from operator import itemgetter
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from sys import intern
from typing import Any, NamedTuple

from os_ken.lib import type_desc
from os_ken.ofproto import ofproto_v1_3 as ofp

from ..values.flows import Match, MatchValue

_MATCH = struct.Struct("!HH")
_HEADER = struct.Struct("!I")
_PADDING = tuple(bytes(-length % 8) for length in range(8))
"""The padding to the next multiple of 8, by the last three bits of a length."""
_OPENFLOW_CLASS = struct.pack("!H", ofp.OFPXMC_OPENFLOW_BASIC)
_HAS_MASK = 0x100
_EXPERIMENTER_CLASS = 0xFFFF
_EXPERIMENTER_SIZE = 4
_BY_NAME = itemgetter(0)
_REMEMBERED = 1 << 14
"""Fields that are cached, so that equal fields of very many flows are one object."""
_MISSING = {"nd_reserved": 0x10000204, "nd_options_type": 0x10000401}
"""Fields of Open vSwitch that os-ken does not know, by their names in ovs-fields(7)."""
_OTHER_NXM_NAMES = {
    "nd_target": "ipv6_nd_target",
    "nd_sll": "ipv6_nd_sll",
    "nd_tll": "ipv6_nd_tll",
    "ipv6_label": "ipv6_flabel",
}
"""os-ken's names of NXM fields, other than those that end with "_nxm", and of the OXM fields."""


class Unreadable(ValueError):
    """Bytes from the switch that are not valid OpenFlow; the text is the reason."""


def encode_match(match: Match) -> bytes:
    """Return a match as an ofp_match with its padding.

    Raises KeyError for an unknown field, and other exceptions for a value that it cannot have.
    """
    # A field begins with its class and number, so this sorts the fields by them.
    fields = sorted(
        [
            _encode_number(field, value) if type(value) is int else encode_field(field, value)
            for field, value in match
        ]
    )
    # Those of OpenFlow come first: they are the prerequisites of the others, such as ip_frag.
    others = bisect_left(fields, _OPENFLOW_CLASS)
    body = b"".join((*fields[others:], *fields[:others]))
    length = _MATCH.size + len(body)
    return _MATCH.pack(ofp.OFPMT_OXM, length) + body + _PADDING[length & 7]


def encode_field(field: str, value: MatchValue) -> bytes:
    """Return a field with its header; raises as encode_match() does."""
    if isinstance(value, int):
        return _encode_number(field, value)
    if isinstance(value, str):
        known = _FIELDS[field]
        return known.header + _TO_BYTES[known.size](value)
    return _encode_masked(field, value)


def field_header(field: str) -> int:
    """Return the header of a field without a mask, as a number; raises KeyError.

    Raises ValueError for a field of an experimenter, whose header is longer.
    """
    header = _FIELDS[field].header
    if len(header) > _HEADER.size:
        raise ValueError(f"{field} is the field of an experimenter")
    return int(_HEADER.unpack(header)[0])


def field_size(field: str) -> int:
    """Return the length of a field's value, in bytes; raises KeyError."""
    return _FIELDS[field].size


def oxm_field(header: int) -> str | None:
    """Return the name of the field with a header, None for others.

    Open vSwitch sends actions back with the NXM headers of fields that have both.
    """
    known = _BY_HEADER.get(_HEADER.pack(header))
    return None if known is None else known.name


def decode_match(buf: bytes, start: int) -> tuple[Match, int]:
    """Return the match that begins in ``buf`` at ``start``, and the end of its padding.

    Raises Unreadable. Open vSwitch sends the fields in an order of its own.
    """
    if start + _MATCH.size > len(buf):
        raise Unreadable("it ends before a match")
    kind, length = _MATCH.unpack_from(buf, start)
    at, end = start + _MATCH.size, start + length
    if kind != ofp.OFPMT_OXM or not at <= end <= len(buf):
        raise Unreadable(f"a match of type {kind} has a length of {length}")
    fields = []
    while at + _HEADER.size <= end:
        (header,) = _HEADER.unpack_from(buf, at)
        body = at + _HEADER.size
        at = body + (header & 0xFF)
        if at > end:
            break
        text = _TEXTS.get(header)
        if text is None:
            fields.append(_decode(header, buf[body:at]))
        else:
            fields.append((text.name, text.read(buf[body:at])))
    if at != end:
        raise Unreadable("a match ends in the middle of a field")
    fields.sort(key=_BY_NAME)
    return tuple(fields), end + len(_PADDING[length & 7])


def decode_field(buf: bytes) -> tuple[str, Any]:
    """Return the name and the value of the field at the beginning of ``buf``; raises Unreadable."""
    if len(buf) < _HEADER.size:
        raise Unreadable("it ends before a field")
    (header,) = _HEADER.unpack_from(buf)
    end = _HEADER.size + (header & 0xFF)
    if end > len(buf):
        raise Unreadable("it ends in the middle of a field")
    text = _TEXTS.get(header)
    value = buf[_HEADER.size : end]
    return _decode(header, value) if text is None else (text.name, text.read(value))


class _Field(NamedTuple):
    """A field: its header without a mask, the size of its value, and what reads that.

    An NXM field has the name of the OXM field that is the same, if there is one.
    """

    name: str
    header: bytes
    size: int
    read: Callable[[bytes], int | str]


def _read_number(value: bytes) -> int:
    return int.from_bytes(value, "big")


def _read_mac(value: bytes) -> str:
    return intern(value.hex(":"))


def _read_ipv4(value: bytes) -> str:
    return intern(inet_ntop(AF_INET, value))


def _read_ipv6(value: bytes) -> str:
    """Return the address as ipaddress writes it."""
    text = inet_ntop(AF_INET6, value)
    # The C library writes the last 32 bits of some addresses as IPv4 addresses.
    return intern(str(IPv6Address(value)) if "." in text else text)


_READERS: dict[Any, Callable[[bytes], int | str]] = {
    type_desc.MacAddr: _read_mac,
    type_desc.IPv4Addr: _read_ipv4,
    type_desc.IPv6Addr: _read_ipv6,
}
_TO_BYTES: dict[int, Callable[[str], bytes]] = {
    4: partial(inet_pton, int(AF_INET)),
    6: lambda text: bytes.fromhex(text.replace(":", "")),
    16: partial(inet_pton, int(AF_INET6)),
}
"""What encodes an address, by its size."""


def _known_fields() -> Iterator[_Field]:
    for each in ofp.oxm_types:
        read = _READERS.get(each.type)
        if read is None and isinstance(each.type, type_desc.IntDescr):
            read = _read_number
        if read is not None:
            buf = bytearray()
            ofp.oxm_serialize_header(each.num, buf, 0)
            yield _Field(_oxm_name(each.name), bytes(buf), each.type.size, read)
    for name, header in _MISSING.items():
        yield _Field(name, _HEADER.pack(header), header & 0xFF, _read_number)


def _oxm_name(name: str) -> str:
    other = _OTHER_NXM_NAMES.get(name, name.removesuffix("_nxm"))
    return other if other in _NAMES else name


_NAMES = {each.name for each in ofp.oxm_types}
_BY_HEADER = {field.header: field for field in _known_fields()}
# os-ken lists the NXM fields after the OXM fields, which are those that we write.
_FIELDS = {field.name: field for field in reversed(_BY_HEADER.values())}
_TEXTS = {
    field_header(name): _FIELDS[name]
    for name in ("eth_src", "eth_dst", "arp_spa", "arp_tpa", "arp_sha", "ipv6_nd_target")
}
"""Fields of which hardly any two flows have the same value, by their header."""


@lru_cache(maxsize=_REMEMBERED)
def _encode_number(field: str, value: int) -> bytes:
    known = _FIELDS[field]
    return known.header + value.to_bytes(known.size, "big")


def _encode_masked(field: str, value: tuple[int, int] | tuple[str, str]) -> bytes:
    bits, mask = value
    start, kept, ones = _masked(field, mask)
    number = int.from_bytes(_encode_value(field, bits), "big")
    # A switch refuses bits outside of the mask.
    return start + (number & ones).to_bytes(len(kept), "big") + kept


@lru_cache(maxsize=_REMEMBERED)
def _masked(field: str, mask: MatchValue) -> tuple[bytes, bytes, int]:
    """Return the header of a field with a mask, and the mask as bytes and as a number."""
    known, kept = _FIELDS[field], _encode_value(field, mask)
    (header,) = _HEADER.unpack_from(known.header)
    start = _HEADER.pack((header | _HAS_MASK) + known.size) + known.header[_HEADER.size :]
    return start, kept, int.from_bytes(kept, "big")


def _encode_value(field: str, value: MatchValue) -> bytes:
    return encode_field(field, value)[len(_FIELDS[field].header) :]


@lru_cache(maxsize=_REMEMBERED)
def _decode(header: int, body: bytes) -> tuple[str, Any]:
    number = header & ~0x1FF
    vendor = _EXPERIMENTER_SIZE if header >> 16 == _EXPERIMENTER_CLASS else 0
    value = body[vendor:]
    size = len(value) // 2 if header & _HAS_MASK else len(value)
    known = _BY_HEADER.get(_HEADER.pack(number | vendor + size) + body[:vendor])
    if known is None:
        return _decode_by_osken(header, body)
    if header & _HAS_MASK:
        if len(value) != 2 * size:
            raise Unreadable(f"a field with the header {header:#x} has a mask of another size")
        return known.name, (known.read(value[:size]), known.read(value[size:]))
    return known.name, known.read(value)


def _decode_by_osken(header: int, body: bytes) -> tuple[str, Any]:
    try:
        number, value, mask, _ = ofp.oxm_parse(_HEADER.pack(header) + body, 0)
        name, shown = ofp.oxm_to_user(number, value, mask)
    except Exception as error:  # os-ken's parsers raise anything
        raise Unreadable(f"a field with the header {header:#x}: {error!r}") from error
    return name, shown
