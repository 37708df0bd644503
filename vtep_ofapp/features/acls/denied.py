"""How many frames the entries of access lists denied, by the counters of their flows."""

from collections.abc import Iterator, Mapping

from ...engine.feature import FlowWatcher
from ...engine.view import View
from ...pipeline.acls import EGRESS
from ...pipeline.layout import Cookie, Priority, cookie_of, producer_of
from ...values.counters import Counter
from ...values.flows import FlowKey
from .bindings import AclBindings
from .rows import Acls

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
    """Yield the cookies of the flows of all access lists that ports name."""
    for acl in view[AclBindings].acls():
        number = view[Acls].number(acl)
        if number is not None:
            yield cookie_of(Cookie.ACLS, number)


def count(counters: Mapping[FlowKey, Counter], view: View) -> None:
    """Add what flows that deny have counted."""
    denying: dict[tuple[int, bool], frozenset[int]] = {}
    denied: dict[FlowKey, int] = {}
    for key, counter in counters.items():
        if producer_of(counter.cookie) is not Cookie.ACLS:
            continue
        number, is_egress = counter.cookie & _NUMBER, key.table in EGRESS
        if (number, is_egress) not in denying:
            denying[number, is_egress] = _denying(number, is_egress, view)
        if key.priority in denying[number, is_egress]:
            denied[key] = counter.packets
    view[DeniedFrames].count(denied)


def _denying(number: int, is_egress: bool, view: View) -> frozenset[int]:
    """Return the priorities at which flows of the access list with a number drop frames."""
    acls = view[Acls]
    acl = acls.ids.key(number)
    if acl is None:
        return frozenset()
    order = acls.sides(acl)[is_egress].order
    rows = (acls.entry(entry) for entry in acls.entries(acl))
    denying = {
        order.priority(row.uuid)
        for row in rows
        if row is not None and row.is_egress == is_egress and not row.permits
    }
    return frozenset(denying | {Priority.ACL_CLOSED})
