"""`status` of a fabric that runs, beside what the lab itself knows and the databases have.

The picture of the fabric shows what `status` says. `WRITE_PAGES=1` in the environment writes it
into docs/.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from sim.demo.fabric import BLUE, GREEN, GREEN_VNI, Fabric
from sim.lab.network import VNI
from sim.lab.process import CHECKOUT
from sim.waiting import wait_until
from sim.wire.frames import BROADCAST, lab_frame

Report = dict[str, Any]


@pytest.fixture(scope="module")
def fabric() -> Iterator[Fabric]:
    with Fabric(f"t{os.getpid()}st") as lab:
        lab.start()
        lab.connect()
        wait_until(lambda: is_distributed(lab), "a station that all know", evidence=lab.evidence)
        yield lab


def is_distributed(lab: Fabric) -> bool:
    """Send a frame, which is dropped as long as nothing is bound; return what became of it."""
    sender = lab.hosts["vm11"]
    sender.send(lab_frame(sender.mac, BROADCAST, b"to be learned"))
    key = BLUE, sender.mac
    return key in lab.vteps["vtep2"].stations("Ucast_Macs_Remote")


def sim(*words: str, code: int = 0) -> str:
    """Run a command as a process of its own, which has not built the lab."""
    done = subprocess.run(
        [sys.executable, "-m", "sim", *words], cwd=CHECKOUT, capture_output=True, text=True
    )
    assert done.returncode == code, done.stderr
    return done.stdout


def status(name: str) -> Report:
    report: Report = json.loads(sim("status", "--name", name, "--json"))
    return report


def named(rows: list[Report], name: str, key: str = "name") -> Report:
    """Return the one row with that name."""
    (found,) = (row for row in rows if row[key] == name)
    return found


def test_hosts_have_their_kinds_addresses_and_processes(fabric: Fabric) -> None:
    report = status(fabric.name)
    assert (report["format"], report["name"], report["state"]) == (1, fabric.name, "in use")
    assert report["problems"] == []
    kinds = {host["name"]: host["kind"] for host in report["hosts"]}
    assert kinds == {
        "underlay": "segment", "management": "segment", "nvc": "nvc", "hypervisor": "endpoint",
        **dict.fromkeys(("vtep1", "vtep2"), "vtep"),
        **dict.fromkeys(("vm11", "vm12", "vm21", "vm22"), "host"),
        **dict.fromkeys(("service-node1", "service-node2"), "peer"),
    }  # fmt: skip
    for vm in ("vm11", "vm22"):
        (interface,) = named(report["hosts"], vm)["interfaces"]
        assert interface["mac"] == fabric.hosts[vm].mac
        assert interface["addresses"] == [f"{fabric.hosts[vm].ip}/24"]
        assert interface["is_up"]
    vtep = fabric.vteps["vtep1"]
    processes = {each["name"]: each["pid"] for each in named(report["hosts"], "vtep1")["processes"]}
    assert processes == {
        "ovsdb-server": vtep.ovsdb_server.pid,
        "ovs-vswitchd": vtep.ovs_vswitchd.pid,
        "osken-manager": vtep.app.pid,
    }
    overlays = [each for each in named(report["hosts"], "hypervisor")["interfaces"] if each["vni"]]
    assert [(each["vni"], each["parent"], each["mac"]) for each in overlays] == [
        (vni, "eth0", overlay.mac)
        for vni, overlay in zip((VNI, GREEN_VNI), fabric.hypervisor.overlays, strict=True)
    ]
    assert set(overlays[0]["floods_to"]) == {each.tunnel_ip for each in fabric.vteps.values()}


def test_links_say_who_is_plugged_in_where_and_whether_they_are_up(fabric: Fabric) -> None:
    report = status(fabric.name)
    links = {
        frozenset((end["host"], end["interface"]) for end in link["ends"]): link["is_up"]
        for link in report["links"]
    }
    assert links[frozenset({("vm11", "eth0"), ("vtep1", "p0")})]
    assert links[frozenset({("service-node2", "eth1"), ("underlay", "service-node2")})]
    assert len(links) == len(report["links"]) == 4 + 5 + 3
    port = named(named(report["hosts"], "vtep1")["interfaces"], "p0")
    assert (port["bridge"], port["plugged_into"]) == ("br0", {"host": "vm11", "interface": "eth0"})

    node = fabric.service_nodes[1]
    node.cut()
    try:
        report = status(fabric.name)
        down = [link["ends"] for link in report["links"] if not link["is_up"]]
        assert [{end["host"] for end in ends} for ends in down] == [{"underlay", node.name}]
    finally:
        node.mend()


def test_a_vtep_has_what_its_database_has(fabric: Fabric) -> None:
    vtep = fabric.vteps["vtep2"]
    shown = named(status(fabric.name)["vteps"], "vtep2", "host")
    assert shown["databases"] == [
        {"name": name, "remote": vtep.db, "is_read": True}
        for name in ("Open_vSwitch", "hardware_vtep")
    ]
    assert shown["managers"] == [{"target": "ptcp:6640:10.1.1.12", "is_connected": True}]
    (application,) = shown["applications"]
    assert (application["pid"], application["is_ready"]) == (vtep.app.pid, True)
    assert application["status"] == "in charge of br0"
    assert shown["logical_switches"] == [
        {"name": BLUE, "vni": VNI, "replication": "service_node"},
        {"name": GREEN, "vni": GREEN_VNI, "replication": "source_node"},
    ]
    (switch,) = shown["switches"]
    assert (switch["name"], switch["tunnel_ips"]) == ("br0", [vtep.tunnel_ip])
    bindings = [{"vlan": 0, "logical_switch": BLUE}, {"vlan": 10, "logical_switch": GREEN}]
    assert named(switch["ports"], "p0") == {"name": "p0", "bindings": bindings, "faults": []}
    for table, key in (("Ucast_Macs_Local", "local_macs"), ("Ucast_Macs_Remote", "remote_macs")):
        rows = {(each["logical_switch"], each["mac"]): each["address"] for each in shown[key]}
        assert rows == vtep.stations(table)
    assert rows[BLUE, fabric.hosts["vm11"].mac] == "10.2.2.1"
    flooding = {each["logical_switch"]: each["addresses"] for each in shown["flooding"]}
    assert {name: sorted(each) for name, each in flooding.items()} == vtep.flooding()


def test_a_learned_mac_has_its_port(fabric: Fabric) -> None:
    shown = named(status(fabric.name)["vteps"], "vtep1", "host")
    learned = named(shown["local_macs"], fabric.hosts["vm11"].mac, "mac")
    assert (learned["port"], learned["vlan"], learned["address"]) == ("p0", 0, "10.2.2.1")


def test_both_ends_of_a_tunnel_have_its_bfd(fabric: Fabric) -> None:
    node = fabric.service_nodes[0]

    def seen() -> list[tuple[str | None, bool | None]]:
        report = status(fabric.name)
        (switch,) = named(report["vteps"], "vtep1", "host")["switches"]
        peer = named(report["peers"], node.name, "host")
        ends = (switch, node.tunnel_ip), (peer, "10.2.2.1"), (switch, "10.2.2.201")
        ways = [named(each["tunnels"], remote, "remote") for each, remote in ends]
        ways.append(named(peer["tunnels"], "10.2.2.201", "remote"))
        return [(way["bfd"], way["forwards"]) for way in ways]

    wait_until(
        lambda: seen() == [("up", True), ("up", True), ("down", False), (None, None)],
        "BFD in the report",
        evidence=lambda: f"{seen()}\n{fabric.evidence()}",
    )


def test_a_fault_is_there_while_it_stands(fabric: Fabric) -> None:
    vtep = fabric.vteps["vtep1"]

    def faults() -> tuple[list[str], list[str]]:
        shown = named(status(fabric.name)["vteps"], "vtep1", "host")
        return shown["switches"][0]["faults"], [each["text"] for each in shown["faults"]]

    assert faults() == ([], [])
    vtep.vtep_ctl("set", "Physical_Switch", vtep.bridge, "tunnel_ips=nowhere")
    try:
        words, texts = wait_until(lambda: all(faults()) and faults(), "a fault") or ([], [])
        assert words == ["unspecified_fault"]
        assert any("nowhere" in text for text in texts)
        assert any(line.startswith("    fault: ") for line in text_of(fabric).splitlines())
    finally:
        vtep.vtep_ctl("set", "Physical_Switch", vtep.bridge, f"tunnel_ips={vtep.tunnel_ip}")
    wait_until(lambda: faults() == ([], []), "no fault")


def test_what_does_not_answer_is_a_problem_and_the_rest_is_there(fabric: Fabric) -> None:
    vtep, other = fabric.vteps.values()
    pid = vtep.app.pid
    vtep.app.kill()
    vtep.ovsdb_server.stop()
    try:
        report = status(fabric.name)
    finally:
        vtep.ovsdb_server.start()
        vtep.app.take_over()
    shown = named(report["vteps"], "vtep1", "host")
    assert {database["is_read"] for database in shown["databases"]} == {False}
    assert (shown["applications"], shown["switches"]) == ([], [])
    problems = "\n".join(report["problems"])
    assert f"vtep1: vtep_ofapp has ended (it was process {pid})" in problems
    assert "vtep1: hardware_vtep cannot be read" in problems
    assert named(report["vteps"], "vtep2", "host")["applications"][0]["pid"] == other.app.pid
    assert named(report["hosts"], "vtep1")["interfaces"]


def test_the_text_has_addresses_places_and_tunnels(fabric: Fabric) -> None:
    text = text_of(fabric)
    assert f"192.168.33.11/24 {fabric.hosts['vm11'].mac} at vtep1 p0" in text
    assert "logical switch green, VNI 44: p0 VLAN 10, p1 VLAN 10" in text
    assert "tunnel to 10.2.2.201, BFD down, does not forward" in text


def test_the_picture_shows_what_status_says(fabric: Fabric, tmp_path: Path) -> None:
    file = tmp_path / "lab.svg"
    broken = fabric.vteps["vtep1"]
    report: dict[str, Any] = {}

    def is_drawn() -> bool:
        before = tunnels_of(status(fabric.name))
        sim("picture", "--name", fabric.name, "--output", str(file))
        report.update(status(fabric.name))
        return before == tunnels_of(report)

    broken.vtep_ctl("set", "Physical_Switch", broken.bridge, "tunnel_ips=nowhere")
    try:
        wait_until(lambda: status(fabric.name)["vteps"][0]["faults"], "a fault")
        # The tunnels of the broken VTEP go, and then the other ends see it.
        wait_until(is_drawn, "the same tunnels before and after the picture")
    finally:
        broken.vtep_ctl("set", "Physical_Switch", broken.bridge, f"tunnel_ips={broken.tunnel_ip}")
    shown = [each.attrib for each in ElementTree.parse(file).iter()]

    def all_of(*keys: str) -> list[tuple[str, ...]]:
        names = [f"data-{key}" for key in keys]
        return sorted(tuple(each[name] for name in names) for each in shown if names[0] in each)

    networks = {"underlay", "management"}
    hosts = [(host["name"], host["kind"]) for host in report["hosts"]]
    assert all_of("host", "kind") == sorted(each for each in hosts if each[0] not in networks)
    assert {name for (name,) in all_of("network")} == networks
    switches = [(vtep["host"], switch) for vtep in report["vteps"] for switch in vtep["switches"]]
    ports = [(port["name"], host) for host, switch in switches for port in switch["ports"]]
    overlays = [(name, "hypervisor") for name in ("vxlan33", "vxlan44")]
    assert all_of("port", "of") == sorted([*ports, *overlays])
    assert [(bound, at) for bound, at in all_of("bound", "at") if at == "vtep1 p0"] == [
        ("blue", "vtep1 p0"),
        ("green VLAN 10", "vtep1 p0"),
    ]
    assert all_of("logical-switch", "vni") == [(BLUE, str(VNI)), (GREEN, str(GREEN_VNI))]
    assert all_of("tunnel", "remote", "bfd") == tunnels_of(report)
    assert tunnels_of(report)
    faults = [(each["text"], "vtep1") for each in report["vteps"][0]["faults"]]
    assert all_of("fault", "of") == sorted(faults)
    assert faults
    links = {frozenset(end["host"] for end in link["ends"]) for link in report["links"]}
    drawn = {frozenset({one.split()[0], other}) for one, other in all_of("link", "to")}
    assert drawn - {frozenset({"hypervisor"})} == links
    if os.environ.get("WRITE_PAGES"):
        write_page(fabric)


def tunnels_of(report: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return the tunnels of VTEPs and peers in a report: host, remote end, BFD."""
    owners = [(vtep["host"], switch) for vtep in report["vteps"] for switch in vtep["switches"]]
    owners += [(peer["host"], peer) for peer in report["peers"]]
    return sorted(
        (host, tunnel["remote"], tunnel["bfd"] or "")
        for host, owner in owners
        for tunnel in owner["tunnels"]
    )


