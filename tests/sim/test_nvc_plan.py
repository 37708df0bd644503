from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from sim.__main__ import main
from sim.nvc import plan
from sim.nvc.acls import Acl, AclBinding, Columns
from sim.nvc.plan import Binding, LogicalSwitch, Station, parse
from sim.nvc.reading import BadPlan

COLUMNS: Columns = {"sequence": 10, "direction": "ingress", "action": "deny"}
ENTRY: dict[str, object] = {**COLUMNS}


def content(**changes: object) -> dict[str, Any]:
    return {
        "vteps": [
            {"name": "east", "remote": "tcp:10.1.1.11:6640"},
            {"name": "west", "remote": "unix:/run/west/db.sock"},
        ],
        "logical_switches": [
            {"name": "blue", "vni": 33, "service_nodes": ["10.2.2.101", "10.2.2.102"]},
            {"name": "green", "vni": 44, "replication": "source_node"},
        ],
        "bindings": [
            {"vtep": "east", "switch": "br0", "port": "p0", "logical_switch": "blue"},
            {
                "vtep": "west",
                "switch": "br0",
                "port": "p7",
                "vlan": 10,
                "logical_switch": "green",
            },
        ],
        "stations": [
            {"logical_switch": "blue", "mac": "00:11:22:33:44:5F", "address": "10.2.2.201"}
        ],
        "acls": [{"name": "web", "entries": [dict(ENTRY)]}],
        "acl_bindings": [{"vtep": "east", "switch": "br0", "port": "p0", "acl": "web"}],
        "bfd": {"min_rx": 300, "min_tx": 200},
        **changes,
    }


def read(**changes: object) -> plan.Plan:
    return parse(yaml.safe_dump(content(**changes)))


def problems_of(text: str) -> list[str]:
    with pytest.raises(BadPlan) as refusal:
        parse(text)
    return refusal.value.problems


def problems(**changes: object) -> list[str]:
    return problems_of(yaml.safe_dump(content(**changes)))


def test_everything_in_a_file_is_read() -> None:
    found = read()
    assert found.vteps == {"east": "tcp:10.1.1.11:6640", "west": "unix:/run/west/db.sock"}
    assert found.logical_switches == {
        "blue": LogicalSwitch("blue", 33, "service_node", ("10.2.2.101", "10.2.2.102")),
        "green": LogicalSwitch("green", 44, "source_node"),
    }
    assert found.bindings == (
        Binding("east", "br0", "p0", 0, "blue"),
        Binding("west", "br0", "p7", 10, "green"),
    )
    assert found.stations == (Station("blue", "00:11:22:33:44:5f", "10.2.2.201"),)
    assert found.bfd_params == {"enable": "true", "min_rx": "300", "min_tx": "200"}
    assert found.bound_at("east") == {"blue"}


def test_the_example_of_the_help_is_a_plan() -> None:
    example = plan.__doc__.split("looks like this:")[1]
    assert set(parse(example).vteps) == {"east", "west"}


LAB = {"east": "unix:/run/lab/east/db.sock", "west": "unix:/run/lab/west/db.sock"}


def test_remotes_of_a_lab_are_filled_in_where_they_are_missing() -> None:
    west = {"name": "west", "remote": "tcp:10.1.1.12:6640"}
    text = yaml.safe_dump(content(vteps=[{"name": "east"}, west]))
    assert parse(text, LAB).vteps == {"east": LAB["east"], "west": west["remote"]}
    assert problems_of(text) == ["vteps[0]: remote is missing"]


@pytest.mark.parametrize("vteps", [[], None], ids=["empty", "left out"])
def test_without_vteps_a_file_is_about_all_those_of_a_lab(vteps: object) -> None:
    items = content(vteps=vteps)
    if vteps is None:
        del items["vteps"]
    assert parse(yaml.safe_dump(items), LAB).vteps == LAB


def test_a_vtep_that_the_lab_does_not_have_is_named() -> None:
    with pytest.raises(BadPlan) as refusal:
        parse(yaml.safe_dump(content(vteps=[{"name": "east"}, {"name": "north"}])), LAB)
    missing = "remote is missing, and the lab has no VTEP north, only east, west"
    assert refusal.value.problems == [f"vteps[1]: {missing}"]


