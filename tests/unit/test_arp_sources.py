"""ARP sources: which rows are used, and whether a switch routes alone."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtep_ofapp.engine.model import Model
from vtep_ofapp.engine.operator_view import ADDRESS, STATION, Passage
from vtep_ofapp.engine.topics import Topic
from vtep_ofapp.features.arp_sources.feature import FEATURE
from vtep_ofapp.features.arp_sources.keys import OwnSource, RoutedSwitch, TunnelSide
from vtep_ofapp.features.arp_sources.rows import ArpSources, Place, Source, SourcesAt
from vtep_ofapp.features.arp_sources.serving import ServingChanged, is_alone, serves_tunnels
from vtep_ofapp.features.logical_switches.vni_mapping import VniMapping
from vtep_ofapp.features.peers import Peer, PeersHere
from vtep_ofapp.features.registry import FEATURES
from vtep_ofapp.features.replication import Replication
from vtep_ofapp.features.tunnels.ports import Tunnels
from vtep_ofapp.features.tunnels.rows import TunnelTo
from vtep_ofapp.process.settings import ALWAYS, NEVER, Settings
from vtep_ofapp.values.arp_sources import ArpSource, source_address, source_mac
from vtep_ofapp.values.faults import Fault
from vtep_ofapp.values.routers import derived_mac
from vtep_ofapp.values.rows import Gone, VtepRow

from .builders import (
    BLUE,
    FAR,
    FURTHER,
    MAC1,
    MAC2,
    OWN,
    RED,
    bridge,
    locator,
    logical_router,
    logical_switch,
    physical_port,
    physical_switch,
    port,
    remote_mac,
    uuid,
    word_of,
)
from .world import World


def source(
    mac: str = MAC1, address: str = FAR, *, row: int = 0, key: int | None = None, **more: Any
) -> ArpSource:
    return ArpSource(uuid(0xA6000 + row), mac, locator(address, key), **more)


def told(*rows: VtepRow) -> ArpSources:
    model = Model(FEATURES)
    for row in rows:
        model.update(row)
    return model[ArpSources]


def place(address: str = FAR, *keys: int | None) -> Place:
    return Place(address, frozenset(locator(address, key) for key in keys or (None,)))


# MAC addresses


def test_the_mac_of_a_switch_is_derived_from_its_tunnel_ip() -> None:
    assert source_mac("10.2.2.1") == "06:76:0a:02:02:01"
    assert source_address("06:76:0a:02:02:01") == "10.2.2.1"
    assert source_address("06:77:0a:02:02:01") is None
    assert source_address("") is None


# Rows


def test_a_row_places_its_mac_and_tells_of_both_ends() -> None:
    model = Model(FEATURES)
    assert SourcesAt(FAR) in model.update(source())
    sources = model[ArpSources]
    assert sources.place(MAC1) == place()
    assert set(sources.addresses()) == {FAR}
    assert {SourcesAt(FAR), SourcesAt(FURTHER)} <= set(model.update(source(address=FURTHER)))
    assert sources.locators(FURTHER) == {locator(FURTHER)}
    assert SourcesAt(FURTHER) in model.update(Gone(source().uuid))
    assert (sources.place(MAC1), list(sources.addresses()), list(sources.macs())) == (None, [], [])


def test_a_row_that_changes_nothing_for_its_vtep_does_not_tell_of_it() -> None:
    model = Model(FEATURES)
    model.update(source())
    model.update(source(row=1))
    assert SourcesAt(FAR) not in model.update(Gone(source(row=1).uuid))


def test_of_two_vtep_with_one_mac_that_with_the_least_locator_counts() -> None:
    rows = source(address=FAR, row=2), source(address=FURTHER, row=1)
    for order in (rows, rows[::-1]):
        sources = told(*order)
        assert sources.place(MAC1) == place(FAR)
        assert sources.reason(rows[0]) is None
        reason = f"another row says that {FAR} has this MAC, and not {FURTHER}"
        assert sources.reason(rows[1]) == reason


def test_one_vtep_may_be_named_by_several_locators() -> None:
    sources = told(source(), source(row=1, key=5), source(MAC2, row=2, key=6))
    assert sources.place(MAC1) == place(FAR, None, 5)
    assert sources.locators(FAR) == {locator(FAR), locator(FAR, 5), locator(FAR, 6)}
    assert sources.reason(source(row=1, key=5)) is None


def test_a_row_that_cannot_be_used_places_nothing() -> None:
    bad = source("", refused="src_mac: it is no good")
    sources = told(bad)
    assert sources.place("") is None
    assert sources.reason(bad) == "src_mac: it is no good"


def test_the_mac_of_a_switch_of_this_database_is_at_that_switch() -> None:
    stolen, right = source(source_mac(OWN), FAR), source(source_mac(OWN), OWN, row=1)
    sources = told(stolen, right, physical_switch())
    assert sources.place(source_mac(OWN)) == place(OWN)
    mac = source_mac(OWN)
    assert sources.reason(stolen) == f"{mac} is the MAC of Physical_Switch br0, which is at {OWN}"
    assert sources.reason(right) is None


def test_rows_of_other_switches_of_the_database_count() -> None:
    """What names none of them is a leftover, and no fault."""
    local = source(address=FAR, is_local=True)
    model = Model(FEATURES)
    model.update(local)
    sources = model[ArpSources]
    assert (sources.place(MAC1), sources.reason(local)) == (None, None)
    other = physical_switch(name="br1", tunnel_ips=(FAR,), row=uuid(0x5001))
    assert SourcesAt(FAR) in model.update(other)
    assert sources.place(MAC1) == place(FAR)
    moved = physical_switch(name="br1", tunnel_ips=(FURTHER,), row=uuid(0x5001))
    assert SourcesAt(FAR) in model.update(moved)
    assert sources.place(MAC1) is None


_MACS = st.sampled_from((MAC1, MAC2, source_mac(OWN), source_mac(FAR)))
_ADDRESSES = st.sampled_from((OWN, FAR, FURTHER))
_ROWS = st.one_of(
    st.builds(
        source,
        _MACS,
        _ADDRESSES,
        row=st.integers(0, 4),
        key=st.sampled_from((None, 5)),
        is_local=st.booleans(),
    ),
    st.builds(
        lambda ips, row: physical_switch(name=f"br{row}", tunnel_ips=ips, row=uuid(0x5000 + row)),
        st.lists(_ADDRESSES, max_size=2, unique=True),
        st.integers(0, 1),
    ),
    st.integers(0, 4).map(lambda row: Gone(source(row=row).uuid)),
    st.integers(0, 1).map(lambda row: Gone(uuid(0x5000 + row))),
)


@given(st.lists(_ROWS, max_size=12))
def test_changes_leave_what_the_rows_say_and_tell_of_every_difference(
    changes: Iterable[VtepRow],
) -> None:
    model, rows = Model(FEATURES), {}
    sources = model[ArpSources]
    former = _places(sources)
    for change in changes:
        topics = set(model.update(change))
        rows[change.uuid] = change
        now = _places(sources)
        for address in former.keys() | now.keys():
            assert SourcesAt(address) in topics or former.get(address) == now.get(address)
        former = now
    fresh = told(*(row for row in rows.values() if not isinstance(row, Gone)))
    assert _places(fresh) == former
    assert {mac: fresh.place(mac) for mac in fresh.macs()} == {
        mac: sources.place(mac) for mac in sources.macs()
    }


def _places(sources: ArpSources) -> dict[str, Any]:
    return {address: sources.locators(address) for address in sources.addresses()}


# Alone or not


def new_world(**settings: Any) -> World:
    world = World(settings=Settings(**settings))
    world.tell(logical_switch(RED, 5001))
    world.physical(physical_switch(physical_port("p0", {0: RED})))
    world.bridge(*bridge().ports.values())
    world.settle()
    return world


def topics_of(world: World, *rows: VtepRow) -> list[Topic]:
    """Return the topics of serving that rows raise at the switch."""
    seen: list[Topic] = []
    invalidate = world.switch.invalidate

    def note(topic: Topic) -> None:
        if isinstance(topic, ServingChanged):
            seen.append(topic)
        invalidate(topic)

    world.switch.invalidate = note  # type: ignore[method-assign]
    world.tell(*rows)
    world.switch.invalidate = invalidate  # type: ignore[method-assign]
    return seen


def test_a_switch_is_alone_until_a_row_names_another_vtep() -> None:
    world = new_world()
    assert is_alone(world.switch.view)
    assert serves_tunnels(world.switch.view)
    assert topics_of(world, source(source_mac(OWN), OWN)) == []
    assert is_alone(world.switch.view)
    assert topics_of(world, source(row=1)) == [ServingChanged()]
    assert not is_alone(world.switch.view)
    assert not serves_tunnels(world.switch.view)
    assert topics_of(world, source(MAC2, FURTHER, row=2)) == []
    assert topics_of(world, Gone(source(row=1).uuid)) == []
    assert topics_of(world, Gone(source(row=2).uuid)) == [ServingChanged()]
    assert serves_tunnels(world.switch.view)


def test_a_switch_that_takes_over_the_address_of_its_peer_is_alone() -> None:
    world = new_world()
    world.tell(source())
    world.physical(physical_switch(physical_port("p0", {0: RED}), tunnel_ips=(FAR,)))
    assert is_alone(world.switch.view)


@pytest.mark.parametrize(("choice", "serves"), [(ALWAYS, True), (NEVER, False)])
def test_an_option_decides_whoever_else_routes(choice: str, serves: bool) -> None:
    world = new_world(gateway_for_tunnels=choice)
    assert serves_tunnels(world.switch.view) is serves
    world.tell(source())
    assert serves_tunnels(world.switch.view) is serves


# Remote VTEPs of routed logical switches


def routed_world(*, key: int | None = 5001) -> World:
    """Return a switch that binds red, which has a router, and blue, which has none."""
    world = World()
    world.tell(logical_switch(RED, key), logical_switch(BLUE, 5002), logical_router(RED))
    world.physical(physical_switch(physical_port("p0", {0: RED, 10: BLUE})))
    world.bridge(port("p0", 1))
    world.calm_down()
    return world


def peers(world: World, logical_switch: UUID = RED) -> set[str]:
    """Return the remote VTEPs whose frames are admitted into a logical switch."""
    found = world.switch.view[PeersHere].of(logical_switch)
    owned = {peer.address: world.switch.owned.get(peer) for peer in found}
    return {address for address, desired in owned.items() if desired and desired.uses}


def tunnels(world: World) -> set[str]:
    return set(world.switch.view[Tunnels].wanted())


def faults(world: World) -> set[Fault]:
    return {fault for fault in world.faults() if fault.subject.startswith("Arp_Sources")}


def test_a_vtep_that_routes_is_a_peer_of_routed_logical_switches_alone() -> None:
    world = routed_world()
    world.tell(source())
    world.calm_down()
    assert peers(world) == {FAR}
    assert peers(world, BLUE) == set()
    assert tunnels(world) == {FAR}
    assert TunnelTo(locator(FAR).uuid) in world.switch.rows[TunnelTo].wanted
    world.tell(Gone(source().uuid))
    world.calm_down()
    assert (peers(world), tunnels(world)) == (set(), set())
    assert not world.switch.rows[TunnelTo].wanted


def test_one_more_of_many_costs_no_flow_for_each_logical_switch() -> None:
    world = World()
    switches = [uuid(0x10 + number) for number in range(8)]
    world.tell(*(logical_switch(of, 5000 + of.int) for of in switches), logical_router(*switches))
    world.physical(physical_switch(physical_port("p0", {0: switches[0]})))
    world.bridge(port("p0", 1))
    world.tell(source(source_mac(FURTHER), FURTHER, row=1))
    world.calm_down()
    former = len(world.flow_values())
    world.tell(source())
    world.calm_down()
    fresh = len(world.flow_values()) - former
    of_source = world.switch.owned.get(Source(MAC1))
    assert of_source
    assert fresh == len(of_source.flows) + 2, "one into its tunnel, and one out of it"
    rows = [remote_mac(MAC2, FAR, of=of, row=uuid(0x1000 + of.int)) for of in switches]
    world.tell(*rows)
    world.calm_down()
    assert len(world.flow_values()) == former + fresh + 2 * len(rows)


def test_it_is_one_as_long_as_the_router_is_there() -> None:
    world = routed_world()
    world.tell(source(), Gone(logical_router().uuid))
    world.calm_down()
    assert (peers(world), tunnels(world)) == (set(), set())
    world.tell(logical_router(RED, BLUE))
    world.calm_down()
    assert (peers(world), peers(world, BLUE), tunnels(world)) == ({FAR}, {FAR}, {FAR})
    world.physical(physical_switch(physical_port("p0")))
    world.calm_down()
    assert (peers(world), peers(world, BLUE), tunnels(world)) == (set(), set(), set())


def test_it_receives_no_bum_frames() -> None:
    for flood in (False, True):
        world = World(settings=Settings(flood_without_unknown_dst=flood))
        world.tell(logical_switch(RED, 5001), logical_router(RED), source())
        world.physical(physical_switch(physical_port("p0", {0: RED})))
        world.bridge(port("p0", 1))
        world.calm_down()
        assert tunnels(world) == {FAR}
        replication = world.switch.owned.get(Replication(RED))
        assert replication is None or not replication.uses
        assert replication is None or not replication.faults


def test_without_a_key_of_the_logical_switch_that_of_the_locator_counts() -> None:
    world = routed_world(key=None)
    world.tell(source())
    world.calm_down()
    assert tunnels(world) == set()
    world.tell(source(MAC2, row=1, key=7))
    world.calm_down()
    assert (peers(world), tunnels(world)) == ({FAR}, {FAR})
    assert world.switch.view[VniMapping].vni_towards(Peer(RED, FAR)) == 7
    world.tell(Gone(source(row=1).uuid), logical_switch(RED, 5001))
    world.calm_down()
    assert peers(world) == {FAR}
    world.tell(logical_switch(RED, None))
    world.calm_down()
    assert (peers(world), tunnels(world)) == (set(), set())


def test_our_own_address_is_no_peer() -> None:
    world = routed_world()
    world.tell(source(source_mac(OWN), OWN))
    world.calm_down()
    assert tunnels(world) == set()
    assert not faults(world)


def test_rows_that_cannot_be_used_are_faults_where_a_router_is() -> None:
    world = routed_world()
    world.tell(source("", refused="src_mac: it is no good"), source(derived_mac("lr0"), row=1))
    world.calm_down()
    assert {fault.reason.split(";")[0] for fault in faults(world)} == {
        "src_mac: it is no good",
        f"{derived_mac('lr0')} is the MAC of Logical_Router lr0",
    }
    assert {word_of(fault) for fault in faults(world)} == {"unspecified_fault"}
    world.tell(Gone(logical_router().uuid))
    world.calm_down()
    assert not faults(world)


# What operators are told


def test_an_arp_source_is_found_by_its_mac_and_by_its_vtep() -> None:
    world = routed_world()
    world.tell(source())
    world.calm_down()
    view, found = world.switch.view, FEATURE.subjects
    assert list(found[STATION](MAC1, view)) == [Source(MAC1)]
    assert list(found[STATION](source_mac(OWN), view)) == [OwnSource()]
    assert list(found[STATION](MAC2, view)) == []
    assert list(found[ADDRESS](FAR, view)) == [Source(MAC1), RoutedSwitch(RED)]
    assert list(found[ADDRESS](FURTHER, view)) == []


def test_flows_say_what_they_did_to_a_frame() -> None:
    world = routed_world()
    world.tell(source())
    world.calm_down()
    said = {
        OwnSource(): "it is from or for the MAC address by which this VTEP routes",
        Source(MAC1): f"it is from or for {MAC1}, by which {FAR} routes",
        TunnelSide(logical_router().uuid, RED): "sent from the MAC address of this VTEP in place "
        "of that of Logical_Router lr0",
    }
    for owner, words in said.items():
        desired = world.switch.owned.get(owner)
        assert desired is not None
        passage = Passage(desired.flows[0].key, owner, {})
        assert FEATURE.verdicts[type(owner)](passage, world.switch.view) == words
