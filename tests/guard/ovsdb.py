"""A database server that is the real one, but for what is put into its mouth."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable


class Ventriloquist:
    """Stands between the application and ovsdb-server, on a Unix socket of its own."""

    def __init__(self, path: str, server: str) -> None:
        """Listen at a path, and pass connections on to the server at another."""
        self.remote = f"unix:{path}"
        self.arrivals: list[float] = []
        self.greeting: Callable[[socket.socket], None] | None = None
        """What is done with new connections in place of passing them on."""
        self._server = server
        self._clients: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen()
        self._start(self._accept)

    def say(self, data: bytes, *, hang_up: bool = False) -> None:
        """Send bytes to the application where a message may begin; perhaps end the connection."""
        for client in self._clients:
            with contextlib.suppress(OSError):
                client.sendall(data)
                if hang_up:
                    client.shutdown(socket.SHUT_RDWR)

    def hang_up(self) -> None:
        """End all connections."""
        self.say(b"", hang_up=True)

    def close(self) -> None:
        """End all connections, and take no more."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()

    def _start(self, function: Callable[..., None], *args: object) -> None:
        threading.Thread(target=function, args=args, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.arrivals.append(time.monotonic())
            if self.greeting is not None:
                self._start(self._greet, self.greeting, client)
                continue
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._server)
            self._clients.append(client)
            self._start(self._pass_on, client, server)
            self._start(self._pass_on, server, client)

    def _greet(self, greeting: Callable[[socket.socket], None], client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            greeting(client)

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._clients = [client for client in self._clients if client not in (source, target)]
