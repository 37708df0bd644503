"""A proxy between the application and a switch or a database, which cuts and delays connections.

It knows where messages end. So it can cut a connection behind a message or within one, stop reading
like a slow peer, or call a function after a number of messages or bytes.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from sim.wire.framing import Framer

Opener = Callable[[Callable[[], socket.socket]], socket.socket]
"""Calls a function that opens a socket, such as `Namespace.call`, which calls it in a namespace."""

Address = str | tuple[str, int]
"""The path of a Unix socket, or host and port of TCP."""

_AT_A_TIME = 65536


class Way(Enum):
    """A direction."""

    FROM_CLIENT = "from the client"
    FROM_SERVER = "from the server"


@dataclass
class Passed:
    """What has passed so far, over all connections."""

    messages: int = 0
    bytes: int = 0


class Trap:
    """An action that is done once, after a number of further messages or bytes."""

    def __init__(self, do: Callable[[Link], None], messages: int, octets: int) -> None:
        """Set the trap; one of the two numbers is 0 and does not count."""
        self.sprung = threading.Event()
        self._do = do
        self._messages = messages
        self._bytes = octets

    def place(self, length: int, ends: list[int]) -> int | None:
        """Return where in the next bytes of the stream it springs; None if it is further on."""
        if self._messages:
            if self._messages <= len(ends):
                return ends[self._messages - 1]
            self._messages -= len(ends)
        elif self._bytes <= length:
            return self._bytes
        else:
            self._bytes -= length
        return None

    def spring(self, link: Link) -> None:
        """Do the action."""
        self._do(link)
        self.sprung.set()


class Link:
    """One connection of a client, and the one to the server that goes with it."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        """Start passing bytes on."""
        self.is_cut = False
        self._sockets = (client, server)
        self._proxy = proxy
        self._ended = 0
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._pump, args=(way, source, sink), name=f"bytes {way.value}")
            for way, source, sink in (
                (Way.FROM_CLIENT, client, server),
                (Way.FROM_SERVER, server, client),
            )
        ]
        for thread in self._threads:
            thread.start()

    def cut(self) -> None:
        """Cut the connection; what has not passed yet is lost."""
        self.is_cut = True
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def join(self) -> None:
        """Return when nothing is left of the connection, which has been cut."""
        for thread in self._threads:
            thread.join()

    def _pump(self, way: Way, source: socket.socket, sink: socket.socket) -> None:
        framer = self._proxy.framer()
        try:
            with contextlib.suppress(OSError):
                while data := source.recv(_AT_A_TIME):
                    self._proxy.wait_until_reading(way)
                    self._pass_on(way, sink, data, framer.ends(data))
        finally:
            self.cut()
            self._close()

    def _close(self) -> None:
        """Close the sockets when the threads of both ways are done with them."""
        with self._lock:
            self._ended += 1
            if self._ended == len(self._threads):
                for each in self._sockets:
                    each.close()

    def _pass_on(self, way: Way, sink: socket.socket, data: bytes, ends: list[int]) -> None:
        while data and not self.is_cut:
            trap, place = self._proxy.next_stop(way, len(data), ends)
            sink.sendall(data[:place])
            if trap:
                trap.spring(self)
            data, ends = data[place:], [end - place for end in ends if end > place]


class Proxy:
    """Passes connections on to a server. A context manager: its end is that of all of them."""

    def __init__(
        self,
        framer: Callable[[], Framer],
        server: Address,
        listen_at: Address = ("127.0.0.1", 0),
        opener: Opener = lambda function: function(),
    ) -> None:
        """Listen for clients; the opener opens the sockets on both sides, here if none is given."""
        self.framer = framer
        self.passed = {way: Passed() for way in Way}
        self._server = server
        self._open = opener
        self._traps: dict[Way, Trap] = {}
        self._is_reading = {way: threading.Event() for way in Way}
        for event in self._is_reading.values():
            event.set()
        self._lock = threading.Lock()
        self._links: list[Link] = []
        self._listener = self._open(lambda: _listen(listen_at))
        self._thread = threading.Thread(target=self._accept, name="proxy")
        self._thread.start()

    def __enter__(self) -> Proxy:
        """Return the proxy, which works already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the proxy."""
        self.close()

    @property
    def port(self) -> int:
        """The TCP port that clients connect to."""
        return int(self._listener.getsockname()[1])

    def after(
        self, way: Way, do: Callable[[Link], None], *, messages: int = 0, octets: int = 0
    ) -> Trap:
        """Call `do` when so many more messages, or bytes, have passed, and not one byte more.

        They are counted over all connections. A new trap on the same way takes the place of the
        former. `do` may cut the link.
        """
        trap = Trap(do, messages, octets)
        with self._lock:
            self._traps[way] = trap
        return trap

    def stop_reading(self, *ways: Way) -> None:
        """Stop reading in these directions: buffers fill up, and the senders have to wait."""
        for way in ways:
            self._is_reading[way].clear()

    def read_on(self) -> None:
        """Read again in both directions."""
        for event in self._is_reading.values():
            event.set()

    def cut(self) -> None:
        """Cut all connections; clients may connect again at once."""
        with self._lock:
            links = list(self._links)
        for link in links:
            link.cut()

    def close(self) -> None:
        """Cut all connections and stop accepting new ones."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        self.cut()
        self.read_on()
        for link in self._links:
            link.join()

    # For links

    def wait_until_reading(self, way: Way) -> None:
        """Return when the proxy reads on that way."""
        self._is_reading[way].wait()

    def next_stop(self, way: Way, length: int, ends: list[int]) -> tuple[Trap | None, int]:
        """Return how many of the next bytes pass before a trap springs, and the trap, if any."""
        with self._lock:
            trap = self._traps.get(way)
            place = trap.place(length, ends) if trap else None
            if place is None:
                trap, place = None, length
            else:
                del self._traps[way]
            passed = self.passed[way]
            passed.messages += sum(end <= place for end in ends)
            passed.bytes += place
            return trap, place

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._take(client)

    def _take(self, client: socket.socket) -> None:
        try:
            server = self._open(lambda: _connect(self._server))
        except OSError:
            client.close()
            return
        with self._lock:
            self._links = [link for link in self._links if not link.is_cut]
            self._links.append(Link(self, client, server))


def _listen(address: Address) -> socket.socket:
    if isinstance(address, tuple):
        return socket.create_server(address)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen()
    return listener


def _connect(address: Address) -> socket.socket:
    if isinstance(address, tuple):
        return socket.create_connection(address)
    connected = socket.socket(socket.AF_UNIX)
    connected.connect(address)
    return connected
