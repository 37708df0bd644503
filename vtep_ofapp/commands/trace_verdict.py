"""One sentence about a trace: where the frame enters, where its destination is, where it leaves."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias
from uuid import UUID

from ..engine.view import View
from ..features.bindings.ports import Ports
from ..features.learning.stations import LearnedMacs
from ..features.logical_switches.rows import LogicalSwitches
from ..features.logical_switches.vni_mapping import VniMapping
from ..features.unicast import Placed, PlacedMacs
from ..pipeline.drops import Reason, reason_at
from ..pipeline.layout import (
    DETECTS,
    EXPIRED,
    LOGICAL_SWITCH,
    REMOTE,
    SENDER,
    SOURCE_BINDING,
    TARGET_BINDING,
    UNRESOLVED,
    UNROUTED,
    UNSERVED,
    Priority,
    Table,
)
from ..values.addresses import ip_text, is_group
from .trace_text import Event, Step

_SET = re.compile(r"(?:set_field|load):(0x[0-9a-f]+|\d+)->(\w+)")
_SET_MAC = re.compile(r"set_field:((?:[0-9a-f]{2}:){5}[0-9a-f]{2})->eth_(src|dst)")
_SWAP = "move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[]"
_MOVE = re.compile(r"move:NXM_NX_(REG\d+)\[\]->NXM_NX_(REG\d+)\[\]")
_ENDS = (Table.MEASURING.name, Table.SHOWING.name, Table.REMOTE_FLOODING.name)
"""The tables where a way may end without a frame being dropped that should have arrived."""
_WHOLE_FRAMES = (UNROUTED, EXPIRED, UNSERVED, UNRESOLVED, DETECTS)
"""Why a frame is shown whole, and sent nowhere else."""
_TROUBLE = re.compile(r"(?:->|>>) (.*(?:failed|miss|dropp|unknown|error).*)")
"""A remark of Open vSwitch that says that a frame does not leave after all."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The frame of a trace; ``vlan`` is None without a tag.

    It comes in by a port of the bridge, or with a VNI from a remote VTEP, the ``sender``.
    """

    source: str
    destination: str
    port: str = ""
    vlan: int | None = None
    sender: str = ""
    vni: int | None = None


Told: TypeAlias = Callable[[Step, Mapping[str, int]], str | None]
"""Returns what a feature tells of a step, to which the frame carried these fields."""


@dataclass(slots=True)
class _Walk:
    """What is known of the frame after each event; ``fields`` are those that the pipeline sets."""

    frame: Frame
    view: View
    fields: dict[str, int] = field(default_factory=dict)
    entered: int = 0
    """The binding that it came in by; the register is set to 0 where it is answered there."""
    leaves: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    drops: list[str] = field(default_factory=list)
    told: dict[str, Step] = field(default_factory=dict)
    """What features tell, with the last step of which they tell it."""
    admitted_to: int = 0
    """The logical switch that it came in by; a router sends it to another one."""
    destination: str = ""
    source: str = ""
    told_before: int = 0
    """How much features had told when a frame that a router sent was looked up last."""
    is_unknown: bool = False
    is_looked_up: bool = False
    is_flooded: bool = False
    is_routed: bool = False
    is_at_controller: bool = False

    @property
    def logical_switch(self) -> UUID | None:
        return self.view[LogicalSwitches].ids.key(self.fields.get(LOGICAL_SWITCH, 0))

    @property
    def where(self) -> str:
        row = self.logical_switch
        return "no logical switch" if row is None else self.view[LogicalSwitches].name(row)

    @property
    def is_shown_alone(self) -> bool:
        """Whether the controller has the frame, and nobody else does."""
        return self.is_at_controller and self.fields.get(SENDER, 0) in _WHOLE_FRAMES

    @property
    def remote(self) -> str:
        return ip_text(self.fields.get(REMOTE, 0), is_ipv6=False)


def verdict(events: Iterable[Event], frame: Frame, view: View, told: Told) -> str:
    """Return one sentence about the trace of a frame on the bridge of the view."""
    walk = _Walk(frame, view, destination=frame.destination, source=frame.source)
    for event in events:
        if event.step.bridge != view.name:
            continue
        _look_up(event.step.table, walk)
        if event.action:
            _follow(event, walk)
        elif words := told(event.step, walk.fields):
            walk.told[words] = event.step
    return f"{view.name}: {'; '.join(_clauses(walk))}."


def _look_up(table: str, walk: _Walk) -> None:
    """Note that a frame is in a table, and whether it is looked up or flooded there."""
    walk.is_routed |= table == Table.TERMINATION.name
    if table == Table.TERMINATION.name:
        walk.is_looked_up = walk.is_flooded = False
    walk.is_looked_up |= table == Table.UNICAST.name
    walk.is_flooded |= table == Table.FLOODING.name
    if walk.is_routed and table == Table.UNICAST.name:
        walk.told_before = len(walk.told)


def _follow(event: Event, walk: _Walk) -> None:
    action = event.action
    if found := _SET.match(action):
        walk.fields[found[2]] = int(found[1], 0)
        walk.entered = walk.entered or walk.fields.get(SOURCE_BINDING, 0)
        walk.admitted_to = walk.admitted_to or walk.fields.get(LOGICAL_SWITCH, 0)
    elif found := _SET_MAC.match(action):
        if found[2] == "dst":
            walk.destination = found[1]
        else:
            walk.source = found[1]
    elif action == _SWAP:
        walk.destination = walk.source
    elif found := _MOVE.match(action):
        walk.fields[found[2].lower()] = walk.fields.get(found[1].lower(), 0)
    elif found := _TROUBLE.match(action):
        walk.troubles.append(found[1])
    elif action == "drop" and event.step.table not in _ENDS:
        walk.drops.append(_dropped(event.step, walk))
    elif action.startswith(("output:", "bundle(")):
        walk.leaves.append(_left(event.step, walk))
    elif action.startswith("resubmit") and event.step.table == Table.LEARNING.name:
        walk.is_unknown = True
    elif action.startswith("CONTROLLER:") and event.step.table == Table.SHOWING.name:
        walk.is_at_controller = True


def _clauses(walk: _Walk) -> Iterator[str]:
    frame = walk.frame
    admitted_to = walk.view[LogicalSwitches].ids.key(walk.admitted_to)
    if admitted_to is not None:
        name = walk.view[LogicalSwitches].name(admitted_to)
        yield f"admitted {_entry(walk)} to {name}"
    if walk.is_unknown:
        yield f"{frame.source} is not known there, and is shown to the controller"
    end = "it leaves nowhere"
    if walk.leaves:
        end = f"leaves {_listed(walk.leaves)}"
    elif walk.drops:
        end = f"dropped {walk.drops[-1]}"
    elif walk.is_shown_alone:
        end = "it goes to the controller alone"
    told = list(walk.told)
    before, after = told[: walk.told_before], told[walk.told_before :]
    yield from (words for words in before if not end.endswith(words))
    yield from _destination(walk)
    yield from (words for words in after if not end.endswith(words))
    yield end
    for trouble in dict.fromkeys(walk.troubles):
        yield f"but Open vSwitch says: {trouble}"


def _entry(walk: _Walk) -> str:
    binding = walk.view[Ports].numbered(walk.entered)
    if binding is None:
        return f"from {walk.frame.sender} with VNI {walk.frame.vni}"
    return f"at binding {binding.port} VLAN {binding.vlan}"


def _destination(walk: _Walk) -> Iterator[str]:
    """Yield what the look-up of the destination found."""
    mac, logical_switch = walk.destination, walk.logical_switch
    from_tunnel = walk.frame.sender and not walk.is_routed
    if walk.is_flooded:
        kind = "a group address" if is_group(mac) else "not known there"
        yield f"{mac} is {kind}, and is flooded"
    elif logical_switch is not None and walk.is_looked_up:
        row = walk.view[PlacedMacs].row(Placed(logical_switch, mac))
        place = walk.view[LearnedMacs].place(logical_switch, mac)
        if row is not None and walk.fields.get(TARGET_BINDING) is None and not from_tunnel:
            yield f"{mac} is behind {row.locator.address} (Ucast_Macs_Remote {row.uuid})"
        elif place is not None:
            yield f"{mac} was learned at {place.port} VLAN {place.vlan}"


def _left(step: Step, walk: _Walk) -> str:
    """Return how a copy of the frame leaves by a step that sends it out."""
    if step.table == Table.TUNNEL.name:
        return f"by the tunnel to {walk.remote} with VNI {walk.fields.get('tun_id', 0)}"
    binding = walk.view[Ports].numbered(walk.fields.get(TARGET_BINDING, 0))
    if binding is None:
        return "by a port that is not bound"
    return f"by {binding.port} {f'with VLAN {binding.vlan}' if binding.vlan else 'untagged'}"


def _listed(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]


def _dropped(step: Step, walk: _Walk) -> str:
    """Return in which table the frame, or a copy of it, is dropped, and why."""
    return f"in {step.table}: {_reason(step, walk)}"


def _reason(step: Step, walk: _Walk) -> str:
    for words, told_of in walk.told.items():
        if told_of is step:
            return words
    if SOURCE_BINDING in step.match:
        return "it would leave by the binding by which it came in"
    if step.table not in Table.__members__:
        return "that is no table of ours"
    reason = reason_at(Table[step.table], step.priority or Priority.MISS)
    return SENTENCES[reason](walk) if reason else "no flow sends it on"


def _not_bound(walk: _Walk) -> str:
    frame = walk.frame
    if frame.sender:
        return f"its port does not belong to a tunnel from {frame.sender}"
    if frame.vlan is None:
        return f"untagged frames of {frame.port} have no binding"
    return f"VLAN {frame.vlan} of {frame.port} has no binding"


def _unknown_sender(walk: _Walk) -> str:
    names = walk.view[VniMapping].names_with(walk.frame.vni or 0)
    return f"no row of {names} names {walk.frame.sender} as a VTEP"


SENTENCES: Mapping[Reason, Callable[[_Walk], str]] = {
    Reason.RESERVED_ADDRESS: lambda walk: f"no bridge forwards frames to {walk.frame.destination}",
    Reason.NOT_BOUND: _not_bound,
    Reason.BAD_SOURCE: lambda walk: f"{walk.frame.source} cannot be the address of a station",
    Reason.CLAIMED_ADDRESS: lambda walk: "its sender claims an address of a router",
    Reason.NOT_ROUTED: lambda walk: f"{walk.destination} is a router's, which does not take it",
    Reason.MARTIAN: lambda walk: "no router forwards packets from, or to, such an address",
    Reason.ROUTER_ADDRESS: lambda walk: "it is for a router itself, or for its link alone",
    Reason.TTL: lambda walk: "its TTL is 0",
    Reason.BROADCAST: lambda walk: "it is for the broadcast address of a subnet",
    Reason.UNRESOLVED: lambda walk: "its next hop has not said its MAC address",
    Reason.INNER_TAG: lambda walk: "it carries a further VLAN tag",
    Reason.UNKNOWN_VNI: lambda walk: (
        f"no logical switch that is bound here has VNI {walk.frame.vni} at {walk.frame.sender}"
    ),
    Reason.UNKNOWN_SENDER: _unknown_sender,
    Reason.SHARED_VNI: lambda walk: (
        f"rows of several logical switches claim VNI {walk.frame.vni} at {walk.frame.sender}"
    ),
    Reason.NO_VNI: lambda walk: f"{walk.where} has no VNI towards {walk.remote}",
    Reason.NO_TUNNEL: lambda walk: f"there is no tunnel port to {walk.remote}",
}
"""Why a frame is dropped, in the words of its rows and ports."""
