"""The interfaces and routes of a logical router, as far as rows allow them."""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple, TypeAlias
from uuid import UUID

from ...values.addresses import BITS, ip_number
from ...values.parts import differing
from ...values.routers import (
    InterfaceAddress,
    LogicalRouter,
    Prefix,
    link_local_of,
    prefix_of,
)

Addresses: TypeAlias = Mapping[UUID, tuple[InterfaceAddress, ...]]
"""The addresses of a router by logical switch."""
_FEW = 100
"""Next hops that may be remembered although no route has them."""


class UsedInterface(NamedTuple):
    """An interface of a router: its addresses in a logical switch, sorted.

    ``number`` is that of the router in the pipeline; ``mac`` is the same at all VTEPs.
    """

    router: UUID
    number: int
    name: str
    logical_switch: UUID
    mac: str
    addresses: tuple[InterfaceAddress, ...]
    link_local: str

    def ips(self, is_ipv6: bool) -> list[str]:
        """Return the router's addresses of a family, without the link-local one of its MAC."""
        return [each.ip for each in self.addresses if each.ip and (":" in each.ip) == is_ipv6]

    def is_near(self, ip: str) -> bool:
        """Whether a subnet of the interface has an IP address."""
        return any(each.subnet.has(ip) for each in self.addresses)

    def source_for(self, ip: str) -> str:
        """Return the address from which packets to an IP address come.

        It is the one whose subnet has it, else the least of its family, else "".
        """
        own = [each for each in self.addresses if each.ip and (":" in each.ip) == (":" in ip)]
        near = (each.ip for each in own if each.subnet.has(ip))
        return next(near, own[0].ip if own else "")


class UsedRoute(NamedTuple):
    """A route: where packets with a prefix go, and by which next hop, "" for the host itself."""

    prefix: Prefix
    logical_switch: UUID
    next_hop: str = ""


