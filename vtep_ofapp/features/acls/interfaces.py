"""acl_binding of logical routers: which access lists judge the packets of each interface."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from ...engine.feature import Index
from ...engine.topics import Topic
from ...engine.view import View
from ...pipeline.acls import OF_INTERFACE
from ...values.addresses import Invalid, ip_order, parse_ip
from ...values.routers import InterfaceAddress, LogicalRouter, RefusedKey
from ..routers.here import Interface, RouterPackets, RoutersHere
from .uses import AclUses


@dataclass(frozen=True, slots=True)
class RouterAcls:
    """The owner of the faults of acl_binding of a router."""

    router: UUID


@dataclass(frozen=True, slots=True)
class AclBinding:
    """What acl_binding of a router says.

    ``judging`` are the access lists by the packets that they judge, wherever the interface is used.
    """

    acls: frozenset[UUID] = frozenset()
    judging: Mapping[RouterPackets, UUID] = field(default_factory=dict)
    refused: tuple[RefusedKey, ...] = ()


_NOTHING = AclBinding()


class InterfaceAcls(Index):
    """acl_binding of all routers, whether any switch uses them or not."""

    ROWS = (LogicalRouter,)

    def __init__(self) -> None:
        self._bindings: dict[UUID, AclBinding] = {}

    def binding(self, router: UUID) -> AclBinding:
        """Return what acl_binding of a router says."""
        return self._bindings.get(router, _NOTHING)

    def row_changed(
        self, former: LogicalRouter | None, new: LogicalRouter | None
    ) -> Iterator[Topic]:
        """Handle a changed row; the topics that this invalidates are those of routers."""
        if new is not None and new.acls:
            if former is None or (former.acls, former.interfaces) != (new.acls, new.interfaces):
                self._bindings[new.uuid] = acl_binding(new)
        elif former is not None:
            self._bindings.pop(former.uuid, None)
        yield from ()


class InterfacesHere:
    """The interfaces of one switch whose packets access lists judge."""

    def __init__(self, view: View) -> None:
        self._uses = view[AclUses]
        self._rows = view[InterfaceAcls]
        self._here = view[RoutersHere]
        self._known: dict[UUID, AclBinding] = {}

    def router_changed(self, router: UUID) -> Iterator[Topic]:
        """Compare what a router says; yield the topics that are invalid by that."""
        now = self._rows.binding(router) if router in self._here.routers() else _NOTHING
        former = self._known.pop(router, _NOTHING)
        if now is not _NOTHING:
            self._known[router] = now
        if now is former:
            return
        self._uses.name(RouterAcls(router), now.acls)
        for packets in former.judging.keys() | now.judging.keys():
            yield from self._judge(packets)
        yield from self._uses.take_changed()
        yield RouterAcls(router)

    def interface_changed(self, interface: Interface) -> Iterator[Topic]:
        """Compare whether an interface is used; yield the topics that are invalid by that."""
        for is_ipv6 in (False, True):
            yield from self._judge(RouterPackets(*interface, is_ipv6))
        yield from self._uses.take_changed()

    def _judge(self, packets: RouterPackets) -> Iterator[RouterPackets]:
        acl = self._known.get(packets.router, _NOTHING).judging.get(packets)
        is_used = self._here.interface(Interface(*packets[:2])) is not None
        if self._uses.judge(packets, {OF_INTERFACE: acl} if acl and is_used else {}):
            yield packets


def acl_binding(row: LogicalRouter) -> AclBinding:
    """Return what acl_binding of a router says.

    A key is an address of the router, with the length of its prefix or without it, as OpenDaylight
    writes it. It is for the packets of its family, of each interface that has the address: those
    that are link-local may be several. If several keys name an interface, the least address counts.
    """
    refused: list[RefusedKey] = []
    named: list[tuple[tuple[int, int], str, list[RouterPackets]]] = []
    interfaces = _with_addresses(row)
    for key in row.acls:
        try:
            ip, length = _parsed(key)
        except Invalid as error:
            refused.append(RefusedKey(key, str(error)))
            continue
        packets = [
            RouterPackets(row.uuid, logical_switch, ":" in ip)
            for logical_switch, address in interfaces.get(ip, ())
            if length in ("", str(address.subnet.length))
        ]
        if packets:
            named.append((ip_order(ip), key, packets))
        else:
            refused.append(RefusedKey(key, f"{key} is no address of an interface of the router"))
    first: dict[RouterPackets, str] = {}
    for _, key, packets in sorted(named):
        others = {first.setdefault(each, key) for each in packets} - {key}
        if others:
            reason = f"{key} names the interface of {min(others)} once more, and does not count"
            refused.append(RefusedKey(key, reason))
    judging = {packets: row.acls[key] for packets, key in first.items()}
    return AclBinding(frozenset(row.acls.values()), judging, tuple(sorted(refused)))


def _with_addresses(row: LogicalRouter) -> Mapping[str, list[tuple[UUID, InterfaceAddress]]]:
    """Return the interfaces that have each address: the logical switch, and the subnet there."""
    found: defaultdict[str, list[tuple[UUID, InterfaceAddress]]] = defaultdict(list)
    for logical_switch, addresses in row.interfaces.items():
        for address in addresses:
            found[address.ip].append((logical_switch, address))
    return found


def _parsed(key: str) -> tuple[str, str]:
    """Return the canonical address of a key, and the length behind it, "" for none.

    Raises Invalid for text that is not one address.
    """
    text, slash, length = key.partition("/")
    if slash and not length:
        raise Invalid(f"{key} has no prefix length behind the slash")
    return parse_ip(text), length
