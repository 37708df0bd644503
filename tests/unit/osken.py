"""What os-ken itself makes of our flows and groups, and what a switch would answer."""

import struct
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from os_ken.ofproto import nicira_ext, ofproto_parser
from os_ken.ofproto import ofproto_v1_3 as ofp
from os_ken.ofproto import ofproto_v1_3_parser as parser

from vtep_ofapp.openflow import message_filter
from vtep_ofapp.pipeline.layout import Cookie, cookie_of
from vtep_ofapp.values.flow_changes import Change, FlowChange, GroupChange
from vtep_ofapp.values.flows import (
    Action,
    Bucket,
    CheckLength,
    Conjunction,
    DecTtl,
    Flow,
    ForgetInPort,
    GoTo,
    Group,
    MatchValue,
    Move,
    Output,
    OutputToBond,
    PopVlan,
    PushVlan,
    Resubmit,
    SetField,
    ToController,
    ToGroup,
)


class Datapath:
    """All that os-ken's messages want of a datapath, and what a connection sends to one."""

    ofproto = ofp
    ofproto_parser = parser
    address = ("192.0.2.1", 50000)

    def __init__(self, xid: int = 0) -> None:
        self.xid = xid
        self.sent = b""
        self.is_open = True

    def set_xid(self, message: Any) -> int:
        self.xid = (self.xid + 1) & ofp.MAX_XID
        message.set_xid(self.xid)
        return self.xid

    def send(self, buf: bytes) -> None:
        self.sent += buf

    def close(self) -> None:
        self.is_open = False


def serialized(message: Any) -> bytes:
    message.serialize()
    return bytes(message.buf)


def flow_mod(change: FlowChange) -> Any:
    key, flow = change.key, change.flow
    fields = sorted(parser.OFPMatch(**dict(key.match)).items(), key=comes_late)
    match = parser.OFPMatch(_ordered_fields=fields)
    where = {"table_id": key.table, "priority": key.priority, "match": match}
    if flow is None:
        delete = {"command": ofp.OFPFC_DELETE_STRICT}
        anywhere = {"out_port": ofp.OFPP_ANY, "out_group": ofp.OFPG_ANY}
        return parser.OFPFlowMod(Datapath(), **where, **delete, **anywhere)
    flags = ofp.OFPFF_RESET_COUNTS | (ofp.OFPFF_SEND_FLOW_REM if flow.watched else 0)
    return parser.OFPFlowMod(
        Datapath(),
        **where,
        cookie=flow.cookie,
        idle_timeout=flow.idle_timeout,
        flags=flags,
        instructions=instructions(flow.actions),
    )


def comes_late(field: tuple[str, Any]) -> bool:
    """Whether a field has prerequisites among those of OpenFlow's own class, or might have."""
    number = ofp.oxm_from_user_header(field[0])
    return not isinstance(number, tuple) and number >> 7 < ofp.OFPXMC_OPENFLOW_BASIC


def group_mod(change: GroupChange) -> Any:
    group = change.group
    if group is None:
        return parser.OFPGroupMod(Datapath(), ofp.OFPGC_DELETE, ofp.OFPGT_ALL, change.id, [])
    return parser.OFPGroupMod(
        Datapath(),
        ofp.OFPGC_MODIFY if change.exists else ofp.OFPGC_ADD,
        group_type(group),
        group.id,
        [bucket(each, int(group.select)) for each in group.buckets],
    )


def group_type(group: Group) -> int:
    if group.fast_failover:
        return int(ofp.OFPGT_FF)
    return int(ofp.OFPGT_SELECT if group.select else ofp.OFPGT_ALL)


def bundle_add(bundle_id: int, xid: int, change: Change) -> Any:
    inner = flow_mod(change) if isinstance(change, FlowChange) else group_mod(change)
    flags = ofp.ONF_BF_ATOMIC | ofp.ONF_BF_ORDERED
    message = parser.ONFBundleAddMsg(Datapath(), bundle_id, flags, inner, [])
    message.set_xid(xid)
    return message


