"""The columns of Logical_Router as interfaces and routes, or why their keys cannot be used.

Only the row itself counts here. What two keys of one column contradict depends on no order.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple, TypeAlias
from uuid import UUID

from ...values.addresses import Invalid, ip_order, is_link_local
from ...values.parts import Parts
from ...values.routers import (
    InterfaceAddress,
    Prefix,
    RefusedKey,
    RouteKey,
    parse_destination,
    parse_interface,
    parse_next_hop,
)

_Key: TypeAlias = tuple[InterfaceAddress, str, UUID]
"""A key of switch_binding: what it is, how it is written, and its logical switch."""


class Bindings(NamedTuple):
    """What switch_binding says: see LogicalRouter."""

    interfaces: Mapping[UUID, tuple[InterfaceAddress, ...]] = {}
    logical_switches: frozenset[UUID] = frozenset()
    spellings: Mapping[InterfaceAddress, str] = {}
    refused: tuple[RefusedKey, ...] = ()


def read_bindings(column: Mapping[str, UUID]) -> Bindings:
    """Return the interfaces of a router, and the keys that cannot be used.

    Of two keys with one address, or with one subnet on two logical switches, the one with the
    numerically least address counts. A link-local address is none alone (layer 3 needs another).
    """
    refused: list[RefusedKey] = []
    keys: list[_Key] = []
    for text, logical_switch in column.items():
        found = _interface(text)
        if isinstance(found, RefusedKey):
            refused.append(found)
        else:
            keys.append((found, text, logical_switch))
    used = _Used()
    for key in sorted(keys, key=_rank):
        reason = used.add(key)
        if reason:
            refused.append(RefusedKey(key[1], reason))
    for key in used.take_alone():
        reason = "it is link-local, and its interface has no other address"
        refused.append(RefusedKey(key[1], reason))
    joined = frozenset(column.values())
    return Bindings(used.interfaces(), joined, used.spellings, tuple(sorted(refused)))


class _Used:
    """The keys of switch_binding that do not contradict those before."""

    def __init__(self) -> None:
        self.spellings: dict[InterfaceAddress, str] = {}
        self._addresses: dict[str, str] = {}
        self._subnets: dict[Prefix, tuple[str, UUID]] = {}
        self._in: defaultdict[UUID, list[_Key]] = defaultdict(list)

    def add(self, key: _Key) -> str:
        """Use a key; return the reason if it cannot be, else ""."""
        address, text, logical_switch = key
        # A link-local one as well: packets to it do not say by which interface they came.
        if address.ip in self._addresses:
            return f"{address.ip} is also the address of {self._addresses[address.ip]}"
        if address.is_connected:
            other, where = self._subnets.setdefault(address.subnet, (text, logical_switch))
            if where != logical_switch:
                return f"{other} binds {address.subnet} to another logical switch"
        if address.ip:
            self._addresses[address.ip] = text
        elif any(each[0] == address for each in self._in.get(logical_switch, ())):
            return f"{address} is bound twice"
        self._in[logical_switch].append(key)
        if text != str(address):
            self.spellings[address] = text
        return ""

    def take_alone(self) -> Iterator[_Key]:
        """Yield the link-local addresses of interfaces without any other, which are not used."""
        for logical_switch, keys in list(self._in.items()):
            if all(is_link_local(address.ip) for address, _, _ in keys):
                del self._in[logical_switch]
                yield from keys

    def interfaces(self) -> dict[UUID, tuple[InterfaceAddress, ...]]:
        """Return the addresses by logical switch."""
        return {where: tuple(each[0] for each in keys) for where, keys in self._in.items()}


def _rank(key: _Key) -> tuple[tuple[int, int], int, str]:
    address, text, _ = key
    return ip_order(address.ip or address.subnet.network), address.subnet.length, text


@lru_cache(maxsize=1 << 14)  # a key that changes leaves the others of its row as they are
def _interface(text: str) -> InterfaceAddress | RefusedKey:
    try:
        return parse_interface(text)
    except Invalid as error:
        return RefusedKey(text, str(error))


class Routes(NamedTuple):
    """What static_routes says: ``texts`` as received, and the rest as LogicalRouter has it."""

    texts: Parts[str, str] = Parts()
    routes: Parts[Prefix, str] = Parts()
    route_keys: Mapping[Prefix, tuple[RouteKey, ...]] = {}
    refused: tuple[RefusedKey, ...] = ()

    def changed(self, changes: Mapping[str, str | None]) -> "Routes":
        """Return the column with these next hops set, or keys removed where there is None.

        It takes time for the changes alone: a router may have very many routes. Of several keys
        that are one prefix, the one with the numerically least next hop counts.
        """
        refused = {each.key: each for each in self.refused if each.key not in changes}
        of_prefix: dict[Prefix, dict[str, str]] = {}
        for text, next_hop in changes.items():
            for is_new, value in ((False, self.texts.get(text)), (True, next_hop)):
                found = None if value is None else _route(text, value)
                if isinstance(found, RefusedKey):
                    if is_new:
                        refused[text] = found
                elif found is not None:
                    prefix, ip = found
                    keys = of_prefix.setdefault(prefix, dict(self._keys(prefix)))
                    if is_new:
                        keys[text] = ip
                    else:
                        del keys[text]
        return Routes(
            self.texts.changed(changes),
            self.routes.changed({prefix: _least(keys) for prefix, keys in of_prefix.items()}),
            self._route_keys(of_prefix),
            self.refused if not refused and not self.refused else tuple(sorted(refused.values())),
        )

    def _keys(self, prefix: Prefix) -> Iterable[RouteKey]:
        """Return the keys that are a prefix."""
        next_hop = self.routes.get(prefix)
        if prefix in self.route_keys or next_hop is None:
            return self.route_keys.get(prefix, ())
        return (RouteKey(str(prefix), next_hop),)

    def _route_keys(
        self, changes: Mapping[Prefix, Mapping[str, str]]
    ) -> Mapping[Prefix, tuple[RouteKey, ...]]:
        now = {prefix: keys for prefix, keys in changes.items() if _are_special(prefix, keys)}
        if not now and self.route_keys.keys().isdisjoint(changes):
            return self.route_keys
        others = {prefix: keys for prefix, keys in self.route_keys.items() if prefix not in changes}
        return {**others, **{prefix: _by_next_hop(keys) for prefix, keys in now.items()}}


def _are_special(prefix: Prefix, keys: Mapping[str, str]) -> bool:
    """Whether keys of a prefix are several, or not written as it is."""
    return len(keys) > 1 or any(key != str(prefix) for key in keys)


def _by_next_hop(keys: Mapping[str, str]) -> tuple[RouteKey, ...]:
    found = (RouteKey(key, next_hop) for key, next_hop in keys.items())
    return tuple(sorted(found, key=lambda each: (ip_order(each.next_hop), each.key)))


def _least(keys: Mapping[str, str]) -> str | None:
    """Return the numerically least next hop, None if there is no key."""
    return min(keys.values(), key=ip_order) if len(keys) > 1 else next(iter(keys.values()), None)


def _route(text: str, next_hop: str) -> tuple[Prefix, str] | RefusedKey:
    try:
        prefix = parse_destination(text)
        return prefix, parse_next_hop(next_hop, prefix)
    except Invalid as error:
        return RefusedKey(text, str(error))
