"""Sends ICMP errors from the addresses of logical routers, within the limits."""

from collections.abc import Iterator
from uuid import UUID

from ...engine.view import View
from ...pipeline import routing
from ...values.packets import PacketOut
from ..logical_switches.rows import LogicalSwitches
from ..routers.here import Interface, RoutersHere
from ..routers.resolved import UsedInterface
from .limits import ErrorRate, Place, Shares
from .messages import Kind, error
from .packets import source_of, target_of


class IcmpErrors:
    """The limits of one switch, and how many errors were sent and suppressed."""

    def __init__(self, view: View) -> None:
        most = view.settings.icmp_errors_per_second
        self.rate = ErrorRate(most, view.clock)
        self.shares = Shares(most, view.clock)
        self.sent = 0
        self.suppressed = 0


def send(
    kind: Kind,
    router: UUID,
    arrived_in: UUID,
    frame: bytes,
    view: View,
    place: Place | None = None,
) -> Iterator[PacketOut]:
    """Yield the error that a router sends about a packet, nothing if there must be none.

    The packet came to the router from the logical switch ``arrived_in``, in ``frame``, as error()
    takes it. The error comes from the address there whose subnet has the packet's source, else from
    the least one of its family. It takes the routes of the router, as any packet does.
    ``place`` is where it came in to the switch, if that is known.
    """
    interface = view[RoutersHere].interface(Interface(router, arrived_in))
    number, source = view[LogicalSwitches].number(arrived_in), source_of(frame)
    address = interface.source_for(source) if interface and source else ""
    message = error(frame, kind, address) if address else None
    if interface is None or number is None or message is None:
        return
    if kind is Kind.EXPIRED and _is_broadcast(router, target_of(frame), view):
        return
    errors = view[IcmpErrors]
    if not errors.rate.may_send((router, source), place or arrived_in):
        errors.suppressed += 1
    elif _has_way(interface, source, view):
        errors.sent += 1
        yield routing.send(message, interface.number, number)


def _is_broadcast(router: UUID, ip: str, view: View) -> bool:
    """Whether an address is that of all hosts of a subnet of the router (RFC 2644).

    Packets to it are dropped in the table of routes, which those with TTL 1 do not reach.
    """
    route = view[RoutersHere].lookup(router, ip) if ":" not in ip else None
    return route is not None and not route.next_hop and ip in route.prefix.ends()


def _has_way(interface: UsedInterface, ip: str, view: View) -> bool:
    """Whether a router has a route to an address, which is mostly that of a host next to it."""
    return interface.is_near(ip) or view[RoutersHere].lookup(interface.router, ip) is not None