def bundle_control(bundle_id: int, xid: int, kind: int) -> Any:
    flags = ofp.ONF_BF_ATOMIC | ofp.ONF_BF_ORDERED
    message = parser.ONFBundleCtrlMsg(Datapath(), bundle_id, kind, flags, [])
    message.set_xid(xid)
    return message


def instructions(actions: Sequence[Action]) -> list[Any]:
    applied = [each for action in actions for each in made(action)]
    apply = [parser.OFPInstructionActions(ofp.OFPIT_APPLY_ACTIONS, applied)] if applied else []
    goto = [action.table for action in actions if isinstance(action, GoTo)]
    return apply + [parser.OFPInstructionGotoTable(table) for table in goto]


def bucket(value: Bucket, weight: int = 0) -> Any:
    port = ofp.OFPP_ANY if value.watch_port is None else value.watch_port
    group = ofp.OFPG_ANY if value.watch_group is None else value.watch_group
    actions = [each for action in value.actions for each in made(action)]
    return parser.OFPBucket(weight=weight, watch_port=port, watch_group=group, actions=actions)


def made(action: Action) -> list[Any]:
    """Return the OpenFlow actions for one of ours; none for GoTo, which is an instruction."""
    match action:
        case SetField(field, value):
            return [parser.OFPActionSetField(**by_number(field, value))]
        case Move(source, target):
            return [parser.NXActionRegMove(source, target, n_bits=8 * length_of(source))]
        case Conjunction(id, clause, clauses):
            return [parser.NXActionConjunction(clause - 1, clauses, id)]
        case Output(port):
            return [parser.OFPActionOutput(port)]
        case OutputToBond(ports):
            return [bundle(ports)]
        case ToController(max_len):
            return [parser.OFPActionOutput(ofp.OFPP_CONTROLLER, max_len)]
        case CheckLength():
            return [check_length(action)]
        case ToGroup(group):
            return [parser.OFPActionGroup(group)]
        case Resubmit(table):
            return [parser.NXActionResubmitTable(table_id=table)]
        case PopVlan():
            return [parser.OFPActionPopVlan()]
        case DecTtl():
            return [parser.OFPActionDecNwTtl()]
        case PushVlan(vlan):
            tag = parser.OFPActionSetField(vlan_vid=0x1000 | vlan)
            return [parser.OFPActionPushVlan(0x8100), tag]
        case ForgetInPort():
            return [parser.NXActionRegLoad(ofs_nbits=31, dst="in_port", value=0)]
        case GoTo():
            return []


def by_number(field: str, value: int | str) -> dict[str, int | str]:
    """Return a field and its value as os-ken takes them: two fields it knows by number alone."""
    number, size = {"nd_reserved": (524289, 4), "nd_options_type": (524290, 1)}.get(field, (0, 0))
    if not number or isinstance(value, str):
        return {field: value}
    return {f"field_{number}": b64encode(value.to_bytes(size, "big")).decode()}


def length_of(field: str) -> int:
    """Return the bytes of a field, from its header without a mask."""
    buf = bytearray()
    ofp.oxm_serialize_header(ofp.oxm_from_user_header(field), buf, 0)
    return buf[-1]


def check_length(action: CheckLength) -> Any:
    """NXAST_CHECK_PKT_LARGER of a register's bit 0, as ovs-ofctl encodes it (OVS 3.1)."""
    register = 0x00010004 | int(action.register[3:]) << 9
    body = struct.pack("!HHHI6x", 49, action.most, 0, register)
    return parser.OFPActionExperimenterUnknown(0x2320, body)


def bundle(ports: Sequence[int]) -> Any:
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


# What stands for a switch's answers


