"""Multicast snooping as the loop drives it: packet-ins, time, bindings, and an earlier process."""

from collections.abc import Iterable
from typing import Any

import pytest

from tests import multicast_frames as frames
from tests.multicast_frames import mac_of
from vtep_ofapp.engine.stable_ids import StableIds
from vtep_ofapp.engine.topics import ContentsRead
from vtep_ofapp.features.local_mcast_macs import LocalGroup
from vtep_ofapp.features.multicast.membership import MEMBERSHIP_TIME, GroupMac
from vtep_ofapp.features.multicast.messages import QUERY_INTERVAL
from vtep_ofapp.features.multicast.querier import AT_ONCE, FIRST_QUERY, STARTUP_INTERVAL, Querier
from vtep_ofapp.features.multicast.routers import MAX_REMOTE, ROUTER_TIME
from vtep_ofapp.features.multicast.snooping import MAX_HEARD, WINDOW, Snooping
from vtep_ofapp.pipeline.layout import LOGICAL_SWITCH, SOURCE_BINDING, Cookie, Table
from vtep_ofapp.process.settings import Settings
from vtep_ofapp.values.events import PacketIn
from vtep_ofapp.values.flows import Flow, FlowKey, Group, match
from vtep_ofapp.values.packets import PacketOut
from vtep_ofapp.values.rows import LocalMcastMac

from .builders import (
    BLUE,
    MAC1,
    MAC2,
    OWN,
    RED,
    bridge,
    logical_switch,
    physical_port,
    physical_switch,
    port,
    uuid,
)
from .doubles import TimeDouble
from .reading import lines
from .world import NO_CONNECTION, World

GROUP, OTHER, GROUP6 = "239.1.1.1", "239.1.1.2", "ff05::1:3"
IP, ROUTER_IP, ROUTER = "192.168.1.11", "192.168.1.1", "02:00:00:00:00:0a"
BRIDGE_MAC = "02:00:00:00:00:b0"
"""From its datapath id."""
P0, P1 = 0x1000, 0x200A
"""The bindings: p0 untagged, and VLAN 10 of p1."""


class Bench:
    """red at p0 and at VLAN 10 of p1, with multicast snooping, and a clock."""

    def __init__(self, **settings: Any) -> None:
        self.time = TimeDouble()
        options = Settings(**{"multicast_snooping": True, **settings})
        self.world = World(settings=options, clock=self.time.clock)
        self.world.tell(logical_switch(RED, 5001), logical_switch(BLUE, 5002))
        self.bind()
        self.ports("p0", "p1")
        self.world.calm_down()
        self.snooping = self.world.switch.view[Snooping]
        self.world.switch.take_packet_outs()

    def bind(self, p0: Any = RED, p1: Any = RED) -> None:
        rows = physical_port("p0", {0: p0}), physical_port("p1", {10: p1} if p1 else {})
        self.world.physical(physical_switch(*rows))

    def ports(self, *names: str) -> None:
        numbered = [port(each, number) for number, each in enumerate(names, 1)]
        self.world.bridge(*numbered)

    def shows(self, binding: int, frame: bytes, of: Any = RED) -> None:
        """Let the switch show a frame of a binding, 0 for one from a tunnel."""
        number = self.world.logical_switches.number(of)
        assert number is not None
        fields = {LOGICAL_SWITCH: number, **({SOURCE_BINDING: binding} if binding else {})}
        packet = PacketIn(NO_CONNECTION, Cookie.MULTICAST, Table.SHOWING, match(fields), frame)
        self.world.switch.packet_in(packet)
        self.world.settle()

    def joins(self, binding: int = P0, group: str = GROUP, host: str = MAC1) -> None:
        self.shows(binding, frames.igmp_v2(host, IP, frames.V2_REPORT, group))

    def leaves(self, binding: int = P0, group: str = GROUP, host: str = MAC1) -> None:
        self.shows(binding, frames.igmp_v2(host, IP, frames.LEAVE, group, frames.ALL_ROUTERS))

    def passes(self, seconds: float) -> list[PacketOut]:
        """Let time pass, with all that is due meanwhile; return the packet-outs."""
        end, sent = self.time.now + seconds, self.world.switch.take_packet_outs()
        while (due := self.snooping.next_end()) is not None and due <= end:
            self.time.now = max(self.time.now, due)
            self.world.switch.due()
            self.world.settle()
            sent += self.world.switch.take_packet_outs()
        self.time.now = end
        return sent

    def leads_again(self, flows: dict[FlowKey, Flow], groups: dict[int, Group]) -> None:
        """Read the switch back, which another process led meanwhile."""
        switch = self.world.switch
        switch.groups.have_only(groups)
        list(switch.flows.read_back(flows))
        switch.invalidate(ContentsRead(flows, groups, is_after_another=True))
        self.world.settle()

    def rows(self) -> dict[str, str]:
        wanted = self.world.switch.rows[LocalGroup].wanted
        return {key.mac: ip for key, ip in wanted.items()}

    def flooding(self) -> set[str]:
        """Return the flows in FLOODING that send frames for groups to members."""
        found = self.world.flows("FLOODING")
        return {line for line in found if "FLOODING PREFERRED" in line}

    def groups(self) -> set[str]:
        return {line for line in self.world.groups() if line.startswith(("members", "routers"))}


