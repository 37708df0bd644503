"""port/show: ports and their bindings, or why one is not used."""

from typing import Any

import pytest

from vtep_ofapp.commands.answer import WrongWords
from vtep_ofapp.process.settings import Settings
from vtep_ofapp.values.events import Bridges
from vtep_ofapp.values.rows import BridgePort, PhysicalPort

from .app import App, described
from .asking import Asking
from .builders import (
    BLUE,
    DATABASE,
    MAC1,
    RED,
    bridge,
    logical_switch,
    physical_port,
    port,
    to_anyone,
)
from .scene import see


def ports(app: App, *words: str) -> dict[str, Any]:
    """Return the rows about ports, by port."""
    return {row.pop("port"): row for row in Asking(app).json("port/show", *words)["ports"]}


def bindings(app: App) -> dict[tuple[str, int], Any]:
    """Return the rows about bindings, by port and VLAN."""
    rows = Asking(app).json("port/show")["bindings"]
    return {(row.pop("port"), row.pop("vlan")): row for row in rows}


def start(app: App, *rows: PhysicalPort, there: tuple[BridgePort, ...]) -> None:
    """Start with these rows and ports of br0."""
    app.start(described(*rows), logical_switch(BLUE, None))
    app.turn(Bridges(DATABASE, {"br0": bridge(*there, to_anyone())}))


def test_ports_and_bindings_that_are_used(app: App) -> None:
    connection = app.start(described(physical_port("p0", {0: RED, 10: BLUE})))
    app.tell(logical_switch(BLUE, None))
    see(app, connection, MAC1, "p0", 0)
    assert ports(app) == {
        "p0": {
            "bridge": "br0",
            "ofport": 1,
            "bond_members": [],
            "link": "up",
            "bindings": 2,
            "learned_macs": 1,
            "away_for_s": None,
            "problem": None,
        }
    }
    used = {"bridge": "br0", "is_used": True, "problem": None}
    assert bindings(app) == {
        ("p0", 0): {**used, "logical_switch": "red", "vnis": [5001], "learned_macs": 1},
        ("p0", 10): {**used, "logical_switch": "blue", "vnis": [], "learned_macs": 0},
    }


@pytest.mark.parametrize(
    ("there", "link", "reason"),
    [
        (port("p0", None), "up", "Open vSwitch has no port number for it: not yet"),
        (port("p0", 1, has_vlans=True), "up", "Open vSwitch has VLAN settings of its own for it"),
        (port("p0", 1, is_ours=True, is_up=False), "down", "it is a tunnel port"),
    ],
)
def test_a_port_that_cannot_be_used(app: App, there: BridgePort, link: str, reason: str) -> None:
    start(app, physical_port("p0", {7: RED}), there=(there,))
    shown = ports(app)["p0"]
    assert shown["link"] == link
    assert shown["problem"].startswith(reason)
    binding = bindings(app)["p0", 7]
    assert not binding["is_used"]
    assert binding["problem"].startswith(reason)


def test_a_port_that_is_away(app: App) -> None:
    start(app, physical_port("p0", {7: RED}), there=(port("p1", 2, is_up=False),))
    app.wait(12.5)
    shown = ports(app)
    assert list(shown) == ["p1", "p0"]
    assert (shown["p0"]["ofport"], shown["p0"]["link"]) == (None, None)
    assert shown["p0"]["away_for_s"] == 12
    assert shown["p0"]["problem"] == "the bridge has no port of that name"
    assert not bindings(app)["p0", 7]["is_used"]
    assert shown["p1"]["problem"] == "it has no row of Physical_Port"
    assert shown["p1"]["link"] == "down"
    app.turn(Bridges(DATABASE, {"br0": bridge(port("p0", 1))}))
    assert ports(app)["p0"]["away_for_s"] is None
    assert bindings(app)["p0", 7]["is_used"]


def test_a_bond_and_columns_that_cannot_be_used(app: App) -> None:
    row = physical_port("p0", {7: RED}, refused=("VLAN 4095 is reserved",))
    start(app, row, there=(port("p0", 1, members=(1, 2)),))
    shown = ports(app)["p0"]
    assert shown["bond_members"] == [1, 2]
    assert shown["problem"] == "VLAN 4095 is reserved"
    assert bindings(app)["p0", 7]["is_used"]


def test_a_port_at_its_limit() -> None:
    app = App(settings=Settings(max_local_macs_per_port=1))
    see(app, app.start(), MAC1, "p0", 0)
    assert ports(app)["p0"]["problem"] == "the limit of 1 learned MACs is reached"


def test_the_bridge_that_is_named(app: App) -> None:
    app.start()
    assert list(ports(app, "br0")) == ["p0"]
    with pytest.raises(WrongWords, match="there is no bridge 'p0'; bridge: br0"):
        ports(app, "p0")
