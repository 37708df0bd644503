"""The small switch of the tests sees of a packet what Open vSwitch does."""

import pytest

from vtep_ofapp.pipeline import layout
from vtep_ofapp.pipeline.layout import Cookie, Priority, Table
from vtep_ofapp.values.flows import Flow, MatchValue, match

from . import packets
from .packets import ICMP, IPV4, IPV6, TCP, UDP, Packet
from .prerequisites import check_prerequisites

NOT_LATER, LATER = (0, 2), (2, 2)
A, B = "192.0.2.1", "192.0.2.2"
A6, B6 = "2001:db8::1:22:33", "2001:db8::2"


def flow(**fields: MatchValue) -> Flow:
    return layout.flow(Table.ADMISSION, Priority.DEFAULT, match(fields), producer=Cookie.ADMISSION)


@pytest.mark.parametrize(
    "bad",
    [
        flow(ipv4_src=A),
        flow(eth_type=IPV6, ipv4_src=A),
        flow(ip_proto=TCP),
        flow(eth_type=IPV4, ip_proto=UDP, tcp_dst=80),
        flow(eth_type=IPV4, ip_proto=TCP, tcp_dst=80, ip_frag=LATER),
        flow(eth_type=IPV6, ip_proto=ICMP, icmpv4_type=8),
        flow(eth_type=IPV6, ip_proto=58, icmpv6_type=135, ipv6_nd_target=A6),
    ],
    ids=str,
)
def test_a_match_without_what_it_requires_is_found(bad: Flow) -> None:
    with pytest.raises(AssertionError):
        check_prerequisites(bad)


@pytest.mark.parametrize(
    "good",
    [
        flow(eth_type=IPV4, ipv4_src=(A, "255.0.0.255")),
        flow(eth_type=IPV6, ip_proto=TCP, tcp_dst=80, ip_frag=NOT_LATER),
        flow(eth_type=IPV4, ip_proto=TCP, ip_frag=LATER),
        flow(eth_type=IPV6, ip_proto=58, icmpv6_type=135, icmpv6_code=0, ipv6_nd_target=A6),
    ],
    ids=str,
)
def test_a_match_with_what_it_requires_is_taken(good: Flow) -> None:
    check_prerequisites(good)


def test_a_first_fragment_has_ports_and_a_later_one_has_none() -> None:
    whole = packets.tcp(A, B, 1024, 80)
    assert whole.first_fragment().fields() == {**whole.fields(), "ip_frag": 1}
    later = whole.later_fragment().fields()
    assert (later["ip_proto"], later["ip_frag"], later["tcp_dst"]) == (TCP, 3, 0)


def test_the_protocol_of_a_later_fragment_of_ipv6_is_not_seen() -> None:
    later = packets.udp(A6, B6, 1024, 53).later_fragment().fields()
    assert (later["ip_proto"], "udp_dst" in later) == (44, False)


def test_arp_has_no_addresses_of_ip() -> None:
    assert packets.arp().fields() == {"eth_type": 0x0806}
    assert Packet(0x88CC).fields() == {"eth_type": 0x88CC}
