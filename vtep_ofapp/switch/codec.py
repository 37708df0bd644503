"""Flows and groups to OpenFlow 1.3 messages of os-ken, and back."""

from collections.abc import Iterable, Sequence
from typing import Any

from os_ken.ofproto import nicira_ext
from os_ken.ofproto import ofproto_v1_3 as ofp
from os_ken.ofproto import ofproto_v1_3_parser as parser

from ..changes import Change, FlowChange
from ..flows import (
    Action,
    Bucket,
    Flow,
    FlowKey,
    ForgetInPort,
    GoTo,
    Group,
    Match,
    Output,
    OutputToBond,
    PopVlan,
    PushVlan,
    Resubmit,
    SetField,
    ToController,
    ToGroup,
)

_ETHERTYPE_VLAN = 0x8100
_PRESENT = 0x1000
_IN_PORT_BITS = 31
"""ofs_nbits of all 32 bits of a field: first bit 0, length 32 less one (OVS ovs-actions(7))."""
_IN_PORT_RESUBMIT = 0xFFF8


class Foreign(ValueError):
    """A flow or group holds what we never write; the text says what."""


def encode(datapath: Any, change: Change) -> Any:
    """Return the flow-mod or group-mod message that makes the change."""
    if isinstance(change, FlowChange):
        return _flow_mod(datapath, change)
    if change.group is None:
        return parser.OFPGroupMod(datapath, ofp.OFPGC_DELETE, ofp.OFPGT_ALL, change.id, [])
    return parser.OFPGroupMod(
        datapath,
        ofp.OFPGC_MODIFY if change.exists else ofp.OFPGC_ADD,
        ofp.OFPGT_FF if change.group.fast_failover else ofp.OFPGT_ALL,
        change.id,
        [_bucket(bucket) for bucket in change.group.buckets],
    )


def decode_flow(stats: Any) -> Flow:
    """Return the flow of an OFPFlowStats; raises Foreign for what we never write."""
    actions: list[Action] = []
    for instruction in stats.instructions:
        if isinstance(instruction, parser.OFPInstructionActions) and (
            instruction.type == ofp.OFPIT_APPLY_ACTIONS
        ):
            actions.extend(_decode_actions(instruction.actions))
        elif isinstance(instruction, parser.OFPInstructionGotoTable):
            actions.append(GoTo(instruction.table_id))
        else:
            raise Foreign(str(instruction))
    watched = bool(stats.flags & ofp.OFPFF_SEND_FLOW_REM)
    return Flow(decode_key(stats), tuple(actions), stats.cookie, stats.idle_timeout, watched)


def decode_key(message: Any) -> FlowKey:
    """Return the key of an OFPFlowStats or OFPFlowRemoved."""
    return FlowKey(message.table_id, message.priority, decode_match(message.match))


def decode_match(match: Any) -> Match:
    """Return an OFPMatch as a match; OVS gives the fields in an order of its own."""
    return tuple(sorted(match.items()))


def decode_group(stats: Any) -> Group:
    """Return the group of an OFPGroupDescStats; raises Foreign for what we never write."""
    if stats.type not in (ofp.OFPGT_ALL, ofp.OFPGT_FF):
        raise Foreign(f"group type {stats.type}")
    failover = stats.type == ofp.OFPGT_FF
    buckets = tuple(
        Bucket(
            tuple(_decode_actions(bucket.actions)),
            bucket.watch_port if failover and bucket.watch_port != ofp.OFPP_ANY else None,
            bucket.watch_group if failover and bucket.watch_group != ofp.OFPG_ANY else None,
        )
        for bucket in stats.buckets
    )
    return Group(stats.group_id, buckets, failover)


def _flow_mod(datapath: Any, change: FlowChange) -> Any:
    """Add a flow, or replace the one under its key, which then counts from zero."""
    flow = change.flow
    key = change.key
    if flow is None:
        return parser.OFPFlowMod(
            datapath,
            command=ofp.OFPFC_DELETE_STRICT,
            table_id=key.table,
            priority=key.priority,
            match=parser.OFPMatch(**dict(key.match)),
            out_port=ofp.OFPP_ANY,
            out_group=ofp.OFPG_ANY,
        )
    return parser.OFPFlowMod(
        datapath,
        command=ofp.OFPFC_ADD,
        table_id=key.table,
        priority=key.priority,
        match=parser.OFPMatch(**dict(key.match)),
        cookie=flow.cookie,
        idle_timeout=flow.idle_timeout,
        flags=ofp.OFPFF_RESET_COUNTS | (ofp.OFPFF_SEND_FLOW_REM if flow.watched else 0),
        instructions=_instructions(flow.actions),
    )


