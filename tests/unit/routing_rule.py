"""What logical routers make of a frame: from what is configured and known alone, without flows.

A small fabric of one VTEP: logical switches, routers with interfaces and routes, access lists as
predicates, and who is known to have an address. Written from layer 3 of the specification and from
the RFCs that it names; it imports nothing of the application.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from functools import cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_interface,
    ip_network,
)
from uuid import UUID

from .packets import ARP, ICMP, ICMPV6, IPV4, IPV6, UDP, Fragment, Packet
from .protocols import ADVERTISEMENT, REQUEST, SOLICITATION

Ip = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Judge = Callable[[str, str, Packet, bool], bool]
"""Whether an access list permits a packet: source and destination MAC, packet, is it egress."""
ECHO_REQUESTS = {(IPV4, ICMP, 8), (IPV6, ICMPV6, 128)}
MOST_PASSES = 64
"""Open vSwitch drops a frame that was looked up again so often."""
_LINK_LOCAL = ip_network("fe80::/10")
_NO_SOURCES = [ip_network(each) for each in ("0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3")]
_NO_SOURCES += [ip_network(each) for each in ("ff00::/8", "::/128", "::1/128")]
_NO_DESTINATIONS = [ip_network(each) for each in ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16")]
_NO_DESTINATIONS += [ip_network(each) for each in ("224.0.0.0/4", "255.255.255.255/32")]
_NO_DESTINATIONS += [ip_network(each) for each in ("ff00::/8", "::1/128", "fe80::/10")]


class Fate(Enum):
    """What becomes of a frame."""

    SWITCHED = auto()
    """It is none of a router's business."""
    DROPPED = auto()
    ROUTED = auto()
    """It goes on in another logical switch, or in its own, from the router."""
    ECHOED = auto()
    """It goes back as an echo reply."""
    ANSWERED = auto()
    """It goes back as an ARP reply or a neighbor advertisement."""
    PASSED_ON = auto()
    """It goes to the VTEP that asked on behalf of a router."""
    TAKEN = auto()
    """The application gets it: an answer to its own request, or a duplicate address detection."""
    EXPIRED = auto()
    UNROUTED = auto()
    UNSERVED = auto()
    UNRESOLVED = auto()


@dataclass(frozen=True)
class Outcome:
    """What becomes of a frame, and what it is afterwards.

    ``routers`` are the names of those that it passed; ``next_hop`` is an IP address.
    """

    fate: Fate
    logical_switch: UUID | None = None
    src: str = ""
    dst: str = ""
    ttl: int = 0
    next_hop: str = ""
    routers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Router:
    """A row that has no fault: ``interfaces`` are keys of switch_binding by logical switch.

    ``lists`` are the access lists of an interface, by logical switch and EtherType.
    """

    name: str
    mac: str
    interfaces: Mapping[UUID, Sequence[str]]
    routes: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[tuple[UUID, int], Judge] = field(default_factory=dict)

    @property
    def link_local(self) -> str:
        """The address that is made of the MAC."""
        return _link_local(self.mac)

    def addresses(self, on: UUID) -> set[str]:
        """Return the IP addresses that it has on a logical switch."""
        found = {_address(key) for key in self.interfaces.get(on, ())} - {""}
        return found | ({self.link_local} if on in self.interfaces else set())

    def all_addresses(self) -> set[str]:
        return {ip for on in self.interfaces for ip in self.addresses(on)}

    def subnets(self) -> Iterator[tuple[Network, UUID]]:
        """Yield the subnets to which it is connected, each with its logical switch."""
        for on, keys in self.interfaces.items():
            for key in keys:
                subnet = _subnet(key)
                if subnet.prefixlen < subnet.max_prefixlen and not _is_link_local(subnet):
                    yield subnet, on

    def is_broadcast(self, ip: Ip) -> bool:
        """Whether it is the first or last address of a subnet of IPv4 (RFC 2644)."""
        return any(
            isinstance(subnet, IPv4Network)
            and subnet.prefixlen <= 30
            and ip in (subnet.network_address, subnet.broadcast_address)
            for subnet, _ in self.subnets()
        )

    def way(self, to: str) -> tuple[UUID, str] | None:
        """Return the logical switch and next hop of the longest prefix; None without a route."""
        ip = ip_address(to)
        ways = [(net.prefixlen, 1, on, to) for net, on in self.subnets() if ip in net]
        for prefix, next_hop in self.routes.items():
            net = _subnet(prefix)
            if ip in net:
                ways.append((net.prefixlen, 0, self.towards(next_hop), next_hop))
        return max(ways, key=lambda way: way[:2])[2:] if ways else None

    def towards(self, next_hop: str) -> UUID:
        """Return the logical switch of the subnet that has a next hop."""
        ip = ip_address(next_hop)
        found = [(net.prefixlen, on) for net, on in self.subnets() if ip in net]
        return max(found, key=lambda each: each[0])[1]


