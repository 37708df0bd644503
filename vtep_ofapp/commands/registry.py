"""The list of commands: a new one is a module of this folder with the constant COMMANDS."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from .command import Command


def _commands() -> Iterator[Command]:
    for module in iter_modules([str(Path(__file__).parent)]):
        if module.name != "registry":
            yield from getattr(import_module(f"{__package__}.{module.name}"), "COMMANDS", ())


COMMANDS = tuple(sorted(_commands(), key=lambda command: command.name))
