"""A switch that does not take all flows: a fault, a line, and further attempts until it does."""

from __future__ import annotations

from tests.switch.dummy import DummySwitch, several


def limit(switch: DummySwitch, table: int, flows: int) -> None:
    """Let the switch refuse further flows in a table."""
    switch.ovs_vsctl(
        "--id=@limit", "create", "Flow_Table", f"flow_limit={flows}", "overflow_policy=refuse",
        "--", "set", "bridge", "br0", f"flow_tables:{table}=@limit",
    )  # fmt: skip


def faults(switch: DummySwitch) -> tuple[str, ...]:
    return several(switch.row("Physical_Switch", name="br0")["switch_fault_status"])


def remote(number: int) -> str:
    return f"00:00:00:01:{number >> 8:02x}:{number & 255:02x}"


def test_flows_that_a_full_table_refuses_are_a_fault_and_are_tried_again(
    joined: DummySwitch,
) -> None:
    vtep = joined
    vtep.place("00:00:00:00:00:99", "10.2.2.3")
    vtep.wait(lambda: len(vtep.tunnel_ports()) == 1, "the tunnel")
    vtep.come_to_rest()
    there = sum("table=60" in flow for flow in vtep.flows())
    limit(vtep, 60, there + 10)
    words = [["add-ucast-remote", "ls0", remote(number), "10.2.2.3"] for number in range(60)]
    vtep.vtep_ctl(*(word for each in words for word in ("--", *each)))
    vtep.wait(lambda: "unspecified_fault" in faults(vtep), "the fault")
    vtep.wait_for_log("br0: the switch refused 50 of table 60 (UNICAST); trying again in 1 s")
    vtep.wait_for_log("its bridge refuses some of table 60 (UNICAST)")
    vtep.wait(
        lambda: sum("table=60" in flow for flow in vtep.flows()) == there + 10, "those that fit"
    )
    vtep.vtep_ctl("bind-ls", "br0", "p0", "77", "ls0")
    vtep.wait(lambda: "dl_vlan=77" in "\n".join(vtep.flows()), "another table is served")
    vtep.wait_for_log("trying again in 2 s")
    vtep.ovs_vsctl("clear", "bridge", "br0", "flow_tables")
    vtep.wait(lambda: sum("table=60" in flow for flow in vtep.flows()) == there + 60, "all of them")
    vtep.wait(lambda: not faults(vtep), "the end of the fault")
    vtep.wait_for_log("resolved: Physical_Switch br0: its bridge refuses some of table 60")
