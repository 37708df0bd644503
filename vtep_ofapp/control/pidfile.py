"""The pidfile by which ovs-appctl finds this process, locked as Open vSwitch does it."""

import atexit
import contextlib
import fcntl
import os


class PidfileTaken(Exception):
    """Another running process has the pidfile; the text is its process id."""


def write(path: str) -> int | None:
    """Write our process id into a pidfile, and lock it until this process ends.

    A file that an earlier process left behind is replaced. The lock is that of the process
    (fcntl(2), F_SETLK): ovs-appctl takes a pidfile without a lock for a stale one.

    Return the id of that earlier process, None if there is none. Raises PidfileTaken and OSError.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        owner = _read(descriptor)
        os.close(descriptor)
        raise PidfileTaken(owner) from None
    former = _read(descriptor)
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    atexit.register(_remove, path, os.getpid())
    return int(former) if former.isdecimal() else None


def _read(descriptor: int) -> str:
    return os.read(descriptor, 32).decode(errors="replace").strip()


def _remove(path: str, process: int) -> None:
    if os.getpid() == process:  # and not in a process that we forked
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
