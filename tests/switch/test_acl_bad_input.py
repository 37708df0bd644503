"""Access lists that cannot be used, in any way: the fault is named, and nobody else is harmed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pytest

from tests.access_lists import AccessLists, Entry, entry
from tests.switch.dummy import DummySwitch
from tests.switch.test_acls import PING, SSH, WEB, closed, opened, passes

LEAST, GREATEST = -(1 << 63), (1 << 63) - 1
"""The bounds of an integer of OVSDB (RFC 7047, section 3.1)."""
ANY_SSH = {"protocol": 6, "dest_port_min": 22, "dest_port_max": 22}

INVALID: tuple[dict[str, Any], ...] = (
    {"source_ip": "10.0.0.1", "dest_ip": "2001:db8::1"},
    {"ethertype": "0x0806", "source_ip": "10.0.0.1"},
    {"ethertype": "0x86dd", "dest_ip": "10.0.0.1"},
    {"ethertype": "0x0806", "protocol": 6},
    {"ethertype": "0x88cc", "dest_port_min": 80},
    {"ethertype": "0x0806", "tcp_flags": 2},
    {"ethertype": "0x8847", "icmp_type": 8},
    {"source_port_min": 2000, "source_port_max": 1000},
    {"dest_port_min": 65535, "dest_port_max": 0},
    {"source_port_max": 65536},
    {"dest_port_min": -1},
    {"dest_port_max": GREATEST},
    {"protocol": 256},
    {"protocol": LEAST},
    {"protocol": 47, "dest_port_min": 80},
    {"protocol": 17, "tcp_flags": 2},
    {"protocol": 6, "icmp_type": 8},
    {"protocol": 1, "icmp_type": 8, "source_ip": "2001:db8::1"},
    {"protocol": 58, "icmp_code": 0, "dest_ip": "10.0.0.1"},
    {"tcp_flags": 0x1000},
    {"tcp_flags": 2, "tcp_flags_mask": -1},
    {"tcp_flags_mask": 2},
    {"icmp_type": 256},
    {"icmp_code": -1},
    {"icmp_type": 8, "dest_port_min": 80},
    {"source_mask": "255.0.0.0"},
    {"dest_mask": "ffff::"},
    {"source_ip": "10.0.0.1", "source_mask": "ffff::"},
    {"source_ip": "10.0.0.1", "source_mask": "8"},
    {"source_ip": "10.0.0.0/8"},
    {"dest_ip": "10.0.0.256"},
    {"dest_ip": "fe80::1%eth0"},
    {"dest_ip": "localhost"},
    {"source_ip": ""},
    {"source_mac": "01:00:5e:00:00:01"},
    {"source_mac": "02:00:00:00:00"},
    {"dest_mac": "02:00:00:00:00:01/ff:ff:ff:00:00:00"},
    {"dest_mac": "02:00:00:00:00:01\n"},
    {"ethertype": "0800"},
    {"ethertype": "0x600\n"},
    {"ethertype": "0x05ff"},
    {"ethertype": "IPv4"},
    {"ethertype": "0x" + "f" * 100_000},
)


@pytest.fixture
def acls(joined: DummySwitch) -> AccessLists:
    """Access lists of which one, "good", judges the frames of p1."""
    lists = AccessLists(joined)
    lists.put("good", entry(10, "in", "deny", **ANY_SSH))
    lists.bind("p1", {10: "good"})
    closed(joined, SSH, "p1")
    return lists


def unharmed(vtep: DummySwitch) -> None:
    """Check that the good access list judges as before."""
    assert not passes(vtep, SSH, "p1")
    assert passes(vtep, WEB, "p1")
    assert vtep.app.running


def invalid_entries(acls: AccessLists, name: str) -> list[int]:
    """Return the sequences of the entries that are shown as invalid."""
    rows = acls.entries(name)
    return sorted(
        row["sequence"] for row in rows if row["acle_fault_status"] == "invalid_acl_entry"
    )


def test_each_combination_that_no_frame_can_match_is_a_fault_of_its_entry(
    joined: DummySwitch, acls: AccessLists
) -> None:
    bad = [entry(number, "in", "deny", **columns) for number, columns in enumerate(INVALID)]
    acls.put("bad", *bad, entry(1000, "in", "deny", protocol=1))
    acls.bind("p0", {0: "bad"})
    numbers = list(range(len(INVALID)))
    joined.wait(lambda: invalid_entries(acls, "bad") == numbers, "a fault of each of them")
    closed(joined, WEB)
    lines = joined.app.log_text.splitlines()
    for number, columns in enumerate(INVALID):
        line = next(each for each in lines if f"(sequence {number}) of ACL bad" in each)
        assert any(column in line for column in columns), line
        assert len(line) < 1200
    unharmed(joined)
    acls.put("bad", entry(1000, "in", "deny", protocol=1))
    opened(joined, WEB)
    assert not passes(joined, PING)
    joined.wait(lambda: acls.faults("bad", "p0") == set(), "the end of the faults")
    assert acls.faults("good", "p1") == set()


@pytest.mark.parametrize(
    ("sequences", "is_ssh_permitted"),
    [
        ((LEAST, 0, GREATEST), True),
        ((GREATEST, 0, LEAST), False),
        ((-1, -2, -3), False),
        ((60_000, 59_999, 59_998), False),
        ((59_999, 60_000, 1 << 32), True),
        ((7, 8, 7), False),
        ((1 << 62, (1 << 62) + 1, (1 << 62) + 2), True),
    ],
    ids=str,
)
def test_entries_act_in_the_order_of_any_sequences(
    joined: DummySwitch, acls: AccessLists, sequences: Sequence[int], is_ssh_permitted: bool
) -> None:
    """Among equal ones, those that deny come first."""
    first, second, third = sequences
    acls.put(
        "x",
        entry(first, "in", "permit", **ANY_SSH),
        entry(second, "in", "deny", protocol=1),
        entry(third, "in", "deny", protocol=6),
    )
    acls.bind("p0", {0: "x"})
    closed(joined, WEB)
    assert passes(joined, SSH) is is_ssh_permitted
    assert not passes(joined, PING)
    assert acls.faults("x", "p0") == set()
    unharmed(joined)


def many(count: int) -> list[Entry]:
    """Return entries that deny the frames of as many hosts."""
    return [
        entry(number, "in", "deny", source_mac=f"02:00:00:{number.to_bytes(3, 'big').hex(':')}")
        for number in range(count)
    ]


def acl_fault(vtep: DummySwitch, name: str) -> object:
    """Return acl_fault_status of an access list, without reading its entries."""
    where, columns = [["acl_name", "==", name]], ["acl_fault_status"]
    (found,) = vtep.transact({"op": "select", "table": "ACL", "where": where, "columns": columns})
    return found["rows"][0]["acl_fault_status"]


def test_while_a_list_of_100_000_entries_is_read_and_refused_others_are_served(
    joined: DummySwitch, acls: AccessLists
) -> None:
    """A transaction takes effect as a whole: flows of hosts wait for its end, their rows do not."""
    acls.put("x", entry(1, "in", "deny", protocol=6))
    acls.bind("p0", {0: "x"})
    closed(joined, WEB)
    acls.put("x", *many(100_000))
    hosts: list[str] = []
    while acl_fault(joined, "x") != "resource_shortage":
        hosts.append(f"04:00:00:00:{len(hosts) // 256:02x}:{len(hosts) % 256:02x}")
        joined.learns(hosts[-1], "p1", 10)
    assert hosts
    closed(joined, PING)
    in_flows = lambda: set(re.findall("dl_src=([0-9a-f:]+)", "\n".join(joined.flows())))  # noqa: E731
    joined.wait(lambda: in_flows().issuperset(hosts), "the flows of the hosts")
    unharmed(joined)
