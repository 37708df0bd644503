"""Any sequence of rows of routers and ARP sources leaves what a new process would want as well."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from vtep_ofapp.features.arp_sources.rows import ArpSources
from vtep_ofapp.features.arp_sources.serving import serves_tunnels
from vtep_ofapp.process.settings import Settings
from vtep_ofapp.values.arp_sources import ArpSource, source_mac
from vtep_ofapp.values.routers import derived_mac
from vtep_ofapp.values.rows import BridgePort, Gone, VtepRow

from .builders import (
    BLUE,
    FAR,
    FURTHER,
    MAC1,
    MAC2,
    OWN,
    RED,
    locator,
    logical_router,
    logical_switch,
    physical_port,
    physical_switch,
    port,
    remote_mac,
    uuid,
)
from .reference import KnownSwitch, Reference, Tunnel, present
from .walk import Frame, Pipeline
from .world import World

Change: TypeAlias = Callable[[World], None]
MACS = (MAC1, source_mac(OWN), source_mac(FAR), derived_mac("lr0"), "")
SWITCHES = st.sampled_from((RED, BLUE))
VLANS = {RED: 0, BLUE: 10}
VNIS = (5, 6, 5001, 5002)
ROWS = st.integers(0, 2)


def tell_of_source(row: int, mac: str, address: str, key: int | None, is_local: bool) -> Change:
    refused = "" if mac else "src_mac: it is no good"
    source = ArpSource(uuid(0xA6000 + row), mac, locator(address, key), is_local, refused)
    return lambda world: world.tell(source)


def bind(bound: frozenset[object], tunnel_ip: str) -> Change:
    vlans = {vlan: each for each, vlan in VLANS.items() if each in bound}
    row = physical_switch(physical_port("p0", vlans), tunnel_ips=(tunnel_ip,))
    return lambda world: world.physical(row)


CHANGES: st.SearchStrategy[Change] = st.one_of(
    st.builds(
        tell_of_source,
        ROWS,
        st.sampled_from(MACS),
        st.sampled_from((OWN, FAR, FURTHER)),
        st.sampled_from((None, 5, 6)),
        st.booleans(),
    ),
    ROWS.map(lambda row: lambda world: world.tell(Gone(uuid(0xA6000 + row)))),
    st.frozensets(SWITCHES).map(lambda of: lambda world: world.tell(logical_router(*sorted(of)))),
    st.just(lambda world: world.tell(Gone(logical_router().uuid))),
    st.builds(bind, st.frozensets(SWITCHES), st.sampled_from((OWN, FAR))),
    st.builds(
        lambda of, key: lambda world: world.tell(logical_switch(of, key)),
        SWITCHES,
        st.sampled_from((None, 5, 5001, 5002)),
    ),
    SWITCHES.map(lambda of: lambda world: world.tell(remote_mac(MAC2, FAR, of=of))),
    st.just(lambda world: world.settle()),
    st.just(lambda world: world.calm_down()),
)


class WithUsedSources:
    """A world without the rows of ARP sources that cannot be used."""

    def __init__(self, world: World) -> None:
        sources = world.switch.view[ArpSources]
        self.settings = world.settings
        self.switches: Mapping[str, KnownSwitch] = world.switches
        self.tunnel_ports: Callable[[str], list[BridgePort]] = world.tunnel_ports
        self.ports_to_anyone: Callable[[str], list[BridgePort]] = world.ports_to_anyone
        self.rows: Mapping[UUID, VtepRow] = {
            key: row
            for key, row in world.rows.items()
            if not isinstance(row, ArpSource) or row in sources.rows_at(row.address)
        }


def check_admission(world: World) -> None:
    """Compare who is admitted, into which logical switch, with what the rows say."""
    known = WithUsedSources(world)
    reference, pipeline = Reference(known), Pipeline(world.flow_values(), world.group_values())
    for tunnel in world.tunnel_ports():
        assert tunnel.remote
        assert tunnel.number
        for vni in VNIS:
            frame = Frame(tunnel.number, MAC1, "02:00:00:00:00:77", vni=vni)
            expected = reference.let_in("br0", Tunnel(tunnel.remote, vni))
            assert admitted_to(pipeline, frame, known) == expected, (tunnel.remote, vni)


def admitted_to(pipeline: Pipeline, frame: Frame, known: WithUsedSources) -> UUID | None:
    """Return the logical switch that a frame for an unknown station gets into.

    It is flooded to the binding. The one that has none is joined to the other by a router.
    """
    result = pipeline.send(frame)
    if result.dropped:
        return None
    tags = {out.tags for out in result.outputs}
    bound = set(Reference(known).bindings("br0").values())
    for each in present(known, "br0"):
        if tags == ({(VLANS[each],) if VLANS[each] else ()} if each in bound else set()):
            return each
    raise AssertionError(f"{frame} came to {tags}")


@given(st.lists(CHANGES, max_size=15))
def test_what_is_wanted_depends_on_the_rows_alone(changes: Iterable[Change]) -> None:
    world = World()
    world.tell(logical_switch(RED, 5001), logical_switch(BLUE, 5002), logical_router(RED))
    world.physical(physical_switch(physical_port("p0", {0: RED})))
    world.bridge(port("p0", 1))
    world.calm_down()
    for change in changes:
        change(world)
    world.calm_down()
    fresh = world.restarted_and_settled()
    mine, expected = world.summary(), fresh.summary()
    for what in expected:
        assert mine[what] == expected[what], what
    assert serves_tunnels(world.switch.view) is serves_tunnels(fresh.switch.view)


ADMITTING: st.SearchStrategy[Change] = st.one_of(
    st.builds(
        tell_of_source,
        ROWS,
        st.sampled_from((MAC1, MAC2)),
        st.sampled_from((FAR, FURTHER)),
        st.sampled_from((None, 5, 5001)),
        st.just(False),
    ),
    ROWS.map(lambda row: lambda world: world.tell(Gone(uuid(0xA6000 + row)))),
    st.frozensets(SWITCHES).map(lambda of: lambda world: world.tell(logical_router(*sorted(of)))),
    st.builds(bind, st.frozensets(SWITCHES, min_size=1), st.just(OWN)),
    st.builds(
        lambda of, key: lambda world: world.tell(logical_switch(of, key)),
        SWITCHES,
        st.sampled_from((None, 5, 5001, 5002)),
    ),
    st.builds(
        lambda of, row: lambda world: world.tell(remote_mac(MAC2, FAR, of=of, row=row)),
        SWITCHES,
        st.sampled_from((uuid(0x1000), uuid(0x1001))),
    ),
    st.just(lambda world: world.tell(Gone(uuid(0x1000)))),
)


@given(st.lists(ADMITTING, max_size=8), st.sampled_from(("named", "any")))
def test_who_is_admitted_is_what_the_rows_say(changes: Iterable[Change], accept_from: str) -> None:
    world = World(settings=Settings(accept_from=accept_from))
    world.tell(logical_switch(RED, 5001), logical_switch(BLUE, 5002), logical_router(RED, BLUE))
    world.physical(physical_switch(physical_port("p0", {0: RED, 10: BLUE})))
    world.bridge(port("p0", 1))
    tell_of_source(0, MAC1, FAR, None, is_local=False)(world)
    world.calm_down()
    check_admission(world)
    for change in changes:
        change(world)
        world.calm_down()
        check_admission(world)
    mine, expected = world.summary(), world.restarted_and_settled().summary()
    assert mine == expected
