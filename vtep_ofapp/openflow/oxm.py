"""Codec of matches (OXM fields; OpenFlow 1.3.5, section 7.2.3).

This module encodes and decodes numbers and MAC addresses itself, because they are very many. os-ken
encodes the header of each field, and all other values.
"""

import struct
from functools import lru_cache
from operator import itemgetter
from sys import intern
from typing import Any

from os_ken.ofproto import ofproto_v1_3 as ofp
from os_ken.ofproto import ofproto_v1_3_parser as parser

from ..values.flows import Match, MatchValue

_MATCH = struct.Struct("!HH")
_HEADER = struct.Struct("!I")
_PADDING = tuple(bytes(-length % 8) for length in range(8))
"""The padding to the next multiple of 8, by the last three bits of a length."""
_MAC_SIZE = 6
_BY_NAME = itemgetter(0)
_REMEMBERED = 1 << 14
"""Decoded fields that are cached, so that equal fields of very many flows are one object."""


class Unreadable(ValueError):
    """Bytes from the switch that are not valid OpenFlow; the text is the reason."""


def encode_match(match: Match) -> bytes:
    """Return a match as an ofp_match with its padding."""
    # A field begins with its class and number, so this sorts the fields by them.
    fields = b"".join(sorted([_encode(field, value) for field, value in match]))
    length = _MATCH.size + len(fields)
    return _MATCH.pack(ofp.OFPMT_OXM, length) + fields + _PADDING[length & 7]


def field_header(field: str) -> int:
    """Return the header of a field without a mask, as a number."""
    (header,) = _HEADER.unpack(_header(field)[0])
    return int(header)


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
        name = _MACS.get(header)
        if name is None:
            fields.append(_decode(header, buf[body:at]))
        else:
            fields.append((name, intern(buf[body:at].hex(":"))))
    if at != end:
        raise Unreadable("a match ends in the middle of a field")
    fields.sort(key=_BY_NAME)
    return tuple(fields), end + len(_PADDING[length & 7])


def _encode(field: str, value: MatchValue) -> bytes:
    if isinstance(value, int):
        return _encode_number(field, value)
    if isinstance(value, str):
        header, size = _header(field)
        if size == _MAC_SIZE:
            return header + bytes.fromhex(value.replace(":", ""))
    return _encode_by_osken(field, value)


@lru_cache(maxsize=_REMEMBERED)
def _encode_number(field: str, value: int) -> bytes:
    header, size = _header(field)
    return header + value.to_bytes(size, "big")


@lru_cache(maxsize=64)
def _header(field: str) -> tuple[bytes, int]:
    """Return the header of a field without a mask, and the length of its value."""
    buf = bytearray()
    ofp.oxm_serialize_header(ofp.oxm_from_user_header(field), buf, 0)
    return bytes(buf), buf[-1]


@lru_cache(maxsize=_REMEMBERED)
def _encode_by_osken(field: str, value: MatchValue) -> bytes:
    buf = bytearray()
    match = parser.OFPMatch(**{field: value})
    match.serialize(buf, 0)
    return bytes(buf[_MATCH.size : match.length])


@lru_cache(maxsize=_REMEMBERED)
def _decode(header: int, body: bytes) -> tuple[str, Any]:
    try:
        number, value, mask, _ = ofp.oxm_parse(_HEADER.pack(header) + body, 0)
        name, shown = ofp.oxm_to_user(number, value, mask)
    except Exception as error:  # os-ken's parsers raise anything
        raise Unreadable(f"a field with the header {header:#x}: {error!r}") from error
    return name, shown


_MACS = {field_header(name): name for name in ("eth_src", "eth_dst")}
"""Fields of which hardly any two flows have the same value, by their header."""
