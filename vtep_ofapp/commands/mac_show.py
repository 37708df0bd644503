"""``mac/show``: where stations are: at a binding here, or behind a remote VTEP."""

import math
from collections.abc import Iterable, Iterator, Sequence

from ..engine.switch_state import SwitchState
from ..features.learning.stations import LearnedMacs, Place
from ..features.presence import Presence
from ..features.tunnels.conditions import Condition, TunnelConditions
from ..features.unicast import Placed, PlacedMacs
from ..values.rows import LogicalSwitch, RemoteMac
from .answer import Answer, Row, Table, in_order, joined
from .command import Command, Running
from .scope import Scope, scope

_USAGE = "[BRIDGE] [LS] [MAC]"
_LEARNED = (
    "logical_switch",
    "mac",
    "bridge",
    "port",
    "vlan",
    "age_s",
    "moves",
    "held_for_s",
    "conflict",
)
_PLACED = ("logical_switch", "mac", "remote_vtep", "row", "is_used", "conflict", "problem")


def _show(arguments: Sequence[str], running: Running) -> Answer:
    stations = _Stations(scope(_USAGE, arguments, running), running)
    return Answer(
        {
            "learned": Table(_LEARNED, stations.learned()),
            "placed_by_nvc": Table(_PLACED, stations.placed()),
        }
    )


class _Stations:
    """The stations that are asked about. There may be very many: turns may run between two rows."""

    def __init__(self, asked: Scope, running: Running) -> None:
        self._asked = asked
        self._drivers = running.components.switches.drivers
        self._clock = running.components.timers.clock
        self._macs = running.components.model[LearnedMacs]
        self._placed_macs = running.components.model[PlacedMacs]

    def learned(self) -> Iterator[Row | None]:
        """Yield a row for each station that was learned, by logical switch and MAC address."""
        bridge = self._asked.switches[0].name if self._asked.has_bridge else None
        for row in self._asked.logical_switches:
            for mac in self._in_order(self._macs.stations(row.uuid)):
                place = self._macs.place(row.uuid, mac) if mac else None
                if mac is None or place is None:
                    yield None
                elif bridge in (None, place.switch):
                    yield self._learned(row, mac, place)

    def placed(self) -> Iterator[Row | None]:
        """Yield a row for each row of Ucast_Macs_Remote, likewise."""
        for row in self._asked.logical_switches:
            bound = [each for each in self._asked.switches if row.uuid in each.view[Presence]]
            if not bound and self._asked.has_bridge:
                continue
            stations = self._placed_macs.stations(row.uuid)
            for mac in self._in_order(station.mac for station in stations):
                if mac is None:
                    yield None
                else:
                    yield from self._placed(row, Placed(row.uuid, mac), bound)

    def _in_order(self, macs: Iterable[str]) -> Iterator[str | None]:
        """Yield the addresses that are asked about, and None for a pause."""
        if self._asked.mac is not None:
            return iter([self._asked.mac])
        return in_order(list(macs), lambda mac: mac)

    def _learned(self, row: LogicalSwitch, mac: str, place: Place) -> Row:
        stay, now = self._macs.stay(row.uuid, mac), self._clock()
        remote = self._placed_macs.row(Placed(row.uuid, mac))
        conflict = None
        if remote is not None and self._contradict(place, remote):
            conflict = f"frames go to {remote.locator.address}, where the NVC placed it"
        return (
            row.name,
            mac,
            place.switch,
            place.port,
            place.vlan,
            None if stay.since is None else int(now - stay.since),
            stay.moves,
            None if stay.held_until is None else max(0, math.ceil(stay.held_until - now)),
            conflict,
        )

    def _placed(
        self, row: LogicalSwitch, station: Placed, bound: Sequence[SwitchState]
    ) -> Iterator[Row]:
        """Yield the row of the remote VTEP that is used, and those of the others."""
        remote = self._placed_macs.row(station)
        if remote is None:
            return
        place = self._macs.place(*station)
        conflict = None
        if place is not None and self._contradict(place, remote):
            conflict = f"learned at {place.port} VLAN {place.vlan} of {place.switch}"
        problem = joined(_problems(station, remote, bound))
        yield _row(row, remote, bool(bound), conflict, problem)
        for rival in self._placed_macs.rivals(station):
            yield _row(row, rival, False, conflict, f"row {remote.uuid} is used instead")

    def _contradict(self, place: Place, remote: RemoteMac) -> bool:
        """Whether the NVC places a station elsewhere than it was learned."""
        driver = self._drivers.get(place.switch)
        physical = driver.switch.physical if driver else None
        return physical is None or remote.locator.address not in physical.tunnel_ips


def _row(
    row: LogicalSwitch, remote: RemoteMac, is_used: bool, conflict: str | None, problem: str | None
) -> Row:
    address, uuid = remote.locator.address, str(remote.uuid)
    return row.name, remote.mac, address, uuid, is_used, conflict, problem


def _problems(station: Placed, remote: RemoteMac, bound: Sequence[SwitchState]) -> Iterator[str]:
    """Yield the reasons why frames may not reach a station behind a remote VTEP."""
    if not bound:
        yield "no managed bridge binds its logical switch"
    for switch in bound:
        reasons = [fault.reason for fault in switch.owned.faults(station)]
        known = switch.view[TunnelConditions].of(remote.locator.address)
        if known is not None and known.tunnel.value.condition is not Condition.UP:
            reasons.append(f"tunnel {known.tunnel.value}")
        yield from (f"{switch.name}: {reason}" if len(bound) > 1 else reason for reason in reasons)


COMMANDS = (
    Command(
        "mac/show",
        _USAGE,
        "Print where stations are: at a port and VLAN, or behind a remote VTEP.",
        _show,
    ),
)
