"""Of the VTEPs of a fabric at most one answers or routes a frame (layer 3, invariant 3).

Two VTEPs have any routers and bindings. The NVC gives each what the other one reports: its ARP
source, or the MAC addresses of routers while it routes alone; it may place stations, too. A third
VTEP does not route, and floods to both. Each copy of a frame goes through the flows of the VTEP
that it reaches, and routing_rule.py says there whether that VTEP acts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from vtep_ofapp.features.arp_sources.report import OwnRow
from vtep_ofapp.features.local_macs import LocalGateway
from vtep_ofapp.pipeline.layout import Cookie, producer_of
from vtep_ofapp.values.arp_sources import ArpSource, source_mac
from vtep_ofapp.values.routers import derived_mac
from vtep_ofapp.values.rows import Gone, VtepRow

from . import protocols
from .builders import (
    BLUE,
    BROADCAST,
    FAR,
    FURTHER,
    GREEN,
    OWN,
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
from .packets import IPV6, Packet, icmp, tcp, udp
from .protocols import REPLY, REQUEST
from .reference import present
from .routed_fabric import LOGICAL_SWITCHES, NAMES, Plan, ip
from .routing_rule import Arrival, Fabric, Fate
from .walk import Frame, Out, Pipeline, Result
from .world import NO_CONNECTION, World

SITES = (OWN, FAR)
VLANS = {of: 10 * number for number, of in enumerate(LOGICAL_SWITCHES)}
ACTING = {Fate.ROUTED, Fate.ECHOED, Fate.ANSWERED, Fate.TAKEN}
ACTING |= {Fate.EXPIRED, Fate.UNROUTED, Fate.UNSERVED, Fate.UNRESOLVED}
MOST_TUNNELS = 3


@dataclass(frozen=True)
class Host:
    """A station of a logical switch at the first, second or third VTEP."""

    site: int
    of: UUID

    @property
    def mac(self) -> str:
        return f"02:00:00:00:{self.site:02x}:{self.of.int:02x}"

    def ip(self, *, is_ipv6: bool = False) -> str:
        return ip(self.of, 11 + self.site, is_ipv6=is_ipv6)


class Site:
    """One VTEP with the rows of its own database, at rest."""

    def __init__(self, address: str, plans: Sequence[Plan], bound: frozenset[UUID]) -> None:
        self.address, self.world, self.plans, self.bound = address, World(), plans, bound
        others = {*SITES, FURTHER} - {address}
        switches = [logical_switch(of, 5000 + of.int, source_node=True) for of in LOGICAL_SWITCHES]
        self.world.tell(*switches, *(plan.row() for plan in plans))
        for of in LOGICAL_SWITCHES:
            self.world.tell(unknown_dst(*others, of=of, row=uuid(0x2000 + of.int)))
        self.world.bridge(port("p0", 1))
        row = physical_port("p0", {VLANS[of]: of for of in bound})
        self.world.physical(physical_switch(row, tunnel_ips=(address,)))
        self.world.calm_down()

    def reported(self) -> dict[UUID, VtepRow]:
        """Return what the NVC makes of this VTEP's reports, for the other one."""
        rows: dict[UUID, VtepRow] = {}
        for own, mac in self.world.switch.rows[OwnRow].wanted.items():
            assert own == OwnRow(self.address)
            rows[uuid(0xA500)] = ArpSource(uuid(0xA500), mac, locator(self.address))
        gateways = self.world.switch.rows[LocalGateway].wanted
        order = sorted(gateways, key=lambda each: (each.logical_switch, each.mac))
        for number, key in enumerate(order):
            row = uuid(0x3000 + number)
            rows[row] = remote_mac(key.mac, self.address, of=key.logical_switch, row=row)
        return rows

    def is_told(self, rows: dict[UUID, VtepRow]) -> bool:
        """Tell it what the other one and itself report; return whether that was news."""
        for own, mac in self.world.switch.rows[OwnRow].wanted.items():
            row = ArpSource(uuid(0xA501), mac, locator(own.address), is_local=True)
            rows = {**rows, row.uuid: row}
        known = {key: row for key, row in self.world.rows.items() if is_reported(key)}
        self.world.tell(*(Gone(key) for key in known.keys() - rows.keys()), *rows.values())
        self.world.calm_down()
        return known != rows

    @property
    def pipeline(self) -> Pipeline:
        return Pipeline(self.world.flow_values(), self.world.group_values())

    def tunnel_from(self, address: str) -> int | None:
        """Return the port of the tunnel from another VTEP, if there is one."""
        ports = self.world.tunnel_ports()
        return next((each.number for each in ports if each.remote == address), None)

    def model(self) -> Fabric:
        """Return the model of this VTEP, which knows no address of a host: it would ask."""
        there, rows = present(self.world, "br0"), self.world.rows.values()
        routers = [
            plan.router(derived_mac(plan.name), {})
            for plan in self.plans
            if there.intersection(plan.joined)
        ]
        sources = [row for row in rows if isinstance(row, ArpSource)]
        foreign = frozenset(row.mac for row in sources if row.address != self.address)
        return Fabric(routers, source_mac(self.address), foreign)


