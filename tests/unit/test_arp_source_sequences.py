"""Any sequence of rows of routers and ARP sources leaves what a new process would want as well."""

from collections.abc import Callable, Iterable
from typing import TypeAlias

from hypothesis import given
from hypothesis import strategies as st

from vtep_ofapp.features.arp_sources.serving import serves_tunnels
from vtep_ofapp.values.arp_sources import ArpSource, source_mac
from vtep_ofapp.values.routers import derived_mac
from vtep_ofapp.values.rows import Gone

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
from .world import World

Change: TypeAlias = Callable[[World], None]
MACS = (MAC1, source_mac(OWN), source_mac(FAR), derived_mac("lr0"), "")
SWITCHES = st.sampled_from((RED, BLUE))
ROWS = st.integers(0, 2)


def tell_of_source(row: int, mac: str, address: str, key: int | None, is_local: bool) -> Change:
    refused = "" if mac else "src_mac: it is no good"
    source = ArpSource(uuid(0xA6000 + row), mac, locator(address, key), is_local, refused)
    return lambda world: world.tell(source)


def bind(bound: frozenset[object], tunnel_ip: str) -> Change:
    vlans = {10 * number: each for number, each in enumerate((RED, BLUE)) if each in bound}
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
