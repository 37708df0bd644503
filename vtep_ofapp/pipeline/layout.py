"""All tables, priorities, registers, cookies and group ids, and the ways between tables.

A feature adds a table to Table and WAYS, and to RULES of rules.py.
"""

from enum import Enum, IntEnum, auto

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
    """The tables of a bridge, in the order of processing.

    The gaps are for later features.
    """

    ADMISSION = 0
    DECAPSULATION = 10
    ACL_INGRESS_PORT = 15
    ACL_INGRESS = 20
    LEARNING = 30
    MEASURING = 31
    SHOWING = 32
    SNOOPING = 35
    RESOLUTION = 40
    ANSWERING = 42
    ROUTER = 45
    ACL_ROUTER_INGRESS = 47
    TERMINATION = 50
    ROUTES = 52
    NEXT_HOPS = 54
    ACL_ROUTER_EGRESS = 57
    UNICAST = 60
    FLOODING = 70
    REMOTE_FLOODING = 75
    REPLICATION = 80
    ENCAPSULATION = 90
    TUNNEL = 100
    EGRESS = 110
    ACL_EGRESS_PORT = 115
    ACL_EGRESS = 120
    DELIVERY = 130


class Way(Enum):
    """A way that frames take through tables; WAYS says through which."""

    FROM_BINDING = auto()
    FROM_TUNNEL = auto()
    IN_LOGICAL_SWITCH = auto()
    """The common way of frames from bindings and tunnels, up to their last copy."""
    PAST_ROUTERS = auto()
    """The way of frames that may be for a router of their logical switch."""
    TO_ROUTER = auto()
    """The way of packets that are for the MAC address of a router."""
    ROUTING = auto()
    """The way of packets that a router forwards, into their next logical switch."""
    SWITCHING = auto()
    """The way of frames to their stations."""
    ANSWERING = auto()
    """The way of requests for a MAC that become their own answers."""
    TO_BINDING = auto()
    TO_TUNNEL = auto()
    IN_PARTS = auto()
    """The way of copies in a translation of their own, see flooding.again()."""
    TO_CONTROLLER = auto()
    """The way of copies for the controller."""


WAYS: dict[Way, tuple[Table | Way, ...]] = {
    Way.FROM_BINDING: (
        Table.ADMISSION,
        Table.ACL_INGRESS_PORT,
        Table.ACL_INGRESS,
        Table.LEARNING,
        Table.SNOOPING,
        Way.IN_LOGICAL_SWITCH,
    ),
    Way.FROM_TUNNEL: (Table.ADMISSION, Table.DECAPSULATION, Way.IN_LOGICAL_SWITCH),
    Way.IN_LOGICAL_SWITCH: (Table.RESOLUTION, Way.PAST_ROUTERS),
    Way.PAST_ROUTERS: (Table.ROUTER, Way.SWITCHING),
    Way.TO_ROUTER: (Table.ACL_ROUTER_INGRESS, Table.TERMINATION, Way.ROUTING),
    Way.ROUTING: (Table.ROUTES, Table.NEXT_HOPS, Table.ACL_ROUTER_EGRESS, Way.SWITCHING),
    Way.SWITCHING: (Table.UNICAST, Table.FLOODING, Table.REMOTE_FLOODING),
    Way.ANSWERING: (Table.ANSWERING,),
    Way.TO_BINDING: (
        Table.EGRESS,
        Table.ACL_EGRESS_PORT,
        Table.ACL_EGRESS,
        Table.DELIVERY,
    ),
    Way.TO_TUNNEL: (Table.ENCAPSULATION, Table.TUNNEL),
    Way.IN_PARTS: (Table.REPLICATION,),
    Way.TO_CONTROLLER: (Table.MEASURING, Table.SHOWING),
}
"""The tables of each way, in order. A way that ends with another way continues with that.

Only this map defines the order of tables: all frames of a way pass a table that is added here.
"""


class Priority(IntEnum):
    """Priorities, the same in every table."""

    MISS = 0
    FALLBACK = 25
    LIMIT = 50
    LIMIT_EXCEPT = 75
    DEFAULT = 100
    PREFERRED = 200
    REPORT = 225
    QUERY = 250
    GENERAL_QUERY = 275
    FORBIDDEN = 300
    ROUTE = 1000
    """The route with the shortest prefix; routing.priority() has the others, up to 1,257."""
    ACL_FIRST = 60000
    """The entry of an access list that is matched first; the others follow it downwards."""
    ACL_CLOSED = 60001
    """What an access list drops before an entry is matched; with a fault that is everything."""


