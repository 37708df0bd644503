"""What the soak run has asked for so far, and what must follow from it, as plain data.

From what the NVC wrote and from the places of hosts come the deliveries of probes, the local rows,
the tunnels and the faults that the real switch must show.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from sim.lab.delivery import Delivery
from sim.wire.frames import BROADCAST

UNKNOWN_DST = "unknown-dst"

HOSTS = {"p0": "vm1", "p1": "vm2", "p2": "vm3", "p3": "vm4"}
"""The virtual machine at each port of br0."""

ENDPOINTS = {
    "10.2.2.2": "service-node",
    "10.2.2.3": "hypervisor",
    "10.2.2.4": "third",
    "10.2.2.5": "fourth",
}
"""The remote VTEPs that there are, by address."""

NOWHERE = tuple(f"10.2.2.{number}" for number in range(20, 28))
"""Addresses that the NVC names as well, and that no host has."""

STEADY, MARKS = "steady", "marks"
STEADY_VNI, STRANGE_VNI, STRANGE_VLAN = 33, 999, 99

STEADY_PORTS = ("p0", "p1")
"""Ports that are never removed: their hosts send all the time."""


@dataclass(frozen=True, order=True)
class Binding:
    """A VLAN of a port; 0 stands for untagged frames."""

    port: str
    vlan: int

    @property
    def tags(self) -> tuple[int, ...]:
        """The tags of a frame that enters here."""
        return (self.vlan,) if self.vlan else ()

    @property
    def label(self) -> str:
        """How a frame that leaves here is seen by the host."""
        return f"vlan {self.vlan}" if self.vlan else "untagged"

    @property
    def resident(self) -> str:
        """The address of the station that is always here."""
        return f"02:10:00:00:{self.port[1:].zfill(2)}:{self.vlan:02x}"


STEADY_BINDINGS = {
    Binding("p0", 0): "02:00:00:00:00:01",
    Binding("p1", 0): "02:00:00:00:00:02",
}
"""Where the hosts of the known streams are, and their addresses."""

FAR_STATION = "00:11:22:33:44:55"
"""The address of the hypervisor's own host, which takes part in the known streams."""


@dataclass
class LogicalSwitch:
    """A logical switch as the NVC wants it, and the stations behind its bindings."""

    name: str
    vni: int | None = None
    source_node: bool = False
    bindings: set[Binding] = field(default_factory=set)
    remote: dict[str, str] = field(default_factory=dict)
    """MAC address to the address of the VTEP where the NVC places it."""
    groups: dict[str, set[str]] = field(default_factory=dict)
    """The locators of unknown-dst, and of multicast addresses."""
    guests: dict[str, Binding] = field(default_factory=dict)
    """Stations that move about, and where each one is."""
    trail: dict[str, set[Binding]] = field(default_factory=dict)
    """Where each of them has been since the last checkpoint."""

    def stations(self) -> dict[str, Binding]:
        """Return every station that is behind a binding, and where."""
        residents = {
            STEADY_BINDINGS.get(each, each.resident): each for each in sorted(self.bindings)
        }
        return {**residents, **self.guests}

    def addresses(self) -> set[str]:
        """Return the addresses of all remote VTEPs that rows of this logical switch name."""
        return set(self.remote.values()).union(*self.groups.values())

    def unbind(self, binding: Binding) -> None:
        """Remove a binding, and its stations."""
        self.bindings.discard(binding)
        self.guests = {mac: place for mac, place in self.guests.items() if place != binding}

    def arrive(self, guest: str, place: Binding) -> None:
        """Note that a guest is behind that binding from now on."""
        self.guests[guest] = place
        self.trail.setdefault(guest, set()).add(place)

    def meet_again(self, known: Collection[str]) -> None:
        """Restore guests that still have a local row and a binding where they have been.

        No application may have been master when the binding went and came back, or when they moved.
        """
        for mac, places in self.trail.items():
            if mac in known and mac not in self.guests and places & self.bindings:
                self.guests[mac] = min(places & self.bindings)
        self.trail = {mac: {place} for mac, place in self.guests.items()}


@dataclass(frozen=True)
class Shot:
    """A frame to be sent, by a host behind a binding or from a remote VTEP, and its deliveries."""

    src: str
    dst: str
    allowed: tuple[Delivery, ...]
    """Each of these is right; any other is not."""
    binding: Binding | None = None
    endpoint: str = ""
    vni: int = 0

    def __str__(self) -> str:
        """Describe the frame."""
        where = f"{self.endpoint} vni {self.vni}"
        if self.binding:
            where = f"{HOSTS[self.binding.port]} {self.binding.label}"
        return f"{where}: {self.src} > {self.dst}"


