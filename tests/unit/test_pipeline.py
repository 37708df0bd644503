"""What each kind of flow looks like. Logical switch 7 stands for any; its VNI is 5001."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtep_ofapp.flows import COOKIE_BASE, COOKIE_MASK, GROUP_BASE, GROUP_MASK, Flow, Group, match
from vtep_ofapp.pipeline import admission, egress, flooding, learning, tunnels, unicast
from vtep_ofapp.pipeline.layout import CHUNK, MAX_CHUNKS, Cookie, GroupKind, Table, group_id

from .builders import FAR, FURTHER, FURTHEST, MAC1, binding
from .reading import lines, read_flow, read_flows, read_group, read_groups

UNTAGGED = binding("p0", ofport=1, vlan=0)
TAGGED = binding("p0", ofport=1, vlan=10)


# Admission


def test_an_untagged_binding_takes_untagged_and_priority_tagged_frames():
    assert read_flows(admission.bound(UNTAGGED, 7)) == lines("""
        ADMISSION DEFAULT in_port=0x1,vlan_vid=0x0:
            set_field:0x1000->reg0,set_field:7->metadata,goto LEARNING
        ADMISSION DEFAULT in_port=0x1,vlan_vid=0x1000:
            pop_vlan,set_field:0x1000->reg0,set_field:7->metadata,goto LEARNING
    """)


def test_a_tagged_binding_takes_its_tag_off():
    assert read_flows(admission.bound(TAGGED, 7)) == lines("""
        ADMISSION DEFAULT in_port=0x1,vlan_vid=0x100a:
            pop_vlan,set_field:0x100a->reg0,set_field:7->metadata,goto LEARNING
    """)


def test_link_local_frames_go_nowhere():
    assert read_flow(admission.link_local()) == (
        "ADMISSION FORBIDDEN eth_dst=01:80:c2:00:00:00/ff:ff:ff:ff:ff:f0: drop"
    )


# Learning


def test_sources_that_are_no_stations_are_dropped():
    assert read_flows(learning.unlearnable()) == lines("""
        LEARNING FORBIDDEN eth_src=01:00:00:00:00:00/01:00:00:00:00:00: drop
        LEARNING FORBIDDEN eth_src=00:00:00:00:00:00: drop
    """)


def test_an_unknown_source_is_shown_and_passes():
    assert read_flow(learning.unknown()) == "LEARNING MISS any: controller:14,goto UNICAST"
    assert learning.unknown().watched


def test_a_known_source_passes_until_it_is_idle():
    flow = learning.known(UNTAGGED, 7, MAC1, aging=300)
    assert read_flow(flow) == (
        f"LEARNING DEFAULT eth_src={MAC1},metadata=7,reg0=0x1000: goto UNICAST (idle 300)"
    )
    assert flow.watched


def test_a_known_flow_tells_the_station_it_is_about():
    assert learning.station(learning.known(TAGGED, 7, MAC1, aging=300).key) == (7, 0x100A, MAC1)


@pytest.mark.parametrize(
    "flow",
    [
        learning.unknown(),
        *learning.unlearnable(),
        unicast.local(UNTAGGED, 7, MAC1),
        unicast.remote(7, MAC1, FAR),
        *egress.bound(UNTAGGED),
    ],
    ids=read_flow,
)
def test_other_flows_tell_of_no_station(flow):
    assert learning.station(flow.key) is None


def test_what_a_packet_in_says_of_the_source():
    fields = match({"in_port": 1, "metadata": 7, "reg0": 0x1000, "reg3": 0})
    assert learning.source_binding(fields) == (7, 0x1000)


@pytest.mark.parametrize(
    "fields",
    [{}, {"in_port": 1}, {"metadata": 7}, {"reg0": 0x1000}, {"metadata": (7, 7), "reg0": 1}],
    ids=str,
)
def test_a_packet_in_that_says_too_little(fields):
    assert learning.source_binding(match(fields)) is None


# Unicast


def test_a_learned_station_is_behind_its_binding():
    assert read_flow(unicast.local(TAGGED, 7, MAC1)) == (
        f"UNICAST DEFAULT eth_dst={MAC1},metadata=7: set_field:0x100a->reg1,goto EGRESS"
    )


def test_a_placed_station_is_preferred_for_frames_from_bindings():
    assert read_flow(unicast.remote(7, MAC1, FAR)) == (
        f"UNICAST PREFERRED eth_dst={MAC1},metadata=7,reg3=0x0: "
        "set_field:10.0.0.2->reg2,goto ENCAPSULATION"
    )


def test_all_other_frames_are_flooded():
    assert read_flow(unicast.elsewhere()) == "UNICAST MISS any: goto FLOODING"
    assert unicast.elsewhere().watched


# Egress


def test_a_frame_leaves_by_an_untagged_binding_as_it_is():
    assert read_flows(egress.bound(UNTAGGED)) == lines("""
        EGRESS DEFAULT reg1=0x1000: load:0->in_port,output:1
        EGRESS FORBIDDEN reg0=0x1000,reg1=0x1000: drop
    """)


def test_a_frame_leaves_by_a_tagged_binding_with_its_tag():
    assert read_flows(egress.bound(TAGGED)) == lines("""
        EGRESS DEFAULT reg1=0x100a: push_vlan:10,load:0->in_port,output:1
        EGRESS FORBIDDEN reg0=0x100a,reg1=0x100a: drop
    """)


# Tunnels


def test_a_tunnel_port_stands_for_its_address():
    assert read_flows(tunnels.port(FAR, 9)) == lines("""
        ADMISSION DEFAULT in_port=0x9: set_field:10.0.0.2->reg2,goto DECAPSULATION
        TUNNEL DEFAULT reg2=10.0.0.2: output:9
    """)


def test_a_vni_from_a_named_vtep_enters_past_learning():
    assert read_flow(tunnels.decapsulation(FAR, 5001, 7)) == (
        "DECAPSULATION DEFAULT reg2=10.0.0.2,tunnel_id=0x1389: "
        "set_field:7->metadata,set_field:0x1->reg3,goto UNICAST"
    )


def test_frames_get_the_vni_of_their_logical_switch():
    assert read_flow(tunnels.encapsulation(7, 5001)) == (
        "ENCAPSULATION DEFAULT metadata=7: set_field:0x1389->tunnel_id,goto TUNNEL"
    )


# Flooding


def test_flooding_without_replication_reaches_the_bindings():
    flows, groups = flooding.flood(7, [UNTAGGED, TAGGED], {}, source_node=False)
    assert read_flows(flows) == lines("""
        FLOODING DEFAULT metadata=7,reg3=0x0: local(7)
        FLOODING DEFAULT metadata=7,reg3=0x1: local(7)
    """)
    assert read_groups(groups) == lines("""
        local(7) =
            set_field:0x1000->reg1,resubmit EGRESS |
            set_field:0x100a->reg1,resubmit EGRESS
    """)


def test_source_node_replication_reaches_every_target_from_bindings_only():
    flows, groups = flooding.flood(7, [UNTAGGED], {FURTHER: 10, FAR: 9}, source_node=True)
    assert read_flows(flows) == lines("""
        FLOODING DEFAULT metadata=7,reg3=0x0: local(7),replication(7)
        FLOODING DEFAULT metadata=7,reg3=0x1: local(7)
    """)
    assert read_groups(groups) == lines("""
        local(7) = set_field:0x1000->reg1,resubmit EGRESS
        replication(7) =
            set_field:10.0.0.2->reg2,resubmit ENCAPSULATION |
            set_field:10.0.0.3->reg2,resubmit ENCAPSULATION
    """)


def test_service_node_replication_takes_the_first_node_that_is_alive():
    _, groups = flooding.flood(6, [], {FAR: 9, FURTHER: 10}, source_node=False)
    assert read_groups(groups) == lines("""
        local(6) = nothing
        replication(6) =
            first of watch_port:9,set_field:10.0.0.2->reg2,resubmit ENCAPSULATION |
            watch_port:10,set_field:10.0.0.3->reg2,resubmit ENCAPSULATION
    """)


@given(st.integers(1, (1 << 24) - 1))
def test_service_nodes_are_rotated_by_logical_switch(number):
    ports = {FAR: 9, FURTHER: 10, FURTHEST: 11}
    _, (_, replication) = flooding.flood(number, [], ports, source_node=False)
    watched = [bucket.watch_port for bucket in replication.buckets]
    assert watched[0] == 9 + number % 3
    assert watched in ([9, 10, 11], [10, 11, 9], [11, 9, 10])


def addresses(count):
    return [
        f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}" for number in range(1, count + 1)
    ]


def targets_of(groups):
    return [str(bucket) for group in groups for bucket in group.buckets]


@pytest.mark.parametrize(
    ("count", "sizes"),
    [
        (1, [1]),
        (CHUNK - 1, [CHUNK - 1]),
        (CHUNK, [CHUNK]),
        (CHUNK + 1, [CHUNK, 1]),
        (2 * CHUNK + 500, [CHUNK, CHUNK, 500]),
        (CHUNK * MAX_CHUNKS, [CHUNK] * MAX_CHUNKS),
        (CHUNK * MAX_CHUNKS + 1, [CHUNK] * MAX_CHUNKS),
    ],
)
def test_many_targets_are_split_into_groups_that_fit_into_a_message(count, sizes):
    ports = dict.fromkeys(addresses(count), 9)
    (from_binding, from_tunnel), groups = flooding.flood(7, [UNTAGGED], ports, source_node=True)
    local, *replication = groups
    assert [len(group.buckets) for group in replication] == sizes
    assert len(set(targets_of(replication))) == sum(sizes)
    assert len({group.id for group in groups}) == len(groups)
    assert [action.group for action in from_binding.actions] == [group.id for group in groups]
    assert [action.group for action in from_tunnel.actions] == [local.id]


def test_a_full_chunk_fits_into_an_openflow_message():
    """A bucket is 16 bytes, and set_field of a register and resubmit are 16 each."""
    assert 16 + CHUNK * (16 + 16 + 16) < 1 << 16


# Numbers that are ours


def all_flows() -> list[Flow]:
    flooded, _ = flooding.flood(7, [UNTAGGED], {FAR: 9}, source_node=True)
    return [
        admission.link_local(),
        *admission.bound(UNTAGGED, 7),
        *learning.unlearnable(),
        learning.unknown(),
        learning.known(UNTAGGED, 7, MAC1, 300),
        unicast.elsewhere(),
        unicast.local(UNTAGGED, 7, MAC1),
        unicast.remote(7, MAC1, FAR),
        *egress.bound(UNTAGGED),
        *tunnels.port(FAR, 9),
        tunnels.decapsulation(FAR, 5001, 7),
        tunnels.encapsulation(7, 5001),
        *flooded,
    ]


@pytest.mark.parametrize("flow", all_flows(), ids=read_flow)
def test_every_flow_carries_our_cookie_and_its_producer(flow):
    assert flow.cookie & COOKIE_MASK == COOKIE_BASE
    producer = Cookie(flow.cookie & ~COOKIE_MASK).name
    table = Table(flow.key.table).name
    if producer != "TUNNELS":
        assert table == producer


@given(
    st.sampled_from(GroupKind),
    st.integers(1, (1 << 24) - 1),
    st.sampled_from(GroupKind),
    st.integers(1, (1 << 24) - 1),
)
def test_group_ids_are_ours_and_tell_kind_and_logical_switch(kind, number, other_kind, other):
    first, second = group_id(kind, number), group_id(other_kind, other)
    assert first & GROUP_MASK == GROUP_BASE
    assert (first == second) == ((kind, number) == (other_kind, other))
    assert first & 0xFFFFFF == number


@given(st.integers(1, (1 << 24) - 1))
def test_group_ids_of_chunks_are_ours_and_differ(number):
    ids = {group_id(GroupKind.REPLICATION, number, chunk) for chunk in range(MAX_CHUNKS)}
    assert len(ids | {group_id(GroupKind.LOCAL, number)}) == MAX_CHUNKS + 1
    assert all(each & GROUP_MASK == GROUP_BASE for each in ids)


def test_equal_groups_are_equal():
    _, (one, *_) = flooding.flood(7, [UNTAGGED, TAGGED], {}, source_node=False)
    _, (other, *_) = flooding.flood(7, [TAGGED, UNTAGGED], {}, source_node=False)
    assert isinstance(one, Group)
    assert one == other
    assert read_group(one) == read_group(other)
