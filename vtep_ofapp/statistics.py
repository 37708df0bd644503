"""Statistics of bindings, from the counters of their flows (vtep(5), Logical_Binding_Stats)."""

from collections.abc import Mapping
from uuid import UUID

from .model import BindingStats
from .pipeline.layout import Cookie, counted
from .ports import Ports
from .reconciliation import Reconciliation

_NONE = BindingStats()


class Statistics:
    """What the switch counted for each binding, and what the rows say.

    Counters begin anew with a switch that restarts; what was counted before is kept.
    ``rows`` holds what is wanted and what is there, by Physical_Port row and VLAN.
    """

    def __init__(self) -> None:
        self.rows: Reconciliation[tuple[UUID, int], BindingStats] = Reconciliation()
        self._before: dict[tuple[UUID, int], BindingStats] = {}
        self._last: dict[tuple[UUID, int], BindingStats] = {}

    def read_rows(self, ports: Ports) -> None:
        """Take what the rows of Physical_Port say, and forget bindings that are no more."""
        actual = {
            (row.uuid, vlan): stats
            for row in ports.rows()
            for vlan, stats in row.vlan_stats.items()
        }
        self.rows.have_only(actual)
        bound = {(row.uuid, vlan) for row in ports.rows() for vlan in row.vlan_bindings}
        for key in [key for key in self.rows.wanted if key not in bound]:
            self.rows.want(key, None)
            self._before.pop(key, None)
            self._last.pop(key, None)

    def count(self, by_cookie: Mapping[int, tuple[int, int]], ports: Ports) -> None:
        """Take packets and bytes by cookie of the flows that count for bindings."""
        counts: dict[int, BindingStats] = {}
        for cookie, (packets, octets) in by_cookie.items():
            producer = counted(cookie)
            if producer is None:
                continue
            direction, number = producer
            counted_here = (
                BindingStats(packets_from_local=packets, bytes_from_local=octets)
                if direction == Cookie.ADMISSION
                else BindingStats(packets_to_local=packets, bytes_to_local=octets)
            )
            counts[number] = _add(counts.get(number, _NONE), counted_here)
        for number, stats in counts.items():
            binding = ports.numbered(number)
            row = ports.row(binding.port) if binding else None
            if binding is not None and row is not None:
                self._count((row.uuid, binding.vlan), stats)

    def _count(self, key: tuple[UUID, int], stats: BindingStats) -> None:
        last = self._last.get(key)
        if last is None:
            told = self.rows.actual.get(key, _NONE)
            self._before[key] = told if _is_less(stats, told) else _NONE
        elif _is_less(stats, last):
            self._before[key] = _add(self._before[key], last)
        self._last[key] = stats
        self.rows.want(key, _add(self._before[key], stats))


def _add(one: BindingStats, other: BindingStats) -> BindingStats:
    return BindingStats(
        one.packets_from_local + other.packets_from_local,
        one.bytes_from_local + other.bytes_from_local,
        one.packets_to_local + other.packets_to_local,
        one.bytes_to_local + other.bytes_to_local,
    )


def _is_less(one: BindingStats, other: BindingStats) -> bool:
    return (
        one.packets_from_local < other.packets_from_local
        or one.packets_to_local < other.packets_to_local
    )
