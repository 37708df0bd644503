"""MAC learning: stations from their frames, up to the limits."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from ...engine.cause import Cause, RowOf
from ...engine.desired import NOTHING, Desired
from ...engine.dirty import Pace
from ...engine.feature import Feature, FlowWatcher, Owner
from ...engine.operator_view import Figure, Limit
from ...engine.topics import BridgeChanged, StationsChanged, SwitchRowChanged, Topic
from ...engine.view import View
from ...pipeline import learning, unicast
from ...pipeline.layout import Cookie
from ...values.events import PacketIn
from ...values.faults import Fault, FaultWord, of_port
from ...values.flows import Flow, FlowKey
from ..bindings.ports import BindingGone, Ports, VlanBinding, port_subject
from ..logical_switches.rows import LogicalSwitches, WholeLogicalSwitch
from .limits import Limits
from .stations import LearnedMacs, Place


class Learned(NamedTuple):
    """The owner of the flows of a learned station.

    A tuple takes the least memory; there may be very many.
    """

    logical_switch: UUID
    mac: str


@dataclass(frozen=True, slots=True)
class FullPort:
    """The owner of the flows and the fault of a port at its limit of stations."""

    port: str


@dataclass(frozen=True, slots=True)
class FullLogicalSwitch:
    """The owner of the flow and the fault of a logical switch at its limit of stations."""

    logical_switch: UUID


class KnownStations(FlowWatcher):
    """The stations that the switch's flows know, and the ports and logical switches at a limit.

    The switch has flows of stations from before this process. Flows that ended while the switch was
    not connected were idle, unless the switch has lost all flows.
    """

    def __init__(self, view: View) -> None:
        self._view = view
        self._has_lost_all = False
        self._full_ports: set[str] = set()
        self._full_logical_switches: set[UUID] = set()

    # Flows on the switch

    def begin(self, flows: Mapping[FlowKey, Flow]) -> None:
        """Begin a read-back; a switch without the flow unknown() has lost all its flows."""
        self._has_lost_all = learning.unknown().key not in flows

    def found(self, key: FlowKey) -> None:
        """Learn the station of a flow, unless it was learned elsewhere."""
        station = self._station(key)
        if station is not None:
            place, mac = station
            macs = self._view[LearnedMacs]
            if macs.place(place.logical_switch, mac) is None:
                macs.find(mac, place)

    def lost(self, key: FlowKey) -> None:
        """Forget the station of a flow that ended while the switch was not connected."""
        if not self._has_lost_all:
            self.ended(key)

    def ended(self, key: FlowKey) -> None:
        """Forget the station of an idle flow, if the station has not moved elsewhere."""
        station = self._station(key)
        if station is not None:
            place, mac = station
            macs = self._view[LearnedMacs]
            if macs.place(place.logical_switch, mac) == place:
                macs.forget(place.logical_switch, mac)

    def _station(self, key: FlowKey) -> tuple[Place, str] | None:
        station = learning.station(key)
        place = place_of(station[0], station[1], self._view) if station else None
        return (place, station[2]) if station and place else None

    # Limits

    def count(self, stations: StationsChanged) -> Iterator[Topic]:
        """Compare ports and logical switches with their limits after stations changed."""
        limits = self._view[Limits]
        for logical_switch in {logical_switch for logical_switch, _ in stations.stations}:
            is_full = limits.is_full(logical_switch)
            if is_full != (logical_switch in self._full_logical_switches):
                self._full_logical_switches ^= {logical_switch}
                yield FullLogicalSwitch(logical_switch)
                yield from _learned_in(logical_switch, self._view)
        if stations.stations:
            yield from self.count_at_ports()

    def count_at_ports(self) -> Iterator[Topic]:
        """Compare all ports with their limits."""
        limits, rows = self._view[Limits], self._view[Ports].rows()
        full = {row.name for row in rows if limits.is_full_port(row.name)}
        former, self._full_ports = self._full_ports, full
        yield from map(FullPort, full | former)


def place_of(logical_switch: int, number: int, view: View) -> Place | None:
    """Return the place of the binding with this number, if the logical switch has it."""
    binding = view[Ports].numbered(number)
    if binding and view[LogicalSwitches].number(binding.logical_switch) == logical_switch:
        return Place.of(view.name, binding)
    return None


# Desired states of owners


def _learned(key: Learned, view: View) -> Desired:
    logical_switch, mac = key
    number = view[LogicalSwitches].number(logical_switch)
    place = view[LearnedMacs].place(logical_switch, mac)
    if number is None or place is None or not view[Ports].is_bound(logical_switch):
        return NOTHING
    flows: list[Flow] = []
    if place.switch == view.name:
        flows.append(learning.known(place.binding, number, mac, view.settings.mac_aging))
        flows.append(unicast.local(place.binding, number, mac))
    if view[LearnedMacs].is_held(logical_switch, mac):
        flows.append(learning.held(number, mac))
    elif view[Limits].is_full(logical_switch):
        flows.append(learning.moving(number, mac))
    return Desired(tuple(flows))


def _full_port(key: FullPort, view: View) -> Desired:
    row = view[Ports].row(key.port)
    if row is None or not view[Limits].is_full_port(key.port):
        return NOTHING
    bindings = [view[Ports].binding(VlanBinding(key.port, vlan)) for vlan in row.vlan_bindings]
    usable = [
        binding.number
        for binding in bindings
        if binding and view[LogicalSwitches].number(binding.logical_switch) is not None
    ]
    if not usable:
        return NOTHING
    limit = view.settings.max_local_macs_per_port
    reason = f"the limit of {limit} learned MACs is reached"
    fault = Fault(port_subject(key.port, view), reason, of_port(row.uuid))
    return Desired(tuple(map(learning.full_binding, usable)), faults=(fault,))


def _full_logical_switch(key: FullLogicalSwitch, view: View) -> Desired:
    logical_switches = view[LogicalSwitches]
    number = logical_switches.number(key.logical_switch)
    is_full = view[Limits].is_full(key.logical_switch)
    if number is None or not is_full or not view[Ports].is_bound(key.logical_switch):
        return NOTHING
    reason = f"the limit of {view.settings.max_local_macs} learned MACs is reached"
    subject = logical_switches.name(key.logical_switch)
    fault = view.switch_fault(reason, subject, FaultWord.MAC_TABLE_EXHAUSTION)
    return Desired((learning.full_logical_switch(number),), faults=(fault,))


# Why they are there


def _why_learned(key: Learned, view: View) -> Iterator[Cause]:
    logical_switch, mac = key
    place, row = (
        view[LearnedMacs].place(logical_switch, mac),
        RowOf("Logical_Switch", logical_switch),
    )
    if place is None:
        return
    name = view[LogicalSwitches].name(logical_switch)
    where = f"port {place.port} VLAN {place.vlan} of {place.switch}"
    since, moves, held_until = view[LearnedMacs].stay(logical_switch, mac)
    if since is None:
        source = "by a flow that was on the switch when it was read back"
    else:
        source = f"from a frame, {view.clock() - since:.0f} s ago"
    moved = f", after {moves} moves" if moves else ""
    yield Cause(f"{mac} was learned in {name} at {where} {source}{moved}", (row,))
    if held_until is not None:
        left = max(0.0, held_until - view.clock())
        yield Cause(f"it moved too often, and is held there for another {left:.0f} s")
    elif view[Limits].is_full(logical_switch):
        yield Cause(f"{name} is at its limit of learned MACs; known ones may still move", (row,))


def _why_full_port(key: FullPort, view: View) -> Iterator[Cause]:
    row = view[Ports].row(key.port)
    if row is not None:
        count = view[LearnedMacs].count_at(view.name, key.port)
        limit = view.settings.max_local_macs_per_port
        what = f"{port_subject(key.port, view)} has {count} learned MACs; its limit is {limit}"
        yield Cause(what, (RowOf("Physical_Port", row.uuid),))


def _why_full_logical_switch(key: FullLogicalSwitch, view: View) -> Iterator[Cause]:
    name = view[LogicalSwitches].name(key.logical_switch)
    count = len(view[LearnedMacs].stations(key.logical_switch))
    what = f"{name} has {count} learned MACs; its limit is {view.settings.max_local_macs}"
    yield Cause(what, (RowOf("Logical_Switch", key.logical_switch),))


# Topics that invalidate the owners


def _learned_in(logical_switch: UUID, view: View) -> Iterator[Learned]:
    for mac in view[LearnedMacs].stations(logical_switch):
        yield Learned(logical_switch, mac)


def _stations_changed(topic: StationsChanged, view: View) -> Iterator[Topic]:
    for logical_switch, mac in topic.stations:
        yield Learned(logical_switch, mac)
    yield from view[KnownStations].count(topic)


def _whole(topic: WholeLogicalSwitch, view: View) -> Iterator[Topic]:
    yield FullLogicalSwitch(topic.logical_switch)
    yield from _learned_in(topic.logical_switch, view)
    for binding in view[Ports].keys_of(topic.logical_switch):
        yield FullPort(binding.port)


def _binding_gone(topic: BindingGone, view: View) -> tuple[()]:
    view[LearnedMacs].forget_place(Place.of(view.name, topic.binding))
    return ()


def _ports_changed(topic: Topic, view: View) -> Iterable[Topic]:
    return view[KnownStations].count_at_ports()


def _packet_in(packet: PacketIn, view: View) -> tuple[()]:
    """Learn the source of a packet-in, unless the port or the logical switch is at its limit."""
    numbers = learning.source_binding(packet.fields)
    place = place_of(*numbers, view) if numbers else None
    if place is None or not view[Ports].is_up(place.port):
        return ()
    macs, limits, mac = view[LearnedMacs], view[Limits], learning.source(packet.header)
    former = macs.place(place.logical_switch, mac)
    is_news = former is None or (former.switch, former.port) != (place.switch, place.port)
    if is_news and limits.is_full_port(place.port):
        return ()
    if former is not None or not limits.is_full(place.logical_switch):
        macs.learn(mac, place)
    return ()


def _count(view: View) -> int:
    return sum(view[LearnedMacs].count_at(view.name, port) for port in view.physical_ports())


def _counts_at_ports(view: View) -> Iterator[tuple[str, int]]:
    for port in sorted(view.physical_ports()):
        yield f"learned MACs at {port}", view[LearnedMacs].count_at(view.name, port)


def _counts_in_logical_switches(view: View) -> Iterator[tuple[str, int]]:
    names, macs = view[LogicalSwitches], view[LearnedMacs]
    for each in sorted(view[Ports].bound()):
        yield f"learned MACs in {names.name(each)}", len(macs.stations(each))


FEATURE = Feature(
    shared=(LearnedMacs,),
    states=(
        lambda view: Limits(view.name, view[LearnedMacs], view.settings),
        KnownStations,
    ),
    owners=(
        Owner(Learned, _learned, _why_learned, Pace.IN_PARTS),
        Owner(FullPort, _full_port, _why_full_port),
        Owner(FullLogicalSwitch, _full_logical_switch, _why_full_logical_switch),
    ),
    invalidated_by={
        StationsChanged: _stations_changed,
        WholeLogicalSwitch: _whole,
        BindingGone: _binding_gone,
        VlanBinding: lambda binding, view: [FullPort(binding.port)],
        SwitchRowChanged: _ports_changed,
        BridgeChanged: _ports_changed,
    },
    packets={Cookie.LEARNING: _packet_in},
    figures=(Figure("learned_macs", "MAC addresses that were learned at ports.", _count),),
    limits=(
        Limit("max_local_macs_per_port", _counts_at_ports),
        Limit("max_local_macs", _counts_in_logical_switches),
    ),
)
