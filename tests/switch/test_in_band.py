"""Frames of tenants never pass by the pipeline, whatever is done to the bridge's controllers."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator

import pytest

from tests.switch.dummy import DummySwitch

HIGHEST = 0xFFFF
"""The highest priority that OpenFlow has: flows above it are hidden ones of Open vSwitch."""


def hidden_flows(vtep: DummySwitch) -> list[str]:
    text = vtep.appctl("bridge/dump-flows", "br0")
    return [line for line in text.splitlines() if _priority(line) > HIGHEST]


def _priority(line: str) -> int:
    found = re.search(r"priority=(\d+)", line)
    return int(found[1]) if found else HIGHEST


@pytest.fixture
def paused(vtep: DummySwitch) -> Iterator[DummySwitch]:
    """The same while the application does nothing: what it set before has to do."""
    secured = lambda: vtep.ovs_vsctl("get", "bridge", "br0", "other_config")  # noqa: E731
    vtep.wait(lambda: "disable-in-band" in secured(), "the bridge's setting")
    vtep.app.signal(signal.SIGSTOP)
    yield vtep
    vtep.app.signal(signal.SIGCONT)


def test_a_new_controller_brings_no_hidden_flows(paused: DummySwitch) -> None:
    for number in range(20):
        paused.ovs_vsctl("set-controller", "br0", f"tcp:127.0.0.1:{1000 + number}")
        assert hidden_flows(paused) == []


def test_there_would_be_hidden_flows_where_someone_wants_them(paused: DummySwitch) -> None:
    paused.ovs_vsctl("set", "bridge", "br0", "other_config:disable-in-band=false")
    paused.ovs_vsctl("set-controller", "br0", "tcp:127.0.0.1:1000")
    paused.wait(lambda: hidden_flows(paused), "Open vSwitch's flows for in-band control")


def test_the_setting_of_others_stays(switch: DummySwitch) -> None:
    switch.add_bridge()
    switch.ovs_vsctl("set", "bridge", "br0", "other_config:disable-in-band=false")
    switch.ovs_vsctl("set", "bridge", "br0", "other_config:mac-aging-time=60")
    switch.add_bridge("br1", ports=())
    switch.ovs_vsctl("set", "bridge", "br1", "other_config:mac-aging-time=60")
    for bridge in ("br0", "br1"):
        switch.add_physical_switch(bridge)
        switch.point_at_app(bridge)
    switch.app.start()
    config = lambda name: {  # noqa: E731
        row["name"]: row["other_config"] for row in switch.rows("Bridge", "Open_vSwitch")
    }[name]
    ours = {"disable-in-band": "true", "mac-aging-time": "60"}
    switch.wait(lambda: config("br1") == ours, "the setting")
    switch.wait_for_log("br0 is managed")
    mode = lambda: switch.ovs_vsctl("get", "controller", "br0", "connection_mode")  # noqa: E731
    switch.wait(lambda: mode() == "out-of-band", "its controller's settings")
    assert config("br0") == {"disable-in-band": "false", "mac-aging-time": "60"}
