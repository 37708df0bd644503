"""What invalidates all logical switches of a switch, and how often."""

from collections.abc import Iterator
from uuid import UUID

import pytest

from tests.unit.builders import logical_switch, physical_port, physical_switch, port, uuid
from tests.unit.world import World
from vtep_ofapp.engine.feature import Feature
from vtep_ofapp.engine.topics import Topic
from vtep_ofapp.engine.view import View
from vtep_ofapp.features.logical_switches.rows import WholeLogicalSwitch
from vtep_ofapp.features.registry import FEATURES

LS1, LS2 = uuid(1), uuid(2)
PORTS = physical_port("p1", {10: LS1, 20: LS2})


class Seen:
    """A World that notes the logical switches that are invalidated as a whole."""

    def __init__(self) -> None:
        self._noted: list[WholeLogicalSwitch] = []
        feature = Feature(invalidated_by={WholeLogicalSwitch: self._note})
        self.world = World(features=(*FEATURES, feature))
        self.world.bridge(port("p1", 1))
        self.world.tell(logical_switch(LS1, 1, name="ls1"), logical_switch(LS2, 2, name="ls2"))
        self.world.settle()
        self.take()

    def _note(self, topic: WholeLogicalSwitch, view: View) -> Iterator[Topic]:
        self._noted.append(topic)
        yield from ()

    def take(self) -> list[UUID]:
        """Return the logical switches that were invalidated since the last call, sorted."""
        self.world.settle()
        noted, self._noted = self._noted, []
        return sorted(each.logical_switch for each in noted)


@pytest.fixture
def seen() -> Seen:
    return Seen()


def test_a_new_row_invalidates_each_logical_switch_once(seen: Seen) -> None:
    seen.world.physical(physical_switch(PORTS))
    assert seen.take() == [LS1, LS2]


def test_other_tunnel_addresses_invalidate_each_once_more(seen: Seen) -> None:
    seen.world.physical(physical_switch(PORTS))
    seen.take()
    seen.world.physical(physical_switch(PORTS, tunnel_ips=("10.0.0.99",)))
    assert seen.take() == [LS1, LS2]


def test_a_row_that_changes_nothing_of_a_logical_switch_invalidates_none(seen: Seen) -> None:
    seen.world.physical(physical_switch(PORTS))
    seen.take()
    seen.world.physical(physical_switch(PORTS, physical_port("p2", {})))
    assert seen.take() == []


def test_an_operator_who_asks_for_it_invalidates_all(seen: Seen) -> None:
    seen.world.physical(physical_switch(PORTS))
    seen.take()
    seen.world.switch.invalidate_all()
    assert seen.take() == [LS1, LS2]


def test_a_row_that_returns_invalidates_each_once(seen: Seen) -> None:
    seen.world.physical(physical_switch(PORTS))
    seen.take()
    flows = dict(seen.world.switch.flows.wanted)
    seen.world.physical(None)
    seen.take()
    seen.world.physical(physical_switch(PORTS))
    assert seen.take() == [LS1, LS2]
    assert seen.world.switch.flows.wanted == flows
