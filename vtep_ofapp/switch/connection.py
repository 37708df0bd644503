"""One datapath's connection: bundles, read-back, and what the switch tells by itself."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, ClassVar

from os_ken.lib import hub
from os_ken.lib.packet import ethernet
from os_ken.ofproto import ofproto_v1_3 as ofp
from os_ken.ofproto import ofproto_v1_3_parser as parser

from ..changes import Change
from ..events import Applied, Counters, Event, FlowRemoved, ReadBack, RoleIs, UnknownSource
from ..flows import (
    COOKIE_BASE,
    COOKIE_MASK,
    GROUP_BASE,
    GROUP_MASK,
    Flow,
    FlowKey,
    Group,
)
from ..pipeline.layout import COUNTING, PRODUCER_MASK, cookie_of
from ..statistics import Counter
from ..values import is_station
from .codec import Foreign, decode_flow, decode_group, decode_key, decode_match, encode
from .role import Role

LOG = logging.getLogger("vtep_ofapp.switch")

_ATOMIC_IN_ORDER = ofp.ONF_BF_ATOMIC | ofp.ONF_BF_ORDERED
_WRITE_SIZE = 1 << 16
"""Bytes of messages handed to the socket at a time, so that a large bundle lets others run."""
_ETHERNET_HEADER = 14


@dataclass(slots=True)
class _Bundle:
    changes: Sequence[Change]
    by_xid: dict[int, Change] = field(default_factory=dict)
    commit_xid: int = 0
    rejected: list[Change] = field(default_factory=list)


@dataclass(slots=True)
class _Reading:
    flows: dict[FlowKey, Flow] = field(default_factory=dict)
    groups: dict[int, Group] = field(default_factory=dict)
    awaited: set[int] = field(default_factory=set)


@dataclass(slots=True)
class _Counting:
    flows: dict[FlowKey, Counter] = field(default_factory=dict)
    awaited: set[int] = field(default_factory=set)


class SwitchConnection:
    """Speaks OpenFlow with one switch; ``post`` takes the events that come of it.

    Messages are queued and sent by a thread of their own: a switch that does not read delays
    nobody but itself.
    """

    def __init__(self, datapath: Any, post: Callable[[Event], None]) -> None:
        self.peer = str(datapath.address[0])
        self._datapath = datapath
        self._post = post
        self._outbox: Any = hub.Queue()
        self._bundle_ids = count(1)
        self._bundle: _Bundle | None = None
        self._reading: _Reading | None = None
        self._counting: _Counting | None = None
        self._role = Role(datapath, lambda message: self._outbox.put([message]))
        self._sender = hub.spawn(self._send_loop)

    def end(self) -> None:
        """End the sending thread, after the datapath was closed."""
        hub.kill(self._sender)

    def disconnect(self) -> None:
        """Close the connection; a Disconnected follows."""
        self._datapath.close()

    # Asked by the loop

    def lead(self, generation: int | None) -> None:
        """Become the switch's master; a RoleIs follows."""
        self._role.lead(generation)

    def stand_by(self) -> None:
        """Become a slave of the switch."""
        self._role.stand_by()

    def read_back(self) -> None:
        """Ask for all our flows and groups; a ReadBack follows."""
        flows = parser.OFPFlowStatsRequest(
            self._datapath,
            0,
            ofp.OFPTT_ALL,
            ofp.OFPP_ANY,
            ofp.OFPG_ANY,
            cookie=COOKIE_BASE,
            cookie_mask=COOKIE_MASK,
        )
        groups = parser.OFPGroupDescStatsRequest(self._datapath, 0)
        self._reading = _Reading(awaited={self._number(flows), self._number(groups)})
        self._outbox.put([flows, groups])

    def read_counters(self) -> None:
        """Ask for the counters of bindings; a Counters follows."""
        self._counting = _Counting()
        requests = []
        for table, producer in COUNTING:
            request = parser.OFPFlowStatsRequest(
                self._datapath,
                0,
                table.value,
                ofp.OFPP_ANY,
                ofp.OFPG_ANY,
                cookie=cookie_of(producer),
                cookie_mask=PRODUCER_MASK,
            )
            self._counting.awaited.add(self._number(request))
            requests.append(request)
        self._outbox.put(requests)

    def apply(self, changes: Sequence[Change]) -> None:
        """Make the changes in one atomic bundle, in their order; an Applied follows."""
        bundle_id = next(self._bundle_ids)
        self._bundle = bundle = _Bundle(changes)
        messages = [self._control(bundle_id, ofp.ONF_BCT_OPEN_REQUEST)]
        for change in changes:
            message = parser.ONFBundleAddMsg(
                self._datapath, bundle_id, _ATOMIC_IN_ORDER, encode(self._datapath, change), []
            )
            bundle.by_xid[self._number(message)] = change
            messages.append(message)
        commit = self._control(bundle_id, ofp.ONF_BCT_COMMIT_REQUEST)
        bundle.commit_xid = commit.xid
        self._outbox.put([*messages, commit])

    def _control(self, bundle_id: int, kind: int) -> Any:
        message = parser.ONFBundleCtrlMsg(self._datapath, bundle_id, kind, _ATOMIC_IN_ORDER, [])
        self._number(message)
        return message

    def _number(self, message: Any) -> int:
        return int(self._datapath.set_xid(message))

    def _send_loop(self) -> None:
        try:
            while True:
                self._send(self._outbox.get())
        finally:
            self._datapath.close()

    def _send(self, messages: Sequence[Any]) -> None:
        buffer = bytearray()
        for message in messages:
            message.serialize()
            buffer += message.buf
            if len(buffer) >= _WRITE_SIZE:
                self._datapath.send(bytes(buffer))
                buffer.clear()
                hub.sleep(0)
        self._datapath.send(bytes(buffer))

    # Told by the switch

    def received(self, message: Any) -> None:
        """Take one message of the kinds that VtepApp subscribes to."""
        handler = self._HANDLERS[type(message)]
        handler(self, message)

    def _packet_in(self, message: Any) -> None:
        """Report the source of a frame that one of our flows showed us."""
        if message.cookie & COOKIE_MASK != COOKIE_BASE or len(message.data) < _ETHERNET_HEADER:
            return
        header, _, _ = ethernet.ethernet.parser(bytes(message.data[:_ETHERNET_HEADER]))
        if is_station(header.src):
            self._post(UnknownSource(self, decode_match(message.match), header.src))

    def _flow_removed(self, message: Any) -> None:
        if message.cookie & COOKIE_MASK == COOKIE_BASE:
            idle = message.reason == ofp.OFPRR_IDLE_TIMEOUT
            self._post(FlowRemoved(self, decode_key(message), idle))

    def _flow_stats(self, message: Any) -> None:
        if self._counting is not None and message.xid in self._counting.awaited:
            self._count(self._counting, message)
        if self._reading is None or message.xid not in self._reading.awaited:
            return
        for stats in message.body:
            try:
                flow = decode_flow(stats)
            except Foreign as error:
                LOG.warning("a flow with our cookie is not one of ours: %s", error)
                flow = Flow(decode_key(stats), (), cookie=0)
            self._reading.flows[flow.key] = flow
        self._end_of_part(message)

    def _count(self, counting: _Counting, message: Any) -> None:
        for stats in message.body:
            counting.flows[decode_key(stats)] = Counter(
                stats.cookie, stats.packet_count, stats.byte_count
            )
        if message.flags & ofp.OFPMPF_REPLY_MORE:
            return
        counting.awaited.discard(message.xid)
        if not counting.awaited:
            self._counting = None
            self._post(Counters(self, counting.flows))

    def _group_stats(self, message: Any) -> None:
        if self._reading is None or message.xid not in self._reading.awaited:
            return
        for stats in message.body:
            if stats.group_id & GROUP_MASK != GROUP_BASE:
                continue
            try:
                group = decode_group(stats)
            except Foreign as error:
                LOG.warning("group %#x is not one of ours: %s", stats.group_id, error)
                group = Group(stats.group_id, (), fast_failover=True)
            self._reading.groups[group.id] = group
        self._end_of_part(message)

    def _end_of_part(self, message: Any) -> None:
        reading = self._reading
        if reading is None or message.flags & ofp.OFPMPF_REPLY_MORE:
            return
        reading.awaited.discard(message.xid)
        if not reading.awaited:
            self._reading = None
            self._post(ReadBack(self, reading.flows, reading.groups))

    def _bundle_control(self, message: Any) -> None:
        if self._bundle is not None and message.xid == self._bundle.commit_xid:
            self._end_bundle(made=True)

    def _role_reply(self, message: Any) -> None:
        generation = self._role.reply(message)
        if generation is not None:
            self._post(RoleIs(self, generation))

    def _error(self, message: Any) -> None:
        """Say which of our messages the switch did not take, and why."""
        if self._role.is_refused(message):
            self._bundle = None
            self._post(RoleIs(self, None))
            return
        bundle = self._bundle
        why = _reason(message)
        if bundle is not None and message.xid == bundle.commit_xid:
            if not bundle.rejected:
                LOG.error("the switch did not commit %d changes: %s", len(bundle.changes), why)
            self._end_bundle(made=False)
            return
        cause = bundle.by_xid.get(message.xid) if bundle is not None else None
        LOG.error("the switch refused %s: %s", cause or f"message {message.xid:#x}", why)
        if bundle is not None and cause is not None and cause not in bundle.rejected:
            bundle.rejected.append(cause)

    def _end_bundle(self, made: bool) -> None:
        bundle, self._bundle = self._bundle, None
        if bundle is not None:
            self._post(Applied(self, bundle.changes, made, tuple(bundle.rejected)))

    _HANDLERS: ClassVar[dict[type, Callable[["SwitchConnection", Any], None]]] = {
        parser.OFPPacketIn: _packet_in,
        parser.OFPFlowRemoved: _flow_removed,
        parser.OFPFlowStatsReply: _flow_stats,
        parser.OFPGroupDescStatsReply: _group_stats,
        parser.ONFBundleCtrlMsg: _bundle_control,
        parser.OFPRoleReply: _role_reply,
        parser.OFPErrorMsg: _error,
    }


def _reason(message: Any) -> str:
    """Return an error message's type and code in OpenFlow's own words."""
    if message.type == ofp.OFPET_EXPERIMENTER:
        return f"experimenter {message.experimenter:#x} error {message.exp_type}"
    kind = ofp.ofp_error_type_to_str(message.type)
    return f"{kind} {ofp.ofp_error_code_to_str(message.type, message.code)}"
