"""Changes of a switch's flows and groups, as values."""

from collections.abc import Iterable
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


def in_one_bundle(changes: Iterable[Change], most: int) -> list[Change]:
    """Return the changes of the next bundle: all of them, or about ``most`` at a time.

    ``changes`` have groups before the flows that use them. If they do not fit into one bundle,
    additions come first, then stations one by one with all of their changes together, and
    deletions last. So no bundle leaves a flow without the group or the flow that it relies on.
    """
    every = list(changes)
    if len(every) <= most:
        return every
    stations: dict[Station, list[Change]] = {}
    new: list[list[Change]] = []
    gone: list[list[Change]] = []
    for change in every:
        station = _station(change)
        if station is not None:
            stations.setdefault(station, []).append(change)
        else:
            (gone if _is_removal(change) else new).append([change])
    ending = [each for each in stations.values() if all(map(_is_removal, each))]
    changing = [each for each in stations.values() if not all(map(_is_removal, each))]
    part: list[Change] = []
    for unit in chain(new, changing, ending, gone):
        if part and len(part) + len(unit) > most:
            break
        part.extend(unit)
    return part


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
