"""Each kind of action and field to bytes and back, against os-ken's own encoder."""

import struct
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from os_ken.ofproto import ofproto_v1_3 as ofp
from os_ken.ofproto import ofproto_v1_3_parser as parser

from vtep_ofapp.openflow import decoding, encoding
from vtep_ofapp.openflow.actions import (
    Foreign,
    decode_instructions,
    encode_actions,
    encode_instructions,
)
from vtep_ofapp.openflow.oxm import Unreadable, decode_match, encode_match
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
    SetField,
    match,
)

from . import osken
from .produced import MACS

ARP: dict[str, MatchValue] = {"eth_type": 0x0806}
SOLICITATION: dict[str, MatchValue] = {
    "eth_type": 0x86DD, "ip_proto": 58, "icmpv6_type": 135, "icmpv6_code": 0,
}  # fmt: skip
IPV4 = st.integers(0, (1 << 32) - 1).map(lambda number: str(IPv4Address(number)))
IPV6 = st.integers(0, (1 << 128) - 1).map(lambda number: str(IPv6Address(number)))
MAPPED = IPV4.map(lambda address: str(IPv6Address(f"::ffff:{address}")))

MATCHES: list[dict[str, MatchValue]] = [
    ARP | {"arp_op": 1, "arp_spa": "10.0.0.1", "arp_tpa": "192.0.2.1"},
    ARP | {"arp_sha": "02:00:00:00:00:01", "arp_tha": "02:00:00:00:00:02"},
    ARP | {"arp_spa": ("10.0.0.0", "255.0.0.0"), "eth_dst": "ff:ff:ff:ff:ff:ff"},
    SOLICITATION | {"ipv6_nd_target": "2001:db8::1", "nw_ttl": 255, "ipv6_src": "::"},
    SOLICITATION | {"ipv6_dst": ("ff02::1:ff00:0", "ffff:ffff:ffff:ffff:ffff:ffff:ff00:0")},
    SOLICITATION | {"ipv6_nd_sll": "02:00:00:00:00:01"},
    {"eth_type": 0x86DD, "ipv6_src": "::102:304", "ipv6_dst": str(IPv6Address("::ffff:1.2.3.4"))},
    {"eth_type": 0x0800, "ipv4_src": ("192.168.0.7", "255.255.0.255"), "ip_proto": 17},
    {"eth_type": 0x0800, "ip_proto": 6, "ip_frag": (0, 2), "tcp_dst": 22, "tcp_flags": 2},
    {"eth_type": 0x0800, "ip_proto": 6, "ip_frag": (0, 2), "tcp_flags": (0x02, 0x12)},
    {"eth_type": 0x86DD, "ip_proto": 132, "sctp_src": (1024, 0xFC00), "ip_frag": (2, 2)},
    {"eth_type": 0x0800, "ip_proto": 1, "icmpv4_type": 3, "icmpv4_code": 4},
    {"conj_id": 0xFFFFFFFF, "reg7": 0xABCDEF, "reg8": 1},
    {"reg11": (2, 2), "reg15": (0x10, 0xF0)},
    {"eth_dst": ("01:00:5e:00:00:00", "ff:ff:ff:80:00:00"), "metadata": 7},
]
ACTIONS: list[tuple[Action, ...]] = [
    (Move("eth_src", "eth_dst"), Move("arp_sha", "arp_tha"), Move("arp_spa", "arp_tpa")),
    (Move("ipv6_src", "ipv6_dst"), Move("ipv6_nd_target", "ipv6_src"), GoTo(42)),
    (Move("ipv4_src", "ipv4_dst"), Move("reg0", "reg1"), Move("metadata", "tunnel_id")),
    (Move("ipv6_nd_sll", "eth_dst"), Move("reg15", "reg12"), Move("tcp_src", "tcp_dst")),
    (Conjunction(1, 1, 2), Conjunction(0xFFFFFFFF, 2, 2), Conjunction(7, 64, 64)),
    (SetField("eth_src", "02:00:00:00:00:01"), SetField("arp_sha", "02:00:00:00:00:01")),
    (SetField("arp_spa", "192.0.2.1"), SetField("arp_op", 2), SetField("reg11", 1)),
    (SetField("ipv6_src", "2001:db8::1"), SetField("ipv6_nd_tll", "02:00:00:00:00:01")),
    (SetField("nd_reserved", 0xE0000000), SetField("nd_options_type", 2)),
    (SetField("icmpv6_type", 136), SetField("nw_ttl", 255), SetField("reg15", 0xFFFFFFFF)),
    (SetField("ipv4_src", "192.0.2.1"), SetField("icmpv4_type", 0), ForgetInPort()),
    (DecTtl(), Move("ipv4_dst", "reg12"), Move("ipv6_dst", "xxreg3"), GoTo(54)),
    (SetField("xxreg3", 0x20010DB8 << 96 | 1), DecTtl()),
]


def sent(flow: Flow) -> bytes:
    return encoding.bundled(1, 2, FlowChange(flow.key, flow))


