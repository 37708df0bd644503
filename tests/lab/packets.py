"""Packets of IP between hosts of the lab, each with a mark by which it is found again."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Sequence

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6ND_NS, IPv6, IPv6ExtHdrHopByHop
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.layers.sctp import SCTP, SCTPChunkData
from scapy.packet import Packet, Raw

from sim.lab.hosts import Host
from sim.wire.frames import BROADCAST, Probe
from tests.lab.wire import Shot, Wire, new_mac


class PacketShot(Shot):
    """A frame with a packet, of which each copy that is sent has a mark of its own at its end."""

    def __init__(self, wire: Wire, origin: Host, frame: Packet, vlans: Sequence[int]) -> None:
        super().__init__(wire, origin, origin.send, frame[Ether].src, frame[Ether].dst, vlans)
        self.frame = frame

    def __str__(self) -> str:
        return f"{self._origin.name}: {self.frame.summary()}"

    def probe(self) -> Probe:
        """Return the frame with a new mark."""
        mark = b"packet " + uuid.uuid4().bytes
        frame: Packet = self.frame / Raw(mark)
        if self._vlans:
            header, rest = frame[Ether], frame[Ether].payload
            tag = Dot1Q(vlan=self._vlans[0], type=header.type)
            frame = Ether(src=header.src, dst=header.dst, type=0x8100) / tag / rest
        return Probe(frame, mark)


class CutShot(PacketShot):
    """The first fragment of a TCP packet, of 8 bytes: its ports and a sequence number as mark."""

    def probe(self) -> Probe:
        """Return the frame with a new mark."""
        mark = struct.pack("!HH", 40000, self.frame[TCP].dport) + uuid.uuid4().bytes[:4]
        frame: Packet = self.frame.copy()
        frame[IP].remove_payload()
        frame[IP].flags, frame[IP].proto = "MF", 6
        return Probe(frame / Raw(mark), mark)


class Station:
    """A host with addresses of both families, behind a VLAN of a port."""

    def __init__(
        self, host: Host, ip: str, ip6: str, vlan: int = 0, mac: str | None = None
    ) -> None:
        self.host = host
        self.mac = mac or host.mac
        self.ip = ip
        self.ip6 = ip6
        self.vlan = vlan

    @property
    def label(self) -> str:
        """How frames look that arrive there."""
        return f"vlan {self.vlan}" if self.vlan else "untagged"

    @property
    def vlans(self) -> tuple[int, ...]:
        """The tags of frames that it sends."""
        return (self.vlan,) if self.vlan else ()


class Packets:
    """Packets between two stations: each method returns one that is to be sent."""

    def __init__(self, wire: Wire, source: Station, target: Station) -> None:
        self._wire = wire
        self._source = source
        self._target = target

    def tagged(self, vlan: int) -> Packets:
        """Return the same of another station behind a VLAN of the source's port."""
        source = self._source
        tagged = Station(source.host, source.ip, source.ip6, vlan, new_mac())
        return Packets(self._wire, tagged, self._target)

    def of_4(self, payload: Packet, ip: str | None = None, **addresses: str) -> PacketShot:
        """Return an IPv4 packet, from another address if there is one; see frame()."""
        header = IP(src=ip or self._source.ip, dst=self._target.ip)
        return self.frame(header / payload, **addresses)

    def of_6(self, payload: Packet) -> PacketShot:
        """Return an IPv6 packet."""
        return self.frame(IPv6(src=self._source.ip6, dst=self._target.ip6) / payload)

    def to(self, broadcast: str) -> PacketShot:
        """Return a packet to a broadcast address of IPv4."""
        header = IP(src=self._source.ip, dst=broadcast)
        return self.frame(header / UDP(sport=40000, dport=9), BROADCAST)

    def tcp(self, dport: int, sport: int = 40000, flags: str = "A", **more: str) -> PacketShot:
        return self.of_4(TCP(sport=sport, dport=dport, flags=flags), **more)

    def cut(self, dport: int) -> PacketShot:
        """Return a fragment that ends before the flags of TCP."""
        whole = self.tcp(dport)
        return CutShot(self._wire, self._source.host, whole.frame, self._source.vlans)

    def udp(self, dport: int, **more: str) -> PacketShot:
        return self.of_4(UDP(sport=40000, dport=dport), **more)

    def sctp(self, dport: int) -> PacketShot:
        return self.of_4(SCTP(sport=40000, dport=dport) / SCTPChunkData())

    def icmp(self, type: int = 8, code: int = 0) -> PacketShot:
        return self.of_4(ICMP(type=type, code=code))

    def tcp6(self, dport: int) -> PacketShot:
        return self.of_6(TCP(sport=40000, dport=dport))

    def udp6(self, dport: int) -> PacketShot:
        return self.of_6(UDP(sport=40000, dport=dport))

    def hop_by_hop(self, dport: int) -> PacketShot:
        """Return a packet of IPv6 with an extension header before TCP."""
        return self.of_6(IPv6ExtHdrHopByHop() / TCP(sport=40000, dport=dport))

    def solicits(self, target: str) -> PacketShot:
        """Return a neighbour solicitation for an address."""
        header = IPv6(src=self._source.ip6, dst=target, hlim=255)
        return self.frame(header / ICMPv6ND_NS(tgt=target))

    def arp(self, dst: str | None = None) -> PacketShot:
        """Return an ARP request for the target, to its own address unless ``dst`` is another."""
        source, target = self._source, self._target
        return self.frame(ARP(op=1, hwsrc=source.mac, psrc=source.ip, pdst=target.ip), dst)

    def frame(self, packet: Packet, dst: str | None = None, src: str | None = None) -> PacketShot:
        """Return a frame with a packet, to the target's address unless ``dst`` is another."""
        source, target = self._source, self._target
        header = Ether(src=src or source.mac, dst=dst or target.mac)
        return PacketShot(self._wire, source.host, header / packet, source.vlans)
