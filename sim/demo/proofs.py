"""What shows, with real packets, that a step of the guide has had its effect.

Each function returns one line that says what was proved, and raises AssertionError (WaitFailed is
one) if it is not so.
"""

from __future__ import annotations

import time

from scapy.packet import Packet

from sim.lab.guide import Lab
from sim.lab.hosts import Host
from sim.lab.network import VNI
from sim.waiting import wait_until
from sim.wire.frames import BROADCAST, lab_frame

UNKNOWN = "02:00:00:00:99:99"
"""A unicast address that no host has."""

OUR_VNI = f"vni {VNI}"


def databases_exist(lab: Lab) -> str:
    """Both files are databases of their schemas."""
    names = [
        lab.vtep.run(["ovsdb-tool", "db-name", str(path)]).strip() for path in lab.vtep.databases
    ]
    require(names == ["Open_vSwitch", "hardware_vtep"], f"the databases are {names}")
    return "ovs.db holds Open_vSwitch, vtep.db holds hardware_vtep"


def server_serves_both(lab: Lab) -> str:
    """One socket of one server has both databases."""
    served = lab.vtep.run(["ovsdb-client", "list-dbs", lab.vtep.db]).split()
    require({"Open_vSwitch", "hardware_vtep"} <= set(served), f"the server has {served}")
    return "one ovsdb-server answers for both databases"


def switch_answers(lab: Lab) -> str:
    """The daemon answers with its version."""
    version = lab.vtep.appctl("version").splitlines()[0]
    return f"it answers: {version}"


def switch_forwards(lab: Lab) -> str:
    """Without a controller, br0 is a plain switch between its two ports."""
    _broadcast(lab, lab.vm1, {"vm2": ["untagged"]})
    return "without a controller, a broadcast of VM1 arrives once at VM2"


def tunnel_address_answers(lab: Lab) -> str:
    """The row has the tunnel address, and the address answers the other endpoints."""
    stored = lab.vtep.vtep_ctl("get", "Physical_Switch", lab.vtep.bridge, "tunnel_ips")
    require(lab.vtep.tunnel_ip in stored, f"tunnel_ips is {stored}")
    for remote in (lab.service_node, lab.hypervisor):
        ping(remote, lab.vtep.tunnel_ip)
    return f"tunnel_ips={lab.vtep.tunnel_ip}, which answers the service node and the hypervisor"


def controller_reports_ports(lab: Lab) -> str:
    """The NVC sees the ports, and a port that is not bound forwards nothing."""
    ports = lab.vtep.vtep_ctl("list-ports", lab.vtep.bridge).split()
    require(ports == ["p0", "p1"], f"the Physical_Port rows are {ports}")
    _broadcast(lab, lab.vm1, {})
    return "it controls br0, reports ports p0 and p1; not bound yet, VM1 reaches no host"


def nvc_reads_the_switch(lab: Lab) -> str:
    """The database server has connected to the NVC, which reads the switch."""
    wait_until(
        lambda: lab.vtep.bridge in lab.nvc.seen and lab.vtep.tunnel_ip in lab.nvc.seen,
        "the Physical_Switch row at the NVC",
        evidence=lab.evidence,
    )
    return (
        f"ovsdb-server calls the OVSDB client that listens at {lab.nvc.ip} in the NVC's place, "
        "which reads the row of br0 over that connection"
    )


def logical_switch_is_alone(lab: Lab) -> str:
    """A logical switch without a binding carries nothing."""
    found = lab.vtep.vtep_ctl("list-ls").split()
    require(found == ["ls0"], f"the logical switches are {found}")
    _broadcast(lab, lab.vm1, {})
    return "ls0 exists; not bound yet, VM1 reaches no host"


def bound_ports_learn(lab: Lab) -> str:
    """Bound ports reach each other, and their hosts' addresses appear for the NVC."""
    _broadcast(lab, lab.vm1, {"vm2": ["untagged"]})
    _wait_for_local(lab, lab.vm1.mac)
    _wait_for_local(lab, "unknown-dst")
    started = time.monotonic()
    lab.vm2.send(lab_frame(lab.vm2.mac, lab.vm1.mac, b"the first frame of VM2"))
    _wait_for_local(lab, lab.vm2.mac)
    learned = (time.monotonic() - started) * 1000
    lab.expect_delivery(lab.vm1.send, {}, src=lab.vm1.mac, vlans=(10,))
    ping(lab.vm1, lab.vm2.ip)
    return (
        "VM1's broadcast arrives once at VM2 and nowhere else, with VLAN 10 nowhere; "
        f"Ucast_Macs_Local has both (VM2 {learned:.0f} ms after its first frame), "
        "Mcast_Macs_Local unknown-dst; VM1 pings VM2"
    )


