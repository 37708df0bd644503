"""Log lines about hosts that claim an address of a router, or its MAC address."""

import logging
from collections import Counter as Sums
from collections.abc import Mapping
from uuid import UUID

from ...engine.view import View
from ...pipeline.layout import Table
from ...pipeline.routing import imitated
from ...pipeline.snooping import claimed
from ...values.counters import Counter
from ...values.flows import FlowKey
from ..bursts import Bursts
from ..logical_switches.rows import LogicalSwitches
from ..routers.here import RoutersHere

LOG = logging.getLogger("vtep_ofapp.claims")


class Claims:
    """The frames of one switch that were dropped because a host claims what is a router's.

    Each address in a logical switch is said once, and again after it was quiet for ten minutes.
    """

    def __init__(self, view: View) -> None:
        self._view = view
        self._bursts: Bursts[tuple[int, str, bool]] = Bursts(view.clock)

    def count(self, counters: Mapping[FlowKey, Counter]) -> None:
        """Handle the counters of flows; log the claims that began."""
        sums: Sums[tuple[int, str, bool]] = Sums()
        for key, counter in counters.items():
            found = claimed(key) or imitated(key)
            if found is not None:
                number, address = found
                sums[number, address, key.table == Table.LEARNING] += counter.packets
        for (number, address, is_mac), frames in self._bursts.begun(sums):
            logical_switch = self._view[LogicalSwitches].ids.key(number)
            if logical_switch is not None:
                self._say(logical_switch, address, is_mac, frames)

    def _say(self, logical_switch: UUID, address: str, is_mac: bool, frames: int) -> None:
        here, where = self._view[RoutersHere], self._view[LogicalSwitches].name(logical_switch)
        owner = (here.with_mac if is_mac else here.owner_of)(logical_switch, address)
        router = here.name(owner.router) if owner else "a router"
        text = (
            "%s: %d frames were dropped: a host of %s claims %s, an address of %s; "
            "one of both needs another one"
        )
        if is_mac:
            text = (
                "%s: %d frames were dropped: a host of %s sends from %s, the MAC address of %s; "
                "that is a loop, or a copy of it"
            )
        LOG.warning(text, self._view.name, frames, where, address, router)
