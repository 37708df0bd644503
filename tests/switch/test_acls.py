"""Access lists of ports on a real switch: which frames ofproto/trace lets through, and faults."""

from __future__ import annotations

from typing import Any

import pytest

from tests.access_lists import AccessLists, entry
from tests.switch.dummy import BROADCAST, DummySwitch
from tests.switch.state import assert_restart_changes_nothing
from tests.switch.test_table_limits import limit

SSH = "tcp,nw_src=192.168.1.11,nw_dst=192.168.1.12,tp_dst=22"
WEB = SSH.replace("tp_dst=22", "tp_dst=80")
PING = "icmp,nw_src=192.168.1.11,nw_dst=192.168.1.12,icmp_type=8"
NO_SSH = entry(10, "in", "deny", protocol=6, dest_port_min=22, dest_port_max=22)
MASK_OF_NOTHING = entry(20, "in", "deny", source_mask="255.0.0.0")
ALL_WORDS = {"invalid_acl_entry", "invalid_acl", "invalid_ACL_binding"}
SHORTAGE = {"resource_shortage", "invalid_ACL_binding"}


@pytest.fixture
def acls(joined: DummySwitch) -> AccessLists:
    return AccessLists(joined)


def passes(vtep: DummySwitch, frame: str, by: str = "p0") -> bool:
    """Whether a frame that comes in by p0, or by VLAN 10 of p1, leaves by the other one."""
    number = vtep.ovs_vsctl("get", "interface", by, "ofport")
    tag = "" if by == "p0" else "dl_vlan=10,"
    addresses = f"dl_src=00:00:00:00:00:01,dl_dst={BROADCAST}"
    leaves = vtep.goes(f"in_port={number},{tag}{addresses},{frame}")
    assert leaves in ([], ["p1 vlan 10"] if by == "p0" else ["p0"]), leaves
    return bool(leaves)


def closed(vtep: DummySwitch, frame: str = WEB, by: str = "p0") -> None:
    """Wait until a frame is dropped."""
    vtep.wait(lambda: not passes(vtep, frame, by), "frames to be dropped")


def opened(vtep: DummySwitch, frame: str = WEB, by: str = "p0") -> None:
    """Wait until a frame passes."""
    vtep.wait(lambda: passes(vtep, frame, by), "frames to pass")


def hits(vtep: DummySwitch, acl: str) -> list[str]:
    """Return the flows of an access list, as its cookie finds them."""
    (number,) = {
        flow.split("->reg7")[0].rpartition("0x")[2] for flow in vtep.flows() if "->reg7" in flow
    }
    return vtep.ofctl("dump-flows", "br0", f"cookie=0x76746570a{number:>07}/-1").splitlines()[1:]


def with_options(vtep: DummySwitch, **options: Any) -> None:
    vtep.app.options.update({name: str(value) for name, value in options.items()})
    vtep.restart_app()


def test_an_access_list_judges_the_frames_of_its_port(
    joined: DummySwitch, acls: AccessLists
) -> None:
    acls.put("x", NO_SSH)
    assert passes(joined, SSH)
    acls.bind("p0", {0: "x"})
    closed(joined, SSH)
    assert passes(joined, WEB)
    assert passes(joined, PING)
    assert passes(joined, SSH, "p1")
    assert not acls.faults("x", "p0", "p1")
    of_entries = [line for line in hits(joined, "x") if "priority=60001" not in line]
    assert len(of_entries) == 2
    assert_restart_changes_nothing(joined)
    acls.bind("p0", {})
    opened(joined, SSH)
    joined.come_to_rest()
    assert not [flow for flow in joined.flows() if "cookie=0x76746570a" in flow]


def test_frames_of_a_mixed_port_have_to_be_permitted_by_both(
    joined: DummySwitch, acls: AccessLists
) -> None:
    no_ping = entry(10, "in", "deny", protocol=1), entry(20, "out", "deny", protocol=1)
    acls.put("x", NO_SSH, entry(20, "out", "deny", protocol=6, dest_port_max=22))
    acls.put("y", *no_ping)
    acls.bind("p1", {0: "x", 10: "y"})
    for frame in (SSH, PING):
        closed(joined, frame, "p1")
        closed(joined, frame, "p0")
    assert passes(joined, WEB, "p1")
    assert passes(joined, WEB, "p0")
    assert_restart_changes_nothing(joined)


def test_an_invalid_entry_drops_frames_in_its_lists_directions_until_it_is_mended(
    joined: DummySwitch, acls: AccessLists
) -> None:
    acls.put("strict", NO_SSH, MASK_OF_NOTHING)
    acls.bind("p0", {0: "strict"})
    joined.wait(lambda: acls.faults("strict", "p0") == ALL_WORDS, "all three columns")
    closed(joined)
    assert passes(joined, SSH, "p1"), "it has no entry for frames to the port"
    (row,) = (each["_uuid"] for each in acls.entries("strict") if each["sequence"] == 20)
    joined.wait_for_log(
        f"ACL_entry {row} (sequence 20) of ACL strict: source_ip: missing, and source_mask "
        f"is 255.0.0.0; to mend it: vtep-ctl set ACL_entry {row} 'source_ip=\"VALUE\"'"
    )
    joined.wait_for_log("ACL strict: an entry of it cannot be used; until that is mended")
    joined.wait_for_log("Physical_Port p0 of br0: acl_bindings: 0 is bound to ACL strict, which")
    assert_restart_changes_nothing(joined)
    acls.change("strict", 1, source_ip="10.0.0.1")
    opened(joined)
    assert not passes(joined, SSH)
    joined.wait(lambda: not acls.faults("strict", "p0"), "the columns to be empty")


