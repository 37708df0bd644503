"""ACL_INGRESS, ACL_EGRESS, and the same of whole ports and of routers: what access lists permit.

Each entry of an access list has a priority of its own, by priorities(), and flows() of that
priority. They match the number of the list, which a frame carries in a register: a list costs once
in a table, however many bindings or interfaces use it. Frames that no entry matches go on.

**Protocols.** OpenFlow wants the EtherType beside an address or a protocol, and the protocol beside
a port. So an entry that leaves these open has flows for each family and each protocol that it may
mean.

**Ranges** of ports are split into blocks(), which a value with a mask matches. Where the pairs of
source and destination blocks would be more flows than the blocks themselves, these are the two
clauses of a conjunction (ovs-fields(7), "Conjunctive match fields"), and one more flow acts. Its
``conj_id`` is the priority. Open vSwitch wants an id for each conjunction of a table, all of whose
flows have one priority, and no two conjunctions that match one frame at one priority. With the
priority as id there is one conjunction at each priority: it is that of all lists together, whose
clauses match the number of the list, the family and the protocol. As a frame has one of each, both
clauses can only be met by the same entry. The ids need no memory and cannot collide.

**Fragments.** The header of layer 4 is in the first fragment alone. So flows that look at it leave
out later fragments. Of these, an entry that permits takes those that match its other fields, and
one that denies takes none: what it denies lacks its first fragment then, and cannot be put
together. Open vSwitch tells the protocol of a later fragment of IPv4, but not of IPv6, where it is
as good as layer 4 (ovs-fields(7), ip_proto). This needs the fragment mode nx-match.

A first fragment may be so short that the header of TCP or SCTP goes on in the second one (RFC 1858,
"Tiny Fragment Attack"). Open vSwitch sees 0 as both of its ports, and no entry for a port would
deny it. refuse_cut() drops these before the entries of a list that looks at such headers.
"""

from collections.abc import Collection, Iterator
from functools import lru_cache
from ipaddress import ip_address
from socket import AF_INET, AF_INET6, inet_pton
from typing import NamedTuple, TypeAlias
from uuid import UUID

from ..values.acls import ALL_FLAGS, EVERY_BIT, AclEntry, AclMatch, MaskedAddress, PortRange
from ..values.flows import Action, Conjunction, Flow, FlowKey, MatchValue, match
from .layout import (
    ACL,
    ACL_OF_INTERFACE,
    ACL_OF_PORT,
    Cookie,
    Priority,
    Table,
    Way,
    cookie_of,
    flow,
    miss,
)
from .ways import onward


class Place(NamedTuple):
    """Where an access list judges frames.

    Of the ``tables``, the first one is for ingress and the second one for egress, with the ``ways``
    that these belong to. In both, frames carry the number of the list in ``register``.
    """

    tables: tuple[Table, Table]
    ways: tuple[Way, Way]
    register: str


_OF_BINDINGS = Way.FROM_BINDING, Way.TO_BINDING
OF_PORT = Place((Table.ACL_INGRESS_PORT, Table.ACL_EGRESS_PORT), _OF_BINDINGS, ACL_OF_PORT)
OF_VLAN = Place((Table.ACL_INGRESS, Table.ACL_EGRESS), _OF_BINDINGS, ACL)
OF_INTERFACE = Place(
    (Table.ACL_ROUTER_INGRESS, Table.ACL_ROUTER_EGRESS),
    (Way.TO_ROUTER, Way.ROUTING),
    ACL_OF_INTERFACE,
)
PLACES = OF_PORT, OF_VLAN, OF_INTERFACE
INGRESS = tuple(place.tables[0] for place in PLACES)
EGRESS = tuple(place.tables[1] for place in PLACES)
REGISTER: dict[int, str] = {table: place.register for place in PLACES for table in place.tables}
"""The register with the number of the list that judges the frames of a table."""
MOST_ENTRIES = Priority.ACL_FIRST - 1
"""The greatest number of entries of a list in one direction: each has a priority above MISS."""

Header: TypeAlias = tuple[int, int]
"""The header of TCP or SCTP: the EtherType of its family and its protocol."""
_Fields: TypeAlias = dict[str, MatchValue]
_Block: TypeAlias = tuple[int, int]
"""A number with its mask of 16 bits."""

