"""What proves that two logical switches are joined by a router, on one VTEP and on two."""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
from collections.abc import Sequence

from scapy.layers.inet import IPerror

from sim.demo.proofs import ping, require
from sim.demo.routed import (
    BLUE,
    BLUE_VNI,
    BRANCH_IP,
    DENIED_PORT,
    IPV4,
    IPV6,
    OFFICE_IP,
    RED,
    SPARE_PORT,
    RoutedLab,
)
from sim.lab.app import App
from sim.lab.capture import Capture
from sim.lab.delivery import deliver
from sim.lab.hosts import Host
from sim.lab.network import VNI
from sim.lab.vtep import Vtep
from sim.waiting import wait_until
from sim.wire.frames import BROADCAST, Captured, VxlanPacket, lab_frame, routed_probe

NOWHERE = "203.0.113.1"
"""An address of a network that no route leads to."""

SOON = 0.5
"""Seconds within which routed traffic follows a host that moves; ten times as long if busy."""

_RATE = 1000
_HTTP = 80
_ASKED = ("ovs-appctl", "-t", App.NAME)


def switches_are_apart(lab: RoutedLab) -> str:
    """Each logical switch has its own hosts."""
    vm11, vm12 = lab.hosts["vm11"], lab.hosts["vm12"]
    lab.expect_delivery(vm11.send, {}, src=vm11.mac)
    lab.expect_delivery(vm12.send, {"office": ["untagged"]}, src=vm12.mac)
    ping(vm12, OFFICE_IP)
    return "vm12 pings the office in blue; what vm11 sends in red reaches neither"


def hosts_meet(lab: RoutedLab) -> str:
    """Both hosts find their gateway, and reach each other by it."""
    vm11, vm12 = lab.hosts["vm11"], lab.hosts["vm12"]
    for host, other in ((vm11, vm12), (vm12, vm11)):
        ping(host, lab.gateways(host.name)[0])
        ping(host, lab.gateways(other.name)[0])
        ping(host, other.ip)
    gateway = _gateway(lab, vm11)
    [arrived], [] = _cross(lab, vm11, vm12, ())
    packet = arrived.packet
    require(packet.src == gateway, f"the packet comes from {packet.src}, not from {gateway}")
    require(packet.payload.ttl == 63, f"the packet has the TTL {packet.payload.ttl}")
    return (
        f"vm11 and vm12 ping {IPV4[RED]}1, {IPV4[BLUE]}1 and each other; a packet of vm11 arrives "
        f"once, at vm12, from {gateway}, its TTL one less"
    )


def ipv6_is_routed(lab: RoutedLab) -> str:
    """The same by IPv6."""
    vm11, vm12 = lab.hosts["vm11"], lab.hosts["vm12"]
    for host, other in ((vm11, vm12), (vm12, vm11)):
        way = [lab.gateways(host.name)[1], lab.ips(other.name)[1]]
        for ip in way:
            ping(host, ip)
        _require_way(host, way)
    return f"vm11 and vm12 ping {IPV6[RED]}1, {IPV6[BLUE]}1 and each other"


def route_is_followed(lab: RoutedLab) -> str:
    """What is for the branch goes to the office, which knows the rest."""
    vm11 = lab.hosts["vm11"]
    ping(vm11, BRANCH_IP)
    ping(lab.branch, vm11.ip)
    way = [lab.gateways("vm11")[0], OFFICE_IP, BRANCH_IP]
    _require_way(vm11, way)
    refused = vm11.answer(NOWHERE)
    require(
        refused is not None and refused[0] == way[0] and "Net Unreachable" in refused[1],
        f"a ping of {NOWHERE} was answered by {refused}",
    )
    return (
        f"vm11 and the branch ping each other, by way of {' and '.join(way[:2])}; a ping of "
        f"{NOWHERE} is answered: network unreachable"
    )


def list_is_obeyed(lab: RoutedLab) -> str:
    """Connections from red to one TCP port are dropped; what else the router passes, it passes."""
    vm11, vm12 = lab.hosts["vm11"], lab.hosts["vm12"]
    wait_until(
        lambda: not _is_answered(vm11, vm12.ip, DENIED_PORT),
        f"the access list denies TCP to port {DENIED_PORT}",
        evidence=lab.evidence,
    )
    for host, other, port in ((vm11, vm12, _HTTP), (vm12, vm11, DENIED_PORT)):
        require(
            _is_answered(host, other.ip, port),
            f"{other.name} does not answer TCP of {host.name} to port {port}",
        )
    ping(vm11, vm12.ip)
    entries = json.loads(lab.vteps["vtep1"].run([*_ASKED, "acl/show", "--json"]))["entries"]
    [(match, hits)] = [(each["match"], each["hits"]) for each in entries]
    require(hits > 0, f"acl/show has no hits: {entries}")
    return (
        f"TCP from vm11 to port {DENIED_PORT} of vm12 is dropped, to port {_HTTP} it is answered, "
        f"and so is a ping, and TCP from vm12 to port {DENIED_PORT} of vm11; acl/show has the hits "
        f"of {match}: {hits}"
    )