@pytest.fixture
def bench() -> Bench:
    return Bench()


def families(sent: Iterable[PacketOut]) -> list[str]:
    """Return whom packet-outs ask, and where they go."""
    found = []
    for packet in sent:
        kind = "MLD" if packet.frame[12:14] == b"\x86\xdd" else "IGMP"
        assert packet.frame[6:12].hex(":") == BRIDGE_MAC
        found.append(f"{kind} {','.join(map(str, packet.actions[1:]))}")
    return found


def test_a_logical_switch_without_members(bench: Bench) -> None:
    assert bench.groups() == set()
    found = {line for line in bench.world.flows("FLOODING") if "blue" not in line}
    assert found == lines(
        """
        FLOODING DEFAULT metadata=red: local(red),goto REMOTE_FLOODING
        FLOODING REPORT eth_type=0x800,ip_proto=0x2,metadata=red: goto REMOTE_FLOODING
        FLOODING REPORT eth_type=0x86dd,icmpv6_type=0x83,ip_proto=0x3a,metadata=red:
          goto REMOTE_FLOODING
        FLOODING REPORT eth_type=0x86dd,icmpv6_type=0x84,ip_proto=0x3a,metadata=red:
          goto REMOTE_FLOODING
        FLOODING REPORT eth_type=0x86dd,icmpv6_type=0x8f,ip_proto=0x3a,metadata=red:
          goto REMOTE_FLOODING
        FLOODING GENERAL_QUERY eth_type=0x800,ip_proto=0x2,nw_dst=224.0.0.1,metadata=red,reg3=0x0:
          local(red),goto REMOTE_FLOODING
        FLOODING GENERAL_QUERY eth_type=0x800,ip_proto=0x2,nw_dst=224.0.0.1,metadata=red,reg3=0x1:
          set_field:0x4->reg11,resubmit MEASURING,local(red),goto REMOTE_FLOODING
        """
    )


def test_a_member_has_a_flow_a_group_and_a_row_for_260_seconds(bench: Bench) -> None:
    bench.joins()
    number = bench.snooping.number(GroupMac(RED, mac_of(GROUP)))
    assert bench.rows() == {mac_of(GROUP): GROUP}
    assert bench.flooding() == {
        f"FLOODING PREFERRED eth_dst={mac_of(GROUP)},metadata=red: "
        f"members({number}),goto REMOTE_FLOODING"
    }
    assert bench.groups() == {f"members({number}) = set_field:0x1000->reg1,resubmit EGRESS"}
    bench.passes(MEMBERSHIP_TIME - 0.1)
    assert bench.rows() == {mac_of(GROUP): GROUP}
    bench.passes(0.2)
    assert (bench.rows(), bench.flooding(), bench.groups()) == ({}, set(), set())


def test_who_reports_again_stays_and_changes_nothing(bench: Bench) -> None:
    bench.joins()
    before = bench.world.summary()
    for _ in range(5):
        bench.passes(QUERY_INTERVAL)
        bench.joins()
        assert bench.world.summary() == before


