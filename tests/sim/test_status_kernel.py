"""What `status` makes of the kernel's answers. No lab is built."""

from __future__ import annotations

from typing import Any

from sim.status import kernel
from sim.status.kernel import Network
from sim.status.values import End, Interface


def a_device(name: str, index: int, kind: str | None = None, **more: Any) -> dict[str, Any]:
    """Return an interface that is up, as ip(8) writes it."""
    data = more.pop("info_data", {})
    linkinfo = {"linkinfo": {"info_kind": kind, "info_data": data}} if kind else {}
    up = {"ifname": name, "ifindex": index, "mtu": 1500, "flags": ["UP", "LOWER_UP"]}
    return {**up, "address": "02:00:00:00:00:01", **linkinfo, **more}


def interfaces(*devices: dict[str, Any]) -> dict[str, Interface]:
    networks = {"vm": Network(devices)}
    return {each.name: each for each in kernel.interfaces("vm", networks, {})}


def test_a_vlan_is_the_kernels_device_or_a_tap_with_its_name() -> None:
    found = interfaces(
        a_device("eth0", 2, "veth"),
        a_device("trunk", 3, "vlan", link="eth0", info_data={"id": 30}),
        a_device("eth0.10", 4, "tun"),
        a_device("tap.20", 5, "tun"),
        a_device("eth0.x", 6, "tun"),
    )
    vlans = {name: (each.parent, each.vlan) for name, each in found.items()}
    assert vlans == {
        "eth0": (None, None),
        "trunk": ("eth0", 30),
        "eth0.10": ("eth0", 10),
        "tap.20": (None, None),
        "eth0.x": (None, None),
    }


def test_ends_with_equal_numbers_are_told_apart_by_their_namespaces() -> None:
    here = a_device("eth0", 2, "veth", link_index=2, link_netnsid=7)
    networks = {
        "vm": Network((here,), {7: "lab-right", 8: "lab-wrong"}),
        "wrong": Network((a_device("p0", 2, "veth", link_index=2, link_netnsid=9),)),
        "right": Network((a_device("p1", 2, "veth", link_index=2, link_netnsid=9),)),
    }
    names = {"lab-wrong": "wrong", "lab-right": "right"}
    (found,) = kernel.interfaces("vm", networks, names)
    assert found.plugged_into == End("right", "p1")
    (other,) = kernel.interfaces("wrong", networks, names)
    assert other.plugged_into is None


def test_an_end_that_is_down_takes_its_link_down() -> None:
    (up,) = interfaces(a_device("eth0", 2, "veth")).values()
    (down,) = interfaces(a_device("eth0", 2, "veth", flags=["UP", "NO-CARRIER"])).values()
    assert (up.is_up, down.is_up) == (True, False)


def test_the_program_of_a_process_is_named_without_its_interpreter() -> None:
    assert kernel.program(["/x/python3", "-m", "sim", "nvc", "file"]) == "sim nvc"
    assert kernel.program(["/x/python3.11", "/x/bin/osken-manager", "y"]) == "osken-manager"
    assert kernel.program(["/usr/sbin/ovsdb-server", "--pidfile"]) == "ovsdb-server"
    assert kernel.program([""]) == "ended"
