"""The desired state of one owner: a binding, a station, a tunnel, a logical router."""

from collections.abc import Hashable
from typing import NamedTuple, TypeAlias

from ..values.faults import Fault
from ..values.flows import Flow, FlowKey, Group
from ..values.rows import TunnelPort
from .needs import NO_TUNNELS, Addresses

Key: TypeAlias = Hashable
"""The key of an owner. Its type belongs to one feature and selects how its state is computed."""


class Desired(NamedTuple):
    """The flows, groups, faults, rows and tunnel ports of one owner.

    ``rows`` are rows of hardware_vtep by their keys; the type of a key selects the table.
    ``ports`` are tunnel ports by name. ``uses`` are the remote VTEPs to which the owner sends
    frames; a tunnel to each of them is desired. A tuple, because there may be very many.
    """

    flows: tuple[Flow, ...] = ()
    groups: tuple[Group, ...] = ()
    faults: tuple[Fault, ...] = ()
    rows: tuple[tuple[Key, object], ...] = ()
    ports: tuple[tuple[str, TunnelPort], ...] = ()
    uses: Addresses = NO_TUNNELS

    def has_flow(self, key: FlowKey) -> bool:
        """Whether the flow with this key is desired."""
        return any(flow.key == key for flow in self.flows)

    def has_group(self, id: int) -> bool:
        """Whether the group with this id is desired."""
        return any(group.id == id for group in self.groups)

    def has_port(self, name: str) -> bool:
        """Whether the tunnel port with this name is desired."""
        return any(port == name for port, _ in self.ports)


NOTHING = Desired()
