"""Fabrics for the tests of routing: what an NVC may write of routers, all of it without fault."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from vtep_ofapp.values.acls import AclEntry
from vtep_ofapp.values.routers import (
    LogicalRouter,
    derived_mac,
    parse_destination,
    parse_interface,
)

from . import acl_rule
from .builders import BLUE, GREEN, RED, uuid
from .packets import IPV4, IPV6, Packet
from .routing_rule import Router

LOGICAL_SWITCHES = [RED, BLUE, GREEN]
NAMES = ["r1", "r2"]
PREFIXES = ["10.0.0.0/8", "10.1.0.0/16", "0.0.0.0/0", "10.1.2.3/32", "192.168.3.0/25"]
PREFIXES += ["2001:db8:a::/48", "::/0"]


def ip(of: UUID, host: int, *, is_ipv6: bool = False) -> str:
    """Return the address of a host in the subnet of a logical switch."""
    return f"2001:db8:{of.int}::{host}" if is_ipv6 else f"192.168.{of.int}.{host}"


@dataclass(frozen=True)
class Plan:
    """A router as a test chooses it: the second one has other addresses than the first.

    ``routes`` say for each prefix the host that is the next hop, and the subnet that has it.
    """

    name: str
    joined: Collection[UUID]
    has_ipv6: bool = True
    has_second_subnet: bool = False
    routes: Mapping[str, tuple[UUID, int]] = field(default_factory=dict)
    lists: Mapping[tuple[UUID, int], UUID] = field(default_factory=dict)
    """ACL rows, by logical switch and EtherType."""

    @property
    def number(self) -> int:
        return NAMES.index(self.name) + 1

    def keys(self) -> dict[UUID, list[str]]:
        """Return the keys of switch_binding."""
        found = {}
        for of in self.joined:
            found[of] = [f"{ip(of, self.number)}/24"]
            if self.has_ipv6:
                found[of].append(f"{ip(of, self.number, is_ipv6=True)}/64")
            if self.has_second_subnet and of == RED:
                found[of].append(f"192.168.7.{self.number}/24")
        return found

    def static_routes(self) -> dict[str, str]:
        """Return the routes whose next hop is in a subnet of the router, and is not itself."""
        found = {}
        for prefix, (of, host) in self.routes.items():
            is_ipv6 = ":" in prefix
            if of in self.joined and host != self.number and (self.has_ipv6 or not is_ipv6):
                found[prefix] = ip(of, host, is_ipv6=is_ipv6)
        return found

    def row(self) -> LogicalRouter:
        return LogicalRouter(
            uuid=uuid(0x9000 + self.number),
            name=self.name,
            mac=derived_mac(self.name),
            interfaces={
                of: tuple(sorted(map(parse_interface, keys))) for of, keys in self.keys().items()
            },
            routes={parse_destination(key): each for key, each in self.static_routes().items()},
            acls={self.acl_key(*where): acl for where, acl in self.lists.items()},
            logical_switches=frozenset(self.joined),
        )

    def acl_key(self, of: UUID, family: int) -> str:
        """Return the key of acl_binding for packets of a family at an interface."""
        return ip(of, self.number, is_ipv6=family == IPV6)

    def router(self, mac: str, entries: Mapping[UUID, Collection[AclEntry]]) -> Router:
        """Return it as the model has it, with the entries of the access lists."""

        def judge(acl: UUID, src: str, dst: str, packet: Packet, is_egress: bool) -> bool:
            return acl_rule.permits(entries[acl], src, dst, packet, is_egress=is_egress)

        lists = {
            where: lambda *said, acl=acl: judge(acl, *said) for where, acl in self.lists.items()
        }
        return Router(self.name, mac, self.keys(), self.static_routes(), lists)


def is_usable(plan: Plan, where: tuple[UUID, int]) -> bool:
    """Whether the router has an address of that family there."""
    of, family = where
    return of in plan.joined and (plan.has_ipv6 or family == IPV4)