def test_stations_and_bfd_may_be_left_out() -> None:
    smaller = content()
    del smaller["stations"], smaller["bfd"], smaller["acls"], smaller["acl_bindings"]
    found = parse(yaml.safe_dump(smaller))
    assert found.stations == ()
    assert found.bfd_params is None
    assert (found.acls, found.acl_bindings) == ({}, ())


def test_bfd_can_be_turned_off() -> None:
    assert read(bfd={"enable": False}).bfd_params == {"enable": "false"}


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "is empty"),
        ("- a list", "no mapping"),
        ("vteps: [", "no YAML"),
        ("vteps: []\nvteps: []", "more than once"),
        ("vteps: 3", "no list"),
        ("vteps: [7]", "vteps[0]: 7 is no mapping"),
    ],
)
def test_a_file_of_another_shape_is_refused(text: str, word: str) -> None:
    assert word in problems_of(text)[0]


@pytest.mark.parametrize(
    ("where", "change", "expected"),
    [
        ("vteps", {"remote": "10.1.1.11"}, "vteps[0]: remote: '10.1.1.11' is not an OVSDB remote"),
        ("vteps", {"remote": "tcp:10.1.1.11:65536"}, "is not an OVSDB remote"),
        ("vteps", {"name": ""}, "vteps[0]: name: a name has at least one character"),
        ("logical_switches", {"vni": 0}, "logical_switches[0]: vni: 0 is no integer from 1"),
        ("logical_switches", {"vni": 2**24}, "is no integer from 1 to 16777215"),
        ("logical_switches", {"vni": "33"}, "'33' is no integer"),
        ("logical_switches", {"vni": True}, "True is no integer"),
        ("logical_switches", {"name": False}, "False is no text to YAML; put it in quotes"),
        ("logical_switches", {"replication": "both"}, "neither service_node nor source_node"),
        ("logical_switches", {"service_nodes": []}, "needs at least one"),
        ("logical_switches", {"service_nodes": ["fe80::1"]}, "'fe80::1' is no IPv4 address"),
        ("logical_switches", {"service_nodes": "10.2.2.2"}, "'10.2.2.2' is no list"),
        ("logical_switches", {"replication": "source_node"}, "has no use for them"),
        ("bindings", {"vlan": 4095}, "bindings[0]: vlan: 4095 is no integer from 0 to 4094"),
        ("bindings", {"vlna": 10}, "bindings[0]: unknown: vlna"),
        ("bindings", {"vtep": "north"}, "there is no north in this file, only east, west"),
        ("bindings", {"logical_switch": "red"}, "there is no red in this file, only blue, green"),
        ("stations", {"mac": 7923433495}, "put it in quotes"),
        ("stations", {"mac": "01:00:5e:00:00:01"}, "is no MAC address of a station"),
        ("stations", {"mac": "00:00:00:00:00:00"}, "is no MAC address of a station"),
        ("stations", {"mac": "00:11:22:33:44"}, "is no MAC address of a station"),
        ("stations", {"address": "10.2.2.300"}, "'10.2.2.300' is no IPv4 address"),
        ("stations", {"logical_switch": "red"}, "stations[0]: logical_switch: there is no red"),
        ("stations", {"ip": "192.168.33"}, "ip: '192.168.33' is no address of IPv4 or IPv6"),
        ("stations", {"ip": ["10.0.0.1", "10.0.0.1"]}, "has an address twice"),
        ("acls", {"entries": []}, "acls[0]: entries: at least one"),
        ("acl_bindings", {"acl": "db"}, "acl_bindings[0]: acl: there is no db in this file, only"),
        ("acl_bindings", {"vtep": "north"}, "there is no north in this file, only east, west"),
        ("acl_bindings", {"vlan": 4095}, "vlan: 4095 is no integer from 0 to 4094"),
    ],
)
def test_a_wrong_value_is_named_with_its_place(
    where: str, change: dict[str, object], expected: str
) -> None:
    changed = content()
    changed[where][0].update(change)
    (problem,) = problems_of(yaml.safe_dump(changed))
    assert expected in problem
    assert problem.startswith(f"{where}[0]: ")


@pytest.mark.parametrize(
    ("where", "key"),
    [
        ("vteps", "remote"),
        ("logical_switches", "vni"),
        ("bindings", "port"),
        ("stations", "mac"),
        ("acl_bindings", "acl"),
    ],
)
def test_a_missing_key_is_named(where: str, key: str) -> None:
    changed = content()
    del changed[where][0][key]
    assert problems_of(yaml.safe_dump(changed)) == [f"{where}[0]: {key} is missing"]


