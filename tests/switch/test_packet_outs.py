"""Frames that we send by a switch: out of a port, into a table of its pipeline, by a feature."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from scapy.layers.l2 import Dot1Q, Ether
from scapy.utils import rdpcap

from tests.switch import answering, sending
from tests.switch.dummy import DummyApp, DummySwitch


class Other(DummyApp):
    """osken-manager with the application in another module."""

    def __init__(self, switch: DummySwitch, module: ModuleType) -> None:
        super().__init__(switch, module.__name__.split(".")[-1])
        self.module = module

    def command(self) -> list[str]:
        manager, _, *rest = super().command()
        return [manager, self.module.__name__, *rest]


MAC = "02:00:00:00:00:01"


def frames_in(file: Path) -> list[int]:
    """Return the numbers of the frames that left, in their order."""
    return [int.from_bytes(bytes(packet)[14:60], "big") for packet in rdpcap(str(file))]


def test_frames_leave_by_ports_and_by_the_pipeline(switch: DummySwitch) -> None:
    switch.app = Other(switch, sending)
    switch.add_bridge()
    sent = {port: switch.folder / f"{port}.pcap" for port in ("p0", "p1")}
    for port, file in sent.items():
        switch.ovs_vsctl("set", "interface", port, f"options:tx_pcap={file}")
    matches = f"metadata={sending.LOGICAL_SWITCH:#x},reg0={sending.BINDING:#x}"
    switch.point_at_app()  # Open vSwitch deletes all flows of a bridge with a first controller
    switch.ofctl("add-flow", "br0", f"table={sending.TABLE},{matches},actions=output:2")
    switch.ofctl("add-flow", "br0", "table=0,in_port=1,actions=output:2")
    switch.app.start()
    switch.wait(lambda: frames_in(sent["p1"])[-1:] == [7], "the last frame")
    assert frames_in(sent["p0"]) == [1, 4, 7]
    assert frames_in(sent["p1"]) == [2, 4, 6, 7]
    switch.wait_for_log("the switch refused a packet-out: 040d")
    switch.wait_for_log("OFPBAC_BAD_OUT_PORT")


def test_a_feature_answers_frames(switch: DummySwitch) -> None:
    switch.app = Other(switch, answering)
    switch.manage()
    file = switch.folder / "p1.pcap"
    switch.ovs_vsctl("set", "interface", "p1", f"options:tx_pcap={file}")
    switch.join()
    switch.receive("p1", MAC, answering.ADDRESS, vlan=10)
    (reply,) = switch.wait(lambda: list(rdpcap(str(file))), "an answer")
    assert (reply[Ether].src, reply[Ether].dst) == (answering.ADDRESS, MAC)
    assert reply[Dot1Q].vlan == 10
