"""Access lists of ports and VLANs: which packets pass, in both directions.

Each rule is looked at twice: once its row is written, and after a restart of the application,
which sends none of its flows again.
"""

from __future__ import annotations

from typing import Any

from sim.wire.frames import BROADCAST
from tests.lab.acl_network import (
    EVERY_TUNNEL,
    ICMP,
    TCP,
    TO_A,
    TO_A2,
    UDP,
    Network,
    deny,
    permit,
    to_port,
)
from tests.lab.packets import Packets
from tests.lab.wire import new_mac


def test_one_port_of_tcp_is_denied_and_nothing_else(net: Network) -> None:
    """Case A1."""
    net.bind("p0", deny(**TCP, **to_port(22)))
    there = net.there
    net.judges(TO_A2, [there.tcp(23), there.udp(22), there.icmp(), there.arp()], [there.tcp(22)])


def test_what_leaves_by_a_port_is_denied_there_and_floods_elsewhere(net: Network) -> None:
    """Case A2."""
    net.bind("p0", deny(direction="out", source_ip=net.a2.ip))
    net.judges(TO_A, [net.back.arp()], [net.back.tcp(80)])
    net.there.tcp(80).arrives_at_once(TO_A2)
    net.back.to("192.168.1.255").arrives_at_once(EVERY_TUNNEL)
    net.back.arp(BROADCAST).arrives_at_once({**TO_A, **EVERY_TUNNEL})


def test_one_access_list_may_have_both_directions(net: Network) -> None:
    """Case A3."""
    net.bind("p0", deny(**UDP), deny(20, "out", **ICMP))
    net.judges(TO_A2, [net.there.icmp()], [net.there.udp(53)])
    net.judges(TO_A, [net.back.udp(53)], [net.back.icmp()])


def test_the_lower_sequence_is_matched_first_whatever_the_order_of_rows(net: Network) -> None:
    """Case A4."""
    there = net.there
    rows = permit(10, **TCP, **to_port(443)), deny(20, **TCP)
    for entries in (rows, rows[::-1]):
        net.bind("p0", *entries)
        net.judges(TO_A2, [there.tcp(443)], [there.tcp(80)])
    net.change(0, sequence=30)
    net.judges(TO_A2, [there.udp(443)], [there.tcp(443), there.tcp(80)])


def test_a_key_of_acl_bindings_is_for_frames_with_that_tag(net: Network) -> None:
    """Case A5."""
    net.bind("p2", deny(), vlan=10)
    net.judges(TO_A, [], [net.back.tcp(80), net.back.arp(), net.back.arp(BROADCAST)])
    Packets(net.wire, net.b2, net.b).tcp(80).arrives_at_once({"vm2": ["untagged"]})


def test_key_0_of_acl_bindings_is_for_all_frames_of_a_port(net: Network) -> None:
    """Case A6."""
    net.nvc.do("bind-ls br0 p0 30 ls-a")
    net.bind("p2", deny(**ICMP))
    net.acls.bind("p0", {0: "x"})
    from_b2 = Packets(net.wire, net.b2, net.b)
    net.judges(TO_A, [net.back.tcp(80)], [net.back.icmp(), from_b2.icmp(), net.there.icmp()])
    tagged = net.there.tagged(30)
    tagged.tcp(80).arrives_at_once(TO_A2)
    tagged.icmp().arrives_at_once({})
    net.nvc.do("unbind-ls br0 p0 30")


def test_addresses_and_types_of_ethernet(net: Network) -> None:
    """Case A7."""
    there, other = net.there, new_mac()
    net.bind("p0", deny(source_mac=net.a.mac.upper()))
    net.judges(TO_A2, [there.tcp(80, src=other)], [there.tcp(80)])
    group = "01:00:5e:01:01:01"
    net.bind("p0", deny(dest_mac=group))
    everywhere = {**TO_A2, **EVERY_TUNNEL}
    net.judges(everywhere, [there.udp(5, dst=group[:-1] + "2")], [there.udp(5, dst=group)])
    net.bind("p0", deny(ethertype="0x0806"))
    net.judges(TO_A2, [there.tcp(80), there.tcp6(80)], [there.arp()])


def test_masks_of_addresses_may_have_any_bits(net: Network) -> None:
    """Case A8."""
    there = net.there
    net.bind("p0", deny(source_ip="192.168.1.5", source_mask="255.255.255.0"))
    sent = {ip: there.tcp(80, ip=ip) for ip in ("192.168.1.77", "192.168.2.77")}
    net.judges(TO_A2, [sent["192.168.2.77"]], [sent["192.168.1.77"]])
    net.bind("p0", deny(source_ip="192.168.0.7", source_mask="255.255.0.255"))
    sent = {ip: there.tcp(80, ip=ip) for ip in ("192.168.9.7", "192.168.9.8")}
    net.judges(TO_A2, [sent["192.168.9.8"]], [sent["192.168.9.7"]])
    net.faults()


