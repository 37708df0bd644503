"""What the picture says of each host: a card with its name, its ports, and who is behind them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from sim.status.values import (
    Application,
    End,
    Host,
    Interface,
    Kind,
    Lab,
    LogicalSwitch,
    Port,
    Switch,
    Tunnel,
    Vtep,
)

UNDERLAY, MANAGEMENT = "underlay", "management"
"""The networks that are drawn as lines beside the cards."""

BESIDE = (UNDERLAY, MANAGEMENT)

ORDER = (Kind.NVC, Kind.VTEP, Kind.PEER, Kind.ENDPOINT, Kind.SEGMENT, Kind.HOST)
"""The order of the cards."""

KINDS = {
    Kind.VTEP: "VTEP",
    Kind.PEER: "Open vSwitch",
    Kind.ENDPOINT: "kernel VXLAN",
    Kind.SEGMENT: "network",
    Kind.NVC: "NVC",
    Kind.HOST: "host",
}


@dataclass(frozen=True)
class Chip:
    """A coloured mark and the text beside it: a logical switch, by its number in the legend."""

    text: str
    number: int
    tells: str
    """All of it, where the text is too short."""


@dataclass(frozen=True)
class Plugged:
    """A host behind a port."""

    host: str
    kind: Kind
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """A port, the logical switches that it is bound to, and the host behind it."""

    port: str
    chips: tuple[Chip, ...] = ()
    plugged: Plugged | None = None
    is_up: bool = True


@dataclass(frozen=True)
class Card:
    """What is said of one host."""

    name: str
    kind: Kind | None
    """None for a tunnel endpoint that is not in the lab."""
    tunnel_ip: str | None
    says: tuple[str, ...]
    """Lines below the name."""
    rows: tuple[Row, ...] = ()
    faults: tuple[str, ...] = ()
    is_at: frozenset[str] = frozenset()
    """Those of UNDERLAY and MANAGEMENT that it is plugged into."""
    is_cut_off: bool = False
    """Whether its link to the underlay is down."""


@dataclass(frozen=True)
class Way:
    """A tunnel as one of its ends has it."""

    card: str
    remote: str
    """The card at the other end."""
    tunnel: Tunnel


@dataclass(frozen=True)
class Scene:
    """All that is to be drawn."""

    title: str
    logical_switches: tuple[LogicalSwitch, ...]
    cards: tuple[Card, ...]
    ways: tuple[Way, ...]
    problems: tuple[str, ...]


def scene(lab: Lab) -> Scene:
    """Return what is to be drawn of a lab."""
    return _Scenery(lab).scene()


@dataclass
class _Scenery:
    """A lab, with what is looked up in it often."""

    lab: Lab
    hosts: dict[str, Host] = field(init=False)
    numbers: dict[str, int] = field(init=False)
    switches: tuple[LogicalSwitch, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.hosts = {host.name: host for host in self.lab.hosts}
        by_name = {each.name: each for vtep in self.lab.vteps for each in vtep.logical_switches}
        self.switches = tuple(sorted(by_name.values(), key=_by_vni))
        self.numbers = {each.name: number for number, each in enumerate(self.switches)}

    def scene(self) -> Scene:
        vteps = [self._vtep(self.hosts[vtep.host], vtep) for vtep in self.lab.vteps]
        others = [self._other(host) for host in self.lab.hosts if host.kind is not Kind.VTEP]
        shown = {row.plugged.host for each in (*vteps, *others) for row in each.rows if row.plugged}
        hidden = {*(name for name in shown if self.hosts[name].kind is Kind.HOST), *BESIDE}
        cards = [card for card in (*vteps, *others) if card.name not in hidden]
        cards.sort(key=lambda card: ORDER.index(card.kind))
        places = {card.tunnel_ip: card.name for card in cards if card.tunnel_ip}
        tunnels = list(self._tunnels())
        for _, tunnel in tunnels:
            if tunnel.remote not in places:
                places[tunnel.remote] = tunnel.remote
                says = ("not in this lab",)
                cards.append(
                    Card(tunnel.remote, None, tunnel.remote, says, is_at=frozenset({UNDERLAY}))
                )
        ways = tuple(Way(host, places[tunnel.remote], tunnel) for host, tunnel in tunnels)
        title = f"lab {self.lab.name}: {self.lab.state.value}"
        return Scene(title, self.switches, tuple(cards), ways, self.lab.problems)

    def _vtep(self, host: Host, vtep: Vtep) -> Card:
        bridges = [switch.name for switch in vtep.switches]
        says = [f"{', '.join(bridges) or 'no bridge'}: {_said(vtep.applications)}", *_managed(vtep)]
        return Card(
            host.name,
            host.kind,
            self._tunnel_ip(host, [ip for switch in vtep.switches for ip in switch.tunnel_ips]),
            ("; ".join(says), _counts(vtep)),
            tuple(self._rows(host, vtep.switches)),
            tuple(_faults(vtep)),
            self._networks(host),
            self._is_cut_off(host),
        )

    def _other(self, host: Host) -> Card:
        rows = [
            Row(each.name, tuple(self._chips_of_vni(each.vni)), _itself(host, each), each.is_up)
            for each in host.interfaces
            if each.vni is not None
        ]
        if host.kind is Kind.PEER:
            rows = list(self._rows(host, ()))
        says = [_words(each) for each in host.interfaces if each.addresses and each.vni is None]
        if host.kind is Kind.SEGMENT:
            says = [each.plugged_into.host for each in host.interfaces if each.plugged_into]
            says = [f"joins {', '.join(says) or 'nobody'}"]
        if not host.exists:
            says = ["no namespace"]
        running = ", ".join(f"{each.name} ({each.pid})" for each in host.processes)
        return Card(
            host.name,
            host.kind,
            self._tunnel_ip(host, []),
            (*says, *([running] if running else ())),
            tuple(rows),
            is_at=self._networks(host),
            is_cut_off=self._is_cut_off(host),
        )

    def _rows(self, host: Host, switches: Sequence[Switch]) -> Iterator[Row]:
        """Yield a row for each port, of the databases or of the kernel."""
        ports = {port.name: port for switch in switches for port in switch.ports}
        interfaces = {each.name: each for each in host.interfaces if _is_port(each)}
        for name in sorted(ports.keys() | interfaces.keys()):
            interface = interfaces.get(name)
            yield Row(
                name,
                tuple(self._chips(ports[name])) if name in ports else (),
                self._behind(interface.plugged_into if interface else None),
                interface is None or interface.is_up,
            )

    def _chips(self, port: Port) -> Iterator[Chip]:
        for each in port.bindings:
            name = each.logical_switch
            text = f"{name} VLAN {each.vlan}" if each.vlan else name
            yield Chip(text, self.numbers[name], text)

    def _chips_of_vni(self, vni: int | None) -> Iterator[Chip]:
        for each in self.switches:
            if vni is not None and each.vni == vni:
                yield Chip(each.name, self.numbers[each.name], each.name)

    def _behind(self, end: End | None) -> Plugged | None:
        if end is None:
            return None
        host = self.hosts[end.host]
        lines = [_words(each) for each in host.interfaces if each.addresses]
        return Plugged(host.name, host.kind, tuple(lines) or (end.interface,))

    def _tunnels(self) -> Iterator[tuple[str, Tunnel]]:
        for vtep in self.lab.vteps:
            for switch in vtep.switches:
                yield from ((vtep.host, tunnel) for tunnel in switch.tunnels)
        for peer in self.lab.peers:
            yield from ((peer.host, tunnel) for tunnel in peer.tunnels)

    def _tunnel_ip(self, host: Host, named: Sequence[str]) -> str | None:
        """Return the address that the host has on the underlay, or the first that it names."""
        if UNDERLAY not in self._networks(host):
            return named[0] if named else None
        at = [each for each in host.interfaces if _leads_to(each, UNDERLAY)]
        bridges = {each.bridge for each in at} | {each.name for each in at}
        there = [ip for each in host.interfaces if each.name in bridges for ip in each.addresses]
        return there[0].partition("/")[0] if there else (named[0] if named else None)

    def _networks(self, host: Host) -> frozenset[str]:
        names = {each.plugged_into.host for each in host.interfaces if each.plugged_into}
        return frozenset(names & {UNDERLAY, MANAGEMENT})

    def _is_cut_off(self, host: Host) -> bool:
        at = [each for each in host.interfaces if _leads_to(each, UNDERLAY)]
        return bool(at) and not any(each.is_up for each in at)


def _by_vni(switch: LogicalSwitch) -> tuple[bool, int, str]:
    return switch.vni is None, switch.vni or 0, switch.name


def _is_port(interface: Interface) -> bool:
    """Return whether an interface leads to a host behind the VTEP."""
    return interface.plugged_into is not None and not (
        _leads_to(interface, UNDERLAY) or _leads_to(interface, MANAGEMENT)
    )


def _leads_to(interface: Interface, network: str) -> bool:
    return interface.plugged_into is not None and interface.plugged_into.host == network


def _itself(host: Host, interface: Interface) -> Plugged:
    """Return the host on a VXLAN device: it is in the same namespace."""
    return Plugged(host.name, host.kind, (_words(interface),))


def _words(interface: Interface) -> str:
    words = [*interface.addresses, interface.mac]
    if interface.vlan is not None:
        words.insert(0, f"VLAN {interface.vlan}")
    return " ".join(words)


def _said(applications: Iterable[Application]) -> str:
    return ", ".join(f"{each.name} {each.status}" for each in applications) or "no application"


def _managed(vtep: Vtep) -> Iterator[str]:
    for each in vtep.managers:
        yield f"manager {each.target}{'' if each.is_connected else ' (not connected)'}"


def _counts(vtep: Vtep) -> str:
    tunnels = [tunnel for switch in vtep.switches for tunnel in switch.tunnels]
    down = sum(tunnel.forwards is False for tunnel in tunnels)
    return (
        f"{len(vtep.local_macs):,} learned MACs, {len(vtep.remote_macs):,} remote; "
        f"{len(tunnels)} tunnels{f', {down} down' if down else ''}"
    )


def _faults(vtep: Vtep) -> Iterator[str]:
    """Yield what the application says, or else the words that the database has."""
    said = [each.text for each in vtep.faults]
    yield from said
    if not said:
        for switch in vtep.switches:
            yield from (f"{switch.name}: {word}" for word in switch.faults)
            for port in switch.ports:
                yield from (f"{port.name}: {word}" for word in port.faults)
