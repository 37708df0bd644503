"""A switch that works, with the application beside it that counts what the process holds."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from sim.waiting import WaitFailed
from tests.switch.conftest import described
from tests.switch.dummy import DummyApp, DummySwitch

OTHER = "br1"
"""A bridge with a Physical_Switch and no controller: any connection with its id is accepted."""


class Guarded:
    """br0, connected and managed; br1, which nobody is yet; and the application."""

    def __init__(self, vtep: DummySwitch) -> None:
        self.vtep = vtep
        self.app = vtep.app
        self.wait = vtep.wait

    def count(self) -> dict[str, int]:
        """Return what lives in the application's process."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(30)
            client.connect(str(self.vtep.folder / "census"))
            counts: dict[str, int] = json.loads(client.makefile().read())
            return counts

    def datapath_id(self, bridge: str) -> int:
        return int(self.vtep.ovs_vsctl("get", "bridge", bridge, "datapath_id").strip('"'), 16)

    def lines(self, text: str) -> list[str]:
        """Return the lines of the log that hold a text."""
        return [line for line in self.app.log_text.splitlines() if text in line]

    def comes_back_to(self, before: Mapping[str, int], what: str) -> None:
        """Wait until the process holds no more than before."""
        with contextlib.suppress(WaitFailed):
            self.wait(lambda: self.exceeding(before) == {}, "no more than before")
        assert self.exceeding(before) == {}, f"left over; before {what}: {before}"

    def exceeding(self, before: Mapping[str, int]) -> dict[str, int]:
        """Return what there is more of; loops still hold the last event that they took."""
        may = {**before, "connections": before["connections"] + 2}
        return {each: now for each, now in self.count().items() if now > may[each]}


class AppWithCensus(DummyApp):
    """The application with the census beside it."""

    def command(self) -> list[str]:
        """Return the command line of osken-manager."""
        manager, app, *options = super().command()
        return [manager, app, "tests.guard.census", *options]


class CountedSwitch(DummySwitch):
    """A switch whose application tells what it holds."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.app = AppWithCensus(self)
        self.app.variables["CENSUS"] = str(folder / "census")


@pytest.fixture(scope="module")
def guarded() -> Iterator[Guarded]:
    """The switch of a module; its tests leave it as it was."""
    with described(CountedSwitch) as vtep:
        vtep.start()
        vtep.manage(stats_interval="0")
        vtep.join()
        vtep.add_bridge(OTHER, ("q0",))
        vtep.add_physical_switch(OTHER, "127.0.0.2")
        vtep.vtep_ctl("add-ls", "ls1", "--", "set", "Logical_Switch", "ls1", "tunnel_key=44")
        guarded = Guarded(vtep)
        vtep.wait(guarded.count, "the census")
        yield guarded
        assert vtep.app.running, vtep.app.log_text
