"""Multicast snooping: what hosts report is shown to the controller, and decides who gets frames.

OpenFlow cannot match the type of an IGMP message. So an IGMP message to all hosts is a query, and
so is one from a router; every other one is a report or a leave.
"""

from collections.abc import Iterable, Iterator, Mapping

from ..values.flows import (
    Action,
    Bucket,
    Flow,
    FlowKey,
    Group,
    MatchValue,
    Resubmit,
    SetField,
    ToController,
    ToGroup,
    match,
)
from ..values.packets import PacketOut
from .flooding import Flooding
from .layout import (
    FROM_BINDING,
    FROM_TUNNEL,
    LENGTH,
    LOGICAL_SWITCH,
    MAX_BINDINGS,
    ORIGIN,
    REPORTS,
    SENDER,
    SOURCE_BINDING,
    TARGET_BINDING,
    Cookie,
    GroupKind,
    Priority,
    Table,
    Way,
    flow,
    group_id,
)
from .snooping import ICMPV6
from .ways import first, onward

LONGEST_READ = 1514
"""Bytes of a frame that the controller reads: an Ethernet header and a packet of 1,500 bytes."""
_IGMP: Mapping[str, MatchValue] = {"eth_type": 0x0800, "ip_proto": 2}
_MLD_QUERY: Mapping[str, MatchValue] = {**ICMPV6, "icmpv6_type": 130}
_MLD_REPORTS: tuple[Mapping[str, MatchValue], ...] = tuple(
    {**ICMPV6, "icmpv6_type": kind} for kind in (131, 132, 143)
)
_PIM_HELLOS: tuple[Mapping[str, MatchValue], ...] = (
    {"eth_type": 0x0800, "ip_proto": 103, "ipv4_dst": "224.0.0.13"},
    {"eth_type": 0x86DD, "ip_proto": 103, "ipv6_dst": "ff02::d"},
)
_READ = _IGMP, _MLD_QUERY, *_MLD_REPORTS, *_PIM_HELLOS
"""The messages that the controller reads."""
_ALL_HOSTS = "224.0.0.1"
_NUMBER = (1 << 24) - 1
_SHOW = SetField(SENDER, REPORTS), Resubmit(first(Way.TO_CONTROLLER))
_PASS = onward(Table.SNOOPING, Way.FROM_BINDING)
_ON = onward(Table.FLOODING, Way.SWITCHING)


def shown() -> tuple[Flow, ...]:
    """Show IGMP, MLD and PIM hellos from bindings to the controller, and pass them on."""
    to_controller = flow(
        Table.SHOWING,
        Priority.PREFERRED,
        match({LENGTH: 0, SENDER: REPORTS}),
        ToController(LONGEST_READ),
        producer=Cookie.MULTICAST,
    )
    return (*(_in_snooping(Priority.DEFAULT, fields, *_SHOW) for fields in _READ), to_controller)


def unheard(binding: int) -> tuple[Flow, ...]:
    """Pass IGMP and MLD of a binding without showing it: it has sent more than its share."""
    return tuple(
        _in_snooping(Priority.PREFERRED, {SOURCE_BINDING: binding, **fields}) for fields in _READ
    )


def controlled(
    logical_switch: int,
    routers: Iterable[int],
    remote_routers: Iterable[str],
    shows_remote: bool = True,
) -> Flooding:
    """Return the flows and groups for IGMP and MLD in a logical switch, by its number.

    Queries are flooded to bindings, and reports go to the bindings of ``routers`` only. Then both
    go on to remote VTEPs. ``remote_routers`` are IPv4 addresses behind tunnels. Their general
    queries are shown to the controller, unless there were too many of them.
    """
    numbers = sorted(routers)[:MAX_BINDINGS]
    to_routers = _to_bindings(GroupKind.ROUTERS, logical_switch, numbers)
    to_all = ToGroup(group_id(GroupKind.LOCAL, logical_switch)), *_ON
    reports = (*(ToGroup(group.id) for group in to_routers), *_ON)
    general = {**_IGMP, "ipv4_dst": _ALL_HOSTS}
    show = _SHOW if shows_remote else ()

    def made(priority: Priority, fields: Mapping[str, MatchValue], *actions: Action) -> Flow:
        fields = {LOGICAL_SWITCH: logical_switch, **fields}
        return flow(Table.FLOODING, priority, match(fields), *actions, producer=Cookie.MULTICAST)

    flows = [
        *(made(Priority.REPORT, fields, *reports) for fields in (_IGMP, *_MLD_REPORTS)),
        made(Priority.GENERAL_QUERY, {**general, ORIGIN: FROM_BINDING}, *to_all),
        made(Priority.GENERAL_QUERY, {**general, ORIGIN: FROM_TUNNEL}, *show, *to_all),
        *(made(Priority.QUERY, {**_IGMP, SOURCE_BINDING: each}, *to_all) for each in numbers),
        *(
            made(Priority.QUERY, {**_IGMP, ORIGIN: FROM_TUNNEL, "ipv4_src": each}, *to_all)
            for each in remote_routers
        ),
    ]
    return tuple(flows), to_routers


