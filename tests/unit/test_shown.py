"""What is read of frames that are shown to the controller."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtep_ofapp.pipeline.layout import Cookie
from vtep_ofapp.pipeline.shown import SHOWN, of_station

SOURCE = bytes.fromhex("020000000001")
ARP = bytes(6) + SOURCE + bytes.fromhex("0806") + bytes(range(60))


def neighbor(kind: int, next_header: int = 58, length: int = 1500, of: int = 32) -> bytes:
    """Return the bytes of an IPv6 frame with an ICMPv6 message of a type, ``of`` bytes long."""
    ipv6 = bytes.fromhex("60000000") + of.to_bytes(2, "big") + bytes([next_header, 255]) + bytes(32)
    return (bytes(6) + SOURCE + bytes.fromhex("86dd") + ipv6 + bytes([kind]) + bytes(2000))[:length]


def test_arp_packets_and_neighbor_messages_are_read_whole_without_what_follows() -> None:
    assert of_station(ARP) == ARP[6:42]
    for kind in (135, 136):
        assert of_station(neighbor(kind)) == neighbor(kind)[6:86]
        assert of_station(neighbor(kind, of=40)) == neighbor(kind, of=40)[6:94]
        assert of_station(neighbor(kind, of=40, length=90)) == neighbor(kind, of=40)[6:90]


def test_of_very_long_neighbor_messages_a_part_is_read() -> None:
    assert of_station(neighbor(135, of=1400)) == neighbor(135, of=1400)[6:1294]


@pytest.mark.parametrize(
    "frame",
    [
        neighbor(128),
        neighbor(135, next_header=17),
        neighbor(135, length=54),
        bytes(6) + SOURCE + bytes.fromhex("0800") + bytes(100),
        bytes(6) + SOURCE + bytes(2),
    ],
    ids=["an echo request", "UDP", "cut off", "IPv4", "no payload"],
)
def test_of_all_other_frames_the_source_is_read(frame: bytes) -> None:
    assert of_station(frame) == SOURCE


@pytest.mark.parametrize("producer", SHOWN, ids=lambda each: each.name)
@given(st.binary(min_size=14, max_size=200), st.sampled_from(["", "0806", "0800", "86dd"]))
def test_any_frame_is_read(producer: Cookie, frame: bytes, kind: str) -> None:
    """A frame has at least an Ethernet header, and what is read has its source."""
    frame = frame[:12] + bytes.fromhex(kind) + frame[12 + len(kind) // 2 :]
    shown = SHOWN[producer](frame)
    assert frame[6:12] in (shown[:6], shown[6:12])
    assert shown in frame
