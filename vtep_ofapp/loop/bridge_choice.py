"""Choose the bridge of each Physical_Switch, if several hosts have one or some do not answer."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..values.faults import Fault
from ..values.rows import Bridge, PhysicalSwitch

PATIENCE = 4.0
"""Seconds until a waiting bridge is logged: the databases are read one after the other."""


@dataclass(slots=True)
class Choice:
    """The bridge of each name, and the faults of ambiguous names.

    ``waiting`` are the names whose bridge cannot be chosen yet.
    """

    bridges: dict[str, Bridge] = field(default_factory=dict)
    waiting: set[str] = field(default_factory=set)
    faults: dict[str, list[Fault]] = field(default_factory=dict)


def choose(
    databases: Mapping[str, Mapping[str, Bridge] | None], rows: Mapping[str, PhysicalSwitch]
) -> Choice:
    """Return the bridge of each name; ``databases`` are in order, None for one not read yet.

    Of several bridges with one name, the one with our mark is chosen, or else that of the first
    database. A database that is not read yet may have a bridge with the mark. So a bridge without
    the mark waits, unless its Physical_Switch has neither ports nor tunnels: then no bridge of that
    name was managed before.
    """
    choice = Choice()
    unread = [name for name, bridges in databases.items() if bridges is None]
    read = [bridges for bridges in databases.values() if bridges is not None]
    for name in dict.fromkeys(name for bridges in read for name in bridges):
        found = [bridges[name] for bridges in read if name in bridges]
        best = min(found, key=lambda bridge: not bridge.has_traces)
        row = rows.get(name)
        if unread and not best.has_traces and row is not None and (row.ports or row.tunnels):
            choice.waiting.add(name)
            choice.faults[name] = [_waits(name, best.database, unread)]
        else:
            choice.bridges[name] = best
            if row is not None and len(found) > 1:
                choice.faults[name] = [_several(name, best.database, found)]
    return choice


def _waits(name: str, database: str, unread: Iterable[str]) -> Fault:
    reason = (
        f"{database} has a bridge of its name that was not managed before, and "
        f"{' and '.join(unread)} is not read yet and may have the one that was; "
        "take a host that is gone for good out of ovs_db"
    )
    return Fault(f"Physical_Switch {name}", reason, patience=PATIENCE)


def _several(name: str, database: str, found: Iterable[Bridge]) -> Fault:
    others = [bridge.database for bridge in found if bridge.database != database]
    reason = (
        f"{database} and {' and '.join(others)} have a bridge of its name; that of {database} is "
        "managed; give the other another name"
    )
    return Fault(f"Physical_Switch {name}", reason, patience=PATIENCE)
