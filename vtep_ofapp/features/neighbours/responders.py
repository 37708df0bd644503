"""Responders: the addresses of Ucast_Macs_Remote.ipaddr, for which requests are answered here."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from ...engine.cause import Cause, RowOf
from ...engine.desired import NOTHING, Desired
from ...engine.feature import Index
from ...engine.topics import Topic
from ...engine.view import View
from ...pipeline import resolution
from ...values.addresses import Invalid, is_link_local, parse_ip
from ...values.faults import Fault
from ...values.rows import RemoteMac
from ..learning.stations import LearnedMacs
from ..logical_switches.rows import LogicalSwitches
from ..presence import Presence
from .pairs import Pair, Pairs

_TABLE = "Ucast_Macs_Remote"


class Responder(NamedTuple):
    """The owner of the flow that answers requests for an IP address of Ucast_Macs_Remote.

    A tuple takes the least memory; there may be very many.
    """

    logical_switch: UUID
    ip: str


@dataclass(frozen=True, slots=True)
class InvalidIp:
    """The owner of the fault of a row whose ipaddr cannot be used."""

    row: UUID


@dataclass(frozen=True, slots=True)
class NeighbourFlows:
    """The owner of the flows that every bridge has which learns or answers addresses."""


class AddressedRows(Index):
    """The rows of Ucast_Macs_Remote with an ipaddr, by that address."""

    ROWS = (RemoteMac,)

    def __init__(self) -> None:
        self._in: defaultdict[UUID, dict[Responder, RemoteMac]] = defaultdict(dict)
        self._further: defaultdict[Responder, dict[UUID, RemoteMac]] = defaultdict(dict)
        self._invalid: dict[UUID, RemoteMac] = {}

    def __bool__(self) -> bool:
        """Whether any row has an address that can be used."""
        return bool(self._in)

    def of(self, key: Responder) -> list[RemoteMac]:
        """Return the rows with an IP address, in the order of their UUIDs."""
        row = self._in[key.logical_switch].get(key) if key.logical_switch in self._in else None
        if row is None:
            return []
        if not self._further or key not in self._further:
            return [row]
        return sorted([row, *self._further[key].values()], key=lambda each: each.uuid)

    def addresses(self, logical_switch: UUID) -> Collection[Responder]:
        """Return the addresses in a logical switch."""
        return self._in[logical_switch].keys() if logical_switch in self._in else ()

    def invalid(self, row: UUID) -> RemoteMac | None:
        """Return the row if its ipaddr cannot be used."""
        return self._invalid.get(row)

    def invalid_in(self, logical_switch: UUID) -> Iterator[UUID]:
        """Yield the rows of a logical switch whose ipaddr cannot be used."""
        for row in self._invalid.values():
            if row.logical_switch == logical_switch:
                yield row.uuid

    def row_changed(self, former: RemoteMac | None, new: RemoteMac | None) -> list[Topic]:
        """Handle a changed row; return the topics that it invalidates."""
        had_any = bool(self._in)
        topics: list[Topic] = []
        for row, change in ((former, self._remove), (new, self._add)):
            if row is not None and (row.ip or row.invalid_ip):
                topics.append(change(row))
        if bool(self._in) != had_any:
            topics.append(NeighbourFlows())
        return topics

    def _add(self, row: RemoteMac) -> Topic:
        if row.invalid_ip:
            self._invalid[row.uuid] = row
            return InvalidIp(row.uuid)
        key = Responder(row.logical_switch, row.ip)
        if self._in[row.logical_switch].setdefault(key, row) is not row:
            self._further[key][row.uuid] = row
        return key

    def _remove(self, row: RemoteMac) -> Topic:
        if self._invalid.pop(row.uuid, None) is not None:
            return InvalidIp(row.uuid)
        key = Responder(row.logical_switch, row.ip)
        rows, further = self._in[row.logical_switch], self._further.get(key)
        if further is None:
            del rows[key]
            if not rows:
                del self._in[row.logical_switch]
            return key
        if further.pop(row.uuid, None) is None:
            rows[key] = further.pop(min(further))
        if not further:
            del self._further[key]
        return key


def responder(key: Responder, view: View) -> Desired:
    """Answer requests for an address, unless that is withheld."""
    rows, number = view[AddressedRows].of(key), view[LogicalSwitches].number(key.logical_switch)
    if not rows or number is None or key.logical_switch not in view[Presence]:
        return NOTHING
    if view.settings.suppress_arp and is_ambiguous(rows):
        return Desired(faults=(_ambiguity(key, rows, view),))
    if withheld(key, rows, view):
        return NOTHING
    return Desired((resolution.responder(number, key.ip, rows[0].mac),))


def because(key: Responder, view: View) -> Iterator[Cause]:
    """Yield the rows with an address, and why requests for it are not answered."""
    rows, where = view[AddressedRows].of(key), view[LogicalSwitches].name(key.logical_switch)
    for row in rows:
        what = f"the NVC says that {row.mac} has the address {key.ip} in {where}"
        yield Cause(what, (RowOf(_TABLE, row.uuid),))
    if rows and (reason := withheld(key, rows, view)):
        yield Cause(f"requests for it are flooded: {reason}")


def invalid_ip(key: InvalidIp, view: View) -> Desired:
    """Return the fault of an ipaddr that cannot be used; the row's MAC is used all the same."""
    row = view[AddressedRows].invalid(key.row)
    is_used = view.settings.suppress_arp and row is not None
    if row is None or not is_used or row.logical_switch not in view[Presence]:
        return NOTHING
    subject = f"{_TABLE} {row.mac} (row {row.uuid})"
    reason = f"ipaddr is not used: {_invalid(row)}; to mend it: {_command(row.uuid, _meant(row))}"
    return Desired(faults=(view.switch_fault(reason, subject),))


