"""The application as this process sees it: it answers commands, or says why it does not."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any, Generic, NoReturn, TypeVar

from ..process.unixctl_client import NoAnswer, ask, socket_of

T = TypeVar("T")

_PATIENCE = 5.0
"""Seconds for an answer: less than the ten for which Prometheus waits."""
_SHARE = 10
"""An answer is used for at least so many times as long as it took."""


class OtherVersion(NoAnswer):
    """The application answers without something that is asked for; the text says what."""


class _Object(dict[str, Any]):
    """A JSON object of an answer."""

    def __missing__(self, name: str) -> NoReturn:
        raise OtherVersion(f"the application is of another version: it answers without {name!r}")


class Application:
    """Asks the application that a target names, as ``ovs-appctl -t`` does.

    The socket is looked up each time: a restarted application has another one.
    """

    def __init__(self, target: str) -> None:
        self._target = target

    def text(self, command: str, *words: str) -> str:
        """Return the answer for people. Raises NoAnswer and CommandFailed."""
        return ask(socket_of(self._target), command, words, _PATIENCE)

    def json(self, command: str, *words: str) -> Any:
        """Return the answer for programs. Raises NoAnswer and CommandFailed.

        To look for what its objects do not have raises OtherVersion.
        """
        answer = self.text(command, *words, "--json")
        try:
            return json.loads(answer, object_hook=_Object)
        except ValueError:
            raise NoAnswer(f"{command}: its answer is no JSON") from None


class Shared(Generic[T]):
    """What several clients ask for at about the same time, worked out once for all of them.

    It is at most ``lifetime`` seconds old. If it takes long, it is asked for less often, so that
    no number of clients takes more than a tenth of the application's time.
    """

    def __init__(self, make: Callable[[], T], lifetime: float) -> None:
        self._make = make
        self._lifetime = lifetime
        self._lock = threading.Lock()
        self._made: tuple[T, float] | None = None

    def get(self) -> T:
        """Return it; whatever making it raises is raised here."""
        with self._lock:
            begin = time.monotonic()
            if self._made is None or begin >= self._made[1]:
                value = self._make()
                end = time.monotonic()
                self._made = value, end + max(self._lifetime, _SHARE * (end - begin))
            return self._made[0]
