"""Why frames are dropped: the reasons, and the flows for frames that match no other."""

from enum import Enum

from ..values.flows import Flow, FlowKey, match
from . import routing
from .layout import DROPPING, Priority, Table, drop, producer_of


class Reason(Enum):
    """Why the pipeline drops a frame; the value is its name for operators.

    The split horizon is none: the copy that would leave where the frame came in is not missed.
    """

    RESERVED_ADDRESS = "reserved-address"
    """It is for 01:80:C2:00:00:00 to 0F, which no bridge forwards."""
    NOT_BOUND = "not-bound"
    """Its VLAN is not bound, or its port is neither bound nor a tunnel."""
    BAD_SOURCE = "bad-source"
    """Its source is a group address, all zero, or the MAC address of a router."""
    CLAIMED_ADDRESS = "claimed-address"
    """It is a statement of a host that the address of a router is its own."""
    NOT_ROUTED = "not-routed"
    """It is for a router's MAC address, and either no IP packet or from a tunnel."""
    MARTIAN = "martian"
    """Its source or destination is one that no router forwards from or to."""
    ROUTER_ADDRESS = "router-address"
    """It is for an address of a router, which does not serve such packets, or of its link."""
    TTL = "ttl"
    """Its TTL is 0."""
    BROADCAST = "broadcast"
    """It is for the broadcast address of a subnet behind a router."""
    UNRESOLVED = "unresolved"
    """Its next hop is asked for its MAC address, or did not answer."""
    INNER_TAG = "inner-tag"
    """It carries a tag inside VXLAN, or would leave untagged with a tag inside."""
    UNKNOWN_VNI = "unknown-vni"
    """It came from a tunnel with a VNI of no logical switch that is bound here."""
    UNKNOWN_SENDER = "unknown-sender"
    """It came from a VTEP that no row of its logical switch names."""
    SHARED_VNI = "shared-vni"
    """It came with a VNI that rows of several logical switches claim at that VTEP."""
    NO_VNI = "no-vni"
    """Its logical switch has no VNI, or none towards that VTEP."""
    NO_TUNNEL = "no-tunnel"
    """There is no tunnel port to that VTEP."""


_REASONS: dict[tuple[int, int], Reason] = {
    (Table.ADMISSION, Priority.FORBIDDEN): Reason.RESERVED_ADDRESS,
    (Table.ADMISSION, Priority.MISS): Reason.NOT_BOUND,
    (Table.DECAPSULATION, Priority.FORBIDDEN): Reason.INNER_TAG,
    (Table.DECAPSULATION, Priority.DEFAULT): Reason.SHARED_VNI,
    (Table.DECAPSULATION, Priority.FALLBACK): Reason.UNKNOWN_SENDER,
    (Table.DECAPSULATION, Priority.MISS): Reason.UNKNOWN_VNI,
    (Table.LEARNING, Priority.FORBIDDEN): Reason.BAD_SOURCE,
    (Table.SNOOPING, Priority.FORBIDDEN): Reason.CLAIMED_ADDRESS,
    (Table.RESOLUTION, Priority.FORBIDDEN): Reason.NOT_ROUTED,
    (Table.ROUTER, Priority.LIMIT): Reason.NOT_ROUTED,
    (Table.TERMINATION, Priority.FORBIDDEN): Reason.MARTIAN,
    (Table.TERMINATION, Priority.DEFAULT): Reason.ROUTER_ADDRESS,
    (Table.TERMINATION, Priority.LIMIT): Reason.TTL,
    (Table.ROUTES, routing.BROADCASTS): Reason.BROADCAST,
    (Table.NEXT_HOPS, Priority.LIMIT): Reason.UNRESOLVED,
    (Table.NEXT_HOPS, Priority.FALLBACK): Reason.UNRESOLVED,
    (Table.ENCAPSULATION, Priority.FORBIDDEN): Reason.INNER_TAG,
    (Table.ENCAPSULATION, Priority.PREFERRED): Reason.NO_VNI,
    (Table.ENCAPSULATION, Priority.MISS): Reason.NO_VNI,
    (Table.TUNNEL, Priority.MISS): Reason.NO_TUNNEL,
    (Table.EGRESS, Priority.FORBIDDEN): Reason.INNER_TAG,
}
"""The reason of the flows that drop frames, by their table and priority."""


def misses() -> tuple[Flow, ...]:
    """Drop frames that match no other flow of a table, where such frames have a reason."""
    return tuple(
        drop(Table(table), Priority.MISS, match({}))
        for table, priority in _REASONS
        if priority == Priority.MISS
    )


def reason(key: FlowKey, cookie: int) -> Reason | None:
    """Return why a flow drops frames, None for a flow that does not, and for the split horizon."""
    if producer_of(cookie) not in DROPPING:
        return None
    return reason_at(key.table, key.priority)


def reason_at(table: int, priority: int) -> Reason | None:
    """Return why a flow of a table, which drops frames, does so; None for the split horizon."""
    return _REASONS.get((table, priority))
