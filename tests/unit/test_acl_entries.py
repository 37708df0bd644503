"""Columns of ACL_entry: what they match, and what vtep(5) gives no meaning to."""

import shlex
from typing import Any

import pytest

from vtep_ofapp.ovsdb.hardware_vtep.acl_entries import read_match
from vtep_ofapp.values.acls import AclMatch

ALL_OF_4, ALL_OF_6 = "255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"


@pytest.mark.parametrize(
    ("columns", "match"),
    [
        ({}, AclMatch()),
        ({"source_mac": "02:AA:bb:00:00:01"}, AclMatch(source_mac="02:aa:bb:00:00:01")),
        ({"dest_mac": "01:00:5e:01:01:01"}, AclMatch(dest_mac="01:00:5e:01:01:01")),
        ({"ethertype": "0x0806"}, AclMatch(ethertype=0x806)),
        ({"ethertype": "0X88b5"}, AclMatch(ethertype=0x88B5)),
        ({"ethertype": "0x806"}, AclMatch(ethertype=0x806)),
        ({"source_ip": "192.168.1.5"}, AclMatch(source=("192.168.1.5", ALL_OF_4))),
        (
            {"source_ip": "192.168.0.7", "source_mask": "255.255.0.255"},
            AclMatch(source=("192.168.0.7", "255.255.0.255")),
        ),
        ({"dest_ip": "2001:DB8:0::12"}, AclMatch(destination=("2001:db8::12", ALL_OF_6))),
        ({"dest_ip": "::", "dest_mask": "::"}, AclMatch(destination=("::", "::"))),
        ({"protocol": 0}, AclMatch(protocol=0)),
        ({"protocol": 255}, AclMatch(protocol=255)),
        (
            {"protocol": 6, "source_port_min": 1, "source_port_max": 65535},
            AclMatch(protocol=6, source_ports=(1, 65535)),
        ),
        ({"dest_port_min": 8000}, AclMatch(dest_ports=(8000, 65535))),
        ({"dest_port_max": 80}, AclMatch(dest_ports=(0, 80))),
        ({"dest_port_min": 0, "dest_port_max": 0}, AclMatch(dest_ports=(0, 0))),
        ({"tcp_flags": 2}, AclMatch(tcp_flags=(2, 0xFFF))),
        ({"tcp_flags": 2, "tcp_flags_mask": 0x12}, AclMatch(tcp_flags=(2, 0x12))),
        ({"icmp_type": 3, "icmp_code": 4}, AclMatch(icmp_type=3, icmp_code=4)),
        ({"icmp_code": 4}, AclMatch(icmp_code=4)),
        (
            {"ethertype": "0x86dd", "protocol": 58, "icmp_type": 135},
            AclMatch(ethertype=0x86DD, protocol=58, icmp_type=135),
        ),
        (
            {"ethertype": "0x0800", "source_ip": "10.0.0.1", "dest_mac": "02:00:00:00:00:01"},
            AclMatch(ethertype=0x800, source=("10.0.0.1", ALL_OF_4), dest_mac="02:00:00:00:00:01"),
        ),
        (
            {"protocol": 17, "source_ip": "2001:db8::1"},
            AclMatch(protocol=17, source=("2001:db8::1", ALL_OF_6)),
        ),
        (
            {"tcp_flags": 2, "dest_port_max": 80},
            AclMatch(tcp_flags=(2, 0xFFF), dest_ports=(0, 80)),
        ),
    ],
    ids=str,
)
def test_columns_that_can_be_used(columns: dict[str, Any], match: AclMatch) -> None:
    assert read_match(columns) == (match, ())


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"source_mac": "02:aa:bb"}, "source_mac: '02:aa:bb' is not a MAC address"),
        ({"source_mac": "01:00:5e:00:00:01"}, "source_mac: 01:00:5e:00:00:01 is a group address"),
        ({"dest_mac": "02-00-00-00-00-01"}, "dest_mac: '02-00-00-00-00-01' is not"),
        ({"ethertype": "806"}, "ethertype: '806' is not of the form 0xAAAA"),
        ({"ethertype": "0x12345"}, "ethertype: '0x12345' is not"),
        ({"ethertype": "0x"}, "ethertype: '0x' is not"),
        ({"ethertype": "0x05ff"}, "ethertype: 0x05ff is below 0x0600"),
        ({"source_ip": "10.0.0"}, "source_ip: '10.0.0' is not an IP address"),
        ({"dest_ip": "10.0.0.0/8"}, "dest_ip: '10.0.0.0/8' is not an IP address"),
        ({"dest_ip": "fe80::1%eth0"}, "dest_ip: 'fe80::1%eth0' has a zone"),
        ({"source_mask": "255.0.0.0"}, "source_ip: missing, and source_mask is 255.0.0.0"),
        ({"dest_mask": "ff::"}, "dest_ip: missing, and dest_mask is ff::"),
        (
            {"source_ip": "10.0.0.1", "source_mask": "ff::"},
            "source_mask: ff:: is of another version of IP than source_ip 10.0.0.1",
        ),
        ({"source_ip": "10.0.0.1", "source_mask": "24"}, "source_mask: '24' is not"),
        ({"source_ip": "10.0.0.1", "dest_ip": "::1"}, "dest_ip: ::1 is of another version of IP"),
        ({"protocol": 256}, "protocol: 256 is outside of 0 to 255"),
        ({"protocol": -1}, "protocol: -1 is outside of 0 to 255"),
        ({"source_port_min": 65536}, "source_port_min: 65536 is outside of 0 to 65535"),
        ({"dest_port_max": -5}, "dest_port_max: -5 is outside of 0 to 65535"),
        (
            {"dest_port_min": 2000, "dest_port_max": 1000},
            "dest_port_min: 2000 is greater than dest_port_max 1000",
        ),
        ({"tcp_flags": 0x1000}, "tcp_flags: 4096 is outside of 0 to 4095"),
        ({"tcp_flags_mask": 2}, "tcp_flags: missing, and tcp_flags_mask is 2"),
        ({"tcp_flags": 2, "tcp_flags_mask": 1 << 40}, "tcp_flags_mask: 1099511627776 is outside"),
        ({"icmp_type": 256}, "icmp_type: 256 is outside of 0 to 255"),
        ({"icmp_code": -1}, "icmp_code: -1 is outside of 0 to 255"),
        ({"ethertype": "0x0806", "source_ip": "10.0.0.1"}, "ethertype: 0x0806 has no source_ip"),
        ({"ethertype": "0x0806", "protocol": 6}, "ethertype: 0x0806 has no protocol"),
        ({"ethertype": "0x88b5", "dest_port_max": 6}, "ethertype: 0x88b5 has no dest_port_max"),
        ({"ethertype": "0x0806", "tcp_flags": 2}, "ethertype: 0x0806 has no tcp_flags"),
        ({"ethertype": "0x0806", "icmp_code": 2}, "ethertype: 0x0806 has no icmp_code"),
        ({"ethertype": "0x86dd", "dest_ip": "10.0.0.1"}, "ethertype: 0x86dd is of another version"),
        ({"ethertype": "0x0800", "dest_ip": "::1"}, "ethertype: 0x0800 is of another version"),
        ({"protocol": 1, "dest_port_max": 6}, "dest_port_max: 6 needs protocol 6, 17 or 132"),
        ({"protocol": 17, "tcp_flags": 2}, "tcp_flags: 2 needs protocol 6, not 17"),
        ({"protocol": 6, "icmp_type": 8}, "icmp_type: 8 needs protocol 1 or 58, not 6"),
        ({"icmp_type": 8, "dest_port_max": 6}, "icmp_type: 8 is of ICMP, which has no dest_port_m"),
        ({"icmp_type": 8, "tcp_flags": 2}, "icmp_type: 8 is of ICMP, which has no tcp_flags"),
        (
            {"protocol": 1, "icmp_type": 8, "dest_ip": "::1"},
            "protocol: 1 is not the ICMP of IP version 6",
        ),
        (
            {"protocol": 58, "icmp_type": 8, "ethertype": "0x0800"},
            "protocol: 58 is not the ICMP of IP version 4",
        ),
    ],
    ids=str,
)
def test_columns_that_cannot_be_used(columns: dict[str, Any], reason: str) -> None:
    match, reasons = read_match(columns)
    assert match is None
    assert any(each.reason.startswith(reason) for each in reasons), reasons


