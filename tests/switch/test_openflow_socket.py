"""OpenFlow over a Unix socket: the same switch, the same limits, and who may connect."""

from __future__ import annotations

import json
import socket
import stat
from pathlib import Path

import pytest

from sim.waiting import wait_until
from sim.wire.openflow import HELLO, pack
from tests.switch.dummy import PATIENCE, DummyApp, DummySwitch
from tests.switch.test_in_band import hidden_flows
from vtep_ofapp.openflow.server import MAX_STRANGERS


def path_of(switch: DummySwitch) -> Path:
    """Return the path that the option of these tests has."""
    return switch.folder / "vtep_ofapp.of"


@pytest.fixture
def switch(switch: DummySwitch) -> DummySwitch:
    """A switch whose application is to listen on the socket as well; it does not run yet."""
    switch.app.options["openflow_socket"] = str(path_of(switch))
    return switch


@pytest.fixture
def local(switch: DummySwitch) -> DummySwitch:
    """br0, managed over the socket."""
    switch.add_bridge()
    switch.add_physical_switch()
    switch.app.start()
    switch.wait(path_of(switch).exists, "the socket")
    switch.ovs_vsctl("set-controller", "br0", f"unix:{path_of(switch)}")
    switch.app.wait_to_say("br0 is managed")
    return switch


def test_a_bridge_is_managed_over_it(local: DummySwitch) -> None:
    shown = json.loads(local.app.ask("show", "--json"))
    assert shown["switches"][0]["connected_from"] == f"unix:{path_of(local)}"
    local.wait(lambda: local.port_rows("br0") == ["p0", "p1"], "the physical ports")
    assert local.ovs_vsctl("get", "controller", "br0", "connection_mode") == "out-of-band"
    assert not hidden_flows(local)


def test_only_its_user_may_connect(local: DummySwitch) -> None:
    assert stat.S_IMODE(path_of(local).stat().st_mode) == 0o600


def test_it_is_there_as_long_as_the_process(local: DummySwitch) -> None:
    local.restart_app()  # a killed one leaves it behind, and br0 comes back by it
    assert local.app.stop() == 0
    assert not path_of(local).exists()


def test_what_took_its_path_is_left_alone(local: DummySwitch) -> None:
    path_of(local).unlink()
    path_of(local).write_text("precious")
    assert local.app.stop() == 0
    assert path_of(local).read_text() == "precious"


def test_tcp_goes_on_beside_it(local: DummySwitch) -> None:
    local.app.begin_log()
    local.point_at_app()
    local.wait(local.app.is_connected, "the connection over TCP")


def test_strangers_have_the_limits_of_the_port(local: DummySwitch) -> None:
    strangers = []
    for _ in range(MAX_STRANGERS + 1):
        stranger = socket.socket(socket.AF_UNIX)
        stranger.connect(str(path_of(local)))
        strangers.append(stranger)
    strangers[0].settimeout(PATIENCE)
    while strangers[0].recv(1 << 16):
        pass
    local.app.wait_to_say(f"connection from unix:{path_of(local)} gives its place to a newer one")
    for stranger in strangers:
        stranger.close()
    assert "in charge of br0" in local.app.ask("status")


@pytest.mark.parametrize("own_address", [None, "\0stranger"])
def test_nonsense_closes_that_connection_alone(local: DummySwitch, own_address: str | None) -> None:
    with socket.socket(socket.AF_UNIX) as stranger:
        if own_address:
            stranger.bind(own_address)
        stranger.connect(str(path_of(local)))
        stranger.settimeout(PATIENCE)
        stranger.sendall(pack(HELLO)[:1] + b"\0\0\0" * 3)
        while stranger.recv(1 << 16):
            pass
    local.app.wait_to_say(f"connection from unix:{path_of(local)} is closed: ")
    assert "in charge of br0" in local.app.ask("status")


def test_a_bridge_that_is_pointed_at_it_too_early_is_understood(switch: DummySwitch) -> None:
    switch.add_bridge()
    switch.ovs_vsctl("set-controller", "br0", f"unix:{path_of(switch)}")
    switch.app.start()
    switch.app.wait_to_say(
        "br0: it has this process as its controller, and no Physical_Switch has its name"
    )


def refused(app: DummyApp, reason: str) -> None:
    """It ends with one line that says why."""
    app.wait_to_say(f"CRITICAL vtep_ofapp: [vtep] openflow_socket: {reason}")
    wait_until(lambda: not app.running, "its end", timeout=PATIENCE)
    assert app.exit_code == 1
    assert "Traceback" not in app.log_text


def test_a_second_process_leaves_it_to_the_first(local: DummySwitch) -> None:
    second = DummyApp(local, "second")
    second.options["openflow_socket"] = str(path_of(local))
    second.start()
    refused(second, f"{path_of(local)}: another process or file has this path")
    assert path_of(local).exists()
    local.restart_app()


def test_a_file_is_not_removed(switch: DummySwitch) -> None:
    path_of(switch).write_text("precious")
    switch.app.start()
    refused(switch.app, f"{path_of(switch)}: another process or file has this path")
    assert path_of(switch).read_text() == "precious"


def test_a_link_to_a_socket_is_not_removed(switch: DummySwitch) -> None:
    target = switch.folder / "stale"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(target))
    path_of(switch).symlink_to(target)
    switch.app.start()
    refused(switch.app, f"{path_of(switch)}: another process or file has this path")
    assert path_of(switch).is_symlink()


@pytest.mark.parametrize("path", ["nowhere/of", "x" * 120])
def test_a_path_that_cannot_be_is_one_line(switch: DummySwitch, path: str) -> None:
    switch.app.options["openflow_socket"] = str(switch.folder / path)
    switch.app.start()
    refused(switch.app, str(switch.folder / path))
