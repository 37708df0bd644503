"""What the engine itself tells features of: topics, as those that features tell one another."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

from ..values.rows import Bridge, PhysicalSwitch
from .desired import Key

Topic: TypeAlias = Any
"""Something that changed, as a value of its own type. The key of an owner is a topic as well."""


@dataclass(frozen=True, slots=True)
class SwitchRowChanged:
    """The Physical_Switch row, its ports or its tunnels are not what they were."""

    former: PhysicalSwitch | None


@dataclass(frozen=True, slots=True)
class SwitchReplaced:
    """The Physical_Switch row is another one, or has other tunnel IPs: every owner is touched."""


@dataclass(frozen=True, slots=True)
class BridgeChanged:
    """The bridge or its ports are not what they were."""

    former: Bridge | None


@dataclass(frozen=True, slots=True)
class TunnelsWanted:
    """Tunnels to these addresses began or ended to be wanted."""

    addresses: frozenset[str]


@dataclass(frozen=True, slots=True)
class TunnelChanged:
    """The tunnel to an address is up, is given up, or has another port: who waits is touched."""

    address: str


@dataclass(frozen=True, slots=True)
class RowWanted:
    """A row that the switch owes is wanted."""

    key: Key


@dataclass(frozen=True, slots=True)
class StationsChanged:
    """Stations, by logical switch and MAC, that were learned, moved or forgotten."""

    stations: Collection[tuple[UUID, str]]
