"""SNOOPING: frames from bindings that state addresses of their sender, or join groups."""

from ..values.flows import Flow
from .layout import Cookie, Table, Way, miss
from .ways import onward


def others() -> Flow:
    """Pass all other frames."""
    on = onward(Table.SNOOPING, Way.FROM_BINDING)
    return miss(Table.SNOOPING, *on, producer=Cookie.NEIGHBOURS)
