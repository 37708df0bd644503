"""acl/show, and what why, trace, check and metrics/show tell of access lists."""

from __future__ import annotations

import json
from typing import Any

import pytest

from vtep_ofapp.commands.answer import WrongWords
from vtep_ofapp.engine.operator_view import Passage
from vtep_ofapp.features.acls import telling
from vtep_ofapp.features.acls.judging import AclRule, UsedAcl
from vtep_ofapp.features.acls.rows import Acls
from vtep_ofapp.features.logical_switches.rows import LogicalSwitches
from vtep_ofapp.features.routers.rows import Routers
from vtep_ofapp.pipeline.layout import (
    LOGICAL_SWITCH,
    ROUTER,
    Cookie,
    Priority,
    Table,
    cookie_of,
)
from vtep_ofapp.process.settings import Settings
from vtep_ofapp.values.acls import Acl, AclEntry, AclMatch, Refusal
from vtep_ofapp.values.counters import Counter
from vtep_ofapp.values.events import Counters, FlowCounters
from vtep_ofapp.values.flows import Conjunction, Flow, FlowKey

from .app import App, described
from .asking import Asking
from .builders import BLUE, RED, logical_router, logical_switch, physical_port, uuid
from .doubles import ConnectionDouble

WEB, OTHER, R1 = uuid(0xAC1), uuid(0xAC2), uuid(0x9001)
SSH = AclEntry(uuid(0xE1), 10, False, False, AclMatch(protocol=6, dest_ports=(22, 22)))
PORTS = AclMatch(protocol=6, source_ports=(1024, 65535), dest_ports=(80, 443))
RANGES = AclEntry(uuid(0xE2), 20, False, True, PORTS)
OUT = AclEntry(uuid(0xE3), 5, True, False, AclMatch(protocol=17))
REASON = "source_mask: it is given without source_ip"
BROKEN = AclEntry(uuid(0xE4), 7, False, False, None, (Refusal(REASON, "source_ip=VALUE"),))


def acl(name: str, row: Any, *entries: AclEntry) -> tuple[Any, ...]:
    return (*entries, Acl(row, name, frozenset(each.uuid for each in entries)))


@pytest.fixture
def connection(app: App) -> ConnectionDouble:
    """Bind web to p0 and to VLAN 10 of it, and an access list with a fault to p1."""
    ports = (
        physical_port("p0", {0: RED, 10: BLUE}, acl_bindings={0: WEB}),
        physical_port("p1", {0: RED}, acl_bindings={0: OTHER}),
    )
    connection = app.start(
        described(*ports),
        logical_switch(BLUE, 5002),
        *acl("web", WEB, SSH, RANGES, OUT),
        *acl("other", OTHER, BROKEN),
    )
    app.serve(connection)
    return connection


def number(app: App, row: Any = WEB) -> int:
    found = app.components.model[Acls].number(row)
    assert found is not None
    return found


def flows(app: App, row: Any = WEB) -> list[Flow]:
    (switch,) = app.components.switches.states()
    cookie = cookie_of(Cookie.ACLS, number(app, row))
    return [flow for flow in switch.flows.wanted.values() if flow.cookie == cookie]


def ask(app: App, connection: ConnectionDouble, *words: str, hits: int = 7) -> Any:
    """Return the answer; each flow of web has counted so many packets."""
    cookies = tuple(
        cookie_of(Cookie.ACLS, number(app, row))
        for row, name in ((OTHER, "other"), (WEB, "web"))
        if name in words or not {"web", "other"} & {*words}
    )
    counted = {flow.key: Counter(flow.cookie, hits, 60 * hits) for flow in flows(app)}
    answer = FlowCounters(connection, cookies, counted)
    return json.loads(Asking(app).text_in_turns(("acl/show", *words, "--json"), answer))


def test_access_lists_and_their_entries(app: App, connection: ConnectionDouble) -> None:
    answer = ask(app, connection)
    other, web = answer["acls"]
    assert (web["acl"], web["bound_to"], web["entries"]) == ("web", ["p0"], 3)
    assert (web["state"], web["problem"]) == ("in use", None)
    assert (other["state"], other["bound_to"]) == ("fails closed", ["p1"])
    assert "an entry of it cannot be used" in other["problem"]
    broken, *entries = answer["entries"]
    assert broken["flows"] == 0
    assert broken["hits"] is None
    assert REASON in broken["problem"]
    assert [
        (each["direction"], each["sequence"], each["action"], each["match"]) for each in entries
    ] == [
        ("ingress", 10, "deny", "tcp dport 22"),
        ("ingress", 20, "permit", "tcp sport 1024-65535 dport 80-443"),
        ("egress", 5, "deny", "udp"),
    ]
    of_entries = [flow for flow in flows(app) if flow.key.priority <= Priority.ACL_FIRST]
    assert web["flows"] == sum(each["flows"] for each in entries) == len(of_entries)