_IPV4, _IPV6 = 0x0800, 0x86DD
_ICMP, _TCP, _UDP, _IPV6_FRAGMENT, _ICMPV6, _SCTP = 1, 6, 17, 44, 58, 132
_WITH_PORTS: dict[MatchValue, str] = {_TCP: "tcp", _UDP: "udp", _SCTP: "sctp"}
_LONGER = (_TCP, _SCTP)
"""The protocols whose headers are longer than the least fragment, of 8 bytes."""
_EXACT, _ANY = 0xFFFF, (0, 0)
_EVERY_PORT: tuple[_Block, ...] = (_ANY,)
_EVERY_BIT = frozenset(EVERY_BIT.values())
_NOT_LATER, _LATER = (0, 2), (2, 2)
"""Values of ip_frag with their masks: bit 1 is set in fragments other than the first."""
_FIRST = 1
"""The value of ip_frag of a first fragment."""

_GO_ON = {
    table: onward(table, way)
    for place in PLACES
    for table, way in zip(place.tables, place.ways, strict=True)
}


def misses() -> tuple[Flow, ...]:
    """Permit what no entry matches (vtep(5), ACL.acl_entries), and frames without a list."""
    return _misses(*OF_PORT.tables, *OF_VLAN.tables)


def misses_of_routers() -> tuple[Flow, ...]:
    """Permit packets of routers likewise. All of them pass these tables."""
    return _misses(*OF_INTERFACE.tables)


def _misses(*tables: Table) -> tuple[Flow, ...]:
    return tuple(miss(table, *_GO_ON[table], producer=Cookie.ACLS) for table in tables)


def refuse_all(acl: int, table: Table) -> Flow:
    """Drop all frames that a list with this number would judge in a table, before its entries."""
    every = match({REGISTER[table]: acl})
    return flow(table, Priority.ACL_CLOSED, every, producer=Cookie.ACLS, counts_for=acl)


def refuse_cut(acl: int, header: Header, table: Table) -> Flow:
    """Drop first fragments that end before a header does, before a list with this number."""
    family, protocol = header
    name = _WITH_PORTS[protocol]
    cut: _Fields = {REGISTER[table]: acl, "eth_type": family, "ip_proto": protocol}
    cut |= {"ip_frag": _FIRST, f"{name}_src": 0, f"{name}_dst": 0}
    return flow(table, Priority.ACL_CLOSED, match(cut), producer=Cookie.ACLS, counts_for=acl)


def headers(entry: AclEntry) -> Iterator[Header]:
    """Yield the headers that an entry looks at and that a first fragment may have in part.

    The least fragment has 8 bytes: all of a header of UDP or ICMP.
    """
    fields = entry.match
    if fields is None or _has_icmp(fields) or not _has_layer4(fields):
        return
    for family in _families(fields):
        for protocol in _protocols(fields, family):
            if family is not None and protocol in _LONGER:
                yield family, protocol


def priorities(entries: Collection[AclEntry]) -> dict[UUID, int] | None:
    """Return the priorities of all entries that a list has in one direction, by their rows.

    An entry with a lower ``sequence`` has a higher priority; among equal ones those that deny come
    first. That of an entry is 60,000 less its sequence, or as near to that as the others leave
    room: a further entry moves only those that are in its way, and none if all sequences differ and
    are in 0 to 59,999. None if there are more than MOST_ENTRIES.
    """
    if len(entries) > MOST_ENTRIES:
        return None
    first = int(Priority.ACL_FIRST)
    sequences = {entry.sequence for entry in entries}
    if len(sequences) == len(entries) and all(0 <= each < first for each in sequences):
        return {entry.uuid: first - entry.sequence for entry in entries}
    ordered = sorted(entries, key=lambda entry: (entry.sequence, entry.permits, entry.uuid))
    places = _places([entry.sequence for entry in ordered], first - 1)
    return {entry.uuid: first - place for entry, place in zip(ordered, places, strict=True)}


def _places(sequences: list[int], last: int) -> list[int]:
    """Return different places from 0 to ``last`` for sorted sequences, in the same order."""
    places, place = [], -1
    for sequence in sequences:
        place = max(place + 1, sequence)
        places.append(place)
    for index in reversed(range(len(places))):  # the last ones may have found no room
        if places[index] <= last:
            break
        places[index] = last
        last -= 1
    return places


