"""LEARNING: all frames pass, and the controller gets a copy of those from unknown stations."""

from collections.abc import Mapping
from functools import lru_cache
from sys import intern

from ..values.flows import (
    CheckLength,
    Flow,
    FlowKey,
    Match,
    Resubmit,
    SetField,
    ToController,
    match,
    narrowed,
)
from .layout import (
    LENGTH,
    LOGICAL_SWITCH,
    SENDER,
    SHOWN_ALREADY,
    SOURCE_BINDING,
    Cookie,
    Priority,
    Table,
    Way,
    drop,
    flow,
    miss,
)
from .ways import first, onward

_MAC_SIZE = 6
ETHERNET_HEADER = 14
"""Bytes of a frame that the controller needs: its addresses."""
LONGEST_SHOWN = 16384
"""Bytes of the longest frame that is shown to the controller.

Open vSwitch (2.7 and later) ignores max_len and sends the whole frame, but the length of an
OpenFlow message has 16 bits. A station with longer frames is learned from its shorter ones.
"""
_ON = onward(Table.LEARNING, Way.FROM_BINDING)
_DECIDED = SetField(SENDER, SHOWN_ALREADY), *_ON
"""SNOOPING is not to show the frame as well."""
_SHOW = Resubmit(first(Way.TO_CONTROLLER)), *_DECIDED


def unlearnable() -> tuple[Flow, ...]:
    """Drop frames whose source cannot be a station: a group address or all zero (IEEE 802.3)."""
    group, zero = ("01:00:00:00:00:00", "01:00:00:00:00:00"), "00:00:00:00:00:00"
    return tuple(
        drop(Table.LEARNING, Priority.FORBIDDEN, match({"eth_src": source}))
        for source in (group, zero)
    )


def unknown() -> Flow:
    """Send a copy of frames from unknown sources to the controller, and forward them at once."""
    return miss(
        Table.LEARNING,
        *_SHOW,
        producer=Cookie.LEARNING,
    )


def showing() -> tuple[Flow, ...]:
    """Send a packet-in for a frame that is not too long for one.

    Open vSwitch translates all actions after a length check twice. So these tables process a copy,
    and the frame itself takes another way.
    """
    return (
        miss(
            Table.MEASURING,
            CheckLength(LONGEST_SHOWN, LENGTH),
            *onward(Table.MEASURING, Way.TO_CONTROLLER, by=Resubmit),
            producer=Cookie.LEARNING,
        ),
        flow(
            Table.SHOWING,
            Priority.DEFAULT,
            match({LENGTH: 0}),
            ToController(ETHERNET_HEADER),
            producer=Cookie.LEARNING,
        ),
    )


def known(binding: int, logical_switch: int, mac: str, aging: int) -> Flow:
    """Pass frames of a learned station; the flow ends after ``aging`` seconds without one.

    ``binding`` and ``logical_switch`` are numbers.
    """
    return narrowed(_known(binding, logical_switch, aging), "eth_src", mac)


@lru_cache(maxsize=1 << 12)
def _known(binding: int, logical_switch: int, aging: int) -> Flow:
    return flow(
        Table.LEARNING,
        Priority.DEFAULT,
        match({LOGICAL_SWITCH: logical_switch, SOURCE_BINDING: binding}),
        *_ON,
        producer=Cookie.LEARNING,
        idle_timeout=aging,
        watched=True,
    )


def full_binding(binding: int) -> Flow:
    """Pass frames of unknown stations without a packet-in: the binding's port is at its limit."""
    return _full({SOURCE_BINDING: binding})


def full_logical_switch(logical_switch: int) -> Flow:
    """Pass frames of unknown stations without a packet-in: the logical switch is at its limit."""
    return _full({LOGICAL_SWITCH: logical_switch})


def moving(logical_switch: int, mac: str) -> Flow:
    """Send packet-ins for a station that may move, although its logical switch is at its limit."""
    return flow(
        Table.LEARNING,
        Priority.LIMIT_EXCEPT,
        match({LOGICAL_SWITCH: logical_switch, "eth_src": mac}),
        *_SHOW,
        producer=Cookie.LEARNING,
    )


def held(logical_switch: int, mac: str) -> Flow:
    """Pass frames of a held station from other bindings without a packet-in.

    It replaces moving() for a station that moved too often.
    """
    return flow(
        Table.LEARNING,
        Priority.LIMIT_EXCEPT,
        match({LOGICAL_SWITCH: logical_switch, "eth_src": mac}),
        *_DECIDED,
        producer=Cookie.LEARNING,
    )


def _full(fields: Mapping[str, int]) -> Flow:
    # A frame may match flows of both kinds. Their actions are equal, so either may be used.
    return flow(
        Table.LEARNING,
        Priority.LIMIT,
        match(fields),
        *_DECIDED,
        producer=Cookie.LEARNING,
    )


def station(key: FlowKey) -> tuple[int, int, str] | None:
    """Return the numbers of logical switch and binding, and the MAC, of a known() flow.

    None for every other flow.
    """
    if key.table != Table.LEARNING or key.priority != Priority.DEFAULT:
        return None
    source, mac = source_binding(key.match), dict(key.match).get("eth_src")
    return (*source, mac) if source is not None and isinstance(mac, str) else None


def source(header: bytes) -> str:
    """Return the source address from the bytes of a packet-in of LEARNING."""
    return intern(header[:_MAC_SIZE].hex(":"))


def source_binding(fields: Match) -> tuple[int, int] | None:
    """Return the numbers of the logical switch and binding that a frame came in by.

    None for frames that did not come in by a binding.
    """
    numbers = dict(fields)
    logical_switch, binding = numbers.get(LOGICAL_SWITCH), numbers.get(SOURCE_BINDING)
    if isinstance(logical_switch, int) and isinstance(binding, int):
        return logical_switch, binding
    return None
