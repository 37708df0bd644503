"""Frames that a soak run sends from everywhere to everywhere, and where each has to arrive."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from sim.lab.delivery import Delivery
from sim.soak.lists import EGRESS, ETHERTYPE_ARP, ETHERTYPE_IPV4, INGRESS, Header
from sim.soak.world import (
    ENDPOINTS,
    HOSTS,
    STRANGE_VLAN,
    STRANGE_VNI,
    UNKNOWN_DST,
    Binding,
    LogicalSwitch,
    World,
)
from sim.wire.frames import BROADCAST, PROBED_PORT, group_mac


@dataclass(frozen=True)
class Shot:
    """A frame to be sent, by a host behind a binding or from a remote VTEP, and its deliveries."""

    header: Header
    allowed: tuple[Delivery, ...]
    """Each of these is right; any other is not."""
    binding: Binding | None = None
    endpoint: str = ""
    vni: int = 0
    asked: str = ""
    """The IPv4 address that is asked for by a frame of ARP, without one of the sender."""

    @property
    def src(self) -> str:
        """The address that the frame comes from."""
        return self.header.src

    @property
    def dst(self) -> str:
        """The address that the frame is for."""
        return self.header.dst

    def __str__(self) -> str:
        """Describe the frame."""
        where = f"{self.endpoint} vni {self.vni}"
        if self.binding:
            where = f"{HOSTS[self.binding.port]} {self.binding.label}"
        about = self.asked or self.header.dst_ip
        return f"{where}: {self.src} > {self.dst}{about and f' for {about}'}"


def shots(world: World) -> Iterator[Shot]:
    """Yield frames that show, for each logical switch, which stations reach which."""
    return _Shots(world).all()


class _Shots:
    """Makes the frames for a world as it is now."""

    def __init__(self, world: World) -> None:
        self._world = world

    def all(self) -> Iterator[Shot]:
        """Yield frames that show, for each logical switch, which stations reach which."""
        for each in self._world.bound():
            yield from self._from_bindings(each)
            yield from self._from_tunnels(each)
        for port in sorted(self._world.ports):
            stray = Binding(port, STRANGE_VLAN)
            yield Shot(Header(stray.resident, BROADCAST), ({},), binding=stray)
        for endpoint in ENDPOINTS.values():
            header = Header(_outsider(1), BROADCAST)
            yield Shot(header, ({},), endpoint=endpoint, vni=STRANGE_VNI)

    def _from_bindings(self, within: LogicalSwitch) -> Iterator[Shot]:
        stations = within.stations()
        residents = {place: mac for mac, place in reversed(stations.items())}
        places = sorted(residents)
        for place in places:
            yield self._broadcast(within, place, Header(residents[place], BROADCAST))
        turns = itertools.cycle(places)
        for mac in sorted({*list(stations)[:12], *list(within.remote)[:12]}):
            place = next(turns)
            yield self._unicast(within, place, Header(residents[place], mac))
        everyone = within.groups.get(UNKNOWN_DST, set())
        for mac in sorted((within.groups.keys() | _joined(within)) - {UNKNOWN_DST}):
            place = next(turns)
            header = Header(residents[place], mac)
            allowed = self._flooded(within, place, within.groups.get(mac, everyone), header)
            yield self._leaving(place, header, allowed)
        for number, mac in enumerate(sorted(stations)[:6]):
            place = next(turns)
            ip = f"10.{1 + number // 3}.{number}.1"
            header = Header(residents[place], mac, ETHERTYPE_IPV4, ip, PROBED_PORT)
            yield self._unicast(within, place, header)
        for mac in sorted(within.ips.keys() & within.remote.keys())[:4]:
            place = next(turns)
            yield self._question(within, place, residents[place], mac)

    def _question(self, within: LogicalSwitch, place: Binding, asker: str, mac: str) -> Shot:
        """Return who hears a probe of ARP for an address that the NVC has placed: the asker."""
        flooded = self._broadcast(within, place, Header(asker, BROADCAST, ETHERTYPE_ARP))
        answer = self._at({place}, Header(mac, asker, ETHERTYPE_ARP))
        # Without a VNI there is no way to the station, and either is right.
        either = flooded.allowed if self._world.vni(within) is None else ()
        allowed = (answer, *either)
        return Shot(flooded.header, allowed, binding=place, asked=within.ips[mac])

    def _broadcast(self, within: LogicalSwitch, place: Binding, header: Header) -> Shot:
        addresses = within.groups.get(UNKNOWN_DST, set())
        return self._leaving(place, header, self._flooded(within, place, addresses, header))

    def _unicast(self, within: LogicalSwitch, place: Binding, header: Header) -> Shot:
        return self._leaving(place, header, (self._known(within, place, header),))

    def _leaving(self, place: Binding, header: Header, allowed: tuple[Delivery, ...]) -> Shot:
        """Return the shot of a host behind a binding, which an access list may stop there."""
        enters = self._world.passes(place, INGRESS, header)
        return Shot(header, allowed if enters else ({},), binding=place)

    def _from_tunnels(self, within: LogicalSwitch) -> Iterator[Shot]:
        if within.vni is None:
            return
        stations = within.stations()
        for number, (address, endpoint) in enumerate(ENDPOINTS.items()):
            enters = self._world.vni(within) is not None and address in within.addresses()
            header = Header(_outsider(number), BROADCAST)
            everywhere = self._at(within.bindings, header) if enters else {}
            yield Shot(header, (everywhere,), endpoint=endpoint, vni=within.vni)
            for mac in sorted(_joined(within)):
                header = Header(_outsider(number), mac)
                delivery = self._at(within.joined(mac), header) if enters else {}
                yield Shot(header, (delivery,), endpoint=endpoint, vni=within.vni)
            for mac in list(stations)[number : number + 2]:
                header = Header(_outsider(number), mac)
                delivery = self._at({stations[mac]}, header) if enters else {}
                yield Shot(header, (delivery,), endpoint=endpoint, vni=within.vni)

    def _known(self, within: LogicalSwitch, origin: Binding, header: Header) -> Delivery:
        if header.dst in within.remote:
            return self._tunnelled(within, {within.remote[header.dst]})
        return self._at({within.stations()[header.dst]} - {origin}, header)

    def _flooded(
        self, within: LogicalSwitch, origin: Binding, addresses: set[str], header: Header
    ) -> tuple[Delivery, ...]:
        local = self._at(within.joined(header.dst) - {origin}, header)
        if within.source_node or not addresses:
            return ({**local, **self._tunnelled(within, addresses)},)
        return tuple({**local, **self._tunnelled(within, {each})} for each in sorted(addresses))

    def _tunnelled(self, within: LogicalSwitch, addresses: set[str]) -> Delivery:
        vni = self._world.vni(within)
        if vni is None:
            return {}
        return {ENDPOINTS[each]: [f"vni {vni}"] for each in addresses if each in ENDPOINTS}

    def _at(self, bindings: Collection[Binding], header: Header) -> Delivery:
        """Return the delivery of a frame to those bindings whose access lists permit it."""
        delivery: Delivery = {}
        for each in bindings:
            if self._world.passes(each, EGRESS, header):
                delivery.setdefault(HOSTS[each.port], []).append(each.label)
        return {host: sorted(labels) for host, labels in delivery.items()}


def _joined(within: LogicalSwitch) -> set[str]:
    """Return the addresses of the groups that somebody is a member of."""
    return {group_mac(group) for group, _ in within.members}


def _outsider(number: int) -> str:
    """Return the address of a station behind a remote VTEP, which no row names."""
    return f"02:60:00:00:00:{number:02x}"
