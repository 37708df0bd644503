"""Who is a member of which multicast group, and what becomes of frames for it: by RFC 4541.

The time at which a member or a router is forgotten is known to lie between two points. In between
it may be there or not.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from uuid import UUID

from .protocols import Message, group_mac

MEMBERSHIP_TIME, ROUTER_TIME = 260.0, 255.0
"""Seconds from a report, or a query, until a member or a router is forgotten."""

Binding = tuple[str, int]
"""A port and a VLAN."""
Interval = tuple[float, float]


class Kind(Enum):
    """What a message says."""

    JOIN = "join"
    LEAVE = "leave"
    QUERY = "query"


@dataclass(frozen=True)
class Said:
    """A message of a host or a router, with the group that it is about and its destination."""

    kind: Kind
    group: str
    target: str
    packet: Message


class Groups:
    """The members and routers of one switch, as their messages said."""

    def __init__(self) -> None:
        self.members: defaultdict[tuple[UUID, str], dict[tuple[Binding, str, str], Interval]]
        self.members = defaultdict(dict)
        """By logical switch and MAC: each binding, group and host, and when that ends."""
        self.routers: defaultdict[UUID, dict[Binding, Interval]] = defaultdict(dict)

    def hear(self, of: UUID, binding: Binding, src: str, said: Said, now: float) -> None:
        if said.kind is Kind.QUERY:
            self.routers[of][binding] = now + ROUTER_TIME, now + ROUTER_TIME
        elif is_restricted(mac := group_mac(said.group)):
            members = self.members[of, mac]
            left = members.pop((binding, said.group, src), (now, now))
            for key, (earliest, latest) in members.items():
                if key == (binding, "", ""):  # who knows which of the hosts that was
                    members[key] = 0.0, latest
                elif key[:2] == (binding, said.group):  # they need not be told apart by then
                    members[key] = earliest, max(latest, left[1])
            if said.kind is Kind.JOIN:
                end = now + MEMBERSHIP_TIME
                members[binding, said.group, src] = end, end

    def keep(self, bindings: Collection[tuple[UUID, Binding]], now: float) -> None:
        """Forget what is certain to have ended, and the bindings that are no longer there."""
        for (of, mac), members in self.members.items():
            self.members[of, mac] = {
                key: end
                for key, end in members.items()
                if now < end[1] and (of, key[0]) in bindings
            }
        for of, routers in self.routers.items():
            self.routers[of] = {
                key: end for key, end in routers.items() if now < end[1] and (of, key) in bindings
            }

    def prolong_routers(self, end: float) -> None:
        """Take that routers may be remembered until then."""
        for of, routers in self.routers.items():
            self.routers[of] = {
                key: (first, max(last, end)) for key, (first, last) in routers.items()
            }

    def may_have(self, of: UUID, mac: str, bindings: Collection[Binding], end: float) -> None:
        """Take that bindings may be members of a group until then."""
        for each in bindings:
            first, last = self.members[of, mac].get((each, "", ""), (0.0, 0.0))
            self.members[of, mac][each, "", ""] = first, max(last, end)

    def members_of(self, of: UUID, mac: str, now: float) -> tuple[set[Binding], set[Binding]]:
        """Return the bindings that are members of a group for certain, and all that may be."""
        found = self.members[of, mac].items()
        certain = {binding for (binding, _, _), end in found if now < end[0]}
        return certain, {binding for (binding, _, _), _ in found}

    def routers_of(self, of: UUID, now: float) -> tuple[set[Binding], set[Binding]]:
        """Return the bindings that have a router for certain, and all that may have one."""
        found = self.routers[of].items()
        return {each for each, end in found if now < end[0]}, {each for each, _ in found}

    def addresses(self, of: UUID, mac: str) -> set[str]:
        """Return the groups that have members at a MAC address; "" is one that nobody named."""
        return {group for _, group, _ in self.members[of, mac]}


def is_restricted(mac: str) -> bool:
    """Whether frames for a group may be kept from those that did not join it (RFC 4541, 2.1.2)."""
    return not mac.startswith(("01:00:5e:00:00:", "33:33:00:00:00:", "33:33:ff:"))
