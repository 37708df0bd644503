"""The list of commands."""

from itertools import chain

from . import process, show

COMMANDS = tuple(sorted(chain(process.COMMANDS, show.COMMANDS), key=lambda command: command.name))
