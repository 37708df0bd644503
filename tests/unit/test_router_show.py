"""router/show, route/show and neighbour/show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from vtep_ofapp.commands import trace_verdict
from vtep_ofapp.commands.answer import WrongWords
from vtep_ofapp.features.logical_switches.rows import LogicalSwitches
from vtep_ofapp.features.routers.rows import Routers
from vtep_ofapp.pipeline.drops import Reason
from vtep_ofapp.pipeline.layout import (
    ARRIVED_IN,
    LOGICAL_SWITCH,
    NEXT_HOP,
    ROUTER,
    SENDER,
    SOURCE_BINDING,
    UNRESOLVED,
    Cookie,
    Table,
)
from vtep_ofapp.process.settings import Settings
from vtep_ofapp.values.addresses import ip_number
from vtep_ofapp.values.events import PacketIn
from vtep_ofapp.values.flows import match
from vtep_ofapp.values.routers import (
    LogicalRouter,
    Prefix,
    derived_mac,
    link_local_of,
    parse_interface,
)

from .app import App
from .asking import Asking
from .builders import (
    BLUE,
    FAR,
    GREEN,
    MAC1,
    MAC2,
    RED,
    logical_router,
    logical_switch,
    remote_mac,
    unknown_dst,
    uuid,
)
from .doubles import ConnectionDouble
from .routed_worlds import routed_packet

LR, ABSENT = uuid(0x9000), uuid(0x9001)
PLACED, SILENT, ELSEWHERE = "10.0.2.99", "10.0.2.60", "172.16.0.1"
DEFAULT, FAR_AWAY = Prefix("0.0.0.0", 0), Prefix("10.9.0.0", 16)


def router() -> LogicalRouter:
    interfaces = {
        RED: (parse_interface("10.0.1.1/24"), parse_interface("2001:db8:1::1/64")),
        BLUE: (parse_interface("10.0.2.1/24"),),
    }
    routes = {DEFAULT: PLACED, FAR_AWAY: ELSEWHERE}
    return logical_router(row=LR, interfaces=interfaces, routes=routes)


@pytest.fixture
def routed(app: App) -> App:
    """br0 with p0 in red; lr0 joins it to blue, where a row places a station."""
    start(app)
    return app


def start(app: App) -> ConnectionDouble:
    return app.start(
        logical_switch(BLUE, 5002),
        logical_switch(GREEN, 5003),
        router(),
        logical_router(GREEN, row=ABSENT, name="lr1"),
        remote_mac(MAC1, FAR, of=BLUE, ip=PLACED),
    )


def asked(app: App, *words: str) -> Any:
    return Asking(app).json(*words)


def test_routers_and_their_interfaces(routed: App) -> None:
    shown = asked(routed, "router/show")
    used, absent = shown["routers"]
    assert (used["bridge"], used["router"], used["mac"]) == ("br0", "lr0", derived_mac("lr0"))
    assert (used["interfaces"], used["routes"], used["is_used"]) == (2, 4, True)
    assert used["serves_tunnels"] is True
    assert (absent["router"], absent["interfaces"], absent["is_used"]) == ("lr1", 0, False)
    assert absent["serves_tunnels"] is None
    assert absent["problem"].startswith("no logical switch that it joins is bound here")
    blue, red = shown["interfaces"]
    assert red == {
        "bridge": "br0",
        "router": "lr0",
        "logical_switch": "red",
        "addresses": ["10.0.1.1/24", "2001:db8:1::1/64"],
        "link_local": link_local_of(derived_mac("lr0")),
        "access_lists": [],
        "is_used": True,
    }
    assert (blue["logical_switch"], blue["addresses"]) == ("blue", ["10.0.2.1/24"])
    assert asked(routed, "router/show", "lr1", "br0")["routers"] == [absent]
    assert asked(routed, "router/show", str(LR))["routers"] == [used]
    with pytest.raises(WrongWords, match="router 'lr7'"):
        asked(routed, "router/show", "lr7")


def test_a_router_that_the_option_switches_off() -> None:
    app = App(settings=Settings(routing=False))
    start(app)
    shown = asked(app, "router/show", "lr0")
    (row,) = shown["routers"]
    assert (row["is_used"], row["interfaces"]) == (False, 0)
    assert "the option routing is False" in row["problem"]
    assert shown["interfaces"] == []


def test_routes(routed: App) -> None:
    shown = {each["prefix"]: each for each in asked(routed, "route/show")["routes"]}
    assert list(shown) == [
        "0.0.0.0/0",
        "10.0.1.0/24",
        "10.0.2.0/24",
        "10.9.0.0/16",
        "2001:db8:1::/64",
    ]
    assert shown["0.0.0.0/0"] == {
        "bridge": "br0",
        "router": "lr0",
        "prefix": "0.0.0.0/0",
        "next_hop": PLACED,
        "logical_switch": "blue",
        "next_hop_mac": MAC1,
        "is_used": True,
        "problem": None,
    }
    connected = shown["10.0.1.0/24"]
    assert (connected["next_hop"], connected["logical_switch"]) == (None, "red")
    unused = shown["10.9.0.0/16"]
    assert (unused["next_hop"], unused["is_used"]) == (ELSEWHERE, False)
    assert unused["problem"] == "its next hop lies in no subnet of the router"


@pytest.mark.parametrize(
    ("ip", "prefix"),
    [("10.0.2.77", "10.0.2.0/24"), ("8.8.8.8", "0.0.0.0/0"), ("2001:db8:1::5", "2001:db8:1::/64")],
)
def test_the_route_of_an_address(routed: App, ip: str, prefix: str) -> None:
    (route,) = asked(routed, "route/show", ip, "lr0")["routes"]
    assert route["prefix"] == prefix
    assert asked(routed, "route/show", "2001:db8:7::1")["routes"] == []


def test_next_hops(app: App) -> None:
    connection = start(app)
    known = {each["ip"]: each for each in asked(app, "neighbour/show")["known"]}
    row = known[PLACED]
    assert (row["logical_switch"], row["mac"], row["source"]) == ("blue", MAC1, "row")
    assert row["rows"] == [str(uuid(0x1000))]
    send(app, connection, SILENT)
    app.wait(2)
    pending = {"bridge": "br0", "logical_switch": "blue", "ip": SILENT}
    (shown,) = asked(app, "neighbour/show", SILENT)["pending"]
    assert shown == {**pending, "state": "asked", "for_s": 2, "held_packets": 1}
    app.wait(2)
    assert asked(app, "neighbour/show", "blue")["pending"] == [
        {**pending, "state": "no answer", "for_s": 4, "held_packets": 0}
    ]
    of_red = asked(app, "neighbour/show", "red")
    assert (of_red["known"], of_red["pending"]) == ([], [])
    second = {BLUE: (parse_interface("10.0.2.2/24"),)}
    app.tell(logical_router(row=ABSENT, name="lr1", interfaces=second))
    known = {each["ip"]: each for each in asked(app, "neighbour/show", "blue")["known"]}
    own = known["10.0.2.1"]
    assert (own["mac"], own["source"], own["rows"]) == (derived_mac("lr0"), "router", [])


def test_a_next_hop_that_does_not_answer(app: App) -> None:
    connection = start(app)
    app.tell(replace(router(), routes={FAR_AWAY: SILENT}))
    assert asked(app, "route/show", "10.9.0.1")["routes"][0]["problem"] is None
    send(app, connection, SILENT)
    assert not [each for each in checks(app) if "answer" in each]
    app.wait(4)
    (route,) = asked(app, "route/show", "10.9.0.1")["routes"]
    assert (route["is_used"], route["problem"]) == (True, "its next hop does not answer")
    silent = f"routes 10.9.0.0/16 to {SILENT}, which does not answer in Logical_Switch blue"
    assert len([each for each in checks(app) if silent in each]) == 1
    found = asked(app, "why", SILENT)
    assert found["remark"] is None
    route_to = f"Logical_Router lr0 has a route to 10.9.0.0/16, by {SILENT}"
    assert any(each["because"].startswith(route_to) for each in found["why"]), found


def test_what_a_router_lacks(app: App) -> None:
    """Rows that are no fault, and let packets end: check has the command that completes them."""
    start(app)
    assert checks(app) == []
    app.tell(logical_router(row=ABSENT, name="lr1", interfaces={}))
    join = "vtep-ctl -- --id=@ls get Logical_Switch"
    command = f"""{join} LS -- set Logical_Router lr1 'switch_binding:"ADDRESS/LENGTH"=@ls'"""
    assert checks(app) == [f"Logical_Router lr1 joins no logical switch: {command}"]
    problem = asked(app, "router/show", "lr1")["routers"][0]["problem"]
    assert problem == "switch_binding is empty: it joins no logical switch"
    app.tell(logical_router(GREEN, row=ABSENT, name="lr1"))
    subnets = (parse_interface("10.0.1.0/24"), parse_interface("2001:db8:1::1/64"))
    app.tell(replace(router(), interfaces={RED: subnets}, routes={}))
    (found,) = checks(app)
    assert found.startswith("Logical_Router lr0 has no IPv4 address in Logical_Switch red")
    assert f"{join} red -- set Logical_Router lr0" in found
    assert asked(app, "router/show", "lr0")["routers"][0]["problem"] == "no IPv4 address in red"


def test_a_logical_switch_that_nobody_is_in(app: App) -> None:
    start(app)
    app.tell(logical_router(RED, GREEN, row=ABSENT, name="lr1", mac=MAC2))
    (found,) = checks(app)
    assert "Logical_Router lr1 joins Logical_Switch green, where nobody is" in found
    app.tell(unknown_dst(FAR, of=GREEN))
    assert checks(app) == []


def test_the_addresses_of_routers(routed: App) -> None:
    (row,) = asked(routed, "ip/show", "10.0.2.1")["of_routers"]
    assert row == {
        "bridge": "br0",
        "logical_switch": "blue",
        "ip": "10.0.2.1",
        "mac": derived_mac("lr0"),
        "router": "lr0",
    }
    shown = [each["ip"] for each in asked(routed, "ip/show", "red")["of_routers"]]
    assert shown == ["10.0.1.1", "2001:db8:1::1", link_local_of(derived_mac("lr0"))]


def test_a_fault_in_two_columns_is_checked_once(routed: App) -> None:
    found = asked(routed, "check")["checks"]
    texts = [each["text"] for each in found if "172.16.0.1 lies in no subnet" in each["text"]]
    assert len(texts) == 1
    shown = [each["shown_to_nvc"] for each in asked(routed, "fault/show")["faults"]]
    columns = {each["column"] for each in shown if each}
    assert columns == {"LR_fault_status", "switch_fault_status"}


def checks(app: App) -> list[str]:
    """Return what check says of routers that is not well."""
    found = asked(app, "check")["checks"]
    return [
        each["text"] for each in found if each["check"] == "routers" and each["result"] != "PASS"
    ]


def send(app: App, connection: ConnectionDouble, ip: str) -> None:
    """Let a packet for a next hop in blue come in by p0, whose MAC no flow knows."""
    switch = app.components.switches.drivers["br0"].switch
    ids = switch.view[Routers]
    fields = {
        SENDER: UNRESOLVED,
        LOGICAL_SWITCH: number(app, BLUE),
        ARRIVED_IN: number(app, RED),
        ROUTER: ids.number(LR) or 0,
        SOURCE_BINDING: 0x1000,
        NEXT_HOP: ip_number(ip),
    }
    frame = routed_packet(ip, 1, "10.0.1.11")
    app.turn(PacketIn(connection, Cookie.NEXT_HOPS, Table.SHOWING, match(fields), frame))
    app.serve(connection)


def number(app: App, logical_switch: Any) -> int:
    return app.components.model[LogicalSwitches].number(logical_switch) or 0


def test_why(routed: App) -> None:
    mac = derived_mac("lr0")
    described = f"Logical_Router lr0 has 10.0.2.1/24 in Logical_Switch blue, and the MAC {mac}"
    for word in ("router=lr0", f"router={LR}", "10.0.2.1", mac):
        found = asked(routed, "why", word)
        assert found["remark"] is None
        assert described in [each["because"] for each in found["why"]]
    assert asked(routed, "why", "router=lr1")["remark"] == "there is no router 'lr1' here"


def test_each_reason_of_a_drop_has_a_sentence() -> None:
    assert set(trace_verdict.SENTENCES) == set(Reason)
