"""Collects the parts of multipart replies."""

from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any, ClassVar

from os_ken.ofproto import ofproto_v1_3 as ofp

from ..pipeline.layout import DROPPING, cookie_of
from ..values.counters import Counter, PortCounter
from ..values.events import Connection, Counters, Event, FlowCounters, PortCounters, ReadBack
from ..values.flows import Flow, FlowKey, Group
from . import decoding, lazy_messages

MAX_READ = 1 << 21
"""The limit of our flows, or groups, in one reply: a reply may have any number of parts."""


class TooMany(Exception):
    """A reply with more entries than there can be."""


class Collection:
    """The replies to some requests, by the xids of the requests.

    ``is_damaged`` means that a part could not be decoded to its end; the entries before are kept.
    """

    KINDS: ClassVar[tuple[type, ...]] = ()
    """The classes of the replies."""

    def __init__(self, *awaited: int) -> None:
        self.is_damaged = False
        self._awaited = set(awaited)

    @property
    def is_whole(self) -> bool:
        """Whether the last part of each reply has arrived."""
        return not self._awaited

    def awaits(self, message: Any) -> bool:
        """Whether a message is a part of one of the replies."""
        return message.xid in self._awaited and isinstance(message, self.KINDS)

    def take(self, message: Any) -> None:
        """Add a part; raises Unreadable and TooMany."""
        try:
            if self._read(message) > MAX_READ:
                raise TooMany
        except Exception:
            self.is_damaged = True
            raise
        finally:
            if not message.flags & ofp.OFPMPF_REPLY_MORE:
                self._awaited.discard(message.xid)

    def _read(self, message: Any) -> int:
        """Decode a part; return the number of entries so far."""
        raise NotImplementedError


class Answer(Collection):
    """Replies that are an event of their own for the loop."""

    def event(self, connection: Connection) -> Event:
        """Return the event with all that was read."""
        raise NotImplementedError


class Reading(Answer):
    """Our flows and groups."""

    KINDS = (lazy_messages.OFPFlowStatsReply, lazy_messages.OFPGroupDescStatsReply)

    def __init__(self, *awaited: int) -> None:
        super().__init__(*awaited)
        self.flows: dict[FlowKey, Flow] = {}
        self.groups: dict[int, Group] = {}

    def event(self, connection: Connection) -> Event:
        """Return our flows and groups."""
        return ReadBack(connection, self.flows, self.groups)

    def _read(self, message: Any) -> int:
        if isinstance(message, lazy_messages.OFPGroupDescStatsReply):
            for group in decoding.groups(message.buf):
                self.groups[group.id] = group
            return len(self.groups)
        for flow in decoding.flows(message.buf):
            self.flows[flow.key] = flow
        return len(self.flows)


class Counting(Answer):
    """The counters of flows.

    Each address of a router has flows that drop, and hardly any of these has dropped a packet.
    """

    KINDS = (lazy_messages.OFPFlowStatsReply,)
    UNLESS_ZERO: Container[int] = frozenset(map(cookie_of, DROPPING))
    """Cookies of flows that are left out while they have counted nothing."""

    def __init__(self, *awaited: int) -> None:
        super().__init__(*awaited)
        self.flows: dict[FlowKey, Counter] = {}

    def event(self, connection: Connection) -> Event:
        """Return the counters."""
        return Counters(connection, self.flows)

    def _read(self, message: Any) -> int:
        self.flows.update(decoding.counters(message.buf, self.UNLESS_ZERO))
        return len(self.flows)


class CountingFlows(Counting):
    """The counters of all flows with some cookies."""

    UNLESS_ZERO = ()

    def __init__(self, cookies: tuple[int, ...], *awaited: int) -> None:
        super().__init__(*awaited)
        self._cookies = cookies

    def event(self, connection: Connection) -> Event:
        """Return the counters."""
        return FlowCounters(connection, self._cookies, self.flows)


class CountingPorts(Answer):
    """The counters of ports."""

    KINDS = (lazy_messages.OFPPortStatsReply,)

    def __init__(self, *awaited: int) -> None:
        super().__init__(*awaited)
        self.ports: dict[int, PortCounter] = {}

    def event(self, connection: Connection) -> Event:
        """Return the counters."""
        return PortCounters(connection, self.ports)

    def _read(self, message: Any) -> int:
        self.ports.update(decoding.port_counters(message.buf))
        return len(self.ports)


class Comparing(Collection):
    """Our groups as bytes, to find those that changed."""

    KINDS = (lazy_messages.OFPGroupDescStatsReply,)

    def __init__(self, *awaited: int) -> None:
        super().__init__(*awaited)
        self.entries: dict[int, bytes] = {}

    def _read(self, message: Any) -> int:
        self.entries.update(decoding.group_entries(message.buf))
        return len(self.entries)

    def since(self, former: Mapping[int, bytes]) -> dict[int, Group | None]:
        """Return the groups that differ from the former ones, None for those that are gone."""
        changed: dict[int, Group | None] = dict.fromkeys(former.keys() - self.entries.keys())
        for id, entry in self.entries.items():
            if former.get(id) != entry:
                changed[id] = decoding.group(entry)
        return changed


class Awaited:
    """The collections whose replies are not whole, by what made them: one of each at a time."""

    def __init__(self) -> None:
        self._collections: dict[Callable[..., Collection], Collection] = {}

    def __contains__(self, make: Callable[..., Collection]) -> bool:
        return make in self._collections

    def begin(self, make: Callable[..., Collection], awaited: Iterable[int]) -> None:
        """Await the replies to requests, by their xids."""
        self._collections[make] = make(*awaited)

    def take(self, message: Any, whole: Callable[[Collection], None]) -> None:
        """Add a part to its collection, and call ``whole`` if it was the last one.

        Raises Unreadable and TooMany.
        """
        for make, collection in self._collections.items():
            if collection.awaits(message):
                try:
                    collection.take(message)
                finally:
                    if collection.is_whole:
                        del self._collections[make]
                        whole(collection)
                return
