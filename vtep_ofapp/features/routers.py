"""Logical routers, which are not supported yet: a fault if they join a bound logical switch."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from ..engine.cause import Cause, RowOf
from ..engine.desired import NOTHING, Desired
from ..engine.feature import Feature, Index, Owner
from ..engine.topics import Topic
from ..engine.view import View
from ..values.faults import FaultWord
from ..values.rows import LogicalRouter
from .bindings.ports import Ports
from .logical_switches.rows import LogicalSwitches, WholeLogicalSwitch


@dataclass(frozen=True, slots=True)
class Router:
    """The owner of the fault of a logical router."""

    router: UUID


class Routers(Index):
    """The rows of Logical_Router."""

    ROWS = (LogicalRouter,)

    def __init__(self) -> None:
        self._rows: dict[UUID, LogicalRouter] = {}
        self._joining: defaultdict[UUID, set[UUID]] = defaultdict(set)

    def get(self, router: UUID) -> LogicalRouter | None:
        """Return the row of a logical router, None if there is none."""
        return self._rows.get(router)

    def joining(self, logical_switch: UUID) -> Iterable[UUID]:
        """Return the logical routers that join a logical switch."""
        return self._joining.get(logical_switch, ())

    def row_changed(self, former: LogicalRouter | None, new: LogicalRouter | None) -> set[Topic]:
        """Handle a changed row; return the topics that it invalidates."""
        topics: set[Topic] = set()
        if former is not None:
            del self._rows[former.uuid]
            for logical_switch in former.logical_switches:
                self._joining[logical_switch].discard(former.uuid)
                if not self._joining[logical_switch]:
                    del self._joining[logical_switch]
            topics.add(Router(former.uuid))
        if new is not None:
            self._rows[new.uuid] = new
            for logical_switch in new.logical_switches:
                self._joining[logical_switch].add(new.uuid)
            topics.add(Router(new.uuid))
        return topics


def _router(key: Router, view: View) -> Desired:
    row = view[Routers].get(key.router)
    if row is None or not any(map(view[Ports].is_bound, row.logical_switches)):
        return NOTHING
    reason = "logical routers are not supported"
    fault = view.switch_fault(reason, f"Logical_Router {row.name}", FaultWord.LR_SUPPORT)
    return Desired(faults=(fault,))


def _because(key: Router, view: View) -> Iterator[Cause]:
    row = view[Routers].get(key.router)
    if row is not None:
        joined = ", ".join(sorted(map(view[LogicalSwitches].name, row.logical_switches)))
        what = f"Logical_Router {row.name} joins {joined}"
        yield Cause(what, (RowOf("Logical_Router", row.uuid),))


def _whole(topic: WholeLogicalSwitch, view: View) -> Iterable[Topic]:
    return map(Router, view[Routers].joining(topic.logical_switch))


FEATURE = Feature(
    indices=(Routers,),
    owners=(Owner(Router, _router, _because),),
    invalidated_by={WholeLogicalSwitch: _whole},
)
