"""Two VTEPs with the same routers: any frame of a host is answered or routed by one of them.

Each has the other's ARP source and stations from the NVC. Frames go through the flows of the VTEP
where they come in, and their copies in tunnels through those of the other one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from vtep_ofapp.values.arp_sources import ArpSource, source_mac
from vtep_ofapp.values.rows import VtepRow

from . import protocols
from .builders import (
    BLUE,
    BROADCAST,
    RED,
    locator,
    logical_switch,
    physical_port,
    physical_switch,
    port,
    remote_mac,
    unknown_dst,
    uuid,
)
from .packets import Packet, tcp
from .protocols import REPLY, REQUEST
from .routed_fabric import Plan, ip
from .walk import Frame, Out, Pipeline
from .world import NO_CONNECTION, World

ADDRESSES = ["10.0.0.1", "10.0.0.2"]
SOURCES = [source_mac(each) for each in ADDRESSES]
ROUTER = Plan("r1", frozenset({RED, BLUE})).row()
PORTS = {RED: 1, BLUE: 2}
"""The OpenFlow port of each site that is bound to a logical switch."""


@dataclass(frozen=True)
class Station:
    """A host: at the first or second site, in a logical switch, by its number."""

    site: int
    in_blue: bool
    number: int

    @property
    def of(self) -> UUID:
        return BLUE if self.in_blue else RED

    @property
    def mac(self) -> str:
        return f"02:00:00:00:{self.of.int:02x}:{self.number:02x}"

    def ip(self, *, is_ipv6: bool = False) -> str:
        return ip(self.of, self.number, is_ipv6=is_ipv6)

    def frame(self, dst: str, said: Packet) -> Frame:
        return Frame(PORTS[self.of], self.mac, dst, packet=said)


STATIONS = [Station(site, in_blue, 11 + site) for site in (0, 1) for in_blue in (False, True)]


@dataclass(frozen=True)
class Arrival:
    """A copy at a port of a site."""

    site: int
    out: Out


class Sites:
    """Both VTEPs, at rest."""

    def __init__(self) -> None:
        self.worlds = [self._world(site) for site in (0, 1)]
        for station in STATIONS:
            world = self.worlds[station.site]
            for said, dst in _statements(station):
                for shown in self.pipeline(station.site).send(station.frame(dst, said)).shown:
                    world.switch.packet_in(shown.packet_in(NO_CONNECTION))
                    world.calm_down()
        self.pipelines = [self.pipeline(site) for site in (0, 1)]

    def pipeline(self, site: int) -> Pipeline:
        world = self.worlds[site]
        return Pipeline(world.flow_values(), world.group_values())

    def _world(self, site: int) -> World:
        world, other = World(), ADDRESSES[1 - site]
        ports = physical_port("p0", {0: RED}), physical_port("p1", {0: BLUE})
        world.tell(
            *(logical_switch(of, 5000 + of.int, source_node=True) for of in PORTS),
            *(unknown_dst(other, of=of) for of in PORTS),
            ROUTER,
            ArpSource(uuid(0xA500), SOURCES[1 - site], locator(other)),
            *_remote(site, other),
        )
        world.physical(physical_switch(*ports, tunnel_ips=[ADDRESSES[site]]))
        world.bridge(port("p0", 1), port("p1", 2))
        world.calm_down()
        return world

    def arrivals(self, site: int, frame: Frame, most: int = 2) -> Iterator[Arrival]:
        """Yield the copies that leave by bindings of both sites."""
        world = self.worlds[site]
        assert most, "a frame goes to and fro between the tunnels"
        for out in self.pipelines[site].send(frame).outputs:
            if not any(out.port == each.number for each in world.tunnel_ports()):
                yield Arrival(site, out)
                continue
            (back,) = (each.number for each in self.worlds[1 - site].tunnel_ports())
            assert back is not None
            src, dst = (
                out.fields[name].to_bytes(6, "big").hex(":") for name in ("eth_src", "eth_dst")
            )
            said = replace(frame.packet, ttl=out.fields.get("nw_ttl", 0))
            yield from self.arrivals(
                1 - site, Frame(back, src, dst, (), out.vni, packet=said), most - 1
            )


def _statements(station: Station) -> Iterator[tuple[Packet, str]]:
    mine, mine6 = station.ip(), station.ip(is_ipv6=True)
    yield protocols.arp(REQUEST, station.mac, mine, mine), BROADCAST
    said = protocols.advertisement(mine6, "ff02::1", mine6, station.mac)
    yield said, protocols.group_mac("ff02::1")


def _remote(site: int, other: str) -> Iterator[VtepRow]:
    """Yield what the NVC tells a site of the stations of the other one."""
    theirs = [each for each in STATIONS if each.site != site]
    for number, station in enumerate(theirs):
        for is_ipv6 in (False, True):
            row = uuid(0x1000 + 2 * number + is_ipv6)
            place = remote_mac(station.mac, other, of=station.of, row=row)
            yield replace(place, ip=station.ip(is_ipv6=is_ipv6))


_made: list[Sites] = []


def sites() -> Sites:
    """Return both VTEPs; frames change nothing of them."""
    if not _made:
        _made.append(Sites())
    return _made[0]


@given(source=st.sampled_from(STATIONS), target=st.sampled_from(STATIONS), is_ipv6=st.booleans())
def test_a_packet_is_routed_by_one_site_and_arrives_once(
    source: Station, target: Station, is_ipv6: bool
) -> None:
    """Invariants 1 and 3."""
    said = tcp(source.ip(is_ipv6=is_ipv6), target.ip(is_ipv6=is_ipv6), 1024, 80)
    arrived = list(sites().arrivals(source.site, source.frame(ROUTER.mac, said)))
    (only,) = arrived
    assert (only.site, only.out.port) == (target.site, PORTS[target.of])
    fields = only.out.fields
    assert (fields["nw_ttl"], fields["eth_dst"]) == (63, protocols.number(target.mac))
    hides = source.site != target.site
    src = SOURCES[source.site] if hides else ROUTER.mac
    assert fields["eth_src"] == protocols.number(src)


@given(source=st.sampled_from(STATIONS), is_ipv6=st.booleans())
def test_a_request_for_the_router_is_answered_by_one_site(source: Station, is_ipv6: bool) -> None:
    """Invariant 3: where the host is, and nobody else hears it."""
    target = ip(source.of, 1, is_ipv6=is_ipv6)
    if is_ipv6:
        said = protocols.solicitation(source.ip(is_ipv6=True), target, source.mac)
        dst = protocols.group_mac(protocols.solicited_node(target))
    else:
        said, dst = protocols.arp(REQUEST, source.mac, source.ip(), target), BROADCAST
    (only,) = sites().arrivals(source.site, source.frame(dst, said))
    assert (only.site, only.out.port) == (source.site, PORTS[source.of])
    assert only.out.fields["eth_src"] == protocols.number(ROUTER.mac)


@given(source=st.sampled_from(STATIONS), site=st.sampled_from([0, 1]))
def test_an_answer_to_a_sites_own_request_is_taken_by_that_site(source: Station, site: int) -> None:
    said = protocols.arp(REPLY, source.mac, source.ip(), ip(source.of, 1), SOURCES[site])
    frame = source.frame(SOURCES[site], said)
    assert not list(sites().arrivals(source.site, frame))
    packet = tcp(source.ip(), ip(BLUE, 11), 1024, 80)
    (only,) = sites().arrivals(source.site, source.frame(SOURCES[site], packet))
    assert only.out.fields["nw_ttl"] == 63
