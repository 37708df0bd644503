"""Every number of the pipeline, once: tables, priorities, registers, cookies, group ids."""

from enum import IntEnum

from ..values.flows import (
    COOKIE_BASE,
    COOKIE_MASK,
    GROUP_BASE,
    Action,
    Flow,
    FlowKey,
    Match,
    MatchValue,
    match,
)


class Table(IntEnum):
    """The tables of br0 in the order in which a frame meets them.

    The gaps are room for what comes later: access lists behind ADMISSION and before EGRESS,
    ARP suppression and routing between LEARNING and UNICAST.
    """

    ADMISSION = 0
    DECAPSULATION = 10
    LEARNING = 30
    MEASURING = 31
    SHOWING = 32
    UNICAST = 60
    FLOODING = 70
    REPLICATION = 80
    ENCAPSULATION = 90
    TUNNEL = 100
    EGRESS = 110


class Priority(IntEnum):
    """Priorities, the same in every table."""

    MISS = 0
    FALLBACK = 25
    LIMIT = 50
    LIMIT_EXCEPT = 75
    DEFAULT = 100
    PREFERRED = 200
    FORBIDDEN = 300


class Cookie(IntEnum):
    """The producer of a flow, in the highest four bits of the low half of its cookie.

    The other 28 bits are the number of the binding that the flow counts for, or 0.
    """

    ADMISSION = 1
    LEARNING = 2
    UNICAST = 3
    FLOODING = 4
    EGRESS = 5
    TUNNELS = 6
    EGRESS_FROM_TAGGED = 7
    UNNAMED = 8


class GroupKind(IntEnum):
    """What a group is for; with a number of 24 bits it makes the group's id.

    The number is that of the logical switch, or for MULTICAST that of the multicast address in it.
    """

    BRIDGE = 0
    """What a bridge has one of: the number is ALIVE or AGAIN."""
    LOCAL = 1
    REPLICATION = 2
    """The first of 1 + CHUNKS values, for sets that are reached in parts."""
    MULTICAST = 9
    """The first of 1 + CHUNKS values, likewise."""


LOGICAL_SWITCH = "metadata"
"""The number of the logical switch that a frame belongs to."""
SOURCE_BINDING = "reg0"
"""The number of the binding that a frame came in by; 0 for frames from a tunnel."""
TARGET_BINDING = "reg1"
"""The number of the binding that a frame is to leave by."""
UNTAGGED_BINDING = (0, 0xFFF)
"""The numbers, with their mask, of all bindings with VLAN 0."""
REMOTE = "reg2"
"""The IPv4 address of the VTEP that a frame came from or goes to, as a number."""
ORIGIN = "reg3"
"""FROM_BINDING or FROM_TUNNEL."""
FROM_BINDING = 0
FROM_TUNNEL = 1
A_TAG_INSIDE: tuple[dict[str, MatchValue], ...] = (
    {"vlan_vid": (0x1000, 0x1000)},
    {"eth_type": 0x8100},
    {"eth_type": 0x88A8},
)
"""What frames match that still carry a tag, where those of bindings have been removed.

Open vSwitch by default sees one tag of a frame (other_config:vlan-limit), and after that has been
removed the next one as the type of the frame.
"""
TAGGED = "reg4"
"""1 for frames that came in with a tag: their length was counted with it."""

PART = "reg5"
"""The id of the replication group that a copy of the frame goes to, apart from the others."""
LENGTH = "reg6"
"""1 for frames of an unknown source that are too long to be shown to the controller."""

MAX_BINDINGS = 1024
"""Buckets of one LOCAL group: 48 bytes each, in an OpenFlow message of at most 65,535 bytes."""
ALIVE, AGAIN = 0, 1
"""Groups of a bridge, see flooding.alive() and flooding.again()."""
CHUNK = 683
"""Buckets of one replication group. Open vSwitch makes some 84 bytes of actions from each, and at
most 64 KiB for one frame."""
TOGETHER = 512
"""Remote VTEPs that are reached together with the bindings; the same 64 KiB have to do for both."""
CHUNKS = 6
"""Replication groups for one purpose, so that it reaches as many remote VTEPs as there can be."""
_PRODUCER_SHIFT = 28
PRODUCER_MASK = 0xFFFFFFFF_FFFFFFFF & ~((1 << _PRODUCER_SHIFT) - 1)
"""The bits of a cookie that all flows of one producer share."""


def flow(
    table: Table,
    priority: Priority,
    fields: Match,
    *actions: Action,
    producer: Cookie,
    idle_timeout: int = 0,
    watched: bool = False,
    counts_for: int = 0,
) -> Flow:
    """Return a flow of ours, with its producer's cookie; idle_timeout in seconds.

    ``counts_for`` is the number of the binding whose statistics it counts.
    """
    key = FlowKey(table.value, priority.value, fields)
    return Flow(key, actions, cookie_of(producer, counts_for), idle_timeout, watched)


def cookie_of(producer: Cookie, binding: int = 0) -> int:
    """Return the cookie of a producer's flows that count for a binding."""
    return COOKIE_BASE | producer << _PRODUCER_SHIFT | binding


def producer_of(cookie: int) -> Cookie | None:
    """Return the producer of the flows with a cookie, None for those of others."""
    producer = (cookie & ~COOKIE_MASK) >> _PRODUCER_SHIFT
    if cookie & COOKIE_MASK != COOKIE_BASE or producer not in _PRODUCERS:
        return None
    return Cookie(producer)


_PRODUCERS = frozenset(Cookie)
SHOWN = {Cookie.LEARNING: slice(6, 12)}
"""Which bytes of a frame are read in the packet-ins of a producer; others have none.

LEARNING reads the source address. Of packet-ins that are equal in these bytes, and in the fields
of the pipeline, one waits for the loop.
"""
COUNTING = (
    (Table.ADMISSION, Cookie.ADMISSION),
    (Table.EGRESS, Cookie.EGRESS),
    (Table.EGRESS, Cookie.EGRESS_FROM_TAGGED),
)
"""Where the flows are that count for bindings."""
READ = (*COUNTING, (Table.DECAPSULATION, Cookie.UNNAMED))
"""Where the flows are whose counters are read."""


def counted(cookie: int) -> tuple[Cookie, int] | None:
    """Return the producer of a flow and the number of the binding that it counts for, if any."""
    low = cookie & 0xFFFFFFFF
    binding = low & ((1 << _PRODUCER_SHIFT) - 1)
    return (Cookie(low >> _PRODUCER_SHIFT), binding) if binding else None


def miss(table: Table, *actions: Action, producer: Cookie) -> Flow:
    """Return the flow for frames that nothing else in the table catches.

    It is watched: whoever deletes all flows of the bridge deletes it too, and that is noticed.
    """
    return flow(table, Priority.MISS, match({}), *actions, producer=producer, watched=True)


def group_id(kind: GroupKind, number: int, chunk: int = 0) -> int:
    """Return the id of a group."""
    return GROUP_BASE | (kind + chunk) << 24 | number
