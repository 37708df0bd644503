"""Ethernet frames as the lab makes and sees them: probes, captured frames, VXLAN packets."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address

from scapy.layers.inet import IP, UDP, IPOption_Router_Alert
from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6NDOptDstLLAddr, IPv6
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Packet, Raw
from scapy.utils import checksum

VXLAN_PORT = 4789

PROBED_PORT = 9
"""The UDP port of probes that are IP packets: that of the discard protocol."""

BROADCAST = "ff:ff:ff:ff:ff:ff"

ETHERTYPE_LAB = 0x88B5
"""IEEE's "local experimental" type: no network stack answers it, so nothing else is counted."""

_MINIMUM = 46
_VNI_VALID = 0x08
_VLAN_TYPES = (0x8100, 0x88A8)


def lab_frame(src: str, dst: str, payload: bytes, vlans: Sequence[int] = ()) -> Packet:
    """Return an Ethernet frame of the lab's own type, with VLAN tags from outer to inner."""
    frame: Packet = Ether(src=src, dst=dst, type=0x8100 if vlans else ETHERTYPE_LAB)
    for place, vlan in enumerate(vlans, start=1):
        last = place == len(vlans)
        frame = frame / Dot1Q(vlan=vlan, type=ETHERTYPE_LAB if last else 0x8100)
    return frame / Raw(payload.ljust(_MINIMUM, b"\0"))


@dataclass(frozen=True)
class Probe:
    """A frame that the mark in its payload distinguishes from every other one."""

    frame: Packet
    mark: bytes


def probe(src: str, dst: str, vlans: Sequence[int] = ()) -> Probe:
    """Return a new probe from `src` to `dst`."""
    mark = b"probe " + uuid.uuid4().bytes
    return Probe(lab_frame(src, dst, mark, vlans), mark)


def ip_probe(src: str, dst: str, dst_ip: str, vlans: Sequence[int] = ()) -> Probe:
    """Return a new probe that is a UDP packet to an IPv4 address and `PROBED_PORT`."""
    mark = b"probe " + uuid.uuid4().bytes
    packet: Packet = (
        IP(src="192.0.2.1", dst=dst_ip) / UDP(sport=49152, dport=PROBED_PORT) / Raw(mark)
    )
    frame: Packet = _tagged(src, dst, vlans) / packet
    return Probe(frame, mark)


def routed_frame(
    src: str, gateway: str, src_ip: str, dst_ip: str, payload: bytes, vlans: Sequence[int] = ()
) -> Packet:
    """Return a frame with a UDP packet, IPv4 or IPv6 as its addresses are, for a router's MAC.

    It has no checksum in UDP, so that the payload may be changed; a host that gets it by IPv6
    discards it for that (RFC 8200, section 8.1).
    """
    version = IPv6 if ":" in dst_ip else IP
    udp = UDP(sport=49152, dport=PROBED_PORT, chksum=0)
    packet: Packet = version(src=src_ip, dst=dst_ip) / udp / Raw(payload)
    return _tagged(src, gateway, vlans) / packet


def routed_probe(
    src: str, gateway: str, src_ip: str, dst_ip: str, vlans: Sequence[int] = ()
) -> Probe:
    """Return a new probe that is a packet for a router's MAC, as `routed_frame` makes it."""
    mark = b"probe " + uuid.uuid4().bytes
    return Probe(routed_frame(src, gateway, src_ip, dst_ip, mark, vlans), mark)


def arp_probe(src: str, target: str, vlans: Sequence[int] = ()) -> Probe:
    """Return a new probe that asks by ARP who has an address, without one of the sender's own.

    The mark is behind the message: Open vSwitch keeps it when it turns the message into an answer.
    """
    mark = b"probe " + uuid.uuid4().bytes
    return Probe(arp_request(src, "0.0.0.0", target, vlans) / Raw(mark), mark)


def arp_request(src: str, ip: str, target: str, vlans: Sequence[int] = ()) -> Packet:
    """Return a broadcast ARP request, by which the host `ip` at `src` asks who has `target`."""
    message: Packet = ARP(op=1, hwsrc=src, psrc=ip, hwdst="00:00:00:00:00:00", pdst=target)
    return _tagged(src, BROADCAST, vlans) / message


def advertisement(src: str, ip: str, vlans: Sequence[int] = ()) -> Packet:
    """Return a neighbour advertisement to all nodes, by which `src` says that it has `ip`."""
    packet: Packet = IPv6(src=ip, dst="ff02::1", hlim=255)
    message: Packet = ICMPv6ND_NA(tgt=ip, R=0, S=0, O=1) / ICMPv6NDOptDstLLAddr(lladdr=src)
    return _tagged(src, "33:33:00:00:00:01", vlans) / packet / message


