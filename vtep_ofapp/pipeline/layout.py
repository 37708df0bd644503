"""Every number of the pipeline, once, and the ways between tables.

A feature adds a table here: its number in Table, its place in WAYS, its rules in RULES.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, IntEnum, auto

from ..values.flows import (
    COOKIE_BASE,
    COOKIE_MASK,
    GROUP_BASE,
    Action,
    Flow,
    FlowKey,
    ForgetInPort,
    GoTo,
    Match,
    MatchValue,
    Output,
    OutputToBond,
    PopVlan,
    PushVlan,
    Resubmit,
    SetField,
    ToController,
    ToGroup,
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
    DELIVERY = 130


class Way(Enum):
    """A way that frames take through tables; WAYS says through which."""

    FROM_BINDING = auto()
    FROM_TUNNEL = auto()
    IN_LOGICAL_SWITCH = auto()
    """What frames from bindings and from tunnels share, until it is known where they go."""
    TO_BINDING = auto()
    TO_TUNNEL = auto()
    IN_PARTS = auto()
    """The way of copies for very many remote VTEPs, see flooding.again()."""
    TO_CONTROLLER = auto()
    """The way of the copies that the controller may get."""


WAYS: dict[Way, tuple[Table | Way, ...]] = {
    Way.FROM_BINDING: (Table.ADMISSION, Table.LEARNING, Way.IN_LOGICAL_SWITCH),
    Way.FROM_TUNNEL: (Table.ADMISSION, Table.DECAPSULATION, Way.IN_LOGICAL_SWITCH),
    Way.IN_LOGICAL_SWITCH: (Table.UNICAST, Table.FLOODING),
    Way.TO_BINDING: (Table.EGRESS, Table.DELIVERY),
    Way.TO_TUNNEL: (Table.ENCAPSULATION, Table.TUNNEL),
    Way.IN_PARTS: (Table.REPLICATION,),
    Way.TO_CONTROLLER: (Table.MEASURING, Table.SHOWING),
}
"""The tables of each way, in their order. A way that ends with another one goes on with it.

