"""What the soak run has asked for so far, and what must follow from it, as plain data.

From what the NVC wrote and from the places of hosts come the local rows, the tunnels and the faults
that the real switch must show; `shots` has the deliveries of probes.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from sim.soak.lists import Entry, Header, permits
from sim.wire.frames import group_mac

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

STEADY_IPS = {"02:00:00:00:00:01": "192.168.33.1", "02:00:00:00:00:02": "192.168.33.2"}
"""The addresses that their kernels have."""

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
    ips: dict[str, str] = field(default_factory=dict)
    """MAC address to the IP address that the NVC writes beside it."""
    groups: dict[str, set[str]] = field(default_factory=dict)
    """The locators of unknown-dst, and of multicast addresses."""
    guests: dict[str, Binding] = field(default_factory=dict)
    """Stations that move about, and where each one is."""
    trail: dict[str, set[Binding]] = field(default_factory=dict)
    """Where each of them has been since the last checkpoint."""
    members: set[tuple[str, Binding]] = field(default_factory=set)
    """The bindings whose resident is a member of an IPv4 multicast group, with the group."""
    former_members: set[tuple[str, Binding]] = field(default_factory=set)
    """Those that were members once, and may not have been heard when they left."""

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
        for group, place in [each for each in self.members if each[1] == binding]:
            self.leave_group(group, place)

    def join_group(self, group: str, place: Binding) -> None:
        """Note that the resident of a binding is a member of a group from now on."""
        self.members.add((group, place))
        self.former_members.discard((group, place))

    def leave_group(self, group: str, place: Binding) -> None:
        """Note that it is none from now on."""
        self.members.discard((group, place))
        self.former_members.add((group, place))

    def joined(self, mac: str) -> set[Binding]:
        """Return which bindings get frames for a multicast address: all if it has no members."""
        return {place for group, place in self.members if group_mac(group) == mac} or self.bindings

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


def station_ip(mac: str) -> str:
    """Return the address that the host of a MAC address says it has; of a third it is of IPv6."""
    if mac in STEADY_IPS:
        return STEADY_IPS[mac]
    parts = [int(part, 16) for part in mac.split(":")]
    if parts[-1] % 3 == 2:
        return f"2001:db8::{parts[1]:x}:{parts[4]:x}:{parts[5]:x}"
    return f"10.{parts[1]}.{parts[4]}.{parts[5]}"


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
        self.lists: dict[str, frozenset[Entry]] = {}
        """The access lists by name."""
        self.list_bindings: dict[tuple[str, int], str] = {}
        """Names of access lists by port and VLAN; those with VLAN 0 are for all of the port."""

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
        for place in [place for place in self.list_bindings if place[0] == port]:
            del self.list_bindings[place]
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

    def reported_ips(self) -> dict[tuple[str, str], str]:
        """Return the address that is reported of each station, by logical switch and MAC."""
        return {key: station_ip(key[1]) for key in self.stations()}

    def groups(self) -> dict[tuple[str, str], str]:
        """Return the groups that are reported, by logical switch and MAC address."""
        return {
            (each.name, group_mac(group)): group
            for each in self.bound()
            for group, _ in each.members
        }

    def tunnels(self) -> set[str]:
        """Return the addresses that a tunnel must lead to."""
        return set().union(*(each.addresses() for each in self.bound()))

    def faults(self) -> set[str]:
        """Return what the switch's fault column must hold."""
        is_shared = any(each.vni is not None and self.vni(each) is None for each in self.bound())
        return {"unspecified_fault"} if is_shared else set()

    def passes(self, binding: Binding, direction: str, header: Header) -> bool:
        """Return whether all access lists of a binding permit a frame."""
        names = {self.list_bindings.get((binding.port, key)) for key in (0, binding.vlan)}
        return all(permits(self.lists[name], direction, header) for name in names if name)

    def _all(self) -> Collection[LogicalSwitch]:
        return self.logical_switches.values()
