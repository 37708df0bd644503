"""Codec of actions of flows and buckets, OpenFlow 1.3, built on os-ken's.

Very many flows share a few lists of actions. Both directions are cached: equal bytes are decoded
once, to one tuple.
"""

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, TypeGuard

from os_ken.ofproto import nicira_ext
from os_ken.ofproto import ofproto_common as common
from os_ken.ofproto import ofproto_v1_3 as ofp
from os_ken.ofproto import ofproto_v1_3_parser as parser

from ..values.flows import (
    VLAN_PRESENT,
    Action,
    Bucket,
    CheckLength,
    ForgetInPort,
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
from .oxm import field_header

_ETHERTYPE_VLAN = 0x8100
_IN_PORT_BITS = 31
"""ofs_nbits of all 32 bits of a field: first bit 0, length 32 less one (OVS ovs-actions(7))."""
_IN_PORT_RESUBMIT = 0xFFF8
_EXPERIMENTER = struct.Struct("!HHIH")
_BUCKET = struct.Struct(ofp.OFP_BUCKET_PACK_STR)
_CHECK_PKT_LARGER = 49
"""NXAST_CHECK_PKT_LARGER of Open vSwitch (lib/ofp-actions.c), which os-ken does not know."""
_CHECK_LENGTH = struct.Struct("!HHHI6x")
"""Its subtype, the number of bytes, the first bit and the header of the register."""
_EXPERIMENTER_HEADER_SIZE = 8
_OF_NICIRA = {
    nicira_ext.NXAST_RESUBMIT_TABLE,
    nicira_ext.NXAST_BUNDLE,
    nicira_ext.NXAST_REG_LOAD,
    _CHECK_PKT_LARGER,
}
"""The Open vSwitch extensions that we use. os-ken's parsers of others loop on wrong lengths."""
_REMEMBERED = 1 << 14


_REGISTERS = {field_header(f"reg{number}"): f"reg{number}" for number in range(8)}
"""Open vSwitch's registers by the header that they have as an OXM field."""


class Foreign(ValueError):
    """A flow or group with an action that we never write; the text names the action."""


@lru_cache(maxsize=_REMEMBERED)
def encode_instructions(actions: tuple[Action, ...]) -> bytes:
    """Return the instructions of a flow with these actions."""
    instructions: list[Any] = []
    applied = [action for action in actions if not isinstance(action, GoTo)]
    if applied:
        apply = parser.OFPInstructionActions(ofp.OFPIT_APPLY_ACTIONS, _encode(applied))
        instructions.append(apply)
    instructions.extend(
        parser.OFPInstructionGotoTable(action.table)
        for action in actions
        if isinstance(action, GoTo)
    )
    buf = bytearray()
    for instruction in instructions:
        instruction.serialize(buf, len(buf))
    return bytes(buf)


def encode_actions(actions: Iterable[Action]) -> bytes:
    """Return the actions of a packet-out; there is no GoTo among them."""
    buf = bytearray()
    for action in _encode(actions):
        action.serialize(buf, len(buf))
    return bytes(buf)


@lru_cache(maxsize=_REMEMBERED)
def encode_bucket(bucket: Bucket, weight: int = 0) -> bytes:
    """Return an ofp_bucket. Those of a select group have a weight."""
    buf = bytearray()
    parser.OFPBucket(
        weight=weight,
        actions=_encode(bucket.actions),
        watch_port=ofp.OFPP_ANY if bucket.watch_port is None else bucket.watch_port,
        watch_group=ofp.OFPG_ANY if bucket.watch_group is None else bucket.watch_group,
    ).serialize(buf, 0)
    return bytes(buf)


@lru_cache(maxsize=_REMEMBERED)
def decode_instructions(buf: bytes) -> tuple[Action, ...]:
    """Return the actions of a flow with these instructions; raises Foreign."""
    actions: list[Action] = []
    for kind, instruction in _pieces(buf):
        if kind == ofp.OFPIT_APPLY_ACTIONS:
            actions.extend(_decode(instruction[ofp.OFP_INSTRUCTION_ACTIONS_SIZE :]))
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


def _set_field(action: SetField) -> list[Any]:
    return [parser.OFPActionSetField(**{action.field: action.value})]


def _push_vlan(action: PushVlan) -> list[Any]:
    return [
        parser.OFPActionPushVlan(_ETHERTYPE_VLAN),
        parser.OFPActionSetField(vlan_vid=VLAN_PRESENT | action.vlan),
    ]


def _forget_in_port(_: ForgetInPort) -> list[Any]:
    return [parser.NXActionRegLoad(ofs_nbits=_IN_PORT_BITS, dst="in_port", value=0)]


def _output_to_bond(action: OutputToBond) -> list[Any]:
    return [_bundle(action.ports)]


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


def _check_length(action: CheckLength) -> list[Any]:
    header = field_header(action.register)
    body = _CHECK_LENGTH.pack(_CHECK_PKT_LARGER, action.most, 0, header)
    return [parser.OFPActionExperimenterUnknown(common.NX_EXPERIMENTER_ID, body)]


_TO_MESSAGES: dict[type, Callable[[Any], list[Any]]] = {
    SetField: _set_field,
    PopVlan: lambda _: [parser.OFPActionPopVlan()],
    PushVlan: _push_vlan,
    ForgetInPort: _forget_in_port,
    Output: lambda action: [parser.OFPActionOutput(action.port)],
    OutputToBond: _output_to_bond,
    ToController: lambda action: [parser.OFPActionOutput(ofp.OFPP_CONTROLLER, action.max_len)],
    CheckLength: _check_length,
    ToGroup: lambda action: [parser.OFPActionGroup(action.group)],
    Resubmit: lambda action: [parser.NXActionResubmitTable(table_id=action.table)],
}
"""os-ken's message classes for each type of action. GoTo is missing: it is an instruction."""


def _encode(actions: Iterable[Action]) -> list[Any]:
    """Return actions as messages of os-ken; raises ValueError for an instruction."""
    messages: list[Any] = []
    for action in actions:
        if type(action) not in _TO_MESSAGES:
            raise ValueError(f"{action} is an instruction, not an action")
        messages.extend(_TO_MESSAGES[type(action)](action))
    return messages


def _decode(buf: bytes) -> list[Action]:
    actions: list[Action] = []
    for kind, piece in _pieces(buf):
        action = _decode_one(kind, piece)
        if _is_tag(action) and actions and isinstance(actions[-1], PushVlan):
            actions[-1] = PushVlan(int(action.value) & ~VLAN_PRESENT)
        else:
            actions.append(action)
    return actions


def _decode_one(kind: int, piece: bytes) -> Action:
    if kind == ofp.OFPAT_EXPERIMENTER and not _is_known(piece):
        raise Foreign(f"an experimenter's action: {piece[:16].hex()}")
    if kind == ofp.OFPAT_EXPERIMENTER and _subtype(piece) == _CHECK_PKT_LARGER:
        return _check_length_of(piece[_EXPERIMENTER_HEADER_SIZE:])
    try:
        message = parser.OFPAction.parser(piece, 0)
        action = _FROM_MESSAGE.get(type(message), _foreign)(message)
    except Exception as error:  # os-ken's parsers raise anything
        raise Foreign(f"an action of type {kind}: {piece[:16].hex()}: {error!r}") from error
    if action is None:
        raise Foreign(str(message))
    return action


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


def _forget_in_port_of(message: Any) -> ForgetInPort | None:
    is_ours = (message.dst, message.ofs_nbits, message.value) == ("in_port", _IN_PORT_BITS, 0)
    return ForgetInPort() if is_ours else None


def _check_length_of(body: bytes) -> CheckLength:
    """Return the action behind an experimenter's header; raises Foreign if it is not ours."""
    if len(body) == _CHECK_LENGTH.size:
        _, most, first_bit, header = _CHECK_LENGTH.unpack(body)
        if not first_bit and not any(body[-6:]) and header in _REGISTERS:
            return CheckLength(most, _REGISTERS[header])
    raise Foreign(f"a check_pkt_larger that is not ours: {body.hex()}")


_FROM_MESSAGE: dict[type, Callable[[Any], "Action | None"]] = {
    parser.OFPActionSetField: lambda message: SetField(message.key, message.value),
    parser.OFPActionOutput: _output_of,
    parser.OFPActionGroup: lambda message: ToGroup(message.group_id),
    parser.OFPActionPopVlan: lambda _: PopVlan(),
    parser.OFPActionPushVlan: _push_vlan_of,
    parser.NXActionResubmitTable: _resubmit_of,
    parser.NXActionBundle: _output_to_bond_of,
    parser.NXActionRegLoad: _forget_in_port_of,
}
"""The action for each of os-ken's message classes; None for a message that we never write."""


def _is_known(action: bytes) -> bool:
    """Whether an experimenter's action is one of those of Open vSwitch that we use."""
    return _subtype(action) in _OF_NICIRA


def _subtype(action: bytes) -> int | None:
    """Return the subtype of an experimenter action of Open vSwitch, None for others."""
    if len(action) < _EXPERIMENTER.size:
        return None
    _, _, experimenter, subtype = _EXPERIMENTER.unpack_from(action)
    return int(subtype) if experimenter == common.NX_EXPERIMENTER_ID else None


def _pieces(buf: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the type and the bytes of each instruction or action; lengths are multiples of 8."""
    at = 0
    while at < len(buf):
        kind = int.from_bytes(buf[at : at + 2], "big")
        length = int.from_bytes(buf[at + 2 : at + 4], "big")
        if length < 8 or length % 8 or at + length > len(buf):
            raise Foreign(f"a length of {length} where {len(buf) - at} bytes are left")
        yield kind, buf[at : at + length]
        at += length
