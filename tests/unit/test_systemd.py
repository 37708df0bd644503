"""What systemd is told (sd_notify(3))."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from vtep_ofapp.process.systemd import ServiceManager

Systemd = tuple[socket.socket, dict[str, str]]
"""A socket like that of systemd, and the environment that names it."""


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Systemd]:
    """A socket like systemd's, with the name that NOTIFY_SOCKET has for it."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@vtep-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(name.replace("@", "\0"))
        heard.setblocking(False)
        yield heard, {"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "30000000"}


def told(heard: socket.socket) -> list[str]:
    messages = []
    while True:
        try:
            messages.append(heard.recv(1000).decode())
        except BlockingIOError:
            return messages


def test_it_is_told_once_that_we_are_ready_and_each_new_status(
    systemd: Systemd,
) -> None:
    heard, environment = systemd
    manager = ServiceManager(environment)
    manager.be(False, "waiting")
    manager.be(False, "waiting")
    manager.be(True, "in charge of br0")
    manager.be(True, "in charge of br0")
    manager.be(False, "in charge of br0; not connected: br1")
    assert told(heard) == [
        "STATUS=waiting",
        "READY=1",
        "STATUS=in charge of br0",
        "STATUS=in charge of br0; not connected: br1",
    ]


def test_the_watchdog_is_fed_well_before_it_bites(systemd: Systemd) -> None:
    heard, environment = systemd
    manager = ServiceManager(environment)
    assert manager.watchdog_interval == 10
    manager.alive()
    assert told(heard) == ["WATCHDOG=1"]


def test_a_time_that_is_no_number_is_no_watchdog(caplog: pytest.LogCaptureFixture) -> None:
    assert ServiceManager({"WATCHDOG_USEC": "soon"}).watchdog_interval == 0
    assert "WATCHDOG_USEC: 'soon' is not a number of microseconds" in caplog.text


def test_nobody_is_told_where_there_is_no_systemd() -> None:
    manager = ServiceManager({})
    assert manager.watchdog_interval == 0
    manager.be(True, "in charge")
    manager.alive()


def test_a_systemd_that_does_not_listen_is_no_reason_to_stop(
    systemd: Systemd, caplog: pytest.LogCaptureFixture
) -> None:
    heard, environment = systemd
    manager = ServiceManager(environment)
    heard.close()
    manager.be(True, "in charge")
    manager.alive()
    assert "the service manager" in caplog.text


def test_a_caller_that_waited_until_we_were_ready_is_told_nothing_afterwards(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """``vtep-ofapp --detach`` is such a caller."""
    name = f"vtep-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(f"\0{name}")
        manager = ServiceManager({"NOTIFY_SOCKET": f"@{name}"})
        manager.be(True, "in charge of br0")
    for status in ("in charge of no switch", "standing by"):
        manager.be(True, status)
    assert not caplog.records
