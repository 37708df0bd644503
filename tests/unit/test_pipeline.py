"""What each kind of flow looks like. Logical switch 7 stands for any; its VNI is 5001."""

from collections import Counter
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtep_ofapp.pipeline import admission, drops, egress, flooding, learning, tunnels, unicast
from vtep_ofapp.pipeline.layout import (
    CHUNK,
    CHUNKS,
    COUNTING,
    MAX_BINDINGS,
    PRODUCER_MASK,
    TOGETHER,
    Cookie,
    Table,
    cookie_of,
    counted,
)
from vtep_ofapp.pipeline.ways import Step
from vtep_ofapp.process.settings import Settings
from vtep_ofapp.values.flows import (
    COOKIE_BASE,
    COOKIE_MASK,
    Flow,
    GoTo,
    Group,
    MatchValue,
    SetField,
    ToGroup,
    match,
)
from vtep_ofapp.values.rows import Binding

from .builders import FAR, FURTHER, FURTHEST, MAC1, MULTICAST, binding
from .reading import lines, read_flow, read_flows, read_group, read_groups

UNTAGGED = binding("p0", ofport=1, vlan=0)
TAGGED = binding("p0", ofport=1, vlan=10)


# Admission


def test_an_untagged_binding_takes_untagged_and_priority_tagged_frames() -> None:
    assert read_flows(admission.bound(UNTAGGED, 7)) == lines("""
        ADMISSION DEFAULT in_port=1,vlan_vid=0x0:
            set_field:0x1000->reg0,set_field:7->metadata,goto LEARNING
        ADMISSION DEFAULT in_port=1,vlan_vid=0x1000:
            pop_vlan,set_field:0x1->reg4,set_field:0x1000->reg0,set_field:7->metadata,goto LEARNING
    """)


def test_a_tagged_binding_takes_its_tag_off() -> None:
    assert read_flows(admission.bound(TAGGED, 7)) == lines("""
        ADMISSION DEFAULT in_port=1,vlan_vid=0x100a:
            pop_vlan,set_field:0x1->reg4,set_field:0x100a->reg0,set_field:7->metadata,goto LEARNING
    """)


def test_link_local_frames_go_nowhere() -> None:
    assert read_flow(admission.link_local()) == (
        "ADMISSION FORBIDDEN eth_dst=01:80:c2:00:00:00/ff:ff:ff:ff:ff:f0: drop"
    )


# Learning


def test_sources_that_are_no_stations_are_dropped() -> None:
    assert read_flows(learning.unlearnable()) == lines("""
        LEARNING FORBIDDEN eth_src=01:00:00:00:00:00/01:00:00:00:00:00: drop
        LEARNING FORBIDDEN eth_src=00:00:00:00:00:00: drop
    """)


def test_an_unknown_source_is_shown_and_passes() -> None:
    assert (
        read_flow(learning.unknown())
        == "LEARNING MISS any: resubmit MEASURING,set_field:0x1->reg11,goto SNOOPING"
    )
    assert learning.unknown().watched


def test_only_a_frame_that_fits_into_a_message_is_shown() -> None:
    assert read_flows(learning.showing()) == lines("""
        MEASURING MISS any: check_pkt_larger(16384)->reg6[0],resubmit SHOWING
        SHOWING DEFAULT reg6=0x0: controller:14
    """)


def test_a_known_source_passes_until_it_is_idle() -> None:
    flow = learning.known(UNTAGGED.number, 7, MAC1, aging=300)
    assert read_flow(flow) == (
        f"LEARNING DEFAULT eth_src={MAC1},metadata=7,reg0=0x1000: goto SNOOPING (idle 300)"
    )
    assert flow.watched


def test_a_known_flow_tells_the_station_it_is_about() -> None:
    assert learning.station(learning.known(TAGGED.number, 7, MAC1, aging=300).key) == (
        7,
        0x100A,
        MAC1,
    )


@pytest.mark.parametrize(
    "flow",
    [
        learning.unknown(),
        *learning.unlearnable(),
        unicast.local(UNTAGGED.number, 7, MAC1),
        unicast.remote(7, MAC1, FAR),
        *egress.bound(UNTAGGED, 7),
    ],
    ids=read_flow,
)
def test_other_flows_tell_of_no_station(flow: Flow) -> None:
    assert learning.station(flow.key) is None