def test_both_ends_of_a_range_of_ports_are_in_it(net: Network) -> None:
    """Case A9."""
    net.bind("p0", deny(**TCP, **to_port(1000, 1999)))
    tcp = net.there.tcp
    net.judges(TO_A2, [tcp(999), tcp(2000)], [tcp(1000), tcp(1500), tcp(1999)])


def test_two_ranges_of_ports_at_once(net: Network) -> None:
    """Case A10."""
    ports: dict[str, Any] = {"source_port_min": 1024, "source_port_max": 65535, **to_port(80, 443)}
    net.bind("p0", deny(**TCP, **ports))
    tcp = net.there.tcp
    passed = [tcp(80, 1023), tcp(79, 1024), tcp(444, 1024)]
    net.judges(TO_A2, passed, [tcp(80, 1024), tcp(443, 65535), tcp(256, 3000)])


def test_a_range_of_ports_may_have_one_end(net: Network) -> None:
    """Case A11."""
    tcp = net.there.tcp
    net.bind("p0", deny(**TCP, dest_port_min=8000))
    net.judges(TO_A2, [tcp(7999)], [tcp(8000), tcp(65535)])
    net.bind("p0", deny(**TCP, dest_port_max=80))
    net.judges(TO_A2, [tcp(81)], [tcp(0), tcp(80)])


def test_flags_of_tcp_with_and_without_a_mask(net: Network) -> None:
    """Case A12."""
    tcp = net.there.tcp
    net.bind("p0", deny(tcp_flags=2, tcp_flags_mask=0x12))
    passed = [tcp(80, flags=flags) for flags in ("SA", "A", "R", "SAE")]
    net.judges(TO_A2, passed, [tcp(80, flags="S")])
    net.bind("p0", deny(tcp_flags=2))
    net.judges(TO_A2, [tcp(80, flags="SE")], [tcp(80, flags="S")])


def test_a_first_fragment_without_all_of_tcp_is_dropped(net: Network) -> None:
    """RFC 1858: Open vSwitch sees no ports in it, and the host puts the packet together."""
    net.bind("p0", deny(**ICMP))
    net.judges(TO_A2, [net.there.cut(22)], [net.there.icmp()])
    net.bind("p0", deny(**TCP, **to_port(22)))
    net.judges(TO_A2, [net.there.tcp(23)], [net.there.tcp(22), net.there.cut(22)])


def test_types_and_codes_of_icmp(net: Network) -> None:
    """Case A13."""
    icmp = net.there.icmp
    net.bind("p0", deny(**ICMP, icmp_type=8))
    net.judges(TO_A2, [icmp(0)], [icmp(8)])
    net.bind("p0", deny(**ICMP, icmp_type=3, icmp_code=4))
    net.judges(TO_A2, [icmp(3, 1)], [icmp(3, 4)])


def test_addresses_of_ipv6(net: Network) -> None:
    """Case A14."""
    there = net.there
    mask = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
    net.bind("p0", deny(dest_ip=net.a2.ip6, dest_mask=mask))
    passed = [there.tcp(80), there.solicits(net.b.ip6)]
    net.judges(TO_A2, passed, [there.tcp6(80), there.hop_by_hop(80)])


def test_a_protocol_without_a_family_is_of_both(net: Network) -> None:
    """Case A15."""
    there = net.there
    net.bind("p0", deny(**UDP, **to_port(53)))
    net.judges(TO_A2, [there.udp(54), there.udp6(54)], [there.udp(53), there.udp6(53)])


def test_a_port_without_a_protocol_is_of_all_that_have_ports(net: Network) -> None:
    """Case A16."""
    there = net.there
    net.bind("p0", deny(**to_port(5000)))
    net.judges(TO_A2, [there.icmp()], [there.tcp(5000), there.udp(5000), there.sctp(5000)])


def test_a_denied_frame_teaches_nothing(net: Network) -> None:
    """Case A17."""
    net.bind("p2", deny(), vlan=10)
    # Those of the first one may come before the access list is there.
    for sender in (new_mac(), new_mac()):
        net.judges({}, [], [net.wire.frame(net.lab.vm3, src=sender, vlans=(10,))])
    net.follows()
    assert net.nvc.local(sender, "ls-a") is None
    net.judges_after_a_restart()
    assert net.nvc.local(sender, "ls-a") is None
    net.unbind("p2")
    net.wire.learned(net.lab.vm3, (10,), sender, "ls-a")
