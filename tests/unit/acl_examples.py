"""Random entries of access lists, and packets of which many match some of them."""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from vtep_ofapp.values.acls import AclEntry, AclMatch, MaskedAddress

from . import packets
from .builders import BROADCAST, MAC1, MAC2
from .packets import ARP, ICMP, ICMPV6, IPV4, IPV6, SCTP, TCP, UDP, Packet

MACS = (MAC1, MAC2, BROADCAST, "01:00:5e:00:00:05")
HOSTS = {
    IPV4: ("192.0.2.1", "192.0.2.9", "198.51.100.1", "224.0.0.5"),
    IPV6: ("2001:db8::1", "2001:db8:0:9::1", "fe80::1", "ff02::1"),
}
MASKS = {
    IPV4: ("255.255.255.255", "255.255.255.0", "0.0.0.0", "255.0.0.255", "0.0.0.1"),
    IPV6: ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff::", "::", "ffff::f", "::1"),
}
OTHERS = (2, 44, 89)
"""Protocols without ports: IGMP, fragments of IPv6, OSPF."""
PORTS = (0, 1, 22, 80, 443, 999, 1000, 1023, 1024, 1999, 2000, 8080, 65534, 65535)
FLAGS = (0x02, 0x10, 0x12, 0x14, 0x18, 0x52, 0x1C2, 0x800)
ICMP_TYPES = (0, 3, 8, 128, 135)

_PORT = st.sampled_from(PORTS) | st.integers(0, 0xFFFF)
_RANGE = st.tuples(_PORT, _PORT).map(lambda pair: (min(pair), max(pair)))
_FAMILIES = st.sampled_from((IPV4, IPV6))


def _optional(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


@st.composite
def _addresses(draw: st.DrawFn, family: int) -> MaskedAddress:
    mask = st.sampled_from(MASKS[family]) | st.ip_addresses(v=4 if family == IPV4 else 6).map(str)
    return draw(st.sampled_from(HOSTS[family])), draw(mask)


@st.composite
def _matches(draw: st.DrawFn) -> AclMatch:
    """Return fields that agree with each other, as those of a row that can be used."""
    fields: dict[str, Any] = {
        "source_mac": draw(_optional(st.sampled_from((MAC1, MAC2)))),
        "dest_mac": draw(_optional(st.sampled_from(MACS))),
    }
    layer = draw(st.sampled_from(("ethernet", "ip", "protocol", "ports", "flags", "icmp")))
    if layer == "ethernet":
        types = st.sampled_from((IPV4, ARP, IPV6, 0x88CC, 0x8100))
        return AclMatch(**fields, ethertype=draw(_optional(types)))
    family = draw(_FAMILIES)
    if draw(st.booleans()):
        fields["ethertype"] = family
    if draw(st.booleans()):
        fields["source"] = draw(_optional(_addresses(family)))
        fields["destination"] = draw(_optional(_addresses(family)))
    if layer == "protocol":
        numbers = (ICMP, TCP, UDP, SCTP, ICMPV6, *OTHERS)
        fields["protocol"] = draw(st.sampled_from(numbers))
    elif layer == "ports":
        fields["protocol"] = draw(_optional(st.sampled_from((TCP, UDP, SCTP))))
        fields["source_ports"] = draw(_optional(_RANGE))
        fields["dest_ports"] = draw(_RANGE if fields["source_ports"] is None else _optional(_RANGE))
    elif layer == "flags":
        fields["protocol"] = draw(_optional(st.just(TCP)))
        masks = st.sampled_from((0xFFF, 0x02, 0x12, 0, 0x17))
        fields["tcp_flags"] = draw(st.sampled_from(FLAGS)), draw(masks)
        fields["dest_ports"] = draw(_optional(_RANGE))
    elif layer == "icmp":
        fields["protocol"] = draw(_optional(st.just(ICMP if family == IPV4 else ICMPV6)))
        fields["icmp_type"] = draw(_optional(st.sampled_from(ICMP_TYPES)))
        code = st.integers(0, 4)
        fields["icmp_code"] = draw(code if fields["icmp_type"] is None else _optional(code))
    return AclMatch(**fields)


MATCHES = _matches()
SEQUENCES = st.integers(0, 5) | st.integers(-3, 70000)
ENTRIES = st.builds(
    AclEntry,
    uuid=st.uuids(version=4),
    sequence=SEQUENCES,
    is_egress=st.booleans(),
    permits=st.booleans(),
    match=MATCHES,
)
"""Entries that can be used, with fields that agree."""


@st.composite
def _packets(draw: st.DrawFn) -> Packet:
    kind = draw(st.sampled_from(("other", "ip", "ports", "ports", "tcp", "icmp")))
    if kind == "other":
        return Packet(draw(st.sampled_from((ARP, 0x88CC, 0x8100))))
    family = draw(_FAMILIES)
    hosts = st.sampled_from(HOSTS[family])
    packet = packets.ip(draw(hosts), draw(hosts))
    if kind == "ip":
        packet = replace(packet, protocol=draw(st.sampled_from((2, 89))))
    elif kind == "icmp":
        packet = replace(
            packet,
            protocol=draw(st.sampled_from((ICMP, ICMPV6))),
            icmp_type=draw(st.sampled_from(ICMP_TYPES)),
            icmp_code=draw(st.integers(0, 4)),
        )
    else:
        protocol = TCP if kind == "tcp" else draw(st.sampled_from((TCP, UDP, SCTP)))
        flags = draw(st.sampled_from(FLAGS)) if protocol == TCP else None
        packet = replace(packet, protocol=protocol, tcp_flags=flags)
        packet = replace(packet, source_port=draw(_PORT), dest_port=draw(_PORT))
        if protocol != UDP and not draw(st.integers(0, 7)):
            return packet.cut_fragment()
    fragments = (packet, packet, packet.first_fragment(), packet.later_fragment())
    return draw(st.sampled_from(fragments))


PACKETS = _packets()
