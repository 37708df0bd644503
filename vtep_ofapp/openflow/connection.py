"""The connection of one switch: requests of the loop, and events for the loop."""

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import count
from typing import Any

from os_ken.lib import hub
from os_ken.ofproto import ofproto_v1_3 as ofp
from os_ken.ofproto import ofproto_v1_3_parser as parser

from ..pipeline.layout import COUNTING, DROPPING, PRODUCER_MASK, cookie_of, producer_of
from ..pipeline.shown import SHOWN
from ..values.addresses import is_station
from ..values.counters import Traffic
from ..values.events import (
    Alive,
    Applied,
    Event,
    FlowRemoved,
    FlowsChanged,
    GroupsChanged,
    NotMonitored,
    PacketIn,
    RoleIs,
)
from ..values.flow_changes import Change, FlowChange
from ..values.flows import COOKIE_BASE, COOKIE_MASK
from ..values.packets import PacketOut
from . import decoding, lazy_messages, monitor
from .bundle import Bundle
from .outbox import Outbox
from .oxm import Unreadable
from .replies import (
    MAX_READ,
    Answer,
    Awaited,
    Collection,
    Comparing,
    Counting,
    CountingFlows,
    CountingPorts,
    Reading,
    TooMany,
)
from .role import Role

LOG = logging.getLogger("vtep_ofapp.switch")


_WHOLE_COOKIE = 0xFFFFFFFF_FFFFFFFF
_NX_MATCH = 3
"""A fragment mode of Open vSwitch (ovs-ofctl(8), set-frags), among the flags of OpenFlow."""
_SHOWN_ON_MISS = 128
"""OpenFlow's default of miss_send_len, which the message with the fragment mode sets as well."""


