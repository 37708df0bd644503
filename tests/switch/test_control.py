"""The control socket: answers to ovs-appctl, and clients that do not behave."""

from __future__ import annotations

import json
import os
import re
import socket
from pathlib import Path

import pytest

from sim.lab import namespaces
from sim.waiting import wait_until
from tests.switch.dummy import PATIENCE, DummyApp, DummySwitch
from vtep_ofapp.process.unixctl_client import CommandFailed, NoAnswer, ask, socket_of

MOST_CLIENTS = 32


def test_ovs_appctl_finds_it_by_its_pidfile(vtep: DummySwitch) -> None:
    shown = json.loads(vtep.app.ask("show", "--json"))
    assert shown["role"] == "active"
    assert shown["switches"][0]["role"] == "master"
    assert "in charge of br0" in vtep.app.ask("status")
    assert "  show" in vtep.app.ask("list-commands")
    for words in (["bake"], ["show", "more"], ["vlog/set", "loud"]):
        with pytest.raises(namespaces.CommandFailed):
            vtep.app.ask(*words)
    with pytest.raises(namespaces.CommandFailed, match=r"there is no .*\novs-appctl: "):
        vtep.app.ask("mac/show", "nobody")


def test_our_client_asks_the_same(vtep: DummySwitch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVS_RUNDIR", str(vtep.folder))
    path = socket_of("vtep_ofapp")
    assert ask(path, "version", []) == vtep.app.ask("version")
    with pytest.raises(CommandFailed, match=r"\Ausage: version\n\Z"):
        ask(path, "version", ["x"])
    with pytest.raises(NoAnswer, match="does not run"):
        socket_of("somebody")


def test_exit_ends_it_and_removes_its_files(vtep: DummySwitch) -> None:
    path = control_socket(vtep)
    vtep.app.ask("exit")
    wait_until(lambda: not vtep.app.running, "its end", timeout=PATIENCE)
    assert vtep.app.exit_code == 0
    assert not path.exists()
    assert not (vtep.folder / "vtep_ofapp.pid").exists()


def test_what_a_killed_process_left_behind_is_replaced(vtep: DummySwitch) -> None:
    left = control_socket(vtep)
    vtep.restart_app()
    assert left != control_socket(vtep)
    assert not left.exists()
    assert "in charge" in vtep.app.ask("status")


def test_a_second_process_is_found_by_its_own_pidfile(
    vtep: DummySwitch, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = DummyApp(vtep, "vtep_ofapp-two")
    second.start()
    second.wait_to_say("standing by")
    assert second.ask("status").startswith("role: standing by")
    monkeypatch.setenv("OVS_RUNDIR", str(vtep.folder))
    assert ask(socket_of("vtep_ofapp-two"), "status", []).startswith("role: standing by")
    assert "in charge of br0" in vtep.app.ask("status")


def test_a_second_process_with_the_same_pidfile_harms_nobody(vtep: DummySwitch) -> None:
    second = DummyApp(vtep, "second")
    second.control = dict  # type: ignore[method-assign]
    second.start()
    second.wait_to_say("standing by")
    line = r"it is that of the running process \d+; ask this one at (\S+), or give it a pidfile"
    found = re.search(line, second.log_text)
    assert found
    assert ask(found[1], "status", []).startswith("role: standing by")
    assert "in charge of br0" in vtep.app.ask("status")
    second.stop()
    # A pidfile that was asked for is another matter.
    second.options["pidfile"] = str(vtep.folder / "vtep_ofapp.pid")
    second.begin_log()
    second.start()
    second.wait_to_say("[vtep] pidfile: ")
    wait_until(lambda: not second.running, "its end", timeout=PATIENCE)
    assert second.exit_code == 1
    assert "in charge of br0" in vtep.app.ask("status")


def test_a_client_that_never_reads_harms_nobody(vtep: DummySwitch) -> None:
    request = b'{"id":1,"method":"list-commands","params":[]}'
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.connect(str(control_socket(vtep)))
        deaf.settimeout(1.0)  # the server reads no request while an answer is unread
        with pytest.raises(TimeoutError):
            deaf.sendall(request * 100_000)
        assert "in charge" in vtep.app.ask("status")


def test_more_clients_than_it_serves(vtep: DummySwitch) -> None:
    idle = []
    for _ in range(MOST_CLIENTS + 8):
        client = socket.socket(socket.AF_UNIX)
        client.connect(str(control_socket(vtep)))
        idle.append(client)
    assert "in charge" in vtep.app.ask("status")
    idle[0].settimeout(PATIENCE)
    assert idle[0].recv(1) == b""  # it was closed: the oldest one makes room
    for client in idle:
        client.close()


@pytest.mark.parametrize("sent", [b"\xff\xfe{]", b'{"id":1}', b'{"id":0,"method":"x","params":7}'])
def test_nonsense_closes_that_client_alone(vtep: DummySwitch, sent: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(control_socket(vtep)))
        client.settimeout(PATIENCE)
        client.sendall(sent)
        client.recv(1 << 16)
    assert "in charge" in vtep.app.ask("status")


def test_only_its_user_may_ask(vtep: DummySwitch) -> None:
    assert os.stat(control_socket(vtep)).st_mode & 0o077 == 0


@pytest.mark.parametrize("path", ["nowhere/own.ctl", f"{'x' * 120}.ctl"])
def test_it_does_not_run_without_a_socket_that_was_asked_for(
    switch: DummySwitch, path: str
) -> None:
    switch.app.options["unixctl"] = str(switch.folder / path)
    switch.app.start()
    switch.wait(lambda: not switch.app.running, "its end")
    assert switch.app.exit_code == 1
    assert "CRITICAL vtep_ofapp: [vtep] unixctl: " in switch.app.log_text.splitlines()[-1]


@pytest.mark.parametrize("folder", ["/nonexistent", f"/{'x' * 120}"])
def test_it_runs_without_a_folder_for_its_socket(switch: DummySwitch, folder: str) -> None:
    switch.app.variables["OVS_RUNDIR"] = folder
    switch.app.start()
    switch.app.wait_to_say("no command is answered: ")
    switch.app.wait_to_say("connected")


def control_socket(vtep: DummySwitch) -> Path:
    """Return the control socket of the application that runs."""
    process = (vtep.folder / "vtep_ofapp.pid").read_text().strip()
    return vtep.folder / f"vtep_ofapp.{process}.ctl"


def test_show_says_why_a_database_is_not_there(vtep: DummySwitch) -> None:
    shown = json.loads(vtep.app.ask("show", "--json"))["databases"]
    assert {database["server"] for database in shown} == {vtep.db}
    vtep.ovsdb_server.stop()

    def reason() -> str:
        shown = json.loads(vtep.app.ask("show", "--json"))["databases"][0]
        return ", ".join(shown["unusable"])

    vtep.wait(lambda: reason() == f"{vtep.db}: No such file or directory", "the reason")