def test_without_the_option_nothing_is_done() -> None:
    bench = Bench(multicast_snooping=False)
    bench.joins()
    assert (bench.rows(), bench.snooping.next_end()) == ({}, None)
    assert not [flow for flow in bench.world.flow_values() if flow.cookie >> 28 & 15 == 12]


def test_routers_are_in_each_group_and_get_reports_for_255_seconds(bench: Bench) -> None:
    bench.joins()
    number = bench.snooping.number(GroupMac(RED, mac_of(GROUP)))
    bench.shows(P1, frames.igmp_v3_query(ROUTER, ROUTER_IP))
    to_p1 = "set_field:0x200a->reg1,resubmit EGRESS"
    assert bench.groups() == {
        f"members({number}) = set_field:0x1000->reg1,resubmit EGRESS | {to_p1}",
        f"routers(red) = {to_p1}",
    }
    query = "FLOODING QUERY eth_type=0x800,ip_proto=0x2,metadata=red,reg0=0x200a: local(red)"
    assert f"{query},goto REMOTE_FLOODING" in bench.world.flows("FLOODING")
    bench.passes(ROUTER_TIME - 0.1)
    assert len(bench.groups()) == 2
    bench.passes(0.2)
    assert bench.groups() == {f"members({number}) = set_field:0x1000->reg1,resubmit EGRESS"}


def test_our_own_query_that_comes_back_is_no_router(bench: Bench) -> None:
    (_, mld) = bench.passes(FIRST_QUERY)
    bench.shows(P1, mld.frame)
    assert bench.groups() == set()


def test_queriers_behind_a_tunnel_are_few(bench: Bench) -> None:
    for number in range(MAX_REMOTE + 5):
        bench.shows(0, frames.igmp_v3_query(ROUTER, f"192.168.1.{number + 1}"))
    bench.joins(0)
    found = [line for line in bench.world.flows("FLOODING") if "nw_src" in line]
    assert len(found) == MAX_REMOTE
    assert bench.rows() == {}
    bench.passes(ROUTER_TIME)
    assert not [line for line in bench.world.flows("FLOODING") if "nw_src" in line]


# Queries

BOTH = ["IGMP group:0x{:x}", "MLD group:0x{:x}"]


def general(bench: Bench) -> list[str]:
    """Return the queries of both families to all bindings of red."""
    id = 0xA100_0000 | (bench.world.logical_switches.number(RED) or 0)
    return [each.format(id) for each in BOTH]


def test_hosts_are_asked_at_the_start_and_then_every_125_seconds(bench: Bench) -> None:
    assert bench.passes(FIRST_QUERY - 0.1) == []
    assert families(bench.passes(0.1)) == general(bench)
    assert bench.passes(STARTUP_INTERVAL - 0.1) == []
    assert families(bench.passes(0.1)) == general(bench)
    for _ in range(3):
        assert bench.passes(QUERY_INTERVAL - 0.1) == []
        assert families(bench.passes(0.1)) == general(bench)


def test_a_router_takes_over_its_family_until_it_is_silent(bench: Bench) -> None:
    bench.passes(FIRST_QUERY + STARTUP_INTERVAL)
    bench.shows(P1, frames.igmp_v3_query(ROUTER, ROUTER_IP))
    assert families(bench.passes(QUERY_INTERVAL)) == general(bench)[1:]
    bench.shows(P1, frames.igmp_v2(ROUTER, ROUTER_IP, frames.QUERY, GROUP, code=10))
    assert families(bench.passes(QUERY_INTERVAL)) == general(bench)[1:]
    left = ROUTER_TIME - 2 * QUERY_INTERVAL
    assert bench.passes(left) == []
    assert families(bench.passes(FIRST_QUERY)) == general(bench), "before members end"


def test_hosts_are_asked_soon_when_the_router_that_asked_is_gone(bench: Bench) -> None:
    bench.passes(FIRST_QUERY + STARTUP_INTERVAL)
    bench.shows(P1, frames.igmp_v3_query(ROUTER, ROUTER_IP))
    bench.world.bridge(port("p0", 1), port("p1", 2, is_up=False))
    bench.world.settle()
    assert families(bench.passes(FIRST_QUERY)) == general(bench)


