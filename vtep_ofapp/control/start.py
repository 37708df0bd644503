"""Make the pidfile and the control socket when the application starts."""

import logging
import os
from contextlib import suppress

from ..commands.command import Running
from ..commands.registry import COMMANDS
from ..process.config import Options
from ..process.unixctl_client import NAME, run_directory, socket_beside
from . import pidfile
from .server import CannotListen, ControlServer

LOG = logging.getLogger("vtep_ofapp.control")


class CannotStart(Exception):
    """A pidfile or a socket that was asked for cannot be made; the text says why."""


def write_pidfile(options: Options) -> None:
    """Write the pidfile; by default the one that ``ovs-appctl -t vtep_ofapp`` looks for.

    The default may be another process's, or its folder missing: this process then runs without a
    pidfile. The socket of an earlier process that was killed goes. Raises CannotStart if the
    pidfile of the options cannot be used.
    """
    file = _pidfile(options)
    try:
        former = pidfile.write(file)
        if former is not None:
            with suppress(FileNotFoundError):
                os.unlink(socket_beside(file, former))
    except (pidfile.PidfileTaken, OSError) as error:
        reason = f"{file}: {_reason(error)}"
        if options.pidfile is not None:
            raise CannotStart(f"[vtep] pidfile: {reason}") from None
        LOG.warning("%s; ask this one at %s, or give it a pidfile", reason, _socket(options))


def open_socket(options: Options, running: Running) -> ControlServer | None:
    """Return the server of the control socket; None if the socket cannot be made.

    By default it is where ovs-appctl looks for the process with our pidfile. Raises CannotStart if
    the one of the options cannot be made.
    """
    file = _socket(options)
    try:
        server = ControlServer(file, COMMANDS, running)
    except CannotListen as error:
        if options.unixctl is not None:
            raise CannotStart(f"[vtep] unixctl: {error}") from None
        LOG.warning("no command is answered: %s", error)
        return None
    LOG.info("commands are answered at %s", file)
    return server


def _pidfile(options: Options) -> str:
    return options.pidfile or f"{run_directory()}/{NAME}.pid"


def _socket(options: Options) -> str:
    return options.unixctl or socket_beside(_pidfile(options), os.getpid())


def _reason(error: pidfile.PidfileTaken | OSError) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return f"it is that of the running process {error}"
