"""Which switch is managed, in whatever order its parts appear."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import pytest

from tests.switch.dummy import DummySwitch


def is_managed(switch: DummySwitch, bridge: str = "br0") -> bool:
    return "table=30" in "\n".join(switch.flows(bridge))


@pytest.mark.parametrize("order", list(itertools.permutations(["bridge", "row", "app"])))
def test_rows_bridges_and_the_app_come_in_any_order(
    switch: DummySwitch, order: Sequence[str]
) -> None:

    def bridge() -> None:
        switch.add_bridge()
        switch.point_at_app()

    steps: dict[str, Callable[[], None]] = {
        "bridge": bridge,
        "row": switch.add_physical_switch,
        "app": switch.app.start,
    }
    for step in order:
        steps[step]()
    switch.wait(lambda: "br0" in switch.ovs_vsctl("list-br") and is_managed(switch), "the flows")
    switch.wait(lambda: switch.port_rows("br0") == ["p0", "p1"], "the physical ports")
    assert switch.ovs_vsctl("get-fail-mode", "br0") == "secure"


def test_a_managed_bridge_is_kept_in_fail_mode_secure(vtep: DummySwitch) -> None:
    vtep.ovs_vsctl("set-fail-mode", "br0", "standalone")
    vtep.wait(lambda: vtep.ovs_vsctl("get-fail-mode", "br0") == "secure", "fail mode secure")


def test_controllers_come_back_soon_unless_someone_chose_otherwise(switch: DummySwitch) -> None:
    switch.add_bridge()
    switch.add_bridge("br1", ports=())
    for bridge in ("br0", "br1"):
        switch.add_physical_switch(bridge)
        switch.point_at_app(bridge)
    switch.ovs_vsctl("set", "controller", "br1", "max_backoff=5000", "controller_rate_limit=200")
    switch.app.start()
    columns = "max_backoff", "controller_rate_limit"
    settings = lambda bridge: switch.ovs_vsctl("get", "controller", bridge, *columns)  # noqa: E731
    switch.wait(lambda: settings("br0") == "1000\n4000", "a max_backoff of one second")
    switch.wait(lambda: is_managed(switch, "br1"), "flows of br1")
    assert settings("br1") == "5000\n200"


def test_a_bridge_that_no_row_names_is_refused_once_and_untouched(vtep: DummySwitch) -> None:
    vtep.add_bridge("br1", ports=("p8",))
    vtep.ovs_vsctl("set-fail-mode", "br1", "secure")
    vtep.point_at_app("br1")
    dpid = vtep.ovs_vsctl("get", "bridge", "br1", "datapath_id").strip('"')
    vtep.wait_for_log(f"datapath {dpid} is refused: it is no bridge of a Physical_Switch")
    vtep.receive("p0", "00:00:00:00:00:01", "ff:ff:ff:ff:ff:ff")
    assert vtep.flows("br1") == []
    vtep.add_physical_switch("br1")
    vtep.wait(lambda: is_managed(vtep, "br1"), "br1 to be managed once a row names it")
    assert vtep.app.log_text.count(f"datapath {dpid} is refused") == 1


def test_a_switch_that_is_managed_no_more_is_left_clean(vtep: DummySwitch) -> None:
    vtep.vtep_ctl("bind-ls", "br0", "p0", "0", "ls0")
    vtep.vtep_ctl("add-ucast-remote", "ls0", "00:00:00:00:00:99", "10.2.2.3")
    vtep.wait(lambda: len(vtep.ovs_vsctl("list-ports", "br0").split()) == 4, "the tunnel ports")
    vtep.vtep_ctl("del-ps", "br0")
    vtep.wait_for_log("br0 is no longer managed")
    vtep.wait(lambda: vtep.flows() == [] and vtep.groups() == [], "an empty bridge")
    vtep.wait(lambda: vtep.ovs_vsctl("list-ports", "br0") == "p0\np1", "its own ports alone")


def test_the_databases_may_come_later(switch: DummySwitch) -> None:
    switch.add_bridge()
    switch.point_at_app()
    switch.add_physical_switch()
    switch.ovsdb_server.stop()
    switch.app.start()
    switch.wait_for_log("No such file or directory")
    switch.ovsdb_server.start()
    switch.wait(lambda: is_managed(switch), "the flows")


def test_physical_ports_follow_the_ports_of_the_bridge(vtep: DummySwitch) -> None:
    vtep.add_port("p2", 3)
    vtep.wait(lambda: vtep.port_rows("br0") == ["p0", "p1", "p2"], "the new port")
    vtep.ovs_vsctl("del-port", "br0", "p1")
    vtep.wait(lambda: vtep.port_rows("br0") == ["p0", "p2"], "the port to go")
