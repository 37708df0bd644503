"""The sockets on which we listen for OpenFlow: a TCP port, and a Unix socket beside it."""

import atexit
import contextlib
import errno
import os
import socket
import stat
from dataclasses import dataclass
from typing import Any

from os_ken.lib import hub

from .tls import Certificates

_BACKLOG = 512
"""Connections that wait to be accepted: many switches may connect at once."""
_RECEIVED = 1 << 16
"""Bytes that the kernel keeps of a connection until we read them (SO_RCVBUF, see socket(7)).

By itself it keeps megabytes: in a flood Open vSwitch's echo requests wait behind ten thousands of
packet-ins, so long that it closes the connection. With less room it drops packet-ins instead.
"""
_SEGMENT = 1460
"""Bytes in a segment (TCP_MAXSEG, see tcp(7)), as on Ethernet.

On the loopback interface it is 64 KiB, and the buffer of the sender is a multiple of it.
"""

_ADVICE = {
    errno.EADDRINUSE: "; another process listens there: end it, or give another port",
    errno.EADDRNOTAVAIL: "; give an address of this host, or 0.0.0.0 for all of them",
    errno.EACCES: "; give a port above 1023",
}


class CannotListen(Exception):
    """The listening socket cannot be opened; the text is the reason and a remedy, in one line."""


@dataclass(frozen=True, eq=False)
class ListeningSocket:
    """A listening socket. It speaks TLS if it has certificates.

    ``name`` stands for the address of its peers where they have none, or any that they like.
    """

    socket: Any
    certificates: Certificates | None = None
    name: str = ""


def tcp(host: str, port: int, option: str, certificates: Certificates | None) -> ListeningSocket:
    """Listen at an address that no other process can share; raises CannotListen.

    ``option`` is the name of the option with the port.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        opened = hub.listen((host, port), family=family, backlog=_BACKLOG, reuse_port=False)
    except OSError as error:
        where = f"[DEFAULT] ofp_listen_host = {host}, {option} = {port}"
        advice = _ADVICE.get(error.errno or 0, "")
        raise CannotListen(f"{where}: {error.strerror or error}{advice}") from None
    _bound_queues(opened)
    return ListeningSocket(opened, certificates)


def _bound_queues(listening: Any) -> None:
    """Bound what waits in the kernel for us on each connection of a TCP socket."""
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVED)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, _SEGMENT)


def unix(path: str) -> ListeningSocket:
    """Listen on a Unix socket that only this user may open; raises CannotListen.

    A socket that a killed process left behind is replaced. It is removed when this process ends,
    unless another one has taken its path.
    """
    former = os.umask(0o177)
    try:
        _remove_stale(path)
        opened = hub.listen(path, family=socket.AF_UNIX, backlog=_BACKLOG, reuse_port=False)
        ours = os.lstat(path)
    except OSError as error:
        in_use = error.errno == errno.EADDRINUSE
        reason = "another process or file has this path" if in_use else error.strerror or error
        raise CannotListen(f"[vtep] openflow_socket: {path}: {reason}") from None
    finally:
        os.umask(former)
    atexit.register(_remove, path, ours, os.getpid())
    return ListeningSocket(opened, name=f"unix:{path}")


def _remove_stale(path: str) -> None:
    """Remove a socket on which no process listens. Raises OSError."""
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            return
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX) as client:
        client.setblocking(False)
        if client.connect_ex(path) == errno.ECONNREFUSED:
            os.unlink(path)


def _remove(path: str, ours: os.stat_result, process: int) -> None:
    """Remove our socket, at the end of this process and not of one that it forked."""
    if os.getpid() == process:
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.lstat(path), ours):
                os.unlink(path)