def test_each_column_that_is_wrong_has_its_reason() -> None:
    _, reasons = read_match({"source_mac": "x", "protocol": 999, "dest_port_max": 70000})
    assert [each.reason.partition(":")[0] for each in reasons] == [
        "source_mac",
        "protocol",
        "dest_port_max",
    ]


@pytest.mark.parametrize(
    ("columns", "repair"),
    [
        ({"source_mac": "02:aa:bb"}, """'source_mac="VALUE"'"""),
        ({"source_ip": "10.0.0"}, """'source_ip="VALUE"'"""),
        ({"dest_ip": "10.0.0.7/8"}, """'dest_ip="10.0.0.7"' 'dest_mask="255.0.0.0"'"""),
        ({"dest_ip": "2001:DB8::/32"}, """'dest_ip="2001:db8::"' 'dest_mask="ffff:ffff::"'"""),
        ({"dest_ip": "10.0.0.0/33"}, """'dest_ip="VALUE"'"""),
        ({"dest_ip": "fe80::1%a/64"}, """'dest_ip="VALUE"'"""),
        ({"source_ip": "10.0.0.1", "source_mask": "/24"}, """'source_mask="255.255.255.0"'"""),
        ({"source_ip": "10.0.0.1", "source_mask": "64"}, """'source_mask="VALUE"'"""),
        ({"source_mask": "24"}, """'source_mask="VALUE"'"""),
        ({"source_mask": "255.0.0.0"}, """'source_ip="VALUE"'"""),
        ({"source_ip": "::1", "source_mask": "255.0.0.0"}, """'source_mask="VALUE"'"""),
        ({"source_ip": "::1", "dest_ip": "10.0.0.1"}, """'dest_ip="VALUE"'"""),
        ({"ethertype": "ARP"}, "ethertype=0x0806"),
        ({"ethertype": "806"}, "ethertype=VALUE"),
        ({"ethertype": "0x0800", "dest_ip": "::1"}, "ethertype=0x86dd"),
        ({"ethertype": "0x0806", "protocol": 6, "dest_ip": "::1"}, "ethertype"),
        ({"dest_port_min": 80, "dest_port_max": 23}, "dest_port_min=23 dest_port_max=80"),
        ({"tcp_flags_mask": 2}, "tcp_flags=VALUE"),
        ({"tcp_flags": 2, "tcp_flags_mask": -1}, "tcp_flags_mask=VALUE"),
        ({"protocol": 1, "dest_port_min": 23}, "protocol=VALUE"),
        ({"protocol": 17, "tcp_flags": 2}, "protocol=6"),
        ({"protocol": 6, "icmp_type": 8}, "protocol=VALUE"),
        ({"protocol": 6, "icmp_type": 8, "source_ip": "::1"}, "protocol=58"),
        ({"protocol": 1, "icmp_type": 8, "ethertype": "0x86dd"}, "protocol=58"),
        (
            {"protocol": 6, "dest_port_min": 23, "icmp_type": 8, "icmp_code": 0},
            "icmp_type icmp_code",
        ),
        ({"protocol": 1, "dest_port_min": 23, "icmp_type": 8}, "dest_port_min"),
    ],
    ids=str,
)
def test_a_refusal_says_which_columns_to_set_or_clear(columns: dict[str, Any], repair: str) -> None:
    _, (refusal,) = read_match(columns)
    assert refusal.columns == repair
    assert refusal.clears == ("=" not in repair)


@pytest.mark.parametrize(
    "columns",
    [
        {"dest_ip": "10.0.0.7/8"},
        {"dest_ip": "2001:DB8::/32"},
        {"source_ip": "10.0.0.1", "source_mask": "24"},
        {"ethertype": "arp"},
        {"ethertype": "0x0800", "dest_ip": "::1"},
        {"ethertype": "0x0806", "protocol": 6, "dest_ip": "::1"},
        {"dest_port_min": 80, "dest_port_max": 23},
        {"protocol": 17, "tcp_flags": 2},
        {"protocol": 6, "icmp_type": 8, "source_ip": "::1"},
        {"protocol": 6, "dest_port_min": 23, "icmp_type": 8, "icmp_code": 0},
        {"protocol": 1, "dest_port_min": 23, "icmp_type": 8},
    ],
    ids=str,
)
def test_what_a_refusal_says_mends_the_entry(columns: dict[str, Any]) -> None:
    _, (refusal,) = read_match(columns)
    for words in shlex.split(refusal.columns):
        column, _, value = words.partition("=")
        if refusal.clears:
            del columns[column]
        else:
            columns[column] = int(value) if value.isdigit() else value.strip('"')
    assert read_match(columns)[1] == ()
