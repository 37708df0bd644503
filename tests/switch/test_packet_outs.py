"""Frames that we send by a switch: out of a port, or into a table of its pipeline."""

from __future__ import annotations

from pathlib import Path

from scapy.utils import rdpcap

from tests.switch import sending
from tests.switch.dummy import DummyApp, DummySwitch


class Sender(DummyApp):
    """osken-manager with the application in sending.py."""

    def command(self) -> list[str]:
        manager, _, *rest = super().command()
        return [manager, sending.__name__, *rest]


def frames_in(file: Path) -> list[int]:
    """Return the numbers of the frames that left, in their order."""
    return [int.from_bytes(bytes(packet)[14:60], "big") for packet in rdpcap(str(file))]


def test_frames_leave_by_ports_and_by_the_pipeline(switch: DummySwitch) -> None:
    switch.app = Sender(switch, "sender")
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
