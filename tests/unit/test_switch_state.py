"""What the switch says it has, and what a change costs."""

import itertools
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from vtep_ofapp.engine import switch_flows, switch_state
from vtep_ofapp.engine.feature import Feature, Owner, TunnelUser
from vtep_ofapp.engine.stable_ids import StableIds
from vtep_ofapp.engine.switch_flows import SwitchFlows
from vtep_ofapp.features.learning.feature import Learned
from vtep_ofapp.features.registry import FEATURES
from vtep_ofapp.features.unicast import Placed

from .builders import (
    FAR,
    FURTHER,
    MAC1,
    MAC2,
    RED,
    logical_switch,
    physical_port,
    physical_switch,
    port,
    remote_mac,
    unknown_dst,
    uuid,
)
from .switch_worlds import a_world, with_tunnel
from .world import World


@pytest.fixture
def world() -> World:
    return a_world()


# What the switch says it has


def test_a_switch_that_has_all_that_is_wanted_differs_in_nothing() -> None:
    world = with_tunnel(remote_mac(MAC1, FAR), unknown_dst(FAR))
    flows = {flow.key: flow for flow in world.flow_values()}
    groups = {group.id: group for group in world.group_values()}
    world.read_back(flows, groups)
    assert world.switch.flows.settled()
    assert world.switch.groups.settled()


def test_very_many_flows_are_read_back_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switch_flows, "MAX_FLOWS", 5)
    world = with_tunnel(remote_mac(MAC1, FAR), unknown_dst(FAR))
    flows = {flow.key: flow._replace() for flow in world.flow_values()}
    parts = sum(1 for _ in world.switch.flows.read_back(flows))
    assert parts == len(flows) // 5
    assert world.switch.flows.settled()
    fewer = dict(list(flows.items())[:5])
    assert sum(1 for _ in world.switch.flows.read_back(fewer)) == len(flows) // 5 + 1
    assert world.switch.flows.actual == fewer


def test_what_is_read_back_and_wanted_is_not_kept_twice() -> None:
    world = with_tunnel(remote_mac(MAC1, FAR), unknown_dst(FAR))
    copies = [flow._replace(key=flow.key._replace()) for flow in world.flow_values()]
    world.read_back({flow.key: flow for flow in copies}, {})
    for key, flow in world.switch.flows.actual.items():
        assert flow is world.switch.flows.wanted[key]
        assert key is flow.key


def test_a_new_process_learns_the_stations_that_the_switch_knows() -> None:
    former = a_world()
    former.see(MAC1, "p0")
    former.settle()
    world = a_world()
    world.read_back({flow.key: flow for flow in former.flow_values()}, {})
    world.settle()
    assert world.flows() == former.flows()


def test_what_the_switch_knows_of_other_bindings_is_cleaned_away() -> None:
    former = a_world(physical_port("p1", {0: RED}))
    former.see(MAC1, "p1")
    former.settle()
    world = a_world()
    world.read_back({flow.key: flow for flow in former.flow_values()}, {})
    world.settle()
    assert not any(MAC1 in flow for flow in world.flows())
    unwanted = {each.key for each in world.switch.flows.differences() if each.want is None}
    assert any(dict(key.match).get("eth_src") == MAC1 for key in unwanted)


def test_a_station_that_went_idle_while_nobody_listened_is_forgotten(world: World) -> None:
    world.see(MAC1, "p0")
    world.settle()
    flows = {flow.key: flow for flow in world.flow_values()}
    world.read_back(flows, {})
    known = [key for key in flows if dict(key.match).get("eth_src") == MAC1]
    world.read_back({key: flow for key, flow in flows.items() if key not in known}, {})
    world.settle()
    assert not any(MAC1 in flow for flow in world.flows())


def test_a_switch_that_lost_everything_loses_no_station(world: World) -> None:
    world.see(MAC1, "p0")
    world.settle()
    world.read_back({flow.key: flow for flow in world.flow_values()}, {})
    world.read_back({}, {})
    world.settle()
    assert any(MAC1 in flow for flow in world.flows("LEARNING"))


# The cost


