"""Whatever is configured and then undone leaves the switch and its rows as they were."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from tests.switch.conftest import a_switch
from tests.switch.dummy import BROADCAST, DummySwitch, several
from tests.switch.state import OUR_TABLES, locator_name, wait_until_equal

HOST, GROUP = "00:00:00:00:00:01", "01:00:5e:00:00:fb"
STATION = "00:00:00:00:00:99"


@pytest.fixture(scope="module")
def busy() -> Iterator[DummySwitch]:
    """One switch for all, with something of everything: keys of both kinds, BFD, a group."""
    with a_switch() as switch:
        switch.manage(port_grace="30")
        switch.join()
        switch.vtep_ctl(
            "add-ls", "ls1", "--", "set-replication-mode", "ls1", "source_node",
            "--", "bind-ls", "br0", "p0", "20", "ls1", "--", "bind-ls", "br0", "p1", "20", "ls1",
            "--", "add-ls", "ls2", "--", "set", "Logical_Switch", "ls2", "tunnel_key=35",
            "--", "add-lr", "lr0",
        )  # fmt: skip
        switch.place(STATION, "10.2.2.3")
        switch.place(STATION, "10.2.2.3", 101, logical_switch="ls1")
        switch.place(STATION, "10.2.2.5", logical_switch="ls2")
        switch.replicate(("10.2.2.2",), ("10.2.2.3",))
        switch.replicate(("10.2.2.2", 102), ("10.2.2.3", 101), logical_switch="ls1")
        switch.replicate(("10.2.2.4",), mac=GROUP)
        switch.wait(lambda: len(switch.tunnel_ports()) == 3, "the tunnels")
        switch.receive("p1", HOST, BROADCAST, 10)
        switch.wait(lambda: HOST in switch.local_macs(), "the host")
        switch.come_to_rest()
        yield switch


def state(switch: DummySwitch) -> dict[str, Any]:
    """Return flows, groups, tunnel ports and rows.

    Ports by name, because a tunnel port that returns has a new number; rows by what they say,
    because a row that returns has a new UUID.
    """
    tables = switch.snapshot(*OUR_TABLES, "Physical_Port", "Logical_Switch")
    rows = {row["_uuid"]: row for table in tables.values() for row in table}

    def locator(uuid: UUID) -> str:
        return locator_name(rows[uuid])

    return {
        "flows": switch.flows(ports="--names"),
        "groups": switch.groups(ports="--names"),
        "tunnel ports": sorted(
            (row["name"], *sorted(row["options"].items()), *sorted(row["bfd"].items()))
            for row in switch.rows("Interface", "Open_vSwitch")
            if row["type"] == "vxlan"
        ),
        "tunnels": sorted(
            (locator(row["local"]), locator(row["remote"]), *sorted(row["bfd_status"]))
            for row in tables["Tunnel"]
        ),
        "switches": [
            (row["name"], row["switch_fault_status"], len(several(row["tunnels"])))
            for row in tables["Physical_Switch"]
        ],
        "ports": sorted(
            (row["name"], row["port_fault_status"], *sorted(row["vlan_bindings"]))
            for row in tables["Physical_Port"]
        ),
        "local MACs": sorted(
            (row["MAC"], rows[row["logical_switch"]]["name"], locator(row["locator"]))
            for row in tables["Ucast_Macs_Local"]
        ),
        "unknown-dst": sorted(
            (
                rows[row["logical_switch"]]["name"],
                *sorted(map(locator, several(rows[row["locator_set"]]["locators"]))),
            )
            for row in tables["Mcast_Macs_Local"]
        ),
        "locators": sorted(map(locator_name, tables["Physical_Locator"])),
    }


LS0 = ("set", "Logical_Switch", "ls0")
BR0 = ("set", "Physical_Switch", "br0")


@pytest.mark.parametrize(
    ("do", "undo"),
    [
        (["unbind-ls", "br0", "p0", "0"], ["bind-ls", "br0", "p0", "0", "ls0"]),
        (["bind-ls", "br0", "p0", "30", "ls0"], ["unbind-ls", "br0", "p0", "30"]),
        (["unbind-ls", "br0", "p0", "0", "--", "bind-ls", "br0", "p0", "0", "ls2"],
         ["unbind-ls", "br0", "p0", "0", "--", "bind-ls", "br0", "p0", "0", "ls0"]),
        (["bind-ls", "br0", "p0", "30", "ls2"], ["unbind-ls", "br0", "p0", "30"]),
        (["bind-ls", "br0", "p0", "4095", "ls0"], ["unbind-ls", "br0", "p0", "4095"]),
        ([*LS0, "tunnel_key=34"], [*LS0, "tunnel_key=33"]),
        ([*LS0, "tunnel_key=101"], [*LS0, "tunnel_key=33"]),
        ([*LS0, "tunnel_key=35"], [*LS0, "tunnel_key=33"]),
        ([*LS0, "tunnel_key=0"], [*LS0, "tunnel_key=33"]),
        ([*LS0, "tunnel_key=16777216"], [*LS0, "tunnel_key=33"]),
        (["clear", "Logical_Switch", "ls0", "tunnel_key"], [*LS0, "tunnel_key=33"]),
        (["set", "Logical_Switch", "ls1", "tunnel_key=44"],
         ["clear", "Logical_Switch", "ls1", "tunnel_key"]),
        ([*LS0, "replication_mode=source_node"], ["clear", *LS0[1:], "replication_mode"]),
        (["add-ucast-remote", "ls0", "00:00:00:00:00:98", "10.2.2.5"],
         ["del-ucast-remote", "ls0", "00:00:00:00:00:98"]),
        (["add-ucast-remote", "ls0", "nonsense", "10.2.2.5"],
         ["del-ucast-remote", "ls0", "nonsense"]),
        (["add-mcast-remote", "ls0", "01:00:5e:00:00:fc", "10.2.2.5"],
         ["del-mcast-remote", "ls0", "01:00:5e:00:00:fc", "10.2.2.5"]),
        (["add-mcast-remote", "ls0", "unknown-dst", "10.2.2.5"],
         ["del-mcast-remote", "ls0", "unknown-dst", "10.2.2.5"]),
        (["add-ucast-remote", "ls0", "00:00:00:00:00:98", "127.0.0.1"],
         ["del-ucast-remote", "ls0", "00:00:00:00:00:98"]),
        (["add-ucast-remote", "ls0", STATION, "10.2.2.5"],
         ["add-ucast-remote", "ls0", STATION, "10.2.2.3"]),
        ([*BR0, "tunnel_ips=127.0.0.2"], [*BR0, "tunnel_ips=127.0.0.1"]),
        ([*BR0, 'tunnel_ips=["127.0.0.1","127.0.0.2"]'], [*BR0, "tunnel_ips=127.0.0.1"]),
        ([*BR0, 'tunnel_ips=["127.0.0.1","10.2.2.3"]'], [*BR0, "tunnel_ips=127.0.0.1"]),
        ([*BR0, "tunnel_ips=nonsense"], [*BR0, "tunnel_ips=127.0.0.1"]),
        (["clear", *BR0[1:], "tunnel_ips"], [*BR0, "tunnel_ips=127.0.0.1"]),
        (["bind-lr-ls"], ["clear", "Logical_Router", "lr0", "switch_binding"]),
        (["bfd"], ["no bfd"]),
        (["key"], ["former key"]),
        (["ovs-vsctl", "set", "port", "p0", "tag=5"], ["ovs-vsctl", "clear", "port", "p0", "tag"]),
        (["ovs-vsctl", "del-port", "br0", "p0"],
         ["ovs-vsctl", "add-port", "br0", "p0", "--", "set", "interface", "p0", "type=dummy",
          "ofport_request=1"]),
        (["ovs-vsctl", "set", "interface", "p0", "ofport_request=9"],
         ["ovs-vsctl", "set", "interface", "p0", "ofport_request=1"]),
    ],
    ids=lambda words: "_".join(word.replace(":", "") for word in words),
)  # fmt: skip
def test_what_is_done_and_undone_leaves_no_trace(
    busy: DummySwitch, do: list[str], undo: list[str]
) -> None:
    before = state(busy)
    carry_out(busy, do)
    busy.wait(lambda: state(busy) != before, "any change")
    busy.come_to_rest("p1")
    changed = state(busy)
    assert changed != before
    carry_out(busy, undo)
    wait_until_equal(busy, lambda: state(busy), before)
    assert busy.app.running


def carry_out(switch: DummySwitch, words: list[str]) -> None:
    """Run a command of ovs-vsctl, or of vtep-ctl, or one that needs UUIDs."""
    program, *arguments = command(switch, words)
    switch.run([program, *arguments])


def command(switch: DummySwitch, words: list[str]) -> list[str]:
    if words[0] == "ovs-vsctl":
        return words
    if words[0] == "bind-lr-ls":
        ls = switch.row("Logical_Switch", name="ls0")["_uuid"]
        return ["vtep-ctl", "set", "Logical_Router", "lr0", f"switch_binding:10.0.0.1/24={ls}"]
    if words[0] in ("bfd", "no bfd"):
        remote = locator_row(switch, "10.2.2.3/101")
        tunnel = str(switch.row("Tunnel", remote=remote)["_uuid"])
        if words[0] == "bfd":
            return ["vtep-ctl", "set", "Tunnel", tunnel, "bfd_params:enable=true"]
        return ["vtep-ctl", "clear", "Tunnel", tunnel, "bfd_params"]
    if words[0] in ("key", "former key"):
        former, new = (101, 111) if words[0] == "key" else (111, 101)
        row = str(locator_row(switch, f"10.2.2.3/{former}"))
        return ["vtep-ctl", "set", "Physical_Locator", row, f"tunnel_key={new}"]
    return ["vtep-ctl", *words]


def locator_row(switch: DummySwitch, name: str) -> UUID:
    (row,) = (row for row in switch.rows("Physical_Locator") if locator_name(row) == name)
    uuid: UUID = row["_uuid"]
    return uuid
