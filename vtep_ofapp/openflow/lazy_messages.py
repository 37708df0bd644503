"""Messages that reach the application unparsed, because they are many or large.

os-ken parses a whole message before it posts its event. Of the messages here it parses the header
only. decoding.py decodes the fields that we need. os-ken parses the rest if another application of
the same process reads an attribute.
"""

import logging
import struct
from typing import Any

from os_ken.ofproto import ofproto_v1_3 as ofp
from os_ken.ofproto import ofproto_v1_3_parser as parser

LOG = logging.getLogger("vtep_ofapp.switch")

_MULTIPART = struct.Struct(ofp.OFP_MULTIPART_REPLY_PACK_STR)


class _Unread:
    """A message whose header is parsed; reading another attribute parses the rest."""

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


class OFPPortStatsReply(_Unread, parser.OFPPortStatsReply):  # type: ignore[misc]
    """A port-stats reply."""


class OFPExperimenterStatsReply(_Unread, parser.OFPExperimenterStatsReply):  # type: ignore[misc]
    """A flow-monitor reply: changes of flows on the switch."""


_UNREAD: dict[int, Any] = {ofp.OFPT_PACKET_IN: OFPPacketIn, ofp.OFPT_FLOW_REMOVED: OFPFlowRemoved}
_UNREAD_REPLIES: dict[int, Any] = {
    ofp.OFPMP_FLOW: OFPFlowStatsReply,
    ofp.OFPMP_GROUP_DESC: OFPGroupDescStatsReply,
    ofp.OFPMP_PORT_STATS: OFPPortStatsReply,
    ofp.OFPMP_EXPERIMENTER: OFPExperimenterStatsReply,
}


def read(
    datapath: Any, version: int, msg_type: int, msg_len: int, xid: int, buf: bytes
) -> Any | None:
    """Return a message of OpenFlow 1.3.

    Returns None for bytes that cannot be parsed, and logs one line: os-ken would log all bytes.
    """
    header = datapath, version, msg_type, msg_len, xid
    try:
        if msg_type == ofp.OFPT_MULTIPART_REPLY:
            kind, flags = _MULTIPART.unpack_from(buf, ofp.OFP_HEADER_SIZE)
            if kind in _UNREAD_REPLIES:
                reply = _UNREAD_REPLIES[kind](*header, buf)
                vars(reply).update(type=kind, flags=flags)
                return reply
        return _UNREAD.get(msg_type, parser.msg_parser)(*header, buf)
    except Exception as error:  # os-ken's parsers raise anything
        what = "%s: a message of type %d cannot be read and is dropped: %.200r"
        LOG.error(what, datapath.address[0], msg_type, error)
        return None
