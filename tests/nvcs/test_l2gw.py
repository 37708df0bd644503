"""The OVSDB client of networking-l2gw, Neutron's L2 gateway, drives a VTEP, without Neutron."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.docs.pages import ROOT, section
from tests.nvcs.l2gw import NAME, Agent, Row
from tests.ports import held_port
from tests.switch.conftest import a_switch
from tests.switch.dummy import BROADCAST, DummySwitch

pytestmark = pytest.mark.timeout(600)  # the first one installs networking-l2gw

PAGE = ROOT / "docs" / "l2gw.md"
NETWORK: Row = {
    "uuid": None,  # not in the database yet
    "name": "5b1c8ee9-6a2f-4d0f-9f3f-7d2a1e0c4b11",  # that of Neutron's network
    "key": 33,
    "description": "tenant-net",
}
VM, OTHER_VM, SERVER = "fa:16:3e:00:00:01", "fa:16:3e:00:00:02", "00:50:56:00:00:03"
COMPUTE, OTHER_COMPUTE = "10.2.2.3", "10.2.2.4"
"""Tunnel addresses of the hosts of the VMs."""


@pytest.fixture
def port() -> int:
    """The TCP port of the VTEP database."""
    return held_port()


@pytest.fixture
def switch(port: int) -> Iterator[DummySwitch]:
    """A VTEP that is set up by the lines of the page."""
    with a_switch() as switch:
        switch.add_bridge()
        switch.add_underlay(COMPUTE, OTHER_COMPUTE)
        here = {"10.2.2.1": "127.0.0.1", "ptcp:6640": f"ptcp:{port}:127.0.0.1"}
        for line in lines("The switch"):
            program, *arguments = line.split()
            if program == "vtep-ctl":
                switch.vtep_ctl(*(replaced(each, here) for each in arguments))
            elif arguments:
                option, _, value = line.partition(" = ")
                switch.app.options[option] = value
        assert switch.app.options["flood_without_unknown_dst"] == "true"
        switch.app.take_over()
        switch.wait(lambda: switch.port_rows("br0") == ["p0", "p1"], "the physical ports")
        yield switch


@pytest.fixture
def agent(switch: DummySwitch, port: int) -> Iterator[Agent]:
    agent = Agent(port)
    try:
        yield agent
    finally:
        agent.end()


def lines(heading: str) -> list[str]:
    """Return the lines of the blocks of code under a heading of docs/l2gw.md."""
    blocks = re.findall(r"^```\n(.*?)^```$", section(PAGE, heading), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def replaced(text: str, here: dict[str, str]) -> str:
    """Return a word of the page with the addresses of this machine."""
    for there, instead in here.items():
        text = text.replace(there, instead)
    return text


def bind(agent: Agent, how: str, network: Row, bindings: Row, macs: Row | None = None) -> None:
    """Connect a network to ports, each with a VLAN, or disconnect it: CREATE or DELETE.

    `macs` has MAC addresses of VMs by the tunnel addresses of their hosts.
    """
    ports = [
        {
            **agent.row("physical_ports", name=port),
            "vlan_bindings": [{"vlan": vlan, "logical_switch_uuid": network["uuid"]}],
        }
        for port, vlan in bindings.items()
    ]
    places = {address: list(map(station, each)) for address, each in (macs or {}).items()}
    locators = [locator(agent, address) for address in places]
    agent.call("update_connection_to_gateway", network, locators, places, ports, NAME, how)


def station(mac: str, uuid: str | None = None) -> Row:
    """Return a VM's address as the plugin hands it to the agent."""
    row = {"uuid": uuid, "mac": mac, "ip_address": "192.168.0.10"}
    return {**row, "logical_switch_id": None, "physical_locator_id": None}


def locator(agent: Agent, address: str) -> Row:
    """Return a locator with the UUID that the database has for it, if it has one."""
    known = agent.rows("physical_locators", dst_ip=address)
    return known[0] if known else {"uuid": None, "dst_ip": address}


def leaves(switch: DummySwitch, destination: str, *where: str) -> None:
    """Wait until frames of p0 to an address leave there and nowhere else."""
    expected = sorted(where)
    switch.wait(lambda: switch.sends("p0", destination) == expected, f"{destination} at {where}")


