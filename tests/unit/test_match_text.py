"""Fields in the words of Open vSwitch, and the matches of our flows."""

from __future__ import annotations

import pytest

from vtep_ofapp.commands.match_text import checked, fields_of, usual_ttl
from vtep_ofapp.values.addresses import Invalid
from vtep_ofapp.values.flows import MatchValue, match


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("", {}),
        ("in_port=2,dl_vlan=10", {"in_port": 2, "vlan_vid": 0x100A}),
        ("vlan_tci=0x0000/0x1fff", {"vlan_vid": 0}),
        ("vlan_tci=0x1000/0x1000", {"vlan_vid": (0x1000, 0x1000)}),
        (
            "tcp,reg7=0xabc,nw_src=10.0.0.0/8,nw_frag=not_later,tp_dst=0x400/0xfc00",
            {
                "eth_type": 0x800,
                "ip_proto": 6,
                "reg7": 0xABC,
                "ipv4_src": ("10.0.0.0", "255.0.0.0"),
                "ip_frag": (0, 2),
                "tcp_dst": (0x400, 0xFC00),
            },
        ),
        (
            "udp6,ipv6_dst=2001:db8::/33,tp_src=53",
            {
                "eth_type": 0x86DD,
                "ip_proto": 17,
                "ipv6_dst": ("2001:db8::", "ffff:ffff:8000::"),
                "udp_src": 53,
            },
        ),
        (
            "ip,nw_dst=192.168.0.7/255.255.0.255,nw_frag=later",
            {
                "eth_type": 0x800,
                "ipv4_dst": ("192.168.0.7", "255.255.0.255"),
                "ip_frag": (2, 2),
            },
        ),
        (
            "sctp6,nw_frag=first,tp_src=0",
            {"eth_type": 0x86DD, "ip_proto": 132, "ip_frag": 1, "sctp_src": 0},
        ),
        (
            "arp,reg11=0x2/0x2,dl_dst=ff:ff:ff:ff:ff:ff,arp_tpa=192.168.1.99,arp_op=1",
            {
                "eth_type": 0x806,
                "reg11": (2, 2),
                "eth_dst": "ff:ff:ff:ff:ff:ff",
                "arp_tpa": "192.168.1.99",
                "arp_op": 1,
            },
        ),
        (
            "icmp6,icmp_type=135,icmp_code=0,nd_target=2001:db8:1::1",
            {
                "eth_type": 0x86DD,
                "ip_proto": 58,
                "icmpv6_type": 135,
                "icmpv6_code": 0,
                "ipv6_nd_target": "2001:db8:1::1",
            },
        ),
        (
            "icmp,icmp_type=8",
            {"eth_type": 0x800, "ip_proto": 1, "icmpv4_type": 8},
        ),
        ("tcp,tcp_flags=+syn-ack", {"eth_type": 0x800, "ip_proto": 6, "tcp_flags": (2, 0x12)}),
        ("tcp,tcp_flags=syn|ece", {"eth_type": 0x800, "ip_proto": 6, "tcp_flags": 0x42}),
        ("conj_id=77,reg7=0xabc", {"conj_id": 77, "reg7": 0xABC}),
    ],
)
def test_the_match(text: str, fields: dict[str, MatchValue]) -> None:
    assert fields_of(text) == match(fields)


@pytest.mark.parametrize("text", ["xyz", "nw_src=10.0.0.0/40", "tp_dst=http", "eth_type"])
def test_what_no_flow_of_ours_matches(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        fields_of(text)


def test_fields_of_a_packet_are_checked() -> None:
    words = ["tcp", "nw_src=10.0.0.1", "tcp_dst=22", "tcp_flags=+syn", "ipv6_src=2001:db8::1"]
    assert checked(words) == words
    for protocol in ("tcp", "udp", "sctp"):
        for word in (protocol, f"{protocol}6"):
            ports = [f"{protocol}_src=1", f"{protocol}_dst=2"]
            assert checked([word, "tp_src=1", "tp_dst=2"]) == [word, *ports]
            assert checked([word, *ports]) == [word, *ports]
    of_icmp = ["icmp_type=3", "icmp_code=0"]
    assert checked(["icmp", *of_icmp]) == ["icmp", *of_icmp]
    assert checked(["icmp6", *of_icmp]) == ["icmp6", "icmpv6_type=3", "icmpv6_code=0"]
    for word in ("in_port=1", "reg7=1", "tcp,reg7=1", "dl_src=00:00:00:00:00:01", "tp_dst=", "ip6"):
        with pytest.raises(Invalid, match="is no field of a packet"):
            checked(["tcp", word])


@pytest.mark.parametrize(
    ("words", "ttl"),
    [
        (["icmp", "nw_dst=192.168.2.1"], ["nw_ttl=64"]),
        (["tcp6"], ["nw_ttl=64"]),
        (["icmp6", "icmp_type=135", "nd_target=fe80::1"], ["nw_ttl=255"]),
        (["udp", "nw_ttl=1"], []),
        (["arp", "arp_op=1"], []),
        ([], []),
    ],
)
def test_packets_have_the_usual_ttl(words: list[str], ttl: list[str]) -> None:
    assert list(usual_ttl(words)) == ttl
