"""Flow monitoring: a switch reports the flows that others change (ONF EXT-187).

Open vSwitch 3.0 and later do so in OpenFlow 1.3. Our own changes are abbreviated, and ignored.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from os_ken.ofproto import ofproto_v1_3 as ofp
from os_ken.ofproto.ofproto_common import ONF_EXPERIMENTER_ID

from ..values.flows import FlowKey
from .oxm import Unreadable, decode_match

KIND = struct.pack("!II", ONF_EXPERIMENTER_ID, ofp.ONFMP_FLOW_MONITOR)
"""The head of the body of a flow-monitor multipart message."""
PAUSED, RESUMED = 1871, 1872
"""Experimenter messages: the switch pauses reports because of too many changes, and resumes."""
CANCEL = 1870
_ID = 1
_HEADER = struct.Struct(ofp.OFP_HEADER_PACK_STR)
_REQUEST = struct.Struct(ofp.ONF_FLOW_MONITOR_REQUEST_PACK_STR)
_ANY_MATCH = struct.pack("!HH4x", ofp.OFPMT_OXM, 4)
_MATCH_LENGTH = 4
_ADDED_DELETED_MODIFIED = 0b1110
_UPDATE = struct.Struct("!HH")
_FULL = struct.Struct("!HHHHHHHBxQ")
_DELETED, _ABBREVIATED = 1, 3


class Changed(NamedTuple):
    """A flow that others added, modified or deleted."""

    cookie: int
    key: FlowKey


def request(xid: int) -> bytes:
    """Return the request to report all flows that others change."""
    body = _REQUEST.pack(_ID, _ADDED_DELETED_MODIFIED, _MATCH_LENGTH, ofp.OFPP_ANY, ofp.OFPTT_ALL)
    head = struct.pack(ofp.OFP_MULTIPART_REQUEST_PACK_STR, ofp.OFPMP_EXPERIMENTER, 0)
    return _message(ofp.OFPT_MULTIPART_REQUEST, xid, head + KIND + body + _ANY_MATCH)


def cancel(xid: int) -> bytes:
    """Return the message that ends the monitor."""
    head = struct.pack("!III", ONF_EXPERIMENTER_ID, CANCEL, _ID)
    return _message(ofp.OFPT_EXPERIMENTER, xid, head)


def changes(reply: bytes) -> Iterator[Changed]:
    """Yield the changed flows of a report, except expired ones; raises Unreadable."""
    at = ofp.OFP_MULTIPART_REPLY_SIZE + len(KIND)
    while at < len(reply):
        if at + _UPDATE.size > len(reply):
            raise Unreadable("it ends in the middle of an update")
        length, event = _UPDATE.unpack_from(reply, at)
        if length < 8 or at + length > len(reply):
            raise Unreadable(f"an update of {length} bytes where {len(reply) - at} are left")
        if event != _ABBREVIATED:
            if length < _FULL.size:
                raise Unreadable(f"an update of {length} bytes")
            _, _, reason, priority, _, _, _, table, cookie = _FULL.unpack_from(reply, at)
            if event != _DELETED or reason != ofp.OFPRR_IDLE_TIMEOUT:
                match, _ = decode_match(reply, at + _FULL.size)
                yield Changed(cookie, FlowKey(table, priority, match))
        at += length


def _message(kind: int, xid: int, body: bytes) -> bytes:
    return _HEADER.pack(ofp.OFP_VERSION, kind, _HEADER.size + len(body), xid) + body
