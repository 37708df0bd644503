"""``flood/show``: who receives broadcast, unknown unicast and multicast frames, and why."""

from collections.abc import Iterator, Sequence

from ..engine.needs import NO_TUNNELS
from ..engine.switch_state import SwitchState
from ..features.bindings.ports import Ports
from ..features.flood_targets import targets
from ..features.presence import Presence
from ..features.replication import McastSets, Multicast, Replication, named
from ..features.tunnels.conditions import TunnelConditions
from ..values.addresses import UNKNOWN_DST
from ..values.rows import LogicalSwitch
from .answer import Answer, Row, Table, joined
from .command import Command, Running
from .scope import Scope, scope

_USAGE = "[BRIDGE] [LS]"
_LISTS = ("bridge", "logical_switch", "mac", "mode", "bindings", "problem")
_TARGETS = (
    "bridge",
    "logical_switch",
    "mac",
    "remote_vtep",
    "bfd",
    "bfd_for_s",
    "receives",
    "reason",
)


def _show(arguments: Sequence[str], running: Running) -> Answer:
    asked = scope(_USAGE, arguments, running)
    lists = (_list(*each) for each in _flooded(asked))
    receivers = (row for each in _flooded(asked) for row in _targets(*each))
    return Answer({"flood_lists": Table(_LISTS, lists), "remote_vteps": Table(_TARGETS, receivers)})


def _flooded(asked: Scope) -> Iterator[tuple[SwitchState, LogicalSwitch, Replication | Multicast]]:
    """Yield unknown-dst and the multicast addresses of each logical switch at each bridge."""
    for row in asked.logical_switches:
        for switch in asked.switches:
            if row.uuid in switch.view[Presence]:
                yield switch, row, Replication(row.uuid)
                multicasts = switch.view[McastSets].multicasts(row.uuid)
                for multicast in sorted(multicasts, key=lambda each: each.mac):
                    yield switch, row, multicast


def _mac(key: Replication | Multicast) -> str:
    return UNKNOWN_DST if isinstance(key, Replication) else key.mac


def _list(switch: SwitchState, row: LogicalSwitch, key: Replication | Multicast) -> Row:
    view, mac = switch.view, _mac(key)
    bindings = sorted(view[Ports].bindings_of(row.uuid), key=lambda binding: binding.number)
    _, source_node = named(row.uuid, mac, view)
    problems = [fault.reason for fault in switch.owned.faults(key)]
    return (
        switch.name,
        row.name,
        mac,
        "source_node" if source_node else "service_node",
        [f"{binding.port} VLAN {binding.vlan}" for binding in bindings],
        joined(problems),
    )


def _targets(
    switch: SwitchState, row: LogicalSwitch, key: Replication | Multicast
) -> Iterator[Row]:
    view, desired = switch.view, switch.owned.get(key)
    for target in targets(key, desired.uses if desired else NO_TUNNELS, view):
        known = view[TunnelConditions].of(target.address)
        bfd = known.bfd if known and known.bfd.value else None
        yield (
            switch.name,
            row.name,
            _mac(key),
            target.address,
            bfd.value.state if bfd and bfd.value else None,
            int(view.clock() - bfd.since) if bfd else None,
            target.receives,
            target.reason,
        )


COMMANDS = (
    Command(
        "flood/show",
        _USAGE,
        "Print who receives broadcast, unknown unicast and multicast frames, and why.",
        _show,
    ),
)