def test_what_a_packet_in_says_of_the_source() -> None:
    fields = match({"in_port": 1, "metadata": 7, "reg0": 0x1000, "reg3": 0})
    assert learning.source_binding(fields) == (7, 0x1000)


@pytest.mark.parametrize(
    "fields",
    [{}, {"in_port": 1}, {"metadata": 7}, {"reg0": 0x1000}, {"metadata": (7, 7), "reg0": 1}],
    ids=str,
)
def test_a_packet_in_that_says_too_little(fields: dict[str, MatchValue]) -> None:
    assert learning.source_binding(match(fields)) is None


# Unicast


def test_a_learned_station_is_behind_its_binding() -> None:
    assert read_flow(unicast.local(TAGGED.number, 7, MAC1)) == (
        f"UNICAST DEFAULT eth_dst={MAC1},metadata=7: set_field:0x100a->reg1,goto EGRESS"
    )


def test_a_placed_station_is_preferred_for_frames_from_bindings() -> None:
    assert read_flow(unicast.remote(7, MAC1, FAR)) == (
        f"UNICAST PREFERRED eth_dst={MAC1},metadata=7,reg3=0x0: "
        "set_field:10.0.0.2->reg2,goto ENCAPSULATION"
    )


def test_all_other_frames_are_flooded() -> None:
    assert read_flow(unicast.elsewhere()) == "UNICAST MISS any: goto FLOODING"
    assert unicast.elsewhere().watched


# Egress


def test_a_frame_leaves_by_an_untagged_binding_as_it_is() -> None:
    assert read_flows(egress.bound(UNTAGGED, 7)) == lines("""
        EGRESS DEFAULT metadata=7,reg1=0x1000,reg4=0x0:
            load:0->in_port,output:1
        EGRESS DEFAULT metadata=7,reg1=0x1000,reg4=0x1:
            load:0->in_port,output:1
        EGRESS FORBIDDEN reg0=0x1000,reg1=0x1000: drop
    """)


def test_a_frame_leaves_by_a_tagged_binding_with_its_tag() -> None:
    assert read_flows(egress.bound(TAGGED, 7)) == lines("""
        EGRESS DEFAULT metadata=7,reg1=0x100a,reg4=0x0:
            push_vlan:10,load:0->in_port,output:1
        EGRESS DEFAULT metadata=7,reg1=0x100a,reg4=0x1:
            push_vlan:10,load:0->in_port,output:1
        EGRESS FORBIDDEN reg0=0x100a,reg1=0x100a: drop
    """)


# Tunnels


def test_a_tunnel_port_stands_for_its_address() -> None:
    assert read_flow(tunnels.incoming(FAR, 9)) == (
        "ADMISSION DEFAULT in_port=9: set_field:10.0.0.2->reg2,goto DECAPSULATION"
    )
    assert read_flow(tunnels.outgoing(FAR, 9)) == "TUNNEL DEFAULT reg2=10.0.0.2: output:9"


def test_bfd_packets_come_in_as_others_do_after_a_look_at_their_destination() -> None:
    assert read_flow(tunnels.incoming_bfd(FAR, 9, "169.254.1.0")) == (
        "ADMISSION PREFERRED eth_type=0x800,in_port=9,ip_proto=0x11,nw_dst=169.254.1.0,"
        "udp_dst=0xec8: set_field:10.0.0.2->reg2,goto DECAPSULATION"
    )


def test_a_vni_from_a_named_vtep_enters_past_learning() -> None:
    assert read_flow(tunnels.decapsulation(FAR, 5001, 7)) == (
        "DECAPSULATION DEFAULT reg2=10.0.0.2,tunnel_id=0x1389: "
        "set_field:7->metadata,set_field:0x1->reg3,goto RESOLUTION"
    )


