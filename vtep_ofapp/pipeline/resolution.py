"""RESOLUTION: requests for the MAC of an IP address are answered where it is known."""

from ..values.flows import Flow
from .layout import Cookie, Table, Way, miss
from .ways import onward


def others() -> Flow:
    """Pass all other frames to the look-up of their destination."""
    on = onward(Table.RESOLUTION, Way.IN_LOGICAL_SWITCH)
    return miss(Table.RESOLUTION, *on, producer=Cookie.NEIGHBOURS)