@pytest.mark.parametrize(
    ("where", "change", "what"),
    [
        ("vteps", {"name": "east"}, "name"),
        ("vteps", {"remote": "tcp:10.1.1.11:6640"}, "remote"),
        ("logical_switches", {"name": "blue"}, "name"),
        ("logical_switches", {"vni": 33}, "vni"),
        (
            "bindings",
            {"vtep": "east", "port": "p0", "vlan": 0},
            "vtep, switch, port and vlan",
        ),
    ],
)
def test_what_must_differ_does(where: str, change: dict[str, object], what: str) -> None:
    changed = content()
    changed[where][1].update(change)
    found = problems_of(yaml.safe_dump(changed))
    assert f"{where}[1]: the same {what} as {where}[0]" in found


@pytest.mark.parametrize(
    ("bfd", "expected"),
    [
        ({"min_rx": "ten"}, "min_rx: 'ten' is no integer"),
        ({"min_tx": 0}, "min_tx: 0 is no integer from 1"),
        ({"enable": "yes"}, "enable: 'yes' is neither true nor false"),
        ({"mult": 3}, "unknown: mult"),
        (7, "7 is no mapping"),
    ],
)
def test_bfd_is_checked_too(bfd: object, expected: str) -> None:
    (problem,) = problems(bfd=bfd)
    assert expected in problem
    assert "bfd" in problem


def test_all_items_that_are_wrong_are_named_at_once() -> None:
    changed = content(colour="red")
    changed["vteps"][1]["remote"] = "west"
    changed["bindings"][0]["vlan"] = -1
    assert [each.split(":")[0] for each in problems_of(yaml.safe_dump(changed))] == [
        "vteps[1]",
        "bindings[0]",
        "the file",
    ]


