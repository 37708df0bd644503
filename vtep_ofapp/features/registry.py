"""The list of features. A new feature is a module, and a line here."""

from ..engine.feature import Feature
from . import (
    announcements,
    bridge,
    description,
    drops,
    local_macs,
    local_mcast_macs,
    presence,
    refused_rows,
    replication,
    unicast,
)
from .acls import feature as acls
from .arp_sources import feature as arp_sources
from .bindings import feature as bindings
from .icmp_errors import feature as icmp_errors
from .learning import feature as learning
from .logical_switches import feature as logical_switches
from .multicast import feature as multicast
from .neighbours import feature as neighbours
from .next_hops import feature as next_hops
from .routers import feature as routers
from .routing import feature as routing
from .tunnels import feature as tunnels

FEATURES: tuple[Feature, ...] = (
    bridge.FEATURE,
    drops.FEATURE,
    bindings.FEATURE,
    presence.FEATURE,
    learning.FEATURE,
    logical_switches.FEATURE,
    tunnels.FEATURE,
    unicast.FEATURE,
    neighbours.FEATURE,
    replication.FEATURE,
    routers.FEATURE,
    icmp_errors.FEATURE,
    next_hops.FEATURE,
    announcements.FEATURE,
    arp_sources.FEATURE,
    routing.FEATURE,
    acls.FEATURE,
    refused_rows.FEATURE,
    local_macs.FEATURE,
    local_mcast_macs.FEATURE,
    multicast.FEATURE,
    description.FEATURE,
)
"""Features handle changes in this order, and their states are created in this order."""
