"""What one owner wants. The owner is a key: a binding, a station, a tunnel, a logical router."""

from collections.abc import Hashable
from typing import NamedTuple, TypeAlias

from ..values.faults import Fault
from ..values.flows import Flow, Group
from ..values.rows import TunnelPort
from .needs import NO_TUNNELS, Addresses

Key: TypeAlias = Hashable
"""The key of an owner. Its type belongs to one feature, and says how the owner is worked out."""


class Desired(NamedTuple):
    """What one owner wants, and what is wrong with it. There may be very many: a tuple is fast.

    ``rows`` are rows of hardware_vtep that the switch owes, by a key whose type says of which
    table they are; ``ports`` are tunnel ports by name. ``uses`` are the remote VTEPs by whose
    tunnels its frames leave, so that these are wanted.
    """

    flows: tuple[Flow, ...] = ()
    groups: tuple[Group, ...] = ()
    faults: tuple[Fault, ...] = ()
    rows: tuple[tuple[Key, object], ...] = ()
    ports: tuple[tuple[str, TunnelPort], ...] = ()
    uses: Addresses = NO_TUNNELS


NOTHING = Desired()
