"""The messages that tests send: another parser reads what they were made of."""

import struct
from typing import Any

import pytest
from os_ken.lib.packet import arp, icmpv6, ipv6, packet
from os_ken.lib.packet import igmp as igmp_of_osken

from . import protocols
from .builders import BROADCAST, MAC1, MAC2
from .packets import Packet


def parsed(sent: Packet, kind: type) -> Any:
    return packet.Packet(protocols.frame(MAC1, BROADCAST, sent)).get_protocol(kind)


def test_an_arp_request() -> None:
    sent = protocols.arp(protocols.REQUEST, MAC1, "192.0.2.1", "192.0.2.2")
    found = parsed(sent, arp.arp)
    assert (found.opcode, found.src_mac, found.src_ip, found.dst_ip) == (
        1, MAC1, "192.0.2.1", "192.0.2.2",
    )  # fmt: skip
    assert sent.fields()["arp_spa"] == 0xC0000201
    assert sent.fields()["arp_sha"] == 0x020000000001


def test_a_neighbor_solicitation_and_its_answer() -> None:
    sent = protocols.solicitation("2001:db8::1", "2001:db8::99", MAC1)
    found, header = parsed(sent, icmpv6.icmpv6), parsed(sent, ipv6.ipv6)
    assert (found.type_, found.data.dst, found.data.option.hw_src) == (135, "2001:db8::99", MAC1)
    assert (header.dst, header.hop_limit) == ("ff02::1:ff00:99", 255)
    answer = protocols.advertisement("2001:db8::99", "2001:db8::1", "2001:db8::99", MAC2)
    found = parsed(answer, icmpv6.icmpv6)
    assert (found.type_, found.data.res, found.data.option.hw_src) == (136, 3, MAC2)
    assert icmpv6.icmpv6.parser(answer.payload[40:])


def test_a_report_of_igmp_and_one_of_mld() -> None:
    group = protocols.ip_bytes("239.1.1.1")
    sent = protocols.igmp("192.0.2.1", "239.1.1.1", b"\x16\0\0\0" + group)
    found = parsed(sent, igmp_of_osken.igmp)
    assert (found.msgtype, found.address) == (0x16, "239.1.1.1")
    message = struct.pack("!BBHHH", 131, 0, 0, 0, 0) + protocols.ip_bytes("ff05::101")
    sent = protocols.mld("fe80::1", "ff05::101", message)
    header = parsed(sent, ipv6.ipv6)
    assert (header.hop_limit, [type(each) for each in header.ext_hdrs]) == (1, [ipv6.hop_opts])
    assert parsed(sent, icmpv6.icmpv6).data.address == "ff05::101"


@pytest.mark.parametrize(
    ("address", "number"),
    [
        (MAC1, 0x020000000001),
        ("1.2.3.4", 0x01020304),
        ("::1", 1),
        ("a:b:c:d::1", 0x000A000B000C000D0000000000000001),
    ],
)
def test_addresses_as_numbers(address: str, number: int) -> None:
    assert protocols.number(address) == number


@pytest.mark.parametrize(
    ("group", "mac"),
    [("239.129.1.1", "01:00:5e:01:01:01"), ("ff05::1:203", "33:33:00:01:02:03")],
)
def test_the_mac_of_a_group(group: str, mac: str) -> None:
    assert protocols.group_mac(group) == mac
