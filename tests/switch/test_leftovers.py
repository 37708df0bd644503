"""What is ours on a bridge without a Physical_Switch goes; what another process marked stays."""

from __future__ import annotations

import subprocess

import pytest

from tests.switch.dummy import BROADCAST, DummySwitch

HOST, FAR = "00:00:00:00:00:01", "00:00:00:00:00:99"
GONE = "br0 is no longer managed"


def mark(switch: DummySwitch) -> str:
    """Return whose mark br0 carries."""
    return switch.ovs_vsctl("--if-exists", "get", "bridge", "br0", "external_ids:vtep_ofapp")


def left(switch: DummySwitch) -> tuple[object, ...]:
    """Return what is ours on br0."""
    return switch.flows(), switch.groups(), switch.tunnel_ports(), mark(switch)


@pytest.fixture
def orphan(joined: DummySwitch) -> DummySwitch:
    """br0 with a host, a tunnel and a mark; its Physical_Switch went without the application."""
    joined.place(FAR, "10.2.2.3")
    joined.wait(lambda: len(joined.tunnel_ports()) == 1, "the tunnel")
    joined.receive("p0", HOST, BROADCAST)
    joined.wait(lambda: HOST in joined.local_macs(), "the host")
    joined.app.stop()
    joined.vtep_ctl("del-ps", "br0")
    joined.app.begin_log()
    return joined


def test_the_mark_names_the_lock_and_the_database(joined: DummySwitch) -> None:
    assert mark(joined) == f'"vtep_ofapp@{joined.db}"'


def test_a_bridge_whose_row_went_while_nobody_looked_is_cleaned(orphan: DummySwitch) -> None:
    orphan.app.start()
    orphan.wait_for_log("br0: no Physical_Switch; our flows, groups and ports are removed")
    orphan.wait_for_log(GONE)
    assert left(orphan) == ([], [], {}, "")
    assert orphan.ovs_vsctl("list-ports", "br0") == "p0\np1"
    assert orphan.ovs_vsctl("get-fail-mode", "br0") == "secure"
    orphan.wait_for_log("is refused: it is no bridge of a Physical_Switch")
    assert orphan.app.log_text.count(GONE) == 1


def test_it_is_cleaned_too_if_it_connects_later(joined: DummySwitch) -> None:
    joined.ovs_vsctl("set", "bridge", "br0", "fail_mode=secure")
    joined.ovs_vsctl("set-controller", "br0", "tcp:127.0.0.1:1")
    joined.wait_for_log("br0: connection lost")
    joined.vtep_ctl("del-ps", "br0")
    joined.wait_for_log("br0: no Physical_Switch; our flows, groups and ports are removed")
    joined.point_at_app()
    joined.wait_for_log(GONE)
    assert left(joined) == ([], [], {}, "")


def test_marked_ports_of_an_earlier_version_count_as_ours(orphan: DummySwitch) -> None:
    orphan.ovs_vsctl("remove", "bridge", "br0", "external_ids", "vtep_ofapp")
    orphan.app.start()
    orphan.wait_for_log(GONE)
    assert left(orphan) == ([], [], {}, "")


@pytest.mark.parametrize("other", ["rack_7@{}", "vtep_ofapp@tcp:10.0.0.1:6640"])
def test_the_bridge_of_another_process_stays_as_it_is(orphan: DummySwitch, other: str) -> None:
    orphan.ovs_vsctl("set", "bridge", "br0", f'external_ids:vtep_ofapp="{other.format(orphan.db)}"')
    before = left(orphan)
    orphan.app.start()
    orphan.wait_for_log("is refused: it is no bridge of a Physical_Switch")
    assert left(orphan) == before
    assert GONE not in orphan.app.log_text


def test_a_row_that_comes_back_makes_it_ours_again(orphan: DummySwitch) -> None:
    orphan.app.start()
    orphan.wait_for_log(GONE)
    orphan.add_physical_switch()
    orphan.wait_for_log("br0 is managed\n")
    orphan.wait(lambda: mark(orphan), "the mark")


def test_who_stands_by_cleans_nothing(orphan: DummySwitch) -> None:
    holder = ["ovsdb-client", "lock", orphan.db, "vtep_ofapp"]
    with subprocess.Popen(holder, stdout=subprocess.PIPE) as lock:
        assert lock.stdout is not None
        lock.stdout.readline()
        before = left(orphan)
        orphan.app.start()
        orphan.wait_for_log("standing by")
        orphan.wait_for_log("br0: no Physical_Switch; our flows, groups and ports are removed")
        orphan.wait(orphan.app.is_connected, "the bridge")
        assert left(orphan) == before
        lock.kill()
    orphan.wait_for_log(GONE)
    assert left(orphan) == ([], [], {}, "")
