"""BUM frames: flooding to bindings, and replication to remote VTEPs."""

import hashlib
from collections.abc import Iterable, Mapping

from ..values.addresses import ip_number
from ..values.flows import Bucket, Flow, Group, MatchValue, Resubmit, SetField, ToGroup, match
from ..values.rows import Binding
from .layout import (
    AGAIN,
    ALIVE,
    CHUNK,
    CHUNKS,
    FROM_BINDING,
    LOGICAL_SWITCH,
    MAX_BINDINGS,
    ORIGIN,
    PART,
    REMOTE,
    TARGET_BINDING,
    TOGETHER,
    Cookie,
    GroupKind,
    Priority,
    Table,
    Way,
    flow,
    group_id,
    miss,
)
from .ways import first, onward

_PARTS = {
    GroupKind.REPLICATION: GroupKind.REPLICATION_PART,
    GroupKind.MULTICAST: GroupKind.MULTICAST_PART,
}
Flooding = tuple[tuple[Flow, ...], tuple[Group, ...]]
"""Flows, and the groups that they use."""


def local(logical_switch: int, bindings: Iterable[Binding]) -> Flooding:
    """Return the flows and groups that flood a logical switch, by its number, to its bindings.

    EGRESS drops the copy for the binding that the frame came in by. The frame then goes on to
    REMOTE_FLOODING.
    """
    numbers = sorted(binding.number for binding in bindings)[:MAX_BINDINGS]
    buckets = (
        Bucket((SetField(TARGET_BINDING, number), Resubmit(first(Way.TO_BINDING))))
        for number in numbers
    )
    group = Group(group_id(GroupKind.LOCAL, logical_switch), tuple(buckets))
    to_bindings = flow(
        Table.FLOODING,
        Priority.DEFAULT,
        match({LOGICAL_SWITCH: logical_switch}),
        ToGroup(group.id),
        *onward(Table.FLOODING, Way.SWITCHING),
        producer=Cookie.FLOODING,
    )
    return (to_bindings,), (group,)


def no_remote() -> Flow:
    """End the way of frames from a tunnel, and of a logical switch without remote VTEPs."""
    return miss(Table.REMOTE_FLOODING, producer=Cookie.FLOODING)


def replicated(logical_switch: int, targets: Mapping[str, int], source_node: bool) -> Flooding:
    """Return the flows and groups that flood frames from a binding to remote VTEPs.

    ``targets`` are these by address, with the OpenFlow ports of their tunnels. In source node
    replication a frame goes to each of them, else to the first service node that is alive.
    """
    replication = _replication(GroupKind.REPLICATION, logical_switch, targets, source_node)
    if not replication:
        return (), ()
    to_groups = _to_groups(logical_switch, {}, replication, Priority.DEFAULT)
    return (to_groups, *map(_part, replication[1:])), replication


def multicast(
    logical_switch: int, number: int, mac: str, targets: Mapping[str, int], source_node: bool
) -> Flooding:
    """Return the flows and groups that send frames for a multicast address to its remote VTEPs.

    ``number`` is that of the address in the logical switch. Other arguments as in replicated().
    """
    replication = _replication(GroupKind.MULTICAST, number, targets, source_node)
    to_groups = _to_groups(logical_switch, {"eth_dst": mac}, replication, Priority.PREFERRED)
    return (to_groups, *map(_part, replication[1:])), replication


def alive() -> Group:
    """Return a group that is always alive, because its bucket watches nothing.

    Open vSwitch refuses a bucket without a watch in a fast failover group. The last bucket there,
    which is used if all others are dead, watches this group.
    """
    return Group(group_id(GroupKind.BRIDGE, ALIVE), (Bucket(()),))


def again() -> Group:
    """Return a group that looks a frame up in REPLICATION in a translation of its own.

    Open vSwitch translates one frame to at most 64 KiB of datapath actions and silently omits the
    rest; 780 tunnels fill them. For a select group it hashes the frame and translates it again,
    with another 64 KiB. This group has a single bucket, which is always selected.
    """
    bucket = Bucket((Resubmit(first(Way.IN_PARTS)),))
    return Group(group_id(GroupKind.BRIDGE, AGAIN), (bucket,), select=True)


def _part(group: Group) -> Flow:
    """Send a copy of a frame to the replication group in PART, after again()."""
    return flow(
        Table.REPLICATION,
        Priority.DEFAULT,
        match({PART: group.id}),
        ToGroup(group.id),
        producer=Cookie.FLOODING,
    )


def _to_groups(
    logical_switch: int,
    fields: Mapping[str, MatchValue],
    replication: tuple[Group, ...],
    priority: Priority,
) -> Flow:
    """Send frames from a binding to the first of these groups, which leads to all others."""
    return flow(
        Table.REMOTE_FLOODING,
        priority,
        match({LOGICAL_SWITCH: logical_switch, ORIGIN: FROM_BINDING, **fields}),
        *(ToGroup(group.id) for group in replication[:1]),
        producer=Cookie.FLOODING,
    )


def _replication(
    kind: GroupKind, number: int, targets: Mapping[str, int], source_node: bool
) -> tuple[Group, ...]:
    if not targets:
        return ()
    if not source_node:
        return (_one_target(group_id(kind, number), number, targets),)
    addresses = sorted(targets)
    if len(addresses) <= TOGETHER:
        return (_all_targets(group_id(kind, number), addresses),)
    parts = tuple(
        _all_targets(group_id(_PARTS[kind], number, part), addresses[start : start + CHUNK])
        for part, start in enumerate(range(0, min(len(addresses), CHUNKS * CHUNK), CHUNK))
    )
    apart = (Bucket((SetField(PART, part.id), ToGroup(again().id))) for part in parts)
    return Group(group_id(kind, number), tuple(apart)), *parts


def _all_targets(id: int, addresses: Iterable[str]) -> Group:
    return Group(id, tuple(Bucket(_into_tunnel(each)) for each in addresses))


def service_nodes(number: int, addresses: Iterable[str]) -> list[str]:
    """Return service nodes in the order in which a logical switch prefers them.

    The order depends on the number of the logical switch, or of the multicast address. This spreads
    the load over all service nodes, and the load of a dead one over all others.
    """

    def rank(address: str) -> bytes:
        return hashlib.blake2b(f"{number}/{address}".encode()).digest()

    return sorted(addresses, key=rank)


def _one_target(id: int, number: int, targets: Mapping[str, int]) -> Group:
    """Return a fast failover group: the first service node that is alive, or else the first."""
    addresses = service_nodes(number, targets)
    living = [Bucket(_into_tunnel(each), watch_port=targets[each]) for each in addresses]
    last_resort = Bucket(_into_tunnel(addresses[0]), watch_group=alive().id)
    return Group(id, (*living, last_resort), fast_failover=True)


def _into_tunnel(address: str) -> tuple[SetField, Resubmit]:
    return SetField(REMOTE, ip_number(address)), Resubmit(first(Way.TO_TUNNEL))
