"""Reported addresses and answered requests, with real databases and Open vSwitch's own tables."""

from __future__ import annotations

from typing import Any

import pytest
from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptSrcLLAddr, IPv6
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Packet

from tests.switch.dummy import BROADCAST, DummySwitch
from tests.switch.state import assert_restart_changes_nothing, switch_faults

MAC1, MAC2, REMOTE = "00:00:00:00:00:01", "00:00:00:00:00:02", "00:00:00:00:00:99"
IP1, IP2, REMOTE_IP = "192.168.1.11", "192.168.1.12", "192.168.1.99"
IP6, LINK_LOCAL, REMOTE_IP6 = "2001:db8:1::11", "fe80::11", "2001:db8:1::99"
SOLICITED_NODE = "33:33:ff:00:00:99"


def arp(mac: str = MAC1, ip: str = IP1, target: str = IP2, **more: Any) -> Packet:
    """Return a broadcast ARP request of a host."""
    return Ether(src=mac, dst=BROADCAST) / ARP(**{"hwsrc": mac, "psrc": ip, "pdst": target, **more})


def solicitation(mac: str = MAC1, ip: str = IP6, target: str = REMOTE_IP6) -> Packet:
    """Return a multicast neighbor solicitation of a host."""
    packet = IPv6(src=ip, dst="ff02::1:ff00:99", hlim=255) / ICMPv6ND_NS(tgt=target)
    return Ether(src=mac, dst=SOLICITED_NODE) / packet / ICMPv6NDOptSrcLLAddr(lladdr=mac)


def hears(vtep: DummySwitch, frame: Packet, port: str = "p0") -> None:
    """Let a frame come in by a port."""
    vtep.appctl("netdev-dummy/receive", port, bytes(frame).ljust(60, b"\0").hex())


def trace(vtep: DummySwitch, frame: Packet, port: int = 1) -> str:
    """Return the datapath actions for a frame that comes in by a port."""
    text = vtep.appctl("ofproto/trace", "br0", f"in_port={port}", bytes(frame).hex())
    return text.strip().splitlines()[-3 if "slow path" in text else -1]


def ips(vtep: DummySwitch) -> dict[str, str]:
    """Return ipaddr of Ucast_Macs_Local, by the MAC."""
    return {row["MAC"]: row["ipaddr"] for row in vtep.rows("Ucast_Macs_Local")}


def row_of(vtep: DummySwitch, mac: str) -> Any:
    return vtep.row("Ucast_Macs_Local", MAC=mac)["_uuid"]


def reports(vtep: DummySwitch, **expected: str) -> None:
    """Wait until the rows of MACs, by the last digit as "m1", have these addresses."""
    wanted = {f"00:00:00:00:00:0{mac[1]}": ip for mac, ip in expected.items()}
    vtep.wait(lambda: ips(vtep) == wanted, f"{wanted}, not {ips(vtep)}")


@pytest.fixture
def placed(joined: DummySwitch) -> DummySwitch:
    """MAC1 is a known host at p0, and a remote station has an address."""
    joined.place(REMOTE, "10.2.2.3")
    joined.replicate(("10.2.2.2",))
    set_ip(joined, REMOTE_IP)
    hears(joined, arp())
    reports(joined, m1=IP1)
    joined.wait(lambda: joined.sends("p0", REMOTE) == ["10.2.2.3 vni 33"], "the tunnel")
    return joined


def set_ip(vtep: DummySwitch, ip: str, mac: str = REMOTE) -> None:
    row = vtep.row("Ucast_Macs_Remote", MAC=mac)["_uuid"]
    vtep.vtep_ctl("set", "Ucast_Macs_Remote", str(row), f'ipaddr="{ip}"')


def answers(vtep: DummySwitch, frame: Packet) -> bool:
    """Whether a frame at p0 goes back out of p0, and nowhere else."""
    text = vtep.appctl("ofproto/trace", "br0", "in_port=1", bytes(frame).hex())
    return "output:1\n" in text and "group:" not in text


def test_a_new_host_is_one_row_with_its_address_and_the_row_stays(joined: DummySwitch) -> None:
    """I1, I3: the first ARP makes the row with ipaddr; later addresses change it in place."""
    joined.learns(MAC2, "p1", vlan=10)
    hears(joined, arp())
    reports(joined, m1=IP1, m2="")
    first, second = row_of(joined, MAC1), row_of(joined, MAC2)
    hears(joined, Ether(src=MAC2, dst=BROADCAST) / Dot1Q(vlan=10) / arp(MAC2, IP2)[ARP], "p1")
    hears(joined, arp(ip="192.168.1.21"))
    reports(joined, m1="192.168.1.21", m2=IP2)
    assert (row_of(joined, MAC1), row_of(joined, MAC2)) == (first, second)


