"""Stations with the MAC address of an ARP source: there are none.

These addresses are those of VTEPs. A frame from one of them that comes in by a binding is a copy,
or a loop, and is dropped; a packet to one of them is routed, or goes to its VTEP.
"""

from collections.abc import Iterator
from typing import NamedTuple

from ...engine.topics import StationsChanged
from ...engine.view import View
from ...values.arp_sources import source_mac
from ..bindings.ports import Ports
from ..learning.stations import LearnedMacs
from ..routers.routed import Routed
from .keys import OwnSource
from .rows import ArpSources, Source


class OfVtep(NamedTuple):
    """A MAC address is that of an ARP source, which it may not have been before."""

    mac: str


def is_of_vtep(mac: str, view: View) -> bool:
    """Whether a MAC address is that of an ARP source, our own or another's, where a router is."""
    if not view[Routed]:
        return False
    place = view[ArpSources].place(mac)
    if place is not None and not view.tunnels.is_own(place.address):
        return True
    return view.tunnel_ip is not None and mac == source_mac(view.tunnel_ip)


def turned(topic: OwnSource | Source, view: View) -> Iterator[OfVtep]:
    """Yield the MAC address of an ARP source that is used."""
    if isinstance(topic, Source):
        mac = topic.mac
    else:
        mac = source_mac(view.tunnel_ip) if view.tunnel_ip else ""
    if is_of_vtep(mac, view):
        yield OfVtep(mac)


def forget(topic: OfVtep, view: View) -> tuple[()]:
    """Forget the stations of this switch that were learned with such a MAC address."""
    for logical_switch in view[Ports].bound():
        view[LearnedMacs].forget_at(view.name, logical_switch, topic.mac)
    return ()


def forget_new(topic: StationsChanged, view: View) -> tuple[()]:
    """Forget those that an earlier process had learned, and whose flows were read back."""
    if view[Routed]:
        for logical_switch, mac in topic.stations:
            if is_of_vtep(mac, view):
                view[LearnedMacs].forget_at(view.name, logical_switch, mac)
    return ()
