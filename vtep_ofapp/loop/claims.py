"""Find the bridge of a new OpenFlow connection, by its datapath id and the name of its LOCAL port.

A datapath id is not secret and may not be unique: Open vSwitch derives it from MAC addresses.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from ..values.rows import Bridge

_LONGEST_NAME = 15
"""Characters of a port's name in OpenFlow 1.3 (ofp_port.name has 16 bytes, the last one zero)."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The identity that a datapath claims; ``name`` is that of its LOCAL port, the bridge's own.

    ``since`` is when it connected, by the clock of the loop.
    """

    datapath_id: int
    name: str | None = None
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """The reason for which a connection is closed, for people."""

    reason: str


Shared: TypeAlias = "Mapping[int, tuple[str, ...]]"
"""The names of the bridges with a datapath id, for ids that several bridges have."""


def shared_ids(bridges: Iterable[Bridge], managed: Iterable[Bridge]) -> Shared:
    """Return the datapath ids of managed bridges that other bridges have, too."""
    ids = {bridge.datapath_id for bridge in managed if bridge.datapath_id is not None}
    having: defaultdict[int, list[str]] = defaultdict(list)
    for bridge in bridges:
        if bridge.datapath_id in ids and bridge.datapath_id is not None:
            having[bridge.datapath_id].append(bridge.name)
    return {id: tuple(sorted(names)) for id, names in having.items() if len(names) > 1}


def remedy(datapath_id: int, names: tuple[str, ...]) -> str:
    """Return the problem with the id of several bridges, and the command that solves it."""
    return (
        f"the bridges {' and '.join(names)} have the datapath id {datapath_id:016x}: "
        f"ovs-vsctl set bridge {names[-1]} other-config:datapath-id=<16 other hex digits>"
    )


def judge(
    claim: Claim, managed: Mapping[str, Bridge], shared: Shared, is_all_read: bool = True
) -> str | Refusal | None:
    """Return the name of the managed bridge of a connection, or the reason why it has none.

    Return None as long as the bridge may still appear: Open vSwitch writes the datapath id of a
    bridge into its database after it has connected, and again after a restart of the database;
    and some databases may not be read yet.
    """
    if claim.datapath_id in shared:
        return Refusal(remedy(claim.datapath_id, shared[claim.datapath_id]))
    for name, bridge in managed.items():
        if bridge.datapath_id != claim.datapath_id:
            continue
        if claim.name not in (None, name[:_LONGEST_NAME]):
            return Refusal(remedy(claim.datapath_id, (name, str(claim.name))))
        return name
    if claim.name is None:
        may_come = any(bridge.datapath_id is None for bridge in managed.values())
    else:
        may_come = any(claim.name == name[:_LONGEST_NAME] for name in managed)
    return None if may_come or not is_all_read else Refusal("it is no bridge of a Physical_Switch")
