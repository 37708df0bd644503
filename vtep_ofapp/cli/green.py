"""Prepare green threads, before anything of os-ken is imported."""

import os
import sys

from ..process import collector

_HUB = "OSKEN_HUB_TYPE"
_EVENTLET = "eventlet"
_NO_GREEN_DNS = "EVENTLET_NO_GREENDNS"
"""Makes eventlet import no resolver of its own, which took a quarter of the start. The application
resolves names in a native thread; another application beside it may set the variable to no."""


def prepare(command: str, *, threads: bool = True) -> None:
    """Replace what blocks in Python's library, ``threads`` among that, by eventlet's green threads.

    Done first, so that no lock of a native thread is left behind. os-ken 4 runs on native threads
    unless a variable asks for eventlet before the first import. The application does not: ends
    the process if the variable asks for something else.
    """
    wanted = os.environ.setdefault(_HUB, _EVENTLET)
    if wanted != _EVENTLET:
        sys.exit(f"{command}: {_HUB} is {wanted!r}, and vtep_ofapp runs on {_EVENTLET} alone")
    os.environ.setdefault(_NO_GREEN_DNS, "yes")
    collector.make_rare()
    import eventlet

    # thread=True would mean threads alone: sockets and TLS would block all green threads.
    eventlet.monkey_patch(**({} if threads else {"thread": False}))
