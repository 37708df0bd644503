"""What os-ken makes of the bytes that a switch sends, or whoever else has connected.

os-ken reads a message to its end before it tells anyone. Here it does so only with messages that
are small and cannot harm. Those of which there are very many are handed on unread: decoding.py
reads from their bytes what we need, and os-ken the rest, should another application ask for it.
"""

import logging
import struct
from functools import partial
from typing import Any

from os_ken import ofproto
from os_ken.ofproto import ofproto_parser
from os_ken.ofproto import ofproto_v1_3 as ofp
from os_ken.ofproto import ofproto_v1_3_parser as parser

LOG = logging.getLogger("vtep_ofapp.switch")

_MULTIPART = struct.Struct(ofp.OFP_MULTIPART_REPLY_PACK_STR)
_ELEMENT = struct.Struct(ofp.OFP_HELLO_ELEM_HEADER_PACK_STR)


class _Unread:
    """A message with the attributes of its header, and all others as soon as one is asked for."""

    def __init__(
        self, datapath: Any, version: int, msg_type: int, msg_len: int, xid: int, buf: bytes
    ) -> None:
        self.datapath = datapath
        self.version = version
        self.msg_type = msg_type
        self.msg_len = msg_len
        self.xid = xid
        self.buf = bytes(buf)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        header = self.datapath, self.version, self.msg_type, self.msg_len, self.xid
        vars(self).update(vars(parser.msg_parser(*header, self.buf)))
        return object.__getattribute__(self, name)


# os-ken finds the event of a message by the name of its class.


class OFPPacketIn(_Unread, parser.OFPPacketIn):  # type: ignore[misc]
    """A packet-in."""


class OFPFlowRemoved(_Unread, parser.OFPFlowRemoved):  # type: ignore[misc]
    """A flow-removed message."""


class OFPFlowStatsReply(_Unread, parser.OFPFlowStatsReply):  # type: ignore[misc]
    """A flow-stats reply."""


class OFPGroupDescStatsReply(_Unread, parser.OFPGroupDescStatsReply):  # type: ignore[misc]
    """A group-description reply."""


_UNREAD: dict[int, Any] = {ofp.OFPT_PACKET_IN: OFPPacketIn, ofp.OFPT_FLOW_REMOVED: OFPFlowRemoved}
_UNREAD_REPLIES: dict[int, Any] = {
    ofp.OFPMP_FLOW: OFPFlowStatsReply,
    ofp.OFPMP_GROUP_DESC: OFPGroupDescStatsReply,
}
_IN_EVERY_VERSION = {ofp.OFPT_HELLO, ofp.OFPT_ERROR}
_HARMLESS = _IN_EVERY_VERSION | {
    ofp.OFPT_ECHO_REQUEST,
    ofp.OFPT_ECHO_REPLY,
    ofp.OFPT_EXPERIMENTER,
    ofp.OFPT_FEATURES_REPLY,
    ofp.OFPT_GET_CONFIG_REPLY,
    ofp.OFPT_PORT_STATUS,
    ofp.OFPT_BARRIER_REPLY,
    ofp.OFPT_ROLE_REPLY,
    ofp.OFPT_GET_ASYNC_REPLY,
}
"""What os-ken reads without a loop, but for the elements of a hello and properties."""
_HARMLESS_REPLIES = {
    ofp.OFPMP_DESC,
    ofp.OFPMP_AGGREGATE,
    ofp.OFPMP_TABLE,
    ofp.OFPMP_PORT_STATS,
    ofp.OFPMP_QUEUE,
    ofp.OFPMP_GROUP_FEATURES,
    ofp.OFPMP_METER_FEATURES,
    ofp.OFPMP_PORT_DESC,
}
"""Replies whose entries say nothing of their length: os-ken takes a length of 0 at its word, and
reads the same entry for ever."""
_BUNDLE_CONTROL_SIZE = ofp.OFP_EXPERIMENTER_HEADER_SIZE + ofp.ONF_BUNDLE_CTRL_SIZE


class _Refused(ValueError):
    """A message that os-ken must not read; the text says why."""


def _read(
    osken: Any, datapath: Any, version: int, msg_type: int, msg_len: int, xid: int, buf: bytes
) -> Any | None:
    """Return a message for os-ken, in place of ``osken``, its own function for that version.

    None, after a line in the log, for bytes that cannot be read: whatever os-ken raised would
    end the connection, or be logged with all the bytes.
    """
    header = datapath, version, msg_type, msg_len, xid
    try:
        if version == ofp.OFP_VERSION:
            if msg_type in _UNREAD:
                return _UNREAD[msg_type](*header, buf)
            if msg_type == ofp.OFPT_MULTIPART_REPLY:
                return _reply(osken, header, buf)
        _check(version, msg_type, buf)
        return osken(*header, buf)
    except Exception as error:  # os-ken's parsers raise anything
        what = "%s: a message of type %d cannot be read and is dropped: %.200r"
        LOG.error(what, datapath.address[0], msg_type, error)
        return None


def _reply(osken: Any, header: tuple[Any, ...], buf: bytes) -> Any:
    kind, flags = _MULTIPART.unpack_from(buf, ofp.OFP_HEADER_SIZE)
    if kind in _UNREAD_REPLIES:
        reply = _UNREAD_REPLIES[kind](*header, buf)
        vars(reply).update(type=kind, flags=flags)
        return reply
    if kind not in _HARMLESS_REPLIES:
        raise _Refused(f"nobody asked for a reply of kind {kind}")
    return osken(*header, buf)


def _check(version: int, msg_type: int, buf: bytes) -> None:
    """Raise _Refused for a message that os-ken might never end reading, or should not see."""
    if msg_type not in (_HARMLESS if version == ofp.OFP_VERSION else _IN_EVERY_VERSION):
        raise _Refused(f"nobody expects it in version {version} of OpenFlow")
    if msg_type == ofp.OFPT_EXPERIMENTER and len(buf) > _BUNDLE_CONTROL_SIZE:
        raise _Refused("an answer to a bundle with properties")
    if msg_type == ofp.OFPT_HELLO:
        at = ofp.OFP_HEADER_SIZE
        while at < len(buf):
            _, length = _ELEMENT.unpack_from(buf, at)
            if length < _ELEMENT.size:
                raise _Refused(f"an element with a length of {length}")
            at += length


for _version, (_, _osken) in ofproto.get_ofp_modules().items():
    ofproto_parser.register_msg_parser(_version)(partial(_read, _osken.msg_parser))
