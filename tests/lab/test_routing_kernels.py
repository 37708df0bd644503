"""Kernels that have the router for their gateway: ping, TCP, and what they find on the way."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from sim.lab import links
from sim.lab.hosts import Host
from tests.lab.control import PATIENCE
from tests.lab.routed_network import GW, GW_A, GW_A6, GW_B, GW_B6, RoutedNetwork

SIZE = 200_000
"""Bytes that go through a connection of TCP: more than a window of packets."""


@contextlib.contextmanager
def hosted(host: Host, ip: str, gateway: str, ip6: str, gateway6: str) -> Iterator[None]:
    """Let the kernel of a host have addresses and default routes."""
    links.enable_ipv6(host.namespace, host.interface)
    for address, prefix in ((ip, 24), (ip6, 64)):
        links.add_address(host.namespace, host.interface, address, prefix)
    for each in (gateway, gateway6):
        links.set_gateway(host.namespace, each)
    try:
        yield
    finally:
        host.run(["ip", "route", "del", "default", "via", gateway])
        host.run(["ip", "addr", "del", f"{ip}/24", "dev", host.interface])
        host.namespace.set_kernel_option(f"net/ipv6/conf/{host.interface}/disable_ipv6", "1")


@pytest.fixture
def kernels(routed: RoutedNetwork) -> Iterator[RoutedNetwork]:
    """The kernels of VM1 and VM2 are hosts of ls-a and ls-b."""
    lab = routed.lab
    with (
        hosted(lab.vm1, "192.168.1.21", GW_A, "2001:db8:1::21", GW_A6),
        hosted(lab.vm2, "192.168.2.21", GW_B, "2001:db8:2::21", GW_B6),
    ):
        yield routed


def fetched(client: Host, server: Host, ip: str) -> bytes:
    """Return what a client reads from a server at an address, by TCP."""
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    with server.namespace.call(lambda: socket.create_server((ip, 8080), family=family)) as listener:

        def serve() -> None:
            with listener.accept()[0] as accepted:
                accepted.sendall(bytes(range(250)) * (SIZE // 250))

        thread = threading.Thread(target=serve)
        thread.start()
        found = b""
        with client.namespace.call(
            lambda: socket.create_connection((ip, 8080), timeout=PATIENCE)
        ) as connection:
            while data := connection.recv(1 << 16):
                found += data
        thread.join()
    return found


@pytest.mark.parametrize("ip", ["192.168.2.21", "2001:db8:2::21"])
def test_a_kernel_reaches_a_host_behind_its_gateway(kernels: RoutedNetwork, ip: str) -> None:
    """It finds the gateway by ARP or neighbor discovery, and the gateway finds the host."""
    vm1, vm2 = kernels.lab.vm1, kernels.lab.vm2
    kernels.nvc.wait(lambda: vm1.ping(ip) == 3, f"echo replies from {ip}")
    gateway = GW_A6 if ":" in ip else GW_A
    assert GW in vm1.run(["ip", "neigh", "show", gateway])
    assert vm1.ping(gateway) == 3
    data = fetched(vm1, vm2, ip)
    assert data == bytes(range(250)) * (SIZE // 250)


def test_a_kernel_sees_one_router_on_the_way(kernels: RoutedNetwork) -> None:
    vm1 = kernels.lab.vm1
    kernels.nvc.wait(lambda: vm1.ping("192.168.2.21") == 3, "echo replies")
    assert vm1.trace("192.168.2.21") == [GW_A, "192.168.2.21"]
