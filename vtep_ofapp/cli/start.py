"""Start the application for ``vtep-ofapp``, in the foreground or detached."""

import os
import sys
from collections.abc import Sequence

from ..process import lowest
from . import detaching, green
from .flags import parse


def start(words: Sequence[str]) -> int:
    """Run the application until it is ended; return the exit code. Raises WrongWords.

    With ``--detach`` this returns in the calling process when the application is ready; it runs in
    a process of its own.
    """
    flags, others = parse(words)
    lowest.check_libraries("vtep-ofapp")
    caller = None
    if flags.detach and not os.environ.get("NOTIFY_SOCKET"):
        started = detaching.detach()
        if isinstance(started, detaching.Child):
            return started.wait_until_ready()
        caller = started
    green.prepare("vtep-ofapp")
    from . import running

    try:
        running.run(flags, others, caller)
    except running.CannotStart as error:
        print(f"vtep-ofapp: {error}", file=sys.stderr)
        return 1
    return 0
