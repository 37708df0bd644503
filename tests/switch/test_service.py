"""The application as a service: what systemd is told, how it ends, and the unit file."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sim.lab.process import CHECKOUT
from tests.switch.dummy import BROADCAST, DummySwitch
from vtep_ofapp.cli.flags import parse

UNIT, TEMPLATE, WEB = (
    CHECKOUT / "etc" / f"{name}.service" for name in ("vtep_ofapp", "vtep_ofapp@", "vtep-ofapp-web")
)
HOST, FAR = "00:00:00:00:00:01", "00:00:00:00:00:99"


class Systemd:
    """The socket that systemd has for a service, and what was told there."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)
        self._told: list[str] = []

    def told(self) -> list[str]:
        """Return all that was told so far."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self._told.append(self._socket.recv(4096).decode())
        return self._told

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def systemd(switch: DummySwitch) -> Iterator[Systemd]:
    path = switch.folder / "notify"
    systemd = Systemd(path)
    switch.app.variables = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "1500000"}
    yield systemd
    systemd.close()


def test_it_is_ready_when_it_has_its_switch_and_the_watchdog_is_fed(
    switch: DummySwitch, systemd: Systemd
) -> None:
    switch.manage()
    switch.wait(lambda: "READY=1" in systemd.told(), "readiness")
    assert not systemd.told()[-1].startswith("STATUS=waiting for ")
    switch.wait(lambda: "STATUS=in charge of br0" in systemd.told(), "the status")
    switch.wait(lambda: systemd.told().count("WATCHDOG=1") >= 3, "food for the watchdog")
    switch.app.signal(signal.SIGSTOP)
    systemd.told()
    fed = systemd.told().count("WATCHDOG=1")
    time.sleep(1.5)  # what is awaited is that nothing comes, for as long as the watchdog waits
    assert systemd.told().count("WATCHDOG=1") == fed
    switch.app.signal(signal.SIGCONT)
    switch.wait(lambda: systemd.told().count("WATCHDOG=1") > fed, "food again")


def test_it_is_not_ready_before_the_databases_can_be_read(
    switch: DummySwitch, systemd: Systemd
) -> None:
    switch.add_bridge()
    switch.point_at_app()
    switch.ovsdb_server.kill()
    switch.app.start()
    switch.wait_for_log("hardware_vtep: ")
    switch.wait(lambda: "STATUS=waiting for hardware_vtep" in systemd.told(), "the status")
    assert "READY=1" not in systemd.told()
    switch.ovsdb_server.start()
    switch.wait(lambda: "READY=1" in systemd.told(), "readiness")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_at_once_and_leaves_all_as_it_is(
    switch: DummySwitch, number: signal.Signals
) -> None:
    switch.manage()
    switch.join()
    switch.place(FAR, "10.2.2.3")
    switch.receive("p0", HOST, BROADCAST)
    switch.wait(lambda: switch.local_macs() == {HOST: "127.0.0.1"}, "the host's row")
    switch.wait(lambda: switch.sends("p0", FAR) == ["10.2.2.3 vni 33"], "the way to the far host")
    flows, groups, rows = switch.flows(), switch.groups(), switch.rows("Ucast_Macs_Local")
    switch.app.signal(number)
    switch.wait(lambda: not switch.app.running, "its end")
    assert switch.app.exit_code == 0
    assert (switch.flows(), switch.groups()) == (flows, groups)
    assert switch.rows("Ucast_Macs_Local") == rows
    assert switch.sends("p0", FAR) == ["10.2.2.3 vni 33"]


@pytest.mark.parametrize("unit", [UNIT, TEMPLATE, WEB], ids=lambda unit: unit.stem)
def test_the_unit_file_is_one_and_leaves_little_to_harm(unit: Path, tmp_path: Path) -> None:
    copy = tmp_path / unit.name.replace("@", "@one")
    command = start_of(unit)
    assert command.split()[0].rpartition("/")[0] == "/opt/vtep_ofapp/bin"
    copy.write_text(unit.read_text().replace(command.split()[0], "/bin/true"))
    verified = run("verify", "--man=no", str(copy))
    assert [line for line in verified.splitlines() if copy.name in line] == []
    exposure = run("security", "--offline=true", "--threshold=35", "--no-pager", str(copy))
    assert "Overall exposure level" in exposure
    # Its offline check does not know that /run stays writable where ProtectProc= is set.
    assert "ReadOnlyPaths=/run" in unit.read_text().splitlines()


@pytest.mark.parametrize("unit", [UNIT, TEMPLATE], ids=lambda unit: unit.stem)
def test_the_command_of_the_unit_is_one(unit: Path) -> None:
    flags, others = parse(start_of(unit).split()[1:])
    assert others[0] == "--config-file"
    assert len(others) == 2
    assert not flags.detach


def test_the_units_differ_in_names_alone() -> None:
    """A second process has files of its own, and is asked by the name of its pidfile."""
    one, several = (
        [line for line in unit.read_text().replace("\\\n   ", "").splitlines() if line[:1] != "#"]
        for unit in (UNIT, TEMPLATE)
    )
    differing = [pair for pair in zip(one, several, strict=True) if pair[0] != pair[1]]
    assert [line.partition("=")[0] for line, _ in differing] == ["Description", "ExecStart"]
    values = start_of(TEMPLATE).split()[2::2]
    assert len(values) == 2
    assert all("%i" in value for value in values)


def start_of(unit: Path) -> str:
    """Return the command line that a unit starts."""
    text = unit.read_text().replace("\\\n   ", "")
    (command,) = (
        line.removeprefix("ExecStart=")
        for line in text.splitlines()
        if line.startswith("ExecStart=")
    )
    return command


def run(*arguments: str) -> str:
    """Run systemd-analyze; return what it says if it is content."""
    argv = ["systemd-analyze", *map(str, arguments)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
