"""Commands about the process itself, as every daemon of Open vSwitch has them."""

import logging
import time
from collections.abc import Sequence

from ..version import VERSION
from .answer import Answer, Lines, Table, WrongWords
from .command import Command, Running

_OURS = "vtep_ofapp"
_LEVELS = {
    "off": logging.CRITICAL + 10,
    "emer": logging.CRITICAL,
    "err": logging.ERROR,
    "warn": logging.WARNING,
    "info": logging.INFO,
    "dbg": logging.DEBUG,
}
"""Open vSwitch's names of the levels, and those of Python."""
_DESTINATIONS = {"any", "syslog", "console", "file"}


def _version(_arguments: Sequence[str], _running: Running) -> Answer:
    return Answer({"version": Lines([f"vtep_ofapp {VERSION}"])})


def _list(_arguments: Sequence[str], running: Running) -> Answer:
    lines = sorted(f"  {each.name:<23} {each.usage}".rstrip() for each in running.commands)
    return Answer({"commands": Lines(["The available commands are:", *lines])})


def _exit(_arguments: Sequence[str], running: Running) -> Answer:
    running.end()
    return Answer({})


def _status(_arguments: Sequence[str], running: Running) -> Answer:
    return Answer(
        {
            "status": running.status,
            "is_paused": running.is_paused,
            "is_ready": running.components.is_ready,
            "running_for_s": int(time.time() - running.started),
        }
    )


def _loggers() -> list[str]:
    known = logging.root.manager.loggerDict
    return sorted(name for name in known if name == _OURS or name.startswith(f"{_OURS}."))


def _vlog_list(_arguments: Sequence[str], _running: Running) -> Answer:
    words = {number: word for word, number in _LEVELS.items()}
    rows = []
    for name in _loggers():
        level = logging.getLogger(name).getEffectiveLevel()
        rows.append((name, words.get(level, str(level))))
    return Answer({"levels": Table(("logger", "level"), rows)})


def _vlog_set(arguments: Sequence[str], _running: Running) -> Answer:
    """Set levels as vlog/set does: LEVEL, or LOGGER:LEVEL, or LOGGER:DESTINATION:LEVEL."""
    changes = [_change(each) for each in arguments or ["dbg"]]
    for names, level in changes:
        for name in names:
            logging.getLogger(name).setLevel(level)
    return Answer({})


def _change(argument: str) -> tuple[list[str], int]:
    """Return the loggers and the level that an argument of vlog/set names."""
    logger, level = "any", "dbg"
    for number, word in enumerate(argument.lower().split(":")):
        if word in _LEVELS:
            level = word
        elif number == 0 and word != "any":
            logger = word
        elif word not in _DESTINATIONS:
            raise WrongWords(f"{word!r} is no level: {', '.join(_LEVELS)}")
    if logger == "any":
        return [_OURS], _LEVELS[level]
    name = logger if logger.startswith(_OURS) else f"{_OURS}.{logger}"
    if name not in _loggers():
        raise WrongWords(f"there is no logger {logger}; vlog/list names all")
    return [name], _LEVELS[level]


COMMANDS = (
    Command("version", "", "Print the version.", _version),
    Command("list-commands", "", "List the commands.", _list),
    Command("exit", "", "End the process; the switches keep their flows.", _exit, has_effect=True),
    Command(
        "status", "", "Print the status in one line, and whether start-up is complete.", _status
    ),
    Command("vlog/list", "", "List the loggers and their levels.", _vlog_list),
    Command(
        "vlog/set",
        "[LOGGER:LEVEL]...",
        "Set the level of one logger, or of all: off, emer, err, warn, info or dbg.",
        _vlog_set,
        has_effect=True,
    ),
)
