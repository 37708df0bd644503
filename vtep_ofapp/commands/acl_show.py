"""``acl/show``: access lists, where they are bound, and the flows and hits of each entry."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TypeAlias
from uuid import UUID

from ..engine.switch_state import SwitchState
from ..features.acls.columns import naming
from ..features.acls.judging import AclRule, Judging, UsedAcl
from ..features.acls.limits import AclLimit
from ..features.acls.rows import Acls
from ..features.acls.telling import in_order, used
from ..features.acls.words import matched
from ..pipeline.acls import EGRESS
from ..pipeline.layout import Cookie, cookie_of
from ..values.acls import Acl
from ..values.counters import Counter as FlowCounter
from ..values.flows import Conjunction, FlowKey
from .answer import Answer, Row, Table, joined
from .command import Command, Running
from .counters_now import flow_counters_now
from .scope import Kind, scope

_Hits: TypeAlias = Counter[tuple[int | None, bool, int]]
"""Packets by the cookie of the access list, whether they are for frames to bindings, and the
priority of the entry."""

_USAGE = "[BRIDGE] [ACL]"
_AT_ONCE = 500
"""Entries that are shown without a pause."""
_ACLS = ("bridge", "acl", "bound_to", "entries", "flows", "state", "cookie", "problem")
_ENTRIES = (
    "bridge",
    "acl",
    "direction",
    "sequence",
    "action",
    "match",
    "flows",
    "hits",
    "problem",
)


def _show(arguments: Sequence[str], running: Running) -> Answer:
    asked = scope(_USAGE, arguments, running, {"[ACL]": _KIND})
    wanted = asked.more.get("[ACL]")
    pairs = [
        (switch, row)
        for switch in asked.switches
        for row in used(switch.view)
        if wanted in (None, row.uuid)
    ]
    cookies: dict[str, tuple[int, ...]] = {}
    for switch, row in pairs:
        cookie = _cookie(row, switch)
        if cookie is not None:
            cookies[switch.name] = (*cookies.get(switch.name, ()), cookie)
    counters = flow_counters_now(cookies, running)
    pause = running.components.turns.pacer()
    hits = {
        switch.name: _hits(switch, counters[switch.name], pause)
        for switch in asked.switches
        if switch.name in counters
    }
    return Answer(
        {
            "acls": Table(_ACLS, [_acl(row, switch) for switch, row in pairs]),
            "entries": Table(
                _ENTRIES,
                chain.from_iterable(
                    _entries(row, switch, hits.get(switch.name)) for switch, row in pairs
                ),
            ),
        }
    )


def _acl(row: Acl, switch: SwitchState) -> Row:
    view = switch.view
    places = list(_places(row, switch))
    flows, cookie = view[AclLimit].flows(row.uuid), _cookie(row, switch)
    problem = joined(fault.reason for fault in switch.owned.faults(UsedAcl(row.uuid)))
    shown = None if cookie is None else f"{cookie:#x}"
    state = _state(row.uuid, switch)
    return switch.name, row.name, places, len(row.entries), flows, state, shown, problem


def _state(acl: UUID, switch: SwitchState) -> str:
    """Return what an access list in use does with frames."""
    judging = switch.view[Judging]
    if not any(switch.view[Acls].sides(acl)):
        return "has no entries"
    if judging.drops_all(acl):
        return "fails closed"
    return "in use" if any(judging.judges(acl)) else "not installed"


def _cookie(row: Acl, switch: SwitchState) -> int | None:
    """Return the cookie of all flows of an access list."""
    number = switch.view[Acls].number(row.uuid)
    return None if number is None else cookie_of(Cookie.ACLS, number)


def _places(row: Acl, switch: SwitchState) -> Iterator[str]:
    """Yield the ports that name an access list, with their VLANs, and the addresses of routers."""
    for column in naming(row.uuid, switch.view):
        yield from (column.places[key] for key in column.keys(row.uuid))


def _entries(row: Acl, switch: SwitchState, hits: _Hits | None) -> Iterator[Row | None]:
    """Yield the entries in the order in which they judge; None for a pause."""
    cookie = _cookie(row, switch)
    for number, (entry, priority) in enumerate(in_order(row, switch.view), 1):
        owner = AclRule(row.uuid, entry.uuid)
        desired = switch.owned.get(owner)
        flows = len(desired.flows) if desired else 0
        yield (
            switch.name,
            row.name,
            "egress" if entry.is_egress else "ingress",
            entry.sequence,
            "permit" if entry.permits else "deny",
            matched(entry),
            flows,
            hits[cookie, entry.is_egress, priority] if hits is not None and flows else None,
            joined(fault.reason for fault in switch.owned.faults(owner)),
        )
        if number % _AT_ONCE == 0:
            yield None


def _hits(
    switch: SwitchState, counters: Mapping[FlowKey, FlowCounter], pause: Callable[[], None]
) -> _Hits:
    """Return the hits of all entries of a switch, which may have very many flows.

    The clauses of a conjunction are left out: its flow with the conj_id has the hits.
    """
    hits: _Hits = Counter()
    for key, counter in counters.items():
        pause()
        flow = switch.flows.wanted.get(key)
        is_clause = flow is not None and any(isinstance(each, Conjunction) for each in flow.actions)
        if not is_clause:
            hits[counter.cookie, key.table in EGRESS, key.priority] += counter.packets
    return hits


def _named(word: str, running: Running) -> UUID | None:
    rows = running.components.model[Acls].rows()
    return next((row.uuid for row in rows if word in (row.name, str(row.uuid))), None)


def _names(running: Running) -> list[str]:
    return sorted(row.name for row in running.components.model[Acls].rows())


_KIND = Kind("access list", _named, _names)
COMMANDS = (
    Command(
        "acl/show",
        _USAGE,
        "Print access lists: where they are bound, and the flows and hits of each entry.",
        _show,
    ),
)
