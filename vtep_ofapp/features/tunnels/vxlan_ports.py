"""The VXLAN ports of all bridges of one Open vSwitch: they compete for packets and for ends."""

from collections.abc import Mapping

from ...values.rows import Bridge, VxlanPort


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
