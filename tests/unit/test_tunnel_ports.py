"""Tunnel ports that Open vSwitch could not make are tried again."""

from typing import Any

import pytest

from vtep_ofapp.features.tunnels.ports import Tunnels
from vtep_ofapp.features.tunnels.retries import FIRST_PAUSE, LONGEST_PAUSE
from vtep_ofapp.values.rows import ANYONE, BridgePort, VxlanPort

from .builders import FAR, FURTHER, OWN, port


class Bench:
    """Tunnels of br0, and a clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self.tunnels = Tunnels("br0", 10, lambda: self.now)
        self.tunnels.set_locals((OWN,))

    def is_there(self, remote: str, number: int | None, attempt: int = 0) -> BridgePort:
        error = "File exists" if number is None else None
        name = self.tunnels.name(remote, OWN)
        ends = {"remote": remote, "local": OWN}
        return port(name, number, is_ours=True, error=error, attempt=attempt, **ends)

    def attempt(self, remote: str) -> int:
        """Return which attempt is asked for, after another look at the tunnel."""
        (port,) = dict(self.tunnels.ports(remote, {})).values()
        return port.attempt


@pytest.fixture
def bench() -> Bench:
    return Bench()


def fail(bench: Bench, remote: str, seconds: float) -> list[float]:
    """Let every attempt fail for a time; return when each was made."""
    times, attempt = [], bench.attempt(remote)
    end = bench.now + seconds
    bench.tunnels.set_ports([bench.is_there(remote, None, attempt)])
    while (due := bench.tunnels.retries.next_due()) is not None and due <= end:
        bench.now = due
        assert bench.tunnels.retries.take_due() == {remote}
        attempt += 1
        assert bench.attempt(remote) == attempt
        bench.tunnels.set_ports([bench.is_there(remote, None, attempt)])
        times.append(bench.now)
    return times


def test_a_port_that_could_not_be_made_is_tried_again_after_longer_and_longer_pauses(
    bench: Bench,
) -> None:
    assert bench.attempt(FAR) == 0
    assert bench.tunnels.retries.next_due() is None
    assert fail(bench, FAR, 40) == [1.0, 3.0, 7.0, 15.0, 25.0, 35.0]
    bench.tunnels.set_ports([bench.is_there(FAR, 7, 6)])
    assert bench.tunnels.retries.next_due() is None
    assert bench.attempt(FAR) == 6
    bench.tunnels.set_ports([])
    assert bench.attempt(FAR) == 0


def test_when_other_ports_change_it_is_tried_soon(bench: Bench) -> None:
    fail(bench, FAR, 40)
    bench.tunnels.retries.reconsider()
    assert bench.tunnels.retries.next_due() == bench.now + FIRST_PAUSE
    bench.now += FIRST_PAUSE
    assert bench.tunnels.retries.take_due() == {FAR}


def test_a_port_for_any_sender_that_another_bridge_has_is_not_tried_without_end(
    bench: Bench,
) -> None:
    times = fail(bench, ANYONE, 1000)
    assert times[-1] < 4 * LONGEST_PAUSE
    assert bench.tunnels.retries.next_due() is None
    bench.tunnels.retries.reconsider()
    assert bench.tunnels.retries.next_due() == bench.now + FIRST_PAUSE


def test_only_what_is_due_is_tried(bench: Bench) -> None:
    for remote in (FAR, FURTHER):
        bench.attempt(remote)
    bench.tunnels.set_ports([bench.is_there(FAR, None)])
    bench.now = 0.5
    bench.tunnels.set_ports([bench.is_there(FAR, None), bench.is_there(FURTHER, None)])
    bench.now = 1.0
    assert bench.tunnels.retries.take_due() == {FAR}
    assert (bench.attempt(FAR), bench.attempt(FURTHER)) == (1, 0)


@pytest.mark.parametrize(
    ("changes", "takes"),
    [
        ({}, True),
        ({"remote": None}, True),
        ({"local": None}, True),
        ({"remote": FURTHER}, False),
        ({"local": FURTHER}, False),
        ({"key": 5002}, False),
        ({"key": None}, False),
        ({"is_up": False}, False),
    ],
)
def test_a_port_with_a_fixed_key_takes_what_comes_with_it(
    changes: dict[str, Any], takes: bool
) -> None:
    values = {"remote": FAR, "local": OWN, "key": 5001, "is_up": True, **changes}
    assert VxlanPort("br7", "vx7", **values).takes(FAR, OWN, 5001) == takes
