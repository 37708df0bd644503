"""Logical routers: which are present, and the faults of their rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from ...engine.cause import Cause, RowOf
from ...engine.desired import NOTHING, Desired
from ...engine.feature import Feature, Owner
from ...engine.operator_view import Figure, Limit
from ...engine.report import FaultColumn, ManagedSwitches
from ...engine.topics import Topic
from ...engine.view import View
from ...values.faults import FaultTable, FaultWord
from ...values.routers import LogicalRouter
from ..bindings.ports import Ports
from ..logical_switches.rows import LogicalSwitches, WholeLogicalSwitch
from .here import Interface, RoomChanged, RoutersHere
from .reasons import of_router, shown_at_router
from .routed import Routed
from .rows import RouterChanged, Routers


@dataclass(frozen=True, slots=True)
class Router:
    """The owner of the faults of a logical router."""

    router: UUID


def _router(key: Router, view: View) -> Desired:
    row = view[Routers].row(key.router)
    if row is None:
        return NOTHING
    if not view.settings.routing:
        return _unsupported(row, view)
    if key.router not in view[RoutersHere].routers():
        return NOTHING
    faults = tuple(of_router(row, view))
    return Desired(faults=(*faults, *shown_at_router(row, faults)))


def _unsupported(row: LogicalRouter, view: View) -> Desired:
    if not any(map(view[Ports].is_bound, row.logical_switches)):
        return NOTHING
    reason = "the option routing is False, so that it has no effect"
    fault = view.switch_fault(reason, view[Routers].name(row.uuid), FaultWord.LR_SUPPORT)
    return Desired(faults=(fault,))


def _because(key: Router, view: View) -> Iterator[Cause]:
    row = view[Routers].row(key.router)
    if row is not None:
        joined = ", ".join(sorted(map(view[LogicalSwitches].name, row.logical_switches)))
        what = f"Logical_Router {row.name} joins {joined}"
        yield Cause(what, (RowOf("Logical_Router", row.uuid),))


def _changed(topic: RouterChanged, view: View) -> Iterator[Topic]:
    yield Router(topic.router)
    yield from view[RoutersHere].changed(topic)


def _whole(topic: WholeLogicalSwitch, view: View) -> Iterator[Topic]:
    """Compare the routers of a logical switch that became bound here, or no longer is.

    Their faults name it.
    """
    yield from map(RouterChanged, tuple(view[Routers].joining(topic.logical_switch)))


def _is_ours(row: LogicalRouter, managed: ManagedSwitches) -> bool:
    """Whether a router is present at a managed switch, or at no switch at all.

    Then what its column holds is left from a time when it was, of a former process perhaps.
    """
    views = managed.with_bridge().values()
    if any(row.uuid in view[RoutersHere].routers() for view in views):
        return True
    ports = (port for switch in managed.rows.values() for port in switch.ports)
    bound = {each for port in ports for each in port.vlan_bindings.values()}
    for view in views:  # each knows all rows
        reached = view[Routers].reached(row.uuid)
        if reached.isdisjoint(bound) or any(map(view[Ports].is_bound, reached)):
            return True
    return False


def _count(view: View) -> int:
    return view[RoutersHere].limits.routers


def _interfaces(view: View) -> int:
    return view[RoutersHere].limits.all.interfaces


def _routes(view: View) -> int:
    return view[RoutersHere].limits.all.routes


FEATURE = Feature(
    indices=(Routers,),
    states=(RoutersHere, Routed),
    owners=(Owner(Router, _router, _because),),
    invalidated_by={
        RouterChanged: _changed,
        RoomChanged: lambda topic, view: [Router(topic.router)],
        Interface: lambda topic, view: view[Routed].changed(topic),
        WholeLogicalSwitch: _whole,
    },
    fault_columns=(
        FaultColumn(FaultTable.LOGICAL_ROUTER, LogicalRouter, _is_ours, is_cleared_after_use=True),
    ),
    figures=(
        Figure("routers", "Logical routers that are present.", _count),
        Figure("router_interfaces", "Interfaces of these routers.", _interfaces),
        Figure("static_routes", "Static routes of these routers.", _routes),
    ),
    limits=(
        Limit("max_routers", lambda view: [("logical routers", _count(view))]),
        Limit("max_interfaces", lambda view: [("interfaces of routers", _interfaces(view))]),
        Limit("max_routes", lambda view: [("static routes", _routes(view))]),
    ),
)
