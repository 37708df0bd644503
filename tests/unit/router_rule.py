"""What rows of Logical_Router amount to, worked out from nothing with Python's own addresses.

It is slow and short: each rule of the specification is written once, over all rows at a time.
"""

import ipaddress
from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeAlias
from uuid import UUID

Address: TypeAlias = ipaddress.IPv4Interface | ipaddress.IPv6Interface
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
NO_HOSTS = [
    ipaddress.ip_network(each)
    for each in ("0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3", "::/127", "ff00::/8")
]
NEVER_ROUTED = [*NO_HOSTS, *map(ipaddress.ip_network, ("169.254.0.0/16", "fe80::/10"))]
LINK_LOCAL = ipaddress.ip_network("fe80::/10")


class Row(NamedTuple):
    """A router: its columns as an NVC writes them."""

    uuid: UUID
    name: str
    mac: str
    bindings: Mapping[str, UUID]
    routes: Mapping[str, str]


class Most(NamedTuple):
    """The limits of a switch."""

    routers: int = 99
    interfaces: int = 99
    routes: int = 99


class Amount(NamedTuple):
    """What is used: addresses by router and logical switch, routes by router and prefix."""

    interfaces: dict[tuple[UUID, UUID], set[str]]
    routes: dict[tuple[UUID, str], tuple[UUID, str]]


def amount(rows: Iterable[Row], bound: Iterable[UUID], most: Most) -> Amount:
    """Return what is used at a switch that binds these logical switches."""
    rows, found = sorted(rows, key=lambda row: (row.name, row.uuid)), Amount({}, {})
    accepted, present = _accepted(rows), _present(rows, bound)
    used = [row for row in rows if row.mac and present & set(row.bindings.values())]
    for row in used[: most.routers]:
        mine, static = accepted[row.uuid], _static(row)
        places = sorted(mine)[: most.interfaces]
        prefixes = sorted(static, key=_order)[: most.routes]
        most = Most(
            interfaces=max(0, most.interfaces - len(mine)),
            routes=max(0, most.routes - len(static)),
        )
        for where in places:
            found.interfaces[row.uuid, where] = set(map(_text, mine[where]))
        for prefix in prefixes:
            for next_hop in sorted(static[prefix]):
                way = _way(next_hop, mine)
                if way is not None:
                    if way in places:
                        found.routes[row.uuid, str(prefix)] = way, str(next_hop)
                    break
        for where, subnet in _subnets(mine):
            found.routes.pop((row.uuid, str(subnet)), None)
            if where in places:
                found.routes[row.uuid, str(subnet)] = where, ""
    return found


def longest(
    routes: Mapping[tuple[UUID, str], tuple[UUID, str]], router: UUID, ip: str
) -> str | None:
    """Return the longest prefix of a router that an IP address has."""
    address = ipaddress.ip_address(ip)
    fitting = [
        prefix for of, prefix in routes if of == router and address in ipaddress.ip_network(prefix)
    ]
    return max(fitting, key=lambda prefix: ipaddress.ip_network(prefix).prefixlen, default=None)


def _present(rows: Iterable[Row], bound: Iterable[UUID]) -> set[UUID]:
    """Return the logical switches that are bound, and those that routers join to them."""
    present, joined = set[UUID](), set(bound)
    while joined > present:
        present |= joined
        for row in rows:
            if present & set(row.bindings.values()):
                joined |= set(row.bindings.values())
    return present


# Interfaces


def _accepted(rows: Iterable[Row]) -> dict[UUID, dict[UUID, list[Address]]]:
    """Return the addresses of each router that it has alone; rows come by their names."""
    macs, ips = set[tuple[UUID, str]](), set[tuple[UUID, str]]()
    macs_of = {
        row.uuid: {where for where in _valid(row) if not _taken(macs, (where, row.mac))}
        for row in rows
        if row.mac
    }
    made = {
        (where, made_of(row.mac)): row.uuid
        for row in rows
        if row.mac
        for where in macs_of[row.uuid]
    }
    found: dict[UUID, dict[UUID, list[Address]]] = {}
    for row in rows:
        found[row.uuid] = {}
        for where, addresses in _valid(row).items() if row.mac else ():
            if where not in macs_of[row.uuid]:
                continue
            accepted = [
                each
                for each in addresses
                if _is_subnet(each)
                or (
                    made.get((where, str(each.ip)), row.uuid) == row.uuid
                    and not _taken(ips, (where, str(each.ip)))
                )
            ]
            if accepted:
                others = [each for each in accepted if str(each.ip) != made_of(row.mac)]
                found[row.uuid][where] = others
    return found


