"""SNOOPING: frames from bindings that state addresses of their sender; see multicast.py, too."""

from functools import lru_cache

from ..values.flows import Flow, FlowKey, MatchValue, Resubmit, SetField, match, narrowed
from .layout import (
    KNOWN,
    LOGICAL_SWITCH,
    SENDER,
    SOURCE_BINDING,
    Cookie,
    Priority,
    Table,
    Way,
    cookie_of,
    drop,
    flow,
    miss,
)
from .ways import first, onward

ARP: dict[str, MatchValue] = {"eth_type": 0x0806}
ICMPV6: dict[str, MatchValue] = {"eth_type": 0x86DD, "ip_proto": 58}
SOLICITATION: dict[str, MatchValue] = {**ICMPV6, "icmpv6_type": 135, "icmpv6_code": 0}
ADVERTISEMENT: dict[str, MatchValue] = {**ICMPV6, "icmpv6_type": 136, "icmpv6_code": 0}
FROM_THIS_LINK: dict[str, MatchValue] = {"nw_ttl": 255}
"""The hop limit of neighbor messages: others were routed (RFC 4861, section 7.1)."""
LINK_LOCAL = "fe80::", "ffc0::"
_NOBODY, _NOBODY_IPV6 = "0.0.0.0", "::"
_REQUEST, _REPLY = 1, 2
_NOT_REPORTED = 1
_ON = onward(Table.SNOOPING, Way.FROM_BINDING)
_SHOW = Resubmit(first(Way.TO_CONTROLLER)), *_ON
_FROM_KNOWN = SetField(SENDER, KNOWN), *_ON


def others() -> Flow:
    """Pass all other frames."""
    return miss(Table.SNOOPING, *_ON, producer=Cookie.NEIGHBOURS)


def statements() -> tuple[Flow, ...]:
    """Send a copy of frames that state an address of their sender to the controller.

    These are ARP packets and neighbor messages, unless LEARNING has decided about the copy. Their
    packet-ins are those of LEARNING. The controller checks their hop limit: a former version could
    not delete a flow that matches it.
    """
    kinds = (
        {**ARP, "arp_op": _REQUEST},
        {**ARP, "arp_op": _REPLY},
        SOLICITATION,
        ADVERTISEMENT,
    )
    return tuple(
        flow(
            Table.SNOOPING,
            Priority.FALLBACK,
            match({**kind, SENDER: 0}),
            *_SHOW,
            producer=Cookie.NEIGHBOURS,
        )
        for kind in kinds
    )


def is_shown(key: FlowKey) -> bool:
    """Whether a flow is one of statements()."""
    return (key.table, key.priority) == (Table.SNOOPING, Priority.FALLBACK)


def no_statements() -> tuple[Flow, ...]:
    """Pass frames that state no address, or one of no use, without a packet-in.

    The sender of an ARP probe (RFC 5227) counts as known if its MAC is: a host that has just moved
    here and probes its own address must not be told that it is taken. An IPv6 host that probes
    never does: the answer would have to go to all hosts.
    """
    probe = match({**ARP, "arp_op": _REQUEST, "arp_spa": _NOBODY, SENDER: 0})
    others: tuple[dict[str, MatchValue], ...] = (
        {**SOLICITATION, "ipv6_src": _NOBODY_IPV6},
        {**SOLICITATION, "ipv6_src": LINK_LOCAL},
        {**ADVERTISEMENT, "ipv6_nd_target": LINK_LOCAL},
    )
    producer, priority = Cookie.NEIGHBOURS, Priority.PREFERRED
    return (
        flow(Table.SNOOPING, priority, probe, *_FROM_KNOWN, producer=producer),
        *(flow(Table.SNOOPING, priority, match(kind), *_ON, producer=producer) for kind in others),
    )


def known(
    binding: int, logical_switch: int, mac: str, ip: str, aging: int, is_reported: bool = True
) -> Flow:
    """Note that the sender of an ARP packet or neighbor message is known, by its MAC and IP.

    The flow ends after ``aging`` seconds without one. ``binding`` and ``logical_switch`` are
    numbers. The cookie says whether the address ``is_reported``.
    """
    place = binding, logical_switch, aging, is_reported
    if ":" in ip:
        return narrowed(narrowed(_known_ipv6(*place), "eth_src", mac), "ipv6_src", ip)
    of_mac = narrowed(_known_ipv4(*place), "eth_src", mac)
    return narrowed(narrowed(of_mac, "arp_sha", mac), "arp_spa", ip)


