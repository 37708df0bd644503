"""Worlds of one switch with a logical router: br0 has p0 in red and p1 in blue; lr0 joins both."""

from collections.abc import Iterable, Mapping
from typing import Any

from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6NDOptDstLLAddr, IPv6
from scapy.layers.l2 import ARP, Ether

from vtep_ofapp.features.routers.rows import Routers
from vtep_ofapp.pipeline import next_hops
from vtep_ofapp.pipeline.layout import (
    ANSWERS,
    ARRIVED_IN,
    FROM_TUNNEL,
    LOGICAL_SWITCH,
    NEXT_HOP,
    NEXT_HOP_PARTS,
    ORIGIN,
    REMOTE,
    ROUTER,
    SENDER,
    SOURCE_BINDING,
    UNRESOLVED,
    Cookie,
    Table,
)
from vtep_ofapp.process.settings import Settings
from vtep_ofapp.values.addresses import ip_number
from vtep_ofapp.values.events import PacketIn
from vtep_ofapp.values.flows import Flow, match
from vtep_ofapp.values.packets import PacketOut
from vtep_ofapp.values.routers import derived_mac, parse_interface

from .builders import (
    BLUE,
    FAR,
    MAC2,
    MAC3,
    NO_CONNECTION,
    RED,
    arp_header,
    logical_router,
    logical_switch,
    physical_port,
    physical_switch,
    port,
    stated,
    uuid,
)
from .doubles import TimeDouble
from .world import World

LR = uuid(0x9000)
GATEWAY = derived_mac("lr0")
X, X6, Y = "10.0.2.60", "2001:db8:2::60", "10.0.2.61"


class Routed(World):
    """br0 with p0 in red and p1 in blue; lr0 joins both."""

    def __init__(self, **options: Any) -> None:
        self.time = TimeDouble()
        super().__init__(settings=Settings(**options), clock=self.time.clock)
        self.tell(logical_switch(RED, 5001), logical_switch(BLUE, 5002))
        self.tell(self.router())
        self.physical(
            physical_switch(physical_port("p0", {0: RED}), physical_port("p1", {0: BLUE}))
        )
        self.bridge(port("p0", 1), port("p1", 2))
        self.calm_down()

    def router(self) -> Any:
        addresses = {
            RED: ("10.0.1.1/24", "2001:db8:1::1/64"),
            BLUE: ("10.0.2.1/24", "2001:db8:2::1/64"),
        }
        found = {key: tuple(map(parse_interface, of)) for key, of in addresses.items()}
        return logical_router(row=LR, interfaces=found)

    def number(self, logical_switch: Any) -> int:
        return self.logical_switches.ids.number(logical_switch)

    def packet_in(self, frame: bytes, fields: Mapping[str, int | None]) -> None:
        there = {name: value for name, value in fields.items() if value}
        packet = PacketIn(NO_CONNECTION, Cookie.NEXT_HOPS, Table.SHOWING, match(there), frame)
        self.switch.packet_in(packet)
        self.calm_down()

    def unresolved(self, ip: str, number: int = 1, source: str = "10.0.1.11", **more: Any) -> bytes:
        """A packet for a next hop in blue, whose MAC no flow knows, came in by p0."""
        frame = routed_packet(ip, number, source)
        parts = {NEXT_HOP: ip_number(ip)} if ":" not in ip else ipv6_parts(ip)
        fields = {
            SENDER: UNRESOLVED,
            LOGICAL_SWITCH: self.number(BLUE),
            ARRIVED_IN: self.number(RED),
            ROUTER: self.model[Routers].number(LR),
            SOURCE_BINDING: 0x1000,
            **parts,
            **more,
        }
        self.packet_in(frame, fields)
        return frame

    def state(self, ip: str, mac: str = MAC2, of: Any = BLUE, binding: int = 0x2000) -> None:
        """A station at a binding states its address, by a request to somebody else."""
        fields = match({SOURCE_BINDING: binding, LOGICAL_SWITCH: self.number(of)})
        self.switch.packet_in(stated(fields, arp_header(mac, ip)))
        self.calm_down()

    def answer(self, ip: str, mac: str = MAC3, remote: str = FAR) -> None:
        """A host behind a tunnel answers us."""
        frame = Ether(src=mac, dst=GATEWAY) / ARP(op=2, hwsrc=mac, psrc=ip)
        if ":" in ip:
            frame = Ether(src=mac, dst=GATEWAY) / IPv6(src=ip, dst="2001:db8:2::1", hlim=255)
            frame = frame / ICMPv6ND_NA(tgt=ip) / ICMPv6NDOptDstLLAddr(lladdr=mac)
        self.packet_in(
            bytes(frame),
            {
                SENDER: ANSWERS,
                LOGICAL_SWITCH: self.number(BLUE),
                ORIGIN: FROM_TUNNEL,
                REMOTE: ip_number(remote),
            },
        )

    def pass_time(self, seconds: float) -> list[PacketOut]:
        """Let time pass; return what is sent meanwhile."""
        end, sent = self.time.now + seconds, self.sent()
        while (due := self.switch.next_due()) is not None and due <= end:
            self.time.now = max(self.time.now, due)
            self.switch.due()
            self.calm_down()
            sent += self.sent()
        self.time.now = end
        return sent

    def sent(self) -> list[PacketOut]:
        return self.switch.take_packet_outs()

    def hops(self, ip: str = "") -> list[Flow]:
        found = [each for each in self.flow_values() if each.key.table == Table.NEXT_HOPS]
        if not ip:
            return found
        return [each for each in found if next_hops.next_hop(each.key) == (self.number(BLUE), ip)]

    def mac(self, ip: str) -> str | None:
        """Return the MAC to which packets for an address in blue go, None while it is unknown."""
        macs = [next_hops.mac(flow) for flow in self.hops(ip)]
        assert len(macs) <= 1
        return macs[0] if macs else None

    def is_dropped(self, ip: str) -> bool:
        return next_hops.pending(self.number(BLUE), ip) in self.hops()


def routed_packet(ip: str, number: int, source: str) -> bytes:
    ethernet = Ether(src=GATEWAY, dst=GATEWAY)
    if ":" in ip:
        return bytes(ethernet / IPv6(src="2001:db8:1::11", dst=ip, hlim=63) / UDP(sport=number))
    return bytes(ethernet / IP(src=source, dst=ip, ttl=63, id=number) / UDP())


def ipv6_parts(ip: str) -> dict[str, int]:
    value = ip_number(ip)
    parts = [value >> shift & 0xFFFFFFFF for shift in (96, 64, 32, 0)]
    return dict(zip(NEXT_HOP_PARTS, parts, strict=True))


def requests(packets: Iterable[PacketOut]) -> list[tuple[str, str, str]]:
    """Return destination, sender's and asked address of ARP requests among packets."""
    found = [Ether(each.frame) for each in packets]
    return [(each.dst, each.psrc, each.pdst) for each in found if ARP in each]