def counting(features: Iterable[Feature], counts: Counter[type]) -> list[Feature]:
    """Return features that count how often owners of each kind are worked out."""

    def counted(owner: Owner | TunnelUser) -> Owner | TunnelUser:
        def compute(*args: Any) -> Any:
            counts[owner.key] += 1
            return owner.compute(*args)

        return type(owner)(owner.key, compute, owner.because, owner.pace)

    return [replace(each, owners=tuple(map(counted, each.owners))) for each in features]


def test_a_change_recomputes_only_the_owners_that_it_invalidates() -> None:
    counts: Counter[type] = Counter()
    world = World(features=counting(FEATURES, counts))
    world.tell(logical_switch(RED))
    world.physical(physical_switch(physical_port("p0", {0: RED})))
    world.bridge(port("p0", 1))
    world.tell(*(remote_mac(f"02:00:00:00:{n:02x}:00", FAR, row=uuid(100 + n)) for n in range(200)))
    counts.clear()
    world.calm_down()
    assert counts[Placed] >= 200
    counts.clear()
    world.tell(remote_mac(MAC1, FAR, row=uuid(301)))
    world.settle()
    assert counts == {Placed: 1}
    counts.clear()
    world.see(MAC2, "p0")
    world.settle()
    assert counts == {Learned: 1}
    counts.clear()
    world.bridge(port("p0", 1), port("p1", 2))
    world.settle()
    assert counts == {}


def test_very_many_stations_are_worked_out_in_turns_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = a_world()
    world.tell(*(remote_mac(f"02:00:00:00:{n:02x}:00", FAR, row=uuid(n)) for n in range(100, 200)))
    world.calm_down()
    expected = world.summary()
    monkeypatch.setattr(switch_state, "PARTS_PER_TURN", 30)
    other = world.restarted()
    turns = 0
    while other.switch.is_behind:
        other.settle()
        turns += 1
    assert turns == 4
    assert other.summary() == expected


def test_news_does_not_wait_behind_very_many_stations(
    monkeypatch: pytest.MonkeyPatch, world: World
) -> None:
    monkeypatch.setattr(switch_state, "PARTS_PER_TURN", 2)
    world.tell(*(remote_mac(f"02:00:00:00:{n:02x}:00", FAR, row=uuid(n)) for n in range(100, 110)))
    world.settle()
    world.see(MAC1, "p0")
    world.settle()
    assert world.switch.is_behind
    assert any(MAC1 in flow for flow in world.flows("LEARNING"))


def gives_way(key: UUID, to: UUID) -> bool:
    """Return whether a key of two gives its number up to the other one."""
    numbers = StableIds(2)
    numbers.add(key)
    former = numbers.number(key)
    numbers.add(to)
    return numbers.number(to) == former


def test_a_flow_that_passes_on_late_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """A logical switch takes the number of another one, and with it the flow of a station."""
    monkeypatch.setattr(switch_state, "PARTS_PER_TURN", 1)
    small, large = next(
        (small, large)
        for small, large in itertools.combinations(map(uuid, range(1, 20)), 2)
        if gives_way(large, small)
    )
    world = World(limit=2)
    for switch in world.switches.values():
        switch.flows = SwitchFlows(switch.flows.watchers)  # for a while two causes want one flow
    bindings = physical_port("p0", {0: small, 10: large})
    world.tell(logical_switch(large), unknown_dst(FAR, of=large))
    world.physical(physical_switch(bindings))
    world.bridge(port("p0", 1))
    world.tell(remote_mac(MAC1, FAR, of=large, row=uuid(100)))
    world.tell(remote_mac(MAC1, FURTHER, of=small, row=uuid(101)))
    world.calm_down()
    world.tell(logical_switch(small))
    world.calm_down()
    assert world.summary() == world.restarted_and_settled().summary()


def test_a_change_that_ends_where_it_began_is_no_difference() -> None:
    world = with_tunnel(remote_mac(MAC1, FAR), unknown_dst(FAR))
    world.read_back(
        {flow.key: flow for flow in world.flow_values()},
        {group.id: group for group in world.group_values()},
    )
    world.tell(logical_switch(RED, 6001))
    world.settle()
    assert not world.switch.flows.settled()
    world.tell(logical_switch(RED, 5001))
    world.settle()
    assert world.switch.flows.settled()
