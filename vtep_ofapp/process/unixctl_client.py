"""Ask a daemon a command over its control socket, without any library.

The daemon is ours, or one of Open vSwitch's. The protocol is that of ovs-appctl(8): one JSON-RPC
request on a Unix socket, and its reply.
"""

import json
import os
import socket
import time
from collections.abc import Sequence

RUN_DIRECTORY = "/var/run/openvswitch"
NAME = "vtep_ofapp"
_AT_ONCE = 1 << 20


class NoAnswer(Exception):
    """Nobody answered; the text says why, in one line."""


class CommandFailed(Exception):
    """The command failed; the text is what it answered."""


def run_directory() -> str:
    """Return the folder of sockets and pidfiles: $OVS_RUNDIR, or Open vSwitch's own."""
    return os.environ.get("OVS_RUNDIR") or RUN_DIRECTORY


def socket_beside(pidfile: str, process: int) -> str:
    """Return where the process with this pidfile has its control socket, if it chooses none."""
    return f"{pidfile.removesuffix('.pid')}.{process}.ctl"


def socket_of(target: str, folder: str | None = None) -> str:
    """Return the path of a control socket: the target itself, or that of the named process.

    Its pidfile is in the folder, by default in run_directory(). Raises NoAnswer if no process of
    that name has one.
    """
    if "/" in target:
        return target
    folder = folder or run_directory()
    pidfile = f"{folder}/{target}.pid"
    try:
        with open(pidfile) as file:
            process = int(file.read())
    except FileNotFoundError:
        raise NoAnswer(
            f"{target} does not run, or has another pidfile than {pidfile}: "
            "name its socket with --target"
        ) from None
    except (OSError, ValueError) as error:
        raise NoAnswer(f"{pidfile}: {getattr(error, 'strerror', 'no process id in it')}") from None
    return socket_beside(pidfile, process)


def ask(path: str, command: str, arguments: Sequence[str], timeout: float = 60.0) -> str:
    """Send a command to the process with this control socket; return its answer.

    ``timeout`` is in seconds, for the whole answer. Raises NoAnswer and CommandFailed. In the
    application, other green threads run meanwhile.
    """
    request = {"id": 1, "method": command, "params": list(arguments)}
    end = time.monotonic() + timeout
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout)
            connection.connect(path)
            connection.sendall(json.dumps(request).encode())
            reply = _receive(connection, end)
    except TimeoutError:
        raise NoAnswer(f"{path}: no answer within {timeout:g} s") from None
    except OSError as error:
        raise NoAnswer(f"{path}: {error.strerror or error}") from None
    if reply.get("error") is not None:
        raise CommandFailed(str(reply["error"]))
    return str(reply.get("result") or "")


def _receive(connection: socket.socket, end: float) -> dict[str, object]:
    received = bytearray()
    while True:
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(left)
        part = connection.recv(_AT_ONCE)
        if not part:
            raise OSError("it closed the connection without an answer")
        received += part
        if not part.endswith(b"}"):
            continue
        try:
            reply = json.loads(received)
        except ValueError:
            continue  # a brace within the answer
        if isinstance(reply, dict):
            return reply
        raise OSError("its answer is no JSON-RPC reply")
