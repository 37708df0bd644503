"""The interfaces and routes of a logical router, as far as its row allows them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from ...values.routers import (
    InterfaceAddress,
    LogicalRouter,
    Prefix,
    link_local_of,
    prefix_of,
)


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


@dataclass(frozen=True, slots=True)
class Resolved:
    """A router's interfaces by logical switch, its routes by prefix, and those without a way.

    ``unreachable`` has the next hops of static routes that lie in no subnet of the router.
    """

    interfaces: Mapping[UUID, UsedInterface] = field(default_factory=dict)
    routes: Mapping[Prefix, UsedRoute] = field(default_factory=dict)
    unreachable: Mapping[Prefix, str] = field(default_factory=dict)

    def lookup(self, ip: str) -> UsedRoute | None:
        """Return the route of an IP address with the longest prefix."""
        for length in range(128 if ":" in ip else 32, -1, -1):
            found = self.routes.get(prefix_of(ip, length))
            if found is not None:
                return found
        return None


def resolved(row: LogicalRouter, number: int) -> Resolved:
    """Return the interfaces and routes of a router; a connected one is before a static one."""
    if not row.mac:
        return Resolved()
    link_local = link_local_of(row.mac)
    interfaces = {
        where: UsedInterface(row.uuid, number, row.name, where, row.mac, addresses, link_local)
        for where, addresses in row.interfaces.items()
    }
    connected = dict(_connected(interfaces))
    routes, unreachable = dict[Prefix, UsedRoute](), dict[Prefix, str]()
    found: dict[str, UUID | None] = {}
    for prefix, next_hop in row.routes.items():
        if next_hop not in found:
            found[next_hop] = _way(next_hop, interfaces, connected)
        logical_switch = found[next_hop]
        if logical_switch is None:
            unreachable[prefix] = next_hop
        else:
            routes[prefix] = UsedRoute(prefix, logical_switch, next_hop)
    return Resolved(interfaces, {**routes, **connected}, unreachable)


def _connected(interfaces: Mapping[UUID, UsedInterface]) -> Iterator[tuple[Prefix, UsedRoute]]:
    for where, interface in interfaces.items():
        for address in interface.addresses:
            if address.is_connected:
                yield address.subnet, UsedRoute(address.subnet, where)


def _way(
    next_hop: str,
    interfaces: Mapping[UUID, UsedInterface],
    connected: Mapping[Prefix, UsedRoute],
) -> UUID | None:
    """Return the logical switch of the subnet that has a next hop, None if none has it."""
    fitting = [prefix for prefix in connected if prefix.has(next_hop)]
    if not fitting:
        return None
    subnet = max(fitting, key=lambda prefix: prefix.length)
    is_own = any(next_hop in each.ips(subnet.is_ipv6) for each in interfaces.values())
    return None if is_own or next_hop in subnet.ends() else connected[subnet].logical_switch
