"""Flows, groups and their actions as values.

All of them are frozen, compare by content, and print as ovs-ofctl reads them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

COOKIE_BASE = 0x76746570 << 32
"""The high half of all our cookies, the letters "vtep"; flows without it are not ours."""
COOKIE_MASK = 0xFFFFFFFF << 32

GROUP_BASE = 0b101 << 29
"""The highest three bits of all our group ids; groups with other bits are not ours."""
GROUP_MASK = 0b111 << 29

VLAN_PRESENT = 0x1000
"""OFPVID_PRESENT of OpenFlow: set in vlan_vid for every frame that carries a tag."""

MatchValue: TypeAlias = int | str | tuple[int, int] | tuple[str, str]
"""A number, or a MAC or IP address, or one of these with its mask."""

Match: TypeAlias = tuple[tuple[str, MatchValue], ...]
"""(field, value) pairs sorted by field, named as OpenFlow's OXM fields (reg0 as OVS's)."""


def match(fields: Mapping[str, MatchValue]) -> Match:
    """Return the match on these fields, sorted so that equal matches compare equal."""
    return tuple(sorted(fields.items()))


@dataclass(frozen=True, slots=True)
class SetField:
    """Write a number, or a MAC or IP address, into a header field, register or metadata."""

    field: str
    value: int | str

    def __str__(self) -> str:
        return f"set_field:{_shown(self.value)}->{_NAMES.get(self.field, self.field)}"


@dataclass(frozen=True, slots=True)
class Move:
    """Copy a whole field into another one of the same length."""

    source: str
    target: str

    def __str__(self) -> str:
        source, target = (_NAMES.get(each, each) for each in (self.source, self.target))
        return f"move:{source}->{target}"


@dataclass(frozen=True, slots=True)
class Conjunction:
    """State that a frame matches one of several clauses, counted from 1 (ovs-actions(7)).

    A frame that matches all of them also matches a flow of the table with this ``conj_id``.
    """

    id: int
    clause: int
    clauses: int

    def __str__(self) -> str:
        return f"conjunction({self.id:#x},{self.clause}/{self.clauses})"


@dataclass(frozen=True, slots=True)
class PopVlan:
    """Remove the outermost VLAN tag."""

    def __str__(self) -> str:
        return "pop_vlan"


@dataclass(frozen=True, slots=True)
class PushVlan:
    """Add an 802.1Q tag (0x8100) with this VLAN and priority 0."""

    vlan: int

    def __str__(self) -> str:
        return f"push_vlan:0x8100,set_field:{VLAN_PRESENT | self.vlan}->vlan_vid"


@dataclass(frozen=True, slots=True)
class DecTtl:
    """Decrement the TTL of an IPv4 packet or the hop limit of an IPv6 packet, which exceeds 1."""

    def __str__(self) -> str:
        return "dec_ttl"


@dataclass(frozen=True, slots=True)
class ForgetInPort:
    """Clear the input port: OpenFlow drops an output to the port that a frame came in by."""

    def __str__(self) -> str:
        return "load:0->OXM_OF_IN_PORT[]"


@dataclass(frozen=True, slots=True)
class Output:
    """Send the frame out of a port, by its OpenFlow port number."""

    port: int

    def __str__(self) -> str:
        return f"output:{self.port}"


@dataclass(frozen=True, slots=True)
class OutputToBond:
    """Send the frame out of one of these ports that are up, hashed by its source address."""

    ports: tuple[int, ...]

    def __str__(self) -> str:
        return f"bundle(eth_src,0,hrw,ofport,members:{','.join(map(str, self.ports))})"


@dataclass(frozen=True, slots=True)
class ToController:
    """Send a copy of the frame's first max_len bytes to the controller."""

    max_len: int

    def __str__(self) -> str:
        return f"controller:{self.max_len}"


@dataclass(frozen=True, slots=True)
class CheckLength:
    """Set the lowest bit of a register if the frame is longer than ``most`` bytes, else clear it.

    Open vSwitch (2.12 and later) translates the rest of the flow twice, once for each result.
    """

    most: int
    register: str

    def __str__(self) -> str:
        return f"check_pkt_larger({self.most})->{self.register}[0]"


