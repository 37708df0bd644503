"""Bindings of VLANs at ports to logical switches: their flows, faults and statistics."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from ...engine.cause import Cause, RowOf
from ...engine.desired import NOTHING, Desired
from ...engine.desired_actual import Difference
from ...engine.feature import Clock, Feature, FlowWatcher, Owner
from ...engine.operator_view import Figure
from ...engine.report import FaultColumn, ManagedSwitches, Report, SwitchRows
from ...engine.topics import BridgeChanged, SwitchReplaced, SwitchRowChanged, Topic
from ...engine.view import Known, View
from ...pipeline import admission, egress, learning
from ...process.settings import Settings
from ...values.counters import Counter
from ...values.faults import PATIENCE, Fault, FaultTable, FaultWord, of_port
from ...values.flows import Flow, FlowKey
from ...values.rows import BindingStats, PhysicalSwitch
from ...values.writes import PutBindingStats, VtepWrite
from ..logical_switches.rows import LogicalSwitches, WholeLogicalSwitch
from .port_rows import PortRows
from .ports import (
    BindingGone,
    BindingsChanged,
    BindingsTurned,
    LinkUp,
    Ports,
    VlanBinding,
    port_subject,
)
from .statistics import Statistics
from .switches import PhysicalSwitches


@dataclass(frozen=True, slots=True)
class PortRowFaults:
    """The owner of the faults of Physical_Port rows."""


# Desired states of owners


def _binding(key: VlanBinding, view: View) -> Desired:
    row = view[Ports].row(key.port)
    if row is None or key.vlan not in row.vlan_bindings:
        return NOTHING
    binding = view[Ports].binding(key)
    if binding is None:
        return Desired(faults=tuple(_unusable(key, view)))
    number = view[LogicalSwitches].number(binding.logical_switch)
    if number is None:
        return NOTHING
    steps = view.steps(key)
    return Desired(
        (*admission.bound(binding, number, steps), *egress.bound(binding, number, steps))
    )


def _why_binding(key: VlanBinding, view: View) -> Iterator[Cause]:
    row = view[Ports].row(key.port)
    logical_switch = row.vlan_bindings.get(key.vlan) if row else None
    if row is None or logical_switch is None:
        return
    name = view[LogicalSwitches].name(logical_switch)
    what = f"vlan_bindings of {port_subject(key.port, view)} bind VLAN {key.vlan} to {name}"
    rows = RowOf("Physical_Port", row.uuid), RowOf("Logical_Switch", logical_switch)
    yield Cause(what, rows)
    reason = view[Ports].why_unused(key.port)
    if reason is not None:
        yield Cause(f"the binding is not used: {reason}", rows[:1])


def _unusable(key: VlanBinding, view: View) -> Iterator[Fault]:
    row, why = view[Ports].row(key.port), view[Ports].why_unusable(key.port)
    if row is None or why is None:
        return
    reason, word = why
    subject = port_subject(key.port, view)
    if word is None:
        yield Fault(subject, reason, patience=PATIENCE)
    else:
        yield Fault(subject, reason, of_port(row.uuid, word))


def _port_row_faults(key: PortRowFaults, view: View) -> Desired:
    return Desired(faults=tuple(_row_faults(view)))


def _row_faults(view: View) -> Iterator[Fault]:
    for port in view.physical.ports if view.physical else ():
        subject = port_subject(port.name, view)
        for reason in port.refused:
            yield Fault(subject, reason, of_port(port.uuid, FaultWord.INVALID_VLAN_MAP))
        row = view[Ports].row(port.name)
        if row is not None and row.uuid != port.uuid:
            reason = f"row {row.uuid} has the same name and is used instead"
            yield Fault(subject, reason, of_port(port.uuid))


def _why_port_rows(key: PortRowFaults, view: View) -> Iterator[Cause]:
    for port in view.physical.ports if view.physical else ():
        used = view[Ports].row(port.name)
        if port.refused or (used is not None and used.uuid != port.uuid):
            what = f"{port_subject(port.name, view)} has columns or a name that cannot be used"
            yield Cause(what, (RowOf("Physical_Port", port.uuid),))


# Topics that invalidate the owners


def _match(topic: Topic, view: View) -> Iterator[Topic]:
    """Match Physical_Port rows with ports of the bridge; invalidate the bindings that changed."""
    ports = view[Ports]
    rematch = ports.match(
        view.physical.ports if view.physical else (), view.bridge.ports if view.bridge else {}
    )
    view[Statistics].read_rows(ports)
    yield from map(BindingGone, rematch.gone)
    yield from rematch.bindings
    yield from map(BindingsChanged, rematch.logical_switches)
    yield from map(LinkUp, rematch.came_up)
    if rematch.turned:
        yield BindingsTurned(frozenset(rematch.turned))


def _row_changed(topic: SwitchRowChanged, view: View) -> Iterator[Topic]:
    yield from _match(topic, view)
    yield PortRowFaults()


def _whole(topic: WholeLogicalSwitch, view: View) -> Iterator[Topic]:
    yield from view[Ports].keys_of(topic.logical_switch)


# Statistics


class CountedFlows(FlowWatcher):
    """Resets of the counters of bindings' flows on the switch."""

    def __init__(self, statistics: Statistics) -> None:
        self._statistics = statistics

    def begin(self, flows: Mapping[FlowKey, Flow]) -> None:
        """Begin a read-back; a switch without the flow unknown() has lost all its flows."""
        if learning.unknown().key not in flows:
            self._statistics.reset()

    def put(self, key: FlowKey) -> None:
        """Handle a flow that was added or replaced, and counts from zero."""
        self._statistics.replaced(key)


