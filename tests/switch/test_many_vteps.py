"""More remote VTEPs than Open vSwitch reaches with one translation of a frame."""

from __future__ import annotations

import re
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


def number_of_ls0(switch: DummySwitch) -> int:
    """Return the number of the one logical switch, as a binding's flow notes it."""
    found = re.search(r"set_field:0x([0-9a-f]+)->metadata", "\n".join(switch.flows()))
    assert found
    return int(found[1], 16)


def group_ids(switch: DummySwitch) -> set[int]:
    return {int(id) for id in re.findall(r"group_id=(\d+)", switch.ofctl("dump-groups", "br0"))}


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
    number, ids = number_of_ls0(switch), group_ids(switch)
    # As versions before GroupKind had five bits have them: an upgrade changes nothing.
    of_ls0 = {kind << 24 | number for kind in (0xA1, 0xA2, 0xA3, 0xA4)}
    assert ids == {0xA0000000, 0xA0000001, *of_ls0}
    switch.receive("p0", "00:00:00:00:00:01", BROADCAST, length=60)
    copies = lambda: Counter(packet[IP].dst for packet in rdpcap(str(sent)) if IP in packet)  # noqa: E731
    switch.wait(lambda: len(copies()) == MANY, "a copy for each")
    assert copies() == Counter(addresses)