def test_vteps_that_route_enter_by_one_flow_of_a_logical_switch() -> None:
    mark = "set_field:10.0.0.2->reg2,set_field:0x2->reg3,goto DECAPSULATION"
    assert read_flow(tunnels.incoming(FAR, 9, True)) == f"ADMISSION DEFAULT in_port=9: {mark}"
    assert read_flow(tunnels.incoming_bfd(FAR, 9, "169.254.1.0", True)).endswith(mark)
    assert read_flow(tunnels.decapsulation_from_arp_sources(5001, 7)) == (
        "DECAPSULATION LIMIT reg3=0x2,tunnel_id=0x1389: "
        "set_field:7->metadata,set_field:0x1->reg3,goto RESOLUTION"
    )


def test_frames_get_the_vni_of_their_logical_switch() -> None:
    assert read_flow(tunnels.encapsulation(7, 5001)) == (
        "ENCAPSULATION DEFAULT metadata=7: set_field:0x1389->tunnel_id,goto TUNNEL"
    )


def test_frames_for_one_vtep_may_get_a_vni_of_their_own() -> None:
    assert read_flow(tunnels.encapsulation_towards(7, FAR, 6001)) == (
        "ENCAPSULATION PREFERRED metadata=7,reg2=10.0.0.2: set_field:0x1771->tunnel_id,goto TUNNEL"
    )


def test_frames_for_one_vtep_may_have_no_vni() -> None:
    assert read_flow(tunnels.encapsulation_towards(7, FAR, None)) == (
        "ENCAPSULATION PREFERRED metadata=7,reg2=10.0.0.2: drop"
    )


TAGS_INSIDE = ("vlan_vid=0x1000/0x1000", "eth_type=0x8100", "eth_type=0x88a8")


def test_a_tag_inside_does_not_pass_a_tunnel() -> None:
    assert read_flows(tunnels.inner_tags()) == {
        f"{table} FORBIDDEN {tag}: drop"
        for table in ("DECAPSULATION", "ENCAPSULATION")
        for tag in TAGS_INSIDE
    }


def test_a_tag_inside_does_not_leave_by_an_untagged_binding() -> None:
    assert read_flows(egress.inner_tags()) == lines("""
        EGRESS FORBIDDEN reg1=0x0/0xfff,vlan_vid=0x1000/0x1000: drop
        EGRESS FORBIDDEN eth_type=0x8100,reg1=0x0/0xfff: drop
        EGRESS FORBIDDEN eth_type=0x88a8,reg1=0x0/0xfff: drop
    """)


# Flooding


def flood(
    number: int, bindings: Sequence[Binding], targets: Mapping[str, int], *, source_node: bool
) -> tuple[tuple[Flow, ...], tuple[Group, ...]]:
    """Return the flows, and the groups, by which a logical switch is flooded."""
    to_bindings, local = flooding.local(number, bindings)
    to_vteps, replication = flooding.replicated(number, targets, source_node)
    return (*to_bindings, *to_vteps), (*local, *replication)


def test_flooding_without_replication_reaches_the_bindings() -> None:
    flows, groups = flood(7, [UNTAGGED, TAGGED], {}, source_node=False)
    assert read_flows(flows) == lines("""
        FLOODING DEFAULT metadata=7: local(7),goto REMOTE_FLOODING
    """)
    assert read_groups(groups) == lines("""
        local(7) =
            set_field:0x1000->reg1,resubmit EGRESS |
            set_field:0x100a->reg1,resubmit EGRESS
    """)


def test_source_node_replication_reaches_every_target_from_bindings_only() -> None:
    flows, groups = flood(7, [UNTAGGED], {FURTHER: 10, FAR: 9}, source_node=True)
    assert read_flows(flows) == lines("""
        FLOODING DEFAULT metadata=7: local(7),goto REMOTE_FLOODING
        REMOTE_FLOODING DEFAULT metadata=7,reg3=0x0: replication(7)
    """)
    assert read_groups(groups) == lines("""
        local(7) = set_field:0x1000->reg1,resubmit EGRESS
        replication(7) =
            set_field:10.0.0.2->reg2,resubmit ENCAPSULATION |
            set_field:10.0.0.3->reg2,resubmit ENCAPSULATION
    """)


def test_service_node_replication_takes_the_first_node_that_is_alive_or_the_first() -> None:
    _, groups = flood(7, [], {FAR: 9}, source_node=False)
    assert read_groups(groups) == lines("""
        local(7) = nothing
        replication(7) = first of
            watch_port:9,set_field:10.0.0.2->reg2,resubmit ENCAPSULATION |
            watch_group:alive,set_field:10.0.0.2->reg2,resubmit ENCAPSULATION
    """)


