"""Who is a member of which multicast group at one switch: pure state, the clock is an argument.

A binding is a member of a group's MAC address as long as hosts behind it are members of one of the
groups that share the address. Bindings are numbers, as in the pipeline.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from ...values.addresses import ip_order
from .deadlines import Deadlines
from .groups import group_mac

MEMBERSHIP_TIME = 260.0
"""Seconds from a report until membership ends: twice the query interval and the time to answer
(RFC 3376, section 8.4; RFC 3810, section 9.4)."""
LAST_MEMBER_TIME = 2.0
"""Seconds from the leave of the last known member to the end (RFC 3376, section 8.10)."""
MAX_SOURCES = 8
"""Hosts of a binding that are known as members of a group. With more of them, the last one to leave
may not be known; then it is asked who is left."""
MAX_ADDRESSES = 32
"""Groups with one MAC address that are told apart at a binding, as many as IPv4 has (RFC 1112).
Of more than that, as IPv6 has, the binding is a member anyway."""


class GroupMac(NamedTuple):
    """The MAC address of groups in a logical switch."""

    logical_switch: UUID
    mac: str


class Seat(NamedTuple):
    """A binding's membership of one group; its ``address`` is "" for one that is not known."""

    group: GroupMac
    binding: int
    address: str


@dataclass(slots=True)
class _Known:
    """The groups of one logical switch, and of each binding in it."""

    members: dict[str, dict[int, dict[str, dict[str, float]]]] = field(default_factory=dict)
    """By MAC address, binding and group: when each host reported last."""
    of_binding: defaultdict[int, dict[str, None]] = field(default_factory=lambda: defaultdict(dict))


