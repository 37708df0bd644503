"""Programs of ours that begin as a copy of a process which has imported all that they need.

Half of the time of `tests/switch` went into imports, a few hundred times the same. What the
environment says is read by each process itself.
"""

from __future__ import annotations

import functools
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from select import select
from signal import SIGKILL
from tempfile import TemporaryFile

from sim.lab import app

CHECKOUT = Path(__file__).parents[2]
ENVIRONMENT = app.ENVIRONMENT
"""What the server was started with; a process that wants it otherwise is to be started itself."""


class Forked(subprocess.Popen[bytes]):
    """A process of the server's, which tells by a pipe the process id, and later the exit code."""

    def __init__(self, arguments: Sequence[str], report: int) -> None:
        """Describe the process that was asked for."""
        self.args = list(arguments)
        self.stdin = self.stdout = self.stderr = None
        self.returncode: int | None = None
        self._report = os.fdopen(report, "rb", buffering=0)
        self.pid = int(self._report.readline())

    def poll(self) -> int | None:
        """Return the exit code, or None while the process runs."""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code when the process has ended; raises TimeoutExpired."""
        if (code := self._ended(timeout)) is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
        return code

    def kill(self) -> None:
        """Send SIGKILL, if the process has not ended."""
        self.send_signal(SIGKILL)

    def _ended(self, timeout: float | None) -> int | None:
        if self.returncode is None and select([self._report], [], [], timeout)[0]:
            self.returncode = int(self._report.readline())
            self._report.close()
        return self.returncode


def spawn(
    argv: Sequence[str],
    log: Path,
    environment: Mapping[str, str],
    namespace: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a Python program that appends its output to a log, in the log's folder.

    `environment` is all that the program's environment has; `namespace` is the file of the network
    namespace that it runs in.
    """
    with log.open("ab") as output:
        outputs = output.fileno(), output.fileno()
        return _start(argv, log.parent, environment, outputs, namespace)


def run(
    argv: Sequence[str], folder: Path, environment: Mapping[str, str], timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run a Python program in a folder until it ends by itself; raises TimeoutExpired."""
    with TemporaryFile("w+") as output, TemporaryFile("w+") as error:
        process = _start(argv, folder, environment, (output.fileno(), error.fileno()))
        try:
            code = process.wait(timeout)
        finally:
            process.kill()
        output.seek(0)
        error.seek(0)
        return subprocess.CompletedProcess(argv, code, output.read(), error.read())


def _start(
    argv: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    outputs: tuple[int, int],
    namespace: Path | None = None,
) -> Forked:
    reading, writing = os.pipe()
    request = {
        "argv": list(argv),
        "folder": str(folder),
        "environment": dict(environment),
        "namespace": str(namespace) if namespace else None,
    }
    socket.send_fds(_server(), [json.dumps(request).encode()], [*outputs, writing])
    os.close(writing)
    return Forked(argv, reading)


@functools.cache
def _server() -> socket.socket:
    """Start the server, which ends with this process; return the socket that takes requests."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        subprocess.Popen(
            [sys.executable, Path(__file__).with_name("server.py"), str(theirs.fileno())],
            env={**os.environ, **ENVIRONMENT},
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    return ours
