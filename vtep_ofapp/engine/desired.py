"""The desired state of one owner: a binding, a station, a tunnel, a logical router."""

from collections.abc import Hashable
from typing import NamedTuple, TypeAlias

from ..values.faults import Fault
from ..values.flows import Flow, Group
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


NOTHING = Desired()