@pytest.mark.parametrize("fields", MATCHES, ids=str)
def test_a_match_is_what_osken_would_send_and_is_read_back(fields: dict[str, MatchValue]) -> None:
    flow = Flow(FlowKey(20, 1, match(fields)), (), cookie=6)
    assert sent(flow) == osken.serialized(osken.bundle_add(1, 2, FlowChange(flow.key, flow)))
    assert list(decoding.flows(osken.flow_reply(flow))) == [flow]


@pytest.mark.parametrize("actions", ACTIONS, ids=lambda each: ",".join(map(str, each)))
def test_actions_are_what_osken_would_send_and_are_read_back(actions: tuple[Action, ...]) -> None:
    flow = Flow(FlowKey(20, 1, ()), actions, cookie=6)
    assert sent(flow) == osken.serialized(osken.bundle_add(1, 2, FlowChange(flow.key, flow)))
    assert list(decoding.flows(osken.flow_reply(flow))) == [flow]


NXM_NAMES = {
    Move("eth_src", "eth_dst"): ("eth_src_nxm", "eth_dst_nxm"),
    Move("arp_sha", "arp_tha"): ("arp_sha_nxm", "arp_tha_nxm"),
    Move("ipv4_src", "ipv4_dst"): ("ipv4_src_nxm", "ipv4_dst_nxm"),
    Move("ipv6_nd_target", "ipv6_src"): ("nd_target", "ipv6_src_nxm"),
    Move("ipv6_nd_sll", "ipv6_nd_tll"): ("nd_sll", "nd_tll"),
    Move("tunnel_id", "metadata"): ("tunnel_id_nxm", "metadata"),
    Move("reg0", "reg15"): ("reg0", "reg15"),
}


@pytest.mark.parametrize("move", NXM_NAMES, ids=str)
def test_a_move_with_the_headers_of_open_vswitch_has_the_names_of_openflow(move: Move) -> None:
    source, target = NXM_NAMES[move]
    buf = bytearray()
    action = parser.NXActionRegMove(source, target, n_bits=8 * osken.length_of(source))
    parser.OFPInstructionActions(ofp.OFPIT_APPLY_ACTIONS, [action]).serialize(buf, 0)
    assert decode_instructions(bytes(buf)) == (move,)


@pytest.mark.parametrize("name", ["nd_target", "arp_sha_nxm", "no_such_field"])
def test_a_field_has_one_name_only(name: str) -> None:
    """A flow with another name of a field would be read back as a different one."""
    with pytest.raises(KeyError, match=name):
        encode_match(match({name: 1}))


@given(IPV4, MACS, IPV6 | MAPPED)
def test_any_address_is_read_back(ipv4: str, mac: str, ipv6: str) -> None:
    fields = match({"arp_tpa": ipv4, "eth_src": mac, "ipv6_nd_target": ipv6, "ipv6_dst": ipv6})
    assert decode_match(encode_match(fields), 0)[0] == fields
    actions = SetField("arp_spa", ipv4), SetField("arp_sha", mac), SetField("ipv6_src", ipv6)
    assert decode_instructions(encode_instructions(actions)) == actions


def test_bits_outside_of_a_mask_are_not_sent() -> None:
    fields = match({"ipv4_src": ("10.1.2.3", "255.0.0.0"), "reg11": (3, 2)})
    read, _ = decode_match(encode_match(fields), 0)
    assert read == match({"ipv4_src": ("10.0.0.0", "255.0.0.0"), "reg11": (2, 2)})


@pytest.mark.parametrize(
    ("action", "error"),
    [
        (Move("eth_src", "reg0"), "different lengths"),
        (Move("tcp_flags", "tcp_src"), "an experimenter"),
        (GoTo(3), "an instruction"),
    ],
    ids=str,
)
def test_an_action_without_a_message_is_refused(action: Action, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        encode_actions([action])


@pytest.mark.parametrize("actions", ACTIONS[:5], ids=lambda each: ",".join(map(str, each)))
def test_an_extension_of_another_length_is_foreign(actions: tuple[Action, ...]) -> None:
    buf = encode_instructions(actions[:1])
    longer = bytearray(buf + bytes(8))
    for at in (2, ofp.OFP_INSTRUCTION_ACTIONS_SIZE + 2):
        struct.pack_into("!H", longer, at, int.from_bytes(buf[at : at + 2], "big") + 8)
    with pytest.raises(Foreign, match="an experimenter's action"):
        decode_instructions(bytes(longer))


@pytest.mark.parametrize("field", ["arp_tpa", "ipv6_nd_target", "eth_src", "tcp_flags"])
def test_an_address_that_ends_too_soon_is_unreadable(field: str) -> None:
    value = {"arp_tpa": "10.0.0.1", "ipv6_nd_target": "::1", "eth_src": "02:00:00:00:00:01"}
    whole = encode_match(match({field: value.get(field, 2)}))
    length = struct.unpack_from("!H", whole, 2)[0]
    for missing in range(1, length - 4):
        cut = bytearray(whole[: length - missing])
        struct.pack_into("!H", cut, 2, len(cut))
        with pytest.raises(Unreadable):
            decode_match(bytes(cut), 0)
