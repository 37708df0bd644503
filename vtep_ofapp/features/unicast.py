"""Stations that the NVC places behind remote VTEPs: Ucast_Macs_Remote to flows."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple
from uuid import UUID

from ..engine.cause import Cause, RowOf
from ..engine.desired import NOTHING, Desired
from ..engine.dirty import Pace
from ..engine.feature import Feature, Index, TunnelUser
from ..engine.needs import NO_TUNNELS, Choice
from ..engine.operator_view import Figure
from ..engine.topics import Topic
from ..engine.view import View
from ..pipeline import unicast
from ..values.addresses import only
from ..values.faults import Fault
from ..values.rows import RemoteMac
from .bindings.switches import BoundElsewhere, PhysicalSwitches
from .logical_switches.rows import LogicalSwitches, WholeLogicalSwitch
from .peers import Peers
from .presence import Presence


class Placed(NamedTuple):
    """The owner of the flow to a station of Ucast_Macs_Remote.

    A tuple takes the least memory; there may be very many.
    """

    logical_switch: UUID
    mac: str


class PlacedMacs(Index):
    """The rows of Ucast_Macs_Remote by station; of several rows the least UUID is used.

    Rows with different IP addresses and one VTEP are one station with several addresses.
    """

    ROWS = (RemoteMac,)

    def __init__(self) -> None:
        self._in: defaultdict[UUID, dict[Placed, RemoteMac]] = defaultdict(dict)
        self._rivals: defaultdict[Placed, dict[UUID, RemoteMac]] = defaultdict(dict)

    def row(self, station: Placed) -> RemoteMac | None:
        """Return the row that places a station, None if there is none."""
        rows = self._in.get(station.logical_switch)
        return rows.get(station) if rows else None

    def address(self, station: Placed) -> str | None:
        """Return the remote VTEP of a station by its row, None if it has no row."""
        row = self.row(station)
        return row.locator.address if row else None

    def stations(self, logical_switch: UUID) -> Mapping[Placed, RemoteMac]:
        """Return the stations of a logical switch with the rows that are used."""
        return self._in.get(logical_switch, {})

    def rows(self, station: Placed) -> list[RemoteMac]:
        """Return the rows of a station that are used: one for each of its IP addresses."""
        return self._rows(station)[0]

    def rivals(self, station: Placed) -> list[RemoteMac]:
        """Return the other rows of the same station, which are not used."""
        return self._rows(station)[1] if self._rivals else []

    def _rows(self, station: Placed) -> tuple[list[RemoteMac], list[RemoteMac]]:
        """Return the rows of a station that are used, and those that are not."""
        row = self.row(station)
        if row is None or station not in self._rivals:  # the normal case
            return ([] if row is None else [row]), []
        used, unused = [row], list[RemoteMac]()
        for other in sorted(self._rivals[station].values(), key=lambda each: each.uuid):
            is_there = other.locator.address == row.locator.address
            is_further = is_there and other.ip not in [each.ip for each in used]
            (used if is_further else unused).append(other)
        return used, unused

    def row_changed(self, former: RemoteMac | None, new: RemoteMac | None) -> list[Topic]:
        """Handle a changed row; return the topics that it invalidates."""
        topics: list[Topic] = []
        if former is not None:
            topics.append(self._remove(former))
        if new is not None:
            topics.append(self._add(new))
        return topics

    def _add(self, row: RemoteMac) -> Placed:
        station = Placed(row.logical_switch, row.mac)
        rows = self._in[row.logical_switch]
        winner = rows.setdefault(station, row)
        if winner is not row:
            first, second = sorted((winner, row), key=lambda each: each.uuid)
            self._rivals[station][second.uuid] = second
            rows[station] = first
        return station

    def _remove(self, row: RemoteMac) -> Placed:
        station = Placed(row.logical_switch, row.mac)
        rivals = self._rivals.get(station) if self._rivals else None
        if rivals is None:
            rows = self._in[row.logical_switch]
            del rows[station]
            if not rows:
                del self._in[row.logical_switch]
            return station
        if rivals.pop(row.uuid, None) is None:
            self._in[row.logical_switch][station] = rivals.pop(min(rivals))
        if not rivals:
            del self._rivals[station]
        return station


def _placed(key: Placed, view: View, choose: Choice) -> Desired:
    logical_switch, mac = key
    address = view[PlacedMacs].address(key)
    number = view[LogicalSwitches].number(logical_switch)
    if address is None or number is None or logical_switch not in view[Presence]:
        return NOTHING
    targets = NO_TUNNELS if view.tunnels.is_own(address) else choose(only(address))
    flows = tuple([unicast.remote(number, mac, target) for target in targets])
    return Desired(flows, faults=_faults(key, address, view), uses=targets)


def _because(key: Placed, view: View) -> Iterator[Cause]:
    row, where = view[PlacedMacs].row(key), view[LogicalSwitches].name(key.logical_switch)
    if row is None:
        return
    what = f"the NVC places {key.mac} behind {row.locator.address} in {where}"
    yield Cause(what, (RowOf("Ucast_Macs_Remote", row.uuid),))
    if key.logical_switch not in view[Presence]:
        yield Cause(f"{where} has no binding here", (RowOf("Logical_Switch", key.logical_switch),))
    for rival in view[PlacedMacs].rivals(key):
        what = f"a row that is not used places it behind {rival.locator.address}"
        yield Cause(what, (RowOf("Ucast_Macs_Remote", rival.uuid),))


def _faults(key: Placed, address: str, view: View) -> tuple[Fault, ...]:
    rivals = view[PlacedMacs].rivals(key)
    is_own = view.tunnels.is_own(address)
    if not rivals and not is_own:
        return ()
    subject = f"Ucast_Macs_Remote {key.mac} in {view[LogicalSwitches].name(key.logical_switch)}"
    faults = []
    if rivals:
        rows = ", ".join(str(row.uuid) for row in rivals)
        reason = f"it is placed more than once; {address} is used and not row {rows}"
        is_contradicted = any(row.locator.address != address for row in rivals)
        faults.append(
            view.switch_fault(reason, subject) if is_contradicted else Fault(subject, reason)
        )
    if is_own and not view[PhysicalSwitches].is_bound_elsewhere(key.logical_switch, view):
        faults.append(
            view.switch_fault(f"its locator {address} is an address of this switch", subject)
        )
    return tuple(faults)


def _whole(topic: WholeLogicalSwitch, view: View) -> Iterable[Topic]:
    return view[PlacedMacs].stations(topic.logical_switch)


def _bound_elsewhere(topic: BoundElsewhere, view: View) -> Iterator[Topic]:
    """Invalidate stations behind this switch's own tunnel IP.

    They are a fault unless another switch has their logical switch.
    """
    addresses = view[PhysicalSwitches].tunnel_ips()
    if addresses.isdisjoint(view[Peers].addresses(topic.logical_switch)):
        return
    for station, row in view[PlacedMacs].stations(topic.logical_switch).items():
        if row.locator.address in addresses:
            yield station


def _count(view: View) -> int:
    return sum(len(view[PlacedMacs].stations(row)) for row in view[Presence].all())


FEATURE = Feature(
    indices=(PlacedMacs,),
    owners=(TunnelUser(Placed, _placed, _because, Pace.IN_PARTS),),
    invalidated_by={WholeLogicalSwitch: _whole, BoundElsewhere: _bound_elsewhere},
    figures=(
        Figure(
            "placed_macs",
            "MAC addresses that rows place behind remote VTEPs.",
            _count,
        ),
    ),
)