def write_page(fabric: Fabric) -> None:
    """Write the picture of the fabric for docs/lab.md when all that can be up is up."""

    def is_well() -> bool:
        (switch,) = status(fabric.name)["vteps"][0]["switches"]
        return [each["bfd"] for each in switch["tunnels"]] == ["up", "up", "up", "down"]

    wait_until(is_well, "tunnels that are up")
    page = CHECKOUT / "docs" / "lab.svg"
    sim("picture", "--name", fabric.name, "--output", str(page))
    page.write_text(page.read_text().replace(f"{fabric.name}: in use", "fabric: up"))


def text_of(fabric: Fabric) -> str:
    return sim("status", "--name", fabric.name)


@pytest.mark.parametrize("is_begun", [False, True], ids=["before it starts", "started"])
def test_a_lab_whose_process_was_killed_is_left_over(is_begun: bool) -> None:
    name = f"t{os.getpid()}lo"
    program = (
        "import os, signal\n"
        "from sim.lab.guide import Lab\n"
        f"with Lab({name!r}) as lab:\n"
        f"    {'lab.start(controller=False)' if is_begun else 'pass'}\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", program], cwd=CHECKOUT, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    try:
        report = status(name)
        assert report["state"] == "left over"
        assert named(report["hosts"], "vm1")["interfaces"][0]["addresses"] == ["192.168.33.1/24"]
        (vtep,) = report["vteps"]
        assert all(each["is_read"] is is_begun for each in vtep["databases"])
        assert bool(report["problems"]) is not is_begun
        assert "is not up" in sim("status", "--name", name).splitlines()[0]
    finally:
        sim("down", "--name", name)


def test_a_namespace_that_was_taken_away_is_a_problem() -> None:
    name = f"t{os.getpid()}na"
    with Fabric(name) as lab:
        lab.state.namespace("vm11").delete()
        report = status(name)
        assert not named(report["hosts"], "vm11")["exists"]
        assert f"vm11: there is no namespace {name}-vm11" in report["problems"]
        assert "vm11" in sim("status", "--name", name)
