"""Everything that the pipeline can ask a switch for, as strategies of hypothesis."""

import inspect
import re
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias, TypeVar

from hypothesis import strategies as st

from vtep_ofapp.pipeline import (
    acls,
    admission,
    answers,
    arp_sources,
    drops,
    egress,
    flooding,
    learning,
    multicast,
    next_hops,
    resolution,
    routing,
    snooping,
    tunnels,
    unicast,
)
from vtep_ofapp.pipeline.layout import ACL_OF_INTERFACE, EXPIRED, UNROUTED, UNSERVED, Cookie, Table
from vtep_ofapp.pipeline.ways import Step
from vtep_ofapp.values.addresses import ip_text
from vtep_ofapp.values.flow_changes import FlowChange, GroupChange
from vtep_ofapp.values.flows import Flow, Group, SetField
from vtep_ofapp.values.routers import prefix_of

from .acl_examples import ENTRIES
from .builders import binding

K = TypeVar("K", Flow, Group)
Made: TypeAlias = "Flow | Group | Iterable[Made]"

NUMBERS = st.integers(0, (1 << 24) - 1)
"""Numbers of logical switches, and VNIs."""
PORTS = st.integers(1, 0xFF00)
MACS = st.integers(0, (1 << 48) - 1).map(lambda mac: mac.to_bytes(6, "big").hex(":"))
ADDRESSES = st.ip_addresses(v=4).map(str)
IPS = st.ip_addresses().map(lambda ip: ip_text(int(ip), ip.version == 6))
"""IPv4 and IPv6 addresses as the codec spells them."""
BINDINGS = st.builds(
    binding,
    ofport=PORTS,
    vlan=st.integers(0, 4094),
    members=st.lists(PORTS, min_size=1, max_size=5).map(tuple),
)
BINDING_NUMBERS = BINDINGS.map(lambda each: each.number)
SEVERAL_BINDINGS = st.lists(BINDING_NUMBERS, max_size=5)
STEPS = st.sampled_from([(), (Step(Table.DELIVERY),)])
"""Optional tables on a binding's way out."""
INGRESS_STEPS, EGRESS_STEPS = (
    st.sampled_from(
        [(), (Step(table, (SetField(ACL_OF_INTERFACE, 7),)),), (Step(table, (), is_shut=True),)]
    )
    for table in (Table.ACL_ROUTER_INGRESS, Table.ACL_ROUTER_EGRESS)
)
"""Access lists of an interface, for packets into and out of a router."""
PREFIXES = IPS.flatmap(
    lambda ip: st.integers(0, 128 if ":" in ip else 32).map(lambda length: prefix_of(ip, length))
)
ACL_TABLES = st.sampled_from((*acls.INGRESS, *acls.EGRESS, *acls.OF_INTERFACE.tables))
TARGETS = st.dictionaries(ADDRESSES, PORTS, max_size=5)

