"""What operators are told of ARP sources: owners by name, and what flows do."""

from collections.abc import Iterator, Mapping

from ...engine.desired import Key
from ...engine.operator_view import ADDRESS, STATION, Concerned, Passage, Verdict
from ...engine.view import View
from ...values.arp_sources import source_mac
from ..routers.here import RoutersHere
from ..routers.routed import Routed
from .keys import OwnSource, RoutedSwitch, TunnelSide
from .rows import ArpSources, Source


def _of_station(mac: str, view: View) -> Iterator[Key]:
    if view.tunnel_ip is not None and mac == source_mac(view.tunnel_ip):
        yield OwnSource()
    if view[ArpSources].rows(mac):
        yield Source(mac)


def _of_address(ip: str, view: View) -> Iterator[Key]:
    macs = sorted(view[ArpSources].macs_at(ip))
    yield from map(Source, macs)
    if macs:
        yield from map(RoutedSwitch, sorted(view[Routed]))


def _own_source(passage: Passage, view: View) -> str:
    return "it is from or for the MAC address by which this VTEP routes"


def _source(passage: Passage, view: View) -> str | None:
    assert isinstance(passage.owner, Source)
    mac = passage.owner.mac
    place = view[ArpSources].place(mac)
    return f"it is from or for {mac}, by which {place.address} routes" if place else None


def _tunnel_side(passage: Passage, view: View) -> str | None:
    assert isinstance(passage.owner, TunnelSide)
    name = view[RoutersHere].name(passage.owner.router)
    return f"sent from the MAC address of this VTEP in place of that of {name}"


SUBJECTS: Mapping[str, Concerned] = {STATION: _of_station, ADDRESS: _of_address}
VERDICTS: Mapping[type, Verdict] = {
    OwnSource: _own_source,
    Source: _source,
    TunnelSide: _tunnel_side,
}
