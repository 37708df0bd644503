"""tunnel/show: the tunnels to remote VTEPs, their state and that of BFD."""

import json
from typing import Any

from vtep_ofapp.features.tunnels.ports import Tunnels
from vtep_ofapp.process.settings import Settings
from vtep_ofapp.values.counters import PortCounter
from vtep_ofapp.values.events import Disconnected, LockIs, PortCounters

from .app import App, described
from .asking import Asking
from .builders import (
    BLUE,
    FAR,
    FURTHER,
    MAC1,
    MAC2,
    OWN,
    RED,
    logical_switch,
    physical_port,
    port,
    remote_mac,
    unknown_dst,
    uuid,
)
from .scene import have, tunnel_to

SECOND_OWN = "10.0.0.9"
COUNTER = PortCounter(1, 2, 100, 200, None, None, None, None)


def ask(app: App, *words: str) -> Any:
    """Return the answer; the switch has counted only its port 10, to and from FAR."""
    command = ("tunnel/show", *words, "--json")
    drivers = app.components.switches.drivers
    connections = [each.connection for each in drivers.values() if each.connection]
    answers = (PortCounters(each, {10: COUNTER}) for each in connections)
    return json.loads(Asking(app).text_in_turns(command, *answers))


def tunnels(app: App, *words: str) -> dict[str, Any]:
    """Return the rows about tunnels by their remote address."""
    return {row.pop("remote_vtep"): row for row in ask(app, *words)["tunnels"]}


def receivers(app: App, *words: str) -> list[tuple[Any, ...]]:
    """Return remote and local address, number and problem of ports that only receive."""
    rows = ask(app, *words)["receive_only"]
    return [(row["remote_vtep"], row["local"], row["ofport"], row["problem"]) for row in rows]


def test_tunnels_and_their_users(app: App) -> None:
    ports = physical_port("p0", {0: RED, 7: BLUE})
    blue = remote_mac(MAC2, FAR, of=BLUE, row=uuid(0x1001), key=8)
    connection = app.start(
        described(ports), logical_switch(BLUE, None), unknown_dst(FAR, FURTHER), blue
    )
    app.wait(2.5)
    creating = {
        "bridge": "br0",
        "local": OWN,
        "port": None,
        "ofport": None,
        "state": "creating",
        "state_for_s": 2,
        "bfd": None,
        "bfd_for_s": None,
        "forwards": False,
        "problem": None,
    }
    far = {**creating, "vnis": [8, 5001], "logical_switches": ["blue", "red"]}
    further = {**creating, "vnis": [5001], "logical_switches": ["red"]}
    assert tunnels(app) == {FAR: far, FURTHER: further}
    have(app, connection, tunnel_to(app, FAR, 10))
    app.wait(3)
    name = app.components.switches.drivers["br0"].switch.view[Tunnels].name(FAR, OWN)
    up = {"port": name, "ofport": 10, "state": "up", "state_for_s": 3, "forwards": True}
    assert tunnels(app, FAR, "br0") == {FAR: {**far, **up}}
    assert tunnels(app, "10.0.0.77") == {}
    assert receivers(app) == [(None, OWN, 900, None)]
    assert receivers(app, FAR) == []


def test_counters(app: App) -> None:
    connection = app.start(remote_mac(MAC1, FAR), remote_mac(MAC2, FURTHER, row=uuid(0x1001)))
    far = tunnel_to(app, FAR, 10)
    have(app, connection, far, tunnel_to(app, FURTHER, 11))
    (row,) = ask(app)["counters"]
    assert row == {
        "bridge": "br0",
        "remote_vtep": FAR,
        "local": OWN,
        "port": far.name,
        "rx_packets": 1,
        "tx_packets": 2,
        "rx_bytes": 100,
        "tx_bytes": 200,
    }
    app.turn(Disconnected(connection))
    assert ask(app)["counters"] == []


def test_bfd(app: App) -> None:
    connection = app.start(remote_mac(MAC1, FAR))
    down = {"state": "down", "forwarding": "false", "diagnostic": "Neighbor Signaled Session Down"}
    have(app, connection, tunnel_to(app, FAR, 10))
    app.wait(4)
    have(app, connection, tunnel_to(app, FAR, 10, bfd_status=down))
    app.wait(2)
    shown = tunnels(app)[FAR]
    assert (shown["state"], shown["state_for_s"]) == ("up", 6)
    assert (shown["bfd"], shown["bfd_for_s"], shown["forwards"]) == ("down", 2, False)
    assert shown["problem"] == "BFD: Neighbor Signaled Session Down"


def test_tunnels_that_cannot_be_made() -> None:
    app = App(settings=Settings(max_tunnels=1))
    connection = app.start(remote_mac(MAC1, FAR), remote_mac(MAC2, FURTHER, row=uuid(0x1001)))
    have(app, connection, tunnel_to(app, FAR, error="no route"))
    shown = tunnels(app)
    assert (shown[FAR]["state"], shown[FURTHER]["state"]) == ("failed", "refused")
    assert shown[FAR]["problem"].endswith(f"cannot make the tunnel to {FAR}: no route")
    assert shown[FURTHER]["problem"] == f"no tunnel to {FURTHER}: there are 1 already"
    taken = tunnel_to(app, FAR)
    have(app, connection, port(taken.name, 12))
    assert tunnels(app)[FAR]["state"] == "taken"


def test_further_addresses_of_ours_only_receive(app: App) -> None:
    connection = app.start(described(physical_port("p0", {0: RED}), tunnel_ips=(OWN, SECOND_OWN)))
    app.tell(remote_mac(MAC1, FAR))
    view = app.components.switches.drivers["br0"].switch.view
    name = view[Tunnels].name(FAR, SECOND_OWN)
    second = port(name, 11, is_ours=True, remote=FAR, local=SECOND_OWN)
    have(app, connection, tunnel_to(app, FAR, 10), second)
    assert tunnels(app)[FAR]["local"] == OWN
    assert receivers(app) == [(FAR, SECOND_OWN, 11, None), (None, OWN, 900, None)]


def test_a_standby_and_nothing_read(app: App) -> None:
    assert tunnels(app) == {}
    app.start(remote_mac(MAC1, FAR))
    app.turn(LockIs(False))
    assert tunnels(app)[FAR]["state"] == "creating"
