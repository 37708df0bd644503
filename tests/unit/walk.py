"""A small OpenFlow 1.3 switch: takes frames through flows and groups as the standard says.

It knows no more than our own flows use, and raises an AssertionError for whatever it does not
know or the standard leaves undefined, such as two flows of one priority that both match and do
different things. Flows and groups do what pipeline/layout.py declares, and nothing else.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import cache
from ipaddress import ip_address
from typing import NamedTuple, TypeAlias

from vtep_ofapp.pipeline.drops import Reason, reason
from vtep_ofapp.pipeline.layout import Table, producer_of
from vtep_ofapp.pipeline.shown import SHOWN
from vtep_ofapp.values.events import Connection, PacketIn
from vtep_ofapp.values.flows import (
    Action,
    Bucket,
    CheckLength,
    Conjunction,
    DecTtl,
    Flow,
    ForgetInPort,
    GoTo,
    Group,
    MatchValue,
    Move,
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

from . import protocols
from .declared import check_flow, check_group
from .packets import PLAIN, Packet
from .prerequisites import PREREQUISITES

_TAGGED = 0x1000
_NOTHING: Mapping[str, int] = {}
_ETHERTYPE_VLAN = 0x8100
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_OF_PIPELINE = {"metadata", "tunnel_id", *(f"reg{number}" for number in range(16))}
_PARTS = {f"xxreg{n}": [f"reg{4 * n + part}" for part in range(4)] for n in range(4)}
"""The registers of 128 bits, and the four of which each consists, the highest bits first."""
MOST_LOOKUPS = 64
"""Open vSwitch drops a frame that is looked up again more often ("max translation depth")."""


@dataclass(frozen=True)
class Frame:
    """An Ethernet frame as it comes in by a port; from a tunnel it has a VNI.

    The packet is what it carries behind all of its tags.
    """

    in_port: int
    src: str
    dst: str
    tags: tuple[int, ...] = ()
    vni: int = 0
    length: int = 60
    packet: Packet = PLAIN


@dataclass(frozen=True, order=True)
class Out:
    """A frame as it leaves by a port; ``fields`` has all that flows could match of it."""

    port: int
    tags: tuple[int, ...]
    vni: int
    fields: Mapping[str, int] = field(default_factory=dict, compare=False, repr=False)


_Conditions: TypeAlias = tuple[tuple[str, int, int], ...]
"""Fields, each with its value under a mask."""
_Level: TypeAlias = list[tuple[Flow, _Conditions]]
"""Flows of one priority."""


class Shown(NamedTuple):
    """A frame that the controller got, with the fields of the pipeline, from a flow of ours."""

    fields: dict[str, int]
    frame: bytes
    table: int
    cookie: int

    def packet_in(self, connection: Connection) -> PacketIn:
        """Return what the connection makes of it."""
        producer = producer_of(self.cookie)
        assert producer is not None
        header = SHOWN[producer](self.frame)
        return PacketIn(connection, producer, self.table, match(self.fields), header)


@dataclass
class Result:
    """All that became of a frame.

    ``shown`` are the copies for the controller, ``dropped`` the reasons that counters
    have for copies that were dropped, ``unmatched`` the tables that had no flow for a copy,
    ``too_deep`` how many copies were looked up too often.
    """

    outputs: list[Out] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)
    dropped: list[Reason] = field(default_factory=list)
    unmatched: set[Table] = field(default_factory=set)
    too_deep: int = 0


@dataclass
class _State:
    """``seen`` is how many of the tags the switch knows as such; the next one is a type to it."""

    fields: dict[str, int]
    tags: tuple[int, ...]
    seen: int
    packet: Packet
    depth: int = 0

    def copy(self, **fields: int) -> "_State":
        """Return the same state, but for some fields."""
        return replace(self, fields={**self.fields, **fields})

    def set(self, name: str, value: int) -> None:
        """Write a field, or a register of 128 bits into its parts."""
        parts = _PARTS.get(name, [name])
        for place, part in enumerate(reversed(parts)):
            self.fields[part] = value >> 32 * place & 0xFFFFFFFF if len(parts) > 1 else value

    def out(self, port: int) -> Out:
        return Out(port, self.tags, self.fields["tunnel_id"], dict(self.fields))

    def shown_by(self, flow: Flow) -> Shown:
        """Return what the controller gets of it: registers and metadata, and its bytes."""
        known = {"in_port", *_OF_PIPELINE}
        fields = {name: value for name, value in self.fields.items() if name in known}
        src, dst = (
            self.fields[name].to_bytes(6, "big").hex(":") for name in ("eth_src", "eth_dst")
        )
        frame = protocols.frame(src, dst, self.packet, self.tags)
        return Shown(fields, frame, flow.key.table, flow.cookie)

    def value(self, name: str) -> int:
        if name == "vlan_vid":
            return _TAGGED | self.tags[0] if self.seen else 0
        if name == "eth_type":
            return _ETHERTYPE_VLAN if self.has_tag_inside else self.fields[name]
        if name in PREREQUISITES:
            return 0 if self.has_tag_inside else self.fields.get(name, 0)
        if name in _OF_PIPELINE or name == "conj_id":
            return self.fields.get(name, 0)
        return self.fields[name]

    @property
    def has_tag_inside(self) -> bool:
        """Whether a tag is a type to the switch, so that it knows nothing of what is behind it."""
        return len(self.tags) > self.seen


class Pipeline:
    """Flows and groups that frames can be sent through.

    ``is_alive`` tells for a port whether it works, which fast failover groups watch. The switch
    sees ``vlan_limit`` tags of a frame (Open vSwitch has an option for it).
    """

    def __init__(
        self,
        flows: Iterable[Flow],
        groups: Iterable[Group],
        is_alive: Callable[[int], bool] = lambda port: True,
        vlan_limit: int = 1,
    ) -> None:
        self._tables: dict[int, list[_Level]] = {}
        for flow in sorted(flows, key=lambda flow: -flow.key.priority):
            check_flow(flow)
            levels = self._tables.setdefault(flow.key.table, [])
            if not levels or levels[-1][0][0].key.priority != flow.key.priority:
                levels.append([])
            levels[-1].append((flow, _conditions(flow.key.match)))
        self._groups = {group.id: group for group in groups}
        for group in self._groups.values():
            check_group(group)
        self._is_alive = is_alive
        self._vlan_limit = vlan_limit

    def send(
        self, frame: Frame, table: Table = Table.ADMISSION, carried: Mapping[str, int] = _NOTHING
    ) -> Result:
        """Return what becomes of a frame, from a table on, which it reaches with these fields."""
        fields = {
            "in_port": frame.in_port,
            "eth_src": _number(frame.src),
            "eth_dst": _number(frame.dst),
            "tunnel_id": frame.vni,
            "length": frame.length,
            **frame.packet.fields(),
            **carried,
        }
        result = Result()
        seen = min(len(frame.tags), self._vlan_limit)
        self._look_up(table, _State(fields, frame.tags, seen, frame.packet), result)
        return result

    def _look_up(self, table: int, state: _State, result: Result) -> None:
        flow = self._best(table, state)
        if flow is None:
            result.unmatched.add(Table(table))
            return
        why = reason(flow.key, flow.cookie)
        if why is not None:
            assert not flow.actions, f"{flow} does not drop"
            result.dropped.append(why)
        self._perform(flow.actions, state, result, flow)
        goto = flow.actions[-1] if flow.actions else None
        if isinstance(goto, GoTo):
            assert goto.table > table, f"{flow} goes back"
            self._look_up(goto.table, state, result)

    def _best(self, table: int, state: _State) -> Flow | None:
        for level in self._tables.get(table, ()):
            found = [flow for flow, conditions in level if _match(conditions, state)]
            acting = {flow.actions: flow for flow in found if not _clauses(flow)}
            if "conj_id" not in state.fields and (met := _met(found)) is not None:
                acts = self._best(table, state.copy(conj_id=met))
                if acts is not None:
                    acting[acts.actions] = acts
            assert len(acting) <= 1, f"which is meant? {'; '.join(map(str, acting.values()))}"
            for flow in acting.values():
                return flow
        return None

    def _perform(
        self, actions: Sequence[Action], state: _State, result: Result, flow: Flow | None = None
    ) -> None:
        for index, action in enumerate(actions):
            if isinstance(action, SetField):
                state.set(action.field, _number(action.value))
            elif isinstance(action, Move):
                state.set(action.target, state.value(action.source))
            elif isinstance(action, DecTtl):
                assert state.value("nw_ttl") > 1, f"it stops at a TTL of 1 or 0: {flow}"
                state.fields["nw_ttl"] -= 1
            elif isinstance(action, PopVlan):
                assert state.seen, "there is no tag to pop"
                state.tags = state.tags[1:]
                state.seen -= 1
            elif isinstance(action, PushVlan):
                state.tags = (action.vlan, *state.tags)
                state.seen += 1
            elif isinstance(action, ForgetInPort):
                state.fields["in_port"] = 0
            elif isinstance(action, Output):
                if action.port != state.fields["in_port"]:
                    result.outputs.append(state.out(action.port))
            elif isinstance(action, OutputToBond):
                up = [number for number in action.ports if self._is_alive(number)]
                assert state.fields["in_port"] not in up
                if up:
                    result.outputs.append(state.out(up[0]))
            elif isinstance(action, ToController):
                assert flow is not None, "a bucket shows a frame"
                result.shown.append(state.shown_by(flow))
            elif isinstance(action, CheckLength):
                assert action.register in _OF_PIPELINE, str(action)
                rest = state.fields.get(action.register, 0) & ~1
                state.fields[action.register] = rest | (state.fields["length"] > action.most)
            elif isinstance(action, ToGroup):
                self._to_group(action.group, state, result)
            elif isinstance(action, Resubmit):
                self._look_up_again(action.table, state, result, flow)
            else:
                assert isinstance(action, GoTo), str(action)
                assert index == len(actions) - 1, "goto is not the last action"

    def _look_up_again(self, table: int, state: _State, result: Result, flow: Flow | None) -> None:
        """Do what Resubmit does; only one to the same or an earlier table counts for the depth."""
        deepens = flow is None or table <= flow.key.table
        if state.depth + deepens > MOST_LOOKUPS:
            result.too_deep += 1
            return
        state.depth += deepens
        self._look_up(table, state, result)
        state.depth -= deepens

    def _to_group(self, number: int, state: _State, result: Result) -> None:
        """Give each bucket a copy of the frame; what it does to it is forgotten afterwards."""
        assert number in self._groups, f"there is no group {number:#x}"
        group = self._groups[number]
        buckets = group.buckets
        if group.fast_failover:
            buckets = tuple(bucket for bucket in buckets if self._counts(bucket))[:1]
        if group.select:
            assert len(buckets) == 1, f"which bucket of {group} is meant?"
        for bucket in buckets:
            self._perform(bucket.actions, state.copy(), result)

    def _counts(self, bucket: Bucket) -> bool:
        """Whether what a bucket watches is alive; Open vSwitch wants it to watch something."""
        if bucket.watch_port is not None:
            return self._is_alive(bucket.watch_port)
        assert bucket.watch_group is not None, f"{bucket} watches nothing"
        watched = self._groups[bucket.watch_group]
        return not watched.fast_failover or any(map(self._counts, watched.buckets))


class Pipelines:
    """The pipelines of switches, each built again only when its flows or groups have changed."""

    def __init__(self) -> None:
        self._built: dict[str, tuple[object, Pipeline]] = {}

    def of(
        self, name: str, flows: list[Flow], groups: list[Group], dead: Set[int], vlan_limit: int
    ) -> Pipeline:
        """Return the pipeline of a switch while some of its ports are dead."""
        given = flows, groups, dead, vlan_limit
        if name not in self._built or self._built[name][0] != given:
            is_alive = lambda number: number not in dead  # noqa: E731
            self._built[name] = given, Pipeline(flows, groups, is_alive, vlan_limit)
        return self._built[name][1]


def _match(conditions: _Conditions, state: _State) -> bool:
    return all(state.value(name) & mask == value for name, value, mask in conditions)


def _clauses(flow: Flow) -> list[Conjunction]:
    return [action for action in flow.actions if isinstance(action, Conjunction)]


def _met(flows: Iterable[Flow]) -> int | None:
    """Return the id of the conjunction of which a frame matches all clauses by these flows."""
    clauses: dict[int, set[int]] = {}
    needed: dict[int, int] = {}
    for action in (clause for flow in flows for clause in _clauses(flow)):
        assert 1 <= action.clause <= needed.setdefault(action.id, action.clauses) == action.clauses
        clauses.setdefault(action.id, set()).add(action.clause)
    met = [number for number, found in clauses.items() if len(found) == needed[number]]
    assert len(met) <= 1, f"conjunctions overlap: {met}"
    return met[0] if met else None


@cache
def _conditions(match: tuple[tuple[str, MatchValue], ...]) -> _Conditions:
    """Return each field of a match with the value that it must have under a mask."""
    return tuple((name, *_masked(value)) for name, value in match)


def _masked(value: MatchValue) -> tuple[int, int]:
    """Return a value and a mask that has all bits for a value without one."""
    if isinstance(value, tuple):
        number, mask = value
        return _number(number), _number(mask)
    return _number(value), -1


def _number(value: int | str) -> int:
    """Return a number as it is, and a MAC, IPv4 or IPv6 address as one."""
    if isinstance(value, int):
        return value
    if _MAC.fullmatch(value):
        return int(value.replace(":", ""), 16)
    return int(ip_address(value))
