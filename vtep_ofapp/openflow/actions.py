"""Codec of actions of flows and buckets, OpenFlow 1.3.

Very many flows share a few lists of actions, and their other lists share most actions. Both are
cached in both directions: equal bytes are decoded once, to one tuple or action.
"""

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, TypeGuard

from os_ken.ofproto import nicira_ext
from os_ken.ofproto import ofproto_v1_3 as ofp
from os_ken.ofproto import ofproto_v1_3_parser as parser

from ..values.flows import (
    VLAN_PRESENT,
    Action,
    Bucket,
    DecTtl,
    GoTo,
    Output,
    OutputToBond,
    PopVlan,
    PushVlan,
    Resubmit,
    SetField,
    ToController,
    ToGroup,
)
from . import extensions
from .oxm import Unreadable, decode_field, encode_field

_ETHERTYPE_VLAN = 0x8100
_IN_PORT_RESUBMIT = 0xFFF8
_INSTRUCTION = struct.Struct(ofp.OFP_INSTRUCTION_ACTIONS_PACK_STR)
_ACTION = struct.Struct("!HH")
"""The type and the length of an action or instruction."""
_LEAST = 8
"""The length of the shortest of them; all are multiples of it."""
_BUCKET = struct.Struct(ofp.OFP_BUCKET_PACK_STR)
_READ_BY_OS_KEN = {nicira_ext.NXAST_RESUBMIT_TABLE, nicira_ext.NXAST_BUNDLE}
"""Actions of Open vSwitch that os-ken decodes. Its decoders of others loop on wrong lengths."""
_REMEMBERED = 1 << 14


class Foreign(ValueError):
    """A flow or group with an action that we never write; the text names the action."""


@lru_cache(maxsize=_REMEMBERED)
def encode_instructions(actions: tuple[Action, ...]) -> bytes:
    """Return the instructions of a flow with these actions."""
    applied = encode_actions([action for action in actions if type(action) is not GoTo])
    if applied:
        applied = (
            _INSTRUCTION.pack(ofp.OFPIT_APPLY_ACTIONS, _INSTRUCTION.size + len(applied)) + applied
        )
    return applied + b"".join([_goto(each.table) for each in actions if type(each) is GoTo])


@lru_cache(maxsize=256)
def _goto(table: int) -> bytes:
    return _serialized(parser.OFPInstructionGotoTable(table))


def encode_actions(actions: Iterable[Action]) -> bytes:
    """Return actions as bytes; raises ValueError for an instruction."""
    return b"".join(
        [
            _set_field(each.field, each.value) if type(each) is SetField else _encode(each)
            for each in actions
        ]
    )


@lru_cache(maxsize=_REMEMBERED)
def encode_bucket(bucket: Bucket, weight: int = 0) -> bytes:
    """Return an ofp_bucket. Those of a select group have a weight."""
    actions = encode_actions(bucket.actions)
    watch_port = ofp.OFPP_ANY if bucket.watch_port is None else bucket.watch_port
    watch_group = ofp.OFPG_ANY if bucket.watch_group is None else bucket.watch_group
    head = _BUCKET.pack(_BUCKET.size + len(actions), weight, watch_port, watch_group)
    return head + actions


@lru_cache(maxsize=_REMEMBERED)
def decode_instructions(buf: bytes) -> tuple[Action, ...]:
    """Return the actions of a flow with these instructions; raises Foreign."""
    actions: list[Action] = []
    for kind, instruction in _pieces(buf):
        if kind == ofp.OFPIT_APPLY_ACTIONS:
            actions.extend(_decode(instruction[_INSTRUCTION.size :]))
        elif kind == ofp.OFPIT_GOTO_TABLE:
            actions.append(GoTo(parser.OFPInstruction.parser(instruction, 0).table_id))
        else:
            raise Foreign(f"an instruction of type {kind}")
    return tuple(actions)


@lru_cache(maxsize=_REMEMBERED)
def decode_bucket(buf: bytes, fast_failover: bool) -> Bucket:
    """Return the bucket in the bytes of an ofp_bucket; raises Foreign."""
    _, _, watch_port, watch_group = _BUCKET.unpack_from(buf)
    return Bucket(
        tuple(_decode(buf[_BUCKET.size :])),
        watch_port if fast_failover and watch_port != ofp.OFPP_ANY else None,
        watch_group if fast_failover and watch_group != ofp.OFPG_ANY else None,
    )


@lru_cache(maxsize=_REMEMBERED)
def _set_field(name: str, value: int | str) -> bytes:
    field = encode_field(name, value)
    padding = bytes(-(_ACTION.size + len(field)) % 8)
    length = _ACTION.size + len(field) + len(padding)
    return _ACTION.pack(ofp.OFPAT_SET_FIELD, length) + field + padding


def _push_vlan(action: PushVlan) -> bytes:
    tag = _set_field("vlan_vid", VLAN_PRESENT | action.vlan)
    return _serialized(parser.OFPActionPushVlan(_ETHERTYPE_VLAN)) + tag


def _bundle(ports: Sequence[int]) -> Any:
    return parser.NXActionBundle(
        algorithm=nicira_ext.NX_BD_ALG_HRW,
        fields=nicira_ext.NX_HASH_FIELDS_ETH_SRC,
        basis=0,
        slave_type=nicira_ext.NXM_OF_IN_PORT,
        n_slaves=len(ports),
        ofs_nbits=0,
        dst=0,
        slaves=list(ports),
    )


