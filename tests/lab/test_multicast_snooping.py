"""Multicast snooping: hosts whose kernels join groups, and who receives what is sent to these."""

from __future__ import annotations

import contextlib
import socket
import struct
import uuid
from collections.abc import Callable, Iterator

import pytest

from sim.lab.delivery import Delivery
from sim.lab.hosts import Host
from tests import multicast_frames as frames
from tests.lab.control import Control
from tests.lab.trial import Overlay, TrialLab, add_ls0
from tests.lab.wire import Wire, new_mac
from tests.multicast_frames import mac_of

OPTIONS = {"multicast_snooping": "true"}
GROUP, GROUP6 = "239.1.1.1", "ff05::1:3"
ROUTER_IP = "192.168.33.254"
ALL_VMS = {"vm1": ["untagged"], "vm2": ["untagged"], "vm3": ["untagged"]}
TO_VM1 = {"vm1": ["untagged"]}


@pytest.fixture
def ls0(lab: TrialLab, nvc: Control) -> Overlay:
    """The logical switch ls0, which floods to all remote endpoints."""
    return add_ls0(lab, nvc, "source_node")


@contextlib.contextmanager
def joined(host: Host, group: str) -> Iterator[None]:
    """Let the kernel of a host be a member of a group."""

    def join() -> socket.socket:
        is_v6 = ":" in group
        member = socket.socket(socket.AF_INET6 if is_v6 else socket.AF_INET, socket.SOCK_DGRAM)
        index = socket.if_nametoindex(host.interface)
        if is_v6:
            request = frames.packed(group) + struct.pack("@I", index)
            member.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, request)
        else:
            request = frames.packed(group) + bytes(4) + struct.pack("@I", index)
            member.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, request)
        return member

    with host.namespace.call(join):
        yield


@contextlib.contextmanager
def kernel(host: Host, **options: str) -> Iterator[None]:
    """Let a host have these options of IPv4 or IPv6 on its interface, and put back the defaults."""
    defaults = {"force_igmp_version": "0", "force_mld_version": "0", "disable_ipv6": "1"}

    def put(values: dict[str, str]) -> None:
        for name, value in values.items():
            family = "ipv4" if "igmp" in name else "ipv6"
            path = f"net/{family}/conf/{host.interface}/{name}"
            host.namespace.set_kernel_option(path, value)

    put(options)
    try:
        yield
    finally:
        put({name: defaults[name] for name in options})


def has_group(nvc: Control, group: str) -> None:
    """Wait for the row of a group, and compare its columns."""
    row = nvc.wait_for_local(mac_of(group))
    assert row.addresses == ("10.2.2.1",)
    ips = {each["MAC"]: each["ipaddr"] for each in nvc.rows("Mcast_Macs_Local")}
    assert ips[mac_of(group)] == group
    assert ips["unknown-dst"] == ""


def goes(wire: Wire, origin: Host, send: Callable[[bytes], None], frame: bytes) -> Delivery:
    """Return every copy of a frame of any kind, which has a mark behind its packet."""
    mark = b"mark " + uuid.uuid4().bytes
    begin = wire.now()
    send(frame.ljust(60, b"\0") + mark)
    wire.sweep(origin)
    return wire.copies(mark, begin)


@pytest.mark.parametrize(
    ("group", "options"),
    [
        (GROUP, {"force_igmp_version": "2"}),
        (GROUP, {"force_igmp_version": "3"}),
        (GROUP6, {"disable_ipv6": "0", "force_mld_version": "1"}),
        (GROUP6, {"disable_ipv6": "0", "force_mld_version": "2"}),
    ],
    ids=["IGMPv2", "IGMPv3", "MLDv1", "MLDv2"],
)
def test_frames_for_a_group_reach_the_hosts_that_joined_it_until_they_leave(
    lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay, group: str, options: dict[str, str]
) -> None:
    mac = mac_of(group)
    wire.vxlan(lab.hypervisor, ls0.vni, dst=mac).arrives(ALL_VMS)
    with kernel(lab.vm1, **options):
        with joined(lab.vm1, group):
            has_group(nvc, group)
            wire.vxlan(lab.hypervisor, ls0.vni, dst=mac).arrives(TO_VM1)
            wire.frame(lab.vm2, dst=mac).arrives(*ls0.flooded(TO_VM1))
            wire.frame(lab.vm1, dst=mac).arrives(*ls0.flooded({}))
            wire.frame(lab.vm2, dst=mac_of("239.1.1.2")).arrives(
                *ls0.flooded({"vm1": ["untagged"], "vm3": ["untagged"]})
            )
        nvc.wait_for_no_local(mac)
        wire.vxlan(lab.hypervisor, ls0.vni, dst=mac).arrives(ALL_VMS)


def test_two_members_of_which_one_leaves(
    lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay
) -> None:
    with joined(lab.vm1, GROUP):
        with joined(lab.vm2, GROUP):
            both = {"vm1": ["untagged"], "vm2": ["untagged"]}
            wire.vxlan(lab.hypervisor, ls0.vni, dst=mac_of(GROUP)).arrives(both)
        wire.vxlan(lab.hypervisor, ls0.vni, dst=mac_of(GROUP)).arrives(TO_VM1)
        has_group(nvc, GROUP)
    nvc.wait_for_no_local(mac_of(GROUP))


