"""Accepts the connections of switches for os-ken, with limits before the handshake."""

import logging
import socket
import ssl
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import os_ken.base.app_manager  # noqa: F401  (the next one and it import each other)
from os_ken.controller import controller
from os_ken.controller.handler import MAIN_DISPATCHER
from os_ken.lib import hub

from .framing import Malformed, Messages, SpeaksTls
from .listening import ListeningSocket
from .tls import hint

LOG = logging.getLogger("vtep_ofapp.switch.listener")

MAX_STRANGERS = 64
"""Connections that have not finished the handshake; one more closes the oldest of them."""
HANDSHAKE_TIME = 10.0
"""Seconds that a connection has for the handshakes of TLS and OpenFlow."""
MAX_HANDSHAKE = 1 << 23
"""Bytes that a peer may send before the end of the handshake, which describes 65,280 ports."""
_READ_SIZE = 1 << 16
_PAUSE = 0.1
"""Seconds until the next attempt after the system refused a connection."""


@dataclass(eq=False, slots=True)
class _Peer:
    """The far end of a connection, the green thread that serves it, and its datapath."""

    entrance: ListeningSocket
    address: Any
    thread: Any = None
    datapath: Any = None

    def is_stranger(self) -> bool:
        """Whether the handshake is not finished, or the connection is being closed."""
        return self.datapath is None or self.datapath.state != MAIN_DISPATCHER


class _MessageSocket:
    """A socket that returns one message at a time to os-ken, see framing.py.

    A TLS error closes the connection: os-ken treats every TLS error as a timeout and reads again,
    without a pause.
    """

    def __init__(self, sock: Any, peer: _Peer) -> None:
        self._socket = sock
        self._peer = peer
        self._messages = Messages()
        self._strange = 0

    def recv(self, _size: int) -> bytes:
        """Return the next message; raises OSError, but no SSLError, and Malformed."""
        while (message := self._messages.next()) is None:
            data = self._read()
            if not data:
                return b""
            self._messages.feed(data)
        return message

    def _read(self) -> bytes:
        try:
            data = bytes(self._socket.recv(_READ_SIZE))
        except ssl.SSLError as error:
            LOG.warning("a TLS connection is closed: %s", error)
            raise ConnectionAbortedError from None
        if self._peer.is_stranger():
            self._strange += len(data)
            if self._strange > MAX_HANDSHAKE:
                raise Malformed(f"more than {MAX_HANDSHAKE} bytes before the end of the handshake")
        return data

    def setsockopt(self, level: int, *option: int) -> None:
        """Set an option. os-ken sets one of TCP, which a Unix socket does not have."""
        if level != socket.IPPROTO_TCP or self._socket.family != socket.AF_UNIX:
            self._socket.setsockopt(level, *option)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)


class Listener:
    """The server of listening sockets. An error on a connection ends only that connection.

    os-ken's own server shares its port with any process, ends at the first failed accept, waits for
    handshakes without a timeout, and has no limit of connections.
    """

    def __init__(self, sockets: Sequence[ListeningSocket]) -> None:
        self._peers: dict[_Peer, None] = {}
        self._sockets = sockets

    def serve_forever(self) -> None:
        """Accept connections, and serve each in a green thread of its own; it does not return."""
        for listening in self._sockets[1:]:
            hub.spawn(self._accept, listening)
        self._accept(self._sockets[0])

    def _accept(self, listening: ListeningSocket) -> None:
        while True:
            try:
                sock, address = listening.socket.accept()
            except OSError as error:
                LOG.error("no connection can be taken: %s", error)
                hub.sleep(_PAUSE)
                continue
            peer = _Peer(listening, (listening.name,) if listening.name else address)
            self._peers[peer] = None
            peer.thread = hub.spawn(self._serve, sock, peer)
            self._make_room()
            hub.sleep(0)

    def _make_room(self) -> None:
        strangers = [peer for peer in self._peers if peer.is_stranger()]
        for peer in strangers[: max(0, len(strangers) - MAX_STRANGERS)]:
            LOG.warning("connection from %s gives its place to a newer one", peer.address[0])
            hub.kill(peer.thread)

    def _serve(self, sock: Any, peer: _Peer) -> None:
        """Serve one connection to its end; any error ends it."""
        timer = hub.spawn_after(HANDSHAKE_TIME, self._check, peer)
        try:
            self._speak(sock, peer)
        except SpeaksTls:
            # A message of its own, so that other errors do not use up its rate limit.
            what = (
                "connection from %s is closed: it speaks TLS, and this port does not: make its "
                "controller tcp:ADDRESS:PORT, or give ctl_privkey, ctl_cert and ca_certs"
            )
            LOG.warning(what, peer.address[0])
        except Exception as error:
            what = "connection from %s is closed: %s: %s%s"
            LOG.warning(what, peer.address[0], type(error).__name__, error, hint(error))
        finally:
            timer.cancel()
            sock.close()
            del self._peers[peer]

    def _speak(self, sock: Any, peer: _Peer) -> None:
        """Serve OpenFlow, after the TLS handshake."""
        if peer.entrance.certificates is not None:
            sock = peer.entrance.certificates.context().wrap_socket(sock, server_side=True)
        messages = _MessageSocket(sock, peer)
        with closing(sock), closing(controller.Datapath(messages, peer.address)) as peer.datapath:
            peer.datapath.serve()

    def _check(self, peer: _Peer) -> None:
        if peer.is_stranger():
            what = "connection from %s is closed: no handshake within %g s"
            LOG.warning(what, peer.address[0], HANDSHAKE_TIME)
            hub.kill(peer.thread)
