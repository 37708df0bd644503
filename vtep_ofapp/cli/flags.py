"""The flags of ``vtep-ofapp``, declared once for its parser, its help and its man page.

Those that have the name of an option of [vtep] set it.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

OF_VTEP = ("pidfile", "unixctl", "record")
"""The flags that set the option of [vtep] with their name."""


class WrongWords(Exception):
    """The command line is wrong; the text says why, in one line."""


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag: its names, the word that stands for its value in a text, and what it does."""

    names: tuple[str, ...]
    value: str
    help: str


OF_OS_KEN = (
    Flag(
        ("--config-file",),
        "FILE",
        "Read options from this file. It may be given several times; of two values the later "
        "one counts.",
    ),
    Flag(("--log-file",), "FILE", "Write the log to this file, and to standard error as before."),
)
"""Flags that os-ken has, too, and reads itself."""
OURS = (
    Flag(
        ("--pidfile",), "FILE", "Write the process id there, instead of what [vtep] pidfile says."
    ),
    Flag(("--unixctl",), "SOCKET", "Answer commands there, instead of what [vtep] unixctl says."),
    Flag(
        ("--record",),
        "FILE",
        "Append all that decides what the process does to this file, for a bug report, instead of "
        "what [vtep] record says.",
    ),
    Flag(
        ("--detach",),
        "",
        "Return to the shell when the process is ready: the databases and the connected switches "
        "are read. If it ends before, so does the command, with the same exit code. With "
        "NOTIFY_SOCKET in the environment a service manager waits, and the process stays.",
    ),
    Flag(("-v", "--verbose"), "", "Log what is for developers, too."),
)
INFORMING = (
    Flag(("--version",), "", "Print the versions of vtep_ofapp and its libraries."),
    Flag(("-h", "--help"), "", "Print this text."),
)
ASKING = (
    Flag(
        ("-t", "--target"),
        "TARGET",
        "Ask the process with this control socket, or with this name in $OVS_RUNDIR, instead of "
        "vtep_ofapp; the flag stands before COMMAND.",
    ),
)
"""Flags of commands for a running application."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Raise WrongWords instead of ending the process with its usage."""
        raise WrongWords(message)


def parse(words: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """Return our flags by their names, and the words that os-ken is to read.

    Raises WrongWords.
    """
    parser = _Parser(add_help=False, allow_abbrev=False)
    for flag in OURS:
        if flag.value:
            parser.add_argument(*flag.names)
        else:
            parser.add_argument(*flag.names, action="store_true")
    return parser.parse_known_args(words)
