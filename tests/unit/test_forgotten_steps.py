"""Which step was forgotten, for each switch, and the command to type."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any

import pytest

from vtep_ofapp.loop.forgotten_steps import BACKOFF, PATIENCE, missing
from vtep_ofapp.values.faults import Fault
from vtep_ofapp.values.listen_address import ListenAddress
from vtep_ofapp.values.rows import Bridge, Controller

from .builders import bridge, physical_switch, row_of

HERE, THERE = "tcp:127.0.0.1:6653", "tcp:127.0.0.1:6654"
MANAGED = "br0 of Open vSwitch, managed by vtep_ofapp"


def a_bridge(*targets: str, name: str = "br0", connected_to: Collection[str] = ()) -> Bridge:
    controllers = tuple(Controller(each, each in connected_to) for each in targets)
    return bridge(name=name, controllers=controllers)


def found(
    *bridges: Bridge,
    rows: Iterable[str] = ("br0",),
    waiting: Collection[str] = (),
    connected: Collection[str] = (),
    unread: Collection[str] = (),
    **more: Any,
) -> dict[str, Fault]:
    """Return what is missing, by name, as people read it."""
    named = {each: physical_switch(name=each, **more) for each in rows}
    by_name = {each.name: each for each in bridges}
    return missing(named, by_name, waiting, connected, unread, ListenAddress())


def said(*args: Bridge, **more: Any) -> dict[str, str]:
    return {name: fault.reason for name, fault in found(*args, **more).items()}


def test_nothing_is_missing_of_a_bridge_that_is_connected() -> None:
    assert said(a_bridge(HERE, connected_to=[HERE]), connected=["br0"]) == {}


def test_no_controller() -> None:
    reason = f"its bridge has no controller: ovs-vsctl set-controller br0 {HERE}"
    assert said(a_bridge()) == {"br0": reason}
    assert found(a_bridge())["br0"].patience == PATIENCE


def test_a_controller_elsewhere() -> None:
    assert said(a_bridge("tcp:192.0.2.9:6653")) == {
        "br0": "its bridge has tcp:192.0.2.9:6653 as controller and not this process: "
        f"ovs-vsctl set-controller br0 {HERE}"
    }


def test_a_bridge_that_is_connected_to_another_process_alone_is_given_both() -> None:
    assert said(a_bridge(THERE, connected_to=[THERE])) == {
        "br0": f"its bridge is connected to {THERE} and not to this process: "
        f"ovs-vsctl set-controller br0 {THERE} {HERE}"
    }


def test_a_bridge_that_has_us_and_does_not_come_may_take_its_time() -> None:
    fault = found(a_bridge(THERE, HERE, connected_to=[THERE]))["br0"]
    assert fault.reason == ("its bridge is not connected: ovs-vsctl list controller br0 says why")
    assert fault.patience == BACKOFF


def test_a_bridge_that_does_not_speak_our_version_is_told_to() -> None:
    fault = found(replace(a_bridge(HERE), speaks_our_version=False))["br0"]
    assert fault.reason == (
        "its bridge does not speak OpenFlow 1.3: ovs-vsctl add bridge br0 protocols OpenFlow13"
    )
    assert fault.patience == PATIENCE


def test_no_bridge() -> None:
    fault = found()["br0"]
    assert str(fault) == "Physical_Switch br0: no bridge has its name: ovs-vsctl add-br br0"
    assert (fault.patience, fault.is_information, row_of(fault)) == (PATIENCE, False, None)


def test_no_bridge_beside_others_is_information_unless_we_managed_it() -> None:
    more = {"rows": ("br0", "far"), "connected": ["br0"]}
    fault = found(a_bridge(HERE), **more)["far"]
    assert fault.is_information
    assert fault.reason == (
        "no bridge has its name; if no other process manages it: ovs-vsctl add-br far"
    )
    assert not found(a_bridge(HERE), description=MANAGED, **more)["far"].is_information


def test_no_bridge_while_a_database_is_not_read() -> None:
    assert said(unread=["there"]) == {"br0": "no bridge has its name so far; there is not read yet"}
    assert said(waiting=["br0"], unread=["there"]) == {}


def test_a_database_without_any_switch() -> None:
    assert said(a_bridge(), rows=()) == {
        "hardware_vtep": "it has no Physical_Switch: vtep-ctl add-ps br0"
    }
    assert said(a_bridge(), a_bridge(name="br1"), rows=()) == {
        "hardware_vtep": "it has no Physical_Switch: vtep-ctl add-ps BRIDGE"
    }
    assert found(rows=())["hardware_vtep"].is_information


def test_a_bridge_that_leads_here_and_has_no_row() -> None:
    stray = a_bridge(HERE, name="br1")
    add = (
        "it has this process as its controller, and no Physical_Switch has its name: "
        "vtep-ctl add-ps br1"
    )
    assert said(stray, rows=()) == {"br1": add}
    assert said(stray, rows=("br0",)) == {
        "br0": "no bridge has its name: ovs-vsctl add-br br0 or "
        "vtep-ctl set Physical_Switch br0 name=br1",
        "br1": add,
    }
    others = a_bridge(name="br1"), a_bridge(THERE, name="br2")
    assert said(*others, rows=()).keys() == {"hardware_vtep"}


@pytest.mark.parametrize(
    ("listener", "target", "is_meant"),
    [
        (ListenAddress(), "tcp:127.0.0.1:6653", True),
        (ListenAddress(), "tcp:127.0.0.1", True),
        (ListenAddress(), "tcp:localhost:6653", True),
        (ListenAddress(), "tcp:127.0.0.1:6654", False),
        (ListenAddress(), "tcp:192.0.2.1:6653", False),
        (ListenAddress(), "ssl:127.0.0.1:6653", False),
        (ListenAddress(), "ptcp:6653", False),
        (ListenAddress(), "unix:/run/x", False),
        (ListenAddress(socket="/var/run/openvswitch/x"), "unix:/run/openvswitch/x", True),
        (ListenAddress(socket="/run/openvswitch/x"), "unix:x", True),
        (ListenAddress(socket="/run/openvswitch/x"), "unix:/run/openvswitch/y", False),
        (ListenAddress(socket="/run/openvswitch/x"), "tcp:127.0.0.1:6653", True),
        (ListenAddress(port=6654), "tcp:127.0.0.1", False),
        (ListenAddress(host="0.0.0.0"), "tcp:192.0.2.1:6653", True),
        (ListenAddress(host="::"), "tcp:[2001:db8::1]:6653", True),
        (ListenAddress(host="192.0.2.1"), "tcp:192.0.2.1:6653", True),
        (ListenAddress(host="192.0.2.1"), "tcp:192.0.2.2:6653", False),
        (ListenAddress(host="192.0.2.1"), "tcp:a.example:6653", True),
        (ListenAddress(host="::1"), "tcp:[::1]:6653", True),
        (ListenAddress("ssl"), "ssl:127.0.0.1:6653", True),
    ],
)
def test_which_targets_lead_here(listener: ListenAddress, target: str, is_meant: bool) -> None:
    assert listener.is_meant_by(target) is is_meant


@pytest.mark.parametrize(
    ("listener", "target"),
    [
        (ListenAddress(), "tcp:127.0.0.1:6653"),
        (ListenAddress("ssl", "192.0.2.1", 6654), "ssl:192.0.2.1:6654"),
        (ListenAddress(host="2001:db8::1"), "tcp:[2001:db8::1]:6653"),
        (ListenAddress(host="0.0.0.0"), "tcp:127.0.0.1:6653"),
        (ListenAddress(host="0.0.0.0", is_local=False), "tcp:ADDRESS:6653"),
    ],
)
def test_the_target_that_leads_here(listener: ListenAddress, target: str) -> None:
    assert listener.target == target