def _taken(taken: set[tuple[UUID, str]], place: tuple[UUID, str]) -> bool:
    """Return whether a place is taken; take it."""
    was_taken = place in taken
    taken.add(place)
    return was_taken


def _valid(row: Row) -> dict[UUID, list[Address]]:
    """Return the addresses of a router that its own keys do not contradict."""
    keys = [(each, key) for key in row.bindings if (each := _interface(key)) is not None]
    keys.sort(key=lambda each: (each[0].version, each[0].ip, each[0].network.prefixlen, each[1]))
    found: dict[UUID, list[Address]] = {}
    ips, subnets = set[object](), dict[Network, UUID]()
    for address, key in keys:
        where = row.bindings[key]
        is_local = address.ip in LINK_LOCAL
        if not _is_subnet(address) and address.ip in ips:
            continue
        is_connected = address.network.num_addresses > 1 and not is_local
        if is_connected and subnets.setdefault(address.network, where) != where:
            continue
        if _is_subnet(address) and address in found.get(where, ()):
            continue
        if not _is_subnet(address):
            ips.add(address.ip)
        found.setdefault(where, []).append(address)
    return {
        where: addresses
        for where, addresses in found.items()
        if not all(each.ip in LINK_LOCAL for each in addresses)
    }


def _interface(key: str) -> Address | None:
    try:
        address = ipaddress.ip_interface(key)
    except ValueError:
        return None
    network = address.network
    if "/" not in key or not key.partition("/")[2].isdigit() or network.prefixlen == 0:
        return None
    if any(address.ip in each for each in NO_HOSTS if each.version == address.version):
        return None
    if _is_subnet(address) and address.ip in LINK_LOCAL:
        return None
    is_last = address.version == 4 and network.num_addresses > 2
    return None if is_last and address.ip == network.broadcast_address else address


def _is_subnet(address: Address) -> bool:
    """Whether a key is a subnet without an address."""
    return address.network.num_addresses > 2 and address.ip == address.network.network_address


def _text(address: Address) -> str:
    return str(address)


def made_of(mac: str) -> str:
    """Return the link-local address of a MAC address."""
    octets = bytes.fromhex(mac.replace(":", ""))
    host = bytes([octets[0] ^ 2]) + octets[1:3] + b"\xff\xfe" + octets[3:]
    return str(ipaddress.IPv6Address(bytes.fromhex("fe80000000000000") + host))


# Routes


def _static(row: Row) -> dict[Network, set[ipaddress.IPv4Address | ipaddress.IPv6Address]]:
    """Return the next hops of all keys that are one prefix."""
    found: dict[Network, set[ipaddress.IPv4Address | ipaddress.IPv6Address]] = {}
    for key, text in row.routes.items():
        try:
            network = ipaddress.ip_network(key, strict=False)
            next_hop = ipaddress.ip_address(text)
        except ValueError:
            continue
        never = [each for each in NEVER_ROUTED if each.version == network.version]
        same = [each for each in NO_HOSTS if each.version == next_hop.version]
        if (
            "/" in key
            and next_hop.version == network.version
            and not any(network.subnet_of(each) for each in never)  # type: ignore[arg-type]
            and not any(next_hop in each for each in (*same, LINK_LOCAL))
        ):
            found.setdefault(network, set()).add(next_hop)
    return found


def _subnets(mine: Mapping[UUID, Iterable[Address]]) -> Iterable[tuple[UUID, Network]]:
    for where, addresses in mine.items():
        for each in addresses:
            if each.network.num_addresses > 1 and each.ip not in LINK_LOCAL:
                yield where, each.network


def _way(
    next_hop: ipaddress.IPv4Address | ipaddress.IPv6Address, mine: Mapping[UUID, list[Address]]
) -> UUID | None:
    own = {each.ip for addresses in mine.values() for each in addresses if not _is_subnet(each)}
    fitting = [(subnet, where) for where, subnet in _subnets(mine) if next_hop in subnet]
    if next_hop in own or not fitting:
        return None
    subnet, where = max(fitting, key=lambda each: each[0].prefixlen)
    ends = (subnet.network_address, subnet.broadcast_address)
    is_end = subnet.version == 4 and subnet.num_addresses > 2 and next_hop in ends
    return None if is_end else where


def _order(network: Network) -> tuple[int, int, int]:
    return network.version, int(network.network_address), network.prefixlen