def members(logical_switch: int, number: int, mac: str, bindings: Iterable[int]) -> Flooding:
    """Return the flow and the group that send frames for a group's MAC address to bindings.

    Then they go on to remote VTEPs. ``number`` is that of the address in the logical switch.
    """
    to_members = _to_bindings(GroupKind.MEMBERS, number, sorted(bindings)[:MAX_BINDINGS])
    to_them = flow(
        Table.FLOODING,
        Priority.PREFERRED,
        match({LOGICAL_SWITCH: logical_switch, "eth_dst": mac}),
        *(ToGroup(group.id) for group in to_members),
        *_ON,
        producer=Cookie.MULTICAST,
        counts_for=number,
    )
    return (to_them,), to_members


def read_members(
    flows: Mapping[FlowKey, Flow], groups: Mapping[int, Group]
) -> Iterator[tuple[int, str, frozenset[int]]]:
    """Yield what members() made: logical switch, MAC address and bindings of each group."""
    found = dict(_bindings_of(GroupKind.MEMBERS, groups))
    if not found:
        return
    for key, there in flows.items():
        if key.table != Table.FLOODING or key.priority != Priority.PREFERRED or not there.actions:
            continue
        fields, to_members = dict(key.match), there.actions[0]
        logical_switch, mac = fields.get(LOGICAL_SWITCH), fields.get("eth_dst")
        if (
            isinstance(to_members, ToGroup)
            and to_members.group in found
            and isinstance(logical_switch, int)
            and isinstance(mac, str)
        ):
            yield logical_switch, mac, found[to_members.group]


def read_routers(groups: Mapping[int, Group]) -> Iterator[tuple[int, frozenset[int]]]:
    """Yield what controlled() made: logical switch, and bindings with a router."""
    for id, bindings in _bindings_of(GroupKind.ROUTERS, groups):
        yield id & _NUMBER, bindings


def read_remote_routers(flows: Iterable[FlowKey]) -> Iterator[tuple[int, str]]:
    """Yield what controlled() made: logical switch, and address of a router behind a tunnel."""
    for key in flows:
        if key.table == Table.FLOODING and key.priority == Priority.QUERY:
            fields = dict(key.match)
            logical_switch, address = fields.get(LOGICAL_SWITCH), fields.get("ipv4_src")
            if isinstance(logical_switch, int) and isinstance(address, str):
                yield logical_switch, address


def to_all(frame: bytes, logical_switch: int) -> PacketOut:
    """Return the packet-out that sends a frame to all bindings of a logical switch."""
    to_bindings = ToGroup(group_id(GroupKind.LOCAL, logical_switch))
    return PacketOut(frame, (SetField(LOGICAL_SWITCH, logical_switch), to_bindings))


def to_one(frame: bytes, logical_switch: int, binding: int) -> PacketOut:
    """Return the packet-out that sends a frame to one binding of a logical switch."""
    fields = SetField(LOGICAL_SWITCH, logical_switch), SetField(TARGET_BINDING, binding)
    return PacketOut(frame, (*fields, Resubmit(first(Way.TO_BINDING))))


def _in_snooping(priority: Priority, fields: Mapping[str, MatchValue], *actions: Action) -> Flow:
    return flow(
        Table.SNOOPING, priority, match(fields), *actions, *_PASS, producer=Cookie.MULTICAST
    )


def _to_bindings(kind: GroupKind, number: int, bindings: Iterable[int]) -> tuple[Group, ...]:
    """Return a group of bindings in a tuple, which is empty without bindings."""
    buckets = tuple(
        Bucket((SetField(TARGET_BINDING, each), Resubmit(first(Way.TO_BINDING))))
        for each in bindings
    )
    return (Group(group_id(kind, number), buckets),) if buckets else ()


def _bindings_of(
    kind: GroupKind, groups: Mapping[int, Group]
) -> Iterator[tuple[int, frozenset[int]]]:
    """Yield the id and the bindings of each group of a kind."""
    for id, group in groups.items():
        if id & ~_NUMBER == group_id(kind, 0):
            firsts = [bucket.actions[0] for bucket in group.buckets if bucket.actions]
            yield (
                id,
                frozenset(
                    each.value
                    for each in firsts
                    if isinstance(each, SetField) and isinstance(each.value, int)
                ),
            )