def test_a_binding_that_one_left_is_asked_twice(bench: Bench) -> None:
    bench.passes(FIRST_QUERY + STARTUP_INTERVAL)
    bench.joins()
    bench.leaves()
    to_p0 = ["IGMP set_field:0x1000->reg1,resubmit(,110)"]
    assert families(bench.passes(0.5)) == to_p0
    assert families(bench.passes(0.5)) == to_p0
    bench.passes(1.0)
    assert bench.rows() == {}


def test_who_answers_the_first_query_is_not_asked_again(bench: Bench) -> None:
    bench.passes(FIRST_QUERY + STARTUP_INTERVAL)
    bench.joins()
    bench.leaves()
    assert len(bench.passes(0.5)) == 1
    bench.joins(host=MAC2)
    assert bench.passes(2.0) == []
    assert bench.rows() == {mac_of(GROUP): GROUP}


def test_very_many_logical_switches_are_not_asked_at_once() -> None:
    querier, now = Querier(), 1000.0
    every = [uuid(number) for number in range(1, 251)]
    for each in every:
        querier.start(each, now)
    asked = []
    while (due := querier.next_end()) is not None and due < now + 2 * FIRST_QUERY:
        part = querier.general(due)
        assert len(part) <= AT_ONCE
        asked += part
    assert asked == every


def test_without_a_querier_nobody_is_asked() -> None:
    bench = Bench(multicast_querier=False)
    bench.joins()
    bench.leaves()
    assert bench.passes(300.0) == []


def test_the_source_is_the_internal_port_of_the_bridge(bench: Bench) -> None:
    bench.world.switch.set_bridge(bridge(port("p0", 1), interface=(7, "0a:00:00:00:00:07")))
    sent = bench.passes(FIRST_QUERY)
    assert {packet.frame[6:12].hex(":") for packet in sent} == {"0a:00:00:00:00:07"}


def test_a_new_binding_is_asked_soon(bench: Bench) -> None:
    bench.passes(FIRST_QUERY + STARTUP_INTERVAL)
    bench.bind(p1=BLUE)
    bench.world.settle()
    assert len(families(bench.passes(FIRST_QUERY))) == 4, "red and blue, by IGMP and MLD"


# Bindings and logical switches


def test_members_go_with_their_binding(bench: Bench) -> None:
    bench.joins()
    bench.joins(P1, host=MAC2)
    bench.ports("p0")
    bench.world.settle()
    assert bench.snooping.members.bindings(GroupMac(RED, mac_of(GROUP))) == {P0}
    bench.bind(p0=BLUE)
    bench.world.settle()
    assert (bench.rows(), bench.groups()) == ({}, set())


def test_members_and_routers_go_with_the_link_and_hosts_are_asked_when_it_is_up(
    bench: Bench,
) -> None:
    bench.joins()
    bench.joins(P1, host=MAC2)
    bench.shows(P0, frames.pim_hello(ROUTER, ROUTER_IP))
    bench.passes(FIRST_QUERY + STARTUP_INTERVAL)
    bench.world.bridge(port("p0", 1, is_up=False), port("p1", 2))
    bench.world.settle()
    bench.joins()  # by a frame that came in before
    assert bench.snooping.members.bindings(GroupMac(RED, mac_of(GROUP))) == {P1}
    assert bench.snooping.routers.bindings(RED) == frozenset()
    bench.passes(FIRST_QUERY + STARTUP_INTERVAL)
    bench.ports("p0", "p1")
    bench.world.settle()
    assert len(families(bench.passes(FIRST_QUERY))) == 2, "red, by IGMP and MLD"
    bench.joins()
    assert bench.snooping.members.bindings(GroupMac(RED, mac_of(GROUP))) == {P0, P1}


