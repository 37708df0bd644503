"""Who is no switch of ours: what it says changes nothing, and it is not kept."""

from __future__ import annotations

import re
import resource

import pytest

from sim.wire.openflow import EXPERIMENTER, HELLO, ROLE_REQUEST, pack
from tests.guard.conftest import OTHER, Guarded
from tests.guard.openflow import (
    FLOW,
    GROUP_DESC,
    Client,
    PoliteSwitch,
    error,
    flow_removed,
    frame,
    match,
    multipart,
    packet_in,
)
from tests.switch.dummy import DummySwitch
from tests.switch.state import everything, wait_until_equal
from vtep_ofapp.openflow.server import HANDSHAKE_TIME, MAX_STRANGERS
from vtep_ofapp.process.log_limits import MAX_LINES

FOREIGN = 0xF0E1D2C3B4A59687
IDLE = 1000


def fields_of(vtep: DummySwitch) -> dict[str, int]:
    """Return what a packet-in or flow-removed of a station at p0 holds."""
    (flow,) = (each for each in vtep.flows() if "dl_src=00:00:5e:00:00:01" in each)
    (number,) = re.findall(r"metadata=(0x[0-9a-f]+)", flow)
    return {"metadata": int(number, 16), "reg0": 0x1000}


def lies(vtep: DummySwitch) -> list[bytes]:
    """Return messages that would change flows and rows, if they came from br0 itself."""
    fields = fields_of(vtep)
    known = match(**fields, eth_src=0x00005E000001)
    shown = match(in_port=1, **fields)
    answers = []
    for xid in range(300):
        answers += [multipart(FLOW, xid=xid), multipart(GROUP_DESC, xid=xid), error(5, 1, xid=xid)]
    return [
        packet_in(frame("00:00:5e:00:00:99"), shown),
        flow_removed(known),
        flow_removed(known, reason=2),
        *answers,
    ]


@pytest.fixture
def learned(guarded: Guarded) -> Guarded:
    """A station at p0, so that there is something to lose."""
    guarded.vtep.receive("p0", "00:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff")
    guarded.wait(lambda: "00:00:5e:00:00:01" in guarded.vtep.local_macs(), "the station")
    return guarded


@pytest.mark.parametrize("claims", ["another datapath", "br0"])
def test_a_stranger_changes_nothing_and_is_closed(learned: Guarded, claims: str) -> None:
    vtep = learned.vtep
    vtep.come_to_rest()
    before, ages = everything(vtep, ("br0",)), vtep.ages()
    held = learned.count()
    claimed = learned.datapath_id("br0") if claims == "br0" else FOREIGN
    told = lies(vtep)
    with Client(vtep.app.port) as stranger:
        stranger.shake_hands(claimed, *told)
        stranger.drain()
    vtep.come_to_rest()
    wait_until_equal(vtep, lambda: everything(vtep, ("br0",)), before)
    assert all(vtep.ages()[flow] >= ages[flow] for flow in ages)
    assert not learned.lines("br0: connection lost")
    learned.comes_back_to(held, "the stranger came")


def test_strangers_fill_no_log(guarded: Guarded) -> None:
    held, earlier = guarded.count(), len(guarded.lines("is refused: it is no bridge"))
    for number in range(100):
        with Client(guarded.app.port) as stranger:
            stranger.shake_hands(FOREIGN + number)
            stranger.drain()
    assert earlier + len(guarded.lines("is refused: it is no bridge")) <= 2 * MAX_LINES
    assert guarded.lines("is refused: it is no bridge")
    guarded.comes_back_to(held, "they came")


def test_other_versions_of_openflow_are_closed_and_fill_no_log(guarded: Guarded) -> None:
    held = guarded.count()
    for number in range(100):
        with Client(guarded.app.port) as stranger:
            stranger.send(pack(HELLO, version=1 if number % 2 else 99))
            stranger.finish()
    assert 1 <= len(guarded.lines("unsupported version 0x1")) <= MAX_LINES
    assert 1 <= len(guarded.lines("OFPUnknownVersion")) <= MAX_LINES
    guarded.comes_back_to(held, "they came")


