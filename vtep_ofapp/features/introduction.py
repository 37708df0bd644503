"""Physical_Switch: a description, and where the switch can be managed, if nobody has given them."""

from collections.abc import Iterator

from ..engine.feature import Feature
from ..engine.report import ManagedSwitches, Report
from ..values.rows import PhysicalSwitch
from ..values.writes import IntroduceSwitch, VtepWrite


class Introduction(Report):
    """Introduces each managed switch to people."""

    def __init__(self) -> None:
        self._managed = ManagedSwitches({}, {}, {})
        self.handlers = {ManagedSwitches: self._take}

    def writes(self) -> Iterator[VtepWrite]:
        """Yield the identification of each switch that lacks one."""
        for name, switch in self._managed.open.items():
            physical = switch.physical
            if physical is None:
                continue
            addresses = _management_ips(physical, self._managed.peers.get(name))
            if not physical.description or (addresses and not physical.management_ips):
                description = f"{name} of Open vSwitch, managed by vtep_ofapp"
                yield IntroduceSwitch(physical.uuid, addresses, description)

    def _take(self, managed: ManagedSwitches) -> None:
        self._managed = managed


def _management_ips(physical: PhysicalSwitch, peer: str | None) -> frozenset[str]:
    """Return where the switch can be managed: where it calls from, unless that is right here."""
    if peer is None:
        return frozenset()
    return physical.towards_managers if peer.startswith("127.") else frozenset({peer})


FEATURE = Feature(reports=(lambda known, settings, clock: Introduction(),))
