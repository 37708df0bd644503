"""What a fabric is to show, step by step, each with what it does and what proves it."""

from __future__ import annotations

import functools
import itertools
import time
from collections.abc import Callable
from typing import TypeVar

from sim.demo.fabric import BFD_INTERVAL, BLUE, GREEN, GREEN_VLAN, GREEN_VNI, SPARE_PORT, Fabric
from sim.demo.proofs import ping, require
from sim.demo.steps import Part, Step
from sim.lab.delivery import Delivery, Receiver, deliver
from sim.lab.hosts import Host
from sim.lab.network import VNI
from sim.lab.peer import Peer
from sim.lab.streams import Account, Stream
from sim.lab.vtep import Vtep
from sim.waiting import wait_until
from sim.wire.frames import (
    BROADCAST,
    Probe,
    arp_probe,
    group_mac,
    igmp_report,
    ip_probe,
    lab_frame,
)

T = TypeVar("T")

IN_BLUE, IN_GREEN = f"vni {VNI}", f"vni {GREEN_VNI}"

SOON = 0.5
"""Seconds within which traffic follows a host that moves; a busy machine gets ten times as long."""

DETECTION = 3 * BFD_INTERVAL / 1000
"""Seconds in which BFD notices that a service node is gone; ten times as long, likewise."""

_RATE = 500


def vteps_are_controlled(fabric: Fabric) -> str:
    """Every VTEP has its own application, which reports the ports."""
    for vtep in fabric.vteps.values():
        ports = vtep.port_rows(vtep.bridge)
        require(ports == vtep.ports, f"the Physical_Port rows of {vtep.name} are {ports}")
    applications = {vtep.app.pid for vtep in fabric.vteps.values()}
    require(len(applications) == len(fabric.vteps), f"the applications are {applications}")
    return f"{len(applications)} applications, each in control of an Open vSwitch of its own"


def nvc_configures_all(fabric: Fabric) -> str:
    """Every port is bound to both logical switches, and every VTEP knows where to flood."""
    bindings = {"p0": [0, GREEN_VLAN], "p1": [0, GREEN_VLAN]}
    for vtep in fabric.vteps.values():
        _await(fabric, vtep, "bindings", _bindings, bindings)
        others = [each.tunnel_ip for each in fabric.vteps.values() if each is not vtep]
        flooding = {
            BLUE: sorted(node.tunnel_ip for node in fabric.service_nodes),
            GREEN: sorted([*others, fabric.hypervisor.underlay_ip]),
        }
        _await(fabric, vtep, "unknown-dst", Vtep.flooding, flooding)
    return (
        "every port is bound to blue and to green; unknown-dst has the service nodes in blue, "
        "in green the other VTEPs and the hypervisor"
    )


def bfd_comes_up(fabric: Fabric) -> str:
    """BFD is up on every tunnel whose remote end runs it."""
    hypervisor = fabric.hypervisor.underlay_ip
    for vtep in fabric.vteps.values():
        ends = [node.tunnel_ip for node in (*fabric.service_nodes, *fabric.vteps.values())]
        expected = {end: "up" for end in ends if end != vtep.tunnel_ip} | {hypervisor: "down"}
        _await(fabric, vtep, "BFD", bfd_states, expected)
    return (
        "bfd_status is up on every tunnel to a service node or VTEP, "
        "down on those to the hypervisor, which has no BFD"
    )


def stations_are_distributed(fabric: Fabric) -> str:
    """A first frame makes a row at its own VTEP and, by the NVC, at all the others."""
    first, *others = fabric.vteps.values()
    host = fabric.hosts["vm12"]
    expected: str | None = first.tunnel_ip
    started = time.monotonic()
    host.send(lab_frame(host.mac, BROADCAST, b"the first frame"))
    for vtep in others:
        _await(fabric, vtep, f"place of {host.mac}", lambda at: _place(at, host), expected)
    seconds = time.monotonic() - started
    require(_place(first, host) is None, f"{first.name} received a row for its own host")
    return (
        f"{seconds * 1000:.0f} ms after vm12's first frame its address is in Ucast_Macs_Remote of "
        f"all other VTEPs, with {expected}"
    )