class Cookie(IntEnum):
    """The producer of a flow, in the highest four bits of the low half of its cookie.

    The other 28 bits are the number of what the flow counts for, such as a binding, or 0.
    """

    ADMISSION = 1
    LEARNING = 2
    UNICAST = 3
    FLOODING = 4
    EGRESS = 5
    TUNNELS = 6
    EGRESS_FROM_TAGGED = 7
    UNNAMED = 8
    DROPPED = 9
    """Flows that drop frames, whatever their table; drops.reason() says why."""
    ACLS = 10
    """Flows of an access list, which count for its number."""
    NEIGHBOURS = 11
    MULTICAST = 12
    ROUTING = 13
    NEXT_HOPS = 14
    ARP_SOURCES = 15


class GroupKind(IntEnum):
    """The purpose of a group, in five bits; with a number of 24 bits it makes the group's id.

    The number is that of the logical switch, or for MULTICAST and its parts that of the multicast
    address in it; MEMBERS have numbers of their own for these. New kinds begin at 18: all below
    have been used on bridges.
    """

    BRIDGE = 0
    """Groups of which a bridge has one: the number is ALIVE or AGAIN."""
    LOCAL = 1
    REPLICATION = 2
    REPLICATION_PART = 3
    """The first of CHUNKS values, for replication in parts."""
    MULTICAST = 9
    MULTICAST_PART = 10
    """The first of CHUNKS values, likewise."""
    MEMBERS = 16
    ROUTERS = 17


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
FROM_ARP_SOURCE = 2
"""From the tunnel of a VTEP that routes, until DECAPSULATION has found the logical switch."""
A_TAG_INSIDE: tuple[dict[str, MatchValue], ...] = (
    {"vlan_vid": (0x1000, 0x1000)},
    {"eth_type": 0x8100},
    {"eth_type": 0x88A8},
)
"""Matches for frames with a further tag, after the tag of the binding was removed.

Open vSwitch by default parses one tag of a frame (other_config:vlan-limit). After that is removed,
it parses the next one as the EtherType.
"""
TAGGED = "reg4"
"""1 for frames that came in with a tag: Open vSwitch counts their length with it."""

PART = "reg5"
"""The id of the replication group that a copy of the frame goes to, see flooding.again()."""
LENGTH = "reg6"
"""1 for frames of an unknown source that are too long to be shown to the controller."""
ACL = "reg7"
"""The number of the access list that judges a frame of this VLAN of its port; 0 for none."""
ACL_OF_PORT = "reg8"
"""The number of the access list that judges all frames of the port as well; 0 for none."""
ACL_OF_INTERFACE = "reg8"
"""The number of the access list that judges a packet at an interface of a router; 0 for none."""
ROUTER = "reg9"
"""The number of the router that has a packet; 0 for none."""
ANY_ROUTER = 0xFFFFFFFF
"""In place of that number: the frame is for any router of its logical switch."""
ARRIVED_IN = "reg10"
"""The number of the logical switch that a packet came in by, to the router that has it."""
NEXT_HOP = "reg12"
"""The IPv4 address of a packet's next hop, as a number."""
NEXT_HOP_IPV6 = "xxreg3"
"""The same for IPv6."""
NEXT_HOP_PARTS = ("reg12", "reg13", "reg14", "reg15")
"""The four parts of NEXT_HOP_IPV6, as flows match it: so Open vSwitch sends it back."""
SENDER = "reg11"
"""What was found out about the sender of a frame, or why the frame is shown; 0 for nothing yet."""
SHOWN_ALREADY = 1
"""LEARNING has decided whether the frame is shown to the controller."""
KNOWN = 2
"""The IP address that the frame states for its source is known to be that MAC's at its binding."""
REPORTS = 4
"""The frame is shown because it reports groups or is a query for them."""
UNROUTED = 8
"""The packet is shown because its router has no route to its destination."""
EXPIRED = 16
"""It is shown because its TTL allows no further hop."""
UNSERVED = 32
"""It is shown because it is a UDP packet for an address of a router."""
UNRESOLVED = 64
"""It is shown because the MAC address of its next hop is not known."""
ANSWERS = 128
"""The frame is shown because it is an answer to a request of ours."""
DETECTS = 256
"""It is shown because a host asks whether the IPv6 address of a router is free (RFC 4862)."""

