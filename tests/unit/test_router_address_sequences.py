"""Addresses of routers and of VTEPs that route are never those of learned stations.

Invariant 2 of routing: hosts send from all of these addresses, before they are a router's or a
VTEP's, at the same time, after it, and before a restart during which they become so. The model has
the rows alone.
"""

from collections.abc import Iterable, Mapping
from enum import Enum, auto
from typing import NamedTuple, TypeAlias
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from vtep_ofapp.features.local_macs import LocalGateway
from vtep_ofapp.process.settings import Settings
from vtep_ofapp.values.arp_sources import ArpSource, source_mac
from vtep_ofapp.values.flows import Flow, FlowKey
from vtep_ofapp.values.routers import LogicalRouter, derived_mac, parse_interface
from vtep_ofapp.values.rows import Gone, VtepRow

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
    uuid,
)
from .walk import Frame, Pipeline
from .world import World

Station: TypeAlias = tuple[UUID, str]
VLANS = {RED: 0, BLUE: 10}
ROUTERS = {uuid(0x9000): "lr0", uuid(0x9001): "lr1"}
SOURCES = {uuid(0xA6000): MAC1, uuid(0xA6001): source_mac(FAR)}
MACS = (MAC1, MAC2, *map(derived_mac, ROUTERS.values()), *map(source_mac, (OWN, FAR)))
LAST = "02:00:00:00:00:99"


class Rows(NamedTuple):
    """What the NVC wrote: what each router joins, the VTEP of each ARP source, what is bound."""

    joined: Mapping[UUID, frozenset[UUID]]
    sources: Mapping[UUID, str]
    bound: frozenset[UUID]
    tunnel_ip: str

    def routers(self) -> list[LogicalRouter]:
        """Return the routers that join a logical switch that is present here."""
        present = set(self.bound)
        for _ in self.joined:
            present.update(*(of for of in self.joined.values() if present & of))
        used = [row for row, of in self.joined.items() if present & of]
        return [self.router(row) for row in used]

    def router(self, row: UUID) -> LogicalRouter:
        addresses = {of: f"10.0.{of.int}.{row.int % 16 + 1}/24" for of in self.joined[row]}
        keys = {of: (parse_interface(address),) for of, address in addresses.items()}
        return logical_router(row=row, name=ROUTERS[row], interfaces=keys)

    def others(self) -> set[str]:
        """Return the addresses that other VTEPs send from; our own is not one of them."""
        macs = {SOURCES[row] for row, vtep in self.sources.items() if vtep != self.tunnel_ip}
        return macs - {source_mac(self.tunnel_ip)}

    def all(self) -> dict[UUID, VtepRow]:
        found: list[VtepRow] = [self.router(row) for row in self.joined]
        for row, vtep in self.sources.items():
            found.append(ArpSource(row, SOURCES[row], locator(vtep)))
        return {row.uuid: row for row in found}


class When(Enum):
    """When hosts send: before rows change, with them, after them, or before a restart."""

    BEFORE = auto()
    TOGETHER = auto()
    AFTER = auto()
    UNSEEN = auto()


class Network:
    """A switch, what an NVC writes, and hosts that send from all addresses."""

    def __init__(self, gateway_for_tunnels: str) -> None:
        self.world = World(settings=Settings(gateway_for_tunnels=gateway_for_tunnels))
        self.world.tell(logical_switch(RED, 5001), logical_switch(BLUE, 5002))
        self.rows = Rows({}, {}, frozenset(), OWN)
        self.put(Rows({}, {}, frozenset(VLANS), OWN))
        self.world.bridge(port("p0", 1))
        self.world.calm_down()

    def put(self, rows: Rows) -> None:
        before, self.rows = self.rows, rows
        former, now = before.all(), rows.all()
        self.world.tell(*(row for key, row in now.items() if former.get(key) != row))
        self.world.tell(*map(Gone, sorted(former.keys() - now.keys())))
        if (before.bound, before.tunnel_ip) != (rows.bound, rows.tunnel_ip):
            row = physical_port("p0", {VLANS[of]: of for of in rows.bound})
            self.world.physical(physical_switch(row, tunnel_ips=(rows.tunnel_ip,)))

    def hosts_send(self) -> None:
        """The switch shows a frame from each address: it may have left before the flows changed."""
        for vlan in VLANS.values():
            for mac in MACS:
                self.world.see(mac, "p0", vlan)

    def change(self, rows: Rows, when: When) -> None:
        if when in (When.BEFORE, When.UNSEEN):
            self.hosts_send()
            self.world.calm_down()
        there = dict(self.world.switch.flows.wanted)
        self.put(rows)
        if when is When.UNSEEN:
            self.restart(there)
        elif when is When.TOGETHER:
            self.hosts_send()
        self.world.calm_down()
        self.check()
        if when is When.AFTER:
            self.hosts_send()
            self.world.calm_down()
            self.check()
            assert set(self.world.macs.all()) == self.stations()

    def restart(self, there: Mapping[FlowKey, Flow]) -> None:
        """Replace the process; the new one learns stations from the flows of the switch alone."""
        self.world = self.world.restarted()
        for station in list(self.world.macs.all()):
            self.world.macs.forget(*station)
        self.world.read_back(dict(there), {})

    # What holds at rest

    def stations(self) -> set[Station]:
        """Return what may be a station."""
        routers = self.rows.routers()
        of_routers = {(of, row.mac) for row in routers for of in row.interfaces}
        of_vteps = self.rows.others() | {source_mac(self.rows.tunnel_ip)} if routers else set()
        everyone = {(of, mac) for of in self.rows.bound for mac in MACS if mac not in of_vteps}
        return everyone - of_routers

    def check(self) -> None:
        world, stations = self.world, self.stations()
        assert set(world.macs.all()) <= stations
        reported = {(key.logical_switch, key.mac) for key in world.switch.rows[LocalGateway].wanted}
        serves = world.settings.gateway_for_tunnels != "never" and not self.rows.others()
        routers = self.rows.routers() if serves else []
        assert reported == {(of, row.mac) for row in routers for of in row.interfaces}
        pipeline = Pipeline(world.flow_values(), world.group_values())
        for of in self.rows.bound:
            tags = (VLANS[of],) if VLANS[of] else ()
            for mac in MACS:
                is_shown = bool(pipeline.send(Frame(1, mac, LAST, tags)).shown)
                is_unknown = (of, mac) in stations and (of, mac) not in world.macs.all()
                assert is_shown is is_unknown, (of, mac)


SWITCHES = st.frozensets(st.sampled_from(sorted(VLANS)))
ROWS = st.builds(
    Rows,
    st.dictionaries(
        st.sampled_from(sorted(ROUTERS)),
        st.frozensets(st.sampled_from(sorted(VLANS)), min_size=1),
    ),
    st.dictionaries(st.sampled_from(sorted(SOURCES)), st.sampled_from((OWN, FAR, FURTHER))),
    SWITCHES,
    st.sampled_from((OWN, FAR)),
)


@given(
    st.lists(
        st.tuples(ROWS, st.sampled_from(("all", *Rows._fields)), st.sampled_from(When)),
        min_size=2,
        max_size=6,
    ),
    st.sampled_from(("auto", "never")),
)
def test_no_station_has_the_address_of_a_router_or_of_a_vtep(
    changes: Iterable[tuple[Rows, str, When]], gateway_for_tunnels: str
) -> None:
    network = Network(gateway_for_tunnels)
    for rows, what, when in changes:
        changed = rows if what == "all" else network.rows._replace(**{what: getattr(rows, what)})
        network.change(changed, when)
