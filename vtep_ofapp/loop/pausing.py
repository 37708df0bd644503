"""The pause that an operator asked for: nothing is written to switches and databases."""

import logging

from ..values.events import PauseIs
from .dispatch import Handlers
from .timers import Timers

LOG = logging.getLogger("vtep_ofapp.loop")

REMINDER_TIME = 60.0
"""Seconds between two log lines of a pause."""


class Pausing:
    """Whether this process is paused, and its log lines.

    Rows, roles, packet-ins and read-backs are handled during a pause as ever, so that the
    differences can be sent at once when it ends. It ends with the process at the latest.
    """

    def __init__(self, timers: Timers) -> None:
        self.since: float | None = None
        """When the pause began, by the clock of the loop; None if there is none."""
        self._clock = timers.clock
        self._reminder = timers.timer("reminder of a pause", self._remind)
        self.handlers: Handlers = {PauseIs: self._pause_is}

    @property
    def is_paused(self) -> bool:
        """Whether nothing is written to switches and databases."""
        return self.since is not None

    def _pause_is(self, event: PauseIs) -> None:
        if event.paused == self.is_paused:
            return
        if event.paused:
            self.since = self._clock()
            self._remind()
        else:
            self.since = None
            self._reminder.stop()
            LOG.info("resumed by an operator: all differences are sent")

    def _remind(self) -> None:
        LOG.warning(
            "paused by an operator: nothing is written to switches and databases; "
            "ovs-appctl -t vtep_ofapp resume"
        )
        self._reminder.start(REMINDER_TIME)
