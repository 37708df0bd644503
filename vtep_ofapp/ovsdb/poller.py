"""Waiting for OVSDB sessions in a green thread."""

from typing import Any

import ovs.poller
import ovs.timeval
from eventlet import getcurrent
from eventlet.green import time
from eventlet.hubs import get_hub


class Waiter:
    """A replacement of ovs.poller.Poller for one wait in a green thread.

    Under eventlet the library's own Poller sleeps for a tenth of a second even if it should not
    wait at all. Eventlet's select, if two descriptors become ready at once, wakes the green thread
    up once for each: a second time out of whatever it waits for by then, with a wrong result.
    """

    def __init__(self) -> None:
        self._reads: set[int] = set()
        self._writes: set[int] = set()
        self._deadline: int | None = None

    def fd_wait(self, fd: Any, events: int) -> None:
        """Wake up when a file descriptor, or an object that has one, is ready for the events.

        The events are those of ovs.poller.
        """
        number = fd if isinstance(fd, int) else fd.fileno()
        if events & ovs.poller.POLLIN:
            self._reads.add(number)
        if events & ovs.poller.POLLOUT:
            self._writes.add(number)

    def timer_wait(self, milliseconds: int) -> None:
        """Wake up after this time at the latest."""
        self.timer_wait_until(ovs.timeval.msec() + milliseconds)

    def timer_wait_until(self, deadline: int) -> None:
        """Wake up at this time of ovs.timeval at the latest."""
        self._deadline = deadline if self._deadline is None else min(deadline, self._deadline)

    def immediate_wake(self) -> None:
        """Make block() return at once."""
        self._deadline = 0

    def block(self) -> None:
        """Wait; other green threads run meanwhile."""
        if self._deadline is None:
            self._wait(None)
            return
        seconds = (self._deadline - ovs.timeval.msec()) / 1000
        if seconds > 0:
            self._wait(seconds)
        else:
            time.sleep(0)

    def _wait(self, seconds: float | None) -> None:
        """Wait until a descriptor is ready or closed, or for so many seconds."""
        hub, waiting, is_over = get_hub(), getcurrent(), False
        listeners: list[Any] = []

        def wake(*_: object) -> None:
            if not is_over:
                waiting.switch()

        kinds = [(hub.READ, number) for number in self._reads]
        kinds += [(hub.WRITE, number) for number in self._writes]
        timer = hub.schedule_call_global(seconds, wake) if seconds is not None else None
        try:
            for kind, number in kinds:  # a descriptor may turn out to be closed
                listeners.append(hub.add(kind, number, wake, wake, lambda: None))
            hub.switch()
        finally:
            is_over = True
            for listener in listeners:
                hub.remove(listener)
            if timer is not None:
                timer.cancel()
