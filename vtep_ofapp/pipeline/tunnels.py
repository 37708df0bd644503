"""Into and out of VXLAN: one port for each remote VTEP, one key for each logical switch."""

from ..flows import Flow, GoTo, Output, SetField, match
from ..values import ipv4_number
from .layout import (
    FROM_TUNNEL,
    LOGICAL_SWITCH,
    ORIGIN,
    REMOTE,
    Cookie,
    Priority,
    Table,
    flow,
)


def port(address: str, ofport: int) -> tuple[Flow, ...]:
    """Join the tunnel port of a remote VTEP to its address, in both directions."""
    remote = ipv4_number(address)
    received = flow(
        Table.ADMISSION,
        Priority.DEFAULT,
        match({"in_port": ofport}),
        SetField(REMOTE, remote),
        GoTo(Table.DECAPSULATION),
        producer=Cookie.TUNNELS,
    )
    sent = flow(
        Table.TUNNEL,
        Priority.DEFAULT,
        match({REMOTE: remote}),
        Output(ofport),
        producer=Cookie.TUNNELS,
    )
    return received, sent


def decapsulation(address: str, vni: int, logical_switch: int) -> Flow:
    """Admit frames with this VNI from a VTEP that the NVC named for the logical switch.

    They pass by LEARNING: stations are learned from bindings only.
    """
    return flow(
        Table.DECAPSULATION,
        Priority.DEFAULT,
        match({REMOTE: ipv4_number(address), "tunnel_id": vni}),
        SetField(LOGICAL_SWITCH, logical_switch),
        SetField(ORIGIN, FROM_TUNNEL),
        GoTo(Table.UNICAST),
        producer=Cookie.TUNNELS,
    )


def encapsulation(logical_switch: int, vni: int) -> Flow:
    """Give frames of the logical switch its VNI before they enter a tunnel."""
    return flow(
        Table.ENCAPSULATION,
        Priority.DEFAULT,
        match({LOGICAL_SWITCH: logical_switch}),
        SetField("tunnel_id", vni),
        GoTo(Table.TUNNEL),
        producer=Cookie.TUNNELS,
    )
