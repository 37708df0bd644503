"""Which bridge a Physical_Switch is, of those that several databases have."""

from collections.abc import Iterable
from typing import Any

import pytest

from vtep_ofapp.loop.bridge_choice import choose
from vtep_ofapp.values.rows import Bridge, Mark, PhysicalSwitch

from .builders import RED, bridge, physical_port, physical_switch, port, tunnel_row

MANAGED = physical_switch(physical_port("p0", {0: RED}))
NEVER_MANAGED = physical_switch()


def of(database: str, *, marked: bool = False, **more: Any) -> Bridge:
    """Return br0 of a database."""
    return bridge(port("p0", 1), database=database, mark=Mark.OURS if marked else Mark.NONE, **more)


def chosen(
    row: PhysicalSwitch | None = MANAGED, **databases: Iterable[Bridge] | None
) -> tuple[str | None, list[str]]:
    """Return the database whose bridge br0 is, and what is said; None stands for one not read."""
    bridges = {
        name: None if found is None else {each.name: each for each in found}
        for name, found in databases.items()
    }
    choice = choose(bridges, {"br0": row} if row else {})
    assert ("br0" in choice.waiting) == bool(
        any(databases.values()) and "br0" not in choice.bridges
    )
    found = choice.bridges.get("br0")
    return found.database if found else None, [
        str(fault) for faults in choice.faults.values() for fault in faults
    ]


def test_one_database_has_it() -> None:
    assert chosen(here=[of("here")]) == ("here", [])
    assert chosen(here=[], there=[of("there")]) == ("there", [])
    assert chosen(here=[], there=[]) == (None, [])


@pytest.mark.parametrize("row", [MANAGED, NEVER_MANAGED, None])
def test_a_bridge_with_our_mark_waits_for_no_other_host(row: PhysicalSwitch | None) -> None:
    for databases in ({"here": None, "there": [of("there", marked=True)]},):
        assert chosen(row, **databases) == ("there", [])
        assert chosen(row, **dict(reversed(databases.items()))) == ("there", [])


def test_so_does_one_of_an_earlier_version_that_marked_its_ports() -> None:
    ports = port("p0", 1), port("vx", 9, is_ours=True)
    there = bridge(*ports, database="there", mark=Mark.NONE)
    assert chosen(here=None, there=[there]) == ("there", [])


@pytest.mark.parametrize("row", [MANAGED, physical_switch(tunnels=(tunnel_row(),))])
@pytest.mark.parametrize("mark", [Mark.NONE, Mark.OTHERS])
def test_one_without_it_waits_for_the_one_that_may_have_it(
    row: PhysicalSwitch | None, mark: Mark
) -> None:
    there = bridge(port("p0", 1), database="there", mark=mark)
    says = (
        "Physical_Switch br0: there has a bridge of its name that was not managed before, and here "
        "is not read yet and may have the one that was; take a host that is gone for good out of "
        "ovs_db"
    )
    assert chosen(row, here=None, there=[there]) == (None, [says])
    assert chosen(row, there=[there], here=None) == (None, [says])
    assert chosen(row, here=[], there=[there]) == ("there", [])
    assert chosen(row, here=[of("here", marked=True)], there=[there])[0] == "here"


def test_where_nothing_was_ever_managed_there_is_nothing_to_wait_for() -> None:
    assert chosen(NEVER_MANAGED, here=None, there=[of("there")]) == ("there", [])
    assert chosen(None, here=None, there=[of("there")]) == ("there", [])


def test_of_several_the_one_with_our_mark_counts_and_then_the_first() -> None:
    says = (
        "Physical_Switch br0: {} and {} have a bridge of its name; that of {} is managed; give the "
        "other another name"
    )
    for marked in ((False, False), (True, True), (True, False)):
        pair = {"here": [of("here", marked=marked[0])], "there": [of("there", marked=marked[1])]}
        assert chosen(MANAGED, **pair) == ("here", [says.format("here", "there", "here")])
    pair = {"here": [of("here")], "there": [of("there", marked=True)]}
    assert chosen(MANAGED, **pair) == ("there", [says.format("there", "here", "there")])
    assert chosen(None, **pair) == ("there", [])


def test_names_do_not_concern_each_other() -> None:
    bridges = {
        "here": None,
        "there": {"br0": of("there"), "br1": of("there", marked=True, name="br1")},
    }
    rows = {name: physical_switch(physical_port(), name=name) for name in ("br0", "br1", "br2")}
    choice = choose(bridges, rows)
    assert set(choice.bridges) == {"br1"}
    assert choice.waiting == set(choice.faults) == {"br0"}
