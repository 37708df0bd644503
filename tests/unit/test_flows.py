"""Flows and groups compare by content and print as an operator knows them."""

from hypothesis import given
from hypothesis import strategies as st

from vtep_ofapp.values.flow_changes import FlowChange, GroupChange
from vtep_ofapp.values.flows import (
    Bucket,
    DecTtl,
    Flow,
    FlowKey,
    ForgetInPort,
    GoTo,
    Group,
    MatchValue,
    Move,
    Output,
    PopVlan,
    PushVlan,
    Resubmit,
    SetField,
    ToController,
    ToGroup,
    match,
)

FIELDS: dict[str, MatchValue] = {"in_port": 3, "vlan_vid": 0x100A, "eth_src": "02:00:00:00:00:01"}


@given(st.permutations(sorted(FIELDS.items())))
def test_a_match_does_not_depend_on_the_order_of_its_fields(
    fields: list[tuple[str, MatchValue]],
) -> None:
    assert match(dict(fields)) == match(FIELDS)


def test_a_flow_prints_as_ovs_ofctl_reads_it() -> None:
    flow = Flow(
        FlowKey(30, 100, match(FIELDS)),
        (PopVlan(), SetField("reg0", 0x300A), GoTo(60)),
        cookie=0x7674657000000002,
        idle_timeout=300,
    )
    assert str(flow) == (
        "cookie=0x7674657000000002, idle_timeout=300, table=30, priority=100,"
        "eth_src=02:00:00:00:00:01,in_port=3,vlan_vid=0x100a"
        " actions=pop_vlan,set_field:0x300a->reg0,goto_table:60"
    )


def test_a_flow_without_actions_drops() -> None:
    assert str(Flow(FlowKey(0, 0, match({})), (), cookie=1)) == (
        "cookie=0x1, table=0, priority=0 actions=drop"
    )


def test_a_masked_field_prints_with_its_mask() -> None:
    reserved = ("01:80:c2:00:00:00", "ff:ff:ff:ff:ff:f0")
    key = FlowKey(0, 300, match({"eth_dst": reserved, "reg0": (0x10, 0xF0)}))
    assert str(key) == (
        "table=0, priority=300,eth_dst=01:80:c2:00:00:00/ff:ff:ff:ff:ff:f0,reg0=0x10/0xf0"
    )


def test_fields_print_with_the_names_of_ovs_ofctl() -> None:
    fields: dict[str, MatchValue] = {
        "ipv4_src": ("10.0.0.0", "255.0.0.0"),
        "ip_frag": (0, 2),
        "icmpv4_type": 8,
    }
    assert str(FlowKey(20, 100, match(fields))) == (
        "table=20, priority=100,icmp_type=0x8,nw_frag=not_later,nw_src=10.0.0.0/255.0.0.0"
    )
    assert str(SetField("ipv6_nd_tll", "02:00:00:00:00:01")) == (
        "set_field:02:00:00:00:00:01->nd_tll"
    )
    assert str(Move("ipv4_src", "ipv4_dst")) == "move:nw_src->nw_dst"


def test_every_action_prints() -> None:
    actions = (
        SetField("metadata", 10),
        PopVlan(),
        PushVlan(10),
        DecTtl(),
        ForgetInPort(),
        Output(4),
        ToController(14),
        ToGroup(0xA1000001),
        Resubmit(110),
        GoTo(30),
    )
    assert [str(action) for action in actions] == [
        "set_field:0xa->metadata",
        "pop_vlan",
        "push_vlan:0x8100,set_field:4106->vlan_vid",
        "dec_ttl",
        "load:0->OXM_OF_IN_PORT[]",
        "output:4",
        "controller:14",
        "group:0xa1000001",
        "resubmit(,110)",
        "goto_table:30",
    ]


def test_groups_print_with_their_buckets() -> None:
    everywhere = Group(0xA1000001, (Bucket((Output(1),)), Bucket((PushVlan(5), Output(2)))))
    assert str(everywhere) == (
        "group_id=0xa1000001,type=all,bucket=actions=output:1,"
        "bucket=actions=push_vlan:0x8100,set_field:4101->vlan_vid,output:2"
    )
    first = Group(0xA2000001, (Bucket((Output(7),), watch_port=7),), fast_failover=True)
    assert str(first) == "group_id=0xa2000001,type=ff,bucket=watch_port:7,actions=output:7"
    assert str(Group(0xA1000001, ())) == "group_id=0xa1000001,type=all"


def test_changes_print_what_is_to_be() -> None:
    flow = Flow(FlowKey(0, 0, match({})), (), cookie=1)
    assert str(FlowChange(flow.key, flow)) == f"flow {flow}"
    assert str(FlowChange(flow.key, None)) == "no flow table=0, priority=0"
    group = Group(0xA1000001, ())
    assert str(GroupChange(group.id, group, exists=False)) == f"group {group}"
    assert str(GroupChange(group.id, None, exists=True)) == "no group 0xa1000001"
