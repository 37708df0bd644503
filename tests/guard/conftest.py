"""A switch that works, with the application beside it that counts what the process holds."""

import contextlib
import json
import socket

import pytest

from sim.waiting import WaitFailed
from tests.switch.conftest import a_switch

OTHER = "br1"
"""A bridge that has a Physical_Switch and no controller: whoever says so is taken for it."""


class Guarded:
    """br0, connected and managed; br1, which nobody is yet; and the application."""

    def __init__(self, vtep):
        self.vtep = vtep
        self.app = vtep.app
        self.wait = vtep.wait

    def count(self):
        """Return what lives in the application's process."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(30)
            client.connect(str(self.vtep.folder / "census"))
            return json.loads(client.makefile().read())

    def datapath_id(self, bridge):
        return int(self.vtep.ovs_vsctl("get", "bridge", bridge, "datapath_id").strip('"'), 16)

    def lines(self, text):
        """Return the lines of the log that hold a text."""
        return [line for line in self.app.log_text.splitlines() if text in line]

    def comes_back_to(self, before, what):
        """Wait until the process holds no more than before."""
        with contextlib.suppress(WaitFailed):
            self.wait(lambda: self.exceeding(before) == {}, "no more than before")
        assert self.exceeding(before) == {}, f"left over; before {what}: {before}"

    def exceeding(self, before):
        """Return what there is more of; loops still hold the last event that they took."""
        may = {**before, "connections": before["connections"] + 2}
        return {each: now for each, now in self.count().items() if now > may[each]}


class AppWithCensus:
    """Adds the census to an App's command and environment."""

    def __init__(self, app, folder):
        self._command, self._environment = app.command, app.environment
        self._census = str(folder / "census")

    def command(self):
        manager, app, *options = self._command()
        return [manager, app, "tests.guard.census", *options]

    def environment(self):
        return {**self._environment(), "CENSUS": self._census}


@pytest.fixture(scope="module")
def guarded():
    """The switch of a module; its tests leave it as it was."""
    with a_switch() as vtep:
        extended = AppWithCensus(vtep.app, vtep.folder)
        vtep.app.command, vtep.app.environment = extended.command, extended.environment
        vtep.manage(stats_interval="0")
        vtep.join()
        vtep.add_bridge(OTHER, ("q0",))
        vtep.add_physical_switch(OTHER, "127.0.0.2")
        vtep.vtep_ctl("add-ls", "ls1", "--", "set", "Logical_Switch", "ls1", "tunnel_key=44")
        guarded = Guarded(vtep)
        vtep.wait(guarded.count, "the census")
        yield guarded
        assert vtep.app.running, vtep.app.log_text
