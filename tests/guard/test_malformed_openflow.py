"""Bytes that are no OpenFlow, from strangers and from a switch that is ours."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim.wire.openflow import ECHO_REQUEST, EXPERIMENTER, HELLO, ROLE_REPLY, pack
from tests.guard.conftest import OTHER, Guarded
from tests.guard.malformed import bent, corpus
from tests.guard.openflow import (
    FLOW,
    GROUP_DESC,
    OURS,
    PORT_DESC,
    Client,
    PoliteSwitch,
    error,
    features,
    flow_removed,
    frame,
    match,
    multipart,
    packet_in,
)
from vtep_ofapp.process.log_limits import MAX_LINES

FIELDS = match(in_port=1, metadata=5, reg0=0x1000)
KNOWN = match(metadata=5, reg0=0x1000, eth_src=0x020000000001)
GOTO = struct.pack("!HHB3x", 1, 8, 60)
STATS_HEAD = struct.pack(
    "!HBxIIHHHH4xQQQ", 48 + len(KNOWN) + len(GOTO), 30, 1, 0, 100, 300, 0, 1, OURS, 1, 60
)
BUCKET = struct.pack("!HHII4xHHIH6x", 32, 0, 0xFFFFFFFF, 0xFFFFFFFF, 0, 16, 1, 0)
GROUP = struct.pack("!HBxI", 40, 0, 0xA1000005) + BUCKET
SEEDS = [
    pack(HELLO, struct.pack("!HHI", 1, 8, 1 << 4)),
    pack(ECHO_REQUEST, b"hello"),
    features(5, 1),
    packet_in(frame("02:00:00:00:00:01"), FIELDS),
    flow_removed(KNOWN),
    error(5, 1, data=bytes(64)),
    error(0xFFFF, 2600, data=struct.pack("!I", 0x4F4E4600) + bytes(8)),
    multipart(FLOW, STATS_HEAD + KNOWN + GOTO),
    multipart(GROUP_DESC, GROUP),
    multipart(PORT_DESC, bytes(64)),
    pack(12, bytes(72)),  # port status
    pack(ROLE_REPLY, struct.pack("!I4xQ", 2, 1)),
    pack(EXPERIMENTER, struct.pack("!IIIHH", 0x4F4E4600, 2300, 1, 5, 3)),
    pack(EXPERIMENTER, struct.pack("!II", 0x2320, 30) + bytes(16)),
]  # fmt: skip
STAGES = ("new", "greeted", "ours")
AT_A_TIME = 8
"""Strangers that speak at once: most of the time goes into waiting."""


def say(guarded: Guarded, stage: str, data: bytes) -> None:
    """Send bytes at a stage of a connection, and wait until the application is done with them."""
    with Client(guarded.app.port) as client:
        if stage == "ours":
            client.shake_hands(guarded.datapath_id(OTHER), data)
        elif stage == "greeted":
            client.send(pack(HELLO), data)
        else:
            client.send(data)
        client.finish()


def learns(guarded: Guarded, mac: str) -> None:
    """Wait until a new station at br0 is learned: all goes on as ever."""
    guarded.vtep.receive("p0", mac, "ff:ff:ff:ff:ff:ff")
    guarded.wait(lambda: mac in guarded.vtep.local_macs(), "a station at br0")


@pytest.fixture
def calm(guarded: Guarded) -> Iterator[Guarded]:
    """Whatever a test sends: br0 does not notice, nothing stays, and the log stays short."""
    held, lines = guarded.count(), len(guarded.app.log_text.splitlines())
    yield guarded
    learns(guarded, "00:00:5e:00:01:00")
    assert not guarded.lines("br0: connection lost")
    guarded.comes_back_to(held, "it came")
    assert len(guarded.app.log_text.splitlines()) - lines < 40 * MAX_LINES
    assert not guarded.lines("Traceback"), guarded.app.log_text


def test_bytes_that_are_no_messages(calm: Guarded) -> None:
    sent = [(stage, data) for stage in STAGES for data in corpus("openflow.txt")]

    @given(
        st.tuples(
            st.sampled_from(STAGES),
            st.binary(max_size=120) | st.lists(bent(SEEDS), max_size=4).map(b"".join),
        )
    )
    @settings(
        max_examples=1000,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    def collect(each: tuple[str, bytes]) -> None:
        sent.append(each)

    collect()
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        strangers = [each for each in sent if each[0] != "ours"]
        said = [pool.submit(say, calm, *each) for each in strangers]
        # These one after the other: they all speak for the same bridge.
        for stage, data in sent:
            if stage == "ours":
                say(calm, stage, data)
                assert calm.app.running
        for each in said:
            each.result()
    assert calm.app.running


def test_every_message_cut_anywhere(calm: Guarded) -> None:
    for seed in SEEDS:
        for end in range(1, len(seed), 3):
            say(calm, "ours", seed[:2] + struct.pack("!H", end) + seed[4:end])
    assert calm.app.running


def test_many_bad_messages_are_a_few_lines(calm: Guarded) -> None:
    bad = flow_removed(KNOWN)[:20]
    say(calm, "ours", (bad[:2] + struct.pack("!H", len(bad)) + bad[4:]) * 2000)
    assert 1 <= len(calm.lines("a message is not read to its end")) <= 2 * MAX_LINES


class Impostor(PoliteSwitch):
    """Speaks for br1."""

    number: int
    """Of the logical switch ls1, in the metadata of flows."""


@pytest.fixture
def other(guarded: Guarded) -> Iterator[Impostor]:
    """br1, where somebody polite speaks for the bridge and shows frames of its port q0."""
    vtep = guarded.vtep
    with Impostor(vtep.app.port, guarded.datapath_id(OTHER)) as switch:
        guarded.wait(lambda: "q0" in vtep.port_rows(OTHER), "q0")
        vtep.vtep_ctl("bind-ls", OTHER, "q0", "0", "ls1", "--", "bind-ls", "br0", "p0", "20", "ls1")

        def numbers() -> list[str]:
            flow = r"dl_vlan=20 .*set_field:(0x[0-9a-f]+)->metadata"
            return re.findall(flow, "\n".join(vtep.flows()))

        switch.number = int(guarded.wait(numbers, "the number of ls1")[0], 16)
        yield switch
        vtep.vtep_ctl("unbind-ls", OTHER, "q0", "0", "--", "unbind-ls", "br0", "p0", "20")


def test_frames_that_no_flow_of_ours_showed_or_that_are_cut_are_not_learned(
    guarded: Guarded, other: Impostor
) -> None:
    shown = match(in_port=1, metadata=other.number, reg0=0x1000)

    def seen(mac: str, cut: int = 14, **more: int) -> bytes:
        return packet_in(frame(mac)[:cut], shown, **more)

    other.send(
        seen("02:00:00:00:00:01", cookie=0),
        seen("02:00:00:00:00:02", cookie=OURS ^ 1 << 63),
        seen("03:00:00:00:00:04"),
        seen("00:00:00:00:00:00"),
        packet_in(frame("02:00:00:00:00:05"), match(in_port=1)),
        packet_in(frame("02:00:00:00:00:06"), match(metadata=other.number)),
        packet_in(frame("02:00:00:00:00:07"), match(metadata=other.number ^ 1, reg0=0x1000)),
        packet_in(frame("02:00:00:00:00:08"), match(metadata=other.number, reg0=0x7000)),
        seen("02:00:00:00:00:09"),
    )
    guarded.wait(lambda: guarded.vtep.local_macs("ls1"), "the last one")
    assert guarded.vtep.local_macs("ls1") == {"02:00:00:00:00:09": "127.0.0.2"}


def test_a_frame_whose_message_is_longer_than_its_header_can_say_is_read_as_one_frame(
    guarded: Guarded, other: Impostor
) -> None:
    """Open vSwitch sends whole frames; what is inside of them is no message."""
    shown = match(in_port=1, metadata=other.number, reg0=0x1000)

    def seen(mac: str, data: bytes = b"") -> bytes:
        return packet_in(frame(mac) + data, shown)

    def learned(*macs: str) -> None:
        guarded.wait(lambda: guarded.vtep.local_macs("ls1").keys() >= {*macs}, f"{macs}")

    victim = "02:00:00:00:01:01"
    other.send(seen(victim))
    learned(victim)
    known = match(metadata=other.number, reg0=0x1000, eth_src=int(victim.replace(":", ""), 16))
    forged = flow_removed(known) + seen("02:00:00:00:0b:ad")
    for number, size in enumerate((65480, 65500, 65503, 65515, 65535, 65536, 65549)):
        big, last = f"02:00:00:00:02:{number:02x}", f"02:00:00:00:03:{number:02x}"
        body = forged * (size // len(forged) + 2)
        for shift in range(0, len(forged), 3):
            other.send(seen(big, body[shift : shift + size - 14]))
        other.send(seen(last))
        learned(big, last)
    assert victim in guarded.vtep.local_macs("ls1")
    assert "02:00:00:00:0b:ad" not in guarded.vtep.local_macs("ls1")


def test_a_switch_that_speaks_tls_is_told_to_do_without(calm: Guarded) -> None:
    with Client(calm.app.port) as client:
        client.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(512))
        client.drain()
    calm.wait(lambda: calm.lines("it speaks TLS, and this port does not"), "the line")
