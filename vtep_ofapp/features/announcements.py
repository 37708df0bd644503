"""Announcements of routers: hosts are told of a new address of a router, or of its new MAC.

They are sent once the switch answers requests for the address, which is when its flow was added.
So a restart that changes no flow announces nothing.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple
from uuid import UUID

from ..engine.feature import Feature, FlowWatcher, Timer
from ..engine.view import View
from ..pipeline import multicast, resolution
from ..values.flows import Flow, FlowKey
from ..values.packets import PacketOut
from .bindings.ports import Ports
from .logical_switches.rows import LogicalSwitches
from .next_hops.frames import announcement
from .next_hops.state import NextHops

MOST_AT_ONCE = 100
"""Addresses that are announced together; each goes to all bindings of its logical switch."""
PAUSE = 0.1
"""Seconds until the next ones are."""


class Address(NamedTuple):
    """An address of a router in a logical switch."""

    logical_switch: UUID
    ip: str


class Announcements(FlowWatcher):
    """The addresses of one switch's routers that hosts were told of, and those that are due.

    Only bindings are told: other VTEPs have the same routers.
    """

    def __init__(self, view: View) -> None:
        self._view = view
        self._flows: Mapping[FlowKey, Flow] = {}
        self._told: dict[Address, str] = {}
        self._due: dict[Address, None] = {}
        self._next = 0.0

    def begin(self, flows: Mapping[FlowKey, Flow]) -> None:
        """Begin a read-back; an earlier process has told of the addresses in these flows."""
        self._flows = flows

    def found(self, key: FlowKey) -> None:
        """Note an address that hosts were told of."""
        address = self._address(key)
        if address is not None:
            self._told.setdefault(address, resolution.own_mac(self._flows[key]))

    def put(self, key: FlowKey) -> None:
        """Announce the address of a flow that was added, unless hosts know it with its MAC."""
        address = self._address(key)
        if address is None:
            return
        mac = self._mac(address)
        if mac is None:
            self._told.pop(address, None)
            self._due.pop(address, None)
        elif self._told.get(address) != mac:
            self._told[address] = mac
            self._due[address] = None

    def next_end(self) -> float | None:
        """Return when the next announcements are due, by the clock, None for never."""
        return self._next if self._due else None

    def due(self) -> Iterator[PacketOut]:
        """Yield the announcements that are due."""
        now = self._view.clock()
        if not self._due or now < self._next:
            return
        self._next = now + PAUSE
        for address in list(self._due)[:MOST_AT_ONCE]:
            del self._due[address]
            yield from self._announce(address)

    def _announce(self, address: Address) -> Iterator[PacketOut]:
        mac, view = self._mac(address), self._view
        number = view[LogicalSwitches].number(address.logical_switch)
        if mac and number is not None and view[Ports].bindings_of(address.logical_switch):
            yield multicast.to_all(announcement(mac, address.ip), number)

    def _address(self, key: FlowKey) -> Address | None:
        found = resolution.own_ip(key)
        if found is None:
            return None
        logical_switch = self._view[LogicalSwitches].ids.key(found[0])
        return Address(logical_switch, found[1]) if logical_switch else None

    def _mac(self, address: Address) -> str | None:
        return self._view[NextHops].addresses.get(address.logical_switch, {}).get(address.ip)


FEATURE = Feature(
    states=(Announcements,),
    timers=(
        Timer(lambda view: view[Announcements].next_end(), lambda view: view[Announcements].due()),
    ),
)
