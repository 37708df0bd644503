"""OVN as the NVC: northd, two hypervisors, ovn-controller-vtep, and our VTEP.

The lab is configured by the commands of docs/ovn.md. Each test leaves it like that.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from sim.lab.namespaces import run
from sim.lab.vtep import Vtep
from sim.ovn.hypervisor import Hypervisor
from sim.wire.frames import BROADCAST
from tests.lab.trial import ForkedApp, new_lab_name, standing
from tests.nvcs import ovn_page
from tests.nvcs.ovn_lab import (
    HV1,
    HV2,
    LOCAL,
    REMOTE,
    ROUTER,
    ROUTER_IN_SW1,
    VTEP,
    VTEP2,
    ConfiguredLab,
    pings,
)

SIM = [sys.executable, "-m", "sim"]
ANY, QUICK = {"accept_from": "any"}, {"stats_interval": "1"}
ONCE = ["untagged"]


@pytest.fixture(scope="module")
def lab() -> Iterator[ConfiguredLab]:
    with standing(ConfiguredLab(new_lab_name(), ForkedApp)) as lab:
        for vtep in lab.vteps.values():
            assert isinstance(vtep.app, ForkedApp)
            vtep.app.options.update(ANY | QUICK)
        lab.start()
        for where, text in ovn_page.commands():
            ovn_page.run(lab, where, text)
        for a, b in ((lab.host1, lab.vm1), (lab.host3, lab.vm2), (lab.host2, lab.vm1)):
            lab.await_ping(a, b)
        lab.await_remote(lab.vtep, lab.remote())
        yield lab
        lab.await_remote(lab.vtep, lab.remote())


def test_the_answers_on_the_page_are_those_of_the_commands(lab: ConfiguredLab) -> None:
    examples = [each for each in ovn_page.shown() if "accept_from" not in each.where]
    assert len(examples) == 2
    for each in examples:
        lab.await_answer(each)


def test_hosts_behind_the_vtep_and_vms_on_both_hypervisors_reach_each_other(
    lab: ConfiguredLab,
) -> None:
    for vm in (lab.vm1, lab.vm2):
        for host in (lab.host1, lab.host3):
            assert host.ping(vm.ip) == 3
            assert vm.ping(host.ip) == 3
    assert lab.vm1.ping(lab.vm2.ip) == 3


def test_a_broadcast_arrives_once_at_each_host_of_its_logical_switch(lab: ConfiguredLab) -> None:
    beyond = {"host3": ONCE} if lab.spreads else {}
    for sender, receivers in (
        (lab.host1, {"vm1": ONCE, "vm2": ONCE, **beyond}),
        (lab.vm1, {"vm2": ONCE, "host1": ONCE, "host3": ONCE}),
        (lab.vm2, {"vm1": ONCE, "host1": ONCE, "host3": ONCE}),
        (lab.host2, {}),
    ):
        lab.expect_delivery(sender.send, receivers, src=sender.mac, dst=BROADCAST)


def test_an_unknown_mac_is_looked_for_behind_the_vteps_alone(lab: ConfiguredLab) -> None:
    unknown = "02:79:00:00:00:01"
    beyond = {"host3": ONCE} if lab.spreads else {}
    lab.expect_delivery(lab.host1.send, beyond, src=lab.host1.mac, dst=unknown)
    lab.expect_delivery(lab.vm1.send, {"host1": ONCE, "host3": ONCE}, src=lab.vm1.mac, dst=unknown)


def test_what_ovn_writes_and_what_of_ours_it_reads(lab: ConfiguredLab) -> None:
    keys = {row["_uuid"]: row["tunnel_key"] for row in lab.central.rows("Datapath_Binding")}
    ports = {row["logical_port"]: row for row in lab.central.rows("Port_Binding")}
    switches = {row["name"]: row for row in lab.vtep.rows("Logical_Switch")}
    for name, port in (("ls0", "sw0-vtep"), ("ls1", "sw1-vtep")):
        assert switches[name]["tunnel_key"] == keys[ports[port]["datapath"]]
        assert switches[name]["replication_mode"] == "source_node"
        assert lab.chassis_of(port) == "br0"
        assert ports[port]["up"] is True
    beyond = [VTEP2] if lab.spreads else []
    assert lab.vtep.flooding() == {"ls0": sorted([HV1, HV2, *beyond]), "ls1": [HV1]}
    (chassis,) = (row for row in lab.central.rows("Chassis") if row["name"] == "br0")
    assert sorted(chassis["vtep_logical_switches"]) == ["ls0", "ls1"]
    (encap,) = (row for row in lab.central.rows("Encap") if row["chassis_name"] == "br0")
    assert (encap["type"], encap["ip"]) == ("vxlan", VTEP)
    assert "failed: 0" in lab.app.ask("check")


def test_vxlan_mode_is_off_from_24_09_on(lab: ConfiguredLab) -> None:
    is_off = lab.version >= (24, 9)
    lab.wait(
        lambda: (int(lab.central.nbctl("get", "NB_Global", ".", "options:max_tunid").strip('"'))
                 > 4095) == is_off,
        "the number of logical switches and routers that the page says",
    )  # fmt: skip


def test_vteps_know_of_each_others_hosts_in_versions_after_26_03(lab: ConfiguredLab) -> None:
    assert lab.vtep.stations(LOCAL)["ls0", lab.host1.mac] == VTEP
    # A later change has arrived at the other VTEP: an earlier one would have, too.
    lab.await_change(lab.vtep2)
    learned = {row["mac"] for row in lab.central.rows("FDB")}
    if lab.spreads:
        assert {lab.host1.mac, lab.host3.mac} <= learned
        assert lab.vtep2.stations(REMOTE)["ls0", lab.host1.mac] == VTEP
        assert VTEP in lab.vtep2.flooding()["ls0"]
        assert lab.host1.ping(lab.host3.ip) == lab.host3.ping(lab.host1.ip) == 3
    else:
        assert not learned
        assert ("ls0", lab.host1.mac) not in lab.vtep2.stations(REMOTE)
        assert lab.vtep2.flooding()["ls0"] == [HV1, HV2]
        assert not pings(lab.host1, lab.host3.ip)


def test_routed_traffic_reaches_hosts_behind_the_vtep(lab: ConfiguredLab) -> None:
    for other in (lab.vm1, lab.vm2, lab.host1):
        assert other.ping(lab.host2.ip) == 3
        assert lab.host2.ping(other.ip) == 3
    assert lab.host2.ping("192.168.44.254") == 3


def test_a_router_port_without_a_gateway_chassis_answers_no_host(lab: ConfiguredLab) -> None:
    for chassis in lab.hypervisors:
        lab.central.nbctl("lrp-del-gateway-chassis", "lr0-sw1", chassis)
    try:
        without = {key: at for key, at in lab.remote().items() if key[1] != ROUTER_IN_SW1}
        lab.await_remote(lab.vtep, without)
        lab.host2.run(["ip", "neigh", "flush", "dev", "eth0"])
        lab.await_silence(lab.host2, "192.168.44.254")
    finally:
        for chassis, priority in (("hv1", "20"), ("hv2", "10")):
            lab.central.nbctl("lrp-set-gateway-chassis", "lr0-sw1", chassis, priority)
    lab.await_remote(lab.vtep, lab.remote())
    lab.await_ping(lab.host2, "192.168.44.254")


def test_the_next_gateway_chassis_serves_hosts_while_the_first_one_is_cut_off(
    lab: ConfiguredLab,
) -> None:
    (command,) = (text for _, text in ovn_page.commands() if "bfd_params" in text)
    ovn_page.run(lab, "at the VTEP", command)
    lab.wait(lambda: lab.hv2.bfd_sessions()[VTEP]["Forwarding"] == "true", "BFD with the VTEP")
    lab.underlay.cut("hv1")
    try:
        moved = {key: HV2 if key[1] in ROUTER else at for key, at in lab.remote().items()}
        lab.await_remote(lab.vtep, moved)
        lab.await_ping(lab.host2, lab.vm2)
        lab.await_ping(lab.vm2, lab.host1)
    finally:
        lab.underlay.mend("hv1")
    lab.await_remote(lab.vtep, lab.remote())
    lab.await_ping(lab.host2, lab.vm1)
    lab.await_ping(lab.vm2, lab.host2)


def test_bfd_of_hypervisors_is_dropped_and_counted_unless_it_is_enabled_here(
    lab: ConfiguredLab,
) -> None:
    def dropped() -> int:
        counters = lab.vtep2.run(["ovs-appctl", "-t", "vtep_ofapp", "counters"])
        found = re.search(r"unknown-vni +(\d+)", counters)
        assert found
        return int(found[1])

    assert lab.hv1.bfd_sessions()[VTEP2]["Local Session State"] == "down"
    before = dropped()
    lab.wait(lambda: dropped() > before, "dropped frames with a VNI of no logical switch")
    assert lab.vm1.ping(lab.host3.ip) == 3


def test_what_an_unnamed_hypervisor_routes_is_dropped_and_said_with_accept_from_named(
    lab: ConfiguredLab,
) -> None:
    option = ovn_page.files()[1]
    assert option == "[vtep]\n" + "".join(f"{name} = {value}\n" for name, value in ANY.items())
    (warning,) = (each for each in ovn_page.shown() if "accept_from" in each.where)
    lab.restart_app(QUICK)
    try:
        # The flows of the application before are replaced once it has read everything.
        lab.await_silence(lab.vm2, lab.host2)
        assert lab.vm1.ping(lab.host2.ip) == 3
        lab.await_answer(warning)
    finally:
        lab.restart_app(ANY | QUICK)
    lab.await_ping(lab.vm2, lab.host2)


def test_a_vm_that_moves_to_the_other_hypervisor_is_found_there(lab: ConfiguredLab) -> None:
    beyond = [VTEP2] if lab.spreads else []
    for there, flooded in ((lab.hv1, [HV1]), (lab.hv2, [HV1, HV2])):
        lab.move_vm(lab.vm2, there, "vm2")
        lab.await_remote(lab.vtep, lab.remote(vm2=there.tunnel_ip))
        lab.await_ping(lab.host1, lab.vm2)
        lab.await_ping(lab.vm2, lab.host2)
        lab.await_flooding("ls0", flooded + beyond)


def test_a_port_that_is_unbound_and_bound_again(lab: ConfiguredLab) -> None:
    lab.vtep.vtep_ctl("unbind-ls", "br0", "p0", "0")
    try:
        lab.wait(lambda: lab.chassis_of("sw0-vtep") is None, "sw0-vtep to be unbound in OVN")
        lab.wait(lambda: key_of(lab.vtep, "ls0") == 0, "VNI 0 of ls0")
        lab.await_remote(lab.vtep, {("ls1", ROUTER_IN_SW1): HV1})
        lab.await_silence(lab.host1, lab.vm1)
    finally:
        lab.vtep.vtep_ctl("bind-ls", "br0", "p0", "0", "ls0")
    lab.await_ping(lab.host1, lab.vm1)
    lab.await_ping(lab.vm2, lab.host1)
    lab.await_remote(lab.vtep, lab.remote())


@pytest.mark.parametrize("is_first", [True, False], ids=["ovn-first", "vtep-first"])
def test_the_port_of_type_vtep_may_come_before_or_after_the_binding(
    lab: ConfiguredLab, is_first: bool
) -> None:
    lab.central.nbctl("lsp-del", "sw1-vtep")
    lab.vtep.vtep_ctl("unbind-ls", "br0", "p1", "0")
    lab.wait(lambda: not rows_of(lab.vtep, "ls1"), "the end of all rows of ls1")
    lab.vtep.vtep_ctl("del-ls", "ls1")
    (in_ovn,) = (text for _, text in ovn_page.commands() if "lsp-add sw1 sw1-vtep" in text)
    port = "".join(line for line in in_ovn.splitlines(keepends=True) if "sw1-vtep" in line)
    (at_vtep,) = (text for _, text in ovn_page.commands() if "add-ls ls1" in text)
    steps = [("with OVN's databases", port), ("at the VTEP", at_vtep)]
    for where, text in steps if is_first else reversed(steps):
        ovn_page.run(lab, where, text)
        lab.central.nbctl("--wait=sb", "sync")
    lab.await_remote(lab.vtep, lab.remote())
    lab.await_ping(lab.host2, "192.168.44.254")
    lab.await_ping(lab.vm2, lab.host2)


def test_after_its_exit_command_hosts_reach_no_hypervisor_until_it_runs_again(
    lab: ConfiguredLab,
) -> None:
    lab.vtep.do("ovn-appctl", "-t", "ovn-controller-vtep", "exit")
    try:
        lab.await_remote(lab.vtep, {})
        assert key_of(lab.vtep, "ls0") == key_of(lab.vtep, "ls1") == []
        assert not lab.vtep.flooding()
        lab.await_silence(lab.host1, lab.vm1)
        assert "it has no tunnel key yet" in lab.app.ask("fault/show")
        lab.wait(lambda: not lab.gateways["vtep"].running, "the end of ovn-controller-vtep")
    finally:
        lab.gateways["vtep"].start()
    lab.await_remote(lab.vtep, lab.remote())
    lab.await_ping(lab.host1, lab.vm1)
    lab.await_ping(lab.vm2, lab.host2)
    lab.wait(lambda: "it has no tunnel key yet" not in lab.app.ask("fault/show"), "no fault")


def test_ovns_daemon_may_be_killed_and_started_again_under_traffic(lab: ConfiguredLab) -> None:
    daemon = lab.gateways["vtep"]
    with no_loss(lab):
        for end in (daemon.stop, daemon.kill):
            end()
            assert lab.vtep.stations(REMOTE) == lab.remote()
            daemon.start()
            lab.await_change(lab.vtep)
    assert lab.vtep.stations(REMOTE) == lab.remote()


def test_the_service_of_debians_package_starts_with_the_options_of_the_page(
    lab: ConfiguredLab,
) -> None:
    unit = ovn_page.files()[0].replace("/var/run/openvswitch", str(lab.vtep.folder))
    options = re.search(r'^Environment="OVN_CTL_OPTS=(.+)"$', unit, re.M)
    assert options, unit
    lab.gateways["vtep"].stop()
    script = ["/usr/share/ovn/scripts/ovn-ctl"]
    lab.vtep.do(*script, "start_controller_vtep", "--no-monitor", *options[1].split())
    lab.await_change(lab.vtep)
    lab.gateways["vtep"].restart()
    lab.await_remote(lab.vtep, lab.remote())


def test_the_application_restarts_under_ovn_and_loses_nothing(lab: ConfiguredLab) -> None:
    tables = (REMOTE, LOCAL, "Mcast_Macs_Remote", "Mcast_Macs_Local", "Tunnel", "Physical_Port")

    def rows() -> set[str]:
        return {row["_uuid"] for found in lab.vtep.tables(*tables) for row in found}

    before = rows()
    with no_loss(lab):
        lab.restart_app(ANY | QUICK)
    assert rows() == before
    assert lab.host1.ping(lab.vm2.ip) == 3


def test_hypervisors_may_have_vxlan_alone(lab: ConfiguredLab) -> None:
    lab.central.nbctl("set", "NB_Global", ".", "options:vxlan_mode=true")
    set_encapsulation(lab, "vxlan")
    try:
        for a, b in ((lab.vm1, lab.vm2), (lab.host1, lab.vm1), (lab.vm2, lab.host2)):
            lab.await_ping(a, b)
    finally:
        set_encapsulation(lab, "geneve,vxlan")
        lab.central.nbctl("set", "NB_Global", ".", "options:vxlan_mode=false")
    lab.await_remote(lab.vtep, lab.remote())
    for a, b in ((lab.vm1, lab.vm2), (lab.host1, lab.vm1), (lab.vm2, lab.host2)):
        lab.await_ping(a, b)


def test_the_lab_of_the_command_is_that_of_the_page_before_step_1() -> None:
    assert "\n.venv/bin/python -m sim ovn\n" in ovn_page.PAGE.read_text()
    name = new_lab_name()
    try:
        assert f"shell --name {name} central" in run([*SIM, "ovn", "--name", name], timeout=120)
        ping = ["vm1", "ping", "-c", "1", "-w", "30", "192.168.33.2"]
        assert "1 received" in run([*SIM, "shell", "--name", name, *ping], timeout=60)
    finally:
        run([*SIM, "down", "--name", name])


def rows_of(vtep: Vtep, logical_switch: str) -> list[str]:
    """Return the MACs that a logical switch has in any table of the VTEP database."""
    (ls,) = (r["_uuid"] for r in vtep.rows("Logical_Switch") if r["name"] == logical_switch)
    tables = vtep.tables(REMOTE, LOCAL, "Mcast_Macs_Remote", "Mcast_Macs_Local")
    return [row["MAC"] for rows in tables for row in rows if row["logical_switch"] == ls]


def key_of(vtep: Vtep, logical_switch: str) -> Any:
    """Return the tunnel key of a logical switch as the VTEP database has it."""
    (key,) = (
        row["tunnel_key"] for row in vtep.rows("Logical_Switch") if row["name"] == logical_switch
    )
    return key


def set_encapsulation(lab: ConfiguredLab, types: str) -> None:
    """Set the tunnels of all hypervisors, and wait until they have them."""
    for hypervisor in lab.hypervisors.values():
        hypervisor.do(
            "ovs-vsctl", "set", "Open_vSwitch", ".", f"external_ids:ovn-encap-type={types}"
        )
    for name, hypervisor in lab.hypervisors.items():
        await_encapsulation(lab, name, hypervisor, types.split(","))


def await_encapsulation(
    lab: ConfiguredLab, name: str, hypervisor: Hypervisor, expected: list[str]
) -> None:
    """Wait until OVN knows the tunnels of a hypervisor, and it uses the first kind of them."""
    lab.wait(
        lambda: (
            {row["type"] for row in lab.central.rows("Encap") if row["chassis_name"] == name}
            == set(expected)
        ),
        f"{expected} of {name} in OVN",
    )
    lab.wait(lambda: tunnel_types(hypervisor) == {expected[0]}, f"{expected[0]} at {name}")


def tunnel_types(hypervisor: Hypervisor) -> set[str]:
    """Return by which kinds of tunnels a hypervisor reaches the other one."""
    return {
        row["type"]
        for row in hypervisor.rows("Interface", "Open_vSwitch")
        if row["options"].get("remote_ip") in (HV1, HV2)
    }


@contextmanager
def no_loss(lab: ConfiguredLab) -> Iterator[None]:
    """Let frames pass between a host and a VM both ways, before and after: each arrives once."""
    with lab.host1.stream(lab.vm1, 300) as there, lab.vm1.stream(lab.host1, 300) as back:
        for stream in (there, back):
            stream.await_arrival(30, lab.evidence)
        yield
        for stream in (there, back):
            stream.await_arrival(30, lab.evidence)
    for stream in (there, back):
        account = stream.account()
        assert (account.lost, account.duplicated) == ((), ()), account
