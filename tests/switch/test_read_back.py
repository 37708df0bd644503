"""Open vSwitch sends flows back as they were written, with each kind of match and action."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from ipaddress import IPv6Address

import pytest
from os_ken.ofproto import ofproto_v1_3 as ofp

from sim.wire import openflow as wire
from tests.switch.dummy import DummySwitch
from vtep_ofapp.openflow import decoding
from vtep_ofapp.openflow.bundle import Bundle
from vtep_ofapp.pipeline.layout import Cookie, cookie_of
from vtep_ofapp.values.flow_changes import FlowChange
from vtep_ofapp.values.flows import (
    Action,
    Conjunction,
    DecTtl,
    Flow,
    FlowKey,
    ForgetInPort,
    GoTo,
    MatchValue,
    Move,
    Resubmit,
    SetField,
    ToController,
    match,
)

COOKIE = cookie_of(Cookie.DROPPED)
MAC, GROUP = "02:00:00:00:00:01", "01:00:5e:01:01:01"
ANY = 0xFFFFFFFF


class Datapath:
    """The next xid, which is all that a bundle wants of a datapath."""

    xid = 0
    ofproto = ofp

    def set_xid(self, message: object) -> None:
        raise AssertionError(message)


class Management(wire.OpenFlowConnection):
    """A connection to a bridge's management socket, by which Open vSwitch's own tools come."""

    def __init__(self, switch: DummySwitch) -> None:
        connected = socket.socket(socket.AF_UNIX)
        connected.connect(str(next(switch.folder.rglob("br0.mgmt"))))
        super().__init__(connected)
        self.send(wire.pack(wire.HELLO, struct.pack("!HHI", 1, 8, 1 << wire.VERSION)))

    def answer(self, kind: int, *messages: bytes) -> wire.Message:
        """Send messages, and return the first answer of a kind; an error fails the test."""
        self.send(*messages)
        while message := self.receive():
            assert message.kind != wire.ERROR, message.body.hex()
            if message.kind == wire.ECHO_REQUEST:
                self.send(wire.pack(wire.ECHO_REPLY, message.body, xid=message.xid))
            if message.kind == kind:
                return message
        raise AssertionError("the connection has ended")

    def apply(self, *flows: Flow) -> None:
        """Write flows in a bundle of the application."""
        bundle = Bundle(Datapath(), 1, [FlowChange(flow.key, flow) for flow in flows])
        self.answer(wire.EXPERIMENTER, *bundle.messages())
        assert not bundle.rejected
        self.answer(wire.BARRIER_REPLY, wire.pack(wire.BARRIER_REQUEST))

    def flows(self) -> Iterator[Flow]:
        """Read all flows back, as the application does."""
        body = struct.pack("!HH4xB3xII4xQQHH4x", ofp.OFPMP_FLOW, 0, 255, ANY, ANY, 0, 0, 1, 4)
        more = True
        request = [wire.pack(wire.MULTIPART_REQUEST, body)]
        while more:
            reply = self.answer(wire.MULTIPART_REPLY, *request)
            more = reply.body[3] & ofp.OFPMPF_REPLY_MORE != 0
            request = []
            yield from decoding.flows(wire.pack(wire.MULTIPART_REPLY, reply.body))


ETH = 0x0800, 0x86DD
ARP: dict[str, MatchValue] = {"eth_type": 0x0806}
IPV4: dict[str, MatchValue] = {"eth_type": 0x0800}
IPV6: dict[str, MatchValue] = {"eth_type": 0x86DD}
ICMPV6: dict[str, MatchValue] = {**IPV6, "ip_proto": 58}
NS: dict[str, MatchValue] = {**ICMPV6, "icmpv6_type": 135, "icmpv6_code": 0}
NA: dict[str, MatchValue] = {**ICMPV6, "icmpv6_type": 136, "icmpv6_code": 0}
NOT_LATER, LATER = (0, 2), (2, 2)

FLOWS: dict[str, tuple[dict[str, MatchValue], tuple[Action, ...]]] = {
    "a responder to ARP": (
        {**ARP, "metadata": 10, "reg3": 0, "reg11": (2, 2), "eth_dst": "ff:ff:ff:ff:ff:ff",
         "arp_op": 1, "arp_tpa": "192.168.1.99"},
        (Move("eth_src", "eth_dst"), SetField("eth_src", MAC), SetField("arp_op", 2),
         Move("arp_sha", "arp_tha"), SetField("arp_sha", MAC), Move("arp_spa", "arp_tpa"),
         SetField("arp_spa", "192.168.1.99"), Move("reg0", "reg1"), SetField("reg0", 0), GoTo(110)),
    ),
    "a known pair": (
        {**ARP, "metadata": 10, "reg0": 1, "eth_src": MAC, "arp_sha": MAC, "arp_spa": "10.0.0.1"},
        (SetField("reg11", 2), GoTo(40)),
    ),
    "the first half of a responder to solicitations": (
        {**NS, "nw_ttl": 255, "ipv6_nd_target": "2001:db8:1::99", "reg11": (2, 2),
         "ipv6_dst": ("ff02::1:ff00:0", "ffff:ffff:ffff:ffff:ffff:ffff:ff00:0")},
        (SetField("nd_options_type", 2), SetField("nd_reserved", 0x60000000),
         SetField("icmpv6_type", 136), Resubmit(42)),
    ),
    "the second half of it": (
        {**NA, "ipv6_nd_target": str(IPv6Address("::ffff:1.2.3.4"))},
        (Move("eth_src", "eth_dst"), SetField("eth_src", MAC), Move("ipv6_src", "ipv6_dst"),
         SetField("ipv6_src", "2001:db8:1::99"), SetField("ipv6_nd_tll", MAC),
         SetField("nw_ttl", 255), Move("reg0", "reg1"), GoTo(110)),
    ),
    "fields of ND that are copied": (
        {**NS, "ipv6_nd_sll": MAC},
        (Move("ipv6_nd_target", "ipv6_src"), Move("ipv6_nd_sll", "eth_dst"),
         SetField("ipv6_nd_target", "2001:db8::1"), SetField("ipv6_nd_sll", MAC)),
    ),
    "a clause by the source port": (
        {**IPV4, "ip_proto": 6, "reg7": 0xABC, "ip_frag": NOT_LATER,
         "ipv4_src": ("10.0.0.0", "255.0.0.0"), "tcp_src": (1024, 0xFC00)},
        (Conjunction(77, 1, 2),),
    ),
    "clauses of two conjunctions": (
        {**IPV4, "ip_proto": 6, "reg7": 0xABC, "ip_frag": NOT_LATER, "tcp_dst": 80},
        (Conjunction(77, 2, 2), Conjunction(ANY, 64, 64)),
    ),
    "what is done for a conjunction": ({"conj_id": ANY, "reg7": 0xABC}, (GoTo(30),)),
    "later fragments": ({**IPV6, "ip_proto": 6, "reg8": 0xABC, "ip_frag": LATER}, ()),
    "all of the flags": (
        {**IPV4, "ip_proto": 6, "ip_frag": NOT_LATER, "tcp_flags": (2, 0xFFF)}, (),
    ),
    "some of the flags": (
        {**IPV6, "ip_proto": 6, "ip_frag": NOT_LATER, "tcp_flags": (2, 0x12)}, (),
    ),
    "flags without a mask": ({**IPV4, "ip_proto": 6, "tcp_flags": 2}, ()),
    "an ICMP type and code": (
        {**IPV4, "ip_proto": 1, "ip_frag": NOT_LATER, "icmpv4_type": 3, "icmpv4_code": 4}, (),
    ),
    "an ICMP code without a type": ({**ICMPV6, "ip_frag": NOT_LATER, "icmpv6_code": 4}, ()),
    "addresses with holes in their masks": (
        {**IPV4, "ipv4_src": ("192.168.0.7", "255.255.0.255"),
         "ipv4_dst": ("0.0.0.1", "0.0.0.255")}, (),
    ),
    "IPv6 addresses with masks": (
        {**IPV6, "ipv6_src": ("2001:db8::", "ffff:ffff::"), "ipv6_dst": ("::1", "::ff")}, (),
    ),
    "UDP ports": ({**IPV6, "ip_proto": 17, "udp_src": (0, 0x8000), "udp_dst": 53}, ()),
    "SCTP ports": ({**IPV4, "ip_proto": 132, "sctp_src": 1, "sctp_dst": (8, 0xFFF8)}, ()),
    "ports that only have to be there": ({**IPV4, "ip_proto": 6}, ()),
    "an IGMP report": ({**IPV4, "ip_proto": 2, "reg0": 1}, (ToController(65535),)),
    "an EtherType of a list": ({"eth_type": 0x88CC, "reg7": 1, "eth_src": MAC}, ()),
    "a multicast address": ({"metadata": 10, "eth_dst": GROUP}, (GoTo(75),)),
    "addresses of multicast": (
        {"eth_dst": ("01:00:5e:00:00:00", "ff:ff:ff:80:00:00")}, (GoTo(75),),
    ),
    "high registers": (
        {"reg15": (0x10, 0xF0), "reg12": 5, "reg11": (1, 1)},
        (SetField("reg15", ANY), SetField("reg8", 0), Move("reg9", "reg14"), ForgetInPort()),
    ),
    "an echo reply": (
        {**IPV4, "ip_proto": 1, "icmpv4_type": 8},
        (Move("ipv4_src", "ipv4_dst"), SetField("ipv4_src", "10.0.0.1"),
         SetField("icmpv4_type", 0)),
    ),
    "a connected route of IPv4": (
        {**IPV4, "reg9": 7, "ipv4_dst": ("10.0.0.0", "255.0.0.0")},
        (DecTtl(), Move("ipv4_dst", "reg12"), SetField("metadata", 11), SetField("eth_src", MAC),
         GoTo(54)),
    ),
    "a static route of IPv6": (
        {**IPV6, "reg9": 7, "ipv6_dst": ("2001:db8::", "ffff:ffff::")},
        (DecTtl(), SetField("xxreg3", 0x20010DB8 << 96 | 1), GoTo(54)),
    ),
    "a connected route of IPv6": (
        {**IPV6, "reg9": 7}, (DecTtl(), Move("ipv6_dst", "xxreg3"), GoTo(54)),
    ),
    "a next hop of IPv6": (
        {**IPV6, "metadata": 11, "reg12": 0x20010DB8, "reg13": 0, "reg14": 0, "reg15": 1},
        (SetField("eth_dst", MAC), SetField("reg0", 0), ForgetInPort(), GoTo(57)),
    ),
    "a packet at the end of its life": ({**IPV4, "reg9": 7, "nw_ttl": 1}, ()),
    "copies between other fields": (
        {**IPV4, "ip_proto": 17},
        (Move("udp_src", "udp_dst"), Move("metadata", "tunnel_id"), Move("reg3", "reg2")),
    ),
}  # fmt: skip
"""One flow with each kind of match and action, by what it is for."""


@pytest.fixture
def bridge(switch: DummySwitch) -> DummySwitch:
    switch.add_bridge()
    switch.ofctl("del-flows", "br0")
    return switch


def test_each_flow_is_read_back_as_it_was_written(bridge: DummySwitch) -> None:
    desired = {}
    for priority, (fields, actions) in enumerate(FLOWS.values(), 1):
        key = FlowKey(20, priority, match(fields))
        desired[key] = Flow(key, actions, COOKIE)
    with Management(bridge) as management:
        management.apply(*desired.values())
        actual = {flow.key: flow for flow in management.flows()}
    assert len(bridge.flows()) == len(FLOWS)
    assert actual == desired