def test_the_last_resort_is_always_alive() -> None:
    assert read_group(flooding.alive()) == "alive = nothing"
    assert [bucket.watch_port for bucket in flooding.alive().buckets] == [None]


NODES = {FAR: 9, FURTHER: 10, FURTHEST: 11}


def order(number: int, nodes: Mapping[str, int]) -> list[int | None]:
    """Return the ports of the service nodes as a logical switch prefers them."""
    _, (_, replication) = flood(number, [], nodes, source_node=False)
    *living, last_resort = replication.buckets
    assert last_resort.actions == living[0].actions
    return [bucket.watch_port for bucket in living]


@given(st.integers(1, (1 << 24) - 1))
def test_every_service_node_is_there_in_some_order(number: int) -> None:
    assert sorted(order(number, NODES), key=str) == [10, 11, 9]


def test_logical_switches_are_spread_over_service_nodes_and_those_of_a_dead_one_over_the_rest() -> (
    None
):
    orders = Counter(tuple(order(number, NODES)) for number in range(1, 601))
    assert len(orders) == 6
    assert min(orders.values()) > 50


@given(st.integers(1, (1 << 24) - 1))
def test_a_service_node_that_goes_moves_only_the_logical_switches_that_it_served(
    number: int,
) -> None:
    without = {address: port for address, port in NODES.items() if address != FAR}
    assert order(number, without) == [port for port in order(number, NODES) if port != 9]


# Multicast


def test_a_multicast_address_reaches_bindings_and_targets_of_its_own() -> None:
    flows, groups = flooding.multicast(7, 3, MULTICAST, {FURTHER: 10, FAR: 9}, source_node=True)
    assert read_flows(flows) == lines(f"""
        REMOTE_FLOODING PREFERRED eth_dst={MULTICAST},metadata=7,reg3=0x0: multicast(3)
    """)
    assert read_groups(groups) == lines("""
        multicast(3) =
            set_field:10.0.0.2->reg2,resubmit ENCAPSULATION |
            set_field:10.0.0.3->reg2,resubmit ENCAPSULATION
    """)


def test_a_multicast_address_without_targets_reaches_bindings() -> None:
    flows, groups = flooding.multicast(7, 3, MULTICAST, {}, source_node=True)
    assert read_flows(flows) == lines(f"""
        REMOTE_FLOODING PREFERRED eth_dst={MULTICAST},metadata=7,reg3=0x0: drop
    """)
    assert groups == ()


def test_a_multicast_address_may_be_replicated_by_a_service_node() -> None:
    _, (group,) = flooding.multicast(7, 3, MULTICAST, {FAR: 9}, source_node=False)
    assert read_group(group).startswith("multicast(3) = first of watch_port:9,")


# Limits


def test_frames_of_further_stations_pass_unseen() -> None:
    assert (
        read_flow(learning.full_binding(0x1000))
        == "LEARNING LIMIT reg0=0x1000: set_field:0x1->reg11,goto SNOOPING"
    )
    assert (
        read_flow(learning.full_logical_switch(7))
        == "LEARNING LIMIT metadata=7: set_field:0x1->reg11,goto SNOOPING"
    )


def test_frames_of_a_station_that_moves_are_shown_even_then() -> None:
    assert read_flow(learning.moving(7, MAC1)) == (
        f"LEARNING LIMIT_EXCEPT eth_src={MAC1},metadata=7: "
        "resubmit MEASURING,set_field:0x1->reg11,goto SNOOPING"
    )
    assert learning.station(learning.moving(7, MAC1).key) is None


# Bonds

BOND = binding("bond0", ofport=4, vlan=10, members=(4, 5))


def test_frames_come_in_by_any_member_of_a_bond() -> None:
    assert read_flows(admission.bound(BOND, 7)) == lines("""
        ADMISSION DEFAULT in_port=4,vlan_vid=0x100a:
            pop_vlan,set_field:0x1->reg4,set_field:0x400a->reg0,set_field:7->metadata,goto LEARNING
        ADMISSION DEFAULT in_port=5,vlan_vid=0x100a:
            pop_vlan,set_field:0x1->reg4,set_field:0x400a->reg0,set_field:7->metadata,goto LEARNING
    """)


