"""LEARNING: frames of known stations pass; those of others pass, and the controller gets a copy."""

from collections.abc import Mapping
from functools import lru_cache
from sys import intern

from ..values.flows import (
    CheckLength,
    Flow,
    FlowKey,
    Match,
    Resubmit,
    ToController,
    match,
    narrowed,
)
from .layout import (
    LENGTH,
    LOGICAL_SWITCH,
    SOURCE_BINDING,
    Cookie,
    Priority,
    Table,
    Way,
    first,
    flow,
    miss,
    onward,
)

ETHERNET_HEADER = 14
"""Bytes of a frame that the controller needs: its addresses."""
LONGEST_SHOWN = 16384
"""Bytes of the longest frame that is shown to the controller.

Open vSwitch (2.7 and later) sends the whole frame, whatever it is asked for, and the length of a
message of OpenFlow has 16 bits. A station with longer frames is learned from its shorter ones.
"""
_ON = onward(Table.LEARNING, Way.FROM_BINDING)
_SHOW = Resubmit(first(Way.TO_CONTROLLER)), *_ON


def unlearnable() -> tuple[Flow, ...]:
    """Drop frames whose source cannot be a station: a group address or all zero (IEEE 802.3)."""
    group, zero = ("01:00:00:00:00:00", "01:00:00:00:00:00"), "00:00:00:00:00:00"
    return tuple(
        flow(
            Table.LEARNING, Priority.FORBIDDEN, match({"eth_src": source}), producer=Cookie.LEARNING
        )
        for source in (group, zero)
    )


def unknown() -> Flow:
    """Show frames from unknown sources to the controller; they do not wait for it."""
    return miss(
        Table.LEARNING,
        *_SHOW,
        producer=Cookie.LEARNING,
    )


def showing() -> tuple[Flow, ...]:
    """Show a frame to the controller if its length allows that.

    Open vSwitch translates twice whatever follows a check of the length, so this is apart from
    where the frame goes.
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

    Binding and logical switch are given by their numbers.
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
    """Show frames of a station that moves, although its logical switch is at its limit."""
    return flow(
        Table.LEARNING,
        Priority.LIMIT_EXCEPT,
        match({LOGICAL_SWITCH: logical_switch, "eth_src": mac}),
        *_SHOW,
        producer=Cookie.LEARNING,
    )


def held(logical_switch: int, mac: str) -> Flow:
    """Pass frames of a station that moved too often, without a packet-in, from all other bindings.

    It replaces moving().
    """
    return flow(
        Table.LEARNING,
        Priority.LIMIT_EXCEPT,
        match({LOGICAL_SWITCH: logical_switch, "eth_src": mac}),
        *_ON,
        producer=Cookie.LEARNING,
    )


def _full(fields: Mapping[str, int]) -> Flow:
    # A frame may match flows of both kinds; they do the same, so that either may win.
    return flow(
        Table.LEARNING,
        Priority.LIMIT,
        match(fields),
        *_ON,
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
    """Return the source address in the bytes that a packet-in of LEARNING shows."""
    return intern(header.hex(":"))


def source_binding(fields: Match) -> tuple[int, int] | None:
    """Return the numbers of the logical switch and binding that a frame came in by.

    None for frames that did not come in by a binding.
    """
    numbers = dict(fields)
    logical_switch, binding = numbers.get(LOGICAL_SWITCH), numbers.get(SOURCE_BINDING)
    if isinstance(logical_switch, int) and isinstance(binding, int):
        return logical_switch, binding
    return None