def igmp_report(src: str, group: str, vlans: Sequence[int] = ()) -> Packet:
    """Return the report of IGMPv2 (RFC 2236) by which the host at `src` joins a group."""
    return _igmp(0x16, src, group, group, vlans)


def igmp_leave(src: str, group: str, vlans: Sequence[int] = ()) -> Packet:
    """Return the message of IGMPv2, to all routers, by which the host at `src` leaves a group."""
    return _igmp(0x17, src, group, "224.0.0.2", vlans)


def group_mac(group: str) -> str:
    """Return the MAC address of an IPv4 multicast group (RFC 1112)."""
    return "01:00:5e:" + (int(IPv4Address(group)) & 0x7FFFFF).to_bytes(3, "big").hex(":")


def _igmp(kind: int, src: str, group: str, to: str, vlans: Sequence[int]) -> Packet:
    message = struct.pack("!BBH4s", kind, 0, 0, IPv4Address(group).packed)
    message = message[:2] + struct.pack("!H", checksum(message)) + message[4:]
    packet = IP(src="192.0.2.1", dst=to, ttl=1, proto=2, options=[IPOption_Router_Alert()])
    return _tagged(src, group_mac(to), vlans) / packet / Raw(message)


def _tagged(src: str, dst: str, vlans: Sequence[int]) -> Packet:
    frame: Packet = Ether(src=src, dst=dst)
    for vlan in vlans:
        frame = frame / Dot1Q(vlan=vlan)
    return frame


@dataclass(frozen=True)
class Captured:
    """A frame as it arrived, VLAN tags in place; `time` is the kernel's, in seconds since 1970."""

    time: float
    data: bytes

    @cached_property
    def packet(self) -> Packet:
        """The frame, dissected."""
        return Ether(self.data)

    @property
    def vlans(self) -> tuple[int, ...]:
        """The VLAN ids of the frame's tags, from outer to inner."""
        return vlans_of(self.data)

    @cached_property
    def vxlan(self) -> VxlanPacket | None:
        """The VXLAN packet that the frame is, or None."""
        return parse_vxlan(self.data)

    @property
    def label(self) -> str:
        """The tags or the VNI of the frame: "untagged", "vlan 10", "vni 33", "vni 33 vlan 10"."""
        if self.vxlan:
            inner = vlans_of(self.vxlan.inner)
            return " ".join([f"vni {self.vxlan.vni}", *(f"vlan {vlan}" for vlan in inner)])
        return " ".join(f"vlan {vlan}" for vlan in self.vlans) or "untagged"


@dataclass(frozen=True)
class VxlanPacket:
    """A VXLAN packet: the outer addresses, the VNI and the bytes of the frame within."""

    src: str
    dst: str
    src_port: int
    vni: int
    inner: bytes

    @property
    def frame(self) -> Packet:
        """The inner frame, dissected."""
        return Ether(self.inner)


def vlans_of(data: bytes) -> tuple[int, ...]:
    """Return the VLAN ids of an Ethernet frame's tags, from outer to inner."""
    vlans = []
    offset = 12
    while len(data) >= offset + 4:
        ethertype, tag = struct.unpack_from("!HH", data, offset)
        if ethertype not in _VLAN_TYPES:
            break
        vlans.append(tag & 0xFFF)
        offset += 4
    return tuple(vlans)


def parse_vxlan(data: bytes) -> VxlanPacket | None:
    """Return the VXLAN packet in an Ethernet frame; None if it is something else.

    Without the flag that declares the VNI valid it is something else, too.
    """
    packet = Ether(data)
    if UDP not in packet or packet[UDP].dport != VXLAN_PORT or VXLAN not in packet:
        return None
    header = packet[VXLAN]
    if not int(header.flags) & _VNI_VALID:
        return None
    ip = packet[IP]
    return VxlanPacket(ip.src, ip.dst, packet[UDP].sport, header.vni, bytes(header.payload))


def vxlan_packet(src: str, dst: str, vni: int, inner: Packet | bytes) -> Packet:
    """Return the IP packet that carries `inner` from `src` to `dst` with that VNI."""
    # A fixed source port in the ephemeral range: the lab has no use for its entropy.
    udp = UDP(sport=49152, dport=VXLAN_PORT, chksum=0)
    return IP(src=src, dst=dst) / udp / VXLAN(vni=vni, flags=_VNI_VALID) / Raw(bytes(inner))