def test_columns_are_empty_where_no_managed_switch_has_the_list(
    joined: DummySwitch, acls: AccessLists
) -> None:
    acls.put("x", MASK_OF_NOTHING)
    joined.come_to_rest()
    assert acls.faults("x") == set()
    joined.vtep_ctl("add-ps", "other", "--", "add-port", "other", "elsewhere")
    acls.bind("elsewhere", {0: "x"})
    joined.come_to_rest()
    assert acls.faults("x", "elsewhere") == set()
    acls.bind("p0", {0: "x"})
    joined.wait(lambda: acls.faults("x", "p0") == ALL_WORDS, "all three columns")
    assert acls.faults("x", "elsewhere") == ALL_WORDS - {"invalid_ACL_binding"}
    acls.bind("p0", {})
    joined.wait(lambda: acls.faults("x", "p0") == set(), "the columns to be empty")


def test_columns_are_cleared_if_a_port_left_the_list_while_no_process_ran(
    joined: DummySwitch, acls: AccessLists
) -> None:
    acls.put("x", MASK_OF_NOTHING)
    acls.bind("p0", {0: "x"})
    joined.wait(lambda: acls.faults("x", "p0") == ALL_WORDS, "all three columns")
    joined.app.stop()
    acls.bind("p0", {})
    joined.app.start()
    joined.wait(lambda: acls.faults("x", "p0") == set(), "the columns to be empty")


def test_vlan_4095_has_no_access_list(joined: DummySwitch, acls: AccessLists) -> None:
    acls.put("x", NO_SSH)
    acls.bind("p0", {0: "x", 4095: "x"})
    joined.wait(lambda: acls.faults("x", "p0") == {"invalid_ACL_binding"}, "the fault")
    closed(joined, SSH)
    acls.bind("p0", {0: "x", 4094: "x"})
    joined.wait(lambda: acls.faults("x", "p0") == set(), "the end of the fault")


def test_what_fails_open_leaves_out_what_cannot_be_used(
    joined: DummySwitch, acls: AccessLists
) -> None:
    with_options(joined, acl_fails_open=True, max_acl_flows=2)
    acls.put("x", NO_SSH, MASK_OF_NOTHING)
    acls.put("y", *(entry(number, "in", "deny", protocol=number) for number in range(2)))
    acls.bind("p0", {0: "x"})
    acls.bind("p1", {0: "y"})
    closed(joined, SSH)
    joined.wait(lambda: acls.faults("x", "p0") == ALL_WORDS, "the fault of an entry")
    joined.wait(lambda: acls.faults("y", "p1") == SHORTAGE, "that of a list")
    assert passes(joined, WEB)
    assert passes(joined, PING, "p1")


def test_a_list_that_is_too_large_drops_frames_until_it_is_smaller(
    joined: DummySwitch, acls: AccessLists
) -> None:
    with_options(joined, max_acl_flows=100)
    many = [
        entry(number, "in", "deny", source_mac=f"02:00:00:00:00:{number:02x}")
        for number in range(120)
    ]
    acls.put("x", *many)
    acls.bind("p0", {0: "x"})
    joined.wait(lambda: acls.faults("x", "p0") == SHORTAGE, "the fault")
    closed(joined)
    assert passes(joined, WEB, "p1")
    joined.wait_for_log("ACL x: br0 has no room for it within max_acl_flows (100)")
    acls.put("x", *many[:90])
    opened(joined)
    joined.wait(lambda: acls.faults("x", "p0") == set(), "the end of the fault")


def test_a_list_whose_flows_the_switch_refuses_drops_frames_until_it_takes_them(
    joined: DummySwitch, acls: AccessLists
) -> None:
    limit(joined, 20, 50)
    many = [
        entry(number, "in", "deny", source_mac=f"02:00:00:00:00:{number:02x}")
        for number in range(90)
    ]
    acls.put("x", *many)
    acls.bind("p0", {0: "x"})
    joined.wait(lambda: acls.faults("x", "p0") == SHORTAGE, "the fault")
    closed(joined)
    assert passes(joined, WEB, "p1")
    joined.wait_for_log("ACL x: br0 refuses flows of it; until it takes them, all frames")
    assert sum("table=20" in flow for flow in joined.flows()) == 2
    with_options(joined, acl_fails_open=True)
    opened(joined)
    joined.wait(lambda: acls.faults("x", "p0") == SHORTAGE, "the fault of what fails open")
    with_options(joined, acl_fails_open=False)
    closed(joined)
    joined.ovs_vsctl("clear", "bridge", "br0", "flow_tables")
    opened(joined)
    joined.wait(lambda: acls.faults("x", "p0") == set(), "the end of the fault")
    assert_restart_changes_nothing(joined)


def test_a_list_drops_frames_although_the_table_has_room_for_no_flow_of_it(
    joined: DummySwitch, acls: AccessLists
) -> None:
    acls.put("x", NO_SSH)
    limit(joined, 20, 1)
    acls.bind("p0", {0: "x"})
    joined.wait(lambda: acls.faults("x", "p0") == SHORTAGE, "the fault")
    closed(joined, SSH)
    closed(joined)
    assert passes(joined, SSH, "p1")
    joined.ovs_vsctl("clear", "bridge", "br0", "flow_tables")
    opened(joined)
    closed(joined, SSH)
    joined.wait(lambda: acls.faults("x", "p0") == set(), "the end of the fault")
