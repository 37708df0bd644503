"""From the words of a command to the parts of its answer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .answer import Content, WrongWords
from .command import Command, Running
from .rendering import json_parts, text_parts

_JSON = "--json"


@dataclass(frozen=True, slots=True)
class Begun:
    """An answer that is worked out part by part; parts may be empty."""

    parts: Iterable[str]
    failed: bool


def most_words(command: Command) -> int:
    """Return the greatest number of words that may follow a command."""
    return command.bounds[1] + 1


def begin(command: Command, words: Sequence[str], running: Running, as_json: bool) -> Begun:
    """Begin with the answer to a command. Raises WrongWords.

    It is JSON if the words include ``--json``, or if ``as_json`` says so.
    """
    arguments = [word for word in words if word != _JSON]
    least, most = command.bounds
    if not least <= len(arguments) <= most:
        raise WrongWords(f"usage: {command.name} {command.usage}".rstrip())
    answer = command.answer(arguments, running)
    if as_json or len(arguments) < len(words):
        return Begun(json_parts({"role": running.role, **answer.content}), answer.failed)
    return Begun(text_parts({**_preface(running), **answer.content}), answer.failed)


def _preface(running: Running) -> Content:
    """Return what the answer of a process begins with that stands by, or is paused."""
    is_special = running.role == "standby" or running.is_paused
    return {"role": running.status} if is_special else {}
