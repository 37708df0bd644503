"""Flows, groups, counters and frames from the bytes of OpenFlow 1.3 messages.

This module decodes replies with very many flows itself, because os-ken creates several objects for
each field. All functions raise Unreadable for bytes that are not OpenFlow.
"""

import logging
import struct
from collections.abc import Container, Iterator
from typing import Any, NamedTuple

from os_ken.ofproto import ofproto_v1_3 as ofp

from ..values.counters import Counter, PortCounter
from ..values.flows import GROUP_BASE, GROUP_MASK, Flow, FlowKey, Group, Match
from .actions import Foreign, decode_bucket, decode_instructions
from .oxm import Unreadable, decode_match

LOG = logging.getLogger("vtep_ofapp.switch")

_FLOW_STATS = struct.Struct(ofp.OFP_FLOW_STATS_0_PACK_STR)
_GROUP_DESC = struct.Struct(ofp.OFP_GROUP_DESC_STATS_PACK_STR)
_FLOW_REMOVED = struct.Struct(ofp.OFP_HEADER_PACK_STR + ofp.OFP_FLOW_REMOVED_PACK_STR0[1:])
_PACKET_IN = struct.Struct(ofp.OFP_HEADER_PACK_STR + ofp.OFP_PACKET_IN_PACK_STR[1:])
_PORT_STATS = struct.Struct(ofp.OFP_PORT_STATS_PACK_STR)
_PORT_COUNTERS = len(PortCounter._fields)
_NOT_COUNTED = (1 << 64) - 1
_LENGTH = struct.Struct("!H")
_FRAME_OFFSET = 2
"""Bytes between the match of a packet-in and the frame."""
_SOURCE = slice(6, 12)
_ETHERNET_HEADER = 14


class Shown(NamedTuple):
    """A packet-in: the cookie and table of its flow, the pipeline's fields, and the frame."""

    cookie: int
    table: int
    fields: Match
    frame: bytes

    @property
    def source(self) -> str:
        """The source address of the frame."""
        return self.frame[_SOURCE].hex(":")


class Removed(NamedTuple):
    """A flow that the switch removed."""

    cookie: int
    key: FlowKey
    idle: bool


def flows(reply: bytes) -> Iterator[Flow]:
    """Yield the flows of a flow-stats reply.

    A flow with actions that we never write is logged, and yielded without actions and cookie.
    """
    for start, end in _entries(reply, _FLOW_STATS.size):
        _, table, _, _, priority, idle, _, flags, cookie, _, _ = _FLOW_STATS.unpack_from(
            reply, start
        )
        match, at = decode_match(reply, start + _FLOW_STATS.size)
        key = FlowKey(table, priority, match)
        try:
            actions = decode_instructions(reply[at:end])
        except Foreign as error:
            LOG.warning("a flow with our cookie is not one of ours: %s: %s", key, error)
            yield Flow(key, (), cookie=0)
        else:
            watched = flags & ofp.OFPFF_SEND_FLOW_REM != 0
            yield Flow(key, actions, cookie, idle, watched)


def counters(reply: bytes, unless_zero: Container[int] = ()) -> Iterator[tuple[FlowKey, Counter]]:
    """Yield the counters of each flow of a flow-stats reply.

    Flows with one of the cookies ``unless_zero`` that matched no packet are left out.
    """
    for start, _ in _entries(reply, _FLOW_STATS.size):
        _, table, _, _, priority, _, _, _, cookie, packets, octets = _FLOW_STATS.unpack_from(
            reply, start
        )
        if not packets and cookie in unless_zero:
            continue
        match, _ = decode_match(reply, start + _FLOW_STATS.size)
        yield FlowKey(table, priority, match), Counter(cookie, packets, octets)


def port_counters(reply: bytes) -> Iterator[tuple[int, PortCounter]]:
    """Yield the number and the counters of each port of a port-stats reply."""
    body = reply[ofp.OFP_MULTIPART_REPLY_SIZE :]
    if len(body) % _PORT_STATS.size:
        raise Unreadable(f"{len(body)} bytes of ports with {_PORT_STATS.size} each")
    for number, *counters in _PORT_STATS.iter_unpack(body):
        known = (None if each == _NOT_COUNTED else each for each in counters[:_PORT_COUNTERS])
        yield number, PortCounter(*known)


def groups(reply: bytes) -> Iterator[Group]:
    """Yield the groups with our ids of a group-description reply."""
    for _, entry in group_entries(reply):
        yield group(entry)


def group_entries(reply: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the id and the bytes of each group with an id of ours."""
    for start, end in _entries(reply, _GROUP_DESC.size):
        _, _, id = _GROUP_DESC.unpack_from(reply, start)
        if id & GROUP_MASK == GROUP_BASE:
            yield id, reply[start:end]


def group(entry: bytes) -> Group:
    """Return the group in these bytes.

    A group with actions that we never write is logged, and returned without buckets.
    """
    _, kind, id = _GROUP_DESC.unpack_from(entry)
    try:
        return _group(id, kind, entry, _GROUP_DESC.size, len(entry))
    except Foreign as error:
        LOG.warning("group %#x is not one of ours: %s", id, error)
        return Group(id, (), fast_failover=True)


def flow_removed(message: bytes) -> Removed:
    """Return the flow of a flow-removed message."""
    _, _, _, _, cookie, priority, reason, table, *_ = _unpack(_FLOW_REMOVED, message)
    match, _ = decode_match(message, _FLOW_REMOVED.size)
    return Removed(cookie, FlowKey(table, priority, match), reason == ofp.OFPRR_IDLE_TIMEOUT)


def packet_in(message: bytes) -> Shown:
    """Return the content of a packet-in. Its frame has at least an Ethernet header."""
    _, _, _, _, _, length, _, table, cookie = _unpack(_PACKET_IN, message)
    match, end = decode_match(message, _PACKET_IN.size)
    frame = message[end + _FRAME_OFFSET :][:length]
    if len(frame) < _ETHERNET_HEADER:
        raise Unreadable(f"a frame of {len(frame)} bytes")
    return Shown(cookie, table, match, frame)


def _group(id: int, kind: int, reply: bytes, start: int, end: int) -> Group:
    if kind not in (ofp.OFPGT_ALL, ofp.OFPGT_FF, ofp.OFPGT_SELECT):
        raise Foreign(f"group type {kind}")
    fast_failover = kind == ofp.OFPGT_FF
    buckets = tuple(
        decode_bucket(reply[at:after], fast_failover)
        for at, after in _spans(reply, start, end, ofp.OFP_BUCKET_SIZE)
    )
    return Group(id, buckets, fast_failover, select=kind == ofp.OFPGT_SELECT)


def _entries(reply: bytes, least: int) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each entry of a multipart reply."""
    return _spans(reply, ofp.OFP_MULTIPART_REPLY_SIZE, len(reply), least)


def _spans(buf: bytes, start: int, end: int, least: int) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each length-prefixed item between start and end."""
    while start < end:
        length = _LENGTH.unpack_from(buf, start)[0] if start + least <= end else 0
        if length < least or start + length > end:
            raise Unreadable(f"a length of {length} where {end - start} bytes are left")
        yield start, start + length
        start += length


def _unpack(layout: struct.Struct, message: bytes) -> tuple[Any, ...]:
    if len(message) < layout.size:
        raise Unreadable(f"it is {len(message)} bytes long")
    return layout.unpack_from(message)
