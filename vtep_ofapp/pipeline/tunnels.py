"""Encapsulation and decapsulation: one port for each remote VTEP, a VNI for each logical switch."""

from ..values.addresses import ip_number
from ..values.flows import Action, Flow, FlowKey, Output, SetField, match
from .layout import (
    A_TAG_INSIDE,
    FROM_ARP_SOURCE,
    FROM_TUNNEL,
    LOGICAL_SWITCH,
    ORIGIN,
    REMOTE,
    Cookie,
    Priority,
    Table,
    Way,
    cookie_of,
    drop,
    flow,
)
from .ways import onward

_TO_DECAPSULATION = onward(Table.ADMISSION, Way.FROM_TUNNEL)
_INTO_LOGICAL_SWITCH = onward(Table.DECAPSULATION, Way.FROM_TUNNEL)
_TO_TUNNEL = onward(Table.ENCAPSULATION, Way.TO_TUNNEL)


def inner_tags() -> tuple[Flow, ...]:
    """Drop frames with a VLAN tag inside VXLAN, in both directions (RFC 7348, section 6.1)."""
    return tuple(
        drop(table, Priority.FORBIDDEN, match(tag))
        for table in (Table.DECAPSULATION, Table.ENCAPSULATION)
        for tag in A_TAG_INSIDE
    )


def incoming(address: str, ofport: int, is_arp_source: bool = False) -> Flow:
    """Admit frames from the tunnel port of a remote VTEP, and set the VTEP's address on them.

    Those of an ARP source are marked for decapsulation_from_arp_sources().
    """
    return flow(
        Table.ADMISSION,
        Priority.DEFAULT,
        match({"in_port": ofport}),
        *_from(address, is_arp_source),
        producer=Cookie.TUNNELS,
    )


def incoming_from_anyone(ofport: int) -> Flow:
    """Admit frames from the port for VTEPs that no row names; DECAPSULATION may drop them."""
    return flow(
        Table.ADMISSION,
        Priority.DEFAULT,
        match({"in_port": ofport}),
        *_TO_DECAPSULATION,
        producer=Cookie.TUNNELS,
    )


def incoming_bfd(address: str, ofport: int, destination: str, is_arp_source: bool = False) -> Flow:
    """Admit frames as incoming() does, with a match on the destination of BFD packets.

    Open vSwitch 3.1 handles BFD packets to ``destination``, its own address, before any table. A
    BFD packet to another address is dropped. If such a packet comes first, all later BFD packets
    are dropped as well, to any address, unless a flow here matches the address.
    """
    return flow(
        Table.ADMISSION,
        Priority.PREFERRED,
        match(
            {
                "in_port": ofport,
                "eth_type": 0x0800,
                "ip_proto": 17,
                "ipv4_dst": destination,
                "udp_dst": 3784,
            }
        ),
        *_from(address, is_arp_source),
        producer=Cookie.TUNNELS,
    )


def _from(address: str, is_arp_source: bool) -> tuple[Action, ...]:
    mark = (SetField(ORIGIN, FROM_ARP_SOURCE),) if is_arp_source else ()
    return (SetField(REMOTE, ip_number(address)), *mark, *_TO_DECAPSULATION)


def outgoing(address: str, ofport: int) -> Flow:
    """Send frames for a remote VTEP out of its tunnel port."""
    return flow(
        Table.TUNNEL,
        Priority.DEFAULT,
        match({REMOTE: ip_number(address)}),
        Output(ofport),
        producer=Cookie.TUNNELS,
    )


def decapsulation(address: str, vni: int, logical_switch: int) -> Flow:
    """Admit frames with this VNI from a VTEP that rows name for the logical switch.

    They skip LEARNING: stations are learned from bindings only.
    """
    return flow(
        Table.DECAPSULATION,
        Priority.DEFAULT,
        match({REMOTE: ip_number(address), "tunnel_id": vni}),
        SetField(LOGICAL_SWITCH, logical_switch),
        SetField(ORIGIN, FROM_TUNNEL),
        *_INTO_LOGICAL_SWITCH,
        producer=Cookie.TUNNELS,
    )


def decapsulation_of_contested(address: str, vni: int) -> Flow:
    """Drop frames with a VNI from a VTEP where several logical switches have that VNI."""
    return drop(
        Table.DECAPSULATION,
        Priority.DEFAULT,
        match({REMOTE: ip_number(address), "tunnel_id": vni}),
    )


def decapsulation_from_arp_sources(vni: int, logical_switch: int) -> Flow:
    """Admit frames with the VNI of a logical switch with a router from all VTEPs that route.

    One flow of each logical switch, and the mark of each tunnel, stand for those of all pairs. The
    flows of one VTEP, of the priority DEFAULT, come before it: there the VNI may be another one, or
    that of several logical switches.
    """
    return flow(
        Table.DECAPSULATION,
        Priority.LIMIT,
        match({ORIGIN: FROM_ARP_SOURCE, "tunnel_id": vni}),
        SetField(LOGICAL_SWITCH, logical_switch),
        SetField(ORIGIN, FROM_TUNNEL),
        *_INTO_LOGICAL_SWITCH,
        producer=Cookie.TUNNELS,
    )


def decapsulation_from_anyone(vni: int, logical_switch: int) -> Flow:
    """Admit frames with this VNI from any sender (RFC 7348, section 4.1)."""
    return flow(
        Table.DECAPSULATION,
        Priority.FALLBACK,
        match({"tunnel_id": vni}),
        SetField(LOGICAL_SWITCH, logical_switch),
        SetField(ORIGIN, FROM_TUNNEL),
        *_INTO_LOGICAL_SWITCH,
        producer=Cookie.TUNNELS,
    )


def unnamed(vni: int) -> Flow:
    """Drop, and count, frames with this VNI from VTEPs that no row names for its logical switch."""
    return drop(Table.DECAPSULATION, Priority.FALLBACK, match({"tunnel_id": vni}), Cookie.UNNAMED)


def unnamed_vni(key: FlowKey, cookie: int) -> int | None:
    """Return the VNI whose frames a flow drops as unnamed() does, None for any other flow."""
    if cookie != cookie_of(Cookie.UNNAMED):
        return None
    vni = dict(key.match).get("tunnel_id")
    return vni if isinstance(vni, int) else None


def encapsulation(logical_switch: int, vni: int) -> Flow:
    """Set the logical switch's VNI on frames before they enter a tunnel."""
    return flow(
        Table.ENCAPSULATION,
        Priority.DEFAULT,
        match({LOGICAL_SWITCH: logical_switch}),
        SetField("tunnel_id", vni),
        *_TO_TUNNEL,
        producer=Cookie.TUNNELS,
    )


def encapsulation_towards(logical_switch: int, address: str, vni: int | None) -> Flow:
    """Set another VNI on frames for one VTEP, or drop them if there is none."""
    fields = match({LOGICAL_SWITCH: logical_switch, REMOTE: ip_number(address)})
    if not vni:
        return drop(Table.ENCAPSULATION, Priority.PREFERRED, fields)
    return flow(
        Table.ENCAPSULATION,
        Priority.PREFERRED,
        fields,
        SetField("tunnel_id", vni),
        *_TO_TUNNEL,
        producer=Cookie.TUNNELS,
    )
