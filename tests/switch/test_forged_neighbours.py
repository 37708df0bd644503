"""Forged ARP packets and neighbor messages cost little, and harm nobody else."""

from __future__ import annotations

import pytest

from tests import forged
from tests.forged import HOST, HOST_IP
from tests.switch.dummy import DummySwitch
from vtep_ofapp.pipeline.layout import Table

NEIGHBOUR, NEIGHBOUR_IP = "02:00:00:00:00:02", "192.168.1.12"
MOST = 8
"""The default of max_ips_per_mac."""


def receive(vtep: DummySwitch, port: str, *frames: bytes) -> None:
    """Let frames come in by a port."""
    for frame in frames:
        vtep.appctl("netdev-dummy/receive", port, frame.hex())


def neighbour_speaks(vtep: DummySwitch) -> None:
    """Let the neighbour state its address, and wait until that is reported."""
    frame = forged.arp(NEIGHBOUR, psrc=NEIGHBOUR_IP)
    receive(vtep, "p1", frame[:12] + bytes.fromhex("8100000a") + frame[12:])
    vtep.wait(lambda: addresses(vtep)[NEIGHBOUR] == NEIGHBOUR_IP, "the neighbour's address")


def addresses(vtep: DummySwitch) -> dict[str, str]:
    """Return the ipaddr of each row of Ucast_Macs_Local."""
    return {row["MAC"]: row["ipaddr"] for row in vtep.rows("Ucast_Macs_Local")}


def snooping(vtep: DummySwitch, what: str) -> list[str]:
    """Return the flows of SNOOPING that match something."""
    return [each for each in vtep.flows() if f"table={Table.SNOOPING:d}," in each and what in each]


@pytest.fixture
def hosts(joined: DummySwitch) -> DummySwitch:
    """Two hosts that are learned: one at p0, its neighbour at VLAN 10 of p1."""
    joined.learns(HOST, "p0")
    joined.learns(NEIGHBOUR, "p1", 10)
    return joined


def test_forged_statements_are_not_shown_for_a_while_and_others_are(hosts: DummySwitch) -> None:
    receive(hosts, "p0", *forged.FORGED.values())
    hosts.wait(lambda: snooping(hosts, f"dl_src={HOST}"), "the flow that shows none of the host's")
    neighbour_speaks(hosts)
    assert addresses(hosts) == {HOST: "", NEIGHBOUR: NEIGHBOUR_IP}

    def is_believed_again() -> bool:
        receive(hosts, "p0", forged.arp())
        return addresses(hosts)[HOST] == HOST_IP

    hosts.wait(is_believed_again, "the host's own address")


def test_a_host_that_states_very_many_addresses_has_a_few(hosts: DummySwitch) -> None:
    for number in range(100):
        receive(hosts, "p0", forged.arp(psrc=f"10.0.0.{number + 1}"))
    hosts.wait(
        lambda: len(snooping(hosts, "arp_spa=10.0.0.")) == MOST, "the flows of its addresses"
    )
    neighbour_speaks(hosts)
    hosts.come_to_rest()
    assert len(snooping(hosts, "arp_spa=10.0.0.")) == MOST
    assert addresses(hosts)[HOST].startswith("10.0.0.")
