"""What frames carry inside their Ethernet headers and tags, for the small switch and for models.

It imports nothing of the application, so that models of what shall become of a packet may use it.
"""

from dataclasses import dataclass, replace
from enum import Enum
from ipaddress import ip_address

IPV4, ARP, IPV6 = 0x0800, 0x0806, 0x86DD
"""EtherTypes."""
ICMP, TCP, UDP, IPV6_FRAGMENT, ICMPV6, SCTP = 1, 6, 17, 44, 58, 132
"""Protocol numbers."""
_PORTS = {TCP: "tcp", UDP: "udp", SCTP: "sctp"}
_ICMP = {(IPV4, ICMP): "icmpv4", (IPV6, ICMPV6): "icmpv6"}


class Fragment(Enum):
    """The part of an IP packet that a frame carries, with OpenFlow's ip_frag of Open vSwitch."""

    WHOLE = 0
    FIRST = 1
    LATER = 3
    """One without the header of layer 4."""


@dataclass(frozen=True)
class Packet:
    """The EtherType of a frame and the headers behind it; those that it has not are None."""

    eth_type: int = IPV4
    source: str | None = None
    dest: str | None = None
    protocol: int | None = None
    fragment: Fragment = Fragment.WHOLE
    source_port: int | None = None
    dest_port: int | None = None
    tcp_flags: int | None = None
    icmp_type: int | None = None
    icmp_code: int | None = None
    ttl: int = 64

    def first_fragment(self) -> "Packet":
        """Return the first of several fragments of this packet."""
        return replace(self, fragment=Fragment.FIRST)

    def cut_fragment(self) -> "Packet":
        """Return a first fragment that ends before the header of TCP or SCTP does.

        Open vSwitch sees 0 as its ports and flags.
        """
        flags = None if self.tcp_flags is None else 0
        return replace(self.first_fragment(), source_port=0, dest_port=0, tcp_flags=flags)

    @property
    def is_cut(self) -> bool:
        """Whether Open vSwitch takes it for a first fragment without all of its header."""
        if self.fragment is not Fragment.FIRST or self.protocol not in (TCP, SCTP):
            return False
        return not self.source_port and not self.dest_port

    def later_fragment(self) -> "Packet":
        """Return a further fragment of this packet, which has no header of layer 4."""
        headers = Packet(self.eth_type, self.source, self.dest, self.protocol, ttl=self.ttl)
        return replace(headers, fragment=Fragment.LATER)

    def fields(self) -> dict[str, int]:
        """Return OpenFlow's fields of the packet, as Open vSwitch has them in nx-match mode.

        Of a later fragment of IPv6 it does not know the protocol (ovs-fields(7), ip_proto).
        """
        found = {"eth_type": self.eth_type}
        if self.eth_type not in (IPV4, IPV6):
            return found
        family = "ipv4" if self.eth_type == IPV4 else "ipv6"
        found[f"{family}_src"] = int(ip_address(self.source or 0))
        found[f"{family}_dst"] = int(ip_address(self.dest or 0))
        found["ip_proto"] = self.protocol or 0
        found["ip_frag"] = self.fragment.value
        found["nw_ttl"] = self.ttl
        if self.fragment is Fragment.LATER and self.eth_type == IPV6:
            found["ip_proto"] = IPV6_FRAGMENT
            return found
        if (name := _PORTS.get(self.protocol or 0)) is not None:
            found[f"{name}_src"] = self.source_port or 0
            found[f"{name}_dst"] = self.dest_port or 0
        if self.protocol == TCP:
            found["tcp_flags"] = self.tcp_flags or 0
        if (name := _ICMP.get((self.eth_type, self.protocol or 0))) is not None:
            found[f"{name}_type"] = self.icmp_type or 0
            found[f"{name}_code"] = self.icmp_code or 0
        return found


def arp() -> Packet:
    return Packet(ARP)


def ip(source: str, dest: str, protocol: int = 0) -> Packet:
    """Return an IP packet of the family of its addresses."""
    family = IPV6 if ip_address(source).version == 6 else IPV4
    return Packet(family, source, dest, protocol)


def tcp(source: str, dest: str, sport: int, dport: int, flags: int = 0x10) -> Packet:
    """Return a TCP packet; flags as in its header, 0x10 is ACK."""
    packet = ip(source, dest, TCP)
    return replace(packet, source_port=sport, dest_port=dport, tcp_flags=flags)


def udp(source: str, dest: str, sport: int, dport: int) -> Packet:
    return replace(ip(source, dest, UDP), source_port=sport, dest_port=dport)


def sctp(source: str, dest: str, sport: int, dport: int) -> Packet:
    return replace(ip(source, dest, SCTP), source_port=sport, dest_port=dport)


def icmp(source: str, dest: str, icmp_type: int, icmp_code: int = 0) -> Packet:
    """Return an ICMP or ICMPv6 packet, by the family of its addresses."""
    packet = ip(source, dest)
    protocol = ICMP if packet.eth_type == IPV4 else ICMPV6
    return replace(packet, protocol=protocol, icmp_type=icmp_type, icmp_code=icmp_code)


PLAIN = Packet()
"""An IPv4 packet of which nothing in particular is known."""
