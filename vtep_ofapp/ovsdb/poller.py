"""Waiting for OVSDB sessions in a green thread."""

import ovs.poller
import ovs.timeval
from eventlet.green import select, time


class Waiter:
    """A replacement of ovs.poller.Poller for one wait in a green thread.

    Under eventlet the library's own Poller sleeps for a tenth of a second even if it should not
    wait at all.
    """

    def __init__(self) -> None:
        self._reads: list[int] = []
        self._writes: list[int] = []
        self._deadline: int | None = None

    def fd_wait(self, fd: int, events: int) -> None:
        """Wake up when the file descriptor is ready for the events of ovs.poller."""
        if events & ovs.poller.POLLIN:
            self._reads.append(fd)
        if events & ovs.poller.POLLOUT:
            self._writes.append(fd)

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
        timeout = None
        if self._deadline is not None:
            timeout = max(0.0, (self._deadline - ovs.timeval.msec()) / 1000)
        if timeout == 0:
            time.sleep(0)
        else:
            select.select(self._reads, self._writes, [], timeout)
