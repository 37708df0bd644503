"""More remote VTEPs than Open vSwitch reaches with one translation of a frame."""

from __future__ import annotations

from collections import Counter
from ipaddress import IPv4Address
from itertools import chain

from scapy.layers.inet import IP
from scapy.utils import rdpcap

from tests.switch.dummy import BROADCAST, DummySwitch
from vtep_ofapp.pipeline.layout import CHUNK

ROUTER, FIRST = "10.2.2.2", IPv4Address("10.3.0.1")
MANY = 800
"""Some 780 fill the 64 KiB of actions that it makes from a frame."""


def test_each_of_very_many_remote_vteps_gets_one_copy(switch: DummySwitch) -> None:
    sent = switch.folder / "sent.pcap"
    switch.manage()
    switch.add_underlay(ROUTER)
    switch.ovs_vsctl("set", "interface", "wire", f"options:tx_pcap={sent}")
    switch.appctl("ovs/route/add", "10.3.0.0/16", "br-phy", ROUTER)
    switch.vtep_ctl("bind-ls", "br0", "p0", "0", "ls0")
    switch.vtep_ctl("set-replication-mode", "ls0", "source_node")
    addresses = {str(FIRST + number) for number in range(MANY)}
    assert len(addresses) > CHUNK
    rows = (["--", "add-mcast-remote", "ls0", "unknown-dst", each] for each in addresses)
    switch.vtep_ctl(*chain.from_iterable(rows))
    switch.wait(lambda: len(switch.tunnel_ports()) == MANY, "the tunnels", 120)
    targets = lambda: switch.ofctl("dump-groups", "br0").count("resubmit(,90)")  # noqa: E731
    switch.wait(lambda: targets() == MANY, "all tunnels in the groups", 120)
    switch.come_to_rest()
    switch.receive("p0", "00:00:00:00:00:01", BROADCAST, length=60)
    copies = lambda: Counter(packet[IP].dst for packet in rdpcap(str(sent)) if IP in packet)  # noqa: E731
    switch.wait(lambda: len(copies()) == MANY, "a copy for each")
    assert copies() == Counter(addresses)