def test_hosts_at_a_link_that_is_up_again_are_asked_although_a_router_asks(bench: Bench) -> None:
    """They have to report again, and the next query of the router may be 125 s away."""
    bench.passes(FIRST_QUERY + STARTUP_INTERVAL)
    bench.shows(P1, frames.igmp_v3_query(ROUTER, ROUTER_IP))
    bench.world.bridge(port("p0", 1, is_up=False), port("p1", 2))
    bench.world.settle()
    assert bench.passes(FIRST_QUERY) == []
    bench.ports("p0", "p1")
    bench.world.settle()
    to_p0 = "IGMP set_field:0x1000->reg1,resubmit(,110)"
    assert families(bench.passes(FIRST_QUERY)) == [*general(bench)[1:], to_p0]


def test_a_router_goes_with_its_binding(bench: Bench) -> None:
    bench.shows(P1, frames.pim_hello(ROUTER, ROUTER_IP))
    assert len(bench.groups()) == 1
    bench.ports("p0")
    bench.world.settle()
    assert bench.groups() == set()


def test_a_logical_switch_that_is_bound_no_more_is_forgotten(bench: Bench) -> None:
    bench.joins()
    bench.bind(p0=BLUE, p1=None)
    bench.world.settle()
    assert bench.rows() == {}
    bench.joins()
    assert bench.rows() == {}, "a frame from before"


# Numbers and restarts


@pytest.mark.parametrize("other", [f"239.2.2.{number}" for number in range(8)])
def test_groups_whose_numbers_collide(other: str) -> None:
    """Of eight groups some have the first number of GROUP, and of these some take it away."""
    found = []
    for groups in ((GROUP, other), (other, GROUP)):
        bench = Bench()
        bench.snooping.ids = StableIds(2)
        for group in groups:
            bench.joins(group=group)
        ids = [bench.snooping.number(GroupMac(RED, mac_of(each))) for each in groups]
        assert sorted(filter(None, ids)) == [1, 2]
        found.append(bench.world.summary())
        bench.leaves(group=other)
        bench.passes(2.0)
        alone = Bench()
        alone.snooping.ids = StableIds(2)
        alone.joins()
        assert bench.groups() == alone.groups()
    assert found[0] == found[1]


def test_a_new_process_has_the_members_and_routers_of_the_former_one(bench: Bench) -> None:
    bench.joins()
    bench.joins(P1, host=MAC2)
    bench.joins(group=OTHER)
    bench.shows(P1, frames.igmp_v3_query(ROUTER, ROUTER_IP))
    bench.shows(P0, frames.mld_v1(MAC1, "fe80::11", frames.MLD_REPORT, GROUP6))
    bench.shows(0, frames.igmp_v3_query(ROUTER, "192.168.1.2"))
    flows = {flow.key: flow for flow in bench.world.flow_values()}
    groups = {group.id: group for group in bench.world.group_values()}
    former = bench.world.summary()
    other = Bench()
    for number, (mac, ip) in enumerate(bench.rows().items()):
        row = LocalMcastMac(uuid(0x4100 + number), mac, RED, frozenset({OWN}), ip)
        other.world.tell(row)
    other.world.read_back(flows, groups)
    other.world.settle()
    assert other.world.summary() == former
    assert other.snooping.members.bindings(GroupMac(RED, mac_of(OTHER))) == {P0}
    assert len(other.passes(FIRST_QUERY)) == 2
    other.joins(P1, host=MAC2)
    other.passes(MEMBERSHIP_TIME - FIRST_QUERY)
    assert other.rows() == {mac_of(GROUP): GROUP}
    assert other.snooping.members.bindings(GroupMac(RED, mac_of(GROUP))) == {P1}


def test_a_router_that_another_process_heard_is_in_groups_that_were_known(bench: Bench) -> None:
    bench.joins()
    bench.shows(P1, frames.igmp_v3_query(ROUTER, ROUTER_IP))
    flows = {flow.key: flow for flow in bench.world.flow_values()}
    groups = {group.id: group for group in bench.world.group_values()}
    other = Bench()
    other.joins()
    other.world.read_back(flows, groups)
    other.world.settle()
    assert other.groups() == bench.groups()


