"""What a switch has and what its rows say, to compare before and after."""

from __future__ import annotations

import contextlib
import re
import signal
from collections.abc import Callable
from typing import Any

from sim.waiting import WaitFailed
from tests.switch.dummy import DummySwitch, several

OUR_TABLES = (
    "Physical_Switch",
    "Tunnel",
    "Logical_Binding_Stats",
    "Ucast_Macs_Local",
    "Mcast_Macs_Local",
    "Arp_Sources_Local",
    "Physical_Locator",
    "Physical_Locator_Set",
)


def tunnels(vtep: DummySwitch, local: str = "127.0.0.1") -> set[str]:
    """Return the remote ends of the Tunnel rows of all switches, with the key of the locator.

    All of them start from the local address, or there are none to speak of.
    """
    tables = vtep.snapshot("Physical_Locator", "Physical_Switch", "Tunnel")
    named = by_uuid(tables["Physical_Locator"])
    listed = {uuid for row in tables["Physical_Switch"] for uuid in several(row["tunnels"])}
    rows = [row for row in tables["Tunnel"] if row["_uuid"] in listed]
    if any(named[row["local"]]["dst_ip"] != local for row in rows):
        return set()
    return {locator_name(named[row["remote"]]) for row in rows}


def locator_name(row: dict[str, Any]) -> str:
    """Return what a Physical_Locator row says: an address, or an address and a key."""
    return row["dst_ip"] if row["tunnel_key"] == () else f"{row['dst_ip']}/{row['tunnel_key']}"


def locator_names(vtep: DummySwitch) -> list[str]:
    """Return what all rows of Physical_Locator say."""
    return sorted(map(locator_name, vtep.rows("Physical_Locator")))


def switch_faults(vtep: DummySwitch, name: str = "br0") -> set[str]:
    """Return what the fault column of a Physical_Switch holds."""
    return set(several(vtep.row("Physical_Switch", name=name)["switch_fault_status"]))


def port_faults(vtep: DummySwitch, name: str) -> set[str]:
    """Return what the fault column of a Physical_Port holds."""
    return set(several(vtep.row("Physical_Port", name=name)["port_fault_status"]))


def ports(vtep: DummySwitch) -> list[dict[str, Any]]:
    """Return the Open_vSwitch rows of ports and interfaces, without what changes by itself."""
    columns = ("_uuid", "name", "type", "options", "bfd", "ofport", "external_ids")
    return sorted(
        (
            {column: row[column] for column in columns}
            for row in vtep.rows("Interface", "Open_vSwitch")
        ),
        key=lambda row: row["name"],
    )


def assert_restart_changes_nothing(vtep: DummySwitch, *bridges: str) -> None:
    """Kill the application and start it again: it sends nothing, and writes nothing."""
    bridges = bridges or ("br0",)
    vtep.come_to_rest()
    before, ages = everything(vtep, bridges), [vtep.ages(bridge) for bridge in bridges]
    statistics = by_uuid(vtep.rows("Logical_Binding_Stats")).keys()
    vtep.restart_app()
    vtep.come_to_rest()
    wait_until_equal(vtep, lambda: everything(vtep, bridges), before)
    assert statistics <= by_uuid(vtep.rows("Logical_Binding_Stats")).keys()
    for bridge, earlier in zip(bridges, ages, strict=True):
        later = vtep.ages(bridge)
        assert later.keys() == earlier.keys()
        assert all(later[flow] >= earlier[flow] for flow in earlier)


def wait_until_equal(
    vtep: DummySwitch, now: Callable[[], dict[str, Any]], before: dict[str, Any]
) -> None:
    """Wait until everything is as it was; say what differs if that does not come true."""
    with contextlib.suppress(WaitFailed):
        vtep.wait(lambda: now() == before, "everything as it was")
    after = now()
    assert {key: after[key] for key in after if after[key] != before[key]} == {
        key: before[key] for key in after if after[key] != before[key]
    }


def everything(vtep: DummySwitch, bridges: tuple[str, ...]) -> dict[str, Any]:
    """Return flows, groups, ports and rows but statistics.

    A row that was written again has a new _version.
    """
    tables = vtep.snapshot(*OUR_TABLES, "Physical_Port")
    # Statistics are written when their interval ends, and come_to_rest() binds VLANs.
    del tables["Logical_Binding_Stats"]
    tables["Physical_Port"] = [
        {**row, "vlan_stats": None, "_version": None} for row in tables["Physical_Port"]
    ]
    return {
        **{f"flows of {bridge}": vtep.flows(bridge) for bridge in bridges},
        **{f"groups of {bridge}": vtep.groups(bridge) for bridge in bridges},
        "ports": ports(vtep),
        **{table: by_uuid(rows) for table, rows in tables.items()},
    }


def account(vtep: DummySwitch) -> dict[str, dict[str, int]]:
    """Return what the application has sent so far, by receiver and kind."""
    last = "sent to hardware_vtep"
    heard = vtep.app.log_text.count(last)
    vtep.app.signal(signal.SIGUSR1)
    vtep.wait(lambda: vtep.app.log_text.count(last) > heard, "the account")
    found = {}
    for receiver, text in re.findall(r"INFO sent to (\w+): (.*)$", vtep.app.log_text, re.MULTILINE):
        found[receiver] = {name: int(count) for name, count in re.findall(r"([a-z_]+) (\d+)", text)}
    return found


def by_uuid(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {row["_uuid"]: row for row in rows}
