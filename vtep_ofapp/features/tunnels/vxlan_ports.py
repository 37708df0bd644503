"""The VXLAN ports of all bridges of one Open vSwitch: they compete for packets and for ends."""

from collections.abc import Mapping
from dataclasses import dataclass

from ...values.rows import Bridge, VxlanPort


@dataclass(frozen=True, slots=True)
class VxlanPortsAre:
    """All VXLAN ports of the switch's Open vSwitch, those of its other bridges too."""

    ports: frozenset[VxlanPort]


class FixedKeys:
    """The VXLAN ports that one switch competes with.

    Those with a ``key`` take packets that are for tunnels of ours.
    """

    def __init__(self) -> None:
        self.ports: list[VxlanPort] = []
        self._all: frozenset[VxlanPort] = frozenset()

    def take(self, ports: frozenset[VxlanPort]) -> list[VxlanPort] | None:
        """Take the ports as they are now; return those with a key that came or went.

        None if no port of any kind did.
        """
        if ports is self._all:
            return None
        former, self._all = self._all, ports
        self.ports = [port for port in ports if port.key is not None]
        return [port for port in ports ^ former if port.key is not None]


class VxlanPorts:
    """``ports`` are all there are; it is another object when they have changed."""

    def __init__(self) -> None:
        self.ports: frozenset[VxlanPort] = frozenset()
        self._of: dict[str, frozenset[VxlanPort]] = {}

    def update(self, bridges: Mapping[str, Bridge | None]) -> None:
        """Take bridges by name as they are now, None for those that are gone."""
        changed = False
        for name, bridge in bridges.items():
            ports = bridge.ports.values() if bridge else ()
            new = frozenset(port.vxlan for port in ports if port.vxlan is not None)
            if new != self._of.get(name, frozenset()):
                self._of[name] = new
                changed = True
        if changed:
            self.ports = frozenset[VxlanPort]().union(*self._of.values())