def test_frames_leave_by_one_member_of_a_bond() -> None:
    assert read_flows(egress.bound(BOND, 7)) == lines("""
        EGRESS DEFAULT metadata=7,reg1=0x400a,reg4=0x0:
            push_vlan:10,load:0->in_port,bundle(eth_src,0,hrw,ofport,members:4,5)
        EGRESS DEFAULT metadata=7,reg1=0x400a,reg4=0x1:
            push_vlan:10,load:0->in_port,bundle(eth_src,0,hrw,ofport,members:4,5)
        EGRESS FORBIDDEN reg0=0x400a,reg1=0x400a: drop
    """)


# Many targets


def addresses(count: int) -> list[str]:
    return [
        f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}" for number in range(1, count + 1)
    ]


def targets_of(groups: Sequence[Group]) -> list[str]:
    return [str(bucket) for group in groups for bucket in group.buckets]


@pytest.mark.parametrize(
    ("count", "sizes"),
    [
        (TOGETHER + 1, [TOGETHER + 1]),
        (CHUNK - 1, [CHUNK - 1]),
        (CHUNK, [CHUNK]),
        (CHUNK + 1, [CHUNK, 1]),
        (2 * CHUNK + 500, [CHUNK, CHUNK, 500]),
        (CHUNK * CHUNKS, [CHUNK] * CHUNKS),
        (CHUNK * CHUNKS + 1, [CHUNK] * CHUNKS),
    ],
)
def test_many_targets_are_split_into_groups_with_a_translation_for_each(
    count: int, sizes: list[int]
) -> None:
    ports = dict.fromkeys(addresses(count), 9)
    flows, groups = flood(7, [UNTAGGED], ports, source_node=True)
    to_bindings, to_vteps, *parts = flows
    local, first, *replication = groups
    assert [len(group.buckets) for group in replication] == sizes
    assert len(set(targets_of(replication))) == sum(sizes)
    assert len({group.id for group in groups}) == len(groups)
    assert to_vteps.actions == (ToGroup(first.id),)
    assert [bucket.actions for bucket in first.buckets] == [
        (SetField("reg5", group.id), ToGroup(flooding.again().id)) for group in replication
    ]
    assert to_bindings.actions == (ToGroup(local.id), GoTo(Table.REMOTE_FLOODING))
    assert {dict(part.key.match)["reg5"]: part.actions for part in parts} == {
        group.id: (ToGroup(group.id),) for group in replication
    }


def test_a_group_of_bindings_fits_into_an_openflow_message() -> None:
    """A bucket is 16 bytes, and set_field of a register and resubmit are 16 each."""
    many = [binding("p0", ofport=1, vlan=vlan) for vlan in range(MAX_BINDINGS + 10)]
    _, (local,) = flood(7, many, {}, source_node=True)
    assert len(local.buckets) == MAX_BINDINGS
    assert 16 + MAX_BINDINGS * (16 + 16 + 16) < 1 << 16


def test_some_targets_are_reached_together_with_the_bindings() -> None:
    ports = dict.fromkeys(addresses(TOGETHER), 9)
    flows, (local, group) = flood(7, [UNTAGGED], ports, source_node=True)
    assert len(flows) == 2
    assert [flow.actions[0] for flow in flows] == [ToGroup(local.id), ToGroup(group.id)]


def test_many_targets_of_a_multicast_address_are_split_likewise() -> None:
    ports = dict.fromkeys(addresses(CHUNK + 1), 9)
    (flow, *parts), (first, *groups) = flooding.multicast(7, 3, MULTICAST, ports, source_node=True)
    assert [len(group.buckets) for group in groups] == [CHUNK, 1]
    assert flow.actions == (ToGroup(first.id),)
    assert [part.actions for part in parts] == [(ToGroup(group.id),) for group in groups]


def test_all_tunnels_that_there_can_be_are_reached() -> None:
    assert Settings().max_tunnels <= CHUNK * CHUNKS
    assert TOGETHER <= CHUNK


