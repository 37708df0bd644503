"""A small server for GET and HEAD: few clients at once, and none that is slow."""

import contextlib
import ipaddress
import logging
import socket
import sys
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlsplit

LOG = logging.getLogger("vtep_ofapp.web")

_MOST_CLIENTS = 16
"""Fewer than the clients that the application serves on its control socket."""
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks for. ``accept`` is the header of that name, empty without one."""

    path: str
    words: dict[str, str]
    accept: str


@dataclass(frozen=True, slots=True)
class Response:
    """What the client gets; ``kind`` is the media type."""

    body: bytes
    kind: str = "text/plain; charset=utf-8"
    status: HTTPStatus = HTTPStatus.OK


Answering: TypeAlias = Callable[[Request], Response]


def is_allowed(host: str, names: Collection[str]) -> bool:
    """Whether a Host header names us: by an address, as localhost, or by one of the names.

    A page of somebody else whose name was made to resolve to our address (DNS rebinding) is
    thereby refused.
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name in {"localhost", *names}:
        return True
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(name)
        return True
    return False


class Server(ThreadingHTTPServer):
    """Serves each client in a thread of its own."""

    daemon_threads = True
    patience = 30.0
    """Seconds after which a connection is closed, whatever it waits for."""

    def __init__(self, address: tuple[str, int], names: Collection[str], answer: Answering) -> None:
        """Listen at an address. Raises OSError."""
        family, *_, resolved = socket.getaddrinfo(
            *address, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        self.address_family = family
        self.names = {name.lower() for name in names}
        self.answer = answer
        self._since: dict[Any, float] = {}
        self._lock = threading.Lock()
        super().__init__(resolved[:2], _Handler)  # type: ignore[arg-type]

    def server_bind(self) -> None:
        """Bind the socket, without the look for our name in the DNS that the base class does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Refuse a connection beyond the most at once: it is closed, and may be tried again."""
        with self._lock:
            if len(self._since) >= _MOST_CLIENTS:
                return False
            self._since[request] = time.monotonic()
        return True

    def shutdown_request(self, request: Any) -> None:
        """Close a connection."""
        with self._lock:
            self._since.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """End connections that last too long; the server calls this twice a second."""
        now = time.monotonic()
        with self._lock:
            late = [each for each, since in self._since.items() if now - since >= self.patience]
            for connection in late:
                with contextlib.suppress(OSError):  # the client has closed it
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log what went wrong, unless the client went away."""
        if not isinstance(sys.exc_info()[1], OSError):
            LOG.exception("a request failed")


class _Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: Server
    server_version, sys_version = "vtep-ofapp-web", ""

    def do_GET(self) -> None:
        """Answer with a body."""
        self._respond(with_body=True)

    def do_HEAD(self) -> None:
        """Answer as GET does, without the body."""
        self._respond(with_body=False)

    def _respond(self, with_body: bool) -> None:
        response = self._response()
        self.send_response(response.status)
        self.send_header("Content-Type", response.kind)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if with_body:
            self.wfile.write(response.body)

    def _response(self) -> Response:
        if not is_allowed(self.headers.get("Host", "localhost"), self.server.names):
            return Response(
                b"this name is not ours: see --allow-host\n", status=HTTPStatus.MISDIRECTED_REQUEST
            )
        try:
            url = urlsplit(self.path)
        except ValueError:
            return Response(b"this is no address\n", status=HTTPStatus.BAD_REQUEST)
        words = dict(parse_qsl(url.query))
        try:
            return self.server.answer(Request(url.path, words, self.headers.get("Accept", "")))
        except Exception:
            LOG.exception("%.200s cannot be answered", self.path)
            return Response(
                b"this cannot be answered; the log of vtep-ofapp-web says why\n",
                status=HTTPStatus.INTERNAL_SERVER_ERROR,
            )

    def end_headers(self) -> None:
        """Add what each answer has, also one about an error."""
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: a request each second is no event."""
