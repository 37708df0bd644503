"""The flows of next hops, and why they are there."""

from collections.abc import Iterator

from ...engine.cause import Cause, RowOf
from ...engine.desired import NOTHING, Desired
from ...engine.dirty import Pace
from ...engine.feature import Owner
from ...engine.view import View
from ...pipeline import answers, next_hops
from ...values.addresses import is_link_local
from ..bindings.ports import Ports
from ..logical_switches.rows import LogicalSwitches
from .answers import NextHop
from .places import QuietPlace
from .sources import Known, Source, known, rows_of
from .state import NextHops

IDLE = 300
"""Seconds without a packet after which a next hop that answered is forgotten."""


def _next_hop(key: NextHop, view: View) -> Desired:
    number, state = view[LogicalSwitches].number(key.logical_switch), view[NextHops]
    if number is None or key.logical_switch not in state.addresses:
        return NOTHING
    found = known(key, view)
    if found is None:
        return _pending(key, number, view)
    if found.source is Source.ROUTER and not _is_neighbour(key, state):
        return NOTHING
    if found.source is not Source.ANSWER:
        return Desired((next_hops.resolved(number, key.ip, found.mac),))
    flows = [next_hops.answered(number, key.ip, found.mac, IDLE)]
    if not state.takeovers.is_held(key):
        flows += answers.takeovers(number, key.ip, found.mac)
    if state.upkeep.is_asked(key):
        flows.append(answers.awaited(number, key.ip))
    return Desired(tuple(flows))


def _is_neighbour(key: NextHop, state: NextHops) -> bool:
    """Whether the address of a router may be the next hop of another one."""
    return key.logical_switch in state.shared and not is_link_local(key.ip)


def _pending(key: NextHop, number: int, view: View) -> Desired:
    resolver = view[NextHops].resolver
    if key not in resolver:
        return NOTHING
    flows = [next_hops.pending(number, key.ip)]
    if resolver.is_listened_to(key):
        flows.append(answers.awaited(number, key.ip))
    return Desired(tuple(flows))


def _quiet(key: QuietPlace, view: View) -> Desired:
    state = view[NextHops]
    if not state.addresses or not state.limits.is_quiet(key.place):
        return NOTHING
    if isinstance(key.place, str):
        return Desired(tuple(answers.quiet_remote(key.place)))
    binding = view[Ports].numbered(key.place)
    number = view[LogicalSwitches].number(binding.logical_switch) if binding else None
    if binding is None or number is None:
        return NOTHING
    own = (ip for ip in state.addresses.get(binding.logical_switch, {}) if ":" in ip)
    return Desired(tuple(answers.quiet_binding(key.place, number, own)))


# Why they are there


def _why_next_hop(key: NextHop, view: View) -> Iterator[Cause]:
    state = view[NextHops]
    if key.logical_switch not in state.addresses:
        return
    name, found = view[LogicalSwitches].name(key.logical_switch), known(key, view)
    where = RowOf("Logical_Switch", key.logical_switch)
    if found is not None:
        what = f"packets to {key.ip} in {name} go to {found.mac}: {found.source.value}"
        yield Cause(what, (where, *_rows(key, found, view)))
    elif state.resolver.is_asked(key):
        yield Cause(f"routers ask for the MAC address of {key.ip} in {name}", (where,))
    elif key in state.resolver:
        yield Cause(f"{key.ip} in {name} did not answer: it is not asked for a while", (where,))


def _rows(key: NextHop, found: Known, view: View) -> list[RowOf]:
    rows = rows_of(key, view) if found.source is Source.ROW else []
    return [RowOf("Ucast_Macs_Remote", row.uuid) for row in rows]


def _why_quiet(key: QuietPlace, view: View) -> Iterator[Cause]:
    if view[NextHops].limits.is_quiet(key.place):
        yield Cause(f"too much that is of no use comes in by {place_name(key, view)}")


def place_name(key: QuietPlace, view: View) -> str:
    """Return a binding or a remote VTEP, for people."""
    binding = view[Ports].numbered(key.place) if isinstance(key.place, int) else None
    if binding is not None:
        return f"port {binding.port} VLAN {binding.vlan}"
    return f"the tunnel from {key.place}" if isinstance(key.place, str) else "another router"


OWNERS = (
    Owner(NextHop, _next_hop, _why_next_hop, Pace.IN_PARTS),
    Owner(QuietPlace, _quiet, _why_quiet),
)
