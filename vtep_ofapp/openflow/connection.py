"""One datapath's connection: bundles, read-back, and what the switch tells by itself."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, ClassVar

from os_ken.lib import hub
from os_ken.ofproto import ofproto_v1_3 as ofp
from os_ken.ofproto import ofproto_v1_3_parser as parser

from ..pipeline.layout import PRODUCER_MASK, READ, SHOWN, cookie_of, producer_of
from ..values.addresses import is_station
from ..values.counters import Counter, Traffic
from ..values.events import (
    Alive,
    Applied,
    Counters,
    Event,
    FlowRemoved,
    FlowsChanged,
    GroupsChanged,
    PacketIn,
    ReadBack,
    RoleIs,
)
from ..values.flow_changes import Change, FlowChange
from ..values.flows import COOKIE_BASE, COOKIE_MASK, Flow, FlowKey, Group
from . import decoding, lazy_messages, monitor
from .bundle import Bundle
from .oxm import Unreadable
from .role import Role

LOG = logging.getLogger("vtep_ofapp.switch")

MAX_READ = 1 << 21
"""Flows, or groups, of ours that one switch may tell of: a reply may have any number of parts."""
_WRITE_SIZE = 1 << 16
"""Bytes of messages handed to the socket at a time, so that a large bundle lets others run."""


@dataclass(slots=True)
class _Reading:
    flows: dict[FlowKey, Flow] = field(default_factory=dict)
    groups: dict[int, Group] = field(default_factory=dict)
    awaited: set[int] = field(default_factory=set)


@dataclass(slots=True)
class _Counting:
    flows: dict[FlowKey, Counter] = field(default_factory=dict)
    awaited: set[int] = field(default_factory=set)


@dataclass(slots=True)
class _Comparing:
    xid: int
    entries: dict[int, bytes] = field(default_factory=dict)


class SwitchConnection:
    """Speaks OpenFlow with one switch; ``post`` takes the events that come of it.

    Messages are queued and sent by a thread of their own: a switch that does not read delays
    nobody but itself.
    """

    def __init__(self, datapath: Any, post: Callable[[Event], None]) -> None:
        self.peer = str(datapath.address[0])
        self.traffic = Traffic()
        self._datapath = datapath
        self._post = post
        self._outbox: Any = hub.Queue()
        self._bundle_ids = count(1)
        self.tells_of_changes = True
        self._monitor: int | None = None
        self._comparing: _Comparing | None = None
        self._group_entries: dict[int, bytes] = {}
        self._question: int | None = None
        self._bundle: Bundle | None = None
        self._reading: _Reading | None = None
        self._counting: _Counting | None = None
        self._role = Role(datapath, self._put)
        self._sender = hub.spawn(self._send_loop)

    def end(self) -> None:
        """End the sending thread, after the datapath was closed."""
        hub.kill(self._sender)

    def disconnect(self) -> None:
        """Close the connection; a Disconnected follows."""
        self._datapath.close()

    # Asked by the loop

    def ask(self) -> None:
        """Ask whether the switch is still there; an Alive follows."""
        request = parser.OFPEchoRequest(self._datapath)
        self._question = self._number(request)
        self._put(request)

    def lead(self, generation: int | None) -> None:
        """Become the switch's master; a RoleIs follows."""
        self._role.lead(generation)

    def stand_by(self) -> None:
        """Become a slave of the switch."""
        if self._monitor is not None:
            self._monitor = None
            self._outbox.put([monitor.cancel(self._next_xid())])
        self._role.stand_by()

    def read_back(self) -> None:
        """Ask for all our flows and groups; a ReadBack follows."""
        flows = self._ask_for_flows(ofp.OFPTT_ALL, COOKIE_BASE, COOKIE_MASK)
        groups = parser.OFPGroupDescStatsRequest(self._datapath, 0)
        self._reading = _Reading(awaited={self._number(flows), self._number(groups)})
        if self._monitor is None:
            self._monitor = self._next_xid()
            self._outbox.put([monitor.request(self._monitor)])
        self._put(flows, groups)

    def compare_groups(self, known: Iterable[int] | None = None) -> None:
        """Ask for all groups; a GroupsChanged follows if they are other than at the last time.

        With the ids of all that are ``known`` it tells every group, and which of these are gone.
        """
        if known is not None:
            self._group_entries = dict.fromkeys(known, b"")
        if self._comparing is None:
            request = parser.OFPGroupDescStatsRequest(self._datapath, 0)
            self._comparing = _Comparing(self._number(request))
            self._put(request)

    def read_counters(self) -> None:
        """Ask for the counters of bindings and of dropped frames; a Counters follows."""
        requests = [
            self._ask_for_flows(table.value, cookie_of(producer), PRODUCER_MASK)
            for table, producer in READ
        ]
        self._counting = _Counting(awaited=set(map(self._number, requests)))
        self._put(*requests)

    def apply(self, changes: Sequence[Change]) -> None:
        """Make the changes in one atomic bundle, in their order; an Applied follows."""
        self._bundle = Bundle(self._datapath, next(self._bundle_ids), changes)
        flow_mods = sum(isinstance(change, FlowChange) for change in changes)
        self.traffic.flow_mods += flow_mods
        self.traffic.group_mods += len(changes) - flow_mods
        self.traffic.bundles_opened += 1
        self._outbox.put(self._bundle.messages())

    def _ask_for_flows(self, table: int, cookie: int, mask: int) -> Any:
        self.traffic.flow_stats_requests += 1
        anywhere = ofp.OFPP_ANY, ofp.OFPG_ANY
        return parser.OFPFlowStatsRequest(self._datapath, 0, table, *anywhere, cookie, mask)

    def _next_xid(self) -> int:
        self._datapath.xid = (self._datapath.xid + 1) % (1 << 32)
        return int(self._datapath.xid)

    def _number(self, message: Any) -> int:
        return int(self._datapath.set_xid(message))

    def _put(self, *messages: Any) -> None:
        for message in messages:
            message.serialize()
        self._outbox.put([bytes(message.buf) for message in messages])

    def _send_loop(self) -> None:
        try:
            while True:
                self._send(self._outbox.get())
        finally:
            self._datapath.close()

    def _send(self, messages: Iterable[bytes]) -> None:
        buffer = bytearray()
        for message in messages:
            buffer += message
            if len(buffer) >= _WRITE_SIZE:
                self._datapath.send(bytes(buffer))
                buffer.clear()
                hub.sleep(0)
        self._datapath.send(bytes(buffer))

    # Told by the switch

    def received(self, message: Any) -> None:
        """Take one message of the kinds that VtepApp subscribes to."""
        handler = self._HANDLERS[type(message)]
        try:
            handler(self, message)
        except Unreadable as error:
            LOG.error("%s: a message is not read to its end: %s", self.peer, error)

    def _packet_in(self, message: Any) -> None:
        """Report a frame of a station that a flow of ours sent, if its producer reads frames."""
        self.traffic.packet_ins += 1
        shown = decoding.packet_in(message.buf)
        producer = producer_of(shown.cookie)
        if producer in SHOWN and is_station(shown.source):
            header = shown.frame[SHOWN[producer]]
            self._post(PacketIn(self, producer, shown.table, shown.fields, header))
        else:
            self.traffic.packet_ins_dropped += 1

    def _flow_removed(self, message: Any) -> None:
        cookie, key, idle = decoding.flow_removed(message.buf)
        if cookie & COOKIE_MASK == COOKIE_BASE:
            self._post(FlowRemoved(self, key, idle))

    def _flow_stats(self, message: Any) -> None:
        """Take a part of the flows; others have their turn before the next one."""
        if self._counting is not None and message.xid in self._counting.awaited:
            self._count(self._counting, message)
        elif self._reading is not None and message.xid in self._reading.awaited:
            self._read(self._reading, message)
        hub.sleep(0)

    def _read(self, reading: _Reading, message: Any) -> None:
        try:
            for flow in decoding.flows(message.buf):
                reading.flows[flow.key] = flow
            self._bound(len(reading.flows))
        finally:
            self._end_of_part(message)

    def _bound(self, entries: int) -> None:
        """Part with a switch that has told of more than there can be."""
        if entries > MAX_READ:
            LOG.error("%s is closed: it tells of more than %d flows", self.peer, MAX_READ)
            self.disconnect()

    def _count(self, counting: _Counting, message: Any) -> None:
        try:
            counting.flows.update(decoding.counters(message.buf))
            self._bound(len(counting.flows))
        finally:
            self._end_of_count(counting, message)

    def _end_of_count(self, counting: _Counting, message: Any) -> None:
        if message.flags & ofp.OFPMPF_REPLY_MORE:
            return
        counting.awaited.discard(message.xid)
        if not counting.awaited:
            self._counting = None
            self._post(Counters(self, counting.flows))

    def _group_stats(self, message: Any) -> None:
        if self._comparing is not None and message.xid == self._comparing.xid:
            self._compare(self._comparing, message)
            return
        if self._reading is None or message.xid not in self._reading.awaited:
            return
        try:
            for group in decoding.groups(message.buf):
                self._reading.groups[group.id] = group
            self._bound(len(self._reading.groups))
        finally:
            self._end_of_part(message)

    def _compare(self, comparing: _Comparing, message: Any) -> None:
        try:
            comparing.entries.update(decoding.group_entries(message.buf))
            self._bound(len(comparing.entries))
        finally:
            if not message.flags & ofp.OFPMPF_REPLY_MORE:
                self._comparing = None
        if self._comparing is None:
            former, self._group_entries = self._group_entries, comparing.entries
            if former != comparing.entries:
                self._post(GroupsChanged(self, _changed_groups(former, comparing.entries)))

    def _flow_updates(self, message: Any) -> None:
        """Take what others did to flows."""
        changed = list(monitor.changes(message.buf))
        if changed:
            are_ours = any(each.cookie & COOKIE_MASK == COOKIE_BASE for each in changed)
            keys = () if are_ours else tuple(each.key for each in changed)
            self._post(FlowsChanged(self, keys, are_ours))

    def _experimenter(self, message: Any) -> None:
        """Take that the switch leaves out, or has left out, what was changed: it is too much."""
        self._post(FlowsChanged(self, (), are_ours=True))

    def _end_of_part(self, message: Any) -> None:
        reading = self._reading
        if reading is None or message.flags & ofp.OFPMPF_REPLY_MORE:
            return
        reading.awaited.discard(message.xid)
        if not reading.awaited:
            self._reading = None
            self._post(ReadBack(self, reading.flows, reading.groups))

    def _bundle_control(self, message: Any) -> None:
        if self._bundle is not None and self._bundle.is_last(message):
            is_committed = message.type == ofp.ONF_BCT_COMMIT_REPLY
            self._end_bundle(made=is_committed and not self._bundle.is_broken)

    def _echo_reply(self, message: Any) -> None:
        if message.xid == self._question:
            self._question = None
            self._post(Alive(self))

    def _role_reply(self, message: Any) -> None:
        generation = self._role.reply(message)
        if generation is not None:
            self._post(RoleIs(self, generation))

    def _error(self, message: Any) -> None:
        """Say which of our messages the switch did not take, and why."""
        if message.xid == self._monitor:
            self.tells_of_changes = False
            return
        if self._role.is_refused(message):
            self._bundle = None
            self._post(RoleIs(self, None))
            return
        if self._role.is_overtaken(message):
            self._role.stand_by()
            return
        bundle = self._bundle
        why = _reason(message)
        if bundle is not None and bundle.is_last(message):
            if not bundle.rejected:
                LOG.error("the switch did not commit %d changes: %s", len(bundle.changes), why)
            self._end_bundle(made=False)
            return
        if bundle is not None and bundle.is_first(message):
            # It was too slow in coming. What comes now is a bundle of its own to the switch.
            bundle.is_broken = True
        cause = bundle.change_of(message) if bundle is not None else None
        LOG.error("the switch refused %s: %s", cause or f"message {message.xid:#x}", why)
        if bundle is not None and cause is not None:
            bundle.reject(cause)
            bundle.is_full = (message.type, message.code) in _FULL

    def _end_bundle(self, made: bool) -> None:
        bundle, self._bundle = self._bundle, None
        self.traffic.bundles_committed += made
        if bundle is not None:
            self._post(Applied(self, bundle.changes, made, tuple(bundle.rejected), bundle.is_full))

    _HANDLERS: ClassVar[dict[type, Callable[["SwitchConnection", Any], None]]] = {
        lazy_messages.OFPPacketIn: _packet_in,
        lazy_messages.OFPFlowRemoved: _flow_removed,
        lazy_messages.OFPFlowStatsReply: _flow_stats,
        lazy_messages.OFPGroupDescStatsReply: _group_stats,
        lazy_messages.OFPExperimenterStatsReply: _flow_updates,
        parser.OFPExperimenter: _experimenter,
        parser.ONFBundleCtrlMsg: _bundle_control,
        parser.OFPRoleReply: _role_reply,
        parser.OFPEchoReply: _echo_reply,
        parser.OFPErrorMsg: _error,
    }


_FULL = {
    (ofp.OFPET_FLOW_MOD_FAILED, ofp.OFPFMFC_TABLE_FULL),
    (ofp.OFPET_GROUP_MOD_FAILED, ofp.OFPGMFC_OUT_OF_GROUPS),
}
"""Errors that say that there is no room for more."""


def _changed_groups(
    former: Mapping[int, bytes], entries: Mapping[int, bytes]
) -> dict[int, Group | None]:
    changed: dict[int, Group | None] = dict.fromkeys(former.keys() - entries.keys())
    for id, entry in entries.items():
        if former.get(id) != entry:
            changed[id] = decoding.group(entry)
    return changed


def _reason(message: Any) -> str:
    """Return an error message's type and code in OpenFlow's own words."""
    if message.type == ofp.OFPET_EXPERIMENTER:
        return f"experimenter {message.experimenter:#x} error {message.exp_type}"
    kind = ofp.ofp_error_type_to_str(message.type)
    return f"{kind} {ofp.ofp_error_code_to_str(message.type, message.code)}"
