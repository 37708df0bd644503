"""Whether databases and switch hold what was asked for, and nothing else."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sim.soak.stage import Stage
from sim.waiting import WaitFailed

OUR_TABLES = (
    "Physical_Switch",
    "Tunnel",
    "Ucast_Macs_Local",
    "Mcast_Macs_Local",
    "Physical_Locator",
    "Physical_Locator_Set",
    "ACL",
    "ACL_entry",
)
"""Tables of hardware_vtep whose rows must not be rewritten without need."""

_BAD_LINES = re.compile(r"Traceback|\ba bug\b|the switch refused|there is no message for")
_AGE = re.compile(r"duration=([\d.]+)s")
_FIGURES = re.compile(r"(duration|n_packets|n_bytes|idle_age|hard_age)=[\d.]+s?,? ?")

State = Mapping[str, Any]


def rows_and_tunnels_agree(stage: Stage) -> None:
    """Require the rows that we own, and the tunnel ports, to be what the world asks for."""
    _require_equal(stage, lambda: _there(stage), _wanted(stage))


def a_fresh_start_changes_nothing(stage: Stage) -> None:
    """Require that restarted applications find nothing to send and nothing to write."""
    before, ages = _state(stage), _ages(stage)
    for app in stage.apps:
        app.stop(grace=60.0)
    stage.settle()
    _require_equal(stage, lambda: _state(stage), before)
    later = _ages(stage)
    young = [flow for flow, age in ages.items() if later.get(flow, age) < age]
    if young:
        raise AssertionError("flows that were sent again:\n" + "\n".join(young))


def bad_lines(text: str) -> list[str]:
    """Return the lines of an application's log that no soak run may have."""
    return [line for line in text.splitlines() if _BAD_LINES.search(line)]


def _require_equal(stage: Stage, now: Callable[[], State], wanted: State) -> None:
    with contextlib.suppress(WaitFailed):
        stage.wait(lambda: now() == wanted, "databases and switch to agree")
        return
    there = now()
    raise AssertionError(
        "\n".join(
            f"{what} is\n    {there[what]}\nand should be\n    {wanted[what]}"
            for what in wanted
            if there[what] != wanted[what]
        )
    )


def _wanted(stage: Stage) -> State:
    """Return what the rows and tunnels of the world are."""
    world, ip = stage.world, stage.vtep.tunnel_ip
    return {
        "Ucast_Macs_Local": dict.fromkeys(world.stations(), ip),
        "ipaddr": world.reported_ips(),
        "groups": world.groups(),
        "Mcast_Macs_Local": {each.name: [ip] for each in world.bound()},
        "Physical_Port": world.ports,
        "switch_fault_status": world.faults(),
        "port_fault_status": set(),
        "acl_fault_status": set(),
        "Tunnel": world.tunnels(),
        "tunnel ports": sorted(world.tunnels()),
    }


def _there(stage: Stage) -> State:
    """Return what they are in the databases."""
    vtep = stage.vtep
    switches, ports, lists = vtep.tables("Physical_Switch", "Physical_Port", "ACL")
    # An interface whose port is gone is there for a moment more.
    on_bridge = set(vtep.ovs_vsctl("list-ports", vtep.bridge).split())
    return {
        "Ucast_Macs_Local": vtep.stations("Ucast_Macs_Local"),
        "ipaddr": stage.reported_ips(),
        "groups": stage.reported_groups(),
        "Mcast_Macs_Local": vtep.flooding("Mcast_Macs_Local"),
        "Physical_Port": {row["name"] for row in ports},
        "switch_fault_status": _union(row["switch_fault_status"] for row in switches),
        "port_fault_status": _union(row["port_fault_status"] for row in ports),
        "acl_fault_status": _union(row["acl_fault_status"] for row in lists),
        "Tunnel": set(vtep.tunnels()),
        "tunnel ports": sorted(
            row["options"]["remote_ip"]
            for row in vtep.rows("Interface", "Open_vSwitch")
            if row["type"] == "vxlan" and row["name"] in on_bridge
            if row["options"]["remote_ip"] != "flow"  # for VTEPs that no row names
        ),
    }


def _state(stage: Stage) -> State:
    """Return flows, groups, ports and rows; a row that was written again has a new _version."""
    vtep = stage.vtep
    interface = ("_uuid", "name", "type", "options", "bfd", "ofport", "external_ids")
    # The mark of come_to_rest() is bound at a port: its row changes, and nothing of it stays.
    port = (
        "_uuid", "name", "vlan_bindings", "acl_bindings", "vlan_stats", "port_fault_status",
    )  # fmt: skip
    [ports, statistics] = vtep.tables("Physical_Port", "Logical_Binding_Stats")
    return {
        "flows": sorted(vtep.ofctl("--no-stats", "dump-flows", vtep.bridge).splitlines()),
        "groups": sorted(vtep.ofctl("dump-groups", vtep.bridge).splitlines()[1:]),
        "Interface": _columns(vtep.rows("Interface", "Open_vSwitch"), interface),
        "Physical_Port": _columns(ports, port),
        "Logical_Binding_Stats": _columns(statistics, ("_uuid",)),
        **{
            name: {row["_uuid"]: row for row in rows}
            for name, rows in zip(OUR_TABLES, vtep.tables(*OUR_TABLES), strict=True)
        },
    }


def _ages(stage: Stage) -> dict[str, float]:
    """Return for how long each flow has been there, in seconds."""
    lines = stage.vtep.ofctl("dump-flows", stage.vtep.bridge).splitlines()[1:]
    return {_FIGURES.sub("", line): float(age[1]) for line in lines if (age := _AGE.search(line))}


def _columns(rows: Iterable[State], names: Sequence[str]) -> dict[str, State]:
    return {row["_uuid"]: {name: row[name] for name in names} for row in rows}


def _union(sets: Iterable[str | list[str]]) -> set[str]:
    """Return the union of columns; OVSDB writes a set of one as the one."""
    return set().union(*([each] if isinstance(each, str) else each for each in sets))