class Membership:
    """The members of all groups of one switch. At most ``limit`` MAC addresses in a logical switch
    have members; frames for others are flooded.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._of: defaultdict[UUID, _Known] = defaultdict(_Known)
        self._ends: Deadlines[Seat] = Deadlines()
        self._refused: Deadlines[UUID] = Deadlines()

    # Queries

    def groups(self, logical_switch: UUID) -> list[GroupMac]:
        """Return the groups of a logical switch that have members."""
        known = self._of.get(logical_switch)
        return [GroupMac(logical_switch, mac) for mac in known.members] if known else []

    def bindings(self, group: GroupMac) -> frozenset[int]:
        """Return the bindings that are members of a group."""
        return frozenset(self._members(group))

    def addresses(self, group: GroupMac) -> list[str]:
        """Return the IP addresses of a group's members that are known, the lowest first."""
        found = {each for addresses in self._members(group).values() for each in addresses}
        return sorted(found - {""}, key=ip_order)

    def seats(self, group: GroupMac) -> list[tuple[Seat, list[str], float]]:
        """Return each membership of a group, with the MAC addresses of known hosts and its end."""
        found = []
        for binding, addresses in sorted(self._members(group).items()):
            for address, sources in addresses.items():
                seat = Seat(group, binding, address)
                found.append((seat, sorted(sources), self._ends.ends[seat]))
        return found

    def is_full(self, logical_switch: UUID) -> bool:
        """Whether groups of a logical switch are flooded because there are too many of them."""
        return (
            logical_switch in self._refused.ends
            and len(self._of[logical_switch].members) >= self._limit
        )

    def full(self) -> set[UUID]:
        """Return the logical switches that is_full()."""
        return {each for each in self._refused.ends if self.is_full(each)}

    def is_leaving(self, logical_switch: UUID, binding: int, address: str, now: float) -> bool:
        """Whether a binding's membership of a group ends soon, unless a host reports."""
        seat = Seat(GroupMac(logical_switch, group_mac(address)), binding, address)
        return self._ends.ends.get(seat, math.inf) <= now + LAST_MEMBER_TIME

    def next_end(self) -> float | None:
        """Return when to call end() again, None for never."""
        ends = self._ends.next(), self._refused.next()
        return min((end for end in ends if end is not None), default=None)

    # What hosts report

    def join(
        self, logical_switch: UUID, binding: int, address: str, source: str, now: float
    ) -> list[GroupMac]:
        """Handle a report from a host; return the groups whose members or addresses changed.

        A group beyond the limit is refused, and so is flooded, unless another binding has more
        groups: that one loses a group that nobody else is a member of.
        """
        group = GroupMac(logical_switch, group_mac(address))
        known = self._of[logical_switch]
        changed: list[GroupMac] = []
        if group.mac not in known.members and len(known.members) >= self._limit:
            self._refused.set(logical_switch, now + MEMBERSHIP_TIME)
            excess = self._excess(known, binding)
            if excess is None:
                return []
            lost = GroupMac(logical_switch, excess)
            self.drop(lost, self.bindings(lost))
            changed.append(lost)
        addresses = known.members.setdefault(group.mac, {}).setdefault(binding, {})
        known.of_binding[binding][group.mac] = None
        if address not in addresses:
            if len(addresses) >= MAX_ADDRESSES:
                return changed
            addresses[address] = {}
            changed.append(group)
            self._end(Seat(group, binding, ""))
        sources = addresses[address]
        sources.pop(source, None)
        sources[source] = now
        if len(sources) > MAX_SOURCES:
            del sources[next(iter(sources))]
        self._ends.set(Seat(group, binding, address), now + MEMBERSHIP_TIME)
        return changed

    def leave(
        self, logical_switch: UUID, binding: int, address: str, source: str, now: float
    ) -> bool:
        """Handle a leave; return whether no other member of the binding is known.

        Then membership ends in LAST_MEMBER_TIME, unless a host reports until then.
        """
        group = GroupMac(logical_switch, group_mac(address))
        sources = self._members(group).get(binding, {}).get(address)
        if sources is None:
            return False
        sources.pop(source, None)
        if any(now < at + MEMBERSHIP_TIME for at in sources.values()):
            return False
        seat = Seat(group, binding, address)
        if now + LAST_MEMBER_TIME < self._ends.ends[seat]:
            self._ends.set(seat, now + LAST_MEMBER_TIME)
        return True

    # Other changes

    def adopt(self, group: GroupMac, bindings: Iterable[int], address: str, now: float) -> bool:
        """Add members of a group that the switch has; return whether any was not known.

        They have to report again. So have those that are known: another process may have heard
        their latest reports.
        """
        is_news = False
        known = self._of[group.logical_switch]
        for binding in bindings:
            addresses = known.members.setdefault(group.mac, {}).setdefault(binding, {})
            known.of_binding[binding][group.mac] = None
            if not addresses:
                addresses[address] = {}
                is_news = True
            for each in addresses:
                self._ends.set(Seat(group, binding, each), now + MEMBERSHIP_TIME)
        return is_news

    def end(self, now: float, unheard: Mapping[Any, float]) -> set[GroupMac]:
        """End memberships whose time has come; return the groups that changed.

        Those of bindings that ``unheard`` has, whose reports are not heard until then, wait.
        """
        changed = set()
        self._refused.take(now)
        for seat in self._ends.take(now):
            until = unheard.get(seat.binding)
            if until is None:
                changed |= self._end(seat)
            else:
                self._ends.set(seat, until + MEMBERSHIP_TIME)
        return changed

    def drop(self, group: GroupMac, bindings: Iterable[int]) -> None:
        """Forget that bindings are members of a group. They must be."""
        for binding in bindings:
            for address in list(self._members(group)[binding]):
                self._end(Seat(group, binding, address))

    def forget_binding(self, logical_switch: UUID, binding: int) -> list[GroupMac]:
        """Forget the members at a binding; return the groups that changed."""
        known = self._of.get(logical_switch)
        macs = list(known.of_binding.get(binding, ())) if known else []
        groups = [GroupMac(logical_switch, mac) for mac in macs]
        for group in groups:
            self.drop(group, [binding])
        return groups

    def forget(self, logical_switch: UUID) -> list[GroupMac]:
        """Forget a logical switch; return its groups."""
        groups = self.groups(logical_switch)
        for group in groups:
            self.drop(group, self.bindings(group))
        self._of.pop(logical_switch, None)
        self._refused.remove(logical_switch)
        return groups

    def _members(self, group: GroupMac) -> dict[int, dict[str, dict[str, float]]]:
        known = self._of.get(group.logical_switch)
        return known.members.get(group.mac, {}) if known else {}

    def _end(self, seat: Seat) -> set[GroupMac]:
        known, group = self._of[seat.group.logical_switch], seat.group
        members = known.members.get(group.mac, {})
        addresses = members.get(seat.binding, {})
        self._ends.remove(seat)
        if addresses.pop(seat.address, None) is None:
            return set()
        if not addresses:
            del members[seat.binding]
            del known.of_binding[seat.binding][group.mac]
            if not known.of_binding[seat.binding]:
                del known.of_binding[seat.binding]
        if not members:
            del known.members[group.mac]
        return {group}

    def _excess(self, known: _Known, binding: int) -> str | None:
        """Return a group of the binding with the most groups, if it has two more than this one."""
        most = max(known.of_binding, key=lambda each: len(known.of_binding[each]))
        if len(known.of_binding[most]) < len(known.of_binding.get(binding, ())) + 2:
            return None
        theirs = reversed(known.of_binding[most])
        return next((mac for mac in theirs if known.members[mac].keys() == {most}), None)
