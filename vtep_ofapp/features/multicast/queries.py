"""Queries of our own: from which address, and while no router asks."""

from collections.abc import Iterator
from uuid import UUID

from ...engine.view import View
from ...pipeline import multicast
from ...values.addresses import is_group
from ...values.packets import PacketOut
from ...values.rows import Binding
from ..logical_switches.rows import LogicalSwitches
from .messages import Family, Hello, Query, family_of, querier_address, query
from .snooping import Snooping


def is_own(message: Query | Hello, view: View) -> bool:
    """Whether a query or hello is one of ours that came back."""
    mac = _own_mac(view)
    return mac is not None and message.source == querier_address(mac)


def _own_mac(view: View) -> str | None:
    """Return the MAC address of the bridge's own interface, or one that its datapath id gives."""
    bridge = view.bridge
    if bridge is None:
        return None
    if bridge.interface is not None:
        _, mac = bridge.interface
        if not is_group(mac):
            return mac
    if bridge.datapath_id is None:
        return None
    # Someone may have set any id: the address is made a station's, and locally administered.
    packed = (bridge.datapath_id & 0xFFFF_FFFF_FFFF).to_bytes(6, "big")
    return (bytes([packed[0] & 0xFC | 2]) + packed[1:]).hex(":")


def ask_all(logical_switch: UUID, view: View) -> Iterator[PacketOut]:
    """Yield the queries to all hosts of a logical switch, while no router sends such queries."""
    mac, number = _own_mac(view), view[LogicalSwitches].number(logical_switch)
    if mac is None or number is None:
        return
    for family in Family:
        if _is_querier(logical_switch, family, view):
            yield multicast.to_all(query(family, mac), number)


def ask_back(binding: Binding, view: View) -> Iterator[PacketOut]:
    """Yield the queries to all hosts of a binding that came back, although a router asks.

    Its next query may be far off, and what the hosts reported was forgotten. Ours win no election.
    """
    logical_switch = binding.logical_switch
    mac, number = _own_mac(view), view[LogicalSwitches].number(logical_switch)
    if mac is None or number is None or not view.settings.multicast_querier:
        return
    for family in Family:
        if not _is_querier(logical_switch, family, view):
            yield multicast.to_one(query(family, mac), number, binding.number)


def ask_who_is_left(
    logical_switch: UUID, binding: int, group: str, view: View
) -> Iterator[PacketOut]:
    """Yield the query to the hosts of a binding that one left, while no router sends such ones."""
    mac, number = _own_mac(view), view[LogicalSwitches].number(logical_switch)
    family = family_of(group)
    if mac is not None and number is not None and _is_querier(logical_switch, family, view):
        yield multicast.to_one(query(family, mac, group), number, binding)


def _is_querier(logical_switch: UUID, family: Family, view: View) -> bool:
    routers = view[Snooping].routers
    return view.settings.multicast_querier and not routers.has_querier(
        logical_switch, family, view.clock()
    )
