"""The groups of tables that we read and write; a keeper can use those of earlier groups."""

from collections.abc import Sequence

from ..declarations import Group
from . import (
    acls,
    arp_sources,
    faults,
    locators,
    logical_routers,
    logical_switches,
    multicast_macs,
    physical_ports,
    physical_switches,
    tunnels,
    unicast_macs,
)

GROUPS: Sequence[Group] = (
    locators.GROUP,
    logical_switches.GROUP,
    multicast_macs.GROUP,
    unicast_macs.GROUP,
    physical_ports.GROUP,
    tunnels.GROUP,
    physical_switches.GROUP,
    logical_routers.GROUP,
    arp_sources.GROUP,
    acls.GROUP,
    faults.GROUP,
)
