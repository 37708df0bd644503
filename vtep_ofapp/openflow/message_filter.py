"""Drops messages that we do not expect before os-ken parses them: its parsers loop on some."""

import struct
from typing import Any

from os_ken.ofproto import ofproto_parser
from os_ken.ofproto import ofproto_v1_3 as ofp
from os_ken.ofproto.ofproto_common import ONF_EXPERIMENTER_ID

from . import lazy_messages, monitor
from .framing import Malformed

_KINDS = frozenset(
    {
        ofp.OFPT_HELLO,
        ofp.OFPT_ERROR,
        ofp.OFPT_ECHO_REQUEST,
        ofp.OFPT_ECHO_REPLY,
        ofp.OFPT_FEATURES_REPLY,
        ofp.OFPT_PACKET_IN,
        ofp.OFPT_FLOW_REMOVED,
        ofp.OFPT_PORT_STATUS,
        ofp.OFPT_BARRIER_REPLY,
        ofp.OFPT_ROLE_REPLY,
    }
)
"""Types of messages that a switch sends unasked, or as answers to our requests."""
_REPLIES = frozenset(
    {ofp.OFPMP_FLOW, ofp.OFPMP_GROUP_DESC, ofp.OFPMP_PORT_DESC, ofp.OFPMP_PORT_STATS}
)
_BUNDLE_CONTROL = struct.pack("!II", ONF_EXPERIMENTER_ID, ofp.ONF_ET_BUNDLE_CONTROL)
_EXPERIMENTER = struct.pack("!H", ofp.OFPMP_EXPERIMENTER)
_OF_MONITOR = {
    struct.pack("!II", ONF_EXPERIMENTER_ID, kind) for kind in (monitor.PAUSED, monitor.RESUMED)
}
_WITHOUT_PROPERTIES = len(_BUNDLE_CONTROL) + ofp.ONF_BUNDLE_CTRL_SIZE

_read_by_os_ken = ofproto_parser.msg


def message(
    datapath: Any, version: int, msg_type: int, msg_len: int, xid: int, buf: bytes
) -> Any | None:
    """Return a message parsed by os-ken, None for one that we do not expect.

    Raises Malformed, and os-ken's exceptions for unknown versions.
    """
    if msg_type == ofp.OFPT_HELLO:
        _check_hello(bytes(buf))
    elif version == ofp.OFP_VERSION and not _is_awaited(msg_type, bytes(buf)):
        return None
    elif version != ofp.OFP_VERSION and msg_type != ofp.OFPT_ERROR:
        raise Malformed(f"type {msg_type} of OpenFlow version {version:#x}")
    if version == ofp.OFP_VERSION:
        return lazy_messages.read(datapath, version, msg_type, msg_len, xid, buf)
    return _read_by_os_ken(datapath, version, msg_type, msg_len, xid, buf)


def _check_hello(buf: bytes) -> None:
    """Check the lengths of the elements of a hello, which os-ken does not."""
    at = ofp.OFP_HELLO_HEADER_SIZE
    while at < len(buf):
        if at + ofp.OFP_HELLO_ELEM_HEADER_SIZE > len(buf):
            raise Malformed("a hello with part of an element")
        _, length = struct.unpack_from(ofp.OFP_HELLO_ELEM_HEADER_PACK_STR, buf, at)
        if length < ofp.OFP_HELLO_ELEM_HEADER_SIZE:
            raise Malformed(f"a hello with an element of length {length}")
        at += length


def _is_awaited(msg_type: int, buf: bytes) -> bool:
    body = buf[ofp.OFP_HEADER_SIZE :]
    if msg_type == ofp.OFPT_MULTIPART_REPLY:
        if body[:2] == _EXPERIMENTER:
            return body[8:].startswith(monitor.KIND)
        return int.from_bytes(body[:2], "big") in _REPLIES
    if msg_type == ofp.OFPT_EXPERIMENTER:
        if body in _OF_MONITOR:
            return True
        return body.startswith(_BUNDLE_CONTROL) and len(body) == _WITHOUT_PROPERTIES
    return msg_type in _KINDS
