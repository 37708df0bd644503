"""Statistics of bindings, from the counters of their flows (vtep(5), Logical_Binding_Stats)."""

from collections.abc import Mapping
from uuid import UUID

from ...engine.desired_actual import DesiredActual
from ...pipeline.layout import COUNTING, Cookie, counted
from ...values.counters import Counter
from ...values.flows import FlowKey
from ...values.rows import Binding, BindingStats
from .ports import Ports, VlanBinding

_NOTHING = BindingStats()
_TAG = 4
"""Bytes of an 802.1Q tag."""

Row = tuple[UUID, int]
"""A Physical_Port row and a VLAN of it."""
_PRODUCERS = frozenset(producer for _, producer in COUNTING)


class Statistics:
    """The counters of each binding: sums of the counters of its flows, and the rows.

    The increase of each flow's counters is added at each reading, because flows are replaced: after
    a restart of the switch, or a change of a bond's members, counters begin at zero. The sum of a
    VLAN begins at zero when the VLAN is bound to another logical switch.
    ``rows`` holds the desired and the actual rows.
    """

    def __init__(self, is_on: bool = True) -> None:
        self.rows: DesiredActual[Row, BindingStats] = DesiredActual()
        self._is_on = is_on
        self._of: dict[Row, UUID] = {}
        self._totals: dict[Row, BindingStats] = {}
        self._last: dict[FlowKey, Counter] = {}

    def read_rows(self, ports: Ports) -> None:
        """Set the actual statistics of Physical_Port rows, and forget bindings that are gone."""
        actual = {
            (row.uuid, vlan): stats
            for row in ports.rows()
            for vlan, stats in row.vlan_stats.items()
        }
        self.rows.have_only(actual)
        former, self._of = (
            self._of,
            {
                (row.uuid, vlan): logical_switch
                for row in ports.rows()
                for vlan, logical_switch in row.vlan_bindings.items()
            },
        )
        begun = set()
        for row in former.keys() | actual.keys():
            if row not in self._of:
                self._totals.pop(row, None)
                self.rows.want(row, None)
            elif row in former and former[row] != self._of[row]:
                begun.add(row)
            elif row not in self._totals:
                # Not counted yet: the values of an earlier process stay until then.
                self.rows.want(row, actual.get(row) if self._is_on else None)
        if begun:
            self._begin_bindings(begun, ports)

    def reset(self) -> None:
        """Note that the switch has lost its flows, and counts from zero."""
        self._last.clear()
        for row in self._of:
            reported = self.rows.wanted.get(row)
            if reported is not None:
                self._totals[row] = reported

    def replaced(self, flow: FlowKey) -> None:
        """Note that a flow was replaced, and counts from zero."""
        self._last.pop(flow, None)

    def count(self, counters: Mapping[FlowKey, Counter], ports: Ports) -> None:
        """Add the counters of all flows that count for bindings."""
        whole: dict[Row, BindingStats] = {}
        news: dict[Row, BindingStats] = {}
        are_all_counted = self._of.keys() <= self._totals.keys()
        for flow, counter in counters.items():
            last = self._last.get(flow)
            if are_all_counted and last == counter:
                continue
            producer = _of_binding(counter)
            binding = ports.numbered(producer[1]) if producer else None
            port = ports.row(binding.port) if binding else None
            if producer is None or binding is None or port is None:
                continue
            row = (port.uuid, binding.vlan)
            packets, octets = counter.packets, counter.octets
            stats = _stats(producer[0], binding, packets, octets)
            whole[row] = _add(whole.get(row, _NOTHING), stats)
            if last is not None and last.packets <= packets:
                packets, octets = packets - last.packets, octets - last.octets
            stats = _stats(producer[0], binding, packets, octets)
            news[row] = _add(news.get(row, _NOTHING), stats)
        self._last = dict(counters)
        for row, stats in whole.items():
            if row in self._totals:
                self._totals[row] = _add(self._totals[row], news[row])
            else:
                # The switch counted before this process started; the row may have a greater value.
                self._totals[row] = _greatest(self.rows.actual.get(row, _NOTHING), stats)
            self.rows.want(row, self._totals[row])

    def _begin_bindings(self, rows: set[Row], ports: Ports) -> None:
        self._totals.update(dict.fromkeys(rows, _NOTHING))
        names = {row.uuid: row.name for row in ports.rows()}
        bindings = (ports.binding(VlanBinding(names[port], vlan)) for port, vlan in rows)
        numbers = {binding.number for binding in bindings if binding is not None}
        self._last = {
            flow: counter
            for flow, counter in self._last.items()
            if (producer := _of_binding(counter)) is None or producer[1] not in numbers
        }


def _of_binding(counter: Counter) -> tuple[Cookie, int] | None:
    """Return the producer of a flow and the number of its binding; None for flows of others."""
    found = counted(counter.cookie)
    return found if found is not None and found[0] in _PRODUCERS else None


def _stats(producer: Cookie, binding: Binding, packets: int, octets: int) -> BindingStats:
    """Return a flow's counters, with the bytes that frames have on the binding's wire.

    The switch counts a frame with the length that it came in with, in every flow on its way.
    """
    if producer == Cookie.ADMISSION:
        return BindingStats(packets_from_local=packets, bytes_from_local=octets)
    came_tagged = producer == Cookie.EGRESS_FROM_TAGGED
    leaves_tagged = binding.vlan != 0
    octets += packets * _TAG * (leaves_tagged - came_tagged)
    return BindingStats(packets_to_local=packets, bytes_to_local=octets)


def _add(one: BindingStats, other: BindingStats) -> BindingStats:
    return BindingStats(
        one.packets_from_local + other.packets_from_local,
        one.bytes_from_local + other.bytes_from_local,
        one.packets_to_local + other.packets_to_local,
        one.bytes_to_local + other.bytes_to_local,
    )


def _greatest(one: BindingStats, other: BindingStats) -> BindingStats:
    return BindingStats(
        max(one.packets_from_local, other.packets_from_local),
        max(one.bytes_from_local, other.bytes_from_local),
        max(one.packets_to_local, other.packets_to_local),
        max(one.bytes_to_local, other.bytes_to_local),
    )
