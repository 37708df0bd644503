"""The Physical_Switch rows, also of other processes, and the logical switches that they bind."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from ...engine.feature import Index
from ...engine.topics import Topic
from ...engine.view import View
from ...values.rows import PhysicalSwitch


@dataclass(frozen=True, slots=True)
class BoundElsewhere:
    """A logical switch was bound or unbound at a switch."""

    logical_switch: UUID


class PhysicalSwitches(Index):
    """The Physical_Switch rows, and the logical switches that each binds."""

    ROWS = (PhysicalSwitch,)

    def __init__(self) -> None:
        self.rows: dict[UUID, PhysicalSwitch] = {}
        self._bound_at: defaultdict[UUID, set[UUID]] = defaultdict(set)

    def tunnel_ips(self) -> set[str]:
        """Return the tunnel IPs of all switches."""
        return {address for row in self.rows.values() for address in row.tunnel_ips}

    def is_bound_elsewhere(self, logical_switch: UUID, view: View) -> bool:
        """Whether a switch other than the view's binds a logical switch."""
        here = {view.physical.uuid} if view.physical else set()
        return not self._bound_at.get(logical_switch, set()) <= here

    def row_changed(
        self, former: PhysicalSwitch | None, new: PhysicalSwitch | None
    ) -> Iterator[Topic]:
        """Handle a changed row; return the topics that it invalidates."""
        if new is not None:
            self.rows[new.uuid] = new
        elif former is not None:
            del self.rows[former.uuid]
        row = former or new
        if row is None or _bindings(former) == _bindings(new):
            return
        before, after = _bound(former), _bound(new)
        for logical_switch in before - after:
            self._bound_at[logical_switch].discard(row.uuid)
            if not self._bound_at[logical_switch]:
                del self._bound_at[logical_switch]
        for logical_switch in after - before:
            self._bound_at[logical_switch].add(row.uuid)
        yield from map(BoundElsewhere, before ^ after)


def _bindings(row: PhysicalSwitch | None) -> list[Mapping[int, UUID]]:
    """Return the bindings of a row; unchanged ones are the same object and compare fast."""
    return [port.vlan_bindings for port in row.ports] if row else []


def _bound(row: PhysicalSwitch | None) -> set[UUID]:
    return {logical_switch for each in _bindings(row) for logical_switch in each.values()}
