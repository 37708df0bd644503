"""OpenFlow 1.3 as bytes: where messages end, and a connection that sends and receives them."""

from __future__ import annotations

import socket
import struct
from collections import deque
from typing import NamedTuple, TypeVar

from sim.wire.framing import Framer, Messages

VERSION = 4
HELLO, ERROR, ECHO_REQUEST, ECHO_REPLY, EXPERIMENTER, FEATURES_REQUEST, FEATURES_REPLY = range(7)
PACKET_IN, FLOW_REMOVED, FLOW_MOD = 10, 11, 14
MULTIPART_REQUEST, MULTIPART_REPLY, BARRIER_REQUEST, BARRIER_REPLY = range(18, 22)
ROLE_REQUEST, ROLE_REPLY = 24, 25

AnyConnection = TypeVar("AnyConnection", bound="OpenFlowConnection")

_HEADER = struct.Struct("!BBHI")
_AT_A_TIME = 65536


class Message(NamedTuple):
    """A message: its type, its transaction id, and what follows the header."""

    kind: int
    xid: int
    body: bytes


def pack(
    kind: int, body: bytes = b"", *, xid: int = 1, version: int = VERSION, length: int | None = None
) -> bytes:
    """Return the bytes of a message; a `length` other than its own makes it malformed.

    One that is too long for its header has what Open vSwitch would write there.
    """
    length = _HEADER.size + len(body) if length is None else length
    return _HEADER.pack(version, kind, length % (1 << 16), xid) + body


def unpack(data: bytes) -> Message:
    """Return the message that the bytes of a whole one are."""
    _, kind, _, xid = _HEADER.unpack_from(data)
    return Message(kind, xid, data[_HEADER.size :])


class OpenFlowFramer(Framer):
    """Ends by the length in the header of each message."""

    def __init__(self) -> None:
        """Begin at the start of a message."""
        self._header = b""
        self._left = 0

    def ends(self, data: bytes) -> list[int]:
        """Return the places behind whole messages. Raises ValueError for an impossible length."""
        found = []
        at = 0
        while at < len(data):
            if not self._left:
                missing = _HEADER.size - len(self._header)
                self._header += data[at : at + missing]
                at = min(at + missing, len(data))
                if len(self._header) < _HEADER.size:
                    break
                self._left = self._length() - _HEADER.size
                self._header = b""
            step = min(self._left, len(data) - at)
            at += step
            self._left -= step
            if not self._left:
                found.append(at)
        return found

    def _length(self) -> int:
        length = int(_HEADER.unpack(self._header)[2])
        if length < _HEADER.size:
            raise ValueError(f"an OpenFlow message of {length} bytes")
        return length


class OpenFlowConnection:
    """One end of an OpenFlow connection, as a context manager, which answers nothing by itself."""

    def __init__(self, connected: socket.socket) -> None:
        """Use a socket that is connected; the connection closes it at its end."""
        self.socket = connected
        self._messages = Messages(OpenFlowFramer())
        self._received: deque[Message] = deque()

    def __enter__(self: AnyConnection) -> AnyConnection:
        """Return the connection."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self.socket.close()

    def send(self, *messages: bytes) -> None:
        """Send messages, as `pack` makes them, or other bytes. Raises OSError."""
        self.socket.sendall(b"".join(messages))

    def receive(self) -> Message | None:
        """Return the next message; None at the end of the connection. Raises OSError."""
        while not self._received:
            data = self.socket.recv(_AT_A_TIME)
            if not data:
                return None
            self._received.extend(map(unpack, self._messages.feed(data)))
        return self._received.popleft()
