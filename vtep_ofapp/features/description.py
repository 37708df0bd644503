"""Physical_Switch: default values of description and management_ips."""

from collections.abc import Iterator

from ..engine.feature import Feature
from ..engine.report import ManagedSwitches, Report
from ..values.rows import PhysicalSwitch
from ..values.writes import OUR_DESCRIPTION, DescribeSwitch, VtepWrite


class Description(Report):
    """Writes description and management_ips of managed switches where they are empty."""

    def __init__(self) -> None:
        self._managed = ManagedSwitches({}, {}, {})
        self.handlers = {ManagedSwitches: self._take}

    def writes(self) -> Iterator[VtepWrite]:
        """Yield a write for each switch that lacks a description or a management IP."""
        for name, switch in self._managed.open.items():
            physical = switch.physical
            if physical is None:
                continue
            addresses = _management_ips(physical, self._managed.peers.get(name))
            if not physical.description or (addresses and not physical.management_ips):
                description = f"{name} of Open vSwitch, {OUR_DESCRIPTION}"
                yield DescribeSwitch(physical.uuid, addresses, description)

    def _take(self, managed: ManagedSwitches) -> None:
        self._managed = managed


def _management_ips(physical: PhysicalSwitch, peer: str | None) -> frozenset[str]:
    """Return the switch's management IP: its address on the OpenFlow connection.

    For a connection from this host it is this host's address towards the managers.
    """
    if peer is None:
        return frozenset()
    return physical.towards_managers if peer.startswith("127.") else frozenset({peer})


FEATURE = Feature(reports=(lambda known, settings, clock: Description(),))
