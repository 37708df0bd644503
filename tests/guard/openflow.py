"""OpenFlow 1.3 byte by byte, as a switch, or a host that claims to be one, may send it."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable

from sim.wire.openflow import (
    BARRIER_REPLY,
    BARRIER_REQUEST,
    ECHO_REPLY,
    ECHO_REQUEST,
    ERROR,
    EXPERIMENTER,
    FEATURES_REPLY,
    FEATURES_REQUEST,
    FLOW_REMOVED,
    HELLO,
    MULTIPART_REPLY,
    MULTIPART_REQUEST,
    PACKET_IN,
    ROLE_REPLY,
    ROLE_REQUEST,
    Message,
    OpenFlowConnection,
    pack,
)

FLOW, PORT_STATS, GROUP_DESC, PORT_DESC = 1, 4, 7, 13
OURS = 0x7674657020000000
_ONF = 0x4F4E4600
_BUNDLE_CONTROL = 2300


def match(**fields: int) -> bytes:
    """Return an OXM match of in_port, metadata, reg0 (as OVS writes it) and eth_src."""
    kinds = {"in_port": (0x8000, 0, 4), "metadata": (0x8000, 2, 8), "eth_src": (0x8000, 4, 6)}
    kinds["reg0"] = (0x0001, 0, 4)
    oxms = b""
    for name, value in fields.items():
        space, number, size = kinds[name]
        oxms += struct.pack("!HBB", space, number << 1, size) + value.to_bytes(size, "big")
    whole = struct.pack("!HH", 1, 4 + len(oxms)) + oxms
    return whole + bytes(-len(whole) % 8)


def frame(source: str, destination: str = "ff:ff:ff:ff:ff:ff") -> bytes:
    """Return the header of an Ethernet frame."""
    return bytes.fromhex((destination + source).replace(":", "")) + b"\x12\x34"


def packet_in(data: bytes, fields: bytes, *, cookie: int = OURS, xid: int = 0) -> bytes:
    """Return a packet-in of a flow with the cookie."""
    head = struct.pack("!IHBBQ", 0xFFFFFFFF, len(data) % (1 << 16), 0, 30, cookie)
    return pack(PACKET_IN, head + fields + bytes(2) + data, xid=xid)


def flow_removed(
    fields: bytes, *, table: int = 30, priority: int = 100, reason: int = 0, cookie: int = OURS
) -> bytes:
    """Return a flow-removed; reason 0 means that the flow was idle, 2 that it was deleted."""
    figures = struct.pack("!IIHHQQ", 1, 0, 300, 0, 1, 60)
    return pack(
        FLOW_REMOVED, struct.pack("!QHBB", cookie, priority, reason, table) + figures + fields
    )


def error(kind: int, code: int, *, xid: int = 1, data: bytes = b"") -> bytes:
    """Return an error message."""
    return pack(ERROR, struct.pack("!HH", kind, code) + data, xid=xid)


def multipart(kind: int, body: bytes = b"", *, xid: int = 1, flags: int = 0) -> bytes:
    """Return a reply to a request for statistics."""
    return pack(MULTIPART_REPLY, struct.pack("!HH4x", kind, flags) + body, xid=xid)


class Client(OpenFlowConnection):
    """A connection to the application that sends what it is told to."""

    def __init__(
        self,
        port: int,
        *,
        wrap: Callable[[socket.socket], socket.socket] = lambda sock: sock,
        timeout: float = 20.0,
    ) -> None:
        """Connect; ``wrap`` may put TLS around the socket."""
        super().__init__(wrap(socket.create_connection(("127.0.0.1", port), timeout)))
        self._sending = threading.Lock()

    def send(self, *messages: bytes) -> None:
        """Send bytes, none of another thread among them; that the other end closed is no error."""
        with self._sending, contextlib.suppress(BrokenPipeError, ConnectionResetError):
            super().send(*messages)

    def receive(self) -> Message | None:
        """Return the next message, None once either side has closed the connection."""
        try:
            return super().receive()
        except ConnectionResetError:
            return None

    def wait_for(self, kind: int) -> Message:
        """Return the next message of a kind."""
        while (received := self.receive()) is not None:
            if received.kind == kind:
                return received
        raise AssertionError(f"the connection ended before a message of kind {kind}")

    def drain(self) -> None:
        """Read to the end of the connection; raises TimeoutError if there is none."""
        while self.receive() is not None:
            pass

    def finish(self) -> None:
        """Say that nothing more comes, and read to the end."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            return
        self.drain()

    def shake_hands(self, datapath_id: int, *messages: bytes) -> None:
        """Do OpenFlow's handshake as the datapath; send messages along with the last word."""
        self.send(pack(HELLO))
        self.send(features(datapath_id, self.wait_for(FEATURES_REQUEST).xid))
        self.send(multipart(PORT_DESC, xid=self.wait_for(MULTIPART_REQUEST).xid), *messages)


def features(datapath_id: int, xid: int) -> bytes:
    """Return a features reply."""
    return pack(FEATURES_REPLY, struct.pack("!QIBB2xII", datapath_id, 0, 254, 0, 0, 0), xid=xid)


class PoliteSwitch(Client):
    """A switch without flows that answers what it is asked, and grants every bundle.

    ``asked`` are the kinds of messages that it got.
    """

    def __init__(self, port: int, datapath_id: int) -> None:
        super().__init__(port)
        self.shake_hands(datapath_id)
        self.asked: set[int] = set()
        self._answering = threading.Thread(target=self._answer_all, daemon=True)
        self._answering.start()

    def is_answering(self) -> bool:
        """Return whether the connection is still there."""
        return self._answering.is_alive()

    def __exit__(self, *_: object) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self._answering.join()
        super().__exit__()

    def _answer_all(self) -> None:
        self.socket.settimeout(None)
        try:
            while (received := self.receive()) is not None:
                self.send(self._answer(received))
        except OSError:
            return

    def _answer(self, asked: Message) -> bytes:
        kind, xid, body = asked
        self.asked.add(kind)
        if kind == ECHO_REQUEST:
            return pack(ECHO_REPLY, body, xid=xid)
        if kind == BARRIER_REQUEST:
            return pack(BARRIER_REPLY, xid=xid)
        if kind == ROLE_REQUEST:
            return pack(ROLE_REPLY, body, xid=xid)
        if kind == MULTIPART_REQUEST:
            return multipart(struct.unpack_from("!H", body)[0], xid=xid)
        if kind == EXPERIMENTER:
            vendor, number, bundle, control, flags = struct.unpack_from("!IIIHH", body)
            if (vendor, number) == (_ONF, _BUNDLE_CONTROL):
                granted = struct.pack("!IIIHH", vendor, number, bundle, control + 1, flags)
                return pack(EXPERIMENTER, granted, xid=xid)
        return b""
