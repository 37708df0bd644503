"""Two applications with a hardware_vtep each, and one bridge: one of them leaves it alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.switch.conftest import a_database
from tests.switch.dummy import DummyApp, DummySwitch
from tests.switch.state import switch_faults
from tests.switch.test_leftovers import mark

LEFT = "Physical_Switch br0: a process with another lock or vtep_db manages its bridge, too"
MANAGED = "br0 is managed\n"


@pytest.fixture
def nvc(joined: DummySwitch) -> Iterator[DummySwitch]:
    """Another hardware_vtep with a Physical_Switch br0."""
    with a_database() as other:
        yield other


@pytest.fixture
def other(joined: DummySwitch, nvc: DummySwitch) -> Iterator[DummyApp]:
    """A second application, which has taken the bridge over."""
    app = DummyApp(joined, "other")
    app.options["vtep_db"] = nvc.db
    app.start()
    joined.ovs_vsctl("set-controller", "br0", joined.app.target, app.target)
    joined.wait_for_log(LEFT)
    joined.wait(lambda: MANAGED in app.log_text, "the other application in charge")
    yield app
    app.kill()


def test_the_former_one_says_so_and_writes_nothing(
    joined: DummySwitch, other: DummyApp, nvc: DummySwitch
) -> None:
    assert mark(joined) == f'"vtep_ofapp@{nvc.db}"'
    joined.wait(lambda: switch_faults(joined) == {"unspecified_fault"}, "the fault")
    # Both have something to write to the bridge, and only one of them does.
    for vtep, vlan in ((joined, "20"), (nvc, "30")):
        vtep.vtep_ctl("add-ls", "ls1", "--", "bind-ls", "br0", "p1", vlan, "ls1")
    joined.wait(lambda: "dl_vlan=30" in "\n".join(joined.flows()), "the flows of the other")
    assert "dl_vlan=20" not in "\n".join(joined.flows())
    assert switch_faults(nvc) == set()
    assert joined.app.log_text.count(LEFT) == 1
    for text in (joined.app.log_text, other.log_text):
        assert text.count(MANAGED) == 1
        assert "trying again" not in text
        assert "someone changed" not in text
    assert mark(joined) == f'"vtep_ofapp@{nvc.db}"'


@pytest.mark.parametrize("how", ["row", "process"])
def test_it_manages_the_bridge_again_when_the_other_one_has_gone(
    joined: DummySwitch, other: DummyApp, nvc: DummySwitch, how: str
) -> None:
    if how == "row":
        nvc.vtep_ctl("del-ps", "br0")
    else:
        other.kill()
        joined.ovs_vsctl("remove", "bridge", "br0", "external_ids", "vtep_ofapp")
    joined.wait_for_log(f"resolved: {LEFT}")
    joined.wait(lambda: mark(joined) == f'"vtep_ofapp@{joined.db}"', "our mark")
    joined.wait(lambda: joined.sends("p0", "ff:ff:ff:ff:ff:ff") == ["p1 vlan 10"], "our flows")
    joined.wait(lambda: switch_faults(joined) == set(), "the fault to clear")


def test_what_is_there_stays_when_the_row_of_the_former_one_goes(
    joined: DummySwitch, other: DummyApp, nvc: DummySwitch
) -> None:
    flows = joined.flows()
    joined.vtep_ctl("del-ps", "br0")
    joined.wait_for_log("br0 is no longer managed")
    assert joined.flows() == flows
    assert mark(joined) == f'"vtep_ofapp@{nvc.db}"'


def test_a_bridge_without_another_controller_is_managed(
    joined: DummySwitch, other: DummyApp, nvc: DummySwitch
) -> None:
    """An operator gives it to the other one, and takes it back."""
    for app, vtep in ((other, nvc), (joined.app, joined)):
        joined.ovs_vsctl("set-controller", "br0", app.target)
        joined.wait(lambda: mark(joined) == f'"vtep_ofapp@{vtep.db}"', "the mark")  # noqa: B023
        vtep.vtep_ctl("add-ls", "ls1", "--", "bind-ls", "br0", "p1", "40", "ls1")
        joined.wait(lambda: "dl_vlan=40" in "\n".join(joined.flows()), "the flows")
        vtep.vtep_ctl("unbind-ls", "br0", "p1", "40")
        joined.wait(lambda: "dl_vlan=40" not in "\n".join(joined.flows()), "their end")
    joined.wait_for_log(f"resolved: {LEFT}")
    joined.wait(lambda: switch_faults(joined) == set(), "the fault to clear")