def service_node_replicates(fabric: Fabric) -> str:
    """In blue, one copy goes to one service node, which sends it to all other VTEPs."""
    sender = fabric.hosts["vm11"]
    everyone = {host.name: ["untagged"] for host in _vms(fabric) if host is not sender}
    ways = [
        {**everyone, "hypervisor": [IN_BLUE], node.name: [IN_BLUE]} for node in fabric.service_nodes
    ]
    wait_until(
        lambda: _broadcast(fabric, sender) in ways,
        f"a broadcast that arrives as {ways[0]} or as {ways[1]}",
        evidence=fabric.evidence,
    )
    return (
        f"vm11's broadcast: 1 copy at one service node, 1 at each of the {len(everyone)} other "
        "virtual machines, 1 at the hypervisor"
    )


def source_replicates(fabric: Fabric) -> str:
    """In green, copies go from VTEP to VTEP, and none to the service nodes."""
    sender = fabric.hosts["vm11"]
    tag = f"vlan {GREEN_VLAN}"
    expected = {host.name: [tag] for host in _vms(fabric) if host is not sender}
    expected["hypervisor"] = [IN_GREEN]
    fabric.expect_delivery(sender.send, expected, src=sender.mac, vlans=(GREEN_VLAN,))
    fabric.expect_delivery(
        lambda frame: fabric.hypervisor.send_vxlan(GREEN_VNI, frame),
        {host.name: [tag] for host in fabric.vms_at(next(iter(fabric.vteps.values())))},
        src=fabric.hypervisor.overlays[1].mac,
    )
    return (
        f"vm11's broadcast in VLAN {GREEN_VLAN}: 1 copy at each other virtual machine, "
        "1 at the hypervisor, 0 at the service nodes"
    )


def hosts_ping(fabric: Fabric) -> str:
    """Hosts on different VTEPs reach each other, and the hypervisor, by learning alone."""
    pairs = [
        (one, other)
        for here, there in itertools.permutations(fabric.vteps.values(), 2)
        for one, other in zip(fabric.vms_at(here), fabric.vms_at(there), strict=False)
    ]
    for one, other in pairs:
        ping(one, other.ip)
    ping(fabric.hosts["vm11"], fabric.hypervisor.ip)
    ping(fabric.hypervisor, fabric.hosts["vm22"].ip)
    return f"{len(pairs)} virtual machines ping one on another VTEP, and the hypervisor"


def known_unicast_is_direct(fabric: Fabric) -> str:
    """A frame for a known host takes the tunnel to its VTEP, past the service nodes."""
    one, other = fabric.hosts["vm11"], fabric.hosts["vm21"]
    for sender, receiver in ((one, other), (other, one)):
        expected = {receiver.name: ["untagged"]}
        fabric.expect_delivery(sender.send, expected, src=sender.mac, dst=receiver.mac)
    far = fabric.hypervisor
    fabric.expect_delivery(one.send, {far.name: [IN_BLUE]}, src=one.mac, dst=far.mac)
    return "frames between vm11 and vm21, and to the hypervisor: 1 copy each, 0 elsewhere"


def access_list_denies(fabric: Fabric) -> str:
    """What the access list of p0 denies does not get in; at p1 there is none."""
    target = fabric.hosts["vm21"]
    ways: dict[str, Delivery] = {"vm11": {}, "vm12": {target.name: ["untagged"]}}
    for name, expected in ways.items():
        sender = fabric.hosts[name]
        make = functools.partial(ip_probe, sender.mac, target.mac, target.ip)
        _await_probe(fabric, sender, make, expected)
    return "a UDP packet to port 9 of vm21 arrives from vm12, and not from vm11"


