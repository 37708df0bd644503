"""The command ``vtep-ofapp``: runs the application, checks a file, or asks a running process.

A question to a running process imports neither os-ken nor eventlet, so that it starts at once.
"""

import signal
import sys
from collections.abc import Sequence

from ..process import unixctl_client
from .flags import ASKING, INFORMING, WrongWords

_NAME = "vtep-ofapp"
_VERSION, _HELP = (flag.names for flag in INFORMING)
_TARGET = ASKING[0].names


def main() -> int:
    """Do what the command line says; return the exit code.

    It is 1 for what failed and 2 for wrong words, or for a command that the process refused.
    """
    words = sys.argv[1:]
    try:
        return _done(words)
    except WrongWords as error:
        return _fail(f"{error}; see {_NAME} --help", 2)
    except unixctl_client.NoAnswer as error:
        return _fail(str(error), 1)
    except unixctl_client.CommandFailed as error:
        return _fail(str(error).strip(), 2)


def _done(words: Sequence[str]) -> int:
    target, words = _split_target(words)
    command = words[0] if words and not words[0].startswith("-") else None
    if target is None and command in (None, "run"):
        return _run(words[1:] if command else words)
    if command is None:
        raise WrongWords(f"no command for {target}")
    if command == "check-config":
        return _check_config(words[1:])
    if command == "replay":
        return _replay(words[1:])
    _answer(target or unixctl_client.NAME, command, words[1:])
    return 0


def _split_target(words: Sequence[str]) -> tuple[str | None, Sequence[str]]:
    """Return the target before a command, if there is one, and the words behind it."""
    if not words or words[0].partition("=")[0] not in _TARGET:
        return None, words
    _, is_joined, value = words[0].partition("=")
    if is_joined:
        return value, words[1:]
    if len(words) < 2:
        raise WrongWords(f"no target behind {words[0]}")
    return words[1], words[2:]


def _answer(target: str, command: str, arguments: Sequence[str]) -> None:
    """Print the answer of a process to a command."""
    _end_with_the_reader()
    path = unixctl_client.socket_of(target)
    print(unixctl_client.ask(path, command, arguments), end="")


def _end_with_the_reader() -> None:
    """Let ``| head`` end us without a traceback."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)


def _check_config(arguments: Sequence[str]) -> int:
    if len(arguments) != 1:
        raise WrongWords("check-config takes one file")
    from .check_config import check

    return check(arguments[0])


def _replay(arguments: Sequence[str]) -> int:
    from ..recording.__main__ import main

    _end_with_the_reader()
    return main(arguments, f"{_NAME} replay")


def _run(words: Sequence[str]) -> int:
    if not set(_HELP).isdisjoint(words):
        from .usage import help_text

        print(help_text(), end="")
        return 0
    if not set(_VERSION).isdisjoint(words):
        from .usage import versions

        print(versions())
        return 0
    from . import start

    return start.start(words)


def _fail(reason: str, code: int) -> int:
    print(f"{_NAME}: {reason}", file=sys.stderr)
    return code
