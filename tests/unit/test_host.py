"""The kernel's interfaces and addresses, as they are on the machine that runs the tests."""

import socket
from pathlib import Path

import pytest

from vtep_ofapp.process import host

LOOPBACK = ("lo", 1, "00:00:00:00:00:00")


def test_the_interface_of_this_namespace_is_found() -> None:
    assert host.has_interface(*LOOPBACK)
    for interface in Path("/sys/class/net").iterdir():
        if (interface / "ifindex").exists():
            number = int((interface / "ifindex").read_text())
            mac = (interface / "address").read_text().strip()
            if len(mac) == len(LOOPBACK[2]):
                assert host.has_interface(interface.name, number, mac)


def test_the_mtu_of_an_interface() -> None:
    assert host.mtu("lo") == int(Path("/sys/class/net/lo/mtu").read_text())
    assert host.mtu("br-nowhere") is None


@pytest.mark.parametrize(
    "other", [("lo", 2, LOOPBACK[2]), ("lo", 1, "02:00:00:00:00:01"), ("br-nowhere", 1, "")]
)
def test_that_of_another_one_is_not(other: tuple[str, int, str]) -> None:
    assert not host.has_interface(*other)


@pytest.mark.parametrize(
    ("address", "is_here"), [("127.0.0.1", True), ("127.1.2.3", True), ("192.0.2.77", False)]
)
def test_addresses(address: str, is_here: bool) -> None:
    assert host.has_address(address) == is_here


def test_the_list_of_addresses_is_read_where_binding_does_not_tell() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        assert "127.0.0.1" in host.addresses(any_socket)