def is_reported(key: UUID) -> bool:
    return key in (uuid(0xA500), uuid(0xA501)) or 0x3000 <= key.int - uuid(0).int < 0x3100


class Both:
    """Both VTEPs, after the NVC has told each of the other, and hosts have stated addresses."""

    def __init__(
        self,
        plans: Sequence[Plan],
        bound: tuple[frozenset[UUID], frozenset[UUID]],
        placed: frozenset[Host],
    ) -> None:
        self.sites = [Site(*each) for each in zip(SITES, (plans, plans), bound, strict=True)]
        for number, site in enumerate(self.sites):
            site.world.tell(*self._stations(number, placed))
        for _ in range(5):
            news = [self.sites[1 - number].reported() for number in (0, 1)]
            heard = [site.is_told(rows) for site, rows in zip(self.sites, news, strict=True)]
            if not any(heard):
                break
        else:
            raise AssertionError("what they report changes without end")
        for number, site in enumerate(self.sites):
            for of in site.bound:
                self._state(site, Host(number, of))
        self.pipelines = [site.pipeline for site in self.sites]
        self.models = [site.model() for site in self.sites]

    @staticmethod
    def _stations(site: int, placed: frozenset[Host]) -> Iterator[VtepRow]:
        for number, host in enumerate(sorted(placed, key=lambda each: each.mac)):
            if host.site != site:
                address, row = (*SITES, FURTHER)[host.site], uuid(0x1000 + number)
                station = remote_mac(host.mac, address, of=host.of, row=row)
                yield replace(station, ip=host.ip())

    @staticmethod
    def _state(site: Site, host: Host) -> None:
        said = protocols.arp(REQUEST, host.mac, host.ip(), host.ip())
        frame = Frame(1, host.mac, BROADCAST, tags(host.of), packet=said)
        for shown in site.pipeline.send(frame).shown:
            site.world.switch.packet_in(shown.packet_in(NO_CONNECTION))
        site.world.calm_down()

    def send(self, host: Host, dst: str, said: Packet) -> int:
        """Send a frame of a host; return how many VTEPs acted, each of which the model judged."""
        if host.site == 2:
            return sum(
                self._arrive(number, Arrived(host.of, FURTHER, host.mac, dst, said))
                for number in (0, 1)
            )
        if host.of not in self.sites[host.site].bound:
            return 0
        return self._arrive(host.site, Arrived(host.of, "", host.mac, dst, said))

    def _arrive(self, number: int, frame: "Arrived", most: int = MOST_TUNNELS) -> int:
        assert most, "a frame goes to and fro between the tunnels"
        site, model = self.sites[number], self.models[number]
        if frame.of not in present(site.world, "br0"):
            return 0
        in_port = site.tunnel_from(frame.sender) if frame.sender else 1
        if in_port is None:
            return 0
        vni = 5000 + frame.of.int if frame.sender else 0
        on_wire = () if frame.sender else tags(frame.of)
        sent = Frame(in_port, frame.src, frame.dst, on_wire, vni, packet=frame.packet)
        result = self.pipelines[number].send(sent)
        acted = has_acted(result, frame.src)
        fate = model.outcome(frame.arrival()).fate
        if model.on(frame.of) or not {frame.src, frame.dst} & {model.own, *model.foreign}:
            assert acted is (fate in ACTING), (site.address, frame, fate)
        back = site.tunnel_from(SITES[1 - number])
        copies = [out for out in result.outputs if out.port == back]
        followed = [copy for out in copies if (copy := frame.goes_on(out, site.address))]
        return acted + sum(self._arrive(1 - number, copy, most - 1) for copy in followed)


@dataclass(frozen=True)
class Arrived:
    """A frame that reaches a VTEP in a logical switch; ``sender`` is that of a tunnel, or ""."""

    of: UUID
    sender: str
    src: str
    dst: str
    packet: Packet

    def arrival(self) -> Arrival:
        ttl = self.packet.fields().get("nw_ttl", 0)
        return Arrival(self.of, self.src, self.dst, self.packet, ttl, bool(self.sender))

    def goes_on(self, out: Out, address: str) -> "Arrived | None":
        """Return the frame as it leaves by a tunnel; None for an answer, which is a new one."""
        before, now = self.packet.fields(), out.fields
        addresses = ("ipv4_src", "ipv4_dst", "ipv6_src", "ipv6_dst", "arp_op", "icmpv6_type")
        if any(now.get(name, 0) != before.get(name, 0) for name in addresses):
            return None
        src, dst = (now[name].to_bytes(6, "big").hex(":") for name in ("eth_src", "eth_dst"))
        said = self.packet
        if "nw_ttl" in before and now["nw_ttl"] != before["nw_ttl"]:
            said = replace(said, ttl=now["nw_ttl"])
        return Arrived(uuid(out.vni - 5000), address, src, dst, said)