def _instructions(actions: tuple[Action, ...]) -> list[Any]:
    instructions = []
    applied = [action for action in actions if not isinstance(action, GoTo)]
    if applied:
        instructions.append(
            parser.OFPInstructionActions(ofp.OFPIT_APPLY_ACTIONS, _encode_actions(applied))
        )
    instructions.extend(
        parser.OFPInstructionGotoTable(action.table)
        for action in actions
        if isinstance(action, GoTo)
    )
    return instructions


def _bucket(bucket: Bucket) -> Any:
    return parser.OFPBucket(
        actions=_encode_actions(bucket.actions),
        watch_port=ofp.OFPP_ANY if bucket.watch_port is None else bucket.watch_port,
        watch_group=ofp.OFPG_ANY if bucket.watch_group is None else bucket.watch_group,
    )


def _bundle(ports: Sequence[int]) -> Any:
    return parser.NXActionBundle(
        algorithm=nicira_ext.NX_BD_ALG_HRW,
        fields=nicira_ext.NX_HASH_FIELDS_ETH_SRC,
        basis=0,
        slave_type=nicira_ext.NXM_OF_IN_PORT,
        n_slaves=len(ports),
        ofs_nbits=0,
        dst=0,
        slaves=list(ports),
    )


def _encode_actions(actions: Iterable[Action]) -> list[Any]:
    messages: list[Any] = []
    for action in actions:
        if isinstance(action, SetField):
            messages.append(parser.OFPActionSetField(**{action.field: action.value}))
        elif isinstance(action, Output):
            messages.append(parser.OFPActionOutput(action.port))
        elif isinstance(action, OutputToBond):
            messages.append(_bundle(action.ports))
        elif isinstance(action, ToController):
            messages.append(parser.OFPActionOutput(ofp.OFPP_CONTROLLER, action.max_len))
        elif isinstance(action, ToGroup):
            messages.append(parser.OFPActionGroup(action.group))
        elif isinstance(action, Resubmit):
            messages.append(parser.NXActionResubmitTable(table_id=action.table))
        elif isinstance(action, PopVlan):
            messages.append(parser.OFPActionPopVlan())
        elif isinstance(action, PushVlan):
            messages.append(parser.OFPActionPushVlan(_ETHERTYPE_VLAN))
            messages.append(parser.OFPActionSetField(vlan_vid=_PRESENT | action.vlan))
        elif isinstance(action, ForgetInPort):
            messages.append(parser.NXActionRegLoad(ofs_nbits=_IN_PORT_BITS, dst="in_port", value=0))
        else:
            raise AssertionError(f"{action} is an instruction, not an action")
    return messages


def _decode_actions(messages: Iterable[Any]) -> list[Action]:
    actions: list[Action] = []
    for message in messages:
        if isinstance(message, parser.OFPActionSetField):
            if message.key == "vlan_vid" and actions and isinstance(actions[-1], PushVlan):
                actions[-1] = PushVlan(message.value & ~_PRESENT)
            else:
                actions.append(SetField(message.key, message.value))
        elif isinstance(message, parser.OFPActionOutput):
            controller = message.port == ofp.OFPP_CONTROLLER
            actions.append(ToController(message.max_len) if controller else Output(message.port))
        elif isinstance(message, parser.OFPActionGroup):
            actions.append(ToGroup(message.group_id))
        elif isinstance(message, parser.NXActionResubmitTable) and (
            message.in_port == _IN_PORT_RESUBMIT
        ):
            actions.append(Resubmit(message.table_id))
        elif isinstance(message, parser.OFPActionPopVlan):
            actions.append(PopVlan())
        elif isinstance(message, parser.OFPActionPushVlan) and (
            message.ethertype == _ETHERTYPE_VLAN
        ):
            actions.append(PushVlan(0))
        elif isinstance(message, parser.NXActionBundle) and (
            message.serialize_body() == _bundle(message.slaves).serialize_body()
        ):
            actions.append(OutputToBond(tuple(message.slaves)))
        elif isinstance(message, parser.NXActionRegLoad) and (
            (message.dst, message.ofs_nbits, message.value) == ("in_port", _IN_PORT_BITS, 0)
        ):
            actions.append(ForgetInPort())
        else:
            raise Foreign(str(message))
    return actions
