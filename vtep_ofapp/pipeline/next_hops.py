"""NEXT_HOPS: a packet that was routed gets the MAC address of its next hop."""

from collections.abc import Iterable
from functools import lru_cache

from ..values.addresses import ip_number, ip_text
from ..values.flows import (
    Action,
    Flow,
    FlowKey,
    GoTo,
    Match,
    Resubmit,
    SetField,
    match,
)
from ..values.packets import PacketOut
from .layout import (
    ACL_OF_INTERFACE,
    ANSWERS,
    DETECTS,
    LOGICAL_SWITCH,
    NEXT_HOP,
    NEXT_HOP_PARTS,
    UNRESOLVED,
    Cookie,
    Priority,
    Table,
    Way,
    cookie_of,
    drop,
    flow,
    miss,
)
from .routing import FORGET_ARRIVAL, IPV4, IPV6, showing, shown
from .ways import Step, first, onward

_ON = onward(Table.NEXT_HOPS, Way.ROUTING)
_TABLE, _PRIORITY = Table.NEXT_HOPS.value, int(Priority.DEFAULT)
_COOKIE = cookie_of(Cookie.NEXT_HOPS)
_ANSWERED = 1
"""The number in the cookie of a next hop that answered a request of ours."""


def tables() -> tuple[Flow, ...]:
    """Return the flows that every bridge with a router has: unknown next hops are shown."""
    return (
        miss(Table.NEXT_HOPS, *shown(UNRESOLVED), producer=Cookie.NEXT_HOPS),
        *(showing(why, Cookie.NEXT_HOPS) for why in (UNRESOLVED, ANSWERS, DETECTS)),
    )


def resolved(logical_switch: int, ip: str, mac: str) -> Flow:
    """Send packets whose next hop is an address in a logical switch, by its number, to a MAC."""
    # There may be very many of these flows: they share all but the address and the MAC.
    key = FlowKey(_TABLE, _PRIORITY, _fields(logical_switch, ip))
    return Flow(key, _towards(mac), _COOKIE)


def answered(logical_switch: int, ip: str, mac: str, idle: int) -> Flow:
    """Return resolved() for a next hop that answered us: it ends ``idle`` seconds after its use."""
    return flow(
        Table.NEXT_HOPS,
        Priority.DEFAULT,
        _fields(logical_switch, ip),
        *_towards(mac),
        producer=Cookie.NEXT_HOPS,
        counts_for=_ANSWERED,
        idle_timeout=idle,
        watched=True,
    )


def pending(logical_switch: int, ip: str) -> Flow:
    """Drop packets for a next hop that is asked, or did not answer."""
    return drop(Table.NEXT_HOPS, Priority.LIMIT, _fields(logical_switch, ip))


def next_hop(key: FlowKey) -> tuple[int, str] | None:
    """Return the number of the logical switch and the address of a resolved() or answered() flow.

    None for every other flow.
    """
    if key.table != Table.NEXT_HOPS or key.priority != Priority.DEFAULT:
        return None
    fields = dict(key.match)
    logical_switch = fields.get(LOGICAL_SWITCH)
    if not isinstance(logical_switch, int):
        return None
    return logical_switch, next_hop_in(key.match, fields.get("eth_type") == IPV6["eth_type"])


def next_hop_in(fields: Match, is_ipv6: bool) -> str:
    """Return the address of the next hop in the registers of a flow, or of a packet-in.

    Registers that are 0 are missing from packet-ins.
    """
    values = dict(fields)
    number = 0
    for name in NEXT_HOP_PARTS if is_ipv6 else (NEXT_HOP,):
        part = values.get(name, 0)
        number = number << 32 | (part if isinstance(part, int) else 0)
    return ip_text(number, is_ipv6)


def says_answered(flow: Flow) -> bool:
    """Whether a flow of NEXT_HOPS, perhaps of a former process, is an answered() one."""
    return flow.idle_timeout > 0


def mac(flow: Flow) -> str:
    """Return the MAC address that a resolved() or answered() flow sends to."""
    return next(str(each.value) for each in flow.actions if isinstance(each, SetField))


def _fields(logical_switch: int, ip: str) -> Match:
    """Return the fields of a match, which are sorted by their names."""
    number = ip_number(ip)
    if ":" not in ip:
        return *_where(logical_switch, False), (NEXT_HOP, number)
    parts = (number >> shift & 0xFFFFFFFF for shift in (96, 64, 32, 0))
    return *_where(logical_switch, True), *zip(NEXT_HOP_PARTS, parts, strict=True)


@lru_cache(maxsize=1 << 12)
def _where(logical_switch: int, is_ipv6: bool) -> Match:
    """Return the fields that all next hops of a family in a logical switch share."""
    return match({LOGICAL_SWITCH: logical_switch, **(IPV6 if is_ipv6 else IPV4)})


@lru_cache(maxsize=1 << 14)  # a MAC address may have several addresses, and very many flows
def _towards(mac: str) -> tuple[Action, ...]:
    return SetField("eth_dst", mac), *FORGET_ARRIVAL, *_ON


# Packets of the controller


def send_on(frame: bytes, logical_switch: int, steps: Iterable[Step], mac: str) -> PacketOut | None:
    """Return the packet-out that sends a packet, which was shown as unresolved, to a MAC address.

    ``steps`` are those of its interface; None if one of them is shut.
    """
    ahead = [step for step in steps if step.table == Table.ACL_ROUTER_EGRESS]
    if any(step.is_shut for step in ahead):
        return None
    lists = [action for step in ahead for action in step.carrying]
    fields = (
        SetField(LOGICAL_SWITCH, logical_switch),
        *(lists or [SetField(ACL_OF_INTERFACE, 0)]),
        SetField("eth_dst", mac),
    )
    on = tuple(Resubmit(each.table) for each in _ON if isinstance(each, GoTo))
    return PacketOut(frame, (*fields, *on))


def ask(frame: bytes, logical_switch: int) -> PacketOut:
    """Return the packet-out that sends a request as any frame of a host in the logical switch."""
    return PacketOut(
        frame, (SetField(LOGICAL_SWITCH, logical_switch), Resubmit(first(Way.SWITCHING)))
    )