def test_idle_connections_cost_little_and_keep_no_switch_out(guarded: Guarded) -> None:
    """A thousand of them; br1 gets in as the last one."""
    vtep, held = guarded.vtep, guarded.count()
    idle = [Client(vtep.app.port) for _ in range(IDLE)]
    try:
        peak = guarded.count()
        assert peak["files"] <= held["files"] + MAX_STRANGERS + 1
        vtep.point_at_app(OTHER)
        guarded.wait(lambda: guarded.lines(f"{OTHER} is managed"), f"{OTHER}")
        vtep.vtep_ctl("bind-ls", "br0", "p0", "20", "ls1")
        guarded.wait(lambda: "dl_vlan=20" in "\n".join(vtep.flows()), "br0 as busy as ever")
    finally:
        for client in idle:
            client.socket.close()
        vtep.ovs_vsctl("del-controller", OTHER)
        vtep.vtep_ctl("unbind-ls", "br0", "p0", "20")
    closed = "gives its place to a newer one"
    assert 1 <= len(guarded.lines(closed)) <= MAX_LINES
    assert not guarded.lines("br0: connection lost")
    guarded.comes_back_to(held, "they came")


def test_who_never_finishes_the_handshake_is_closed(guarded: Guarded) -> None:
    """However it spends the time: silent, with half a message, or with hello after hello."""
    held = guarded.count()
    port = guarded.app.port
    with Client(port) as silent, Client(port) as halved, Client(port) as greeter:
        halved.send(pack(HELLO, length=65535), bytes(1000))
        greeter.send(*[pack(HELLO)] * 10_000)
        for client in (silent, halved, greeter):
            client.socket.settimeout(6 * HANDSHAKE_TIME)
            client.drain()
    assert guarded.lines("no handshake within")
    guarded.comes_back_to(held, "they came")


def test_without_file_descriptors_it_waits_for_better_times(guarded: Guarded) -> None:
    vtep, held = guarded.vtep, guarded.count()
    pid = guarded.app.pid
    assert pid is not None
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)

    def allow(files: int) -> None:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (files, hard))

    allow(held["files"] + 10)
    clients = []
    try:
        clients += [Client(vtep.app.port) for _ in range(30)]
        guarded.wait(lambda: guarded.lines("no connection can be taken"), "the shortage")
    finally:
        allow(soft)
        for client in clients:
            client.socket.close()
    with PoliteSwitch(vtep.app.port, guarded.datapath_id(OTHER)):
        guarded.wait(
            lambda: len(guarded.lines(f"{OTHER} is managed")) > 0, "a switch that gets in again"
        )
    assert not guarded.lines("br0: connection lost")
    assert len(guarded.lines("no connection can be taken")) <= MAX_LINES
    guarded.comes_back_to(held, "the shortage")


def test_a_connection_that_answers_nothing_gives_its_place_away(guarded: Guarded) -> None:
    """Its other end has lost its way, and the switch comes again."""
    vtep = guarded.vtep
    claimed = guarded.datapath_id(OTHER)
    lines = len(guarded.lines("a newer connection takes its place"))
    with Client(vtep.app.port) as silent:
        silent.shake_hands(claimed)
        silent.wait_for(ROLE_REQUEST)
        with PoliteSwitch(vtep.app.port, claimed) as switch:
            guarded.wait(
                lambda: len(guarded.lines("a newer connection takes its place")) > lines, "the line"
            )
            silent.drain()
            guarded.wait(lambda: EXPERIMENTER in switch.asked, "the second one's first bundle")
            with Client(vtep.app.port) as third:
                third.shake_hands(claimed)
                third.drain()
            assert switch.is_answering()
    assert len(guarded.lines("a newer connection takes its place")) == lines + 1
