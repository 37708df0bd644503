"""Recompute a switch and read it back, as an operator asked: for the case that both are wrong."""

import logging

from ..values.events import ResyncWanted
from .dispatch import Handlers
from .switches import Switches

LOG = logging.getLogger("vtep_ofapp.loop")


class Resync:
    """Handles the requests. What is the same afterwards is not sent again.

    A switch that is not known yet is only recomputed, as it is going to be read back anyway.
    """

    def __init__(self, switches: Switches) -> None:
        self._switches = switches
        self.handlers: Handlers = {ResyncWanted: self._wanted}

    def _wanted(self, event: ResyncWanted) -> None:
        driver = self._switches.drivers.get(event.switch)
        if driver is None:
            return
        LOG.info("%s: recomputed and read back, as an operator asked", event.switch)
        driver.switch.invalidate_all()
        driver.contents.check()
        self._switches.changed()
