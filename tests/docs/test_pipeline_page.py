"""The numbers and flows of docs/pipeline.md are those of the code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Address
from itertools import combinations, product
from typing import Any
from uuid import UUID

from tests.docs.pages import ROOT, code, section, table
from tests.unit.declared import check_flow, check_group, nexts
from tests.unit.reading import kind_of_group
from vtep_ofapp.pipeline import (
    acls,
    admission,
    answers,
    arp_sources,
    drops,
    egress,
    flooding,
    layout,
    learning,
    multicast,
    next_hops,
    resolution,
    routing,
    snooping,
    tunnels,
    unicast,
)
from vtep_ofapp.pipeline.layout import WAYS, Cookie, GroupKind, Priority, Table
from vtep_ofapp.pipeline.rules import GROUP_RULES, RULES
from vtep_ofapp.pipeline.ways import Step, first
from vtep_ofapp.values.acls import AclEntry, AclMatch
from vtep_ofapp.values.addresses import ip_number
from vtep_ofapp.values.flows import (
    COOKIE_BASE,
    COOKIE_MASK,
    GROUP_BASE,
    GROUP_MASK,
    CheckLength,
    Flow,
    GoTo,
    Group,
    Resubmit,
    SetField,
    ToGroup,
)
from vtep_ofapp.values.rows import Binding

PAGE = ROOT / "docs" / "pipeline.md"
REMOTE = "10.2.2.2"
MAC = "00:11:22:33:44:55"
LOGICAL_SWITCH = 5
VNI = 33
LISTS = [
    Step(each, (SetField(place.register, 7),))
    for place in (acls.OF_PORT, acls.OF_VLAN)
    for each in place.tables
]
"""The steps of a binding with access lists."""
ADDRESSES: dict[int, Any] = {
    family: {"source": (host, mask), "destination": (host, mask)}
    for family, host, mask in ((4, "192.0.2.1", "255.255.255.0"), (6, "2001:db8::1", "ffff::"))
}
ENTRIES = [
    AclEntry(UUID(int=1), 10, is_egress=False, permits=permits, match=match)
    for permits in (True, False)
    for match in (
        AclMatch(MAC, MAC, **ADDRESSES[4], tcp_flags=(2, 2)),
        AclMatch(**ADDRESSES[6], icmp_type=1, icmp_code=2),
        AclMatch(icmp_type=1, icmp_code=2),
        AclMatch(source_ports=(1, 6), dest_ports=(1, 6)),
    )
]
"""Entries of access lists, with all fields."""
OF_LISTS = *acls.INGRESS, *acls.EGRESS
"""The tables of access lists."""


def every_kind_of_flow() -> Iterator[Flow]:
    """At least one flow of each kind that the pipeline has."""
    untagged, tagged, bond = (
        Binding("p0", 1, 0, UUID(int=1), (1,)),
        Binding("p1", 2, 10, UUID(int=1), (2,)),
        Binding("bond", 3, 10, UUID(int=1), (3, 4)),
    )
    yield admission.link_local()
    for binding in (untagged, tagged, bond):
        yield from admission.bound(binding, LOGICAL_SWITCH)
        yield from egress.bound(binding, LOGICAL_SWITCH)
        for steps in ([Step(Table.DELIVERY)], *combinations(LISTS, 1), *combinations(LISTS, 2)):
            yield from admission.bound(binding, LOGICAL_SWITCH, steps)
            yield from egress.bound(binding, LOGICAL_SWITCH, steps)
    yield from every_kind_of_list()
    yield from drops.misses()
    yield tunnels.incoming(REMOTE, 9)
    yield tunnels.outgoing(REMOTE, 9)
    yield tunnels.incoming_bfd(REMOTE, 9, "169.254.1.0")
    yield tunnels.incoming_from_anyone(9)
    yield tunnels.decapsulation(REMOTE, VNI, LOGICAL_SWITCH)
    yield tunnels.decapsulation_of_contested(REMOTE, VNI)
    yield tunnels.decapsulation_from_anyone(VNI, LOGICAL_SWITCH)
    yield tunnels.unnamed(VNI)
    yield tunnels.encapsulation(LOGICAL_SWITCH, VNI)
    yield tunnels.encapsulation_towards(LOGICAL_SWITCH, REMOTE, VNI)
    yield tunnels.encapsulation_towards(LOGICAL_SWITCH, REMOTE, None)
    yield from learning.unlearnable()
    yield learning.known(untagged.number, LOGICAL_SWITCH, MAC, 300)
    yield from tunnels.inner_tags()
    yield from egress.inner_tags()
    yield learning.moving(LOGICAL_SWITCH, MAC)
    yield learning.held(LOGICAL_SWITCH, MAC)
    yield learning.full_binding(untagged.number)
    yield learning.full_logical_switch(LOGICAL_SWITCH)
    yield learning.unknown()
    yield from learning.showing()
    yield unicast.remote(LOGICAL_SWITCH, MAC, REMOTE)
    yield unicast.local(untagged.number, LOGICAL_SWITCH, MAC)
    yield unicast.elsewhere()
    yield from every_kind_of_neighbour(untagged)
    yield flooding.no_remote()
    yield from flooding.local(LOGICAL_SWITCH, [untagged, tagged])[0]
    yield from flooding.replicated(LOGICAL_SWITCH, {REMOTE: 9}, True)[0]
    many = {str(IPv4Address(number)): 9 for number in range(1, layout.TOGETHER + 2)}
    yield from flooding.replicated(LOGICAL_SWITCH, many, True)[0]
    yield from flooding.multicast(LOGICAL_SWITCH, 6, "01:00:5e:00:00:fb", {REMOTE: 9}, False)[0]
    yield from snooped()
    yield from every_kind_of_router()


def every_kind_of_router() -> Iterator[Flow]:
    """At least one flow of each kind that routers have."""
    lists = [
        Step(table, (SetField(layout.ACL_OF_INTERFACE, 7),)) for table in acls.OF_INTERFACE.tables
    ]
    shut = [Step(step.table, is_shut=True) for step in lists]
    yield from (routing.others(), *routing.tables(), *next_hops.tables())
    yield from acls.misses_of_routers()
    yield from resolution.answers_to_tunnels()
    yield routing.imitation(LOGICAL_SWITCH, MAC)
    yield tunnels.incoming(REMOTE, 9, is_arp_source=True)
    yield tunnels.decapsulation_from_arp_sources(VNI, LOGICAL_SWITCH)
    yield from arp_sources.own(MAC)
    yield arp_sources.quiet(1, "")
    yield from arp_sources.of_other(MAC, "192.0.2.1")
    yield from arp_sources.for_others(LOGICAL_SWITCH)
    for serves_tunnels, steps in ((True, lists), (False, shut)):
        yield from routing.interface(3, LOGICAL_SWITCH, MAC, serves_tunnels, steps, steps)
        yield from routing.for_any_router(3, LOGICAL_SWITCH, steps, steps)
        yield from arp_sources.departures(LOGICAL_SWITCH, MAC, MAC, serves_tunnels)
    for ip in ("192.0.2.1", "2001:db8::1"):
        for serves_tunnels in (True, False):
            yield from resolution.own_address(LOGICAL_SWITCH, ip, MAC, serves_tunnels)
        yield from routing.own_address(3, MAC, ip)
        yield from snooping.claims(LOGICAL_SWITCH, ip)
        yield next_hops.resolved(LOGICAL_SWITCH, ip, MAC)
        yield next_hops.pending(LOGICAL_SWITCH, ip)
        yield answers.awaited(LOGICAL_SWITCH, ip)
        yield from answers.takeovers(LOGICAL_SWITCH, ip, MAC)
        for next_hop, steps in (("", lists), (ip, shut), (ip, [])):
            yield routing.route(3, MAC, (ip, 24), LOGICAL_SWITCH, next_hop, steps)
    yield from routing.broadcasts(3, ["192.0.2.255"])
    for source in ("", "192.0.2.1", "2001:db8::1"):
        yield from routing.unanswered(1, 0, source)
    yield from answers.quiet_binding(0x1000, LOGICAL_SWITCH, ["2001:db8::1"])
    yield from answers.quiet_remote(REMOTE)


def every_kind_of_neighbour(binding: Binding) -> Iterator[Flow]:
    """At least one flow of each kind that neighbours have."""
    yield snooping.others()
    yield from snooping.statements()
    yield from snooping.no_statements()
    yield snooping.quiet(LOGICAL_SWITCH, MAC)
    yield snooping.quiet_binding(binding.number)
    yield resolution.others()
    yield from resolution.answers()
    for ip in ("192.0.2.1", "2001:db8::1"):
        for is_reported in (True, False):
            yield snooping.known(binding.number, LOGICAL_SWITCH, MAC, ip, 1200, is_reported)
        yield from snooping.held(LOGICAL_SWITCH, ip)
        yield resolution.responder(LOGICAL_SWITCH, ip, MAC)


def every_kind_of_list() -> Iterator[Flow]:
    """At least one flow of each kind that access lists have."""
    yield from acls.misses()
    for each, entry in product(OF_LISTS, ENTRIES):
        yield from acls.flows(7, entry, Priority.ACL_FIRST, each)
        yield acls.refuse_all(7, each)
        yield from (acls.refuse_cut(7, header, each) for header in acls.headers(entry))


def snooped() -> Iterator[Flow]:
    """At least one flow of each kind that multicast snooping has."""
    yield from multicast.shown()
    yield from multicast.unheard(0x1000)
    yield from multicast.controlled(LOGICAL_SWITCH, [0x1000], [REMOTE])[0]
    yield from multicast.members(LOGICAL_SWITCH, 6, "01:00:5e:01:01:01", [0x1000])[0]


def every_kind_of_group() -> Iterator[Group]:
    """At least one group of each kind that the pipeline has."""
    yield flooding.alive()
    yield flooding.again()
    yield from flooding.local(LOGICAL_SWITCH, [Binding("p0", 1, 0, UUID(int=1), (1,))])[1]
    yield from multicast.controlled(LOGICAL_SWITCH, [0x1000], [])[1]
    yield from multicast.members(LOGICAL_SWITCH, 6, "01:00:5e:01:01:01", [0x1000])[1]
    many = {str(IPv4Address(number)): 9 for number in range(1, layout.TOGETHER + 2)}
    for targets in ({REMOTE: 9}, many):
        yield from flooding.replicated(LOGICAL_SWITCH, targets, True)[1]
        yield from flooding.multicast(LOGICAL_SWITCH, 6, "01:00:5e:00:00:fb", targets, True)[1]


def kind_of(flow: Flow) -> tuple[Any, ...]:
    """Return what the page says of a flow: table, priority, fields, producer, where it goes on."""
    goes_on = {
        Table(action.table).name for action in flow.actions if isinstance(action, GoTo | Resubmit)
    }
    if any(isinstance(action, ToGroup) for action in flow.actions):
        goes_on.add("groups")
    table = Table(flow.key.table)
    fields = frozenset(field for field, _ in flow.key.match)
    priority = flow.key.priority
    if table in OF_LISTS:
        fields &= RULES[table].carried
    elif priority > Priority.ROUTE:
        priority = Priority.ROUTE
    return (
        table.name,
        Priority(priority).name,
        fields,
        Cookie((flow.cookie & ~COOKIE_MASK) >> 28).name,
        frozenset(goes_on),
    )


def test_tables() -> None:
    rows = table(PAGE, "Tables")
    numbers = {code(row["table"])[0]: int(row["number"]) for row in rows}
    assert numbers == {each.name: each.value for each in Table}
    assert list(numbers.values()) == sorted(numbers.values())


def test_what_misses() -> None:
    goes_on = {
        Table(flow.key.table).name: kind_of(flow)[4]
        for flow in every_kind_of_flow()
        if flow.key.priority == Priority.MISS and flow.actions
    }
    counted = {
        Table(flow.key.table).name
        for flow in every_kind_of_flow()
        if flow.key.priority == Priority.MISS and drops.reason(flow.key, flow.cookie)
    }
    for row in table(PAGE, "Tables"):
        (name,), miss = code(row["table"]), row["what is not matched"]
        if name in goes_on:
            assert set(re.findall(r"[A-Z_]{4,}", miss)) == goes_on[name]
        else:
            assert miss.startswith("is dropped")
            assert miss.startswith("is dropped and counted") == (name in counted)
        is_forwarded = name in goes_on and goes_on[name] != {Table.MEASURING.name}
        assert RULES[Table[name]].miss_goes_on == is_forwarded


def test_ways() -> None:
    said = {code(row["way"])[0]: code(row["tables, in their order"]) for row in table(PAGE, "Ways")}
    assert said == {way.name: [each.name for each in tables] for way, tables in WAYS.items()}


def test_what_tables_may_do() -> None:
    said = {
        code(row["table"])[0]: tuple(
            frozenset(code(row[f"may {what}"])) for what in ("match", "set", "do", "enter the way")
        )
        for row in table(PAGE, "What a table may do")
    }
    assert said == {
        each.name: (
            rules.matches,
            rules.sets,
            frozenset(action.__name__ for action in rules.acts),
            frozenset(way.name for way in rules.enters),
        )
        for each, rules in RULES.items()
    }


def test_flows_keep_to_what_their_tables_declare_and_use_all_of_it() -> None:
    flows = list(every_kind_of_flow())
    for flow in flows:
        check_flow(flow)
    for each, rules in RULES.items():
        own = [flow for flow in flows if flow.key.table == each]
        actions = [action for flow in own for action in flow.actions]
        assert {field for flow in own for field, _ in flow.key.match} == rules.matches
        fields = {action.field for action in actions if isinstance(action, SetField)}
        fields |= {action.register for action in actions if isinstance(action, CheckLength)}
        assert fields == rules.sets
        going = GoTo, Resubmit, SetField, CheckLength
        assert {type(action) for action in actions} - set(going) == rules.acts
        entered = {action.table for action in actions if isinstance(action, GoTo | Resubmit)}
        assert {first(way) for way in rules.enters} == entered - nexts(each)


def test_groups_keep_to_what_their_kinds_declare_and_enter_all_ways() -> None:
    groups = list(every_kind_of_group())
    for group in groups:
        check_group(group)
    for kind, rules in GROUP_RULES.items():
        actions = [
            action
            for group in groups
            if kind_of_group(group.id) == kind
            for bucket in group.buckets
            for action in bucket.actions
        ]
        assert {action.field for action in actions if isinstance(action, SetField)} == rules.sets
        entered = {action.table for action in actions if isinstance(action, Resubmit)}
        assert {first(way) for way in rules.enters} == entered


def test_flows() -> None:
    said = {
        (
            code(row["table"])[0],
            code(row["priority"])[0],
            frozenset(code(row["matches"])),
            code(row["cookie"])[0],
            frozenset(row["goes on to"].replace("`", "").split()),
        )
        for row in table(PAGE, "Flows")
    }
    assert said == {kind_of(flow) for flow in every_kind_of_flow()}


def test_every_pipeline_module_has_its_flows_on_the_page() -> None:
    """A module that is added has to be added above as well."""
    modules = {path.stem for path in (ROOT / "vtep_ofapp" / "pipeline").glob("*.py")}
    assert modules - {"__init__", "layout", "rules", "shown", "ways"} == {
        "acls",
        "admission",
        "answers",
        "arp_sources",
        "drops",
        "egress",
        "flooding",
        "learning",
        "multicast",
        "next_hops",
        "resolution",
        "routing",
        "snooping",
        "tunnels",
        "unicast",
    }


def test_fields() -> None:
    for row in table(PAGE, "What a frame carries"):
        (field,), (name,) = code(row["field"]), code(row["name"])
        assert getattr(layout, name) == field
    text = section(PAGE, "What a frame carries")
    assert f"{layout.FROM_BINDING} from a binding, {layout.FROM_TUNNEL} from a tunnel" in text


def test_numbers_of_bindings() -> None:
    text = section(PAGE, "What a frame carries")
    examples = re.findall(r"`(0x[0-9a-f]+)` is (?:VLAN (\d+) of )?port (\d+)", text)
    assert len(examples) == 2
    for number, vlan, port in examples:
        binding = Binding("p", int(port), int(vlan or 0), UUID(int=1), (int(port),))
        assert binding.number == int(number, 16)


def test_priorities() -> None:
    numbers = {code(row["priority"])[0]: int(row["number"]) for row in table(PAGE, "Priorities")}
    assert numbers == {each.name: each.value for each in Priority}


def test_cookies() -> None:
    cookies = {code(row["part"])[0]: code(row["cookie"])[0] for row in table(PAGE, "Cookies")}
    assert cookies == {each.name: f"{layout.cookie_of(each):#x}" for each in Cookie}
    text = section(PAGE, "Cookies")
    for each in layout.DROPPING:
        assert f"cookie={layout.cookie_of(each):#x}/-1" in text
    assert f"`{COOKIE_BASE >> 32:#x}`" in text
    assert f"cookie={COOKIE_BASE:#x}/{COOKIE_MASK:#x}" in text
    assert f"cookie={layout.cookie_of(Cookie.ADMISSION, 1 << 12):#x}/-1" in text
    assert f"cookie={layout.cookie_of(Cookie.ACLS, 0xABCDEF):#x}/-1" in text


def test_drops() -> None:
    said = {
        (code(row["reason"])[0], *flow.split())
        for row in table(PAGE, "Drops")
        for flow in row["flows"].replace("`", "").split(", ")
    }
    assert said == {
        (why.value, *kind_of(flow)[:2])
        for flow in every_kind_of_flow()
        if (why := drops.reason(flow.key, flow.cookie))
    }


def test_parts_whose_flows_count_for_a_binding_a_list_or_a_group() -> None:
    counting = {
        counted[0].name for flow in every_kind_of_flow() if (counted := layout.counted(flow.cookie))
    }
    assert set(re.findall(r"\(([A-Z_]+)\)", section(PAGE, "Cookies"))) == counting
    numbered = {Cookie.ACLS.name, Cookie.MULTICAST.name, Cookie.NEIGHBOURS.name}
    assert counting == numbered | {producer.name for _, producer in layout.COUNTING}


def test_groups() -> None:
    rows = table(PAGE, "Groups")
    said = {code(row["kind"])[0]: (int(row["number"]), code(row["first id"])[0]) for row in rows}
    assert said == {kind.name: (kind.value, f"{layout.group_id(kind, 0):#x}") for kind in GroupKind}
    text = section(PAGE, "Groups")
    assert f"`{GROUP_BASE >> 29:#b}` in the highest three bits" in text
    assert f"up to {layout.CHUNK} locators" in text
    for part in (GroupKind.REPLICATION_PART, GroupKind.MULTICAST_PART):
        assert f"kinds {part} to {part + layout.CHUNKS - 1} |" in text
    assert f"from `{GROUP_BASE | max(GroupKind) + 1 << 24:#x}` on, are free" in re.sub(
        r"\s", " ", text
    )
    assert f"room for {layout.CHUNK * layout.CHUNKS} remote VTEPs" in text


def test_output_of_the_lab_is_of_this_pipeline() -> None:
    """Every flow and group in the output on the page is one that the code could have made."""
    text = section(PAGE, "The way of a frame")
    found = re.findall(
        r"^ *(\d+)\. (.*?)(?:, )?priority (\d+), cookie (0x[0-9a-f]+)$", text, re.MULTILINE
    )
    found += [
        (Table[name], fields, priority, cookie)
        for cookie, name, priority, fields in re.findall(
            r"^cookie=(0x[0-9a-f]+), table=([A-Z]+),.* priority=(\d+),(\S+) actions=",
            text,
            re.MULTILINE,
        )
    ]
    assert len(found) > 20
    names = {
        "dl_dst": "eth_dst",
        "dl_src": "eth_src",
        "ip": "eth_type",
        "nw_proto": "ip_proto",
        "tun_id": "tunnel_id",
        "vlan_tci": "vlan_vid",
    }
    known = {kind_of(flow)[:4] for flow in every_kind_of_flow()}
    for number, fields, priority, cookie in found:
        shown = [field.split("=")[0] for field in fields.split(",") if field]
        kind = (
            Table(int(number)).name,
            Priority(int(priority)).name,
            frozenset(names.get(field, field) for field in shown),
            Cookie((int(cookie, 16) & ~COOKIE_MASK) >> 28).name,
        )
        assert kind in known
    for group in re.findall(r"group:(\d+)", text):
        assert int(group) & GROUP_MASK == GROUP_BASE


def test_examples_of_numbers() -> None:
    text = PAGE.read_text()
    for group, shown in re.findall(r"(?:Group |' )(\d+)\D+?`(0x[0-9a-f]+)`", text):
        assert int(group) == int(shown, 16)
    assert f"`{ip_number('10.2.2.2'):#x}` is 10.2.2.2" in text
    assert f"`{VNI:#x}` is VNI {VNI}" in text