def cost(entry: AclEntry) -> int:
    """Return the number of flows() of an entry, without making them; 0 if it cannot be used."""
    if entry.match is None:
        return 0
    headers = later = 0
    for family in _families(entry.match):
        protocols = _protocols(entry.match, family)
        headers += len(protocols)
        later += len(_protocols_of_later(entry.match, family, protocols))
    sources, destinations = blocks(entry.match.source_ports), blocks(entry.match.dest_ports)
    if _are_clauses(sources, destinations):
        flows = headers * (len(sources) + len(destinations)) + 1
    else:
        flows = headers * len(sources) * len(destinations)
    return flows + later if entry.permits else flows


def flows(acl: int, entry: AclEntry, priority: int, table: Table) -> tuple[Flow, ...]:
    """Return the flows of an entry of the list with this number; none if it cannot be used.

    No frame matches two of them, but for the clauses of a conjunction.
    """
    if entry.match is None:
        return ()
    actions = _GO_ON[table] if entry.permits else ()
    upper, later = _headers(entry.match)
    if entry.match.source_ports is not None or entry.match.dest_ports is not None:
        made = [
            (fields, does or actions) for fields, does in _with_ports(entry.match, upper, priority)
        ]
    else:
        made = [(fields, actions) for fields in upper]
    if entry.permits:
        made += [(fields, actions) for fields in later]
    register, cookie, number = REGISTER[table], cookie_of(Cookie.ACLS, acl), table.value
    for fields, _ in made:
        fields[register] = acl
    return tuple(
        [Flow(FlowKey(number, priority, match(fields)), does, cookie) for fields, does in made]
    )


def blocks(ports: PortRange | None) -> tuple[_Block, ...]:
    """Return the fewest values, with their masks of 16 bits, that match the ports of a range.

    Each is a block whose size is a power of two and whose first port is a multiple of it.
    """
    if ports is None:
        return _EVERY_PORT
    if ports[0] == ports[1]:
        return ((ports[0], _EXACT),)
    return _split(ports)


@lru_cache(maxsize=1 << 12)
def _split(ports: PortRange) -> tuple[_Block, ...]:
    found, (first, last) = [], ports
    while first <= last:
        size = first & -first or 1 << 16
        while first + size - 1 > last:
            size >>= 1
        found.append((first, 0x10000 - size))
        first += size
    return tuple(found)


def _are_clauses(sources: tuple[_Block, ...], destinations: tuple[_Block, ...]) -> bool:
    """Whether two clauses and the flow that acts are fewer flows than all pairs of blocks."""
    return len(sources) * len(destinations) > len(sources) + len(destinations) + 1


def _with_ports(
    entry: AclMatch, headers: list[_Fields], priority: int
) -> Iterator[tuple[_Fields, tuple[Action, ...]]]:
    """Yield headers with the ports of an entry; with actions where these are not the entry's."""
    sources, destinations = blocks(entry.source_ports), blocks(entry.dest_ports)
    if not _are_clauses(sources, destinations):
        for header in headers:
            for source in sources:
                for destination in destinations:
                    yield {**header, **_ports(header, source, destination)}, ()
        return
    yield {"conj_id": priority}, ()
    one, two = (Conjunction(priority, 1, 2),), (Conjunction(priority, 2, 2),)
    for header in headers:
        for source in sources:
            yield {**header, **_ports(header, source, _ANY)}, one
        for destination in destinations:
            yield {**header, **_ports(header, _ANY, destination)}, two


def _ports(header: _Fields, source: _Block, destination: _Block) -> _Fields:
    """Return the match on blocks of ports, for a header with its protocol."""
    fields: _Fields = {}
    for side, (value, mask) in (("src", source), ("dst", destination)):
        if mask:
            protocol = _WITH_PORTS[header["ip_proto"]]
            fields[f"{protocol}_{side}"] = value if mask == _EXACT else (value, mask)
    return fields


