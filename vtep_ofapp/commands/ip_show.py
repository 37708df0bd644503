"""``ip/show``: which station or router has an IP address, and what is answered here."""

from collections.abc import Iterator, Sequence

from ..engine.switch_state import SwitchState
from ..features.learning.stations import LearnedMacs
from ..features.neighbours.limits import StatementLimits
from ..features.neighbours.pairs import Pair, Pairs
from ..features.neighbours.responders import AddressedRows, InvalidIp, Responder, withheld
from ..features.presence import Presence
from ..features.routers.here import RoutersHere
from ..values.addresses import ip_order
from ..values.rows import LogicalSwitch, RemoteMac
from .answer import Answer, Row, Table, in_order, joined
from .command import Command, Running
from .scope import IP_ADDRESS, Scope, scope

_USAGE = "[BRIDGE] [LS] [IP]"
_LOCAL = ("logical_switch", "ip", "mac", "bridge", "port", "vlan", "problem")
_OWN = ("bridge", "logical_switch", "ip", "mac", "router")
_REMOTE = ("bridge", "logical_switch", "ip", "mac", "remote_vtep", "row", "is_answered", "problem")


def _show(arguments: Sequence[str], running: Running) -> Answer:
    asked = scope(_USAGE, arguments, running, {"[IP]": IP_ADDRESS})
    return Answer(
        {
            "stated_here": Table(_LOCAL, _local(asked, running)),
            "placed_by_nvc": Table(_REMOTE, _remote(asked)),
            "of_routers": Table(_OWN, _of_routers(asked)),
        }
    )


def _local(asked: Scope, running: Running) -> Iterator[Row | None]:
    """Yield a row for each address that a local station stated; None for a pause."""
    pairs, macs = running.components.model[Pairs], running.components.model[LearnedMacs]
    names = {row.uuid: row.name for row in asked.logical_switches}
    switches = {switch.name: switch for switch in asked.switches}
    ip = asked.more.get("[IP]")

    def is_asked(pair: Pair) -> bool:
        return pair.logical_switch in names and ip in (None, pair.ip)

    for pair in in_order(
        list(pairs.all()), lambda pair: (names[pair.logical_switch], ip_order(pair.ip)), is_asked
    ):
        mac = pairs.mac(pair) if pair else None
        place = macs.place(pair.logical_switch, mac) if pair and mac else None
        switch = switches.get(place.switch) if place else None
        if pair is None or mac is None or place is None or switch is None:
            yield None
            continue
        where = (names[pair.logical_switch], pair.ip, mac, switch.name, place.port, place.vlan)
        yield (*where, joined(_conflicts(pair, mac, switch)))


def _conflicts(pair: Pair, mac: str, switch: SwitchState) -> Iterator[str]:
    view = switch.view
    if view[StatementLimits].is_held(pair):
        yield "several MACs state it, and it stays where it is for a while"
    for row in view[AddressedRows].of(Responder(*pair)):
        if row.mac != mac:
            yield f"the NVC says that {row.mac} has it (row {row.uuid})"


def _remote(asked: Scope) -> Iterator[Row | None]:
    """Yield a row for each row of Ucast_Macs_Remote with an ipaddr; None for a pause."""
    for switch in asked.switches:
        for row in asked.logical_switches:
            if row.uuid in switch.view[Presence]:
                yield from _in(row, switch, asked.more.get("[IP]"))


def _in(row: LogicalSwitch, switch: SwitchState, ip: str | None) -> Iterator[Row | None]:
    rows = switch.view[AddressedRows]
    keys = list(rows.addresses(row.uuid))
    for key in in_order(keys, lambda key: ip_order(key.ip), lambda key: ip in (None, key.ip)):
        if key is None:
            yield None
            continue
        having = rows.of(key)
        reason = withheld(key, having, switch.view) if having else ""
        for remote in having:
            yield _of(remote, remote.ip, reason, row, switch)
    for uuid in () if ip else list(rows.invalid_in(row.uuid)):
        invalid = rows.invalid(uuid)
        if invalid is not None:
            reasons = joined(fault.reason for fault in switch.owned.faults(InvalidIp(uuid)))
            yield _of(invalid, invalid.invalid_ip, reasons or "it is not valid", row, switch)


def _of(remote: RemoteMac, ip: str, reason: str, row: LogicalSwitch, switch: SwitchState) -> Row:
    address = remote.locator.address
    where = (switch.name, row.name, ip, remote.mac, address, str(remote.uuid))
    return (*where, not reason, reason or None)


def _of_routers(asked: Scope) -> Iterator[Row | None]:
    """Yield a row for each address that a router has, also a link-local one; None for a pause."""
    wanted = asked.more.get("[IP]")
    for switch in asked.switches:
        for row in asked.logical_switches:
            yield None
            for interface in switch.view[RoutersHere].on(row.uuid):
                ips = {each.ip for each in interface.addresses if each.ip} | {interface.link_local}
                for ip in sorted(ips, key=ip_order):
                    if wanted in (None, ip):
                        yield switch.name, row.name, ip, interface.mac, interface.name


COMMANDS = (
    Command(
        "ip/show",
        _USAGE,
        "Print which stations and routers have IP addresses, and which requests are answered here.",
        _show,
    ),
)