def test_members_that_left_while_another_process_led_are_forgotten(bench: Bench) -> None:
    bench.joins(P1, host=MAC2)
    flows = {flow.key: flow for flow in bench.world.flow_values()}
    groups = {group.id: group for group in bench.world.group_values()}
    ours = Bench()
    ours.joins()
    ours.joins(P1, host=MAC2)
    ours.joins(group=OTHER)
    rows = ours.rows()
    ours.leads_again({}, {})  # Open vSwitch started again
    assert ours.rows() == rows
    ours.leads_again(flows, groups)
    assert ours.world.summary() == bench.world.summary()
    assert ours.rows() == {mac_of(GROUP): GROUP}


def test_members_at_a_port_whose_link_went_down_meanwhile_are_not_taken_over(bench: Bench) -> None:
    bench.joins()
    bench.joins(P1, host=MAC2)
    flows = {flow.key: flow for flow in bench.world.flow_values()}
    groups = {group.id: group for group in bench.world.group_values()}
    other = Bench()
    other.world.bridge(port("p0", 1, is_up=False), port("p1", 2))
    other.world.settle()
    other.world.read_back(flows, groups)
    other.world.settle()
    assert other.snooping.members.bindings(GroupMac(RED, mac_of(GROUP))) == {P1}


def test_a_row_that_says_nonsense_is_not_believed(bench: Bench) -> None:
    bench.joins()
    flows = {flow.key: flow for flow in bench.world.flow_values()}
    groups = {group.id: group for group in bench.world.group_values()}
    other = Bench()
    for number, ip in enumerate(("nonsense", "239.9.9.9", "10.0.0.1")):
        row = LocalMcastMac(uuid(0x4100 + number), mac_of(GROUP), RED, frozenset({OWN}), ip)
        other.world.tell(row)
    other.world.read_back(flows, groups)
    other.world.settle()
    assert other.rows() == {mac_of(GROUP): ""}
    other.joins()
    assert other.rows() == {mac_of(GROUP): GROUP}


# Limits


def test_a_binding_that_reports_too_much_is_not_heard_for_a_while(bench: Bench) -> None:
    bench.joins(P1)
    groups = [f"239.2.{number // 250}.{number % 250}" for number in range(MAX_HEARD + 1)]
    for start in range(0, len(groups), 180):
        records = [(frames.TO_EXCLUDE, each, ()) for each in groups[start : start + 180]]
        bench.shows(P0, frames.igmp_v3(MAC1, IP, *records))
    unheard = {line for line in bench.world.flows("SNOOPING") if "reg0=0x1000" in line}
    assert len(unheard) == 7
    assert all(line.endswith(": goto RESOLUTION") for line in unheard)
    bench.joins(P0)
    assert bench.snooping.members.bindings(GroupMac(RED, mac_of(GROUP))) == {P1}
    bench.joins(P1, OTHER)
    assert mac_of(OTHER) in bench.rows()
    bench.passes(WINDOW)
    assert not [line for line in bench.world.flows("SNOOPING") if "reg0=0x1000" in line]
    bench.joins(P0)
    assert bench.snooping.members.bindings(GroupMac(RED, mac_of(GROUP))) == {P0, P1}


def test_tunnels_with_too_many_queries_are_not_heard_for_a_while(bench: Bench) -> None:
    query = frames.igmp_v3_query(ROUTER, ROUTER_IP)
    shown = lambda: [  # noqa: E731
        line for line in bench.world.flows("FLOODING") if "resubmit MEASURING" in line
    ]
    assert len(shown()) == 1
    for _ in range(MAX_HEARD + 1):
        bench.shows(0, query)
    assert shown() == []
    bench.joins()
    assert bench.rows() == {mac_of(GROUP): GROUP}
    bench.passes(WINDOW)
    assert len(shown()) == 1


def test_the_fault_of_too_many_groups_comes_and_goes() -> None:
    bench = Bench(max_multicast_groups=1)
    bench.joins()
    assert bench.world.complaints() == set()
    bench.joins(group=OTHER)
    complaint = "the limit of 1 multicast groups is reached; others are flooded"
    assert bench.world.complaints() == {f"Logical_Switch red: {complaint}"}
    bench.leaves()
    bench.passes(2.0)
    assert bench.world.complaints() == set()
