import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Raw

from sim.wire.frames import Captured, lab_frame, parse_vxlan, probe, vlans_of, vxlan_packet

SRC, DST = "02:00:00:00:00:01", "02:00:00:00:00:02"


def carried(inner: bytes, vni: int = 33) -> bytes:
    return bytes(Ether(src=SRC, dst=DST) / vxlan_packet("10.2.2.2", "10.2.2.1", vni, inner))


@pytest.mark.parametrize("vlans", [(), (10,), (10, 20), (4095,)])
def test_tags_are_written_and_read_from_outer_to_inner(vlans: tuple[int, ...]) -> None:
    assert vlans_of(bytes(lab_frame(SRC, DST, b"x", vlans))) == vlans


def test_a_frame_that_ends_within_its_tag_has_no_tag() -> None:
    assert vlans_of(bytes(lab_frame(SRC, DST, b"x", (10,)))[:15]) == ()


def test_a_frame_has_the_least_length_of_ethernet() -> None:
    assert len(lab_frame(SRC, DST, b"")) == 60


@pytest.mark.parametrize("vni", [0, 33, 2**24 - 1])
def test_a_vxlan_packet_is_taken_apart(vni: int) -> None:
    inner = bytes(lab_frame(SRC, DST, b"inner", (10,)))

    packet = parse_vxlan(carried(inner, vni))
    assert packet is not None

    assert (packet.src, packet.dst, packet.vni) == ("10.2.2.2", "10.2.2.1", vni)
    assert packet.inner == inner
    assert packet.frame.dst == DST


def test_another_port_is_not_vxlan() -> None:
    data = Ether() / IP() / UDP(sport=4789, dport=53) / Raw(b"\x08" + bytes(60))
    assert parse_vxlan(bytes(data)) is None


def test_without_the_flag_the_vni_does_not_count() -> None:
    data = Ether() / IP() / UDP(dport=4789) / VXLAN(flags=0, vni=33) / Raw(bytes(60))
    assert parse_vxlan(bytes(data)) is None


def test_a_vxlan_packet_within_an_icmp_error_is_not_vxlan() -> None:
    data = bytes(Ether() / IP(proto=1)) + bytes([3, 3]) + bytes(6) + carried(bytes(60))[14:]
    assert parse_vxlan(data) is None


@pytest.mark.parametrize(
    ("data", "label"),
    [
        (bytes(lab_frame(SRC, DST, b"x")), "untagged"),
        (bytes(lab_frame(SRC, DST, b"x", (10, 20))), "vlan 10 vlan 20"),
        (carried(bytes(lab_frame(SRC, DST, b"x"))), "vni 33"),
        (carried(bytes(lab_frame(SRC, DST, b"x", (10,)))), "vni 33 vlan 10"),
    ],
)
def test_a_label_says_how_a_frame_came(data: bytes, label: str) -> None:
    assert Captured(0.0, data).label == label


def test_every_probe_has_a_mark_of_its_own_that_its_bytes_hold() -> None:
    one, other = probe(SRC, DST), probe(SRC, DST)
    assert one.mark != other.mark
    assert one.mark in bytes(one.frame)