def _headers(entry: AclMatch) -> tuple[list[_Fields], list[_Fields]]:
    """Return what an entry matches but for ports, and of later fragments if it permits."""
    headers: list[_Fields] = []
    later: list[_Fields] = []
    for family in _families(entry):
        network = _network(entry, family)
        protocols = _protocols(entry, family)
        headers += [{**network, **_transport(entry, protocol)} for protocol in protocols]
        for protocol in _protocols_of_later(entry, family, protocols):
            fields = {**network, "ip_frag": _LATER}
            later.append(fields if protocol is None else {**fields, "ip_proto": protocol})
    return headers, later


def _families(entry: AclMatch) -> tuple[int | None, ...]:
    """Return the EtherTypes that an entry means, None for all."""
    if entry.ethertype is not None:
        return (entry.ethertype,)
    address = entry.source or entry.destination
    if address is not None:
        return (_IPV6,) if ":" in address[0] else (_IPV4,)
    if _has_icmp(entry) and entry.protocol is not None:
        return (_IPV4,) if entry.protocol == _ICMP else (_IPV6,)
    return (_IPV4, _IPV6) if entry.protocol is not None or _has_layer4(entry) else (None,)


def _protocols(entry: AclMatch, family: int | None) -> tuple[int | None, ...]:
    """Return the protocols that an entry means in a family, None for all."""
    if entry.protocol is not None:
        return (entry.protocol,)
    if _has_icmp(entry):
        return (_ICMP,) if family == _IPV4 else (_ICMPV6,)
    if entry.tcp_flags is not None:
        return (_TCP,)
    return (_TCP, _UDP, _SCTP) if _has_layer4(entry) else (None,)


def _protocols_of_later(
    entry: AclMatch, family: int | None, protocols: tuple[int | None, ...]
) -> tuple[int | None, ...]:
    """Return the protocols of the flows that later fragments need if an entry permits."""
    if family == _IPV6:
        return (None,) if protocols[0] not in (None, _IPV6_FRAGMENT) else ()
    return protocols if _has_layer4(entry) else ()


def _has_icmp(entry: AclMatch) -> bool:
    return entry.icmp_type is not None or entry.icmp_code is not None


def _has_layer4(entry: AclMatch) -> bool:
    """Whether an entry looks at the header of layer 4."""
    ports = entry.source_ports is not None or entry.dest_ports is not None
    return ports or entry.tcp_flags is not None or _has_icmp(entry)


def _network(entry: AclMatch, family: int | None) -> _Fields:
    """Return the match of an entry on the headers of layers 2 and 3, for one EtherType."""
    fields: _Fields = {}
    if entry.source_mac is not None:
        fields["eth_src"] = entry.source_mac
    if entry.dest_mac is not None:
        fields["eth_dst"] = entry.dest_mac
    if family is not None:
        fields["eth_type"] = family
    ip = "ipv6" if family == _IPV6 else "ipv4"
    for side, address in (("src", entry.source), ("dst", entry.destination)):
        if address is not None and (masked := _masked(address)) is not None:
            fields[f"{ip}_{side}"] = masked
    return fields


def _transport(entry: AclMatch, protocol: int | None) -> _Fields:
    """Return the match of an entry on a protocol and the header of layer 4, but for ports."""
    if protocol is None:
        return {}
    fields: _Fields = {"ip_proto": protocol}
    if _has_layer4(entry):
        fields["ip_frag"] = _NOT_LATER
    if entry.tcp_flags is not None:
        flags, mask = entry.tcp_flags
        if mask:
            fields["tcp_flags"] = flags if mask == ALL_FLAGS else (flags & mask, mask)
    icmp = "icmpv4" if protocol == _ICMP else "icmpv6"
    if entry.icmp_type is not None:
        fields[f"{icmp}_type"] = entry.icmp_type
    if entry.icmp_code is not None:
        fields[f"{icmp}_code"] = entry.icmp_code
    return fields


def _masked(address: MaskedAddress) -> MatchValue | None:
    """Return the bits of an address that its mask has, None if it has none."""
    text, mask = address
    if mask in _EVERY_BIT:
        return text
    bits = _number(mask)
    if not bits:
        return None
    host = int.from_bytes(inet_pton(AF_INET6 if ":" in text else AF_INET, text), "big")
    return address if host & bits == host else (str(type(ip_address(mask))(host & bits)), mask)


@lru_cache(maxsize=1 << 10)  # many addresses have the same few masks
def _number(mask: str) -> int:
    return int(ip_address(mask))