def why_invalid(key: InvalidIp, view: View) -> Iterator[Cause]:
    """Yield why an ipaddr cannot be used."""
    row = view[AddressedRows].invalid(key.row)
    if row is not None:
        yield Cause(f"its ipaddr is not used: {_invalid(row)}", (RowOf(_TABLE, row.uuid),))


def _invalid(row: RemoteMac) -> str:
    try:
        return parse_ip(row.invalid_ip)
    except Invalid as error:
        return str(error)


def _meant(row: RemoteMac) -> str:
    """Return the address before the length of a prefix; VALUE if there is none."""
    try:
        return parse_ip(row.invalid_ip.partition("/")[0])
    except Invalid:
        return "VALUE"


def _command(row: object, ip: str = "VALUE") -> str:
    """Return what sets an ipaddr; vtep-ctl takes IPv6 addresses in quotes alone."""
    return f"vtep-ctl set {_TABLE} {row} 'ipaddr=\"{ip}\"'"


def is_ambiguous(rows: list[RemoteMac]) -> bool:
    """Whether rows give an IP address to several MAC addresses."""
    return len(rows) > 1 and any(row.mac != rows[0].mac for row in rows)


def _ambiguity(key: Responder, rows: list[RemoteMac], view: View) -> Fault:
    macs = " and ".join(f"{row.mac} (row {row.uuid})" for row in rows)
    repair = f"to mend one of them: {_command('ROW')}"
    reason = f"it is the ipaddr of {macs}; requests for it are flooded; {repair}"
    subject = f"address {key.ip} in {view[LogicalSwitches].name(key.logical_switch)}"
    return view.switch_fault(reason, subject)


def withheld(key: Responder, rows: list[RemoteMac], view: View) -> str:
    """Return why requests for an address, which rows have, are flooded; "" if they are answered."""
    if not view.settings.suppress_arp:
        return "suppress_arp is false"
    if is_ambiguous(rows):
        return "several MACs have it"
    if is_link_local(key.ip):
        return "it is link-local, and a router's answer has another flag"
    if view.tunnels.is_own(rows[0].locator.address):
        return "its locator is this switch"
    if _is_here(key, rows[0].mac, view):
        return f"{rows[0].mac} is learned here"
    claimer = view[Pairs].mac(Pair(*key))
    return f"{claimer} claims it here" if claimer and _is_here(key, claimer, view) else ""


def _is_here(key: Responder, mac: str, view: View) -> bool:
    place = view[LearnedMacs].place(key.logical_switch, mac)
    return place is not None and place.switch == view.name