@dataclass(frozen=True, slots=True)
class ToGroup:
    """Hand a copy of the frame to a group."""

    group: int

    def __str__(self) -> str:
        return f"group:{self.group:#x}"


@dataclass(frozen=True, slots=True)
class Resubmit:
    """Look the frame up in a table, then continue with the next action."""

    table: int

    def __str__(self) -> str:
        return f"resubmit(,{self.table})"


@dataclass(frozen=True, slots=True)
class GoTo:
    """Continue in a later table; always the last action of a flow."""

    table: int

    def __str__(self) -> str:
        return f"goto_table:{self.table}"


Action: TypeAlias = (
    SetField
    | Move
    | Conjunction
    | PopVlan
    | PushVlan
    | DecTtl
    | ForgetInPort
    | Output
    | OutputToBond
    | ToController
    | CheckLength
    | ToGroup
    | Resubmit
    | GoTo
)


class FlowKey(NamedTuple):
    """The identity of a flow in its table (OpenFlow 1.3.5, section 6.4)."""

    table: int
    priority: int
    match: Match

    def __str__(self) -> str:
        fields = "".join(f",{_shown_field(*field)}" for field in self.match)
        return f"table={self.table}, priority={self.priority}{fields}"


class Flow(NamedTuple):
    """One entry of a flow table. No actions means drop; idle_timeout in seconds, 0 for never.

    The switch sends a flow-removed message when a ``watched`` flow expires or is deleted.
    """

    key: FlowKey
    actions: tuple[Action, ...]
    cookie: int
    idle_timeout: int = 0
    watched: bool = False

    def __str__(self) -> str:
        actions = ",".join(str(action) for action in self.actions) or "drop"
        idle = f" idle_timeout={self.idle_timeout}," if self.idle_timeout else ""
        return f"cookie={self.cookie:#x},{idle} {self.key} actions={actions}"


def narrowed(flow: Flow, field: str, value: MatchValue) -> Flow:
    """Return the flow with a further field in its match.

    The other parts are shared with the original flow, to save memory when there are very many.
    """
    key = flow.key
    fields = tuple(sorted((*key.match, (field, value))))
    return Flow(FlowKey(key.table, key.priority, fields), *flow[1:])


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bucket of a group.

    It is live only while its watch_port is up, or its watch_group has a live bucket.
    """

    actions: tuple[Action, ...]
    watch_port: int | None = None
    watch_group: int | None = None

    def __str__(self) -> str:
        watch = f"watch_port:{self.watch_port}," if self.watch_port is not None else ""
        watch += f"watch_group:{self.watch_group:#x}," if self.watch_group is not None else ""
        return f"bucket={watch}actions={','.join(str(action) for action in self.actions)}"


@dataclass(frozen=True, slots=True)
class Group:
    """A group of type all, fast failover (the first live bucket) or select (by a hash)."""

    id: int
    buckets: tuple[Bucket, ...]
    fast_failover: bool = False
    select: bool = False

    def __str__(self) -> str:
        kind = "ff" if self.fast_failover else "select" if self.select else "all"
        return ",".join([f"group_id={self.id:#x},type={kind}", *map(str, self.buckets)])


_NAMES = {
    "ipv4_src": "nw_src",
    "ipv4_dst": "nw_dst",
    "icmpv4_type": "icmp_type",
    "icmpv4_code": "icmp_code",
    "ipv6_nd_target": "nd_target",
    "ipv6_nd_sll": "nd_sll",
    "ipv6_nd_tll": "nd_tll",
}
"""The names of ovs-fields(7) for fields that OpenFlow names otherwise."""
_FRAGMENTS: dict[MatchValue, str] = {1: "first", (0, 2): "not_later", (2, 2): "later"}
"""The words of ovs-ofctl for values of ip_frag."""


def _shown_field(name: str, value: MatchValue) -> str:
    if name == "ip_frag":
        return f"nw_frag={_FRAGMENTS.get(value) or _shown(value)}"
    shown = str(value) if name == "in_port" else _shown(value)
    return f"{_NAMES.get(name, name)}={shown}"


def _shown(value: MatchValue) -> str:
    if isinstance(value, tuple):
        return "/".join(_shown(part) for part in value)
    return f"{value:#x}" if isinstance(value, int) else value