@dataclass(frozen=True)
class Arrival:
    """A frame that came in by a binding of a logical switch, or by a tunnel."""

    logical_switch: UUID
    src: str
    dst: str
    packet: Packet
    ttl: int = 64
    from_tunnel: bool = False


@dataclass
class Fabric:
    """What one VTEP has and knows.

    ``own`` is its own ARP source, ``foreign`` those of other VTEPs; ``known`` says for a logical
    switch and an IP address who is there. It serves tunnels if there are no others.
    """

    routers: Sequence[Router]
    own: str
    foreign: frozenset[str] = frozenset()
    known: Mapping[tuple[UUID, str], str] = field(default_factory=dict)

    @property
    def serves_tunnels(self) -> bool:
        return not self.foreign

    def on(self, logical_switch: UUID) -> list[Router]:
        """Return the routers that join a logical switch, by name."""
        found = [each for each in self.routers if logical_switch in each.interfaces]
        return sorted(found, key=lambda each: each.name)

    def outcome(self, frame: Arrival) -> Outcome:
        """Return what becomes of a frame whose sender is learned already."""
        routers = self.on(frame.logical_switch)
        if not routers:
            return Outcome(Fate.SWITCHED)
        if not frame.from_tunnel and self._is_forged(frame, routers):
            return Outcome(Fate.DROPPED)
        if is_discovery(frame.packet):
            return self._resolved(frame, routers)
        return self._let_in(frame, routers)

    def _is_forged(self, frame: Arrival, routers: Sequence[Router]) -> bool:
        """Whether a frame from a binding says to be a router, or comes from an ARP source."""
        if frame.src in {self.own, *self.foreign, *(each.mac for each in routers)}:
            return True
        claimed = _claimed(frame.packet)
        return any(claimed in each.addresses(frame.logical_switch) for each in routers)

    # Requests and answers

    def _resolved(self, frame: Arrival, routers: Sequence[Router]) -> Outcome:
        fields, on = frame.packet.fields(), frame.logical_switch
        target = _target(frame.packet)
        is_ours = [each for each in routers if target in each.addresses(on)]
        if _is_request(frame.packet) and is_ours:
            if frame.from_tunnel and not self.serves_tunnels:
                return Outcome(Fate.DROPPED)
            if frame.packet.eth_type == IPV6 and fields["ipv6_src"] == 0:
                return Outcome(Fate.TAKEN, on)
            if frame.packet.eth_type == IPV6 and frame.ttl != 255:
                return self._let_in(frame, routers)
            return Outcome(Fate.ANSWERED, on, is_ours[0].mac, frame.src)
        is_answer = not _is_request(frame.packet)
        if frame.dst in self.foreign and (is_answer or frame.packet.eth_type == ARP):
            return Outcome(Fate.DROPPED if frame.from_tunnel else Fate.PASSED_ON, on)
        if frame.dst == self.own and is_answer:
            return Outcome(Fate.TAKEN, on)
        return self._let_in(frame, routers)

    # Packets

    def _let_in(self, frame: Arrival, routers: Sequence[Router]) -> Outcome:
        """Find the router that a frame is for."""
        is_ip = frame.packet.eth_type in (IPV4, IPV6)
        named = [each for each in routers if each.mac == frame.dst]
        if frame.dst in self.foreign and frame.from_tunnel:
            return Outcome(Fate.DROPPED)
        if frame.dst in {self.own, *self.foreign} and is_ip:
            return self._route(frame, routers[0])
        if not named:
            return Outcome(Fate.SWITCHED)
        if not is_ip or (frame.from_tunnel and not self.serves_tunnels):
            return Outcome(Fate.DROPPED)
        return self._route(frame, named[0])

    def _route(self, frame: Arrival, router: Router, passed: tuple[str, ...] = ()) -> Outcome:
        """Return what a router makes of a packet that is for it."""
        passed = (*passed, router.name)
        packet, on = frame.packet, frame.logical_switch
        source, dest = packet.source or "", packet.dest or ""
        own = router.all_addresses()
        if len(passed) > MOST_PASSES:
            return Outcome(Fate.DROPPED, routers=passed)
        if not self._permits(router, on, frame.src, frame.dst, packet, is_egress=False):
            return Outcome(Fate.DROPPED, routers=passed)
        if source in own or _is_in(source, _NO_SOURCES):
            return Outcome(Fate.DROPPED, routers=passed)
        if dest in own:
            return self._for_router(frame, router, passed)
        if _is_in(dest, _NO_DESTINATIONS) or frame.ttl == 0:
            return Outcome(Fate.DROPPED, routers=passed)
        if frame.ttl == 1:
            return Outcome(Fate.EXPIRED, on, routers=passed)
        if router.is_broadcast(ip_address(dest)):
            return Outcome(Fate.DROPPED, routers=passed)
        way = router.way(dest)
        if way is None:
            return Outcome(Fate.UNROUTED, on, routers=passed)
        return self._forward(frame, router, *way, passed)

    def _for_router(self, frame: Arrival, router: Router, passed: tuple[str, ...]) -> Outcome:
        """Return what becomes of a packet for an address of the router itself."""
        packet, on = frame.packet, frame.logical_switch
        is_whole = packet.fragment is Fragment.WHOLE
        kind = packet.eth_type, packet.protocol, packet.icmp_type
        if is_whole and kind in ECHO_REQUESTS and not packet.icmp_code:
            senders = [each for each in self.on(on) if each.mac == frame.src]
            if senders:
                return self._route(_echo(frame, router), senders[0], passed)
            return Outcome(Fate.ECHOED, on, router.mac, frame.src, 64, routers=passed)
        if is_whole and packet.protocol == UDP:
            return Outcome(Fate.UNSERVED, on, routers=passed)
        return Outcome(Fate.DROPPED, routers=passed)

    def _forward(
        self, frame: Arrival, router: Router, to: UUID, next_hop: str, passed: tuple[str, ...]
    ) -> Outcome:
        others = [each for each in self.on(to) if next_hop in each.addresses(to)]
        mac = others[0].mac if others else self.known.get((to, next_hop))
        if mac is None:
            return Outcome(Fate.UNRESOLVED, to, next_hop=next_hop, routers=passed)
        if not self._permits(router, to, router.mac, mac, frame.packet, is_egress=True):
            return Outcome(Fate.DROPPED, routers=passed)
        ttl = frame.ttl - 1
        if others:
            again = Arrival(to, router.mac, mac, frame.packet, ttl)
            return self._route(again, others[0], passed)
        return Outcome(Fate.ROUTED, to, router.mac, mac, ttl, next_hop, passed)

    def _permits(
        self, router: Router, on: UUID, src: str, dst: str, packet: Packet, *, is_egress: bool
    ) -> bool:
        judge = router.lists.get((on, packet.eth_type))
        return judge is None or judge(src, dst, packet, is_egress)