def test_an_address_moves_to_the_mac_that_announces_it(joined: DummySwitch) -> None:
    """I2: the row of the former MAC has no address any more."""
    hears(joined, arp())
    reports(joined, m1=IP1)
    row = row_of(joined, MAC1)
    hears(joined, arp(MAC2, IP1, IP1))
    reports(joined, m1="", m2=IP1)
    assert row_of(joined, MAC1) == row


def test_a_host_with_ipv6_alone_is_reported_by_its_global_address(joined: DummySwitch) -> None:
    """I4: a link-local address never is; an IPv4 address is preferred."""
    hears(joined, solicitation(ip=LINK_LOCAL))
    reports(joined, m1="")
    hears(joined, solicitation())
    reports(joined, m1=IP6)
    hears(joined, arp())
    reports(joined, m1=IP1)
    hears(joined, solicitation(ip="2001:db8:1::12"))
    joined.wait(lambda: "2001:db8:1::12" in "\n".join(joined.flows()), "the pair")
    reports(joined, m1=IP1)


def test_a_restart_rewrites_no_row_and_sends_no_flow(placed: DummySwitch) -> None:
    """I5: pairs are read back from the flows."""
    for ip in ("192.168.1.21", IP1, "192.168.1.22"):
        hears(placed, arp(ip=ip))
    hears(placed, solicitation())
    reports(placed, m1="192.168.1.22")
    placed.wait(lambda: IP6 in "\n".join(placed.flows()), "the pair of IPv6")
    assert_restart_changes_nothing(placed)
    reports(placed, m1="192.168.1.22")
    hears(placed, arp(ip="192.168.1.23"))
    reports(placed, m1="192.168.1.23")


def test_an_idle_address_is_forgotten_and_its_row_stays(switch: DummySwitch) -> None:
    switch.manage(ip_aging="2")
    switch.join()
    hears(switch, arp())
    reports(switch, m1=IP1)
    row = row_of(switch, MAC1)
    reports(switch, m1="")
    assert row_of(switch, MAC1) == row


def test_without_the_options_columns_are_left_alone(switch: DummySwitch) -> None:
    """N2: nothing is answered, snooped or written."""
    switch.manage(suppress_arp="False", report_ip="False")
    switch.join()
    switch.place(REMOTE, "10.2.2.3")
    set_ip(switch, REMOTE_IP)
    switch.replicate(("10.2.2.2",))
    hears(switch, arp())
    reports(switch, m1="")
    switch.vtep_ctl("set", "Ucast_Macs_Local", str(row_of(switch, MAC1)), 'ipaddr="10.0.0.1"')
    switch.come_to_rest()
    reports(switch, m1="10.0.0.1")
    assert not answers(switch, arp(target=REMOTE_IP))
    of_addresses = [flow for flow in switch.flows() if "arp" in flow or "icmp6" in flow]
    assert of_addresses == []


@pytest.mark.parametrize("answers_are_on", ["True", "False"])
def test_what_was_reported_goes_when_that_is_turned_off(
    placed: DummySwitch, answers_are_on: str
) -> None:
    """Once: what others write afterwards stays, even if the host has that address."""
    hears(placed, arp(MAC2, IP2))
    reports(placed, m1=IP1, m2=IP2)
    rows = {mac: row_of(placed, mac) for mac in (MAC1, MAC2)}
    placed.app.kill()
    placed.vtep_ctl("set", "Ucast_Macs_Local", str(rows[MAC2]), 'ipaddr="10.0.0.2"')
    placed.app.options.update(report_ip="False", suppress_arp=answers_are_on)
    placed.app.start()
    reports(placed, m1="", m2="10.0.0.2")
    assert {mac: row_of(placed, mac) for mac in (MAC1, MAC2)} == rows
    placed.vtep_ctl("set", "Ucast_Macs_Local", str(rows[MAC1]), f'ipaddr="{IP1}"')
    placed.restart_app()
    hears(placed, arp())
    placed.come_to_rest()
    reports(placed, m1=IP1, m2="10.0.0.2")
    assert answers(placed, arp(target=REMOTE_IP)) == (answers_are_on == "True")
    placed.app.options["report_ip"] = "True"
    placed.restart_app()
    hears(placed, arp())
    hears(placed, arp(MAC2, IP2))
    reports(placed, m1=IP1, m2=IP2)