def tags(of: UUID) -> tuple[int, ...]:
    return (VLANS[of],) if VLANS[of] else ()


def has_acted(result: Result, src: str) -> bool:
    """Whether a VTEP sent a frame of its own, or the application got what it has to answer."""
    producers = {producer_of(each.cookie) for each in result.shown}
    is_new = any(out.fields["eth_src"] != protocols.number(src) for out in result.outputs)
    return is_new or bool(producers & {Cookie.ROUTING, Cookie.NEXT_HOPS})


SWITCHES = st.sampled_from([RED, RED, *LOGICAL_SWITCHES])
HOSTS = st.builds(Host, st.sampled_from([0, 0, 1, 2]), SWITCHES)
ALL = frozenset(LOGICAL_SWITCHES)
BOUND = st.sampled_from(
    [frozenset({each}) for each in LOGICAL_SWITCHES] + [frozenset({RED, BLUE}), ALL]
)
JOINED = st.sampled_from([frozenset({RED}), frozenset({RED, BLUE}), ALL - {RED}, ALL])
PLANS = st.lists(
    st.builds(Plan, st.sampled_from(NAMES), JOINED),
    min_size=1,
    max_size=2,
    unique_by=lambda p: p.name,
)
KINDS = st.sampled_from(["tcp", "udp", "echo", "request", "reply", "expired"])
DESTINATIONS = st.sampled_from([*NAMES * 3, *SITES, "all", "all", "host", "unknown"])
FRAMES = st.tuples(
    HOSTS, DESTINATIONS, KINDS, HOSTS, st.sampled_from([1, 2, 11, 99]), st.booleans()
)


def packet(kind: str, host: Host, target: str) -> Packet:
    is_ipv6 = ":" in target
    source = host.ip(is_ipv6=is_ipv6)
    if kind == "request":
        if is_ipv6:
            return protocols.solicitation(source, target, host.mac)
        return protocols.arp(REQUEST, host.mac, source, target)
    if kind == "reply":
        if is_ipv6:
            return protocols.advertisement(source, target, source, host.mac)
        return protocols.arp(REPLY, host.mac, source, target)
    if kind == "echo":
        return icmp(source, target, 128 if is_ipv6 else 8)
    if kind == "udp":
        return udp(source, target, 1024, 9)
    return replace(tcp(source, target, 1024, 80), ttl=1 if kind == "expired" else 64)


def mac_of(whom: str, target: Host, said: Packet, asked: str) -> str:
    if whom in NAMES:
        return derived_mac(whom)
    if whom in SITES:
        return source_mac(whom)
    if whom == "all" and said.eth_type == IPV6:
        return protocols.group_mac(protocols.solicited_node(asked))
    return {"all": BROADCAST, "host": target.mac}.get(whom, "02:00:00:00:77:77")


@given(
    PLANS, st.tuples(BOUND, BOUND), st.frozensets(HOSTS), st.lists(FRAMES, min_size=8, max_size=20)
)
def test_at_most_one_vtep_acts_on_a_frame(
    plans: Sequence[Plan],
    bound: tuple[frozenset[UUID], frozenset[UUID]],
    placed: frozenset[Host],
    frames: Sequence[tuple[Host, str, str, Host, int, bool]],
) -> None:
    both = Both(plans, bound, placed)
    for host, whom, kind, target, number, is_ipv6 in frames:
        asked = ip(target.of, number, is_ipv6=is_ipv6)
        said = packet(kind, host, asked)
        dst = mac_of(whom, target, said, asked)
        assert both.send(host, dst, said) <= 1, (host, dst, said)


def test_who_routes_alone_serves_a_vtep_that_does_not_and_of_two_neither_does() -> None:
    plan = Plan("r1", frozenset({RED, BLUE}))
    for second, acted in ((frozenset({GREEN}), 1), (frozenset({BLUE}), 0)):
        both = Both([plan], (frozenset({RED}), second), frozenset())
        for host in (Host(2, RED), Host(2, BLUE)):
            said = packet("tcp", host, ip(BLUE, 99))
            assert both.send(host, derived_mac("r1"), said) == acted
        here = Host(0, RED)
        assert both.send(here, derived_mac("r1"), packet("tcp", here, ip(BLUE, 99))) == 1
