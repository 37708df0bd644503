"""A step that was forgotten is a line within seconds, with the command to type."""

from __future__ import annotations

import time

import pytest

from tests.switch.dummy import DummyApp, DummySwitch

PROMISE = 10.0
"""Seconds within which a line says what is missing; a busy machine gets ten times as long."""


@pytest.fixture
def begun(switch: DummySwitch) -> DummySwitch:
    """br0 and its Physical_Switch, and an application that br0 knows nothing of."""
    switch.add_bridge()
    switch.add_physical_switch()
    switch.app.start()
    return switch


def wait_to_be_told(switch: DummySwitch, line: str) -> None:
    """Wait for a line."""
    switch.wait(lambda: line in switch.app.log_text, f"{line!r} in the log", 10 * PROMISE)


def test_no_controller_and_then_one_that_leads_elsewhere(begun: DummySwitch) -> None:
    nothing = "Physical_Switch br0: its bridge has no controller"
    command = f"ovs-vsctl set-controller br0 {begun.app.target}"
    wait_to_be_told(begun, f"{nothing}: {command}")
    begun.ovs_vsctl("set-controller", "br0", "tcp:127.0.0.1:1")
    elsewhere = "Physical_Switch br0: its bridge has tcp:127.0.0.1:1 as controller and not this"
    wait_to_be_told(begun, f"{elsewhere} process: {command}")
    begun.run(["sh", "-c", command])
    begun.wait_for_log(f"resolved: {elsewhere}")
    begun.wait_for_log("br0 is managed")
    assert begun.app.log_text.count("its bridge has") == 4


def test_a_bridge_without_our_version_of_openflow(begun: DummySwitch) -> None:
    begun.ovs_vsctl("set", "bridge", "br0", "protocols=OpenFlow10,OpenFlow14")
    begun.point_at_app()
    line = "Physical_Switch br0: its bridge does not speak OpenFlow 1.3"
    command = "ovs-vsctl add bridge br0 protocols OpenFlow13"
    wait_to_be_told(begun, f"{line}: {command}")
    begun.run(command.split())
    begun.wait_for_log(f"resolved: {line}")
    begun.wait_for_log("br0 is managed")


def test_a_connection_that_came_back_is_said(vtep: DummySwitch) -> None:
    vtep.ovs_vsctl("del-controller", "br0")
    vtep.wait_for_log("br0: connection lost")
    vtep.point_at_app()
    vtep.wait_for_log("br0: connected again")


def test_no_physical_switch_and_no_controller(switch: DummySwitch) -> None:
    switch.add_bridge()
    switch.app.start()
    line = "hardware_vtep: it has no Physical_Switch: vtep-ctl add-ps br0"
    wait_to_be_told(switch, line)
    switch.add_physical_switch()
    switch.wait_for_log(f"resolved: {line}")


def test_no_bridge_and_what_makes_it(switch: DummySwitch) -> None:
    switch.add_physical_switch()
    switch.app.start()
    line = "Physical_Switch br0: no bridge has its name: ovs-vsctl add-br br0"
    wait_to_be_told(switch, line)
    switch.add_bridge()
    switch.point_at_app()
    switch.wait_for_log(f"resolved: {line}")
    switch.wait_for_log("br0 is managed")


def test_a_bridge_that_leads_here_and_a_name_that_is_not_its_own(switch: DummySwitch) -> None:
    switch.add_bridge()
    switch.point_at_app()
    switch.app.start()
    stray = "Bridge br0: it has this process as its controller, and no Physical_Switch has its name"
    wait_to_be_told(switch, f"{stray}: vtep-ctl add-ps br0")
    switch.add_physical_switch("bro")
    rename = "vtep-ctl set Physical_Switch bro name=br0"
    wait_to_be_told(switch, f"bro: no bridge has its name: ovs-vsctl add-br bro or {rename}")
    switch.vtep_ctl(*rename.split()[1:])
    switch.wait_for_log("br0 is managed")
    switch.wait_for_log(f"resolved: {stray}")


def test_a_switch_that_may_be_of_another_process_is_information(vtep: DummySwitch) -> None:
    vtep.add_physical_switch("far", "127.0.0.9")
    line = "Physical_Switch far: no bridge has its name; if no other process manages it: ovs-vsctl"
    wait_to_be_told(vtep, line)
    (said,) = [each for each in vtep.app.log_text.splitlines() if line in each]
    assert "INFO" in said
    vtep.vtep_ctl("set", "Physical_Switch", "far", "tunnel_ips=127.0.0.8")
    vtep.come_to_rest()
    assert vtep.app.log_text.count(line) == 1


def test_a_bridge_that_is_connected_only_to_the_standby(begun: DummySwitch) -> None:
    begun.wait_for_log("in charge")
    other = DummyApp(begun, "standby")
    try:
        other.start()
        begun.wait(lambda: "standing by" in other.log_text, "the standby")
        begun.point_at_app()
        begun.wait_for_log("br0 is managed")
        begun.ovs_vsctl("set-controller", "br0", other.target)
        line = f"br0: its bridge is connected to {other.target} and not to this process"
        both = f"ovs-vsctl set-controller br0 {other.target} {begun.app.target}"
        wait_to_be_told(begun, f"{line}: {both}")
        begun.run(["sh", "-c", both])
        begun.wait_for_log(f"resolved: Physical_Switch {line}")
    finally:
        other.stop()


def test_what_is_as_it_should_be_is_not_spoken_of(vtep: DummySwitch) -> None:
    vtep.join()
    vtep.restart_app()
    vtep.come_to_rest()
    time.sleep(PROMISE)  # what is awaited is that nothing comes
    assert "ovs-vsctl" not in vtep.app.log_text
    assert "vtep-ctl" not in vtep.app.log_text