class Resolved:
    """The interfaces of one router by logical switch, and its routes by prefix.

    A connected route comes before a static one with the same prefix. ``unreachable`` are the
    prefixes of static routes that no next hop leads to: see why_unreachable().
    """

    def __init__(self) -> None:
        self.interfaces: dict[UUID, UsedInterface] = {}
        self.routes: dict[Prefix, UsedRoute] = {}
        self.unreachable: set[Prefix] = set()
        self._connected: dict[Prefix, UUID] = {}
        self._subnet_lengths: dict[bool, list[int]] = {False: [], True: []}
        self._own: set[str] = set()
        self._ways: dict[str, UUID | None] = {}
        self._by_length: dict[bool, dict[int, dict[int, UsedRoute]]] = {False: {}, True: {}}
        self._row: LogicalRouter | None = None

    def update(
        self, row: LogicalRouter | None, number: int | None, accepted: Addresses
    ) -> tuple[set[UUID], set[Prefix]]:
        """Set the row, its number and its addresses; return what differs.

        These are logical switches with an interface, and prefixes: those whose route differs, or
        all if the number or the MAC does, which flows of routes have. A changed route takes time
        for itself alone.
        """
        former, self._row = self._row, row
        interfaces = _interfaces(row, number, accepted) if row and number else {}
        changed = differing(self.interfaces, interfaces)
        routes_before: Mapping[Prefix, str] = former.routes if former else {}
        routes_now: Mapping[Prefix, str] = row.routes if row else {}
        stale = differing(routes_before, routes_now)
        if former is not None and row is not None:
            stale |= differing(former.route_keys, row.route_keys)
        is_readdressed = any(self._is_readdressed(each, interfaces) for each in changed)
        if changed:
            self.interfaces = interfaces
            stale |= self._reconnect(routes_now)
        routes = {prefix for prefix in stale if self._reroute(prefix)}
        if len(self._ways) > 2 * len(routes_now) + _FEW:
            self._forget_ways()
        return changed, (routes | self.routes.keys() if is_readdressed else routes)

    def fitting(self, ip: str) -> Iterator[UsedRoute]:
        """Yield the routes that an IP address has, the longest prefix first.

        Prefixes are looked up by their bits: to spell 128 of them takes a millisecond.
        """
        is_ipv6, number = ":" in ip, ip_number(ip)
        tables = self._by_length[is_ipv6]
        for length in sorted(tables, reverse=True):
            found = tables[length].get(number >> BITS[is_ipv6] - length)
            if found is not None:
                yield found

    def why_unreachable(self, next_hop: str) -> str:
        """Return why packets cannot go to a next hop; "" if they can."""
        if next_hop in self._own:
            return "is an address of the router itself"
        subnet = self._subnet_of(next_hop)
        if subnet is None:
            return "lies in no subnet of the router"
        return "is not the address of one host" if next_hop in subnet.ends() else ""

    def next_hops(self, prefix: Prefix) -> Iterator[str]:
        """Yield the next hops of the keys that are a prefix, sorted."""
        row = self._row
        next_hop = row.routes.get(prefix) if row else None
        if row is None or next_hop is None:
            return
        if prefix in row.route_keys:
            yield from (each.next_hop for each in row.route_keys[prefix])
        else:
            yield next_hop

    def _is_readdressed(self, where: UUID, interfaces: Mapping[UUID, UsedInterface]) -> bool:
        before, now = self.interfaces.get(where), interfaces.get(where)
        return bool(before and now and (before.number, before.mac) != (now.number, now.mac))

    def _reconnect(self, routes: Mapping[Prefix, str]) -> set[Prefix]:
        """Take the subnets of new interfaces; return prefixes whose route may differ by that."""
        former, ways = self._connected, self._ways
        self._connected, self._own = {}, set()
        for where, interface in self.interfaces.items():
            for address in interface.addresses:
                if address.ip:
                    self._own.add(address.ip)
                if address.is_connected:
                    self._connected[address.subnet] = where
        for is_ipv6 in self._subnet_lengths:
            lengths = {each.length for each in self._connected if each.is_ipv6 == is_ipv6}
            self._subnet_lengths[is_ipv6] = sorted(lengths, reverse=True)
        self._ways = {}
        moved = {next_hop for next_hop in ways if self._way(next_hop) != ways[next_hop]}
        stale = differing(former, self._connected)
        if not moved:
            return stale
        several = {
            prefix
            for prefix, keys in (self._row.route_keys if self._row else {}).items()
            if any(each.next_hop in moved for each in keys)
        }
        return stale | several | {prefix for prefix in routes if routes[prefix] in moved}

    def _reroute(self, prefix: Prefix) -> bool:
        """Choose the route of a prefix; return whether it differs from before."""
        former, now = self.routes.get(prefix), self._route(prefix)
        if former == now:
            return False
        tables, first_bits = self._by_length[prefix.is_ipv6], prefix.first_bits
        if now is not None:
            self.routes[prefix] = tables.setdefault(prefix.length, {})[first_bits] = now
            return True
        del self.routes[prefix], tables[prefix.length][first_bits]
        if not tables[prefix.length]:
            del tables[prefix.length]
        return True

    def _forget_ways(self) -> None:
        """Forget the ways to next hops that no route has any longer."""
        used = {
            next_hop for prefix in self._static_prefixes() for next_hop in self.next_hops(prefix)
        }
        self._ways = {next_hop: way for next_hop, way in self._ways.items() if next_hop in used}

    def _static_prefixes(self) -> Collection[Prefix]:
        return self._row.routes.keys() if self._row else ()

    def _route(self, prefix: Prefix) -> UsedRoute | None:
        static = self._static(prefix)
        where = self._connected.get(prefix)
        return static if where is None else UsedRoute(prefix, where)

    def _static(self, prefix: Prefix) -> UsedRoute | None:
        """Return the static route of a prefix by its first next hop that is in a subnet."""
        self.unreachable.discard(prefix)
        next_hops = list(self.next_hops(prefix))
        for next_hop in next_hops:
            where = self._way(next_hop)
            if where is not None:
                return UsedRoute(prefix, where, next_hop)
        if next_hops:
            self.unreachable.add(prefix)
        return None

    def _way(self, next_hop: str) -> UUID | None:
        """Return the logical switch in whose subnet a next hop lies, None if it lies in none."""
        if next_hop not in self._ways:
            subnet = None if self.why_unreachable(next_hop) else self._subnet_of(next_hop)
            self._ways[next_hop] = None if subnet is None else self._connected[subnet]
        return self._ways[next_hop]

    def _subnet_of(self, ip: str) -> Prefix | None:
        found = (prefix_of(ip, length) for length in self._subnet_lengths[":" in ip])
        return next((prefix for prefix in found if prefix in self._connected), None)


def _interfaces(row: LogicalRouter, number: int, accepted: Addresses) -> dict[UUID, UsedInterface]:
    link_local = link_local_of(row.mac) if accepted else ""
    return {
        where: UsedInterface(
            row.uuid,
            number,
            row.name,
            where,
            row.mac,
            tuple(each for each in addresses if each.ip != link_local),
            link_local,
        )
        for where, addresses in accepted.items()
    }