def restart_loses_nothing(lab: RoutedLab) -> str:
    """While the application restarts, the switch goes on routing."""
    vm11, vm12, app = lab.hosts["vm11"], lab.hosts["vm12"], lab.vteps["vtep1"].app
    with vm11.routed_stream(vm12, _gateway(lab, vm11), _RATE) as stream:
        stream.await_arrival(10 * SOON, lab.evidence)
        app.stop()
        ping(vm11, lab.gateways("vm11")[0])
        app.start()
        app.wait_until_ready()
        stream.await_arrival(10 * SOON, lab.evidence)
    account = stream.account()
    require(not account.lost and not account.duplicated, f"of the stream: {account}")
    return (
        f"{account.sent} packets, {_RATE} a second, while it is stopped and started: 0 lost; "
        "the gateway answers meanwhile"
    )


def one_routes_for_all(lab: RoutedLab) -> str:
    """The NVC has both VTEPs. The hosts of vtep2 find the router of vtep1 in the tunnel."""
    first, second = lab.vteps.values()
    for name in ("vm21", "vm22"):
        host = lab.hosts[name]
        host.send(lab_frame(host.mac, BROADCAST, b"the first frame"))
        wait_until(
            functools.partial(_is_remote, first, lab.switch_of(name), host.mac),
            f"{name} in Ucast_Macs_Remote of vtep1",
            evidence=lab.evidence,
        )
    vm11, vm21, vm22 = (lab.hosts[name] for name in ("vm11", "vm21", "vm22"))
    for host, ip in ((vm11, vm21.ip), (vm21, lab.gateways("vm21")[0]), (vm21, vm22.ip)):
        ping(host, ip)
    [_], packets = _cross(lab, vm21, vm22, (first, second))
    require(
        [(each.dst, each.vni) for each in packets]
        == [(first.tunnel_ip, VNI), (second.tunnel_ip, BLUE_VNI)],
        f"a packet from vm21 to vm22 crosses the underlay as {packets}",
    )
    return (
        "vm21 and vm22 are both at vtep2, but what vm21 sends to vm22 goes to vtep1 in red "
        f"(VNI {VNI}), and comes back in blue (VNI {BLUE_VNI})"
    )


def sources_are_distributed(lab: RoutedLab) -> str:
    """Each VTEP has a MAC address for its own requests, and knows that of the other."""
    first, second = lab.vteps.values()
    own = {vtep.name: _own_source(lab, vtep) for vtep in (first, second)}
    for vtep, other in ((first, second), (second, first)):
        wait_until(
            functools.partial(_has_source, vtep, own[other.name], other.tunnel_ip),
            f"{own[other.name]} in Arp_Sources_Remote of {vtep.name}",
            evidence=lab.evidence,
        )
    return "Arp_Sources_Remote of each has the MAC of the other: " + ", ".join(
        f"{mac} at {name}" for name, mac in own.items()
    )


def each_routes_its_own(lab: RoutedLab) -> str:
    """A packet is routed where it comes in, and crosses the underlay once if at all."""
    first, second = lab.vteps.values()
    vm11, vm21, vm22 = (lab.hosts[name] for name in ("vm11", "vm21", "vm22"))
    for host in (vm21, vm22):
        ping(host, lab.gateways(host.name)[0])
    ping(vm21, vm22.ip)
    [_], packets = _cross(lab, vm21, vm22, (first, second))
    require(not packets, f"a packet from vm21 to vm22 crosses the underlay as {packets}")
    ping(vm11, vm22.ip)
    for sender, receiver, here, there, vni in (
        (vm11, vm22, first, second, BLUE_VNI),
        (vm22, vm11, second, first, VNI),
    ):
        [_], packets = _cross(lab, sender, receiver, (first, second))
        expected = there.tunnel_ip, vni, _own_source(lab, here), receiver.mac, 63
        found = [
            (each.dst, each.vni, each.frame.src, each.frame.dst, each.frame.payload.ttl)
            for each in packets
        ]
        require(found == [expected], f"{sender.name} to {receiver.name}: {found}")
    return (
        "from vm21 to vm22 nothing crosses the underlay; a packet from vm11 to vm22 crosses it "
        f"once, in blue (VNI {BLUE_VNI}), and one from vm22 to vm11 once, in red (VNI {VNI})"
    )


