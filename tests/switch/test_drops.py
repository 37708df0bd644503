"""Frames that are dropped are counted by a flow for each reason."""

from __future__ import annotations

import re

from tests.switch.dummy import BROADCAST, DummySwitch
from tests.switch.state import assert_restart_changes_nothing
from tests.switch.test_accept_from import arrive, dropped, receive_at_underlay

HOST, STATION = "00:00:00:00:00:01", "00:00:00:00:00:99"
DROPPED = "cookie=0x7674657090000000/-1"
"""What docs/troubleshooting.md tells to look at."""


def counted(switch: DummySwitch) -> dict[tuple[int, str], int]:
    """Return how many frames each drop of ours counted, by table and match, where there are any."""
    text = switch.ofctl("--no-names", "dump-flows", "br0", DROPPED)
    flows = re.findall(r"table=(\d+),.* n_packets=(\d+),.* priority=(\S+) actions=drop", text)
    return {(int(table), match): int(packets) for table, packets, match in flows if packets != "0"}


def test_each_reason_has_its_counter(switch: DummySwitch) -> None:
    switch.manage()
    switch.join()
    receive_at_underlay(switch)
    # Port p2 is not in any row; VLAN 20 of p1 is not bound, nor are untagged frames there.
    switch.add_port("p2", 30)
    switch.wait(lambda: "p2" in switch.port_rows("br0"), "the row of p2")
    for port, vlan in (("p2", None), ("p1", None), ("p1", 20)):
        switch.receive(port, HOST, BROADCAST, vlan)
    switch.receive("p0", HOST, "01:80:c2:00:00:03")
    switch.receive("p0", "01:00:00:00:00:01", BROADCAST)
    switch.wait(
        lambda: (
            counted(switch)
            == {
                (0, "0"): 3,
                (0, "300,dl_dst=01:80:c2:00:00:00/ff:ff:ff:ff:ff:f0"): 1,
                (30, "300,dl_src=01:00:00:00:00:00/01:00:00:00:00:00"): 1,
            }
        ),
        "the drops of what came in by ports",
    )
    arrive(switch, "10.2.2.3", 34, count=2)
    arrive(switch, "10.2.2.4", 34)
    switch.wait(lambda: counted(switch).get((10, "0")) == 3, "the drops of an unknown VNI")
    assert dropped(switch) == {33: 0}
    switch.vtep_ctl("clear", "Logical_Switch", "ls0", "tunnel_key")
    switch.wait(lambda: "0x21->tun_id" not in "\n".join(switch.flows()), "no VNI")
    switch.receive("p0", HOST, STATION)
    switch.wait(lambda: counted(switch).get((90, "0")) == 1, "the drop for want of a key")
    assert_restart_changes_nothing(switch)