def test_the_command_names_the_file_and_every_problem(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "nvc.yaml"
    file.write_text("vteps: []\n")
    assert main(["nvc", "--check", str(file)]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        f"{file}: the file: logical_switches is missing",
        f"{file}: the file: bindings is missing",
    ]


@pytest.mark.parametrize("make", [Path.mkdir, lambda file: file.write_bytes(b"\xff\xfe"), None])
def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, make: Callable[[Path], object] | None, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "nvc.yaml"
    if make is not None:
        make(file)
    assert main(["nvc", str(file)]) == 1
    assert capsys.readouterr().err.startswith(f"{file}: ")


def test_a_right_file_passes_the_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "nvc.yaml"
    file.write_text(yaml.safe_dump(content()))
    assert main(["nvc", "--check", str(file)]) == 0
    assert capsys.readouterr() == ("", "")


# Own addresses of stations, and access lists


def station(number: int, *ips: str) -> dict[str, object]:
    mac = f"00:11:22:33:44:{number:02x}"
    return {"logical_switch": "blue", "mac": mac, "address": "10.2.2.201", "ip": list(ips)}


def test_a_station_has_one_address_of_its_own_or_several() -> None:
    one = {**station(1), "ip": "192.168.33.9"}
    found = read(stations=[one, station(2, "192.168.33.8", "2001:DB8::8")]).stations
    assert [each.ips for each in found] == [("192.168.33.9",), ("192.168.33.8", "2001:db8::8")]


def test_two_stations_of_a_logical_switch_have_different_addresses() -> None:
    same = [station(1, "192.168.33.9"), station(2, "192.168.33.8", "192.168.33.9")]
    assert problems(stations=same) == ["stations[1]: ip: 192.168.33.9 is that of stations[0]"]
    read(stations=[same[0], {**same[1], "logical_switch": "green"}])


def entry_of(**values: object) -> Mapping[str, object]:
    entries = [{**ENTRY, **values}]
    (found,) = read(acls=[{"name": "web", "entries": entries}]).acls["web"].entries
    return {column: value for column, value in found.items() if column not in ENTRY}


def test_access_lists_and_their_bindings_are_read() -> None:
    found = read()
    assert found.acls == {"web": Acl("web", (COLUMNS,))}
    assert found.acl_bindings == (AclBinding("east", "br0", "p0", 0, "web"),)


@pytest.mark.parametrize(
    ("written", "columns"),
    [
        ({"source_ip": "10.0.0.1"}, {"source_ip": "10.0.0.1"}),
        ({"source_ip": "10.1.2.3/8"}, {"source_ip": "10.1.2.3", "source_mask": "255.0.0.0"}),
        (
            {"dest_ip": "10.0.0.1/255.0.0.255"},
            {"dest_ip": "10.0.0.1", "dest_mask": "255.0.0.255"},
        ),
        ({"dest_ip": "2001:DB8::1/32"}, {"dest_ip": "2001:db8::1", "dest_mask": "ffff:ffff::"}),
        ({"source_port": 80}, {"source_port_min": 80, "source_port_max": 80}),
        ({"dest_port": "1000-1999"}, {"dest_port_min": 1000, "dest_port_max": 1999}),
        ({"protocol": "icmpv6", "icmp_type": 135}, {"protocol": 58, "icmp_type": 135}),
        ({"protocol": 47}, {"protocol": 47}),
        ({"ethertype": 0x0806}, {"ethertype": "0x0806"}),
        ({"ethertype": "0x86dd", "icmp_code": 0}, {"ethertype": "0x86dd", "icmp_code": 0}),
        ({"tcp_flags": 2, "tcp_flags_mask": 18}, {"tcp_flags": 2, "tcp_flags_mask": 18}),
        ({"dest_mac": "01:00:5E:00:00:01"}, {"dest_mac": "01:00:5e:00:00:01"}),
    ],
)
def test_what_an_entry_says_becomes_columns(
    written: dict[str, object], columns: dict[str, object]
) -> None:
    assert entry_of(**written) == columns


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"direction": "in"}, "direction: 'in' is neither ingress nor egress"),
        ({"action": "drop"}, "action: 'drop' is neither permit nor deny"),
        ({"sequence": -1}, "sequence: -1 is no integer from 0"),
        ({"source_mac": "01:00:5e:00:00:01"}, "is no MAC address of a station"),
        ({"source_mask": "255.0.0.0"}, "unknown: source_mask"),
        ({"source_ip": "10.0.0.0/33"}, "neither a prefix length nor a mask of IPv4"),
        ({"source_ip": "10.0.0.0/ffff::"}, "neither a prefix length nor a mask of IPv4"),
        ({"source_ip": "10.0.0.1", "dest_ip": "fd00::1"}, "about IPv4 and IPv6 at once"),
        ({"source_ip": "10.0.0.1", "ethertype": "0x86dd"}, "about IPv4 and IPv6 at once"),
        ({"source_ip": "fd00::1", "protocol": 1, "icmp_type": 8}, "IPv4 and IPv6 at once"),
        ({"ethertype": "0x0806", "protocol": 6}, "ethertype: 0x0806 is not that of IP"),
        ({"ethertype": 0x05FF}, "1535 is no integer from 1536"),
        ({"ethertype": "arp"}, "ethertype: 'arp' is no integer"),
        ({"dest_port": "99-9"}, "'99-9' is a range upside down"),
        ({"dest_port": 65536}, "65536 is no port from 0 to 65535, and no range of them"),
        ({"dest_port": 80, "protocol": "icmp"}, "the protocol is none of tcp, udp and sctp"),
        ({"icmp_type": 8, "protocol": "tcp"}, "the protocol is neither icmp nor icmpv6"),
        ({"protocol": "gre"}, "'gre' is none of icmp, tcp, udp, icmpv6, sctp, and no number"),
        ({"tcp_flags": 2, "protocol": 17}, "tcp_flags: the protocol is not tcp"),
        ({"tcp_flags_mask": 2}, "tcp_flags_mask: there are no tcp_flags"),
        ({"tcp_flags": 0x1000}, "4096 is no integer from 0 to 4095"),
    ],
)
def test_a_wrong_entry_is_named_with_its_place(values: dict[str, object], expected: str) -> None:
    entries = [dict(ENTRY), {**ENTRY, **values}]
    (problem,) = problems(acls=[{"name": "web", "entries": entries}])
    assert problem.startswith("acls[0].entries[1]: ")
    assert expected in problem


def test_access_lists_and_their_places_differ() -> None:
    twice = content()
    for key in ("acls", "acl_bindings"):
        twice[key] *= 2
    assert problems_of(yaml.safe_dump(twice)) == [
        "acls[1]: the same name as acls[0]",
        "acl_bindings[1]: the same vtep, switch, port and vlan as acl_bindings[0]",
    ]
