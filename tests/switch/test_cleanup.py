"""`python -m vtep_ofapp.cleanup` removes all that is ours, and nothing else."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests import prefork
from tests.access_lists import AccessLists, entry
from tests.switch.dummy import BROADCAST, DummySwitch, several
from vtep_ofapp.pipeline.layout import Table

HOST, FAR = "00:00:00:00:00:01", "00:00:00:00:00:99"


def clean(
    switch: DummySwitch, *arguments: str, code: int = 0, start: Callable[..., Any] = prefork.run
) -> str:
    """Run the command; return what it prints."""
    argv = ["-m", "vtep_ofapp.cleanup", "--config-file", str(switch.app.config), *arguments]
    done = start(argv, switch.folder, switch.app.environment())
    assert done.returncode == code, done.stdout + done.stderr
    return str(done.stdout if code == 0 else done.stderr)


def new_python(
    argv: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a module as a shell does."""
    return subprocess.run(
        [sys.executable, *argv],
        capture_output=True, text=True, timeout=120, check=False, cwd=folder, env=environment,
    )  # fmt: skip


def processor_seconds() -> float:
    """Return the processor time of ended child processes, which other load does not change."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def everything(switch: DummySwitch) -> tuple[list[str], list[str], str, str]:
    """Return flows, groups, ports and rows."""
    return (
        switch.flows(),
        switch.groups(),
        switch.ovs_vsctl("list-ports", "br0"),
        switch.run(["ovsdb-client", "dump", switch.db, "hardware_vtep"]),
    )


@pytest.fixture
def used(switch: DummySwitch) -> DummySwitch:
    """br0 with a learned host, a tunnel, faults and statistics; the application is stopped."""
    switch.manage(stats_interval="0.2")
    switch.join()
    switch.place(FAR, "10.2.2.3")
    switch.replicate(("10.2.2.4",))
    switch.vtep_ctl("bind-ls", "br0", "p0", "4095", "ls0")
    switch.receive("p0", HOST, BROADCAST)
    switch.wait(lambda: switch.local_macs() == {HOST: "127.0.0.1"}, "the host's row")
    switch.wait(lambda: len(switch.tunnel_ports()) == 2, "the tunnels")
    switch.wait(lambda: len(switch.rows("Logical_Binding_Stats")) == 2, "statistics")
    switch.wait(lambda: len(switch.rows("Tunnel")) == 2, "Tunnel rows")
    switch.ofctl("add-flow", "br0", "table=5,priority=7,actions=drop")
    switch.ofctl("add-group", "br0", "group_id=5,type=all,bucket=actions=drop")
    switch.ovs_vsctl("set", "Flow_Table", "FLOODING", "flow_limit=7", "name=own")
    switch.app.stop()
    switch.app.begin_log()
    return switch


def test_all_that_is_ours_goes_and_all_else_stays(used: DummySwitch) -> None:
    said = clean(used, start=new_python)
    assert "br0: ports vx" in said
    assert f"br0: names of {len(Table) - 1} tables: removed\n" in said
    assert used.ovs_vsctl("get", "Flow_Table", "own", "flow_limit") == "7"
    assert "`ovs-vsctl set-fail-mode br0 standalone -- del-controller br0`" in said
    assert "br0: fragment mode nx-match: removed\n" in said
    assert used.ofctl("get-frags", "br0").strip() == "normal"
    assert used.flows() == [" table=5, priority=7 actions=drop"]
    assert ["group_id=5" in group for group in used.groups()] == [True]
    assert used.ovs_vsctl("list-ports", "br0") == "p0\np1"
    for table in ("Ucast_Macs_Local", "Mcast_Macs_Local", "Tunnel", "Logical_Binding_Stats"):
        assert used.rows(table) == []
    assert [row["MAC"] for row in used.rows("Ucast_Macs_Remote")] == [FAR]
    ports = {row["name"]: row for row in used.rows("Physical_Port")}
    assert set(ports["p0"]["vlan_bindings"]) == {0, 4095}
    assert ports["p0"]["port_fault_status"] == ()
    assert used.row("Physical_Switch", name="br0")["description"] == ""
    assert clean(used) == "there is nothing to remove\n"


def test_fault_words_of_access_lists_go_but_for_those_of_others(used: DummySwitch) -> None:
    used.vtep_ctl("add-ps", "other", "--", "add-port", "other", "elsewhere")
    acls = AccessLists(used)
    for name, port in (("x", "p0"), ("y", "elsewhere")):
        acls.put(name, entry(10, "in", "deny", source_mask="255.0.0.0"))
        acls.bind(port, {0: name})
    for table, column, word in (
        ("ACL", "acl_fault_status", "invalid_acl"),
        ("ACL_entry", "acle_fault_status", "invalid_acl_entry"),
    ):
        for row in used.rows(table):
            used.vtep_ctl("set", table, str(row["_uuid"]), f"{column}={word}")
    said = clean(used)
    assert "acl_fault_status of 1 rows of ACL: removed\n" in said
    assert "acle_fault_status of 1 rows of ACL_entry: removed\n" in said
    assert acls.faults("x") == set()
    assert acls.faults("y") == {"invalid_acl", "invalid_acl_entry"}
    assert clean(used) == "there is nothing to remove\n"


def test_what_we_wrote_for_routers_goes_but_not_for_those_of_others(used: DummySwitch) -> None:
    used.vtep_ctl("add-ps", "other", "--", "add-port", "other", "elsewhere", "--", "add-ls", "ls9")
    used.vtep_ctl(
        "bind-ls", "other", "elsewhere", "0", "ls9", "--", "add-lr", "r0", "--", "add-lr", "r9"
    )
    for router, name, address in (("r0", "ls0", "10.0.0.1/24"), ("r9", "ls9", "10.0.9.1/24")):
        joined = used.row("Logical_Switch", name=name)["_uuid"]
        used.vtep_ctl("set", "Logical_Router", router, f'switch_binding:"{address}"={joined}')
    used.app.start()
    used.wait(lambda: len(used.rows("Arp_Sources_Local")) == 1, "our ARP source")
    used.app.stop()
    for router in ("r0", "r9"):
        used.vtep_ctl("set", "Logical_Router", router, "LR_fault_status=unspecified_fault")
    said = clean(used)
    assert "1 rows of Arp_Sources_Local: removed\n" in said
    assert "LR_fault_status of 1 rows of Logical_Router: removed\n" in said
    assert used.rows("Arp_Sources_Local") == []
    assert used.row("Logical_Router", name="r0")["LR_fault_status"] == ()
    assert used.row("Logical_Router", name="r9")["LR_fault_status"] == "unspecified_fault"
    assert clean(used) == "there is nothing to remove\n"


def test_afterwards_all_can_begin_again(used: DummySwitch) -> None:
    before = used.flows(ports="--names")
    clean(used)
    used.app.start()
    used.wait(lambda: len(used.tunnel_ports()) == 2, "the tunnels")
    used.wait(lambda: used.sends("p0", FAR) == ["10.2.2.3 vni 33"], "the way to the far host")
    learned = {flow for flow in before if HOST in flow}
    used.wait(
        lambda: set(before) - learned <= set(used.flows(ports="--names")), "the flows from before"
    )


def test_a_dry_run_only_says_what_would_go(used: DummySwitch) -> None:
    before = everything(used)
    said = clean(used, "--dry-run")
    assert everything(used) == before
    assert said.replace(" would be removed\n", ": removed\n") == clean(used)


def test_a_dry_run_does_not_mind_an_application(used: DummySwitch) -> None:
    used.app.start()
    used.wait_for_log("br0 is managed")
    assert "flows and" in clean(used, "--dry-run")


def test_what_is_left_without_a_physical_switch_goes_too(used: DummySwitch) -> None:
    used.vtep_ctl("del-ps", "br0")
    said = clean(used)
    assert "br0: external_ids:vtep_ofapp: removed\n" in said
    assert used.flows() == [" table=5, priority=7 actions=drop"]
    assert used.tunnel_ports() == {}
    assert used.rows("Ucast_Macs_Local") == used.rows("Mcast_Macs_Local") == []
    assert used.ovs_vsctl("get", "bridge", "br0", "external_ids") == "{}"
    assert clean(used) == "there is nothing to remove\n"


def test_flows_are_enough_to_know_a_bridge_of_an_earlier_version(used: DummySwitch) -> None:
    used.vtep_ctl("del-ps", "br0")
    used.ovs_vsctl("remove", "bridge", "br0", "external_ids", "vtep_ofapp")
    for port in used.tunnel_ports().values():
        used.ovs_vsctl("del-port", "br0", port)
    clean(used)
    assert used.flows() == [" table=5, priority=7 actions=drop"]


def test_the_bridge_of_another_process_stays(used: DummySwitch) -> None:
    used.ovs_vsctl("set", "bridge", "br0", 'external_ids:vtep_ofapp="rack_7@unix:/db.sock"')
    before = everything(used)
    said = clean(used)
    assert "br0: left alone, it has the mark of another process: rack_7@unix:/db.sock\n" in said
    assert everything(used) == before


def test_rows_that_two_bridges_share_go_and_the_rest_of_them_stays(used: DummySwitch) -> None:
    used.add_bridge("br1", ("p2",))
    used.add_physical_switch("br1", "10.2.2.254")
    used.app.start()
    used.point_at_app("br1")
    used.wait_for_log("br1 is managed")
    used.vtep_ctl("bind-ls", "br1", "p2", "0", "ls0")
    used.wait(
        lambda: 2 in [len(several(row["locators"])) for row in used.rows("Physical_Locator_Set")],
        "a row with the locators of both",
    )
    used.app.stop()
    clean(used)
    assert used.rows("Mcast_Macs_Local") == []


def test_many_local_macs_go_at_once(used: DummySwitch) -> None:
    locator = used.row("Ucast_Macs_Local", MAC=HOST)["locator"]
    switch = used.row("Logical_Switch", name="ls0")["_uuid"]
    for start in range(0, 10_000, 500):  # a command's argument has 128 KiB at most
        used.transact(
            *(
                {
                    "op": "insert",
                    "table": "Ucast_Macs_Local",
                    "row": {
                        "MAC": f"00:00:00:01:{number // 256:02x}:{number % 256:02x}",
                        "locator": ["uuid", str(locator)],
                        "logical_switch": ["uuid", str(switch)],
                    },
                }
                for number in range(start, start + 500)
            )
        )
    begin = processor_seconds()
    assert "10001 rows of Ucast_Macs_Local: removed\n" in clean(used, start=new_python)
    assert processor_seconds() - begin < 5
    assert used.rows("Ucast_Macs_Local") == []


def test_bindings_go_with_their_ports_if_that_is_wanted(used: DummySwitch) -> None:
    clean(used, "--with-bindings")
    assert used.rows("Physical_Port") == []


def test_nothing_is_removed_while_an_application_runs(used: DummySwitch) -> None:
    used.app.start()
    used.wait_for_log("it is in charge")
    said = clean(used, code=1)
    assert "the lock 'vtep_ofapp' is taken: stop the application first" in said
    assert len(used.tunnel_ports()) == 2


def test_what_is_in_the_way_is_said_in_a_line(used: DummySwitch) -> None:
    used.ovs_vswitchd.kill()
    assert "ovs-ofctl" in clean(used, code=1)
    used.ovsdb_server.kill()
    assert "no database server" in clean(used, code=1)
