"""Requests for the MAC addresses of next hops, as packet-outs."""

from collections.abc import Iterator

from ...engine.view import View
from ...pipeline import next_hops
from ...values.packets import PacketOut
from ..logical_switches.rows import LogicalSwitches
from ..routers.here import RoutersHere
from ..routers.resolved import UsedInterface
from . import frames
from .answers import NextHop


def asker(key: NextHop, view: View) -> UsedInterface | None:
    """Return the router's interface that asks for a next hop, None without any.

    It is the first one with a subnet that has the address, else with an address of its family.
    """
    interfaces = view[RoutersHere].on(key.logical_switch)
    return min(interfaces, key=lambda each: _distance(each, key.ip), default=None)


def request(key: NextHop, view: View, to: str = "") -> Iterator[PacketOut]:
    """Yield the request for a next hop, to all hosts or to the one with the MAC address ``to``."""
    interface, number = asker(key, view), view[LogicalSwitches].number(key.logical_switch)
    if interface is None or number is None:
        return
    source = interface.source_for(key.ip)
    if not source and ":" in key.ip:
        source = interface.link_local
    yield next_hops.ask(frames.request(interface.mac, source, key.ip, to), number)


def _distance(interface: UsedInterface, ip: str) -> int:
    return 0 if interface.is_near(ip) else 1 if interface.source_for(ip) else 2
