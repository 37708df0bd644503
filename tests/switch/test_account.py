"""How much is sent for what: work that a change does not need would show here, without a clock."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.switch.dummy import BROADCAST, DummySwitch
from tests.switch.state import account

HOST, FAR, FURTHER = "00:00:00:00:00:01", "00:00:00:00:00:99", "00:00:00:00:00:98"
MANY = 5000
BRIDGE, OPEN_VSWITCH, VTEP = "br0", "Open_vSwitch", "hardware_vtep"


class Meter:
    """Tells what a change costs, once it has had its effect and all has come to rest."""

    def __init__(self, switch: DummySwitch) -> None:
        self._switch = switch
        self._before = self._rest()

    def cost(self) -> dict[str, dict[str, int]]:
        """Return what was sent since this was last asked, without what is 0."""
        before, self._before = self._before, self._rest()
        return {
            receiver: spent
            for receiver, counts in self._before.items()
            if (
                spent := {
                    name: count - before[receiver][name]
                    for name, count in counts.items()
                    if count != before[receiver][name] and not name.startswith("packet_ins")
                }
            )
        }

    def _rest(self) -> dict[str, dict[str, int]]:
        """Return the account when two in a row are the same, with events between them."""
        while True:
            first = account(self._switch)
            if account(self._switch) == first:
                return first


@pytest.fixture
def meter(switch: DummySwitch) -> Meter:
    switch.manage(stats_interval="0")
    switch.join()
    switch.vtep_ctl("set-replication-mode", "ls0", "source_node")
    switch.replicate(("10.2.2.2",))
    switch.wait(lambda: len(switch.sends("p0", BROADCAST)) == 2, "flooding into a tunnel")
    switch.wait(lambda: len(switch.rows("Tunnel")) == 1, "the Tunnel row")
    return Meter(switch)


def test_a_remote_mac_behind_a_known_vtep_is_one_flow(switch: DummySwitch, meter: Meter) -> None:
    switch.place(FAR, "10.2.2.2")
    switch.wait(lambda: switch.sends("p0", FAR) == ["10.2.2.2 vni 33"], "the way to it")
    assert meter.cost() == {BRIDGE: {"flow_mods": 1, "bundles_opened": 1, "bundles_committed": 1}}
    switch.vtep_ctl("del-ucast-remote", "ls0", FAR)
    switch.wait(lambda: "p1 vlan 10" in switch.sends("p0", FAR), "the way to be gone")
    assert meter.cost() == {BRIDGE: {"flow_mods": 1, "bundles_opened": 1, "bundles_committed": 1}}


def test_a_thousand_of_them_in_one_transaction_are_a_thousand_flows_in_one_bundle(
    switch: DummySwitch, meter: Meter
) -> None:
    macs = [f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}" for number in range(1000)]
    commands = (["--", "add-ucast-remote", "ls0", mac, "10.2.2.2"] for mac in macs)
    switch.vtep_ctl(*itertools.chain.from_iterable(commands))
    switch.wait(lambda: switch.sends("p0", macs[-1]) == ["10.2.2.2 vni 33"], "the way to the last")
    flows = {"flow_mods": 1000, "bundles_opened": 1, "bundles_committed": 1}
    assert meter.cost() == {BRIDGE: flows}


def test_very_many_of_them_in_one_transaction_are_one_bundle_as_well(
    switch: DummySwitch, meter: Meter
) -> None:
    """They are more than are told, or worked out, at once, and so is a second version of them."""
    macs = [f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}" for number in range(MANY)]
    logical_switch = ["uuid", str(switch.row("Logical_Switch", name="ls0")["_uuid"])]
    locator = ["uuid", str(switch.row("Physical_Locator", dst_ip="10.2.2.2")["_uuid"])]
    of = {"logical_switch": logical_switch, "locator": locator}
    table = {"table": "Ucast_Macs_Remote"}
    switch.transact(*({"op": "insert", **table, "row": {"MAC": mac, **of}} for mac in macs))
    for mac in (macs[0], macs[-1]):
        switch.wait(lambda: switch.sends("p0", mac) == ["10.2.2.2 vni 33"], "the way there")  # noqa: B023
    flows = {"flow_mods": MANY, "bundles_opened": 1, "bundles_committed": 1}
    assert meter.cost() == {BRIDGE: flows}
    replaced: list[dict[str, Any]] = [
        {"op": "delete", **table, "where": [["logical_switch", "==", logical_switch]]},
        *({"op": "insert", **table, "row": {"MAC": mac, **of}} for mac in [FAR, *macs[1:]]),
    ]
    switch.transact(*replaced)
    switch.wait(lambda: switch.sends("p0", FAR) == ["10.2.2.2 vni 33"], "the way to a new one")
    flows = {"flow_mods": 2, "bundles_opened": 1, "bundles_committed": 1}
    assert meter.cost() == {BRIDGE: flows}


def test_a_second_locator_is_one_port_and_one_change_of_a_group(
    switch: DummySwitch, meter: Meter
) -> None:
    switch.vtep_ctl("add-mcast-remote", "ls0", "unknown-dst", "10.2.2.3")
    switch.wait(lambda: len(switch.sends("p0", BROADCAST)) == 3, "a copy for it")
    switch.wait(lambda: len(switch.rows("Tunnel")) == 2, "its Tunnel row")
    cost = meter.cost()
    assert cost[BRIDGE].pop("group_mods") == 1
    # In by its port, out by its port, and which VNI may come from there.
    assert cost[BRIDGE].pop("flow_mods") == 3
    assert cost[OPEN_VSWITCH] == {"transactions": 1, "writes": 1}
    assert cost[VTEP] == {"transactions": 1, "writes": 1}


def test_a_new_host_is_two_flows_and_one_row(switch: DummySwitch, meter: Meter) -> None:
    switch.receive("p0", HOST, BROADCAST)
    switch.wait(lambda: switch.local_macs() == {HOST: "127.0.0.1"}, "its row")
    assert meter.cost() == {
        BRIDGE: {"flow_mods": 2, "bundles_opened": 1, "bundles_committed": 1},
        VTEP: {"transactions": 1, "writes": 1},
    }


def test_another_vni_touches_no_mac(switch: DummySwitch, meter: Meter) -> None:
    macs = [f"02:00:00:00:00:{number:02x}" for number in range(100)]
    commands = (["--", "add-ucast-remote", "ls0", mac, "10.2.2.2"] for mac in macs)
    switch.vtep_ctl(*itertools.chain.from_iterable(commands))
    switch.wait(lambda: switch.sends("p0", macs[-1]) == ["10.2.2.2 vni 33"], "the way to the last")
    meter.cost()
    switch.vtep_ctl("set", "Logical_Switch", "ls0", "tunnel_key=44")
    switch.wait(lambda: switch.sends("p0", macs[-1]) == ["10.2.2.2 vni 44"], "the new VNI")
    # What is written into frames, and what may come in from this VTEP, and from those that no row
    # names: the old one goes, the new one comes.
    assert meter.cost() == {BRIDGE: {"flow_mods": 5, "bundles_opened": 1, "bundles_committed": 1}}


def test_what_is_written_as_it_was_costs_nothing(switch: DummySwitch, meter: Meter) -> None:
    switch.vtep_ctl("set", "Logical_Switch", "ls0", "description=other")
    switch.ovs_vsctl("set", "interface", "p0", "external_ids:a=b")
    assert meter.cost() == {}
