"""TCP ports for the processes of a test."""

from __future__ import annotations

import socket

_held: list[socket.socket] = []


def held_port() -> int:
    """Return a TCP port of 127.0.0.1 that no other test gets while this test run lasts.

    Its socket is bound and does not listen: the kernel gives the port to nobody who asks for any,
    and a process that is told the number, and sets SO_REUSEADDR as all servers do, can listen.
    """
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    _held.append(holder)
    return int(holder.getsockname()[1])
