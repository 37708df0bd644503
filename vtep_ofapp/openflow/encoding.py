"""Encodes changes of flows and groups in bundles (ONF EXT-230), and frames as packet-outs."""

import struct

from os_ken.ofproto import ofproto_common as common
from os_ken.ofproto import ofproto_v1_3 as ofp

from ..values.flow_changes import Change, FlowChange, GroupChange
from ..values.flows import Group
from ..values.packets import PacketOut
from .actions import encode_actions, encode_bucket, encode_instructions
from .oxm import encode_match

ATOMIC_IN_ORDER = ofp.ONF_BF_ATOMIC | ofp.ONF_BF_ORDERED
"""The flags of our bundles."""
_GROUP_MOD = struct.Struct(ofp.OFP_HEADER_PACK_STR + ofp.OFP_GROUP_MOD_PACK_STR[1:])
_BUNDLE_ADD = struct.Struct(
    ofp.OFP_HEADER_PACK_STR
    + ofp.OFP_EXPERIMENTER_HEADER_PACK_STR[1:]
    + ofp.ONF_BUNDLE_ADD_MSG_PACK_STR[1:]
)
_BUNDLED_FLOW_MOD = struct.Struct(
    _BUNDLE_ADD.format + ofp.OFP_HEADER_PACK_STR[1:] + ofp.OFP_FLOW_MOD_PACK_STR0[1:]
)
_PACKET_OUT = struct.Struct(ofp.OFP_HEADER_PACK_STR + ofp.OFP_PACKET_OUT_PACK_STR[1:])
_LONGEST = 0xFFFF
"""Bytes of the longest OpenFlow message."""


def bundled(bundle_id: int, xid: int, change: Change) -> bytes:
    """Return the message that adds a change to a bundle.

    The flow-mod or group-mod inside has the same xid, as EXT-230 requires. Raises ValueError for
    a change that does not fit into a message.
    """
    if isinstance(change, FlowChange):
        return _bundled_flow_mod(bundle_id, xid, change)
    return _bundled_group_mod(bundle_id, xid, change)


def _fitting(length: int) -> int:
    """Return the length of a message; raises ValueError if OpenFlow allows no such message."""
    if length > _LONGEST:
        raise ValueError(f"a message of {length} bytes is longer than OpenFlow allows")
    return length


def packet_out(xid: int, packet: PacketOut) -> bytes:
    """Return the message that sends a frame; raises ValueError if it does not fit into one."""
    actions = encode_actions(packet.actions)
    length = _fitting(_PACKET_OUT.size + len(actions) + len(packet.frame))
    in_port = ofp.OFPP_CONTROLLER if packet.in_port is None else packet.in_port
    return (
        _PACKET_OUT.pack(
            ofp.OFP_VERSION,
            ofp.OFPT_PACKET_OUT,
            length,
            xid,
            ofp.OFP_NO_BUFFER,
            in_port,
            len(actions),
        )
        + actions
        + packet.frame
    )


def _bundled_flow_mod(bundle_id: int, xid: int, change: FlowChange) -> bytes:
    """Return a flow-mod in its bundle, both heads packed at once: there may be very many.

    It adds or replaces a flow with counters at zero, or deletes it.
    """
    (table, priority, match), flow, _ = change
    if flow is None:
        command, cookie, idle_timeout, flags = ofp.OFPFC_DELETE_STRICT, 0, 0, 0
        out_port, out_group = ofp.OFPP_ANY, ofp.OFPG_ANY
        body = encode_match(match)
    else:
        command, cookie, idle_timeout = ofp.OFPFC_ADD, flow.cookie, flow.idle_timeout
        flags = ofp.OFPFF_RESET_COUNTS | (ofp.OFPFF_SEND_FLOW_REM if flow.watched else 0)
        out_port, out_group = 0, 0
        body = encode_match(match) + encode_instructions(flow.actions)
    length = _fitting(_BUNDLED_FLOW_MOD.size + len(body))
    head = _BUNDLED_FLOW_MOD.pack(
        ofp.OFP_VERSION,
        ofp.OFPT_EXPERIMENTER,
        length,
        xid,
        common.ONF_EXPERIMENTER_ID,
        ofp.ONF_ET_BUNDLE_ADD_MESSAGE,
        bundle_id,
        ATOMIC_IN_ORDER,
        ofp.OFP_VERSION,
        ofp.OFPT_FLOW_MOD,
        length - _BUNDLE_ADD.size,
        xid,
        cookie,
        0,
        table,
        command,
        idle_timeout,
        0,
        priority,
        ofp.OFP_NO_BUFFER,
        out_port,
        out_group,
        flags,
    )
    return head + body


def _group_type(group: Group) -> int:
    if group.fast_failover:
        return int(ofp.OFPGT_FF)
    return int(ofp.OFPGT_SELECT if group.select else ofp.OFPGT_ALL)


def _bundled_group_mod(bundle_id: int, xid: int, change: GroupChange) -> bytes:
    group = change.group
    if group is None:
        command, kind, buckets = ofp.OFPGC_DELETE, ofp.OFPGT_ALL, b""
    else:
        command = ofp.OFPGC_MODIFY if change.exists else ofp.OFPGC_ADD
        kind = _group_type(group)
        buckets = b"".join(encode_bucket(each, int(group.select)) for each in group.buckets)
    length = _fitting(_BUNDLE_ADD.size + _GROUP_MOD.size + len(buckets))
    head = _BUNDLE_ADD.pack(
        *(ofp.OFP_VERSION, ofp.OFPT_EXPERIMENTER, length, xid),
        *(common.ONF_EXPERIMENTER_ID, ofp.ONF_ET_BUNDLE_ADD_MESSAGE, bundle_id, ATOMIC_IN_ORDER),
    )
    mod = _GROUP_MOD.pack(
        *(ofp.OFP_VERSION, ofp.OFPT_GROUP_MOD, length - _BUNDLE_ADD.size, xid),
        *(command, kind, change.id),
    )
    return head + mod + buckets
