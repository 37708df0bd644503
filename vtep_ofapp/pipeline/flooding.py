"""Broadcast, unknown unicast and multicast: every binding, and the replication of the NVC."""

from collections.abc import Iterable, Mapping

from ..flows import Bucket, Flow, Group, Resubmit, SetField, ToGroup, match
from ..model import Binding
from ..values import ipv4_number
from .layout import (
    CHUNK,
    FROM_BINDING,
    FROM_TUNNEL,
    LOGICAL_SWITCH,
    MAX_CHUNKS,
    ORIGIN,
    REMOTE,
    TARGET_BINDING,
    Cookie,
    GroupKind,
    Priority,
    Table,
    flow,
    group_id,
)


def flood(
    logical_switch: int,
    bindings: Iterable[Binding],
    targets: Mapping[str, int | None],
    source_node: bool,
) -> tuple[tuple[Flow, ...], tuple[Group, ...]]:
    """Return the flows and groups that flood a logical switch, given by its number.

    Frames from a binding go to all bindings (EGRESS drops the copy for the one they came from)
    and to the targets, the addresses of remote VTEPs with the OpenFlow ports of their tunnels:
    to each of them in source node replication, else to the first service node that is alive.
    Frames from a tunnel go to bindings alone.
    """
    local = _local(logical_switch, bindings)
    replication = (
        _each_target(logical_switch, sorted(targets))
        if source_node
        else _one_target(logical_switch, targets)
    )
    flows = (
        _to_groups(logical_switch, FROM_BINDING, (local, *replication)),
        _to_groups(logical_switch, FROM_TUNNEL, (local,)),
    )
    return flows, (local, *replication)


def _to_groups(logical_switch: int, origin: int, groups: Iterable[Group]) -> Flow:
    return flow(
        Table.FLOODING,
        Priority.DEFAULT,
        match({LOGICAL_SWITCH: logical_switch, ORIGIN: origin}),
        *(ToGroup(group.id) for group in groups),
        producer=Cookie.FLOODING,
    )


def _local(logical_switch: int, bindings: Iterable[Binding]) -> Group:
    numbers = sorted(binding.number for binding in bindings)
    return Group(
        group_id(GroupKind.LOCAL, logical_switch),
        tuple(
            Bucket((SetField(TARGET_BINDING, number), Resubmit(Table.EGRESS))) for number in numbers
        ),
    )


def _each_target(logical_switch: int, addresses: list[str]) -> tuple[Group, ...]:
    chunks = [addresses[start : start + CHUNK] for start in range(0, len(addresses), CHUNK)]
    return tuple(
        Group(
            group_id(GroupKind.REPLICATION, logical_switch, number),
            tuple(Bucket(_into_tunnel(address)) for address in chunk),
        )
        for number, chunk in enumerate(chunks[:MAX_CHUNKS])
    )


def _one_target(logical_switch: int, targets: Mapping[str, int | None]) -> tuple[Group, ...]:
    """Order the service nodes by address, rotated by the logical switch to spread the load."""
    if not targets:
        return ()
    addresses = sorted(targets)
    first = logical_switch % len(addresses)
    return (
        Group(
            group_id(GroupKind.REPLICATION, logical_switch),
            tuple(
                Bucket(_into_tunnel(address), watch_port=targets[address])
                for address in addresses[first:] + addresses[:first]
            ),
            fast_failover=True,
        ),
    )


def _into_tunnel(address: str) -> tuple[SetField, Resubmit]:
    return SetField(REMOTE, ipv4_number(address)), Resubmit(Table.ENCAPSULATION)
