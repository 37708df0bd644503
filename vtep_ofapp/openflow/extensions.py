"""Codec of actions of Open vSwitch (lib/ofp-actions.c) that os-ken lacks, or decodes unchecked.

Each of them is an experimenter action of a fixed length.
"""

import struct
from collections.abc import Callable
from typing import Any

from os_ken.ofproto import nicira_ext
from os_ken.ofproto import ofproto_common as common
from os_ken.ofproto import ofproto_v1_3 as ofp

from ..values.flows import Action, CheckLength, Conjunction, ForgetInPort, Move
from .oxm import field_header, field_size, oxm_field

_HEADER = struct.Struct("!HHIH")
"""Type, length, experimenter and subtype."""
_MOVE = struct.Struct("!HHHII")
"""The number of bits, the first bit of the source and of the target, and their headers."""
_LOAD = struct.Struct("!HIQ")
"""Which bits, the header of their field, and their value."""
_CONJUNCTION = struct.Struct("!BBI")
"""The clause from 0, the number of clauses, and the id."""
_CHECK_LENGTH = struct.Struct("!HHI6x")
"""The number of bytes, and the first bit and the header of the register."""
_CHECK_PKT_LARGER = 49
"""A subtype that os-ken does not know."""
_IN_PORT_BITS = 31
"""All 32 bits of a field: first bit 0, length 32 less one (OVS ovs-actions(7))."""
_FORGET_IN_PORT = _LOAD.pack(_IN_PORT_BITS, field_header("in_port"), 0)
_BIT_0 = 0


def encode(action: Any) -> bytes:
    """Return the bytes of an action of one of the types in ENCODED.

    Raises ValueError or KeyError for one that there is no message for.
    """
    subtype, body = ENCODED[type(action)](action)
    length = _HEADER.size + len(body)
    return _HEADER.pack(ofp.OFPAT_EXPERIMENTER, length, common.NX_EXPERIMENTER_ID, subtype) + body


def decode(action: bytes) -> Action | None:
    """Return the action in the bytes of an action with a subtype in DECODED, None for others."""
    layout, read = DECODED[subtype_of(action)]
    body = action[_HEADER.size :]
    return read(*layout.unpack(body)) if len(body) == layout.size else None


def subtype_of(action: bytes) -> int:
    """Return the subtype of an experimenter's action of Open vSwitch, -1 for one of others."""
    if len(action) < _HEADER.size:
        return -1
    _, _, experimenter, subtype = _HEADER.unpack_from(action)
    return int(subtype) if experimenter == common.NX_EXPERIMENTER_ID else -1


def _move(action: Move) -> tuple[int, bytes]:
    bits = 8 * field_size(action.source)
    if 8 * field_size(action.target) != bits:
        raise ValueError(f"the fields of {action} have different lengths")
    headers = field_header(action.source), field_header(action.target)
    return nicira_ext.NXAST_REG_MOVE, _MOVE.pack(bits, 0, 0, *headers)


def _move_of(bits: int, from_bit: int, to_bit: int, source: int, target: int) -> Move | None:
    """Return the action. Open vSwitch writes NXM headers where there are any."""
    names = oxm_field(source), oxm_field(target)
    if names[0] is None or names[1] is None or (from_bit, to_bit) != (0, 0):
        return None
    is_whole = all(8 * field_size(name) == bits for name in names if name)
    return Move(names[0], names[1]) if is_whole else None


def _conjunction(action: Conjunction) -> tuple[int, bytes]:
    body = _CONJUNCTION.pack(action.clause - 1, action.clauses, action.id)
    return nicira_ext.NXAST_CONJUNCTION, body


def _forget_in_port(_: ForgetInPort) -> tuple[int, bytes]:
    return nicira_ext.NXAST_REG_LOAD, _FORGET_IN_PORT


def _load_of(*values: int) -> ForgetInPort | None:
    return ForgetInPort() if _LOAD.pack(*values) == _FORGET_IN_PORT else None


def _check_length(action: CheckLength) -> tuple[int, bytes]:
    return _CHECK_PKT_LARGER, _CHECK_LENGTH.pack(action.most, _BIT_0, field_header(action.register))


def _check_length_of(most: int, bit: int, header: int) -> CheckLength | None:
    register = oxm_field(header)
    return None if bit != _BIT_0 or register is None else CheckLength(most, register)


ENCODED: dict[type, Callable[[Any], tuple[int, bytes]]] = {
    Move: _move,
    Conjunction: _conjunction,
    ForgetInPort: _forget_in_port,
    CheckLength: _check_length,
}
"""What makes the subtype and the body for each type of action."""
DECODED: dict[int, tuple[struct.Struct, Callable[..., Action | None]]] = {
    nicira_ext.NXAST_REG_MOVE: (_MOVE, _move_of),
    nicira_ext.NXAST_CONJUNCTION: (
        _CONJUNCTION,
        lambda clause, clauses, id: Conjunction(id, clause + 1, clauses),
    ),
    nicira_ext.NXAST_REG_LOAD: (_LOAD, _load_of),
    _CHECK_PKT_LARGER: (_CHECK_LENGTH, _check_length_of),
}
"""The layout of the body for each subtype, and what makes the action; None if it is not ours."""