class World:
    """All logical switches by name, and the ports that br0 has."""

    def __init__(self) -> None:
        """Begin with the logical switch of the known streams, and with that of the marks."""
        steady = LogicalSwitch(
            STEADY,
            vni=STEADY_VNI,
            source_node=True,
            bindings=set(STEADY_BINDINGS),
            remote={FAR_STATION: "10.2.2.3"},
            groups={UNKNOWN_DST: {"10.2.2.2", "10.2.2.3"}},
        )
        self.logical_switches = {STEADY: steady, MARKS: LogicalSwitch(MARKS)}
        self.ports = set(HOSTS)

    def tenants(self) -> list[LogicalSwitch]:
        """Return the logical switches that come, change and go, sorted by name."""
        named = sorted(self.logical_switches.items())
        return [each for name, each in named if name not in (STEADY, MARKS)]

    def bound(self) -> list[LogicalSwitch]:
        """Return the logical switches that have a binding."""
        return [each for each in self._all() if each.bindings]

    def free(self, port: str, vlans: Collection[int]) -> list[Binding]:
        """Return the bindings of a port, with one of these VLANs, that no logical switch has."""
        taken = set().union(*(each.bindings for each in self._all()))
        return [each for vlan in vlans if (each := Binding(port, vlan)) not in taken]

    def remove_port(self, port: str) -> None:
        """Remove a port, and its bindings."""
        self.ports.discard(port)
        for each in self._all():
            for binding in [binding for binding in each.bindings if binding.port == port]:
                each.unbind(binding)

    def vni(self, of: LogicalSwitch) -> int | None:
        """Return the VNI of a logical switch; None if it has none, or shares it while bound."""
        others = [each.vni for each in self.bound() if each is not of]
        return None if of.vni in others else of.vni

    def meet_again(self, known: Collection[tuple[str, str]]) -> None:
        """Do that in each logical switch; `known` are stations by logical switch and address."""
        for each in self._all():
            each.meet_again({mac for name, mac in known if name == each.name})

    # What must follow

    def stations(self) -> dict[tuple[str, str], Binding]:
        """Return where each station is, by logical switch and MAC address."""
        return {
            (each.name, mac): place
            for each in self._all()
            for mac, place in each.stations().items()
        }

    def tunnels(self) -> set[str]:
        """Return the addresses that a tunnel must lead to."""
        return set().union(*(each.addresses() for each in self.bound()))

    def faults(self) -> set[str]:
        """Return what the switch's fault column must hold."""
        is_shared = any(each.vni is not None and self.vni(each) is None for each in self.bound())
        return {"unspecified_fault"} if is_shared else set()

    def shots(self) -> Iterator[Shot]:
        """Yield frames that show, for each logical switch, which stations reach which."""
        for each in self.bound():
            yield from self._from_bindings(each)
            yield from self._from_tunnels(each)
        for port in sorted(self.ports):
            stray = Binding(port, STRANGE_VLAN)
            yield Shot(stray.resident, BROADCAST, ({},), binding=stray)
        for endpoint in ENDPOINTS.values():
            yield Shot(_outsider(1), BROADCAST, ({},), endpoint=endpoint, vni=STRANGE_VNI)

    def _all(self) -> Collection[LogicalSwitch]:
        return self.logical_switches.values()

    def _from_bindings(self, within: LogicalSwitch) -> Iterator[Shot]:
        stations = within.stations()
        residents = {place: mac for mac, place in reversed(stations.items())}
        places = sorted(residents)
        for place in places:
            allowed = self._flooded(within, place, within.groups.get(UNKNOWN_DST, set()))
            yield Shot(residents[place], BROADCAST, allowed, binding=place)
        turns = itertools.cycle(places)
        for mac in sorted({*list(stations)[:12], *list(within.remote)[:12]}):
            place = next(turns)
            allowed = (self._known(within, place, mac),)
            yield Shot(residents[place], mac, allowed, binding=place)
        for mac, addresses in sorted(within.groups.items()):
            if mac != UNKNOWN_DST:
                place = next(turns)
                allowed = self._flooded(within, place, addresses)
                yield Shot(residents[place], mac, allowed, binding=place)

    def _from_tunnels(self, within: LogicalSwitch) -> Iterator[Shot]:
        if within.vni is None:
            return
        stations = within.stations()
        for number, (address, endpoint) in enumerate(ENDPOINTS.items()):
            enters = self.vni(within) is not None and address in within.addresses()
            everywhere = _at(within.bindings) if enters else {}
            src = _outsider(number)
            yield Shot(src, BROADCAST, (everywhere,), endpoint=endpoint, vni=within.vni)
            for mac in list(stations)[number : number + 2]:
                delivery = _at({stations[mac]}) if enters else {}
                yield Shot(src, mac, (delivery,), endpoint=endpoint, vni=within.vni)

    def _known(self, within: LogicalSwitch, origin: Binding, mac: str) -> Delivery:
        if mac in within.remote:
            return self._tunnelled(within, {within.remote[mac]})
        place = within.stations()[mac]
        return _at({place} - {origin})

    def _flooded(
        self, within: LogicalSwitch, origin: Binding, addresses: set[str]
    ) -> tuple[Delivery, ...]:
        local = _at(within.bindings - {origin})
        if within.source_node or not addresses:
            return ({**local, **self._tunnelled(within, addresses)},)
        return tuple({**local, **self._tunnelled(within, {each})} for each in sorted(addresses))

    def _tunnelled(self, within: LogicalSwitch, addresses: set[str]) -> Delivery:
        vni = self.vni(within)
        if vni is None:
            return {}
        return {ENDPOINTS[each]: [f"vni {vni}"] for each in addresses if each in ENDPOINTS}


def _at(bindings: Collection[Binding]) -> Delivery:
    delivery: Delivery = {}
    for each in bindings:
        delivery.setdefault(HOSTS[each.port], []).append(each.label)
    return {host: sorted(labels) for host, labels in delivery.items()}


def _outsider(number: int) -> str:
    """Return the address of a station behind a remote VTEP, which no row names."""
    return f"02:60:00:00:00:{number:02x}"
