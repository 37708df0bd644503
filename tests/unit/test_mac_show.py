"""mac/show: where stations are, at a binding here or behind a remote VTEP."""

import json
from typing import Any

import pytest

from vtep_ofapp.commands import answering
from vtep_ofapp.commands.answer import WrongWords
from vtep_ofapp.values.events import LockIs

from .app import App, described
from .asking import BY_NAME, Asking
from .builders import (
    BLUE,
    BROADCAST,
    FAR,
    FURTHER,
    GREEN,
    MAC1,
    MAC2,
    MAC3,
    OWN,
    RED,
    logical_switch,
    physical_port,
    remote_mac,
    uuid,
)
from .scene import have, see, tunnel_to

PORTS = described(physical_port("p0", {0: RED, 7: RED, 9: BLUE}))
ROW = str(uuid(0x1000))


def learned(app: App, *words: str) -> list[Any]:
    rows: list[Any] = Asking(app).json("mac/show", *words)["learned"]
    return rows


def placed(app: App, *words: str) -> list[Any]:
    rows: list[Any] = Asking(app).json("mac/show", *words)["placed_by_nvc"]
    return rows


def macs(rows: list[Any]) -> list[tuple[str, str]]:
    return [(row["logical_switch"], row["mac"]) for row in rows]


def test_a_learned_station(app: App) -> None:
    connection = app.start(PORTS, logical_switch(BLUE, 7))
    see(app, connection, MAC1, "p0", 0)
    app.wait(3)
    see(app, connection, MAC1, "p0", 7)
    app.wait(2.5)
    expected = {
        "logical_switch": "red",
        "mac": MAC1,
        "bridge": "br0",
        "port": "p0",
        "vlan": 7,
        "age_s": 2,
        "moves": 1,
        "held_for_s": None,
        "conflict": None,
    }
    assert learned(app) == [expected]
    assert placed(app) == []


def test_a_station_that_is_held(app: App) -> None:
    connection = app.start(PORTS)
    for _ in range(4):
        see(app, connection, MAC1, "p0", 0)
        see(app, connection, MAC1, "p0", 7)
    app.wait(2.5)
    (row,) = learned(app, MAC1)
    assert row["held_for_s"] == 8


def test_a_station_of_the_nvc(app: App) -> None:
    connection = app.start(remote_mac(MAC1, FAR))
    expected = {
        "logical_switch": "red",
        "mac": MAC1,
        "remote_vtep": FAR,
        "row": ROW,
        "is_used": True,
        "conflict": None,
        "problem": "tunnel creating",
    }
    assert placed(app) == [expected]
    have(app, connection, tunnel_to(app, FAR, 10))
    assert placed(app) == [{**expected, "problem": None}]
    assert learned(app) == []


def test_a_conflict(app: App) -> None:
    connection = app.start(PORTS, remote_mac(MAC1, FAR))
    have(app, connection, tunnel_to(app, FAR, 10))
    see(app, connection, MAC1, "p0", 7)
    assert learned(app)[0]["conflict"] == f"frames go to {FAR}, where the NVC placed it"
    assert placed(app)[0]["conflict"] == "learned at p0 VLAN 7 of br0"


def test_a_row_that_names_the_switch_itself_is_no_conflict(app: App) -> None:
    connection = app.start(PORTS, remote_mac(MAC1, OWN))
    see(app, connection, MAC1, "p0", 7)
    assert (learned(app)[0]["conflict"], placed(app)[0]["conflict"]) == (None, None)
    assert placed(app)[0]["problem"] == f"its locator {OWN} is an address of this switch"


def test_several_rows_of_a_station(app: App) -> None:
    other = remote_mac(MAC1, FURTHER, row=uuid(0x1001))
    have(app, app.start(remote_mac(MAC1, FAR), other), tunnel_to(app, FAR, 10))
    used, rival = placed(app)
    assert (used["remote_vtep"], used["is_used"]) == (FAR, True)
    assert used["problem"].startswith("it is placed more than once")
    assert (rival["remote_vtep"], rival["is_used"]) == (FURTHER, False)
    assert rival["problem"] == f"row {ROW} is used instead"


def test_words_in_any_order(app: App) -> None:
    connection = app.start(PORTS, logical_switch(BLUE, 7), logical_switch(GREEN, 8))
    for mac, vlan in ((MAC2, 0), (MAC1, 0), (MAC1, 9)):
        see(app, connection, mac, "p0", vlan)
    green = remote_mac(MAC1, FAR, of=GREEN, row=uuid(0x1003))
    app.tell(remote_mac(MAC3, FAR), green)
    blue, red = ("blue", MAC1), ("red", MAC1)
    assert macs(learned(app)) == [blue, red, ("red", MAC2)]
    assert macs(placed(app)) == [("green", MAC1), ("red", MAC3)]
    assert placed(app)[0]["is_used"] is False
    assert placed(app)[0]["problem"] == "no managed bridge binds its logical switch"
    assert macs(placed(app, "br0")) == [("red", MAC3)]
    for words in ([MAC1, "red"], ["red", "br0", MAC1.upper()], ["br0", MAC1, str(RED)]):
        assert macs(learned(app, *words)) == [red]
        assert placed(app, *words) == []
    assert macs(learned(app, MAC1)) == [blue, red]
    assert learned(app, MAC3) == []
    with pytest.raises(WrongWords, match="group address"):
        learned(app, BROADCAST)
    with pytest.raises(WrongWords, match=r"no bridge or logical switch or MAC address '02:00'"):
        learned(app, "02:00")


def test_very_many_rows_are_in_order(app: App) -> None:
    app.start()
    numbers = range(2, 5002)
    many = [remote_mac(f"02:00:00:00:{n >> 8:02x}:{n & 255:02x}", row=uuid(n)) for n in numbers]
    app.tell(*reversed(many))
    assert macs(placed(app)) == [("red", row.mac) for row in many]


def test_stations_that_go_while_they_are_printed(app: App) -> None:
    connection = app.start(PORTS)
    for mac in (MAC1, MAC2):
        see(app, connection, mac, "p0", 0)
    asking = Asking(app)
    parts = iter(answering.begin(BY_NAME["mac/show"], ["--json"], asking.running, False).parts)
    begun = ""
    while MAC1 not in begun:
        begun += next(parts)
    app.tell(described(physical_port("p0")))
    answer = json.loads(begun + "".join(parts))
    assert macs(answer["learned"]) == [("red", MAC1)]
    assert learned(app) == []


def test_a_standby_and_nothing_read(app: App) -> None:
    assert (learned(app), placed(app)) == ([], [])
    app.start(remote_mac(MAC1, FAR))
    app.turn(LockIs(False))
    assert macs(placed(app)) == [("red", MAC1)]
