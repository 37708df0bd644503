"""Changes of a switch's flows and groups, as values."""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple, TypeAlias

from .addresses import is_station
from .flows import Flow, FlowKey, Group, MatchValue


class FlowChange(NamedTuple):
    """Add or modify the flow with the key; delete it if ``flow`` is None.

    The switch reports a deletion that ``is_reported``: the flow was a watched one.
    """

    key: FlowKey
    flow: Flow | None
    is_reported: bool = False

    def __str__(self) -> str:
        return f"flow {self.flow}" if self.flow else f"no flow {self.key}"


@dataclass(frozen=True, slots=True)
class GroupChange:
    """Add the group, or modify it if it ``exists``; delete it if ``group`` is None."""

    id: int
    group: Group | None
    exists: bool

    def __str__(self) -> str:
        return f"group {self.group}" if self.group else f"no group {self.id:#x}"


Change: TypeAlias = FlowChange | GroupChange
Station: TypeAlias = tuple[MatchValue, str]


def in_one_bundle(
    changes: Iterable[Change],
    most: int,
    whole: Callable[[FlowKey], Hashable | None] = lambda key: None,
) -> list[Change]:
    """Return the changes of the next bundle: all of them, or about ``most`` at a time.

    ``changes`` have groups before the flows that use them. ``whole`` returns what a flow belongs to
    of which no part may be in force without the rest, None for most flows. If the changes do not
    fit into one bundle, such wholes come first, each with all of its changes however many, then
    additions, then stations one by one with all of their changes together, and deletions last, of
    wholes at the very end. So no bundle leaves a flow without the group or the flow that it relies
    on.
    """
    every = list(changes)
    if len(every) <= most:
        return every
    stations: dict[Hashable, list[Change]] = {}
    wholes: dict[Hashable, list[Change]] = {}
    new: list[list[Change]] = []
    gone: list[list[Change]] = []
    for change in every:
        station = _station(change)
        one = whole(change.key) if isinstance(change, FlowChange) else None
        if one is not None:
            wholes.setdefault(one, []).append(change)
        elif station is not None:
            stations.setdefault(station, []).append(change)
        else:
            (gone if _is_removal(change) else new).append([change])
    begun, ended = _changing_and_ending(wholes.values())
    changing, ending = _changing_and_ending(stations.values())
    part: list[Change] = []
    for unit in chain(begun, new, changing, ending, gone, ended):
        if part and len(part) + len(unit) > most:
            break
        part.extend(unit)
    return part


def _changing_and_ending(
    units: Iterable[list[Change]],
) -> tuple[list[list[Change]], list[list[Change]]]:
    """Return the units of which something stays or is new, and those that end."""
    changing: list[list[Change]] = []
    ending: list[list[Change]] = []
    for unit in units:
        (ending if all(map(_is_removal, unit)) else changing).append(unit)
    return changing, ending


def _station(change: Change) -> Station | None:
    """Return the logical switch and the MAC of the station that a flow belongs to, if any."""
    if isinstance(change, GroupChange):
        return None
    fields = dict(change.key.match)
    mac, logical_switch = fields.get("eth_src", fields.get("eth_dst")), fields.get("metadata")
    if logical_switch is None or not isinstance(mac, str) or not is_station(mac):
        return None
    return logical_switch, mac


def _is_removal(change: Change) -> bool:
    return (change.group if isinstance(change, GroupChange) else change.flow) is None
