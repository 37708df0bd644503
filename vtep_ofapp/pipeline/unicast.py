"""UNICAST: frames for a known station go to its binding or its remote VTEP."""

from functools import lru_cache

from ..values.addresses import ip_number, ip_text
from ..values.flows import Flow, GoTo, SetField, match, narrowed
from .layout import (
    FROM_BINDING,
    LOGICAL_SWITCH,
    ORIGIN,
    REMOTE,
    TARGET_BINDING,
    Cookie,
    Priority,
    Table,
    Way,
    flow,
    miss,
)
from .ways import first, onward


def elsewhere() -> Flow:
    """Flood every frame that is not for a known station."""
    onwards = onward(Table.UNICAST, Way.SWITCHING)
    return miss(Table.UNICAST, *onwards, producer=Cookie.UNICAST)


def local(binding: int, logical_switch: int, mac: str) -> Flow:
    """Send frames for a learned station to its binding; binding and logical switch are numbers."""
    return narrowed(_to_binding(binding, logical_switch), "eth_dst", mac)


@lru_cache(maxsize=1 << 12)
def _to_binding(binding: int, logical_switch: int) -> Flow:
    return flow(
        Table.UNICAST,
        Priority.DEFAULT,
        match({LOGICAL_SWITCH: logical_switch}),
        SetField(TARGET_BINDING, binding),
        GoTo(first(Way.TO_BINDING)),
        producer=Cookie.UNICAST,
    )


def remote(logical_switch: int, mac: str, address: str) -> Flow:
    """Send frames for a station of Ucast_Macs_Remote to the VTEP at ``address``.

    It has precedence over local(), as rows of the NVC have. Frames from a tunnel do not match it.
    """
    return narrowed(_to_vtep(logical_switch, address), "eth_dst", mac)


@lru_cache(maxsize=1 << 14)
def _to_vtep(logical_switch: int, address: str) -> Flow:
    return flow(
        Table.UNICAST,
        Priority.PREFERRED,
        match({LOGICAL_SWITCH: logical_switch, ORIGIN: FROM_BINDING}),
        SetField(REMOTE, ip_number(address)),
        GoTo(first(Way.TO_TUNNEL)),
        producer=Cookie.UNICAST,
    )


def target(flow: Flow) -> str:
    """Return the address of the VTEP that a remote() flow sends to."""
    return next(
        ip_text(action.value, is_ipv6=False)
        for action in flow.actions
        if isinstance(action, SetField) and isinstance(action.value, int) and action.field == REMOTE
    )