_BY_OS_KEN: dict[type, Callable[[Any], Any]] = {
    PopVlan: lambda _: parser.OFPActionPopVlan(),
    DecTtl: lambda _: parser.OFPActionDecNwTtl(),
    Output: lambda action: parser.OFPActionOutput(action.port),
    OutputToBond: lambda action: _bundle(action.ports),
    ToController: lambda action: parser.OFPActionOutput(ofp.OFPP_CONTROLLER, action.max_len),
    ToGroup: lambda action: parser.OFPActionGroup(action.group),
    Resubmit: lambda action: parser.NXActionResubmitTable(table_id=action.table),
}
"""os-ken's message for each type of action that it encodes."""
_TO_BYTES: dict[type, Callable[[Any], bytes]] = {
    PushVlan: _push_vlan,
    **dict.fromkeys(extensions.ENCODED, extensions.encode),
}
"""What encodes each of the other types of action. GoTo is missing: it is an instruction."""


@lru_cache(maxsize=_REMEMBERED)
def _encode(action: Action) -> bytes:
    """Return an action other than SetField, of which there are very many, as bytes."""
    kind = type(action)
    if kind in _TO_BYTES:
        return _TO_BYTES[kind](action)
    if kind in _BY_OS_KEN:
        return _serialized(_BY_OS_KEN[kind](action))
    raise ValueError(f"{action} is an instruction, not an action")


def _serialized(message: Any) -> bytes:
    buf = bytearray()
    message.serialize(buf, 0)
    return bytes(buf)


def _decode(buf: bytes) -> list[Action]:
    actions: list[Action] = []
    for kind, piece in _pieces(buf):
        action = _decode_one(kind, piece)
        if actions and isinstance(actions[-1], PushVlan) and _is_tag(action):
            actions[-1] = PushVlan(int(action.value) & ~VLAN_PRESENT)
        else:
            actions.append(action)
    return actions


@lru_cache(maxsize=_REMEMBERED)
def _decode_one(kind: int, piece: bytes) -> Action:
    action: Action | None = None
    subtype = extensions.subtype_of(piece) if kind == ofp.OFPAT_EXPERIMENTER else None
    if kind == ofp.OFPAT_SET_FIELD:
        action = _set_field_of(piece)
    elif subtype in extensions.DECODED:
        action = extensions.decode(piece)
    elif subtype is None or subtype in _READ_BY_OS_KEN:
        action = _decode_by_os_ken(kind, piece)
    if action is None:
        whose = f"an action of type {kind}" if subtype is None else "an experimenter's action"
        raise Foreign(f"{whose}: {piece[:32].hex()}")
    return action


def _set_field_of(piece: bytes) -> SetField:
    try:
        field, value = decode_field(piece[_ACTION.size :])
    except Unreadable as error:
        raise Foreign(f"a set-field: {piece.hex()}: {error}") from error
    return SetField(field, value)


def _decode_by_os_ken(kind: int, piece: bytes) -> Action | None:
    try:
        message = parser.OFPAction.parser(piece, 0)
        return _FROM_MESSAGE.get(type(message), _foreign)(message)
    except Exception as error:  # os-ken's parsers raise anything
        raise Foreign(f"an action of type {kind}: {piece[:16].hex()}: {error!r}") from error


def _is_tag(action: Action) -> TypeGuard[SetField]:
    """Whether an action after a PushVlan sets its VLAN."""
    return (
        isinstance(action, SetField)
        and action.field == "vlan_vid"
        and isinstance(action.value, int)
    )


def _foreign(_: Any) -> None:
    return None


def _output_of(message: Any) -> Output | ToController:
    if message.port == ofp.OFPP_CONTROLLER:
        return ToController(message.max_len)
    return Output(message.port)


def _push_vlan_of(message: Any) -> PushVlan | None:
    return PushVlan(0) if message.ethertype == _ETHERTYPE_VLAN else None


def _resubmit_of(message: Any) -> Resubmit | None:
    return Resubmit(message.table_id) if message.in_port == _IN_PORT_RESUBMIT else None


def _output_to_bond_of(message: Any) -> OutputToBond | None:
    ours = _bundle(message.slaves).serialize_body()
    return OutputToBond(tuple(message.slaves)) if message.serialize_body() == ours else None


_FROM_MESSAGE: dict[type, Callable[[Any], "Action | None"]] = {
    parser.OFPActionOutput: _output_of,
    parser.OFPActionGroup: lambda message: ToGroup(message.group_id),
    parser.OFPActionPopVlan: lambda _: PopVlan(),
    parser.OFPActionDecNwTtl: lambda _: DecTtl(),
    parser.OFPActionPushVlan: _push_vlan_of,
    parser.NXActionResubmitTable: _resubmit_of,
    parser.NXActionBundle: _output_to_bond_of,
}
"""The action for each of os-ken's message classes; None for a message that we never write."""


def _pieces(buf: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the type and the bytes of each instruction or action; lengths are multiples of 8."""
    at = 0
    whole = len(buf)
    while at < whole:
        left = whole - at
        kind, length = _ACTION.unpack_from(buf, at) if left >= _LEAST else (0, 0)
        if length < _LEAST or length % _LEAST or length > left:
            raise Foreign(f"a length of {length} where {left} bytes are left")
        yield kind, buf[at : at + length]
        at += length
