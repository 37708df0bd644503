"""ip/show, and what why, trace and metrics/show tell of IP addresses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from vtep_ofapp.commands.answer import WrongWords
from vtep_ofapp.engine.operator_view import Passage
from vtep_ofapp.features.neighbours import telling
from vtep_ofapp.features.neighbours.pairs import Pair, Pairs
from vtep_ofapp.features.neighbours.responders import Responder
from vtep_ofapp.pipeline.layout import Table
from vtep_ofapp.process.settings import Settings
from vtep_ofapp.values.flows import FlowKey
from vtep_ofapp.values.rows import RemoteMac

from .app import App
from .asking import Asking
from .builders import FAR, FURTHER, MAC1, MAC2, MAC3, RED, remote_mac, uuid
from .scene import see

IP, OTHER, SIX = "192.168.1.99", "192.168.1.11", "2001:db8:1::99"


def row(mac: str, ip: str, number: int, address: str = FAR) -> RemoteMac:
    return replace(remote_mac(mac, address, row=uuid(number)), ip=ip)


def shown(app: App, *words: str) -> Any:
    return Asking(app).json("ip/show", *words)


def answers(app: App) -> dict[str, str | None]:
    """Return why each address is not answered, None if it is."""
    rows = shown(app)["placed_by_nvc"]
    assert all(each["is_answered"] == (each["problem"] is None) for each in rows)
    return {each["ip"]: each["problem"] for each in rows}


def test_addresses_of_rows(app: App) -> None:
    app.start(row(MAC1, IP, 0x1000), row(MAC1, SIX, 0x1001), row(MAC2, "", 0x1002))
    first, second = shown(app)["placed_by_nvc"]
    assert first == {
        "bridge": "br0",
        "logical_switch": "red",
        "ip": IP,
        "mac": MAC1,
        "remote_vtep": FAR,
        "row": str(uuid(0x1000)),
        "is_answered": True,
        "problem": None,
    }
    assert (second["ip"], second["is_answered"]) == (SIX, True)


def test_an_address_of_two_macs_is_not_answered(app: App) -> None:
    app.start(row(MAC1, IP, 0x1000), row(MAC2, IP, 0x1001, FURTHER))
    rows = shown(app)["placed_by_nvc"]
    assert [(each["mac"], each["is_answered"]) for each in rows] == [(MAC1, False), (MAC2, False)]
    assert {each["problem"] for each in rows} == {"several MACs have it"}


def test_without_the_option_nothing_is_answered() -> None:
    app = App(settings=Settings(suppress_arp=False))
    app.start(row(MAC1, IP, 0x1000))
    assert answers(app) == {IP: "suppress_arp is false"}


@pytest.fixture
def stated(app: App) -> App:
    """MAC3 at p0 stated OTHER, and IP that a row gives to MAC1."""
    connection = app.start(row(MAC1, IP, 0x1000))
    see(app, connection, MAC3, "p0", 0)
    for ip in (OTHER, IP):
        app.components.model[Pairs].learn(Pair(RED, ip), MAC3)
    return app


def test_addresses_that_stations_stated(stated: App) -> None:
    other, rival = shown(stated)["stated_here"]
    assert other == {
        "logical_switch": "red",
        "ip": OTHER,
        "mac": MAC3,
        "bridge": "br0",
        "port": "p0",
        "vlan": 0,
        "problem": None,
    }
    assert rival["ip"] == IP
    assert rival["problem"] == f"the NVC says that {MAC1} has it (row {uuid(0x1000)})"
    assert answers(stated) == {IP: f"{MAC3} claims it here"}
    assert shown(stated, "red", "br0") == shown(stated)
    assert shown(stated, OTHER)["stated_here"] == [other]
    assert shown(stated, OTHER)["placed_by_nvc"] == []
    assert shown(stated, IP)["stated_here"] == [rival]
    assert [each["ip"] for each in shown(stated, IP, "red")["placed_by_nvc"]] == [IP]
    with pytest.raises(WrongWords, match="there is no bridge or logical switch or IP address"):
        shown(stated, "192.168.1.999")


def test_why(stated: App) -> None:
    asking = Asking(stated)
    causes = [each["because"] for each in asking.json("why", IP)["why"]]
    assert any(
        f"{MAC3} stated in Logical_Switch red that its address is {IP}" in each for each in causes
    )
    assert any(f"{MAC3} claims it here" in each for each in causes)
    of_mac = [each["because"] for each in asking.json("why", MAC3)["why"]]
    assert any(f"its address is {OTHER}" in each for each in of_mac)
    of_placed = [each["because"] for each in asking.json("why", MAC1)["why"]]
    assert any(f"{MAC1} has the address {IP}" in each for each in of_placed)
    assert asking.json("why", "192.0.2.200")["remark"] == "no row names 192.0.2.200"


def test_the_words_of_trace_and_the_figure(app: App) -> None:
    app.start(row(MAC1, IP, 0x1000))
    (switch,) = app.components.switches.states()
    passage = Passage(FlowKey(Table.RESOLUTION, 100, ()), Responder(RED, IP), {})
    said = telling.VERDICTS[Responder](passage, switch.view)
    assert said == f"answered by the responder of {IP} (Ucast_Macs_Remote {uuid(0x1000)})"
    assert Asking(app).json("metrics/show")["switches"][0]["placed_ips"] == 1
