"""The state of multicast snooping at one switch."""

from collections.abc import Iterable
from typing import TypeAlias
from uuid import UUID, uuid5

from ...engine.stable_ids import StableIds
from ...process.settings import Settings
from .deadlines import Deadlines
from .membership import GroupMac, Membership
from .querier import Querier
from .routers import Routers

WINDOW = 10.0
"""Seconds: hosts answer a query within this time (RFC 3376, section 8.3)."""
MAX_HEARD = 5000
"""Groups that the hosts of a binding may report or leave in WINDOW: each of four hosts 1,250."""
Place: TypeAlias = int | UUID
"""A binding by its number, or all tunnels of a logical switch."""


class Snooping:
    """Members, routers and queries of one switch, and the number of each group in the pipeline.

    ``unheard`` are the places that sent more than MAX_HEARD, until their next chance.
    """

    def __init__(self, settings: Settings) -> None:
        self.is_on = settings.multicast_snooping
        self.members = Membership(settings.max_multicast_groups)
        self.routers = Routers()
        self.querier = Querier()
        self.unheard: Deadlines[Place] = Deadlines()
        self.ids = StableIds()
        self._numbered: dict[UUID, GroupMac] = {}
        self._heard: dict[Place, tuple[float, int]] = {}

    def number(self, group: GroupMac) -> int | None:
        """Return the number of a group in its logical switch, None if it has no members."""
        return self.ids.get(_id(group))

    def renumber(self, groups: Iterable[GroupMac]) -> set[GroupMac]:
        """Number groups while they have members; return these, and others with a new number."""
        changed = set(groups)
        for group in list(changed):
            id, has_members = _id(group), bool(self.members.bindings(group))
            if has_members == (id in self._numbered):
                continue
            if has_members:
                self._numbered[id] = group
                others = self.ids.add(id)
            else:
                del self._numbered[id]
                others = self.ids.remove(id)
            changed |= {self._numbered[each] for each in others}
        return changed

    def hears(self, place: Place, count: int, now: float) -> bool:
        """Count the groups that a message from a place names; return whether it is heard.

        A place that is no longer heard is added to ``unheard``.
        """
        if place in self.unheard.ends:
            return False
        begin, heard = self._heard.get(place, (now, 0))
        if now >= begin + WINDOW:
            begin, heard = now, 0
        self._heard[place] = begin, heard + count
        if heard + count <= MAX_HEARD:
            return True
        self.unheard.set(place, now + WINDOW)
        return False

    def forget_place(self, place: Place) -> None:
        """Forget how much a place sent."""
        self._heard.pop(place, None)
        self.unheard.remove(place)

    def next_end(self) -> float | None:
        """Return when something of this ends or is due, by the clock, None for never."""
        ends = (
            self.members.next_end(),
            self.routers.next_end(),
            self.querier.next_end(),
            self.unheard.next(),
        )
        return min((end for end in ends if end is not None), default=None)


def _id(group: GroupMac) -> UUID:
    return uuid5(group.logical_switch, group.mac)
