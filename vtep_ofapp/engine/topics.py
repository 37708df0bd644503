"""The topics that the engine itself raises."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

from ..values.flows import Flow, FlowKey, Group
from ..values.rows import Bridge, PhysicalSwitch

Topic: TypeAlias = Any
"""Something that changed, as a value of its own type.

The key of an owner is a topic as well, and so is the key of a row once the row is desired.
"""


@dataclass(frozen=True, slots=True)
class SwitchRowChanged:
    """The Physical_Switch row, its ports or its tunnels changed."""

    former: PhysicalSwitch | None


@dataclass(frozen=True, slots=True)
class SwitchReplaced:
    """The Physical_Switch row is another one, or its tunnel IPs changed: all owners are invalid.

    What a ``former`` row bound is bound still, perhaps. Without one, only the bindings of the new
    row are there, and SwitchRowChanged has invalidated what is in their logical switches.
    """

    former: PhysicalSwitch | None


@dataclass(frozen=True, slots=True)
class BridgeChanged:
    """The bridge or its ports changed."""

    former: Bridge | None


@dataclass(frozen=True, slots=True)
class ContentsRead:
    """The switch was read back, and has these flows and groups: of this process or an earlier one.

    It is not raised when the switch is only checked for changes by others. ``is_after_another``
    says that another process may have led the switch since this one did: it knows more.
    """

    flows: Mapping[FlowKey, Flow]
    groups: Mapping[int, Group]
    is_after_another: bool = False


@dataclass(frozen=True, slots=True)
class TunnelsWanted:
    """Tunnels to these addresses became desired, or no longer are."""

    addresses: frozenset[str]


@dataclass(frozen=True, slots=True)
class TunnelChanged:
    """The state or the port of a tunnel changed: owners that wait for the tunnel are invalid."""

    address: str


@dataclass(frozen=True, slots=True)
class StationsChanged:
    """Stations, by logical switch and MAC, that were learned, moved or forgotten."""

    stations: Collection[tuple[UUID, str]]


@dataclass(frozen=True, slots=True)
class FlowsRefused:
    """The switch refused to add or change these flows; they are tried again after a pause."""

    flows: frozenset[FlowKey]
