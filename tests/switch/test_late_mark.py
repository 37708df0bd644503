"""A pair with addresses of hardware_vtep that differ, and a late mark of the one without lock."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from sim.lab.openvswitch import Daemon
from sim.waiting import wait_until
from tests.switch.conftest import described
from tests.switch.dummy import PATIENCE, DummyApp, DummySwitch
from tests.switch.test_leftovers import mark
from tests.switch.test_pair import IN_CHARGE, STANDING_BY, Way
from tests.switch.test_two_databases import MANAGED


@contextmanager
def stopped(daemon: Daemon) -> Iterator[None]:
    """Stop a daemon, which then reads later what is sent to it meanwhile."""
    assert daemon.pid is not None
    os.kill(daemon.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(daemon.pid, signal.SIGCONT)


def said(app: DummyApp, text: str, times: int = 1) -> None:
    """Wait until an application has said something so many times."""
    wait_until(
        lambda: app.log_text.count(text) == times,
        f"{text!r} {times} times from {app.NAME}",
        timeout=PATIENCE,
        evidence=lambda: app.log_text,
    )


@pytest.fixture
def nvc(switch: DummySwitch) -> Iterator[DummySwitch]:
    """The hardware_vtep of both in a server of its own."""
    with described(DummySwitch) as nvc:
        nvc.create_databases()
        nvc.ovsdb_server.start()
        nvc.add_physical_switch()
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
        said(app, IN_CHARGE)
        other.start()
        said(other, STANDING_BY)
        switch.ovs_vsctl("set-controller", "br0", app.target, other.target)
        switch.wait(lambda: app.options["vtep_db"] in mark(switch), "the mark of the first one")
        switch.wait(other.is_connected, "the connection of the other")
        with stopped(switch.ovsdb_server):
            way.cut()
            said(other, MANAGED)
            way.mend()
            said(app, STANDING_BY)
            other.kill()
            said(app, IN_CHARGE, 2)
        nvc.vtep_ctl("bind-ls", "br0", "p0", "0", "ls0", "--", "bind-ls", "br0", "p1", "10", "ls0")
        switch.wait(lambda: "dl_vlan=10" in "\n".join(switch.flows()), "the flows of the first one")
        switch.wait(lambda: app.options["vtep_db"] in mark(switch), "its mark")
