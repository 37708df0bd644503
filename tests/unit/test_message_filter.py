"""Messages that os-ken gets to read, and those that it would never end to read."""

import struct
from types import SimpleNamespace
from typing import Any

import pytest
from os_ken import exception
from os_ken.ofproto import ofproto_v1_3 as ofp
from os_ken.ofproto import ofproto_v1_3_parser as parser

from vtep_ofapp.openflow import message_filter
from vtep_ofapp.openflow.framing import Malformed

DATAPATH = SimpleNamespace(address=("192.0.2.1", 6653))


def read(msg_type: int, body: bytes = b"", version: int = ofp.OFP_VERSION) -> Any:
    buf = struct.pack("!BBHI", version, msg_type, 8 + len(body), 1) + body
    return message_filter.message(DATAPATH, version, msg_type, len(buf), 1, buf)


@pytest.mark.parametrize("version", [ofp.OFP_VERSION, 5])
@pytest.mark.parametrize(
    "element",
    [struct.pack("!HH", 1, 0), struct.pack("!HH", 9, 3), struct.pack("!HHIH", 1, 8, 16, 1)],
)
def test_a_hello_that_os_ken_would_read_for_ever_is_refused(version: int, element: bytes) -> None:
    with pytest.raises(Malformed):
        read(ofp.OFPT_HELLO, element, version)


def test_a_hello_may_have_elements_of_all_kinds_or_none() -> None:
    bitmap, other = struct.pack("!HHI", 1, 8, 1 << 4), struct.pack("!HH", 7, 4)
    hello = read(ofp.OFPT_HELLO, other + bitmap)
    assert [element.versions for element in hello.elements] == [[4]]
    assert read(ofp.OFPT_HELLO).elements == []


@pytest.mark.parametrize(
    ("msg_type", "body"),
    [
        (ofp.OFPT_FLOW_MOD, b""),
        (ofp.OFPT_QUEUE_GET_CONFIG_REPLY, b""),
        (ofp.OFPT_MULTIPART_REPLY, struct.pack("!HH4x", ofp.OFPMP_TABLE_FEATURES, 0)),
        (ofp.OFPT_MULTIPART_REPLY, b""),
        (ofp.OFPT_EXPERIMENTER, struct.pack("!II", 0x2320, 30)),
        (ofp.OFPT_EXPERIMENTER, struct.pack("!IIIHHHH", 0x4F4E4600, 2300, 1, 5, 3, 0xFFFF, 0)),
        (255, b""),
    ],
)
def test_what_nobody_asked_for_is_not_read(msg_type: int, body: bytes) -> None:
    assert read(msg_type, body) is None


def test_what_a_switch_tells_is_read() -> None:
    assert isinstance(read(ofp.OFPT_ECHO_REQUEST, b"x"), parser.OFPEchoRequest)
    assert isinstance(read(ofp.OFPT_BARRIER_REPLY), parser.OFPBarrierReply)
    answer = read(ofp.OFPT_EXPERIMENTER, struct.pack("!IIIHH", 0x4F4E4600, 2300, 1, 1, 3))
    assert isinstance(answer, parser.ONFBundleCtrlMsg)
    ports = read(ofp.OFPT_MULTIPART_REPLY, struct.pack("!HH4x", ofp.OFPMP_PORT_DESC, 0))
    assert ports.body == []


def test_other_versions_may_only_greet() -> None:
    with pytest.raises(Malformed):
        read(ofp.OFPT_PACKET_IN, version=1)
    with pytest.raises(exception.OFPUnknownVersion):
        read(ofp.OFPT_HELLO, version=99)
