"""The VXLAN ports of all bridges of one Open vSwitch, which may receive each other's packets."""

from collections.abc import Mapping
from dataclasses import dataclass

from ...values.rows import Bridge, VxlanPort


@dataclass(frozen=True, slots=True)
class VxlanPortsAre:
    """The VXLAN ports of all bridges of the switch's Open vSwitch changed."""

    ports: frozenset[VxlanPort]


class FixedKeys:
    """The VXLAN ports with a fixed key, which receive packets in place of our tunnels."""

    def __init__(self) -> None:
        self.ports: list[VxlanPort] = []
        self._all: frozenset[VxlanPort] = frozenset()

    def take(self, ports: frozenset[VxlanPort]) -> list[VxlanPort] | None:
        """Set all VXLAN ports; return those with a key that were added or removed.

        None if no port of any kind was.
        """
        if ports is self._all:
            return None
        former, self._all = self._all, ports
        self.ports = [port for port in ports if port.key is not None]
        return [port for port in ports ^ former if port.key is not None]


class VxlanPorts:
    """The VXLAN ports of one Open vSwitch; ``ports`` is a new object after each change."""

    def __init__(self) -> None:
        self.ports: frozenset[VxlanPort] = frozenset()
        self._of: dict[str, frozenset[VxlanPort]] = {}

    def update(self, bridges: Mapping[str, Bridge | None]) -> None:
        """Set changed bridges by name, None for those that are gone."""
        changed = False
        for name, bridge in bridges.items():
            ports = bridge.ports.values() if bridge else ()
            new = frozenset(port.vxlan for port in ports if port.vxlan is not None)
            if new != self._of.get(name, frozenset()):
                self._of[name] = new
                changed = True
        if changed:
            self.ports = frozenset[VxlanPort]().union(*self._of.values())