This is the only place that says which table comes after which: a table that is added here is in the
way of all frames that take it.
"""


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
    """What a group is for, in five bits; with a number of 24 bits it makes the group's id.

    The number is that of the logical switch, or for MULTICAST and its parts that of the multicast
    address in it. New kinds begin at 16: all below has been used on bridges.
    """

    BRIDGE = 0
    """What a bridge has one of: the number is ALIVE or AGAIN."""
    LOCAL = 1
    REPLICATION = 2
    REPLICATION_PART = 3
    """The first of CHUNKS values, for sets that are reached in parts."""
    MULTICAST = 9
    MULTICAST_PART = 10
    """The first of CHUNKS values, likewise."""


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


@dataclass(frozen=True, slots=True)
class Rules:
    """What the flows of a table, or the buckets of a kind of group, may do.

    They match and set these fields, take these other actions, go on in a way of their table or
    into one that they enter. A frame without a match goes on, or is dropped. A table that
    ``is_optional`` is passed by those frames alone that have a Step for it.
    """

    matches: frozenset[str] = frozenset()
    sets: frozenset[str] = frozenset()
    acts: frozenset[type[Action]] = frozenset()
    enters: frozenset[Way] = frozenset()
    miss_goes_on: bool = False
    is_optional: bool = False


def _rules(
    matches: str = "",
    sets: str = "",
    acts: Iterable[type[Action]] = (),
    enters: Iterable[Way] = (),
    miss_goes_on: bool = False,
    is_optional: bool = False,
) -> Rules:
    fields = frozenset(matches.split()), frozenset(sets.split())
    return Rules(*fields, frozenset(acts), frozenset(enters), miss_goes_on, is_optional)


_LEAVES = PushVlan, ForgetInPort, Output, OutputToBond
RULES: dict[Table, Rules] = {
    Table.ADMISSION: _rules(
        "in_port vlan_vid eth_dst eth_type ip_proto ipv4_dst udp_dst",
        f"{SOURCE_BINDING} {LOGICAL_SWITCH} {TAGGED} {REMOTE}",
        [PopVlan],
    ),
    Table.DECAPSULATION: _rules(
        f"{REMOTE} tunnel_id vlan_vid eth_type", f"{LOGICAL_SWITCH} {ORIGIN}"
    ),
    Table.LEARNING: _rules(
        f"{LOGICAL_SWITCH} {SOURCE_BINDING} eth_src",
        enters=[Way.TO_CONTROLLER],
        miss_goes_on=True,
    ),
    Table.MEASURING: _rules(sets=LENGTH, miss_goes_on=True),
    Table.SHOWING: _rules(LENGTH, acts=[ToController]),
    Table.UNICAST: _rules(
        f"{LOGICAL_SWITCH} {ORIGIN} eth_dst",
        f"{TARGET_BINDING} {REMOTE}",
        enters=[Way.TO_BINDING, Way.TO_TUNNEL],
        miss_goes_on=True,
    ),
    Table.FLOODING: _rules(f"{LOGICAL_SWITCH} {ORIGIN} eth_dst", acts=[ToGroup]),
    Table.REPLICATION: _rules(PART, acts=[ToGroup]),
    Table.ENCAPSULATION: _rules(f"{LOGICAL_SWITCH} {REMOTE} vlan_vid eth_type", "tunnel_id"),
    Table.TUNNEL: _rules(REMOTE, acts=[Output]),
    Table.EGRESS: _rules(
        f"{LOGICAL_SWITCH} {SOURCE_BINDING} {TARGET_BINDING} {TAGGED} vlan_vid eth_type",
        acts=_LEAVES,
    ),
    Table.DELIVERY: _rules(
        f"{LOGICAL_SWITCH} {TARGET_BINDING} {TAGGED}", acts=_LEAVES, is_optional=True
    ),
}
"""The rules of each table. They are written by hand: tests hold every flow against them."""
GROUP_RULES: dict[GroupKind, Rules] = {
    GroupKind.BRIDGE: _rules(enters=[Way.IN_PARTS]),
    GroupKind.LOCAL: _rules(sets=TARGET_BINDING, enters=[Way.TO_BINDING]),
    GroupKind.REPLICATION: _rules(sets=f"{REMOTE} {PART}", acts=[ToGroup], enters=[Way.TO_TUNNEL]),
    GroupKind.REPLICATION_PART: _rules(sets=REMOTE, enters=[Way.TO_TUNNEL]),
    GroupKind.MULTICAST: _rules(sets=f"{REMOTE} {PART}", acts=[ToGroup], enters=[Way.TO_TUNNEL]),
    GroupKind.MULTICAST_PART: _rules(sets=REMOTE, enters=[Way.TO_TUNNEL]),
}
"""The rules of the buckets of each kind of group."""


@dataclass(frozen=True, slots=True)
class Step:
    """An optional table for the frames of one binding, and what they carry to it."""

    table: Table
    carrying: tuple[SetField, ...] = ()


def first(way: Way) -> Table:
    """Return the first table of a way."""
    table = WAYS[way][0]
    return first(table) if isinstance(table, Way) else table


def following(table: Table, way: Way, steps: Iterable[Step] = ()) -> Table | None:
    """Return the table that comes after a table of a way, None at its end.

    That is the next one which is not optional, or for which there is a step. A table that is
    optional itself does not know the steps: each frame goes on to the next table.
    """
    wanted = {step.table for step in steps}
    for each in WAYS[way][WAYS[way].index(table) + 1 :]:
        if isinstance(each, Way):
            return first(each)
        if not RULES[each].is_optional or RULES[table].is_optional or each in wanted:
            return each
    return None


def onward(
    table: Table,
    way: Way,
    steps: Iterable[Step] = (),
    by: type[GoTo] | type[Resubmit] = GoTo,
) -> tuple[Action, ...]:
    """Return the actions by which a frame goes on from a table of a way.

    It carries to the optional tables ahead what its steps say.
    """
    ahead = [step for step in steps if step.table in WAYS[way]]
    next_table = following(table, way, ahead)
    if next_table is None:
        return ()
    return (*(action for step in ahead for action in step.carrying), by(next_table))


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
    """Return the flow for frames that match no other flow of the table.

    It is watched, so that the switch reports when all flows of the bridge are deleted.
    """
    return flow(table, Priority.MISS, match({}), *actions, producer=producer, watched=True)


def group_id(kind: GroupKind, number: int, part: int = 0) -> int:
    """Return the id of a group; ``part`` is that of one of several parts, from 0."""
    return GROUP_BASE | (kind + part) << 24 | number