@pytest.mark.parametrize(
    ("entries", "options", "state"),
    [
        ((), {}, "has no entries"),
        ((BROKEN,), {"acl_fails_open": True}, "not installed"),
        ((BROKEN, OUT), {"acl_fails_open": True}, "in use"),
        ((SSH, OUT), {"acl_fails_open": True, "max_acl_flows": 1}, "not installed"),
        ((SSH, OUT), {"max_acl_flows": 1}, "fails closed"),
    ],
)
def test_the_state_of_an_access_list(
    entries: tuple[AclEntry, ...], options: dict[str, Any], state: str
) -> None:
    app = App(settings=Settings(**options))
    port = physical_port("p0", {0: RED}, acl_bindings={0: WEB})
    connection = app.start(described(port), *acl("web", WEB, *entries))
    app.serve(connection)
    (shown,) = ask(app, connection, "web")["acls"]
    assert shown["state"] == state


def test_clauses_of_a_conjunction_are_no_hits(app: App, connection: ConnectionDouble) -> None:
    answer = ask(app, connection, "web")
    assert [each["acl"] for each in answer["acls"]] == ["web"]
    hits = {each["sequence"]: each["hits"] for each in answer["entries"]}
    permitting = [flow for flow in flows(app) if flow.key.priority == 60000 - 20]
    clauses = [flow for flow in permitting if isinstance(flow.actions[0], Conjunction)]
    assert clauses
    assert hits == {10: 14, 20: 7 * (len(permitting) - len(clauses)), 5: 14}


def test_a_switch_that_does_not_answer_has_no_hits(app: App) -> None:
    assert json.loads(Asking(app).text("acl/show", "--json"))["acls"] == []


def test_wrong_words(app: App, connection: ConnectionDouble) -> None:
    line = "^there is no bridge or access list 'wob'; bridge: br0; access list: other, web$"
    with pytest.raises(WrongWords, match=line):
        Asking(app).text("acl/show", "wob")


def test_why(app: App, connection: ConnectionDouble) -> None:
    asking = Asking(app)
    found = asking.json("why", "acl=web")["why"]
    text = "ACL web has an entry with sequence 10 that denies"
    assert any(text in each["because"] for each in found)
    assert any(f"ACL_entry {SSH.uuid}" in each["rows"] for each in found)
    assert asking.json("why", f"acl={WEB}")["why"] == found
    of_port = asking.json("why", "p1")["why"]
    assert any("ACL other has a fault, and drops all" in each["because"] for each in of_port)
    assert asking.json("why", "acl=wob")["remark"] == "there is no acl 'wob' here"


def test_the_words_of_trace(app: App, connection: ConnectionDouble) -> None:
    (switch,) = app.components.switches.states()

    def told(owner: Any, table: Table, **fields: int) -> str | None:
        passage = Passage(FlowKey(table, 1, ()), owner, fields)
        return telling.VERDICTS[type(owner)](passage, switch.view)

    ssh = AclRule(WEB, SSH.uuid)
    said = "denied by ACL web, entry 10 (deny tcp dport 22) at p0 ingress"
    assert told(ssh, Table.ACL_INGRESS, reg0=0x1000) == said
    assert told(ssh, Table.ACL_INGRESS_PORT, reg0=0x100A) == said.replace("p0", "p0 VLAN 10")
    out = "denied by ACL web, entry 5 (deny udp) at p0 VLAN 10 egress"
    assert told(AclRule(WEB, OUT.uuid), Table.ACL_EGRESS, reg0=0x1000, reg1=0x100A) == out
    ranges = told(AclRule(WEB, RANGES.uuid), Table.ACL_INGRESS, reg0=0x1000)
    assert str(ranges).startswith("permitted by ACL web, entry 20 (permit tcp sport")
    closed = "denied by ACL other, which has a fault and fails closed, at p0 ingress"
    assert told(UsedAcl(OTHER), Table.ACL_INGRESS, reg0=0x1000) == closed
    cut = "denied by ACL web, as a first fragment without all ports and flags, at p0 ingress"
    assert told(UsedAcl(WEB), Table.ACL_INGRESS, reg0=0x1000) == cut


@pytest.fixture
def routed(app: App) -> ConnectionDouble:
    """Give web to p0 and to an interface of r1, and the list with a fault to another one."""
    router = logical_router(
        RED, BLUE, row=R1, name="r1", acls={"10.0.1.1/24": WEB, "10.0.2.1": OTHER}
    )
    port = physical_port("p0", {0: RED}, acl_bindings={0: WEB})
    lists = *acl("web", WEB, SSH, RANGES, OUT), *acl("other", OTHER, BROKEN)
    connection = app.start(described(port), logical_switch(BLUE, 5002), router, *lists)
    app.serve(connection)
    return connection


