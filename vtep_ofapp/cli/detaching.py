"""Run on in a process of our own, once what was started is ready: ``--detach``.

The process that was called waits for the READY=1 that the application sends to a service manager
(sd_notify(3)). The new one keeps the terminal until then, so that its log says what it waits for.
"""

import os
import secrets
import select
import signal
import socket
from dataclasses import dataclass

_READY = b"READY=1"
_INTERRUPTED = 128 + signal.SIGINT


@dataclass(frozen=True, slots=True)
class Child:
    """The new process, in the calling one. ``notices`` are those for a service manager."""

    process: int
    caller: socket.socket
    notices: socket.socket

    def wait_until_ready(self) -> int:
        """Return 0 when the new process is ready, or its exit code if it ends before."""
        try:
            while True:
                readable, _, _ = select.select([self.notices, self.caller], [], [])
                if self.notices in readable:
                    if _READY in self.notices.recv(1 << 16).splitlines():
                        break
                elif not self.caller.recv(1):
                    return self._exit_code()
            self.caller.shutdown(socket.SHUT_WR)
            self.caller.recv(1)  # until it has left the terminal
            return 0
        except KeyboardInterrupt:
            os.kill(self.process, signal.SIGTERM)
            self._exit_code()
            return _INTERRUPTED

    def _exit_code(self) -> int:
        _, status = os.waitpid(self.process, 0)
        code = os.waitstatus_to_exitcode(status)
        return code if code >= 0 else 128 - code


def detach() -> Child | socket.socket:
    """Fork. Return the child in the calling process, and in the new one the socket to its caller.

    It can be read when the new process is to leave the terminal, and is closed after that.
    """
    address = f"vtep_ofapp.{os.getpid()}.{secrets.token_hex(8)}"
    notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notices.bind(f"\0{address}")  # no file that could stay behind
    ours, theirs = socket.socketpair()
    process = os.fork()
    if process:
        theirs.close()
        return Child(process, ours, notices)
    ours.close()
    os.environ["NOTIFY_SOCKET"] = f"@{address}"
    os.environ.pop("WATCHDOG_USEC", None)
    notices.close()
    os.setsid()
    to_nowhere(0)
    return theirs


def to_nowhere(*descriptors: int) -> None:
    """Make descriptors those of /dev/null."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in descriptors:
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
