"""The owners of the flows and rows of ARP sources; that of other VTEPs' is Source."""

from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from ..next_hops.places import Place


@dataclass(frozen=True, slots=True)
class OwnSource:
    """The owner of this switch's own ARP source."""


class RoutedSwitch(NamedTuple):
    """The owner of the flows of a logical switch from and to all other VTEPs that route."""

    logical_switch: UUID


class TunnelSide(NamedTuple):
    """The owner of what other VTEPs see of a router in a logical switch."""

    router: UUID
    logical_switch: UUID


@dataclass(frozen=True, slots=True)
class QuietAnswers:
    """The owner of the flow by which answers from a place are not shown; see QuietPlace."""

    place: Place
