"""Prepare green threads, before anything of os-ken is imported."""

import os
import sys

_HUB = "OSKEN_HUB_TYPE"
_EVENTLET = "eventlet"


def prepare(command: str, *, threads: bool = True) -> None:
    """Replace what blocks in Python's library, ``threads`` among that, by eventlet's green threads.

    Done first, so that no lock of a native thread is left behind. os-ken 4 runs on native threads
    unless a variable asks for eventlet before the first import. The application does not: ends
    the process if the variable asks for something else.
    """
    wanted = os.environ.setdefault(_HUB, _EVENTLET)
    if wanted != _EVENTLET:
        sys.exit(f"{command}: {_HUB} is {wanted!r}, and vtep_ofapp runs on {_EVENTLET} alone")
    import eventlet

    # thread=True would mean threads alone: sockets and TLS would block all green threads.
    eventlet.monkey_patch(**({} if threads else {"thread": False}))