def all_meet(lab: RoutedLab) -> str:
    """Each host reaches each other one by IPv4 and by IPv6."""
    names = ("vm11", "vm12", "vm21", "vm22")
    for one, other in itertools.permutations(names, 2):
        for ip in lab.ips(other):
            ping(lab.hosts[one], ip)
    vm21 = lab.hosts["vm21"]
    ping(vm21, BRANCH_IP)
    _require_way(vm21, [lab.gateways("vm21")[0], OFFICE_IP, BRANCH_IP])
    return "the four virtual machines ping each other by IPv4 and IPv6; vm21 pings the branch"


def host_is_followed(lab: RoutedLab) -> str:
    """Routed packets follow a host that moves to the other VTEP."""
    vm11, moving, first = lab.hosts["vm11"], lab.hosts["vm22"], lab.vteps["vtep1"]
    with (
        vm11.routed_stream(moving, _gateway(lab, vm11), _RATE) as there,
        moving.routed_stream(vm11, _gateway(lab, moving), _RATE) as back,
    ):
        for stream in (there, back):
            stream.await_arrival(10 * SOON, lab.evidence)
        lab.move_vm(moving, first, SPARE_PORT)
        for stream in (there, back):
            stream.await_arrival(10 * SOON, lab.evidence)
    accounts = [there.account(), back.account()]
    for account in accounts:
        require(not account.duplicated, f"packets are duplicated: {account}")
    ping(lab.hosts["vm21"], moving.ip)
    gap = max(account.longest_gap for account in accounts)
    return (
        f"vm22 moves to vtep1, with its addresses: packets from and to vm11 have a gap of "
        f"{gap * 1000:.0f} ms, none arrives twice; vm21 pings vm22"
    )


def _is_answered(host: Host, ip: str, port: int) -> bool:
    """Whether TCP to a port is answered: the hosts refuse all connections, by a reset."""
    connecting = f"exec 3<>/dev/tcp/{ip}/{port}"
    said = host.run(["sh", "-c", f"timeout 1 bash -c '{connecting}' 2>&1"], check=False)
    return "refused" in said


def _gateway(lab: RoutedLab, host: Host) -> str:
    """Return the router's MAC address as a host knows it; it has sent something by it."""
    mac = host.neighbour(lab.gateways(host.name)[0])
    require(mac is not None, f"{host.name} has found no gateway")
    assert mac is not None
    return mac


def _require_way(host: Host, way: list[str]) -> None:
    """Fail unless routers, and the host at the end, answer in that order."""
    found = host.trace(way[-1])
    require(found == way, f"the way from {host.name} to {way[-1]} is {found}")


def _cross(
    lab: RoutedLab, sender: Host, receiver: Host, vteps: Sequence[Vtep]
) -> tuple[list[Captured], list[VxlanPacket]]:
    """Let a packet go by the router; return it at the receiver, and between some VTEPs.

    Raises AssertionError unless the receiver alone gets it, once.
    """
    marked = routed_probe(sender.mac, _gateway(lab, sender), sender.ip, receiver.ip)
    with contextlib.ExitStack() as stack:
        there = stack.enter_context(receiver.capture())
        captures = [
            stack.enter_context(
                Capture(vtep.namespace, vtep.UNDERLAY_INTERFACE, station=vtep.tunnel_mac)
            )
            for vtep in vteps
        ]
        found = deliver(sender.send, list(lab.hosts.values()), marked, patience=2.0)
        require(found == {receiver.name: ["untagged"]}, f"the packet arrived as {found}")
        seen = [each for capture in captures for each in capture.frames if marked.mark in each.data]
        arrived = there.matching(lambda frame: marked.mark in frame.data)
    packets = [each.vxlan for each in sorted(seen, key=lambda each: each.time) if each.vxlan]
    # The receiver refuses the port, by an ICMP error that quotes the packet.
    return arrived, [each for each in packets if IPerror not in each.frame]


def _sources(vtep: Vtep, table: str) -> dict[str, str]:
    """Return the MAC addresses of a table of ARP sources, with the addresses of their locators."""
    rows, locators = vtep.tables(table, "Physical_Locator")
    addresses = {row["_uuid"]: row["dst_ip"] for row in locators}
    return {row["src_mac"]: addresses[row["locator"]] for row in rows}


def _has_source(vtep: Vtep, mac: str, address: str) -> bool:
    return _sources(vtep, "Arp_Sources_Remote").get(mac) == address


def _own_source(lab: RoutedLab, vtep: Vtep) -> str:
    """Return the MAC address by which a VTEP asks other VTEPs' hosts. Raises WaitFailed."""
    found = wait_until(
        lambda: _sources(vtep, "Arp_Sources_Local"),
        f"a row of Arp_Sources_Local at {vtep.name}",
        evidence=lab.evidence,
    )
    assert found is not None
    [(mac, address)] = found.items()
    require(address == vtep.tunnel_ip, f"{mac} of {vtep.name} has the locator {address}")
    return mac


def _is_remote(vtep: Vtep, switch: str, mac: str) -> bool:
    return (switch, mac) in vtep.stations("Ucast_Macs_Remote")