def says_reported(known: Flow) -> bool:
    """Whether a known() flow, perhaps of a former process, says that its address is reported."""
    return known.cookie == cookie_of(Cookie.NEIGHBOURS)


@lru_cache(maxsize=1 << 12)
def _known_ipv4(binding: int, logical_switch: int, aging: int, is_reported: bool) -> Flow:
    return _known(ARP, binding, logical_switch, aging, is_reported)


@lru_cache(maxsize=1 << 12)
def _known_ipv6(binding: int, logical_switch: int, aging: int, is_reported: bool) -> Flow:
    return _known(ICMPV6, binding, logical_switch, aging, is_reported)


def _known(
    kind: dict[str, MatchValue], binding: int, logical_switch: int, aging: int, is_reported: bool
) -> Flow:
    return flow(
        Table.SNOOPING,
        Priority.LIMIT_EXCEPT,
        match({**kind, LOGICAL_SWITCH: logical_switch, SOURCE_BINDING: binding}),
        *_FROM_KNOWN,
        producer=Cookie.NEIGHBOURS,
        counts_for=0 if is_reported else _NOT_REPORTED,
        idle_timeout=aging,
        watched=True,
    )


def quiet(logical_switch: int, mac: str) -> Flow:
    """Pass what a station states without a packet-in."""
    return _unseen({LOGICAL_SWITCH: logical_switch, "eth_src": mac})


def quiet_binding(binding: int) -> Flow:
    """Pass what the unknown senders of a binding state without a packet-in."""
    return _unseen({SOURCE_BINDING: binding})


def held(logical_switch: int, ip: str) -> tuple[Flow, ...]:
    """Pass statements of an IP address without a packet-in: it moved too often."""
    kinds: tuple[dict[str, MatchValue], ...] = ({**ARP, "arp_spa": ip},)
    if ":" in ip:
        kinds = {**SOLICITATION, "ipv6_src": ip}, {**ADVERTISEMENT, "ipv6_nd_target": ip}
    return tuple(_unseen({**kind, LOGICAL_SWITCH: logical_switch}) for kind in kinds)


def claims(logical_switch: int, ip: str) -> tuple[Flow, ...]:
    """Drop statements of hosts that the address of a router is theirs."""
    kinds: tuple[dict[str, MatchValue], ...] = ({**ARP, "arp_spa": ip},)
    if ":" in ip:
        kinds = {**SOLICITATION, "ipv6_src": ip}, {**ADVERTISEMENT, "ipv6_nd_target": ip}
    return tuple(
        drop(Table.SNOOPING, Priority.FORBIDDEN, match({**kind, LOGICAL_SWITCH: logical_switch}))
        for kind in kinds
    )


def claimed(key: FlowKey) -> tuple[int, str] | None:
    """Return the number of the logical switch and the address of a flow of claims().

    None for every other flow.
    """
    if key.table != Table.SNOOPING or key.priority != Priority.FORBIDDEN:
        return None
    fields = dict(key.match)
    names = ("arp_spa", "ipv6_src", "ipv6_nd_target")
    number = fields.get(LOGICAL_SWITCH)
    ip = next((fields[name] for name in names if name in fields), None)
    return (number, ip) if isinstance(number, int) and isinstance(ip, str) else None


def _unseen(fields: dict[str, MatchValue]) -> Flow:
    # A frame may match several of these. Their actions are equal, so any of them may be used.
    producer = Cookie.NEIGHBOURS
    return flow(Table.SNOOPING, Priority.LIMIT, match(fields), *_ON, producer=producer)


def pair(key: FlowKey) -> tuple[int, int, str, str] | None:
    """Return the numbers of logical switch and binding, the MAC and the IP, of a known() flow.

    None for every other flow.
    """
    if key.table != Table.SNOOPING or key.priority != Priority.LIMIT_EXCEPT:
        return None
    fields = dict(key.match)
    logical_switch, binding = fields.get(LOGICAL_SWITCH), fields.get(SOURCE_BINDING)
    mac, ip = fields.get("eth_src"), fields.get("arp_spa") or fields.get("ipv6_src")
    if not (isinstance(logical_switch, int) and isinstance(binding, int)):
        return None
    if not (isinstance(mac, str) and isinstance(ip, str)):
        return None
    return logical_switch, binding, mac, ip