MAX_BINDINGS = 1024
"""Buckets of one LOCAL group: 48 bytes each, in an OpenFlow message of at most 65,535 bytes."""
ALIVE, AGAIN = 0, 1
"""Groups of a bridge, see flooding.alive() and flooding.again()."""
CHUNK = 683
"""Buckets of one replication group. Open vSwitch makes some 84 bytes of actions from each, and at
most 64 KiB for one frame."""
TOGETHER = 512
"""Remote VTEPs that share one translation with the bindings, and its 64 KiB of actions."""
CHUNKS = 6
"""Replication groups of one flood list, enough for the greatest number of remote VTEPs."""
_PRODUCER_SHIFT = 28
PRODUCER_MASK = 0xFFFFFFFF_FFFFFFFF & ~((1 << _PRODUCER_SHIFT) - 1)
"""The bits of a cookie that all flows of one producer share."""


def flow(
    table: Table,
    priority: int,
    fields: Match,
    *actions: Action,
    producer: Cookie,
    idle_timeout: int = 0,
    watched: bool = False,
    counts_for: int = 0,
) -> Flow:
    """Return a flow of ours, with its producer's cookie; idle_timeout in seconds.

    ``counts_for`` is the number of what it counts for, such as the binding of statistics.
    """
    key = FlowKey(table.value, int(priority), fields)
    return Flow(key, actions, cookie_of(producer, counts_for), idle_timeout, watched)


def cookie_of(producer: Cookie, number: int = 0) -> int:
    """Return the cookie of a producer's flows that count for what has this number."""
    return COOKIE_BASE | producer << _PRODUCER_SHIFT | number


def producer_of(cookie: int) -> Cookie | None:
    """Return the producer of the flows with a cookie, None for flows that are not ours."""
    producer = (cookie & ~COOKIE_MASK) >> _PRODUCER_SHIFT
    if cookie & COOKIE_MASK != COOKIE_BASE or producer not in _PRODUCERS:
        return None
    return Cookie(producer)


_PRODUCERS = frozenset(Cookie)
COUNTING = (
    (Table.ADMISSION, Cookie.ADMISSION),
    (Table.EGRESS, Cookie.EGRESS),
    (Table.EGRESS, Cookie.EGRESS_FROM_TAGGED),
    (Table.DELIVERY, Cookie.EGRESS),
    (Table.DELIVERY, Cookie.EGRESS_FROM_TAGGED),
)
"""The tables and producers of the flows that count for bindings."""
DROPPING = (Cookie.UNNAMED, Cookie.DROPPED)
"""The producers of the flows that count dropped frames, in any table.

Their cookies have no number of a binding, and are requested whole: Open vSwitch has an index of
whole cookies, so that this costs nothing in tables with very many other flows.
"""


def counted(cookie: int) -> tuple[Cookie, int] | None:
    """Return the producer of a flow and the number of the binding that it counts for, or None."""
    low = cookie & 0xFFFFFFFF
    binding = low & ((1 << _PRODUCER_SHIFT) - 1)
    return (Cookie(low >> _PRODUCER_SHIFT), binding) if binding else None


def miss(table: Table, *actions: Action, producer: Cookie) -> Flow:
    """Return the flow for frames that match no other flow of the table.

    The switch reports its end, so that we notice when all flows of the bridge are deleted.
    """
    return flow(table, Priority.MISS, match({}), *actions, producer=producer, watched=True)


def drop(table: Table, priority: int, fields: Match, producer: Cookie = Cookie.DROPPED) -> Flow:
    """Return a flow that drops, and counts, frames; drops.reason() has the reason."""
    return flow(table, priority, fields, producer=producer)


def group_id(kind: GroupKind, number: int, part: int = 0) -> int:
    """Return the id of a group; ``part`` is that of one of several parts, from 0."""
    return GROUP_BASE | (kind + part) << 24 | number
