"""How many frames the entries of access lists denied, by the counters of their flows."""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from ...engine.feature import FlowWatcher
from ...engine.view import View
from ...pipeline.acls import EGRESS
from ...pipeline.layout import Cookie, Priority, cookie_of, producer_of
from ...values.counters import Counter
from ...values.flows import FlowKey
from .rows import Acls
from .uses import AclUses

_Priorities: TypeAlias = tuple[set[int], set[int]]
"""Those of flows for ingress, and of flows for egress."""
_NUMBER = (1 << 24) - 1
"""The bits of a cookie that are the number of an access list."""


class DeniedFrames(FlowWatcher):
    """The frames that entries of access lists denied on one switch, as of the last reading.

    The sum begins with what the flows have counted before this process started, and never
    decreases.
    """

    def __init__(self) -> None:
        self.frames = 0
        self._last: dict[FlowKey, int] = {}

    def put(self, key: FlowKey) -> None:
        """Handle a flow that was added or replaced, and counts from zero."""
        self._last.pop(key, None)

    def count(self, packets: Mapping[FlowKey, int]) -> None:
        """Add what the flows that deny have counted since the last reading."""
        last, self._last = self._last, dict(packets)
        for key, number in packets.items():
            former = last.get(key, 0)
            self.frames += number - former if number >= former else number


def cookies(view: View) -> Iterator[int]:
    """Yield the cookies of the flows of all access lists that anything names."""
    for acl in view[AclUses].acls():
        number = view[Acls].number(acl)
        if number is not None:
            yield cookie_of(Cookie.ACLS, number)


def count(counters: Mapping[FlowKey, Counter], view: View) -> None:
    """Add what flows that deny have counted."""
    denying: dict[int, _Priorities] = {}
    denied: dict[FlowKey, int] = {}
    for key, counter in counters.items():
        # A list that fails closed has these alone, and its entries may be too many to go through.
        if key.priority == Priority.ACL_CLOSED:
            denied[key] = counter.packets
            continue
        if counter.cookie not in denying:
            denying[counter.cookie] = _denying(counter.cookie, view)
        if key.priority in denying[counter.cookie][key.table in EGRESS]:
            denied[key] = counter.packets
    view[DeniedFrames].count(denied)


def _denying(cookie: int, view: View) -> _Priorities:
    """Return the priorities at which flows with a cookie drop what an entry denies."""
    acls = view[Acls]
    acl = acls.ids.key(cookie & _NUMBER) if producer_of(cookie) is Cookie.ACLS else None
    if acl is None:
        return set(), set()
    sides = acls.sides(acl)
    found: _Priorities = set(), set()
    for row in filter(None, map(acls.entry, acls.entries(acl))):
        if not row.permits:
            found[row.is_egress].add(sides[row.is_egress].order.priority(row.uuid))
    return found