class SwitchConnection:
    """The OpenFlow connection of one switch; ``post`` receives its events."""

    def __init__(self, datapath: Any, post: Callable[[Event], None]) -> None:
        self.peer = str(datapath.address[0])
        self.traffic = Traffic()
        self._datapath = datapath
        self._post = post
        self._outbox = Outbox(datapath, self.traffic)
        self._bundle_ids = count(1)
        self._monitor: int | None = None
        self._question: int | None = None
        self._bundle: Bundle | None = None
        self._awaited = Awaited()
        self._group_entries: dict[int, bytes] = {}
        self._role = Role(datapath, self._outbox.put)

    def end(self) -> None:
        """End the sending thread, after the datapath was closed."""
        self._outbox.end()

    def disconnect(self) -> None:
        """Close the connection; a Disconnected follows."""
        self._datapath.close()

    # Requests of the loop

    def ask(self) -> None:
        """Send an echo request; an Alive follows."""
        request = parser.OFPEchoRequest(self._datapath)
        self._question = self._outbox.number(request)
        self._outbox.put(request)

    def lead(self, generation: int | None) -> None:
        """Request the role master; a RoleIs follows."""
        self._role.lead(generation)

    def stand_by(self) -> None:
        """Request the role slave."""
        if self._monitor is not None:
            self._monitor = None
            self._outbox.put_bytes([monitor.cancel(self._outbox.next_xid())])
        self._role.stand_by()

    def read_back(self) -> None:
        """Request all our flows and groups; a ReadBack follows, and maybe a NotMonitored."""
        flows = _flows_request(self._datapath, ofp.OFPTT_ALL, COOKIE_BASE, COOKIE_MASK)
        self.traffic.flow_stats_requests += 1
        groups = parser.OFPGroupDescStatsRequest(self._datapath, 0)
        if self._monitor is None:
            self._monitor = self._outbox.next_xid()
            self._outbox.put_bytes([monitor.request(self._monitor)])
        self._collect(Reading, flows, groups)

    def compare_groups(self, known: Iterable[int] | None = None) -> None:
        """Request all groups; a GroupsChanged follows if they changed since the last request.

        With ``known``, the ids of the known groups, the event has all groups, and those of
        ``known`` that are gone.
        """
        if known is not None:
            self._group_entries = dict.fromkeys(known, b"")
        if Comparing not in self._awaited:
            self._collect(Comparing, parser.OFPGroupDescStatsRequest(self._datapath, 0))

    def read_counters(self, cookies: tuple[int, ...] = ()) -> None:
        """Request counters of bindings, dropped frames and these cookies; a Counters follows."""
        requests = _counters_requests(self._datapath, cookies)
        self.traffic.flow_stats_requests += len(requests)
        self._collect(Counting, *requests)

    def read_ports(self) -> None:
        """Request the counters of all ports; a PortCounters follows."""
        self._collect(CountingPorts, parser.OFPPortStatsRequest(self._datapath, 0, ofp.OFPP_ANY))

    def read_flows(self, cookies: tuple[int, ...]) -> None:
        """Request the counters of the flows with these cookies; a FlowCounters follows."""
        requests = _whole_cookies_requests(self._datapath, cookies)
        self.traffic.flow_stats_requests += len(requests)
        self._collect(partial(CountingFlows, cookies), *requests)

    def _collect(self, make: Callable[..., Collection], *requests: Any) -> None:
        self._awaited.begin(make, map(self._outbox.number, requests))
        self._outbox.put(*requests)

    def apply(self, changes: Sequence[Change]) -> None:
        """Send the changes in one atomic bundle, in their order; an Applied follows."""
        self._bundle = Bundle(self._datapath, next(self._bundle_ids), changes)
        flow_mods = sum(isinstance(change, FlowChange) for change in changes)
        self.traffic.flow_mods += flow_mods
        self.traffic.group_mods += len(changes) - flow_mods
        self.traffic.bundles_opened += 1
        self._outbox.put_bytes(self._bundle.messages())

    def send(self, packets: Sequence[PacketOut]) -> None:
        """Send packet-outs, after the changes that were sent before; no event follows.

        They are dropped if the queue is full.
        """
        self._outbox.put_packet_outs(packets)

    # Messages of the switch

    def received(self, message: Any) -> None:
        """Handle a message of the kinds that VtepApp subscribes to."""
        handler = _HANDLERS[type(message)]
        try:
            handler(self, message)
        except Unreadable as error:
            LOG.error("%s: a message is not read to its end: %s", self.peer, error)
        except TooMany:
            LOG.error("%s is closed: it reports more than %d flows", self.peer, MAX_READ)
            self.disconnect()

    def _packet_in(self, message: Any) -> None:
        """Post a packet-in, if a feature reads packet-ins of its flow's producer."""
        self.traffic.packet_ins += 1
        shown = decoding.packet_in(message.buf)
        producer = producer_of(shown.cookie)
        if producer in SHOWN and is_station(shown.source):
            header = SHOWN[producer](shown.frame)
            self._post(PacketIn(self, producer, shown.table, shown.fields, header))
        else:
            self.traffic.packet_ins_dropped += 1

    def _flow_removed(self, message: Any) -> None:
        cookie, key, idle = decoding.flow_removed(message.buf)
        if cookie & COOKIE_MASK == COOKIE_BASE:
            self._post(FlowRemoved(self, key, idle))

    def _reply(self, message: Any) -> None:
        """Handle a part of a reply; other green threads run before the next one."""
        self._awaited.take(message, self._collected)
        hub.sleep(0)

    def _collected(self, collection: Collection) -> None:
        if isinstance(collection, Answer):
            self._post(collection.event(self))
        elif isinstance(collection, Comparing) and not collection.is_damaged:
            former, self._group_entries = self._group_entries, collection.entries
            if former != collection.entries:
                self._post(GroupsChanged(self, collection.since(former)))

    def _flow_updates(self, message: Any) -> None:
        """Post flows that others changed."""
        changed = list(monitor.changes(message.buf))
        if changed:
            are_ours = any(each.cookie & COOKIE_MASK == COOKIE_BASE for each in changed)
            keys = () if are_ours else tuple(each.key for each in changed)
            self._post(FlowsChanged(self, keys, are_ours))

    def _experimenter(self, message: Any) -> None:
        """Handle a pause of the flow monitor, in which the switch does not report all changes."""
        self._post(FlowsChanged(self, (), are_ours=True))

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
            self._outbox.put(_show_ports_of_fragments(self._datapath))
            self._post(RoleIs(self, generation))

    def _error(self, message: Any) -> None:
        """Handle an error of the flow monitor, of our role, of the bundle or of another message."""
        if message.xid == self._monitor:
            self._post(NotMonitored(self))
            return
        if self._role.is_refused(message):
            self._bundle = None
            self._post(RoleIs(self, None))
            return
        if self._role.is_late(message):
            self._bundle = None  # the new master makes the changes
            return
        if self._role.is_overtaken(message):
            self._role.stand_by()
            return
        why, bundle = _reason(message), self._bundle
        if bundle is None or not bundle.refuse(message, why):
            LOG.error("the switch refused %s: %s", _refused(message), why)
        elif bundle.is_last(message):
            self._end_bundle(made=False)

    def _end_bundle(self, made: bool) -> None:
        bundle, self._bundle = self._bundle, None
        self.traffic.bundles_committed += made
        if bundle is not None:
            self._post(Applied(self, bundle.changes, made, tuple(bundle.rejected), bundle.is_full))