def arp_is_answered(fabric: Fabric) -> str:
    """The NVC has written the hypervisor's address, so the VTEP answers by itself."""
    asker = fabric.hosts["vm11"]
    alone = {asker.name: ["untagged"]}
    _await_probe(fabric, asker, lambda: arp_probe(asker.mac, fabric.hypervisor.ip), alone)
    return (
        "vm11 asks by ARP for the hypervisor's address: the answer comes back, 0 copies elsewhere"
    )


def group_reaches_members(fabric: Fabric) -> str:
    """Frames for a group that a host has joined reach that host, and no other one there."""
    member, group = fabric.hosts["vm11"], "239.1.1.1"
    member.send(igmp_report(member.mac, group))
    here = {host.name for host in fabric.vms_at(fabric.vteps["vtep1"])}
    wait_until(
        lambda: here & _from_hypervisor(fabric, group_mac(group)).keys() == {member.name},
        f"a frame for {group} at {member.name} alone",
        evidence=fabric.evidence,
    )
    return f"vm11 has joined {group}: a frame for it arrives at vm11, and not at vm12"


def host_moves(fabric: Fabric) -> str:
    """A host that moves, with its addresses, is followed both ways, there and back."""
    first, *_, last = fabric.vteps.values()
    moving = fabric.vms_at(last)[1]
    away = _move(fabric, moving, first, SPARE_PORT)
    back = _move(fabric, moving, last, "p1")
    ping(fabric.hosts["vm11"], moving.ip)
    gaps = " and ".join(
        f"{max(each.longest_gap for each in accounts) * 1000:.0f} ms" for accounts in (away, back)
    )
    return (
        f"{moving.name} moves from {last.name} to {first.name} and back; traffic from and to vm11 "
        f"has gaps of {gaps}, no frame is duplicated"
    )


