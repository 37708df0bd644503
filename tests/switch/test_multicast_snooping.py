"""Multicast snooping: members, routers, our queries and limits, in the real pipeline."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from scapy.layers.inet import IP
from scapy.layers.inet6 import ICMPv6MLQuery2, IPv6
from scapy.packet import Packet
from scapy.utils import rdpcap

from tests import multicast_frames as frames
from tests.multicast_frames import mac_of
from tests.switch.dummy import DummyApp, DummySwitch, several
from tests.switch.state import assert_restart_changes_nothing, switch_faults

HOST, OTHER, ROUTER = "02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:0a"
IP4, IP6 = "192.168.1.11", "fe80::11"
GROUP, TWIN, GROUP6 = "239.1.1.1", "239.129.1.1", "ff05::1:3"
REMOTE, FAR = "10.2.2.2 vni 33", "10.2.2.2"
P0, P1 = "p0", "p1 vlan 10"


class Snooping:
    """A switch with ls0 at p0 and at VLAN 10 of p1, whose unknown-dst is 10.2.2.2."""

    def __init__(self, vtep: DummySwitch, **options: str) -> None:
        self.vtep = vtep
        vtep.manage(multicast_snooping="true", **options)
        self.sent = {port: vtep.folder / f"{port}.pcap" for port in ("p0", "p1")}
        for port, file in self.sent.items():
            vtep.ovs_vsctl("set", "interface", port, f"options:tx_pcap={file}")
        vtep.join()
        vtep.replicate((FAR,))
        self.wait_for(GROUP, P1, REMOTE)

    def receives(self, place: str, frame: bytes) -> None:
        """Let a frame come in by p0, or by VLAN 10 of p1."""
        tagged = frame[:12] + bytes.fromhex("8100000a") + frame[12:]
        data = tagged if place == P1 else frame
        self.vtep.appctl("netdev-dummy/receive", place[:2], data.hex())

    def joins(self, place: str, group: str = GROUP, host: str = HOST) -> None:
        """Let a host report a group by IGMPv2."""
        self.receives(place, frames.igmp_v2(host, IP4, frames.V2_REPORT, group))

    def leaves(self, place: str, group: str = GROUP, host: str = HOST) -> None:
        self.receives(place, frames.igmp_v2(host, IP4, frames.LEAVE, group, frames.ALL_ROUTERS))

    def sends(self, group: str, place: str = P0) -> list[str]:
        """Return where a frame for a group goes that came in by a binding."""
        return self.vtep.sends(place[:2], mac_of(group), 10 if place == P1 else None)

    def wait_for(self, group: str, *expected: str, place: str = P0) -> None:
        wanted = sorted(expected)
        self.vtep.wait(lambda: self.sends(group, place) == wanted, f"{group} to go to {wanted}")

    def igmp_goes(self, to: str, place: str = P0) -> list[str]:
        """Return where an IGMP message for an address goes that came in by a binding."""
        tag = "dl_vlan=10," if place == P1 else ""
        number = 2 if place == P1 else 1
        fields = f"dl_src={HOST},dl_dst={mac_of(to)},dl_type=0x0800,nw_proto=2"
        flow = f"in_port={number},{tag}{fields},nw_src={IP4},nw_dst={to}"
        return self.vtep.goes(flow)

    def remote_igmp_goes(self, to: str) -> list[str]:
        """Return where an IGMP message for an address goes that came in from 10.2.2.2."""
        port = self.vtep.ovs_vsctl("get", "interface", self.vtep.tunnel_port(FAR), "ofport")
        tunnel = f"in_port={port},tun_id=33,tun_src={FAR},tun_dst=127.0.0.1"
        fields = f"dl_src={ROUTER},dl_dst={mac_of(to)},dl_type=0x0800,nw_proto=2"
        return self.vtep.goes(f"{tunnel},{fields},nw_src={IP4},nw_dst={to}")

    def mld_goes(self, kind: int, to: str) -> list[str]:
        fields = f"dl_src={HOST},dl_dst={mac_of(to)},dl_type=0x86dd,nw_proto=58"
        flow = f"in_port=1,{fields},ipv6_src={IP6},ipv6_dst={to},icmpv6_type={kind}"
        return self.vtep.goes(flow)

    def rows(self) -> dict[str, tuple[str, list[str]]]:
        """Return Mcast_Macs_Local but unknown-dst: IP address and locators by MAC address."""
        tables = self.vtep.snapshot("Mcast_Macs_Local", "Physical_Locator_Set", "Physical_Locator")
        locators = {row["_uuid"]: row["dst_ip"] for row in tables["Physical_Locator"]}
        sets = {
            row["_uuid"]: sorted(locators[each] for each in several(row["locators"]))
            for row in tables["Physical_Locator_Set"]
        }
        return {
            row["MAC"]: (row["ipaddr"], sets[row["locator_set"]])
            for row in tables["Mcast_Macs_Local"]
            if row["MAC"] != "unknown-dst"
        }

    def wait_for_rows(self, *groups: str) -> None:
        """Wait until there is one row for each of these groups."""
        wanted = {mac_of(each): (each, ["127.0.0.1"]) for each in groups}
        self.vtep.wait(lambda: self.rows() == wanted, f"the rows {wanted}")

    def queries(self, port: str = "p0") -> list[Packet]:
        """Return the queries that left by a port."""
        file: Path = self.sent[port]
        packets: list[Packet] = list(rdpcap(str(file))) if file.exists() else []
        return [
            each
            for each in packets
            if ICMPv6MLQuery2 in each
            or (IP in each and each[IP].proto == 2 and each[IP].src == "0.0.0.0")
        ]


@pytest.fixture
def snooping(switch: DummySwitch) -> Snooping:
    return Snooping(switch)


def test_a_group_goes_to_its_members_and_as_before_when_the_last_has_left(
    snooping: Snooping,
) -> None:
    assert snooping.sends(GROUP, P1) == [REMOTE, P0]
    snooping.joins(P0)
    snooping.wait_for_rows(GROUP)
    snooping.wait_for(GROUP, REMOTE)
    assert snooping.sends(GROUP, P1) == [REMOTE, P0]
    assert snooping.vtep.delivers(FAR, 33, mac_of(GROUP)) == [P0]
    assert snooping.vtep.delivers(FAR, 33, mac_of("239.1.1.2")) == [P0, P1]
    snooping.joins(P1, host=OTHER)
    snooping.wait_for(GROUP, P1, REMOTE)
    assert snooping.vtep.delivers(FAR, 33, mac_of(GROUP)) == [P0, P1]
    snooping.leaves(P1, host=OTHER)
    snooping.wait_for(GROUP, REMOTE)
    snooping.leaves(P0)
    snooping.wait_for_rows()
    snooping.wait_for(GROUP, P1, REMOTE)
    assert not [flow for flow in snooping.vtep.flows() if mac_of(GROUP) in flow]


def test_a_group_of_the_nvc_goes_to_its_locators_and_to_our_members(snooping: Snooping) -> None:
    snooping.joins(P0)
    snooping.wait_for(GROUP, REMOTE)
    snooping.vtep.replicate(("10.2.2.3",), mac=mac_of(GROUP))
    snooping.wait_for(GROUP, "10.2.2.3 vni 33")
    assert snooping.sends(GROUP, P1) == ["10.2.2.3 vni 33", P0]


def test_a_row_lasts_as_long_as_a_member_of_a_group_with_its_mac(snooping: Snooping) -> None:
    snooping.joins(P0, TWIN)
    snooping.wait_for_rows(TWIN)
    uuid = snooping.vtep.row("Mcast_Macs_Local", MAC=mac_of(GROUP))["_uuid"]
    snooping.joins(P1, GROUP)
    snooping.wait_for_rows(GROUP)
    assert snooping.vtep.row("Mcast_Macs_Local", MAC=mac_of(GROUP))["_uuid"] == uuid
    snooping.leaves(P1, GROUP)
    snooping.wait_for_rows(TWIN)
    snooping.leaves(P0, TWIN)
    snooping.wait_for_rows()


@pytest.mark.parametrize(
    ("joined", "left", "group"),
    [
        (
            frames.igmp_v3(HOST, IP4, (frames.TO_EXCLUDE, GROUP, ())),
            frames.igmp_v3(HOST, IP4, (frames.TO_INCLUDE, GROUP, ())),
            GROUP,
        ),
        (
            frames.igmp_v3(HOST, IP4, (frames.ALLOW, "232.1.1.1", (IP4,))),
            frames.igmp_v3(HOST, IP4, (frames.TO_INCLUDE, "232.1.1.1", ())),
            "232.1.1.1",
        ),
        (
            frames.mld_v1(HOST, IP6, frames.MLD_REPORT, GROUP6),
            frames.mld_v1(HOST, IP6, frames.MLD_DONE, GROUP6, frames.ALL_ROUTERS_6),
            GROUP6,
        ),
        (
            frames.mld_v2(HOST, IP6, (frames.IS_EXCLUDE, GROUP6, ())),
            frames.mld_v2(HOST, IP6, (frames.TO_INCLUDE, GROUP6, ())),
            GROUP6,
        ),
    ],
    ids=["IGMPv3", "IGMPv3 with a source", "MLDv1", "MLDv2"],
)
def test_members_by_all_versions(
    snooping: Snooping, joined: bytes, left: bytes, group: str
) -> None:
    snooping.receives(P0, joined)
    snooping.wait_for_rows(group)
    snooping.wait_for(group, REMOTE)
    snooping.receives(P0, left)
    snooping.wait_for_rows()


def test_reports_go_to_routers_and_queries_to_all(snooping: Snooping) -> None:
    snooping.joins(P0)
    snooping.wait_for_rows(GROUP)
    assert snooping.igmp_goes(GROUP, P1) == [REMOTE]
    assert snooping.igmp_goes(frames.ALL_ROUTERS, P1) == [REMOTE]
    assert snooping.igmp_goes(frames.ALL_HOSTS, P1) == [REMOTE, P0]
    assert [snooping.mld_goes(kind, GROUP6) for kind in (131, 132, 143)] == [[REMOTE]] * 3
    assert snooping.mld_goes(130, frames.ALL_NODES) == [REMOTE, P1]
    snooping.receives(P1, frames.igmp_v3_query(ROUTER, "192.168.1.1"))
    snooping.vtep.wait(lambda: snooping.igmp_goes(GROUP) == [REMOTE, P1], "a report to the router")
    assert snooping.igmp_goes(GROUP, P1) == [REMOTE, P0], "its query for one group"
    assert snooping.mld_goes(143, frames.V2_ROUTERS) == [REMOTE, P1]
    assert snooping.sends(GROUP) == [REMOTE, P1], "frames for a group go to routers too"
    assert_restart_changes_nothing(snooping.vtep)


def test_a_pim_hello_is_a_router(snooping: Snooping) -> None:
    snooping.receives(P1, frames.pim_hello(ROUTER, "192.168.1.1"))
    snooping.vtep.wait(lambda: snooping.igmp_goes(GROUP) == [REMOTE, P1], "a report to the router")


def test_reports_from_a_tunnel_reach_no_hosts(snooping: Snooping) -> None:
    snooping.joins(P0)
    snooping.wait_for_rows(GROUP)
    assert snooping.remote_igmp_goes(GROUP) == []
    assert snooping.remote_igmp_goes(frames.ALL_HOSTS) == [P0, P1]
    snooping.receives(P1, frames.igmp_v3_query(ROUTER, "192.168.1.1"))
    snooping.vtep.wait(lambda: snooping.remote_igmp_goes(GROUP) == [P1], "a report to the router")


@pytest.mark.parametrize(
    "group", ["224.0.0.5", "224.0.0.251", "ff02::1", "ff02::fb", "ff02::1:ff00:11"]
)
def test_some_groups_are_always_flooded(snooping: Snooping, group: str) -> None:
    if ":" in group:
        snooping.receives(P0, frames.mld_v1(HOST, IP6, frames.MLD_REPORT, group))
    else:
        snooping.joins(P0, group)
    snooping.joins(P0)
    snooping.wait_for_rows(GROUP)
    assert snooping.sends(group) == [REMOTE, P1]


def test_without_the_option_nothing_is_learned(joined: DummySwitch) -> None:
    joined.appctl(
        "netdev-dummy/receive", "p0", frames.igmp_v2(HOST, IP4, frames.V2_REPORT, GROUP).hex()
    )
    joined.wait(lambda: HOST in joined.local_macs(), "the host")
    joined.come_to_rest()
    assert joined.sends("p0", mac_of(GROUP)) == [P1]
    assert [row["MAC"] for row in joined.rows("Mcast_Macs_Local")] == ["unknown-dst"]
    assert not [flow for flow in joined.flows() if "0x76746570c" in flow]


def test_what_was_learned_goes_when_the_option_is_turned_off(snooping: Snooping) -> None:
    snooping.joins(P0)
    snooping.wait_for_rows(GROUP)
    snooping.vtep.app.options["multicast_snooping"] = "false"
    snooping.vtep.restart_app()
    snooping.wait_for_rows()
    snooping.wait_for(GROUP, P1, REMOTE)
    assert not [flow for flow in snooping.vtep.flows() if "0x76746570c" in flow]


def test_a_restart_and_an_unbinding_and_a_removed_port(snooping: Snooping) -> None:
    for place, host in ((P0, HOST), (P1, OTHER)):
        snooping.joins(place, GROUP, host)
        snooping.receives(place, frames.mld_v1(host, IP6, frames.MLD_REPORT, GROUP6))
    snooping.wait_for_rows(GROUP, GROUP6)
    snooping.wait_for(GROUP6, P1, REMOTE)
    assert_restart_changes_nothing(snooping.vtep)
    snooping.wait_for_rows(GROUP, GROUP6)
    snooping.vtep.vtep_ctl("unbind-ls", "br0", "p0", "0")
    snooping.vtep.wait(lambda: snooping.vtep.delivers(FAR, 33, mac_of(GROUP)) == [P1], "one member")
    snooping.vtep.ovs_vsctl("del-port", "p1")
    snooping.wait_for_rows()


def test_a_link_that_goes_down_takes_its_members_along(snooping: Snooping) -> None:
    vtep = snooping.vtep
    snooping.joins(P0)
    snooping.joins(P1, host=OTHER)
    snooping.wait_for(GROUP, P1, REMOTE)
    vtep.wait(lambda: len(snooping.queries()) >= 2, "the first queries")
    vtep.set_link("p1", "down")
    vtep.wait(lambda: vtep.delivers(FAR, 33, mac_of(GROUP)) == [P0], "one member")
    vtep.set_link("p0", "down")
    snooping.wait_for_rows()
    before = len(snooping.queries())
    vtep.set_link("p0", "up")
    vtep.wait(lambda: len(snooping.queries()) > before, "the hosts to be asked")
    snooping.joins(P0)
    snooping.wait_for_rows(GROUP)


def test_members_outlast_a_restart_of_open_vswitch(snooping: Snooping) -> None:
    snooping.joins(P0)
    snooping.receives(P1, frames.igmp_v3_query(ROUTER, "192.168.1.1"))
    snooping.wait_for_rows(GROUP)
    snooping.vtep.wait(lambda: snooping.igmp_goes(GROUP) == [REMOTE, P1], "a report to the router")
    row = snooping.vtep.row("Mcast_Macs_Local", MAC=mac_of(GROUP))
    snooping.vtep.ovs_vswitchd.kill()
    assert snooping.vtep.row("Mcast_Macs_Local", MAC=mac_of(GROUP)) == row
    snooping.vtep.ovs_vswitchd.start()
    snooping.vtep.wait(lambda: mac_of(GROUP) in "\n".join(snooping.vtep.flows()), "its flow")
    snooping.vtep.wait(lambda: snooping.igmp_goes(GROUP)[-1:] == [P1], "reports to the router")
    assert snooping.vtep.row("Mcast_Macs_Local", MAC=mac_of(GROUP)) == row


def test_a_process_that_takes_over_has_the_members(snooping: Snooping) -> None:
    vtep = snooping.vtep
    snooping.joins(P0)
    snooping.wait_for_rows(GROUP)
    vtep.come_to_rest()
    row, groups = vtep.row("Mcast_Macs_Local", MAC=mac_of(GROUP)), vtep.groups()
    other = DummyApp(vtep, "other")
    other.options.update(vtep.app.options)
    with contextlib.ExitStack() as stack:
        stack.callback(other.kill)
        other.start()
        other.wait_to_say("standing by")
        vtep.ovs_vsctl("set-controller", "br0", vtep.app.target, other.target)
        vtep.wait(other.is_connected, "the bridge to connect to both")
        vtep.app.kill()
        other.wait_to_say("br0 is managed")
        vtep.come_to_rest()
        assert (vtep.row("Mcast_Macs_Local", MAC=mac_of(GROUP)), vtep.groups()) == (row, groups)
        snooping.leaves(P0)
        snooping.wait_for_rows()


def test_a_report_near_64_kib_is_forwarded_and_not_shown(snooping: Snooping) -> None:
    """Open vSwitch would send all of it, and the length of an OpenFlow message has 16 bits."""
    vtep = snooping.vtep

    def shown() -> int:
        taken: int = json.loads(vtep.app.ask("counters", "--json"))["packet_ins"]["taken"]
        return taken

    vtep.learns(HOST)
    ip = "eth_type(0x0800),ipv4(src=192.168.1.11,dst=239.1.1.1,proto=2,tos=0,ttl=1,frag=no)"
    report = f"in_port(1),eth(src={HOST},dst={mac_of(GROUP)}),{ip}"
    before = shown()
    vtep.appctl("netdev-dummy/receive", "p0", report, "--len", "16384")
    vtep.wait(lambda: shown() == before + 1, "one that is shown")
    for length in ("16385", "65000"):
        vtep.appctl("netdev-dummy/receive", "p0", report, "--len", length)
    snooping.joins(P0)
    snooping.wait_for_rows(GROUP)
    assert shown() == before + 2


# Queries of ours


def test_hosts_are_asked_soon_and_a_binding_that_one_left_at_once(snooping: Snooping) -> None:
    snooping.vtep.wait(lambda: len(snooping.queries()) >= 2, "queries at p0")
    snooping.vtep.wait(lambda: len(snooping.queries("p1")) >= 2, "queries at p1")
    igmp = [each for each in snooping.queries() if IP in each]
    mld = [each for each in snooping.queries() if IPv6 in each]
    assert {each[IP].dst for each in igmp} == {"224.0.0.1"}
    assert {each[IPv6].dst for each in mld} == {"ff02::1"}
    assert igmp[0].src == mld[0].src
    snooping.joins(P0)
    snooping.wait_for_rows(GROUP)
    snooping.leaves(P0)
    snooping.wait_for_rows()
    asked = [each for each in snooping.queries() if IP in each and each[IP].dst == GROUP]
    assert len(asked) == 2
    assert not [each for each in snooping.queries("p1") if IP in each and each[IP].dst == GROUP]


def test_nobody_is_asked_while_a_router_asks(snooping: Snooping) -> None:
    snooping.receives(P1, frames.igmp_v3_query(ROUTER, "192.168.1.1"))
    snooping.vtep.wait(lambda: snooping.igmp_goes(GROUP) == [REMOTE, P1], "a report to the router")
    begin = len([each for each in snooping.queries() if IP in each])
    snooping.vtep.vtep_ctl("bind-ls", "br0", "p0", "20", "ls0")  # its hosts are asked soon
    mld = lambda: len([each for each in snooping.queries() if IPv6 in each])  # noqa: E731
    before = mld()
    snooping.vtep.wait(lambda: mld() > before, "an MLD query")
    assert len([each for each in snooping.queries() if IP in each]) == begin


def test_the_querier_can_be_off(switch: DummySwitch) -> None:
    snooping = Snooping(switch, multicast_querier="false")
    snooping.joins(P0)
    snooping.wait_for_rows(GROUP)
    snooping.leaves(P0)
    snooping.wait_for_rows()
    assert snooping.queries() == []


# Limits


@pytest.fixture
def small(switch: DummySwitch) -> Snooping:
    """At most two groups of a logical switch."""
    return Snooping(switch, max_multicast_groups="2")


def test_groups_beyond_the_limit_are_flooded_and_a_fault(small: Snooping) -> None:
    small.joins(P0, "239.1.1.1")
    small.joins(P1, "239.1.1.2", OTHER)
    small.wait_for_rows("239.1.1.1", "239.1.1.2")
    assert switch_faults(small.vtep) == set()
    small.joins(P0, "239.1.1.3")
    small.vtep.wait_for_log("the limit of 2 multicast groups is reached")
    small.vtep.wait(lambda: switch_faults(small.vtep) == {"unspecified_fault"}, "the fault")
    assert small.sends("239.1.1.3") == [REMOTE, P1]
    small.leaves(P1, "239.1.1.2", OTHER)
    small.wait_for_rows("239.1.1.1")
    small.vtep.wait(lambda: switch_faults(small.vtep) == set(), "the fault to clear")
    small.joins(P0, "239.1.1.3")
    small.wait_for_rows("239.1.1.1", "239.1.1.3")


def test_a_host_that_joins_50000_groups_harms_nobody_else(snooping: Snooping) -> None:
    groups = [f"239.{10 + number // 62500}.{number // 250 % 250}.{number % 250}"
              for number in range(50_000)]  # fmt: skip
    for start in range(0, len(groups), 180):
        records = [(frames.TO_EXCLUDE, each, ()) for each in groups[start : start + 180]]
        snooping.receives(P0, frames.igmp_v3(HOST, IP4, *records))
    vtep = snooping.vtep
    unheard = lambda: [  # noqa: E731
        flow for flow in vtep.flows() if "table=35" in flow and "reg0=0x1000" in flow
    ]
    vtep.wait(unheard, "the host not to be heard for a while")
    assert len(snooping.rows()) <= 1024
    snooping.joins(P1, GROUP, OTHER)
    row = mac_of(GROUP), (GROUP, ["127.0.0.1"])
    vtep.wait(lambda: row in snooping.rows().items(), "another host's group")
    snooping.wait_for(GROUP, P1, REMOTE)
    assert len(snooping.rows()) == 1024
    members: list[Any] = [group for group in vtep.groups() if "group_id=2952" in group]
    assert 0 < len(members) <= 1024 + 1
    vtep.wait(lambda: not unheard(), "the host to be heard again")
