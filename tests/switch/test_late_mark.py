"""A pair with addresses of hardware_vtep that differ, and a late mark of the one without lock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.switch.conftest import a_database
from tests.switch.dummy import DummyApp, DummySwitch
from tests.switch.test_leftovers import mark
from tests.switch.test_pair import IN_CHARGE, STANDING_BY, Way
from tests.switch.test_two_databases import MANAGED


@pytest.fixture
def nvc(switch: DummySwitch) -> Iterator[DummySwitch]:
    """The hardware_vtep of both in a server of its own."""
    with a_database() as nvc:
        nvc.vtep_ctl("add-ls", "ls0", "--", "set", "Logical_Switch", "ls0", "tunnel_key=33")
        yield nvc


def test_a_mark_of_the_one_that_lost_the_lock_takes_no_bridge(
    switch: DummySwitch, nvc: DummySwitch
) -> None:
    """Open vSwitch's database reads it after the lock has come back."""
    app, other = switch.app, DummyApp(switch, "other")
    way, of_other = Way(nvc, app), Way(nvc, other)
    with ExitStack() as stack:
        for end in (way.cut, of_other.cut, other.kill):
            stack.callback(end)
        switch.add_bridge()
        app.start()
        app.wait_to_say(IN_CHARGE)
        other.start()
        other.wait_to_say(STANDING_BY)
        switch.ovs_vsctl("set-controller", "br0", app.target, other.target)
        switch.wait(lambda: app.options["vtep_db"] in mark(switch), "the mark of the first one")
        switch.wait(other.is_connected, "the connection of the other")
        with switch.ovsdb_server.stopped():
            way.cut()
            other.wait_to_say(MANAGED)
            way.mend()
            app.wait_to_say(STANDING_BY)
            said = len(app.log_text)
            other.kill()
            app.wait_to_say(IN_CHARGE, said)
        nvc.vtep_ctl("bind-ls", "br0", "p0", "0", "ls0", "--", "bind-ls", "br0", "p1", "10", "ls0")
        switch.wait(lambda: "dl_vlan=10" in "\n".join(switch.flows()), "the flows of the first one")
        switch.wait(lambda: app.options["vtep_db"] in mark(switch), "its mark")