PRODUCERS: dict[Callable[..., Any], tuple[st.SearchStrategy[Any], ...]] = {
    acls.misses: (),
    acls.misses_of_routers: (),
    acls.refuse_all: (NUMBERS, ACL_TABLES),
    acls.refuse_cut: (
        NUMBERS,
        st.tuples(st.sampled_from((0x0800, 0x86DD)), st.sampled_from((6, 132))),
        ACL_TABLES,
    ),
    acls.flows: (NUMBERS, ENTRIES, st.integers(1, 60000), ACL_TABLES),
    admission.link_local: (),
    admission.bound: (BINDINGS, NUMBERS),
    learning.unlearnable: (),
    learning.unknown: (),
    learning.showing: (),
    learning.known: (BINDING_NUMBERS, NUMBERS, MACS, st.integers(1, 0xFFFF)),
    learning.full_binding: (BINDING_NUMBERS,),
    learning.full_logical_switch: (NUMBERS,),
    learning.moving: (NUMBERS, MACS),
    learning.held: (NUMBERS, MACS),
    snooping.others: (),
    snooping.statements: (),
    snooping.no_statements: (),
    snooping.known: (BINDING_NUMBERS, NUMBERS, MACS, IPS, st.integers(1, 0xFFFF)),
    snooping.quiet: (NUMBERS, MACS),
    snooping.quiet_binding: (BINDING_NUMBERS,),
    snooping.held: (NUMBERS, IPS),
    snooping.claims: (NUMBERS, IPS),
    resolution.others: (),
    resolution.own_address: (NUMBERS, IPS, MACS, st.booleans()),
    resolution.answers_to_tunnels: (),
    arp_sources.own: (MACS,),
    arp_sources.of_other: (MACS, ADDRESSES),
    arp_sources.for_others: (NUMBERS,),
    arp_sources.quiet: (BINDING_NUMBERS, ADDRESSES | st.just("")),
    arp_sources.departures: (NUMBERS, MACS, MACS, st.booleans()),
    routing.others: (),
    routing.tables: (),
    routing.showing: (
        st.sampled_from((UNROUTED, EXPIRED, UNSERVED)),
        st.sampled_from((Cookie.ROUTING, Cookie.NEXT_HOPS)),
    ),
    routing.unanswered: (BINDING_NUMBERS, st.integers(0, (1 << 32) - 1), IPS | st.just("")),
    routing.interface: (NUMBERS, NUMBERS, MACS, st.booleans(), INGRESS_STEPS, INGRESS_STEPS),
    routing.for_any_router: (NUMBERS, NUMBERS, INGRESS_STEPS, INGRESS_STEPS),
    routing.arp_source: (MACS, st.booleans()),
    routing.imitation: (NUMBERS, MACS),
    routing.own_address: (NUMBERS, MACS, IPS),
    routing.route: (NUMBERS, MACS, PREFIXES, NUMBERS, st.just(""), EGRESS_STEPS),
    routing.broadcasts: (NUMBERS, st.lists(ADDRESSES, min_size=1, max_size=2)),
    next_hops.tables: (),
    next_hops.resolved: (NUMBERS, IPS, MACS),
    next_hops.answered: (NUMBERS, IPS, MACS, st.integers(1, 0xFFFF)),
    next_hops.pending: (NUMBERS, IPS),
    answers.awaited: (NUMBERS, IPS),
    answers.takeovers: (NUMBERS, IPS, MACS),
    answers.quiet_binding: (
        BINDING_NUMBERS,
        NUMBERS,
        st.lists(IPS.filter(lambda ip: ":" in ip), max_size=2, unique=True),
    ),
    answers.quiet_remote: (ADDRESSES,),
    resolution.responder: (NUMBERS, IPS, MACS),
    resolution.answers: (),
    tunnels.inner_tags: (),
    tunnels.incoming: (ADDRESSES, PORTS, st.booleans()),
    tunnels.incoming_from_anyone: (PORTS,),
    tunnels.decapsulation_of_contested: (ADDRESSES, NUMBERS),
    tunnels.decapsulation_from_anyone: (NUMBERS, NUMBERS),
    tunnels.decapsulation_from_arp_sources: (NUMBERS, NUMBERS),
    tunnels.unnamed: (NUMBERS,),
    tunnels.incoming_bfd: (ADDRESSES, PORTS, ADDRESSES, st.booleans()),
    tunnels.outgoing: (ADDRESSES, PORTS),
    tunnels.decapsulation: (ADDRESSES, NUMBERS, NUMBERS),
    tunnels.encapsulation: (NUMBERS, NUMBERS),
    tunnels.encapsulation_towards: (NUMBERS, ADDRESSES, st.none() | NUMBERS),
    unicast.elsewhere: (),
    unicast.local: (BINDING_NUMBERS, NUMBERS, MACS),
    unicast.remote: (NUMBERS, MACS, ADDRESSES),
    egress.inner_tags: (),
    egress.bound: (BINDINGS, NUMBERS, STEPS),
    flooding.local: (NUMBERS, st.lists(BINDINGS, max_size=5)),
    flooding.replicated: (NUMBERS, TARGETS.filter(bool), st.booleans()),
    flooding.multicast: (NUMBERS, NUMBERS, MACS, TARGETS.filter(bool), st.booleans()),
    drops.misses: (),
    flooding.no_remote: (),
    flooding.alive: (),
    flooding.again: (),
    multicast.shown: (),
    multicast.unheard: (BINDING_NUMBERS,),
    multicast.controlled: (
        NUMBERS,
        SEVERAL_BINDINGS,
        st.lists(ADDRESSES, max_size=3),
        st.booleans(),
    ),
    multicast.members: (NUMBERS, NUMBERS, MACS, SEVERAL_BINDINGS.filter(bool)),
}
"""Each function of the pipeline that makes flows or groups, and what it takes."""


MODULES = (
    *(acls, admission, learning, multicast, snooping, resolution, tunnels, unicast),
    *(egress, flooding, drops, routing, next_hops, answers, arp_sources),
)


def makers() -> set[Callable[..., object]]:
    """Return all functions of the pipeline that make flows or groups."""
    return {
        function
        for module in MODULES
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__
        and not name.startswith("_")
        and re.search(r"flows\.(Flow|Group)\b", str(function.__annotations__["return"]))
    }


def _parts(made: Made, kind: type[K]) -> list[K]:
    """Return the flows, or the groups, in what a function of the pipeline made."""
    if isinstance(made, Flow | Group):
        return [made] if isinstance(made, kind) else []
    return [part for each in made for part in _parts(each, kind)]


def _made(kind: type[K], makers: Iterable[Callable[..., Any]]) -> st.SearchStrategy[K]:
    """Return what yields the flows, or the groups, that these functions make."""
    made = st.one_of([st.builds(maker, *PRODUCERS[maker]) for maker in makers])
    return made.flatmap(lambda each: st.sampled_from(_parts(each, kind)))


BRIDGE_GROUPS = (flooding.alive, flooding.again)
FLOWS = _made(Flow, [maker for maker in PRODUCERS if maker not in BRIDGE_GROUPS])
GROUPS = _made(
    Group,
    [flooding.local, flooding.replicated, flooding.multicast, multicast.members, *BRIDGE_GROUPS],
)
CHANGES = st.one_of(
    FLOWS.map(lambda flow: FlowChange(flow.key, flow)),
    FLOWS.map(lambda flow: FlowChange(flow.key, None)),
    st.builds(lambda group, exists: GroupChange(group.id, group, exists), GROUPS, st.booleans()),
    GROUPS.map(lambda group: GroupChange(group.id, None, exists=True)),
)
