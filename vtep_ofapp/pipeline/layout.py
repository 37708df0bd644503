"""Every number of the pipeline, once: tables, priorities, registers, cookies, group ids."""

from enum import IntEnum

from ..flows import COOKIE_BASE, GROUP_BASE, Action, Flow, FlowKey, Match, match


class Table(IntEnum):
    """The tables of br0 in the order in which a frame meets them.

    The gaps are room for what comes later: access lists behind ADMISSION and before EGRESS,
    ARP suppression and routing between LEARNING and UNICAST.
    """

    ADMISSION = 0
    DECAPSULATION = 10
    LEARNING = 30
    UNICAST = 60
    FLOODING = 70
    ENCAPSULATION = 90
    TUNNEL = 100
    EGRESS = 110


class Priority(IntEnum):
    """Priorities, the same in every table."""

    MISS = 0
    DEFAULT = 100
    PREFERRED = 200
    FORBIDDEN = 300


class Cookie(IntEnum):
    """The producer of a flow, in the low half of its cookie."""

    ADMISSION = 1
    LEARNING = 2
    UNICAST = 3
    FLOODING = 4
    EGRESS = 5
    TUNNELS = 6


class GroupKind(IntEnum):
    """What a group is for; with the number of the logical switch it makes the group's id."""

    LOCAL = 1
    REPLICATION = 2
    """The first of MAX_CHUNKS values: an OpenFlow message has no room for all the buckets."""


LOGICAL_SWITCH = "metadata"
"""The number of the logical switch that a frame belongs to."""
SOURCE_BINDING = "reg0"
"""The number of the binding that a frame came in by; 0 for frames from a tunnel."""
TARGET_BINDING = "reg1"
"""The number of the binding that a frame is to leave by."""
REMOTE = "reg2"
"""The IPv4 address of the VTEP that a frame came from or goes to, as a number."""
ORIGIN = "reg3"
"""FROM_BINDING or FROM_TUNNEL."""
FROM_BINDING = 0
FROM_TUNNEL = 1


CHUNK = 1000
"""Buckets of one replication group: 48 bytes each, in a message of at most 65,535 bytes."""
MAX_CHUNKS = 8
"""Replication groups of one logical switch, so that it reaches up to 8,000 remote VTEPs."""


def flow(
    table: Table,
    priority: Priority,
    fields: Match,
    *actions: Action,
    producer: Cookie,
    idle_timeout: int = 0,
    watched: bool = False,
) -> Flow:
    """Return a flow of ours, with its producer's cookie; idle_timeout in seconds."""
    key = FlowKey(table.value, priority.value, fields)
    return Flow(key, actions, COOKIE_BASE | producer.value, idle_timeout, watched)


def miss(table: Table, *actions: Action, producer: Cookie) -> Flow:
    """Return the flow for frames that nothing else in the table catches.

    It is watched: whoever deletes all flows of the bridge deletes it too, and that is noticed.
    """
    return flow(table, Priority.MISS, match({}), *actions, producer=producer, watched=True)


def group_id(kind: GroupKind, logical_switch: int, chunk: int = 0) -> int:
    """Return the id of a logical switch's group, from the logical switch's number."""
    return GROUP_BASE | (kind + chunk) << 24 | logical_switch
