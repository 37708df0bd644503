"""Rows of logical routers for the bench: what they join, their routes and their next hops."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

from sim.bench import rows
from sim.wire.frames import Probe, routed_probe
from sim.wire.ovsdb import Operation

ROUTER_MAC = "02:00:5e:00:01:01"
"""That of all routers: no two of them are in one logical switch."""
INTERFACES = 4
NEXT_HOPS = 16
"""In each logical switch of a router."""
FIRST_KEY = 1000

_SERIES = 0xE4
_SUBNETS, _ROUTED = IPv4Address("10.0.0.0"), IPv4Address("172.16.0.0")
_ROUTE_LENGTH = 27


@dataclass(frozen=True)
class Routers:
    """So many routers with so many static routes each.

    Each joins four logical switches. The first of them is in a VLAN of p0, 1 for the first router;
    all next hops are remote.
    """

    number: int
    routes_each: int

    @property
    def routes(self) -> int:
        """How many routes they have in all."""
        return self.number * self.routes_each

    @property
    def next_hops(self) -> int:
        """How many next hops they have in all."""
        return self.number * INTERFACES * NEXT_HOPS

    def key(self, next_hop: int) -> int:
        """Return the VNI of the logical switch of a next hop."""
        return FIRST_KEY + next_hop // NEXT_HOPS

    def ip(self, next_hop: int) -> str:
        """Return the address of a next hop."""
        interface, place = divmod(next_hop, NEXT_HOPS)
        return str(_subnet(interface) + 10 + place)

    def mac(self, next_hop: int) -> str:
        """Return the MAC address of a next hop."""
        return rows.macs(1, _SERIES)[0][:6] + next_hop.to_bytes(4, "big").hex(":")

    def prefix(self, route: int) -> str:
        """Return where a route leads to."""
        return f"{_network(route)}/{_ROUTE_LENGTH}"

    def next_hop_of(self, route: int) -> int:
        """Return the next hop of a route."""
        router, place = divmod(route, self.routes_each)
        each = INTERFACES * NEXT_HOPS
        return router * each + place % each

    def probe_of_route(self, route: int, src: str) -> Probe:
        """Return a probe of vm1 to a host that a route leads to."""
        return self._probe(route // self.routes_each, src, str(_network(route) + 1))

    def probe_of_next_hop(self, next_hop: int, src: str) -> Probe:
        """Return a probe of vm1 to a next hop itself."""
        return self._probe(next_hop // (INTERFACES * NEXT_HOPS), src, self.ip(next_hop))

    def operations(self, address: str) -> Iterator[Operation]:
        """Yield what inserts all rows; the next hops are behind one address."""
        yield rows.locator("far", address)
        bindings = [[each + 1, rows.named(f"ls{each * INTERFACES}")] for each in range(self.number)]
        yield rows.update("Physical_Port", "name", "p0", vlan_bindings=["map", bindings])
        for each in range(self.number):
            yield from self._router(each)
        for next_hop in range(self.next_hops):
            switch = rows.named(f"ls{next_hop // NEXT_HOPS}")
            ip = self.ip(next_hop)
            yield rows.station(self.mac(next_hop), switch, rows.named("far"), ip=ip)

    def _router(self, number: int) -> Iterator[Operation]:
        interfaces = range(number * INTERFACES, (number + 1) * INTERFACES)
        for each in interfaces:
            name = f"ls{each}"
            yield rows.insert("Logical_Switch", name, name=name, tunnel_key=FIRST_KEY + each)
        routes = range(number * self.routes_each, (number + 1) * self.routes_each)
        yield rows.insert(
            "Logical_Router",
            name=f"r{number}",
            other_config=["map", [["router_mac", ROUTER_MAC]]],
            switch_binding=[
                "map",
                [[f"{_subnet(each) + 1}/24", rows.named(f"ls{each}")] for each in interfaces],
            ],
            static_routes=[
                "map",
                [[self.prefix(each), self.ip(self.next_hop_of(each))] for each in routes],
            ],
        )

    def _probe(self, router: int, src: str, dst_ip: str) -> Probe:
        own = str(_subnet(router * INTERFACES) + 200)
        return routed_probe(src, ROUTER_MAC, own, dst_ip, (router + 1,))


def _subnet(interface: int) -> IPv4Address:
    return _SUBNETS + interface * 256


def _network(route: int) -> IPv4Address:
    return _ROUTED + route * 32
