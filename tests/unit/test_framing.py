"""Messages as a switch sends them, however they come in; also those whose length has wrapped."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from os_ken.ofproto import ofproto_v1_3 as ofp

from vtep_ofapp.openflow import decoding
from vtep_ofapp.openflow.framing import Malformed, Messages, SpeaksTls

from . import osken
from .builders import MAC1

FIELDS = {"in_port": 1, "metadata": 7, "reg0": 0x1000}
ECHO = osken.message(ofp.OFPT_ECHO_REQUEST, b"still here")


def shown(size: int) -> bytes:
    """Return a packet-in with a whole frame of this size, as Open vSwitch sends it."""
    head = osken.packet_in(FIELDS, MAC1)
    frame = head[-14:] + (ECHO * (size // len(ECHO) + 1))[: size - 14]
    message = bytearray(head[:-14] + frame)
    struct.pack_into("!H", message, 2, len(message) % (1 << 16))
    struct.pack_into("!H", message, 12, size % (1 << 16))
    return bytes(message)


def cut(data: bytes, pieces: list[int]) -> list[bytes]:
    """Return the messages of what comes in in pieces of these sizes, over and over."""
    messages, found = Messages(), []
    at = number = 0
    while at < len(data):
        size = pieces[number % len(pieces)]
        messages.feed(data[at : at + size])
        at, number = at + size, number + 1
        while (message := messages.next()) is not None:
            found.append(message)
    return found


PIECES = st.lists(st.integers(1, 70_000) | st.integers(1, 40), min_size=1, max_size=5)


@given(st.lists(st.integers(0, 200), max_size=6), PIECES)
def test_messages_come_out_whole_however_they_come_in(sizes: list[int], pieces: list[int]) -> None:
    sent = [osken.message(ofp.OFPT_ECHO_REPLY, bytes(size)) for size in sizes]
    assert cut(b"".join(sent), pieces) == sent


@given(
    st.lists(st.sampled_from([14, 60, 1514, 16384, 65400]) | st.integers(65400, 65549), max_size=4),
    PIECES,
)
def test_a_frame_of_any_size_is_one_message_and_what_is_inside_is_none(
    sizes: list[int], pieces: list[int]
) -> None:
    stream = b"".join(shown(size) + ECHO for size in sizes)
    found = cut(stream, pieces)
    assert found[1::2] == [ECHO] * len(sizes)
    assert len(found) == 2 * len(sizes)
    for message, size in zip(found[::2], sizes, strict=True):
        assert decoding.packet_in(message).source == MAC1
        assert struct.unpack_from("!H", message, 2)[0] == len(message)
        assert len(message) <= len(shown(size))


def test_a_frame_that_fits_stays_as_it_is() -> None:
    message = shown(1514)
    assert cut(message, [1 << 16]) == [message]


@pytest.mark.parametrize("length", range(8))
def test_a_length_below_that_of_the_header_is_refused(length: int) -> None:
    messages = Messages()
    messages.feed(struct.pack("!BBHI", ofp.OFP_VERSION, ofp.OFPT_ECHO_REQUEST, length, 1))
    with pytest.raises(Malformed):
        messages.next()


def test_a_match_that_no_switch_sends_is_refused() -> None:
    messages = Messages()
    lie = bytearray(shown(60))
    struct.pack_into("!H", lie, 26, 0xFFFF)
    messages.feed(bytes(lie))
    with pytest.raises(Malformed, match="a match of 65535 bytes"):
        messages.next()


def test_tls_where_there_is_none_is_called_that() -> None:
    messages = Messages()
    messages.feed(b"\x16\x03\x01\x02\x00\x01\x00")
    with pytest.raises(SpeaksTls):
        messages.next()


def test_a_version_that_is_the_first_byte_of_tls_is_none_later() -> None:
    messages = Messages()
    later = struct.pack("!BBHI", 22, 3, 8, 1)
    messages.feed(ECHO + later)
    assert [messages.next(), messages.next()] == [ECHO, later]
