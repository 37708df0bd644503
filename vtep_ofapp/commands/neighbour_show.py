"""``neighbour/show``: next hops of logical routers, who says their MAC, and which are asked for."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..features.next_hops.answers import NextHop
from ..features.next_hops.sources import Source, known, rows_of
from ..features.next_hops.state import NextHops
from ..values.addresses import ip_order
from .answer import Answer, Row, Table, in_order
from .command import Command, Running
from .router_show import name_of
from .scope import IP_ADDRESS, Scope, scope

_USAGE = "[BRIDGE] [LS] [IP]"
_KNOWN = ("bridge", "logical_switch", "ip", "mac", "source", "rows")
_PENDING = ("bridge", "logical_switch", "ip", "state", "for_s", "held_packets")
_SOURCES = {
    Source.ROUTER: "router",
    Source.ROW: "row",
    Source.STATION: "stated here",
    Source.ANSWER: "answered",
}


def _show(arguments: Sequence[str], running: Running) -> Answer:
    asked = scope(_USAGE, arguments, running, {"[IP]": IP_ADDRESS})
    now = running.components.timers.clock()
    return Answer(
        {
            "known": Table(_KNOWN, _known(asked)),
            "pending": Table(_PENDING, _pending(asked, now)),
        }
    )


def _known(asked: Scope) -> Iterator[Row | None]:
    """Yield a row for each next hop that has a flow, with its MAC; None for a pause."""
    for switch in asked.switches:
        for key in _keys(switch.owned.of[NextHop], asked):
            found = known(key, switch.view) if key else None
            if key is None or found is None:
                yield None
                continue
            rows = rows_of(key, switch.view) if found.source is Source.ROW else ()
            at = (switch.name, name_of(key.logical_switch, switch), key.ip)
            yield (*at, found.mac, _SOURCES[found.source], [str(row.uuid) for row in rows])


def _pending(asked: Scope, now: float) -> Iterator[Row | None]:
    """Yield a row for each next hop that is asked for, or did not answer; None for a pause."""
    for switch in asked.switches:
        resolver = switch.view[NextHops].resolver
        for key in _keys(resolver, asked):
            waiting = resolver.waiting(key) if key else None
            if key is None or waiting is None:
                yield None
                continue
            state = "asked" if resolver.is_asked(key) else "no answer"
            at = (switch.name, name_of(key.logical_switch, switch), key.ip)
            yield (*at, state, max(0, int(now - waiting.since)), waiting.packets)


def _keys(all_: Iterable[Any], asked: Scope) -> Iterator[NextHop | None]:
    """Yield those next hops that are asked about, by logical switch and address."""
    names = {row.uuid: row.name for row in asked.logical_switches}
    ip = asked.more.get("[IP]")

    def is_asked(key: NextHop) -> bool:
        return key.logical_switch in names and ip in (None, key.ip)

    return in_order(list(all_), lambda key: (names[key.logical_switch], ip_order(key.ip)), is_asked)


COMMANDS = (
    Command(
        "neighbour/show",
        _USAGE,
        "Print next hops of logical routers: who says their MAC, and which are asked for.",
        _show,
    ),
)