def _echo(frame: Arrival, router: Router) -> Arrival:
    """Return the echo reply to another router that has forwarded the request."""
    packet = frame.packet
    kind = 129 if packet.eth_type == IPV6 else 0
    reply = replace(packet, source=packet.dest, dest=packet.source, icmp_type=kind)
    return Arrival(frame.logical_switch, router.mac, frame.src, reply)


def is_discovery(packet: Packet) -> bool:
    """Whether a packet is ARP, or asks for or tells of a neighbour (RFC 4861)."""
    is_message = packet.icmp_type in (SOLICITATION, ADVERTISEMENT) and packet.protocol == ICMPV6
    return packet.eth_type == ARP or (packet.eth_type == IPV6 and is_message)


def _is_request(packet: Packet) -> bool:
    if packet.eth_type == ARP:
        return packet.fields()["arp_op"] == REQUEST
    return packet.icmp_type == SOLICITATION


def _target(packet: Packet) -> str:
    """Return whom an ARP packet or a neighbour message asks for, or tells of."""
    fields = packet.fields()
    if packet.eth_type == ARP:
        return str(IPv4Address(fields["arp_tpa"]))
    return str(IPv6Address(fields["ipv6_nd_target"]))


def _claimed(packet: Packet) -> str | None:
    """Return the IP address that the sender of a packet says to have."""
    if packet.eth_type == ARP:
        return str(IPv4Address(packet.fields()["arp_spa"]))
    if is_discovery(packet) and not _is_request(packet):
        return _target(packet)
    return packet.source


@cache
def _address(key: str) -> str:
    """Return the address that a key of switch_binding has; "" if it is that of the subnet alone."""
    ip, subnet = ip_interface(key).ip, ip_interface(key).network
    is_host = subnet.max_prefixlen - subnet.prefixlen <= 1 or ip != subnet.network_address
    return str(ip) if is_host else ""


@cache
def _subnet(key: str) -> Network:
    return ip_network(key, strict=False)


@cache
def _link_local(mac: str) -> str:
    """Return the address that is made of a MAC (RFC 4291, appendix A)."""
    octets = bytearray.fromhex(mac.replace(":", ""))
    octets[0] ^= 2
    host = bytes(octets[:3]) + b"\xff\xfe" + bytes(octets[3:])
    return str(IPv6Address(bytes.fromhex("fe80000000000000") + host))


def _is_link_local(subnet: Network) -> bool:
    return isinstance(subnet, IPv6Network) and subnet.network_address in _LINK_LOCAL


def _is_in(ip: str, networks: Sequence[Network]) -> bool:
    return any(ip_address(ip) in each for each in networks)
