"""Takes the connections of switches for os-ken, and lets no stranger hold on to much."""

import logging
import ssl
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from os_ken.controller import controller
from os_ken.controller.handler import MAIN_DISPATCHER
from os_ken.lib import hub

LOG = logging.getLogger("vtep_ofapp.switch.listener")

MOST_STRANGERS = 64
"""Connections before the end of their handshake; one more costs the oldest of them its place."""
HANDSHAKE_TIME = 10.0
"""Seconds that a connection has for the handshakes of TLS and OpenFlow."""
_BACKLOG = 512
"""Connections that the system completes before we take them: many switches may come at once."""
_PAUSE = 0.1
"""Seconds until the next attempt, where the system has no connection to give."""


@dataclass(eq=False, slots=True)
class _Peer:
    """The far end of a connection, the green thread that serves it, and its datapath."""

    address: Any
    thread: Any = None
    datapath: Any = None

    def is_stranger(self) -> bool:
        """Whether its handshake is not over, or it is on its way out."""
        return self.datapath is None or self.datapath.state != MAIN_DISPATCHER


class _TlsSocket:
    """A TLS socket that is at its end after a broken record.

    os-ken takes every error of TLS for a time-out and reads on, without a pause and for ever.
    """

    def __init__(self, sock: Any) -> None:
        self._socket = sock

    def recv(self, size: int) -> bytes:
        """Return what there is to read; raises OSError, but no SSLError."""
        try:
            return bytes(self._socket.recv(size))
        except ssl.SSLError as error:
            LOG.warning("a TLS connection is closed: %s", error)
            raise ConnectionAbortedError from None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)


class Listener(hub.StreamServer):  # type: ignore[misc]
    """os-ken's server. Whatever a connection does, it costs nothing but that connection.

    os-ken's own stops listening at the first connection that the system refuses, waits for ever
    for handshakes, and knows no limit.
    """

    def __init__(self, listen_info: Any, _handle: Any, **tls: Any) -> None:
        """Listen at an address; ``tls`` are os-ken's arguments for TLS."""
        self._peers: dict[_Peer, None] = {}
        ciphers = tls.pop("ciphers", None)
        if tls:
            tls["ssl_ctx"].minimum_version = ssl.TLSVersion.TLSv1_2
            if ciphers is not None:
                tls["ssl_ctx"].set_ciphers(ciphers)
        super().__init__(listen_info, self._speak, **tls)
        self.server.listen(_BACKLOG)

    def serve_forever(self) -> None:
        """Take connections for ever, each in a green thread of its own."""
        while True:
            try:
                sock, address = self.server.accept()
            except OSError as error:
                LOG.error("no connection can be taken: %s", error)
                hub.sleep(_PAUSE)
                continue
            peer = _Peer(address)
            self._peers[peer] = None
            peer.thread = hub.spawn(self._serve, sock, peer)
            self._make_room()
            hub.sleep(0)

    def _make_room(self) -> None:
        strangers = [peer for peer in self._peers if peer.is_stranger()]
        for peer in strangers[: max(0, len(strangers) - MOST_STRANGERS)]:
            LOG.warning("connection from %s gives its place to a newer one", peer.address[0])
            hub.kill(peer.thread)

    def _serve(self, sock: Any, peer: _Peer) -> None:
        """Serve one connection to its end; whatever goes wrong ends it."""
        timer = hub.spawn_after(HANDSHAKE_TIME, self._check, peer)
        try:
            self.handle(sock, peer)
        except Exception as error:
            what = "connection from %s is closed: %s: %s"
            LOG.warning(what, peer.address[0], type(error).__name__, error)
        finally:
            timer.cancel()
            sock.close()
            del self._peers[peer]

    def _speak(self, sock: Any, peer: _Peer) -> None:
        """Speak OpenFlow; with TLS, its handshake is over."""
        if isinstance(sock, ssl.SSLSocket):
            sock = _TlsSocket(sock)
        with closing(sock), closing(controller.Datapath(sock, peer.address)) as peer.datapath:
            peer.datapath.serve()

    def _check(self, peer: _Peer) -> None:
        if peer.is_stranger():
            what = "connection from %s is closed: no handshake within %g s"
            LOG.warning(what, peer.address[0], HANDSHAKE_TIME)
            hub.kill(peer.thread)


def install() -> None:
    """Let os-ken take connections by a Listener."""
    controller.StreamServer = Listener
