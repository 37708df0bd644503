"""Starts Python programs by forking: what they are slow to import is here already.

    python server.py DESCRIPTOR

The descriptor is of a socket. A request there is a message in JSON with `argv`, `folder`,
`environment` and `namespace`, and three descriptors: of the program's output and errors, and of a
pipe that gets a line with the process id, and one with the exit code. `argv` begins with the file
of a program, or with `-m` and the name of a module.
"""

from __future__ import annotations

import warnings

warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")

from vtep_ofapp.cli import green

green.prepare("prefork")  # as the launcher does, before anything else is imported

import contextlib
import ctypes
import gc
import importlib
import json
import os
import runpy
import signal
import sys
from typing import Any, NoReturn

import eventlet
import os_ken.ofproto.ofproto_v1_3_parser
import ovs.db.idl
import ovs.dirs
import ovs.unixctl.server
from eventlet.patcher import original

import vtep_ofapp.app
import vtep_ofapp.cli.osken_manager

system, socket = original("os"), original("socket")
"""Without green threads: this process has none."""

CLONE_NEWNET = 0x40000000
"""From linux/sched.h; Python 3.12 has it as os.CLONE_NEWNET."""
PR_SET_PDEATHSIG = 1
"""From linux/prctl.h."""


def serve(requests: Any) -> None:
    """Start what is asked for until nobody can ask any more; then what was started ends, too."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    server = os.getpid()
    while True:
        message, descriptors, _, _ = socket.recv_fds(requests, 1 << 18, 3)
        if not message:
            return
        if os.fork() == 0:
            end_with(server)
            requests.close()
            keep(json.loads(message), *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def keep(request: dict[str, Any], output: int, error: int, report: int) -> None:
    """Fork once more, into the program; tell its process id and its exit code.

    Returns in the program alone.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    keeper = os.getpid()
    pid = os.fork()
    if pid == 0:
        end_with(keeper)
        os.close(report)
        become(request, output, error)
    os.close(output)
    os.close(error)
    system.write(report, f"{pid}\n".encode())
    _, status = system.waitpid(pid, 0)
    with contextlib.suppress(BrokenPipeError):  # nobody waits for its end any longer
        system.write(report, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def end_with(parent: int) -> None:
    """Have the kernel end this process when its parent ends, however that comes about."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it has ended meanwhile
        os._exit(1)


def become(request: dict[str, Any], output: int, error: int) -> NoReturn:
    """Be the program."""
    os.setsid()
    have_own_hub()
    if request["namespace"]:
        enter(request["namespace"])
    os.chdir(request["folder"])
    for descriptor, stream in ((output, sys.stdout), (error, sys.stderr)):
        os.dup2(descriptor, stream.fileno())
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(request["environment"])
    importlib.reload(ovs.dirs)  # it has read the environment
    sys.argv = request["argv"]
    if sys.argv[0] == "-m":
        runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(sys.argv[0], run_name="__main__")
    sys.exit()


def have_own_hub() -> None:
    """Leave the hub that monkey_patch() made: all copies would share its epoll instance.

    Each would get the events of all others, by the numbers of their descriptors.
    """
    inherited = eventlet.hubs.get_hub()
    eventlet.hubs.use_hub()
    inherited.poll.close()


def enter(namespace: str) -> None:
    """Enter a network namespace. Raises OSError."""
    with open(namespace) as file:
        if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"no way into {namespace}")


sys.path.pop(0)  # this folder
gc.freeze()
serve(socket.socket(fileno=int(sys.argv[1])))
