"""Make the pidfile and the control socket when the application starts."""

import logging
import os

from ..commands.command import Running
from ..commands.registry import COMMANDS
from ..process.unixctl_client import NAME, run_directory
from . import pidfile
from .server import CannotListen, ControlServer

LOG = logging.getLogger("vtep_ofapp.control")


class CannotStart(Exception):
    """A pidfile or a socket that was asked for cannot be made; the text says why."""


def write_pidfile(path: str | None) -> None:
    """Write the pidfile; without a path the one that ``ovs-appctl -t vtep_ofapp`` looks for.

    That one may be another process's, or its folder missing: this process then runs without it.
    Raises CannotStart if a path that was given cannot be used.
    """
    file = path or f"{run_directory()}/{NAME}.pid"
    try:
        pidfile.write(file)
    except (pidfile.PidfileTaken, OSError) as error:
        reason = f"{file}: {_reason(error)}"
        if path is not None:
            raise CannotStart(f"[vtep] pidfile: {reason}") from None
        LOG.warning("%s; ask this one at its own socket, or give it a pidfile", reason)


def open_socket(path: str | None, running: Running) -> ControlServer | None:
    """Return the server of the control socket; None if the socket cannot be made.

    Raises CannotStart if a path that was given cannot be used.
    """
    file = path or f"{run_directory()}/{NAME}.{os.getpid()}.ctl"
    try:
        server = ControlServer(file, COMMANDS, running)
    except CannotListen as error:
        if path is not None:
            raise CannotStart(f"[vtep] unixctl: {error}") from None
        LOG.warning("no command is answered: %s", error)
        return None
    LOG.info("commands are answered at %s", file)
    return server


def _reason(error: pidfile.PidfileTaken | OSError) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return f"it is that of the running process {error}"
