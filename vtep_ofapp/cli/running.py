"""Run the application with os-ken's options and the flags of ``vtep-ofapp``."""

import argparse
import contextlib
import io
import socket
from collections.abc import Sequence

import eventlet
from eventlet.hubs import trampoline
from os_ken import cfg

from ..process import config
from . import launch
from .detaching import to_nowhere
from .flags import OF_VTEP, WrongWords
from .launch import CannotStart

__all__ = ["CannotStart", "run"]


def run(flags: argparse.Namespace, words: Sequence[str], caller: socket.socket | None) -> None:
    """Run the application until it is ended; ``words`` are for os-ken.

    A detached process leaves the terminal when its caller says so. Raises CannotStart and
    WrongWords.
    """
    config.register()
    _read(words)
    for name in OF_VTEP:
        if (value := getattr(flags, name)) is not None:
            cfg.CONF.set_override(name, value, group="vtep")
    if flags.verbose:
        cfg.CONF.set_override("verbose", True)
    if caller is not None:
        eventlet.spawn(_leave_terminal, caller)
    launch.run([launch.OURS])


def _read(words: Sequence[str]) -> None:
    """Read os-ken's options. oslo.config would print all of them before what is wrong."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            launch.read_options(words, "", [])
    except SystemExit:
        raise WrongWords(said.getvalue().rpartition("error: ")[2].strip()) from None


def _leave_terminal(caller: socket.socket) -> None:
    """Wait until the caller is to end, or has ended, and write to /dev/null from then on."""
    trampoline(caller, read=True)
    to_nowhere(1, 2)
    caller.close()