def test_a_full_chunk_fits_into_an_openflow_message() -> None:
    """A bucket is 16 bytes, and set_field of a register and resubmit are 16 each."""
    assert 16 + CHUNK * (16 + 16 + 16) < 1 << 16


# Numbers that are ours


def all_flows() -> list[Flow]:
    flooded, _ = flood(7, [UNTAGGED], {FAR: 9}, source_node=True)
    return [
        admission.link_local(),
        *admission.bound(UNTAGGED, 7),
        *learning.unlearnable(),
        learning.unknown(),
        *learning.showing(),
        learning.known(UNTAGGED.number, 7, MAC1, 300),
        unicast.elsewhere(),
        unicast.local(UNTAGGED.number, 7, MAC1),
        unicast.remote(7, MAC1, FAR),
        *egress.bound(UNTAGGED, 7),
        *egress.bound(UNTAGGED, 7, [Step(Table.DELIVERY)]),
        tunnels.incoming(FAR, 9),
        tunnels.outgoing(FAR, 9),
        tunnels.incoming_bfd(FAR, 9, "169.254.1.0"),
        tunnels.encapsulation_towards(7, FAR, 6001),
        tunnels.encapsulation_towards(7, FAR, None),
        tunnels.decapsulation_of_contested(FURTHER, 5001),
        *drops.misses(),
        learning.moving(7, MAC1),
        *tunnels.inner_tags(),
        *egress.inner_tags(),
        learning.full_binding(0x1000),
        learning.full_logical_switch(7),
        tunnels.decapsulation(FAR, 5001, 7),
        tunnels.encapsulation(7, 5001),
        *flooded,
    ]


@pytest.mark.parametrize("flow", all_flows(), ids=read_flow)
def test_every_flow_carries_our_cookie_and_its_producer(flow: Flow) -> None:
    assert flow.cookie & COOKIE_MASK == COOKIE_BASE
    producer = flow.cookie & PRODUCER_MASK
    if drops.reason(flow.key, flow.cookie) is not None:
        assert flow.cookie == cookie_of(Cookie.DROPPED)
    elif flow.key.table in (Table.DECAPSULATION, Table.ENCAPSULATION, Table.TUNNEL):
        assert producer == cookie_of(Cookie.TUNNELS)
    elif flow.key.table in (Table.MEASURING, Table.SHOWING):
        assert producer == cookie_of(Cookie.LEARNING)
    elif flow.key.table == Table.REMOTE_FLOODING:
        assert producer == cookie_of(Cookie.FLOODING)
    elif flow not in (tunnels.incoming(FAR, 9), tunnels.incoming_bfd(FAR, 9, "169.254.1.0")):
        table = Table.EGRESS if flow.key.table == Table.DELIVERY else Table(flow.key.table)
        assert producer in {cookie_of(each) for each in Cookie if each.name.startswith(table.name)}


@given(st.sampled_from(Cookie), st.integers(1, (1 << 28) - 1))
def test_a_cookie_tells_for_which_binding_its_flow_counts(producer: Cookie, number: int) -> None:
    cookie = cookie_of(producer, number)
    assert cookie & COOKIE_MASK == COOKIE_BASE
    assert counted(cookie) == (producer, number)
    assert counted(cookie_of(producer)) is None


def test_flows_of_a_binding_count_for_it_by_direction() -> None:
    counting = {flow: counted(flow.cookie) for flow in all_flows()}
    found = {(flow.key.table, *counts) for flow, counts in counting.items() if counts}
    assert found == {(table, producer, 0x1000) for table, producer in COUNTING}
    assert all(flow.actions for flow, counts in counting.items() if counts)


def test_every_binding_has_a_number_that_fits_into_a_cookie() -> None:
    largest = binding(ofport=0xFEFF, vlan=4094)
    assert counted(cookie_of(Cookie.EGRESS, largest.number)) == (Cookie.EGRESS, largest.number)


def test_equal_groups_are_equal() -> None:
    _, (one, *_) = flood(7, [UNTAGGED, TAGGED], {}, source_node=False)
    _, (other, *_) = flood(7, [TAGGED, UNTAGGED], {}, source_node=False)
    assert isinstance(one, Group)
    assert one == other
    assert read_group(one) == read_group(other)
