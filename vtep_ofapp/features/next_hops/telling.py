"""What operators are told of next hops: figures, limits, owners by name, what flows do."""

from collections.abc import Iterator, Mapping

from ...engine.desired import Key
from ...engine.operator_view import ADDRESS, STATION, Concerned, Figure, Limit, Passage, Verdict
from ...engine.view import View
from ..logical_switches.rows import LogicalSwitches
from ..neighbours.pairs import Pairs
from ..unicast import Placed, PlacedMacs
from .answers import Answers, NextHop
from .sources import known
from .state import NextHops


def _of_address(ip: str, view: View) -> Iterator[Key]:
    for logical_switch in list(view[NextHops].addresses):
        yield NextHop(logical_switch, ip)


def _of_station(mac: str, view: View) -> Iterator[Key]:
    for logical_switch in list(view[NextHops].addresses):
        ips = [
            *view[Pairs].ips((logical_switch, mac)),
            *(row.ip for row in view[PlacedMacs].rows(Placed(logical_switch, mac))),
            *view[Answers].with_mac(view.name, logical_switch, mac),
        ]
        yield from (NextHop(logical_switch, ip) for ip in ips if ip)


def _next_hop(passage: Passage, view: View) -> str | None:
    owner = passage.owner
    assert isinstance(owner, NextHop)
    found, name = known(owner, view), view[LogicalSwitches].name(owner.logical_switch)
    if found is not None:
        return f"routed to {owner.ip} in {name}, which is {found.mac}: {found.source.value}"
    if view[NextHops].resolver.is_asked(owner):
        return f"the next hop {owner.ip} in {name} is asked for its MAC address"
    return f"the next hop {owner.ip} in {name} does not answer"


def _count(view: View) -> int:
    return view[Answers].count(view.name)


FIGURES = (
    Figure(
        "answered_next_hops",
        "Next hops of logical routers whose MAC address is known from their answers.",
        _count,
    ),
    Figure(
        "pending_next_hops",
        "Next hops of logical routers that are asked for, or did not answer lately.",
        lambda view: len(view[NextHops].resolver),
    ),
)
LIMITS = (
    Limit("max_next_hops", lambda view: [("next hops that answered", _count(view))]),
    Limit(
        "max_pending_next_hops",
        lambda view: [("pending next hops", len(view[NextHops].resolver))],
    ),
)
SUBJECTS: Mapping[str, Concerned] = {ADDRESS: _of_address, STATION: _of_station}
VERDICTS: Mapping[type, Verdict] = {NextHop: _next_hop}