def test_a_member_that_answers_our_query_after_another_has_left_stays(
    lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay
) -> None:
    """A leave in the name of vm1, which is still a member, and one of a group without others."""
    other = "239.1.1.9"

    def says(kind: int, group: str, to: str = "") -> None:
        lab.vm1.send(frames.igmp_v2(lab.vm1.mac, lab.vm1.ip, kind, group, to))

    with joined(lab.vm1, GROUP):
        has_group(nvc, GROUP)
        says(frames.V2_REPORT, other)
        has_group(nvc, other)
        says(frames.LEAVE, GROUP, frames.ALL_ROUTERS)
        says(frames.LEAVE, other, frames.ALL_ROUTERS)
        nvc.wait_for_no_local(mac_of(other))
        has_group(nvc, GROUP)
        wire.vxlan(lab.hypervisor, ls0.vni, dst=mac_of(GROUP)).arrives(TO_VM1)


def test_members_from_before_are_found_by_our_queries(
    lab: TrialLab, nvc: Control, wire: Wire
) -> None:
    with joined(lab.vm1, GROUP), kernel(lab.vm1, disable_ipv6="0"), joined(lab.vm1, GROUP6):
        ls0 = add_ls0(lab, nvc, "source_node")
        has_group(nvc, GROUP)
        has_group(nvc, GROUP6)
        wire.vxlan(lab.hypervisor, ls0.vni, dst=mac_of(GROUP6)).arrives(TO_VM1)


def test_members_outlast_the_application(
    lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay
) -> None:
    with joined(lab.vm1, GROUP):
        has_group(nvc, GROUP)
        row = nvc.local(mac_of(GROUP))
        lab.app.kill()
        wire.vxlan(lab.hypervisor, ls0.vni, dst=mac_of(GROUP)).arrives_at_once(TO_VM1)
        lab.app.start()
        wire.learned(lab.vm2)
        wire.vxlan(lab.hypervisor, ls0.vni, dst=mac_of(GROUP)).arrives_at_once(TO_VM1)
        assert nvc.local(mac_of(GROUP)) == row
    nvc.wait_for_no_local(mac_of(GROUP))


@pytest.mark.parametrize("group", ["224.0.0.5", "ff02::1", "ff02::1:ff00:1"])
def test_some_groups_are_always_flooded(
    lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay, group: str
) -> None:
    with kernel(lab.vm1, disable_ipv6="0"), joined(lab.vm1, group), joined(lab.vm1, GROUP):
        has_group(nvc, GROUP)
        wire.vxlan(lab.hypervisor, ls0.vni, dst=mac_of(group)).arrives(ALL_VMS)
        assert nvc.local(mac_of(group)) is None


def test_reports_go_to_routers_and_their_queries_to_all(
    lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay
) -> None:
    host, router = new_mac(), new_mac()
    remote = ls0.flooded({})[0]
    report = frames.igmp_v2(host, "192.168.33.9", frames.V2_REPORT, GROUP)
    report6 = frames.mld_v1(host, "fe80::9", frames.MLD_REPORT, GROUP6)
    asked = frames.igmp_v2(router, ROUTER_IP, frames.QUERY, GROUP, code=10)
    wire.learned(lab.vm1, mac=host)
    wire.learned(lab.vm3, mac=router)
    assert goes(wire, lab.vm1, lab.vm1.send, report) == remote
    assert goes(wire, lab.vm1, lab.vm1.send, report6) == remote
    general = frames.igmp_v3_query(router, ROUTER_IP)
    everyone = {**remote, "vm1": ["untagged"], "vm2": ["untagged"]}
    assert goes(wire, lab.vm3, lab.vm3.send, general) == everyone
    to_router = {**remote, "vm3": ["untagged"]}
    nvc.wait(lambda: goes(wire, lab.vm1, lab.vm1.send, report) == to_router, "reports to vm3")
    assert goes(wire, lab.vm1, lab.vm1.send, report6) == to_router
    assert goes(wire, lab.vm3, lab.vm3.send, asked) == everyone
    to_both = {"vm1": ["untagged"], "vm3": ["untagged"]}
    wire.vxlan(lab.hypervisor, ls0.vni, dst=mac_of(GROUP)).arrives(to_both)


def test_a_router_behind_a_tunnel_asks_our_hosts(
    lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay
) -> None:
    router, host = new_mac(), new_mac()

    def send(frame: bytes) -> None:
        lab.hypervisor.send_vxlan(ls0.vni, frame)

    wire.vxlan(lab.hypervisor, ls0.vni).arrives(ALL_VMS)
    asked = frames.igmp_v2(router, ROUTER_IP, frames.QUERY, GROUP, code=10)
    report = frames.igmp_v2(host, "192.168.33.9", frames.V2_REPORT, GROUP)
    assert goes(wire, lab.hypervisor, send, asked) == {}
    assert goes(wire, lab.hypervisor, send, report) == {}
    assert goes(wire, lab.hypervisor, send, frames.igmp_v3_query(router, ROUTER_IP)) == ALL_VMS
    nvc.wait(lambda: goes(wire, lab.hypervisor, send, asked) == ALL_VMS, "its queries for a group")
    assert goes(wire, lab.hypervisor, send, report) == {}
