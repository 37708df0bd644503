"""Statistics of bindings, from the counters of their flows (vtep(5), Logical_Binding_Stats)."""

from collections.abc import Mapping
from uuid import UUID

from .model import Binding, BindingStats
from .pipeline.layout import Cookie, counted
from .ports import Ports
from .reconciliation import Reconciliation

_NONE = BindingStats()
_TAG = 4
"""Bytes of an 802.1Q tag."""


class Statistics:
    """What the switch counted for each binding, and what the rows say.

    Counters begin anew with a switch that restarts; what was counted before is kept. They also
    begin anew with a VLAN's new logical switch; what was counted for the former one is not.
    ``rows`` holds what is wanted and what is there, by Physical_Port row and VLAN.
    """

    def __init__(self, is_on: bool = True) -> None:
        self._is_on = is_on
        self.rows: Reconciliation[tuple[UUID, int], BindingStats] = Reconciliation()
        self._before: dict[tuple[UUID, int], BindingStats] = {}
        self._last: dict[tuple[UUID, int], BindingStats] = {}
        self._of: dict[tuple[UUID, int], UUID] = {}

    def read_rows(self, ports: Ports) -> None:
        """Take what the rows of Physical_Port say, and forget bindings that are no more."""
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
        for key in former.keys() | actual.keys():
            if key not in self._of:
                self.rows.want(key, None)
                self._before.pop(key, None)
                self._last.pop(key, None)
            elif key in former and former[key] != self._of[key]:
                self._before[key] = self._last[key] = _NONE
            elif key not in self._last:
                # Not counted yet: what an earlier process wrote stays as long as that lasts.
                self.rows.want(key, actual.get(key) if self._is_on else None)

    def begin_anew(self) -> None:
        """Take note that the switch has lost its flows, and counts from zero."""
        for key in self._of:
            told = self.rows.wanted.get(key)
            if told is not None:
                self._before[key], self._last[key] = told, _NONE

    def count(self, by_cookie: Mapping[int, tuple[int, int]], ports: Ports) -> None:
        """Take packets and bytes by cookie of the flows that count for bindings."""
        counts: dict[int, BindingStats] = {}
        for cookie, (packets, octets) in by_cookie.items():
            producer = counted(cookie)
            binding = ports.numbered(producer[1]) if producer else None
            if producer is not None and binding is not None:
                stats = _stats(producer[0], binding, packets, octets)
                counts[binding.number] = _add(counts.get(binding.number, _NONE), stats)
        for number, stats in counts.items():
            binding = ports.numbered(number)
            row = ports.row(binding.port) if binding else None
            if binding is not None and row is not None:
                self._count((row.uuid, binding.vlan), stats)

    def _count(self, key: tuple[UUID, int], stats: BindingStats) -> None:
        last = self._last.get(key)
        if last is None:
            told = self.rows.actual.get(key, _NONE)
            self._before[key] = _subtract(told, stats) if _is_less(stats, told) else _NONE
        elif _is_less(stats, last):
            self._before[key] = _add(self._before[key], last)
        self._last[key] = stats
        self.rows.want(key, _add(self._before[key], stats))


def _stats(producer: Cookie, binding: Binding, packets: int, octets: int) -> BindingStats:
    """Return what a flow counted, in bytes as they are on the binding's own wire.

    The switch counts a frame as long as it came in, for every flow on its way.
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


def _subtract(one: BindingStats, other: BindingStats) -> BindingStats:
    return BindingStats(
        max(0, one.packets_from_local - other.packets_from_local),
        max(0, one.bytes_from_local - other.bytes_from_local),
        max(0, one.packets_to_local - other.packets_to_local),
        max(0, one.bytes_to_local - other.bytes_to_local),
    )


def _is_less(one: BindingStats, other: BindingStats) -> bool:
    return (
        one.packets_from_local < other.packets_from_local
        or one.packets_to_local < other.packets_to_local
    )
