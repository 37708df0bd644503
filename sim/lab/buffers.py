"""Receive buffers of a process's packet sockets, made large from outside."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path

_SIZE = 64 << 20
"""Bytes: some 80,000 frames of the least length. The default of Linux keeps 277."""

# From asm-generic/socket.h and unistd.h; Python has no names for them.
_SO_RCVBUFFORCE = 33
_PIDFD_GETFD = 438


def enlarge_packet_buffers(pid: int) -> None:
    """Let the kernel keep what arrives at a process's packet sockets until it has time to read.

    Open vSwitch reads the interfaces of its user-space datapath by such sockets. On a busy machine
    it may not run for a tenth of a second, and the kernel drops what it has no room for: frames
    that no switch has seen would be missing. Raises OSError.
    """
    for shared in _sockets(pid):
        if shared.family == socket.AF_PACKET:
            shared.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _SIZE)


def _sockets(pid: int) -> Iterator[socket.socket]:
    """Yield the process's sockets, each as one of ours that is closed afterwards."""
    system = ctypes.CDLL(None, use_errno=True)
    process = os.pidfd_open(pid)
    try:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                if not os.readlink(entry).startswith("socket:"):
                    continue
                descriptor = system.syscall(_PIDFD_GETFD, process, int(entry.name), 0)
                if descriptor < 0 and ctypes.get_errno() == errno.EBADF:
                    continue  # closed meanwhile
                if descriptor < 0:
                    raise OSError(ctypes.get_errno(), f"descriptor {entry.name} of process {pid}")
                with socket.socket(fileno=descriptor) as shared:
                    yield shared
    finally:
        os.close(process)