def _count(counters: Mapping[FlowKey, Counter], view: View) -> None:
    view[Statistics].count(counters, view[Ports])


# Reports to the NVC


def _port_report(known: Known, settings: Settings, clock: Clock) -> Report:
    return PortRows(settings.port_grace, settings.bound_port_grace, clock)


def _statistics_report(known: Known, settings: Settings, clock: Clock) -> Report:
    return SwitchRows(lambda view: view[Statistics].rows, _binding_stats)


def _binding_stats(
    view: View, physical: PhysicalSwitch, stats: Difference[tuple[UUID, int], BindingStats]
) -> VtepWrite:
    """Return the write of the Logical_Binding_Stats of a VLAN of a port."""
    return PutBindingStats(*stats.key, stats.want)


def _is_ours(row: PhysicalSwitch, managed: ManagedSwitches) -> bool:
    return row.name in managed.with_bridge()


def _count_bindings(view: View) -> int:
    return sum(len(view[Ports].keys_at(port)) for port in view.physical_ports())


FEATURE = Feature(
    indices=(PhysicalSwitches,),
    states=(
        lambda view: Ports(view.clock),
        lambda view: Statistics(is_on=view.settings.stats_interval > 0),
        lambda view: CountedFlows(view[Statistics]),
    ),
    owners=(
        Owner(VlanBinding, _binding, _why_binding),
        Owner(PortRowFaults, _port_row_faults, _why_port_rows),
    ),
    invalidated_by={
        SwitchRowChanged: _row_changed,
        SwitchReplaced: lambda topic, view: [PortRowFaults()],
        BridgeChanged: _match,
        WholeLogicalSwitch: _whole,
    },
    counters=(_count,),
    reports=(_port_report, _statistics_report),
    fault_columns=(
        FaultColumn(
            FaultTable.PHYSICAL_PORT,
            PhysicalSwitch,
            _is_ours,
            rows=lambda switch: switch.ports,
            is_cleared_after_use=True,
        ),
    ),
    figures=(
        Figure("ports", "Ports that can be bound.", lambda view: len(view.physical_ports())),
        Figure("bindings", "VLAN bindings of rows.", _count_bindings),
    ),
)