def service_node_gets_unknown(lab: Lab) -> str:
    """BUM frames go to the service node alone, and its frames come in."""
    expected = {"vm2": ["untagged"], "service-node": [OUR_VNI]}
    for destination in (BROADCAST, UNKNOWN):
        lab.expect_delivery(lab.vm1.send, expected, src=lab.vm1.mac, dst=destination)
    _from_tunnel(lab, VNI, {"vm1": ["untagged"], "vm2": ["untagged"]})
    _from_tunnel(lab, VNI + 1, {})
    return (
        f"broadcast and unknown unicast of VM1: 1 copy at the service node with VNI {VNI}, "
        "0 at the hypervisor; its own broadcast: 1 copy at each VM; with another VNI: 0"
    )


def source_node_replicates(lab: Lab) -> str:
    """With two locators the mode decides: one copy in all, or one for each."""
    both = {"vm2": ["untagged"], "service-node": [OUR_VNI], "hypervisor": [OUR_VNI]}
    _broadcast(lab, lab.vm1, both)

    lab.vtep.vtep_ctl("set-replication-mode", "ls0", "service_node")
    wait_until(
        lambda: _tunnel_copies(lab) == [OUR_VNI],
        "one copy in all in mode service_node",
        evidence=lab.evidence,
    )
    lab.vtep.vtep_ctl("set-replication-mode", "ls0", "source_node")
    _broadcast(lab, lab.vm1, both)
    _from_tunnel(lab, VNI, {"vm1": ["untagged"], "vm2": ["untagged"]})
    return (
        "broadcast of VM1: 1 copy at the service node and 1 at the hypervisor; back in "
        "service_node 1 copy in all; from a tunnel 1 copy at each VM, 0 in the other tunnel"
    )


def unicast_takes_its_tunnel(lab: Lab) -> str:
    """The address behind the hypervisor is reached there, alone, both ways."""
    vm, far = lab.vm1, lab.hypervisor
    lab.expect_delivery(vm.send, {"hypervisor": [OUR_VNI]}, src=vm.mac, dst=far.mac)
    lab.expect_delivery(
        lambda frame: far.send_vxlan(VNI, frame), {"vm1": ["untagged"]}, src=far.mac, dst=vm.mac
    )
    ping(vm, far.ip)
    ping(far, vm.ip)
    ping(lab.vm1, lab.vm2.ip)
    return (
        f"frame to {far.mac}: 1 copy, at {far.underlay_ip} with VNI {VNI}; "
        "VM1 and the host there ping each other; VM1 pings VM2"
    )


def _broadcast(lab: Lab, sender: Host, expected: dict[str, list[str]]) -> None:
    lab.expect_delivery(sender.send, expected, src=sender.mac)


def _from_tunnel(lab: Lab, vni: int, expected: dict[str, list[str]]) -> None:
    def send(frame: Packet) -> None:
        lab.service_node.send_vxlan(vni, frame)

    lab.expect_delivery(send, expected, src=lab.service_node.mac)


def _tunnel_copies(lab: Lab) -> list[str]:
    delivery = lab.deliver(lab.vm1.send, src=lab.vm1.mac, dst=BROADCAST)
    return delivery.get("service-node", []) + delivery.get("hypervisor", [])


def _wait_for_local(lab: Lab, mac: str) -> None:
    row = f"{mac} -> vxlan_over_ipv4/{lab.vtep.tunnel_ip}"
    wait_until(
        lambda: row in lab.vtep.vtep_ctl("list-local-macs", "ls0"),
        f"{row} among the local MACs of ls0",
        evidence=lab.evidence,
    )


def ping(host: Host, ip: str) -> None:
    """Fail unless two pings from a host are answered."""
    answered = host.ping(ip, count=2)
    require(answered == 2, f"{answered} of 2 pings from {host.name} to {ip} were answered")


def require(condition: bool, failure: str) -> None:
    """Fail with that message unless the condition is true."""
    if not condition:
        raise AssertionError(failure)
