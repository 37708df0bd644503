"""What each address of the server answers."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from importlib.resources import files
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from ..process.unixctl_client import CommandFailed, NoAnswer
from .application import Application, OtherVersion, Shared
from .metrics import Figures
from .picture import picture
from .server import Request, Response

_FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/picture.js": ("picture.js", "text/javascript; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
_LONGEST_WORD = 256
_AGE = 1.0
"""Seconds for which the document about everything is used for all who ask."""


class Pages:
    """Answers requests by asking the application."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._picture = Shared(partial(picture, application), _AGE)
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(Figures(application))
        self._others: Mapping[str, Callable[[Request], Response]] = {
            "/metrics": self._metrics,
            "/healthz": self._health,
            "/status.json": self._status,
            "/mac.json": self._mac,
            "/why.json": self._why,
        }

    def answer(self, request: Request) -> Response:
        """Return the answer to a request."""
        if file := _FILES.get(request.path):
            name, kind = file
            return Response((files(__package__) / "static" / name).read_bytes(), kind)
        if other := self._others.get(request.path):
            try:
                return other(request)
            except OtherVersion as error:
                return _text(str(error), HTTPStatus.SERVICE_UNAVAILABLE)
        return _text("there is no such page", HTTPStatus.NOT_FOUND)

    def _metrics(self, request: Request) -> Response:
        encode, kind = choose_encoder(request.accept)
        return Response(encode(self._registry), kind)

    def _health(self, _request: Request) -> Response:
        """Answer whether start-up is complete, as systemd was told, at this moment."""
        try:
            status = self._application.json("status")
        except (NoAnswer, CommandFailed) as error:
            return _text(str(error), HTTPStatus.SERVICE_UNAVAILABLE)
        good = HTTPStatus.OK if status["is_ready"] else HTTPStatus.SERVICE_UNAVAILABLE
        return _text(f"{'ready' if status['is_ready'] else 'not ready'}: {status['status']}", good)

    def _status(self, _request: Request) -> Response:
        return _json(self._picture.get())

    def _mac(self, request: Request) -> Response:
        """Answer where a station is."""
        return _about(request, lambda word: self._application.json("mac/show", word))

    def _why(self, request: Request) -> Response:
        """Answer why a station, port or tunnel is as it is, as text for people."""
        return _about(request, lambda word: {"text": self._application.text("why", word)})


def _about(request: Request, ask: Callable[[str], dict[str, Any]]) -> Response:
    """Answer a question about one word; without an answer say why in its place."""
    word = request.words.get("word", "")
    if not word or len(word) > _LONGEST_WORD or word.startswith("-"):
        return _text("this is no word to ask about", HTTPStatus.BAD_REQUEST)
    try:
        return _json({"answers": True, **ask(word)})
    except (NoAnswer, CommandFailed) as error:
        return _json({"answers": False, "reason": str(error).strip()})


def _json(document: dict[str, Any]) -> Response:
    return Response(json.dumps(document).encode(), "application/json")


def _text(text: str, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(f"{text.rstrip()}\n".encode(), status=status)