def entry(
    flow: Flow,
    packets: int = 0,
    octets: int = 0,
    shuffle: Callable[[list[Any]], None] | None = None,
) -> bytes:
    """Return a flow as Open vSwitch tells of it: the fields are in an order of its own."""
    message = flow_mod(FlowChange(flow.key, flow))
    fields = list(message.match.items())
    if shuffle:
        shuffle(fields)
    buf = bytearray()
    parser.OFPMatch(_ordered_fields=fields).serialize(buf, 0)
    for instruction in message.instructions:
        instruction.serialize(buf, len(buf))
    head = struct.pack(
        ofp.OFP_FLOW_STATS_0_PACK_STR,
        ofp.OFP_FLOW_STATS_0_SIZE + len(buf),
        flow.key.table,
        3,
        4,
        flow.key.priority,
        flow.idle_timeout,
        0,
        message.flags,
        flow.cookie,
        packets,
        octets,
    )
    return head + buf


def group_entry(group: Group) -> bytes:
    """Return a group as Open vSwitch tells of it."""
    mod = serialized(group_mod(GroupChange(group.id, group, exists=False)))
    buckets = mod[ofp.OFP_GROUP_MOD_SIZE :]
    kind = group_type(group)
    length = ofp.OFP_GROUP_DESC_STATS_SIZE + len(buckets)
    return struct.pack(ofp.OFP_GROUP_DESC_STATS_PACK_STR, length, kind, group.id) + buckets


def port_entry(number: int, *counters: int) -> bytes:
    """Return the entry of a port in a port-stats reply, with its 12 counters."""
    return struct.pack(ofp.OFP_PORT_STATS_PACK_STR, number, *counters, 60, 0)


def reply(kind: int, body: bytes, xid: int = 7, flags: int = 0) -> bytes:
    """Return a multipart reply."""
    length = ofp.OFP_MULTIPART_REPLY_SIZE + len(body)
    head = struct.pack("!BBHI", ofp.OFP_VERSION, ofp.OFPT_MULTIPART_REPLY, length, xid)
    return head + struct.pack(ofp.OFP_MULTIPART_REPLY_PACK_STR, kind, flags) + body


def flow_reply(*flows: Flow, **more: int) -> bytes:
    return reply(ofp.OFPMP_FLOW, b"".join(map(entry, flows)), **more)


def message(kind: int, body: bytes) -> bytes:
    return struct.pack("!BBHI", ofp.OFP_VERSION, kind, 8 + len(body), 0) + body


def packet_out(xid: int, in_port: int, actions: list[Any], frame: bytes) -> bytes:
    message = parser.OFPPacketOut(
        Datapath(), buffer_id=ofp.OFP_NO_BUFFER, in_port=in_port, actions=actions, data=frame
    )
    message.set_xid(xid)
    return serialized(message)


OF_LEARNING = cookie_of(Cookie.LEARNING)


def packet_in(fields: Mapping[str, MatchValue], source: str, cookie: int = OF_LEARNING) -> bytes:
    buf = bytearray()
    parser.OFPMatch(**fields).serialize(buf, 0)
    frame = b"\xff" * 6 + bytes.fromhex(source.replace(":", "")) + b"\x08\x06"
    head = struct.pack(ofp.OFP_PACKET_IN_PACK_STR, ofp.OFP_NO_BUFFER, 60, 1, 30, cookie)
    return message(ofp.OFPT_PACKET_IN, head + buf + bytes(2) + frame)


def flow_removed(flow: Flow, reason: int) -> bytes:
    buf = bytearray()
    parser.OFPMatch(**dict(flow.key.match)).serialize(buf, 0)
    key = flow.key
    numbers = flow.cookie, key.priority, reason, key.table, 1, 2, flow.idle_timeout, 0, 5, 6
    head = struct.pack(ofp.OFP_FLOW_REMOVED_PACK_STR0, *numbers)
    return message(ofp.OFPT_FLOW_REMOVED, head + buf)


def received_as(buf: bytes) -> Any:
    """Return what os-ken makes of a message that came in, as an application gets it."""
    version, kind, length, xid = ofproto_parser.header(buf)
    return message_filter.message(Datapath(), version, kind, length, xid, buf)