def test_what_is_asked_of_known_hosts_is_answered_where_it_came_in(placed: DummySwitch) -> None:
    """N1, N6: broadcast ARP and multicast NS for an address of the NVC."""
    placed.wait(lambda: answers(placed, arp(target=REMOTE_IP)), "an answer")
    text = trace(placed, arp(target=REMOTE_IP))
    for part in (f"eth(src={REMOTE},dst={MAC1})", f"sip={REMOTE_IP},tip={IP1},op=2"):
        assert part in text
    assert f"sha={REMOTE},tha={MAC1}" in text
    set_ip(placed, REMOTE_IP6)
    hears(placed, solicitation())
    placed.wait(lambda: answers(placed, solicitation()), "an advertisement")
    text = trace(placed, solicitation())
    assert f"ipv6(src={REMOTE_IP6},dst={IP6})" in text
    assert "nd_ext(nd_reserved=0x60000000,nd_options_type=2)" in text
    assert f"nd(tll={REMOTE}" in text
    assert not answers(placed, arp(target=REMOTE_IP))


@pytest.mark.parametrize(
    "frame",
    [
        Ether(src=MAC1, dst=REMOTE) / arp(target=REMOTE_IP)[ARP],
        arp(MAC2, IP2, target=REMOTE_IP),
        arp(ip=IP2, target=REMOTE_IP),
        arp(target=REMOTE_IP, hwsrc=MAC2),
        arp(target=REMOTE_IP, op=2),
        arp(ip=REMOTE_IP, target=REMOTE_IP),
        arp(target=IP2),
    ],
    ids=["unicast", "unknown", "unknown IP", "forged", "reply", "gratuitous", "other"],
)
def test_what_is_not_answered(placed: DummySwitch, frame: Packet) -> None:
    """N3, N8, and what would hide a takeover or a forged sender."""
    placed.wait(lambda: answers(placed, arp(target=REMOTE_IP)), "an answer")
    assert not answers(placed, frame)


def test_answers_follow_the_rows(placed: DummySwitch) -> None:
    """N5, N7: another address, another MAC, two MACs, no row."""
    ask = arp(target=REMOTE_IP)
    placed.wait(lambda: answers(placed, ask), "an answer")
    set_ip(placed, "192.168.1.98")
    placed.wait(lambda: answers(placed, arp(target="192.168.1.98")), "an answer for the new one")
    assert not answers(placed, ask)
    placed.place(MAC2, "10.2.2.4")
    set_ip(placed, "192.168.1.98", MAC2)
    both = arp(target="192.168.1.98")
    placed.wait(lambda: switch_faults(placed) == {"unspecified_fault"}, "the fault")
    placed.wait(lambda: not answers(placed, both), "no answer")
    placed.vtep_ctl("del-ucast-remote", "ls0", REMOTE)
    placed.wait(lambda: f"eth(src={MAC2}" in trace(placed, both), "the other MAC")
    placed.wait(lambda: not switch_faults(placed), "no fault")
    placed.vtep_ctl("del-ucast-remote", "ls0", MAC2)
    placed.wait(lambda: not answers(placed, both), "no answer")


def test_an_ipaddr_that_is_none_is_a_fault_and_the_mac_is_reached(placed: DummySwitch) -> None:
    set_ip(placed, "192.168.1.999")
    placed.wait(lambda: switch_faults(placed) == {"unspecified_fault"}, "the fault")
    assert "ipaddr is not used: '192.168.1.999' is not an IP address" in placed.app.log_text
    assert placed.sends("p0", REMOTE) == ["10.2.2.3 vni 33"]
    set_ip(placed, "")
    placed.wait(lambda: not switch_faults(placed), "no fault")


def test_advertisements_state_their_target(joined: DummySwitch) -> None:
    packet = IPv6(src=IP6, dst="ff02::1", hlim=255) / ICMPv6ND_NA(tgt=IP6, R=0, S=0, O=1)
    hears(joined, Ether(src=MAC1, dst="33:33:00:00:00:01") / packet)
    reports(joined, m1=IP6)