def test_a_network_is_connected_used_and_disconnected(switch: DummySwitch, agent: Agent) -> None:
    br0 = agent.row("physical_switches", name="br0", tunnel_ip="127.0.0.1")
    assert br0["switch_fault_status"] is None
    assert agent.row("physical_ports", name="p0", port_fault_status=None, vlan_bindings=[])
    before = switch.flows(), switch.groups()

    # A logical switch, two bindings, a VM and its host's locator in one transaction.
    bind(agent, "CREATE", NETWORK, {"p0": 0, "p1": 10}, {COMPUTE: [VM]})
    leaves(switch, VM, "10.2.2.3 vni 33")
    network = agent.row("logical_switches", name=NETWORK["name"], key=33)
    # It writes no unknown-dst: broadcast goes to the hosts of all VMs because our option says so.
    assert switch.rows("Mcast_Macs_Remote") == []
    leaves(switch, BROADCAST, "10.2.2.3 vni 33", "p1 vlan 10")
    switch.wait(lambda: switch.delivers(COMPUTE, 33, SERVER) == ["p0", "p1 vlan 10"], "both ports")

    hears_of_the_server(agent, switch, network)
    shown = [switch.vtep_ctl(*line.split()[1:]) for line in lines("The gateway")[-4:]]
    words = NETWORK["name"], f"0010 {NETWORK['name']}", VM, SERVER
    assert all(word in each for word, each in zip(words, shown, strict=True)), shown

    # Another VM comes, on another host; then the first one moves to that.
    arguments = network, locator(agent, OTHER_COMPUTE), station(OTHER_VM), NAME
    agent.call("insert_ucast_macs_remote", *arguments)
    leaves(switch, OTHER_VM, "10.2.2.4 vni 33")
    leaves(switch, BROADCAST, "10.2.2.3 vni 33", "10.2.2.4 vni 33", "p1 vlan 10")
    moved = station(VM, agent.row("remote_macs", mac=VM)["uuid"])
    agent.row("physical_locators", dst_ip=OTHER_COMPUTE)
    agent.call("update_ucast_macs_remote", locator(agent, OTHER_COMPUTE), moved, NAME)
    leaves(switch, VM, "10.2.2.4 vni 33")
    leaves(switch, BROADCAST, "10.2.2.4 vni 33", "p1 vlan 10")

    agent.call("delete_ucast_macs_remote", network["uuid"], [VM, OTHER_VM], NAME)
    leaves(switch, BROADCAST, "p1 vlan 10")
    bind(agent, "DELETE", network, {"p0": 0, "p1": 10})
    switch.wait(lambda: switch.sends("p0", BROADCAST) == [], "no binding")
    switch.wait(lambda: not agent.rows("local_macs"), "the agent to hear that the server is gone")
    agent.call("delete_logical_switch", network["uuid"], NAME)
    switch.wait(lambda: (switch.flows(), switch.groups()) == before, "nothing of it to be left")
    kinds = "logical_switches", "remote_macs", "physical_locators"
    switch.wait(lambda: not any(agent.rows(each) for each in kinds), "the agent to hear it")


def hears_of_the_server(agent: Agent, switch: DummySwitch, network: Row) -> None:
    """Let the server send by VLAN 10 of p1 until the agent hears of it at our tunnel address."""

    def is_heard() -> bool:
        switch.receive("p1", SERVER, BROADCAST, 10)
        return bool(agent.rows("local_macs", mac=SERVER))

    switch.wait(is_heard, "the agent to hear of the server")
    heard = agent.row("local_macs", mac=SERVER)
    assert heard["logical_switch_id"] == network["uuid"]
    assert agent.row("physical_locators", uuid=heard["physical_locator_id"], dst_ip="127.0.0.1")
    assert switch.delivers(COMPUTE, 33, SERVER) == ["p1 vlan 10"]


def test_a_fault_that_is_mended_lets_the_agent_go_on(switch: DummySwitch, agent: Agent) -> None:
    """The plugin connects nothing while the agent reports a fault of the switch or of a port.

    It takes the tunnel address from a single one: a set of none or several has none for it.
    """
    bind(agent, "CREATE", NETWORK, {"p0": 0, "p1": 4095}, {COMPUTE: [VM]})
    assert agent.row("physical_ports", name="p1", port_fault_status="invalid_vlan_map")
    assert agent.row("physical_ports", name="p0", port_fault_status=None)
    network = agent.row("logical_switches", name=NETWORK["name"])
    bind(agent, "DELETE", network, {"p1": 4095})
    assert agent.row("physical_ports", name="p1", port_fault_status=None)

    switch.vtep_ctl("clear", "Physical_Switch", "br0", "tunnel_ips")
    assert agent.row("physical_switches", switch_fault_status="unspecified_fault")
    assert reported_address(agent) == ["set", []]
    switch.vtep_ctl("set", "Physical_Switch", "br0", "tunnel_ips=127.0.0.1,127.0.0.2")
    assert agent.row("physical_switches", switch_fault_status=None)
    assert reported_address(agent) == ["set", ["127.0.0.1", "127.0.0.2"]]
    switch.vtep_ctl("set", "Physical_Switch", "br0", "tunnel_ips=127.0.0.1")
    assert agent.row("physical_switches", tunnel_ip="127.0.0.1", switch_fault_status=None)

    bind(agent, "CREATE", network, {"p1": 10})
    leaves(switch, BROADCAST, "10.2.2.3 vni 33", "p1 vlan 10")


def reported_address(agent: Agent) -> Any:
    """Return the tunnel address of br0 as the agent reports it to the plugin."""
    return agent.row("physical_switches", name="br0")["tunnel_ip"]
