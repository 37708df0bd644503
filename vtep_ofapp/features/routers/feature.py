"""Logical routers: which are present, and the faults of their rows."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from ...engine.cause import Cause, RowOf
from ...engine.desired import NOTHING, Desired
from ...engine.feature import Feature, Owner
from ...engine.topics import Topic
from ...engine.view import View
from ...values.faults import FaultWord
from ..bindings.ports import Ports
from ..logical_switches.rows import LogicalSwitches, WholeLogicalSwitch
from .here import RoutersHere
from .rows import RouterChanged, Routers


@dataclass(frozen=True, slots=True)
class Router:
    """The owner of the faults of a logical router."""

    router: UUID


def _router(key: Router, view: View) -> Desired:
    row = view[Routers].row(key.router)
    is_present = row is not None and any(map(view[Ports].is_bound, row.logical_switches))
    if view.settings.routing or not is_present:
        return NOTHING
    reason = "the option routing is False, so that it has no effect"
    fault = view.switch_fault(reason, view[Routers].name(key.router), FaultWord.LR_SUPPORT)
    return Desired(faults=(fault,))


def _because(key: Router, view: View) -> Iterator[Cause]:
    row = view[Routers].row(key.router)
    if row is not None:
        joined = ", ".join(sorted(map(view[LogicalSwitches].name, row.logical_switches)))
        what = f"Logical_Router {row.name} joins {joined}"
        yield Cause(what, (RowOf("Logical_Router", row.uuid),))


def _changed(topic: RouterChanged, view: View) -> Iterator[Topic]:
    yield Router(topic.router)
    yield from view[RoutersHere].changed([topic])


def _whole(topic: WholeLogicalSwitch, view: View) -> Iterable[Topic]:
    """Compare the routers of a logical switch that became bound here, or no longer is."""
    return map(RouterChanged, tuple(view[Routers].joining(topic.logical_switch)))


FEATURE = Feature(
    indices=(Routers,),
    states=(RoutersHere,),
    owners=(Owner(Router, _router, _because),),
    invalidated_by={RouterChanged: _changed, WholeLogicalSwitch: _whole},
)
