"""flood/show: who receives BUM frames, and why."""

from typing import Any

import pytest

from vtep_ofapp.pipeline.flooding import service_nodes
from vtep_ofapp.process.settings import Settings
from vtep_ofapp.values.events import LockIs

from .app import App, described
from .asking import Asking
from .builders import (
    BLUE,
    FAR,
    FURTHER,
    FURTHEST,
    MAC1,
    MULTICAST,
    OWN,
    RED,
    logical_switch,
    number_of,
    physical_port,
    remote_group,
    remote_mac,
    unknown_dst,
    uuid,
)
from .scene import have, tunnel_to

DEAD = {"bfd_status": {"state": "down", "forwarding": "false"}}
ALIVE = {"bfd_status": {"state": "up", "forwarding": "true"}}
FIRST, SECOND = service_nodes(number_of(RED), [FAR, FURTHER])


def lists(app: App, *words: str) -> list[Any]:
    answer: list[Any] = Asking(app).json("flood/show", *words)["flood_lists"]
    return answer


def targets(app: App, mac: str = "unknown-dst") -> dict[str, tuple[bool, str]]:
    """Return which VTEPs receive frames, and why."""
    rows = Asking(app).json("flood/show")["remote_vteps"]
    return {
        row["remote_vtep"]: (row["receives"], row["reason"]) for row in rows if row["mac"] == mac
    }


def test_service_nodes(app: App) -> None:
    connection = app.start(unknown_dst(FAR, FURTHER, OWN))
    own = {OWN: (False, "it is an address of this switch")}
    creating = (False, "tunnel creating")
    assert targets(app) == {FAR: creating, FURTHER: creating, **own}
    have(app, connection, tunnel_to(app, FAR, 10), tunnel_to(app, FURTHER, 11))
    preferred, other = (True, "the preferred one that is up"), (False, f"{FIRST} is preferred")
    assert targets(app) == {FIRST: preferred, SECOND: other, **own}
    have(app, connection, tunnel_to(app, FIRST, 10, **DEAD), tunnel_to(app, SECOND, 11, **ALIVE))
    down = (False, "it is down by BFD")
    assert targets(app) == {FIRST: down, SECOND: preferred, **own}
    have(app, connection, tunnel_to(app, FIRST, 10, **DEAD), tunnel_to(app, SECOND, 11, **DEAD))
    last_resort = (True, "all service nodes are down by BFD")
    assert targets(app) == {FIRST: last_resort, SECOND: down, **own}
    assert lists(app)[0]["mode"] == "service_node"
    assert lists(app)[0]["problem"].startswith("all its service nodes are down by BFD")


def test_the_group_of_the_switch_selects_the_same(app: App) -> None:
    connection = app.start(unknown_dst(FAR, FURTHER))
    have(app, connection, tunnel_to(app, FIRST, 10), tunnel_to(app, SECOND, 11))
    (group,) = (each for each in connection.switch.groups.values() if each.fast_failover)
    assert [bucket.watch_port for bucket in group.buckets] == [10, 11, None]


def test_source_node_and_bfd(app: App) -> None:
    red = logical_switch(RED, source_node=True)
    connection = app.start(red, unknown_dst(FAR, FURTHER, FURTHEST))
    failed = tunnel_to(app, FURTHEST, error="no route")
    have(app, connection, tunnel_to(app, FAR, 10), tunnel_to(app, FURTHER, 11, **DEAD), failed)
    app.wait(7.5)
    assert targets(app) == {
        FAR: (True, "source_node"),
        FURTHER: (True, "source_node; it is down by BFD"),
        FURTHEST: (False, "tunnel failed: no route"),
    }
    rows = Asking(app).json("flood/show", "br0", "red")["remote_vteps"]
    assert [(row["bfd"], row["bfd_for_s"]) for row in rows] == [
        (None, None),
        ("down", 7),
        (None, None),
    ]


def test_bindings_and_multicast(app: App) -> None:
    ports = physical_port("p0", {0: RED, 7: RED, 9: BLUE})
    group = remote_group(MULTICAST, FURTHER, row=uuid(0x2222))
    connection = app.start(described(ports), logical_switch(BLUE, 7), unknown_dst(FAR), group)
    have(app, connection, tunnel_to(app, FAR, 10), tunnel_to(app, FURTHER, 11))
    shown = [(each["logical_switch"], each["mac"], each["bindings"]) for each in lists(app)]
    both = ["p0 VLAN 0", "p0 VLAN 7"]
    assert shown == [
        ("blue", "unknown-dst", ["p0 VLAN 9"]),
        ("red", "unknown-dst", both),
        ("red", MULTICAST, both),
    ]
    preferred = (True, "the preferred one that is up")
    assert (targets(app), targets(app, MULTICAST)) == ({FAR: preferred}, {FURTHER: preferred})
    assert [each["logical_switch"] for each in lists(app, "blue")] == ["blue"]


def test_nothing_is_sent_without_a_vni(app: App) -> None:
    connection = app.start(logical_switch(RED, None), unknown_dst(FAR))
    have(app, connection, tunnel_to(app, FAR, 10))
    assert targets(app) == {FAR: (False, "there is no VNI towards it")}


def test_the_former_vtep_is_used_until_the_tunnel_is_up(app: App) -> None:
    connection = app.start(unknown_dst(FAR))
    have(app, connection, tunnel_to(app, FAR, 10))
    app.tell(unknown_dst(FURTHER))
    app.serve(connection)
    former = "no row names it any longer; it is used until another tunnel is up"
    assert targets(app) == {FAR: (True, former), FURTHER: (False, "tunnel creating")}


@pytest.mark.parametrize("is_set", [True, False])
def test_without_unknown_dst(is_set: bool) -> None:
    app = App(settings=Settings(flood_without_unknown_dst=is_set))
    connection = app.start(remote_mac(MAC1, FAR))
    have(app, connection, tunnel_to(app, FAR, 10))
    assert targets(app) == ({FAR: (True, "source_node")} if is_set else {})
    assert lists(app)[0]["mode"] == ("source_node" if is_set else "service_node")
    assert bool(lists(app)[0]["problem"]) != is_set


def test_a_standby_and_nothing_read(app: App) -> None:
    assert lists(app) == []
    app.start(unknown_dst(FAR))
    app.turn(LockIs(False))
    assert targets(app) == {FAR: (False, "tunnel creating")}
