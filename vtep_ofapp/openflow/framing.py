"""Splits the bytes of a switch into OpenFlow messages, also if the length of a packet-in wraps.

A message's length has 16 bits. Open vSwitch puts the whole frame into a packet-in, so that with a
frame near 64 KiB the length wraps (its issue 371). The rest of the frame would be read as messages,
which the sender of the frame could forge. Such a packet-in is truncated to a valid length.
"""

import struct

from os_ken.ofproto import ofproto_v1_3 as ofp

_HEADER = struct.Struct(ofp.OFP_HEADER_PACK_STR)
_PACKET_IN = struct.Struct(ofp.OFP_HEADER_PACK_STR + ofp.OFP_PACKET_IN_PACK_STR[1:] + "HH")
"""The fixed part of a packet-in, and the beginning of its match: type and length."""
_MATCH_AT = _PACKET_IN.size - 4
_FRAME_OFFSET = 2
"""Bytes between the match of a packet-in and the frame."""
_ETHERNET_HEADER = 14
_LONGEST_MATCH = 4096
"""The longest match that is accepted, in bytes; all fields of Open vSwitch are shorter."""
_WRAP = 1 << 16
_TLS_HANDSHAKE = 22
"""The first byte of a TLS connection (RFC 8446, 5.1), where OpenFlow has its version."""


class Malformed(ValueError):
    """Bytes that no OpenFlow switch sends; they end the connection."""


class SpeaksTls(Malformed):
    """A TLS client on a port without TLS."""


class Messages:
    """Splits the bytes of a switch into whole messages, in linear time."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._at = 0
        self._skip = 0
        self._is_new = True

    def feed(self, data: bytes) -> None:
        """Add received bytes."""
        skipped = min(self._skip, len(data))
        self._skip -= skipped
        del self._buffer[: self._at]
        self._at = 0
        self._buffer += memoryview(data)[skipped:]

    def next(self) -> bytes | None:
        """Return the next message, None while it is not complete; raises Malformed."""
        have = len(self._buffer) - self._at
        if self._is_new and have:
            self._is_new = False
            if self._buffer[self._at] == _TLS_HANDSHAKE:
                raise SpeaksTls
        if have < _HEADER.size:
            return None
        version, kind, length, _ = _HEADER.unpack_from(self._buffer, self._at)
        if kind == ofp.OFPT_PACKET_IN and version == ofp.OFP_VERSION:
            return self._packet_in(length, have)
        if length < _HEADER.size:
            raise Malformed(f"a message of type {kind} with a length of {length}")
        return self._take(length) if length <= have else None

    def _packet_in(self, length: int, have: int) -> bytes | None:
        if have < _PACKET_IN.size:
            return None
        *_, match_length = _PACKET_IN.unpack_from(self._buffer, self._at)
        if match_length > _LONGEST_MATCH:
            raise Malformed(f"a packet-in with a match of {match_length} bytes")
        frame_at = _MATCH_AT + (match_length + 7) // 8 * 8 + _FRAME_OFFSET
        # There is no frame that is shorter than its header; of one with 65,550 bytes or more,
        # neither this length nor that of the frame itself shows that both have wrapped.
        if length >= frame_at + _ETHERNET_HEADER:
            return self._take(length) if length <= have else None
        kept = frame_at + _ETHERNET_HEADER
        if kept > have:
            return None
        message = bytearray(self._take(kept))
        struct.pack_into("!H", message, 2, kept)
        struct.pack_into("!H", message, _HEADER.size + 4, _ETHERNET_HEADER)
        self._pass_over(length + _WRAP - kept)
        return bytes(message)

    def _take(self, length: int) -> bytes:
        start, self._at = self._at, self._at + length
        return bytes(memoryview(self._buffer)[start : self._at])

    def _pass_over(self, length: int) -> None:
        here = min(length, len(self._buffer) - self._at)
        self._at += here
        self._skip = length - here