def service_node_fails(fabric: Fabric) -> str:
    """Broadcasts leave a service node that dies, and find it again when it is back."""
    sender, receiver = fabric.hosts["vm11"], fabric.hosts["vm21"]
    used = service_node_of(fabric, sender)
    with sender.stream(receiver, rate=_RATE, dst=BROADCAST) as stream:
        _await_frames(stream, _RATE // 5)
        used.ovs_vswitchd.kill()
        stream.await_arrival(10 * DETECTION, fabric.evidence)
        _await_frames(stream, _RATE // 5)
    account = stream.account()
    _require_whole_end(account)
    require(service_node_of(fabric, sender) is not used, f"frames still go to {used.name}")
    used.ovs_vswitchd.start()
    wait_until(
        lambda: _takes(fabric, sender) is used,
        f"frames by way of {used.name} again",
        evidence=fabric.evidence,
    )
    return (
        f"{used.name} is killed: broadcasts arrive by way of the other one after "
        f"{account.longest_gap * 1000:.0f} ms (BFD needs up to {DETECTION * 1000:.0f}), "
        "none twice; when it is back they take it again"
    )


TOUR = Part[Fabric](
    "Fabric",
    (
        Step(
            "Start every VTEP with its application, and the service nodes",
            lambda fabric: fabric.start_nodes(),
            vteps_are_controlled,
        ),
        Step("Start the NVC", lambda fabric: fabric.connect(), nvc_configures_all),
        Step("Watch the tunnels", None, bfd_comes_up),
        Step("Let a host be learned", None, stations_are_distributed),
        Step("Broadcast by service nodes", None, service_node_replicates),
        Step("Broadcast by the source", None, source_replicates),
        Step("Ping", None, hosts_ping),
        Step("Send to known hosts", None, known_unicast_is_direct),
        Step("Deny by an access list", None, access_list_denies),
        Step("Ask for a known address", None, arp_is_answered),
        Step("Join a group", None, group_reaches_members),
        Step("Move a host to another VTEP", None, host_moves),
        Step("Kill a service node", None, service_node_fails),
    ),
)


def bfd_states(vtep: Vtep) -> dict[str, str]:
    """Return the state of BFD, as the VTEP reports it, by the address that a tunnel leads to."""
    return {
        address: row["bfd_status"].get("state", "off") for address, row in vtep.tunnels().items()
    }


def service_node_of(fabric: Fabric, sender: Host) -> Peer:
    """Return the service node that broadcasts of a host are sent to. Raises WaitFailed."""
    used = wait_until(
        lambda: _takes(fabric, sender), "one copy at one service node", evidence=fabric.evidence
    )
    assert used is not None
    return used


def _takes(fabric: Fabric, sender: Host) -> Peer | None:
    """Return the service node that a broadcast is sent to, None if it is not exactly one."""
    delivery = fabric.deliver(sender.send, src=sender.mac, dst=BROADCAST)
    used = [node for node in fabric.service_nodes if node.name in delivery]
    return used[0] if len(used) == 1 and delivery[used[0].name] == [IN_BLUE] else None


def _bindings(vtep: Vtep) -> dict[str, list[int]]:
    return {row["name"]: sorted(row["vlan_bindings"]) for row in vtep.rows("Physical_Port")}


def _place(vtep: Vtep, host: Host) -> str | None:
    """Return the locator that the NVC has written for a host at a VTEP."""
    return vtep.stations("Ucast_Macs_Remote").get((BLUE, host.mac))


def _vms(fabric: Fabric) -> list[Host]:
    return [host for vtep in fabric.vteps.values() for host in fabric.vms_at(vtep)]


def _from_hypervisor(fabric: Fabric, mac: str) -> Delivery:
    """Return who receives a frame of the hypervisor's host in blue, sent to the first VTEP."""
    hypervisor = fabric.hypervisor
    return fabric.deliver(
        lambda frame: hypervisor.send_vxlan(VNI, frame), src=hypervisor.mac, dst=mac
    )


def _await_probe(
    fabric: Fabric, sender: Host, make: Callable[[], Probe], expected: Delivery
) -> None:
    """Return when a new probe of a host arrives as expected."""
    receivers: list[Receiver] = [*fabric.hosts.values(), *fabric.peers.values()]
    wait_until(
        lambda: deliver(sender.send, receivers, make()) == expected,
        f"a probe of {sender.name} that arrives as {expected}",
        evidence=fabric.evidence,
    )


def _broadcast(fabric: Fabric, sender: Host) -> Delivery:
    return fabric.deliver(sender.send, src=sender.mac, dst=BROADCAST)


def _move(fabric: Fabric, host: Host, vtep: Vtep, port: str) -> list[Account]:
    """Move a host while it exchanges frames with another; return what became of those."""
    other = fabric.hosts["vm11"]
    with other.stream(host, rate=_RATE) as to, host.stream(other, rate=_RATE) as back:
        _await_frames(to, _RATE // 5)
        fabric.move_vm(host, vtep, port)
        for stream in (to, back):
            stream.await_arrival(10 * SOON, fabric.evidence)
        _await_frames(to, _RATE // 5)
    accounts = [to.account(), back.account()]
    for account in accounts:
        _require_whole_end(account)
    return accounts


def _await_frames(stream: Stream, number: int) -> None:
    """Return when that many frames more were sent."""
    goal = stream.sent + number
    wait_until(lambda: stream.sent >= goal, f"{number} frames sent")


def _require_whole_end(account: Account) -> None:
    """Fail unless a stream went on to its end, and no frame arrived twice."""
    require(not account.duplicated, f"frames are duplicated: {account}")
    last = account.sent - 1
    require(last not in account.lost, f"the last frame did not arrive: {account}")


def _await(fabric: Fabric, vtep: Vtep, what: str, look: Callable[[Vtep], T], expected: T) -> None:
    wait_until(
        lambda: look(vtep) == expected,
        f"{what} of {vtep.name} as {expected}",
        timeout=20,
        evidence=lambda: f"in the end: {look(vtep)}\n{fabric.evidence()}",
    )