def test_access_lists_of_routers(app: App, routed: ConnectionDouble) -> None:
    other, web = ask(app, routed)["acls"]
    assert (other["bound_to"], other["state"]) == (["r1 10.0.2.1"], "fails closed")
    assert (web["bound_to"], web["state"]) == (["r1 10.0.1.1/24", "p0"], "in use")
    tables = {Table(flow.key.table) for flow in flows(app)}
    assert tables == {
        Table.ACL_INGRESS,
        Table.ACL_EGRESS,
        Table.ACL_ROUTER_INGRESS,
        Table.ACL_ROUTER_EGRESS,
    }
    of_entries = [flow for flow in flows(app) if flow.key.priority <= Priority.ACL_FIRST]
    assert web["flows"] == len(of_entries)


def test_why_of_a_router(app: App, routed: ConnectionDouble) -> None:
    asking = Asking(app)
    found = asking.json("why", "router=r1")["why"]
    said = " ".join(each["because"] for each in found)
    assert "acl_binding of Logical_Router r1 names ACL other, ACL web" in said
    assert "ACL other has a fault, and drops all that it would judge" in said
    assert asking.json("why", f"router={R1}")["why"] == found
    text = "acl_binding of Logical_Router r1 names ACL web at 10.0.1.1/24"
    assert any(text in each["because"] for each in asking.json("why", "acl=web")["why"])


def test_the_words_of_trace_for_packets_of_routers(app: App, routed: ConnectionDouble) -> None:
    (switch,) = app.components.switches.states()
    view = switch.view
    fields = {
        ROUTER: view[Routers].number(R1) or 0,
        LOGICAL_SWITCH: view[LogicalSwitches].number(RED) or 0,
    }

    def told(owner: Any, table: Table, fields: dict[str, int]) -> str | None:
        passage = Passage(FlowKey(table, 1, ()), owner, fields)
        return telling.VERDICTS[type(owner)](passage, view)

    ssh, out = AclRule(WEB, SSH.uuid), AclRule(WEB, OUT.uuid)
    where = "at the interface of Logical_Router r1 in Logical_Switch red"
    said = f"denied by ACL web, entry 10 (deny tcp dport 22) {where} ingress"
    assert told(ssh, Table.ACL_ROUTER_INGRESS, fields) == said
    said = f"denied by ACL web, entry 5 (deny udp) {where} egress"
    assert told(out, Table.ACL_ROUTER_EGRESS, fields) == said
    assert str(told(out, Table.ACL_ROUTER_EGRESS, {})).endswith("at an interface egress")
    closed = f"denied by ACL other, which has a fault and fails closed, {where} ingress"
    assert told(UsedAcl(OTHER), Table.ACL_ROUTER_INGRESS, fields) == closed


def test_denied_packets_of_routers_are_counted(app: App, routed: ConnectionDouble) -> None:
    every = [flow for flow in flows(app) if flow.key.table == Table.ACL_ROUTER_EGRESS]
    counters = {flow.key: Counter(flow.cookie, 3, 180) for flow in every}
    app.turn(Counters(routed, counters))
    shown = Asking(app).json("metrics/show")["switches"][0]
    assert shown["denied_frames_total"] == 3 * len(every) > 0
    assert (shown["acls"], shown["acls_failing_closed"]) == (2, 1)


def test_denied_frames_are_counted(app: App, connection: ConnectionDouble) -> None:
    def count(packets: int) -> Any:
        every = [*flows(app), *flows(app, OTHER)]
        counters = {flow.key: Counter(flow.cookie, packets, 60 * packets) for flow in every}
        app.turn(Counters(connection, counters))
        return Asking(app).json("metrics/show")["switches"][0]

    denying = [flow for flow in (*flows(app), *flows(app, OTHER)) if not flow.actions]
    assert len(denying) == 7
    shown = count(3)
    assert shown["denied_frames_total"] == 3 * len(denying)
    assert (shown["acls"], shown["acls_failing_closed"]) == (2, 1)
    assert count(5)["denied_frames_total"] == 5 * len(denying)
    assert count(1)["denied_frames_total"] == 6 * len(denying)


def test_only_flows_of_access_lists_in_use_are_counted(app: App) -> None:
    app.start()
    app.timers.begin()
    app.wait(Settings().stats_interval)
    (driver,) = app.components.switches.drivers.values()
    assert driver.switch.counted() == ()


def test_the_limit_is_checked() -> None:
    app = App(settings=Settings(max_acl_flows=35))
    ports = physical_port("p0", {0: RED}, acl_bindings={0: WEB})
    app.start(described(ports), *acl("web", WEB, SSH, RANGES))
    lines = {each["check"]: each["text"] for each in Asking(app).json("check")["checks"]}
    assert "flows of access lists are near max_acl_flows = 35" in lines["limits"]
