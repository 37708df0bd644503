"""The tour of `python -m sim fabric` with three VTEPs, and what else a fabric is to stand."""

from __future__ import annotations

import itertools

import pytest

from sim.demo.fabric import BLUE, Fabric
from sim.demo.fabric_tour import SOON, TOUR
from sim.demo.steps import Step
from sim.lab.hosts import Host
from sim.lab.streams import Stream
from sim.waiting import wait_until
from sim.wire.frames import BROADCAST, lab_frame

RATE = 500

_numbers = itertools.count(1)


@pytest.mark.parametrize("step", TOUR.steps, ids=lambda step: step.title)
def test_the_tour(fabric: Fabric, step: Step[Fabric]) -> None:
    """One step after the other; each stands on those before it, and so do the tests below."""
    step.do(fabric)
    print(step.prove(fabric))


def new_mac() -> str:
    return f"02:78:00:00:00:{next(_numbers):02x}"


def speak(host: Host, mac: str) -> None:
    """Let a station behind a host send a frame."""
    host.send(lab_frame(mac, BROADCAST, b"here I am"))


def await_place(fabric: Fabric, mac: str, place: str) -> None:
    """Wait until a station is local at one VTEP, and at all others behind a tunnel to that one."""
    here = fabric.vteps[place]

    def is_placed() -> bool:
        return all(
            (BLUE, mac) in vtep.stations("Ucast_Macs_Local")
            and (BLUE, mac) not in vtep.stations("Ucast_Macs_Remote")
            if vtep is here
            else vtep.stations("Ucast_Macs_Remote").get((BLUE, mac)) == here.tunnel_ip
            and (BLUE, mac) not in vtep.stations("Ucast_Macs_Local")
            for vtep in fabric.vteps.values()
        )

    wait_until(is_placed, f"{mac} at {place}", evidence=fabric.evidence)


def test_a_station_that_turns_up_elsewhere_while_its_port_stays_up_is_followed(
    fabric: Fabric,
) -> None:
    """There, back and there again: each time it speaks once, and one port has its frames."""
    mac = new_mac()
    sender = fabric.hosts["vm31"]
    for host in ("vm12", "vm22", "vm12", "vm22"):
        speak(fabric.hosts[host], mac)
        await_place(fabric, mac, f"vtep{host[2]}")
        fabric.expect_delivery(sender.send, {host: ["untagged"]}, src=sender.mac, dst=mac)


def let_flow(stream: Stream, frames: int) -> None:
    """Wait until that many more frames were sent."""
    goal = stream.sent + frames
    wait_until(lambda: stream.sent >= goal, f"{frames} frames sent")


def test_hosts_move_under_traffic_from_everywhere(fabric: Fabric) -> None:
    """Also from where the host came from, and from where it goes to."""
    moving = fabric.hosts["vm32"]
    senders = [fabric.hosts[name] for name in ("vm11", "vm21", "vm31")]
    for vtep, port in (("vtep2", "spare"), ("vtep1", "spare"), ("vtep3", "p1")):
        streams = [sender.stream(moving, rate=RATE / 2) for sender in senders]
        back = moving.stream(senders[0], rate=RATE)
        for stream in (*streams, back):
            stream.start()
        let_flow(back, RATE // 5)
        fabric.move_vm(moving, fabric.vteps[vtep], port)
        for stream in (*streams, back):
            stream.await_arrival(10 * SOON, fabric.evidence)
        for stream in (*streams, back):
            stream.stop()
        accounts = [stream.account() for stream in (*streams, back)]
        for account in accounts:
            print(f"to {vtep}: {account}")
            assert not account.duplicated
            assert account.sent - 1 not in account.lost


def test_while_the_nvc_is_away_traffic_goes_on_and_then_it_catches_up(fabric: Fabric) -> None:
    known, other = fabric.hosts["vm11"], fabric.hosts["vm21"]
    mac = new_mac()
    fabric.nvc.kill()
    with known.stream(other, rate=RATE) as stream:
        speak(fabric.hosts["vm12"], mac)
        wait_until(
            lambda: (BLUE, mac) in fabric.vteps["vtep1"].stations("Ucast_Macs_Local"),
            f"{mac} learned",
            evidence=fabric.evidence,
        )
        before = pictures(fabric)
        fabric.nvc.start()
        await_place(fabric, mac, "vtep1")
    assert (stream.account().lost, stream.account().duplicated) == ((), ())
    for vtep, tables in pictures(fabric).items():
        for table, rows in tables.items():
            assert before[vtep][table] <= rows, f"{table} of {vtep} was rewritten"


def pictures(fabric: Fabric) -> dict[str, dict[str, set[str]]]:
    """Return which rows of the NVC's there are, by VTEP and table."""
    tables = ("Logical_Switch", "Ucast_Macs_Remote", "Mcast_Macs_Remote")
    return {
        name: {table: {row["_uuid"] for row in vtep.rows(table)} for table in tables}
        for name, vtep in fabric.vteps.items()
    }


def test_a_database_server_that_restarts_is_caught_up_with(fabric: Fabric) -> None:
    """By the NVC and by the application. Open vSwitch itself stands still until it is connected."""
    vtep = fabric.vteps["vtep2"]
    vtep.ovsdb_server.restart()
    near, far = new_mac(), new_mac()
    speak(fabric.hosts["vm21"], near)
    speak(fabric.hosts["vm11"], far)
    await_place(fabric, near, "vtep2")
    await_place(fabric, far, "vtep1")
    one, other = fabric.hosts["vm11"], fabric.hosts["vm21"]
    fabric.expect_delivery(one.send, {"vm21": ["untagged"]}, src=one.mac, dst=other.mac)
    fabric.expect_delivery(other.send, {"vm11": ["untagged"]}, src=other.mac, dst=one.mac)


def test_applications_that_are_killed_and_started_again_lose_no_frame(fabric: Fabric) -> None:
    vteps = list(fabric.vteps.values())
    with (
        fabric.hosts["vm11"].stream(fabric.hosts["vm21"], rate=RATE) as there,
        fabric.hosts["vm21"].stream(fabric.hosts["vm11"], rate=RATE) as back,
    ):
        for vtep in vteps[:2]:
            vtep.app.kill()
        for vtep in vteps[:2]:
            vtep.app.start()
        for vtep in vteps[:2]:
            vtep.app.wait_until_ready()
        mac = new_mac()
        speak(fabric.hosts["vm12"], mac)
        await_place(fabric, mac, "vtep1")
    for stream in (there, back):
        assert (stream.account().lost, stream.account().duplicated) == ((), ())