def _refused(message: Any) -> str:
    """Return the kind of our message that an error message quotes."""
    data = bytes(message.data or b"")
    if data[1:2] == bytes([ofp.OFPT_PACKET_OUT]):
        return f"a packet-out: {data.hex()}"
    return f"message {message.xid:#x}"


def _reason(message: Any) -> str:
    """Return an error message's type and code by their names in OpenFlow."""
    if message.type == ofp.OFPET_EXPERIMENTER:
        return f"experimenter {message.experimenter:#x} error {message.exp_type}"
    kind = ofp.ofp_error_type_to_str(message.type)
    return f"{kind} {ofp.ofp_error_code_to_str(message.type, message.code)}"


def _counters_requests(datapath: Any, cookies: Iterable[int]) -> list[Any]:
    """Return the requests for the counters of all flows that are read."""
    of_bindings = (
        _flows_request(datapath, table.value, cookie_of(producer), PRODUCER_MASK)
        for table, producer in COUNTING
    )
    return [*of_bindings, *_whole_cookies_requests(datapath, [*map(cookie_of, DROPPING), *cookies])]


def _show_ports_of_fragments(datapath: Any) -> Any:
    """Return the request, with an xid, that matches see the ports of a packet's first fragment.

    Open vSwitch's default mode shows 0 as the ports and ICMP type of every fragment. The mode is
    one of the bridge, and is lost when ovs-vswitchd ends.
    """
    request = parser.OFPSetConfig(datapath, _NX_MATCH, _SHOWN_ON_MISS)
    datapath.set_xid(request)
    return request


def _whole_cookies_requests(datapath: Any, cookies: Iterable[int]) -> list[Any]:
    return [_flows_request(datapath, ofp.OFPTT_ALL, each, _WHOLE_COOKIE) for each in cookies]


def _flows_request(datapath: Any, table: int, cookie: int, mask: int) -> Any:
    anywhere = ofp.OFPP_ANY, ofp.OFPG_ANY
    return parser.OFPFlowStatsRequest(datapath, 0, table, *anywhere, cookie, mask)


_HANDLERS: dict[type, Callable[[SwitchConnection, Any], None]] = {
    lazy_messages.OFPPacketIn: SwitchConnection._packet_in,
    lazy_messages.OFPFlowRemoved: SwitchConnection._flow_removed,
    lazy_messages.OFPFlowStatsReply: SwitchConnection._reply,
    lazy_messages.OFPGroupDescStatsReply: SwitchConnection._reply,
    lazy_messages.OFPPortStatsReply: SwitchConnection._reply,
    lazy_messages.OFPExperimenterStatsReply: SwitchConnection._flow_updates,
    parser.OFPExperimenter: SwitchConnection._experimenter,
    parser.ONFBundleCtrlMsg: SwitchConnection._bundle_control,
    parser.OFPRoleReply: SwitchConnection._role_reply,
    parser.OFPEchoReply: SwitchConnection._echo_reply,
    parser.OFPErrorMsg: SwitchConnection._error,
}
