"""The fragment mode of the bridge, which decides what matches see of a packet in fragments."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.switch.conftest import described
from tests.switch.dummy import DummySwitch
from tests.switch.test_pair import Pair

NORMAL, NX_MATCH = "normal", "nx-match"
TO_PORT_80 = "in_port=1,tcp,nw_frag={},tcp_dst=80"


def fragment_mode(switch: DummySwitch) -> str:
    """Return the fragment mode of br0."""
    return switch.ofctl("get-frags", "br0").strip()


def has_mode(switch: DummySwitch, mode: str) -> None:
    """Wait until br0 has a fragment mode."""
    switch.wait(lambda: fragment_mode(switch) == mode, f"the fragment mode {mode}")


@pytest.fixture
def pair() -> Iterator[Pair]:
    with described(Pair) as pair:
        pair.start()
        pair.manage_by_both()
        yield pair


def test_a_flow_that_matches_a_port_sees_the_first_fragment(vtep: DummySwitch) -> None:
    has_mode(vtep, NX_MATCH)
    vtep.ofctl("add-flow", "br0", "priority=65535,tcp,nw_frag=not_later,tcp_dst=80,actions=2")
    assert vtep.trace(TO_PORT_80.format("no")) == vtep.trace(TO_PORT_80.format("first")) == "2"
    assert vtep.trace("in_port=1,tcp,nw_frag=later") == "drop"
    vtep.ofctl("set-frags", "br0", NORMAL)
    assert vtep.trace(TO_PORT_80.format("first")) == "drop"


def test_the_mode_is_set_again_after_a_restart_of_the_switch(vtep: DummySwitch) -> None:
    has_mode(vtep, NX_MATCH)
    vtep.ovs_vswitchd.kill()
    vtep.app.kill()
    vtep.ovs_vswitchd.start()
    assert fragment_mode(vtep) == NORMAL
    vtep.app.start()
    has_mode(vtep, NX_MATCH)


def test_only_a_master_sets_it(pair: Pair) -> None:
    has_mode(pair, NX_MATCH)
    pair.ofctl("set-frags", "br0", NORMAL)
    pair.other.kill()
    pair.wait(lambda: pair.roles() == ["master"], "the end of the other")
    pair.other.start()
    pair.wait(lambda: sorted(pair.roles()) == ["master", "slave"], "both roles")
    assert fragment_mode(pair) == NORMAL
    pair.app.kill()
    has_mode(pair, NX_MATCH)
