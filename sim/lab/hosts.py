"""Endpoints of the lab: virtual machines, and VXLAN endpoints that the Linux kernel implements."""

from __future__ import annotations

import functools
import json
import re
import socket
from collections.abc import Sequence

from scapy.packet import Packet

from sim.lab import links
from sim.lab.capture import Capture
from sim.lab.namespaces import Namespace
from sim.lab.streams import Stream
from sim.waiting import Evidence
from sim.wire.frames import routed_frame, vxlan_packet


class VxlanSource:
    """Sends VXLAN packets from a namespace by a raw socket, without a tunnel device."""

    def __init__(self, namespace: Namespace, ip: str) -> None:
        """Send from the namespace, by default from that address."""
        self._namespace = namespace
        self._ip = ip
        self._socket: socket.socket | None = None

    def send(self, vni: int, inner: Packet | bytes, *, to: str, src: str | None = None) -> None:
        """Send a packet with any VNI; `src` forges its sender."""
        if self._socket is None:
            # A raw socket takes any source address, and the kernel still routes the packet.
            self._socket = self._namespace.call(
                lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
            )
        self._socket.sendto(bytes(vxlan_packet(src or self._ip, to, vni, inner)), (to, 0))

    def close(self) -> None:
        """Close the socket."""
        if self._socket:
            self._socket.close()
            self._socket = None


class Host:
    """A network stack with one interface: it sends frames, receives them, pings."""

    def __init__(
        self,
        name: str,
        namespace: Namespace,
        *,
        interface: str,
        mac: str,
        ip: str,
        evidence: Evidence | None = None,
    ) -> None:
        """Describe the host; its interface is made elsewhere, before the first frame."""
        self.name = name
        self.namespace = namespace
        self.interface = interface
        self.mac = mac
        self.ip = ip
        self._evidence = evidence
        self._socket: socket.socket | None = None

    def __repr__(self) -> str:
        """Return the host's name and addresses."""
        return f"<{type(self).__name__} {self.name} {self.mac} {self.ip}>"

    def add_address(self, ip: str, prefix: int = 24, vlan: int = 0) -> None:
        """Give the host an address: on its interface, or on its device of a VLAN.

        An IPv6 address turns IPv6 on there; it is off otherwise.
        """
        if ":" in ip:
            links.enable_ipv6(self.namespace, self.device(vlan))
        links.add_address(self.namespace, self.device(vlan), ip, prefix)

    def device(self, vlan: int) -> str:
        """Return the name of its device of a VLAN, or of its interface for untagged frames."""
        return f"{self.interface}.{vlan}" if vlan else self.interface

    def send(self, frame: Packet | bytes) -> None:
        """Send an Ethernet frame as it is, tags included. Raises OSError if the link is down."""
        if self._socket is None:
            self._socket = self.namespace.call(self._open)
        self._socket.send(frame if isinstance(frame, bytes) else bytes(frame))

    def capture(self) -> Capture:
        """Return a capture of what the host receives, which is recording already."""
        return Capture(self.namespace, self.interface, evidence=self._evidence)

    def watch(self) -> Capture:
        """Return a capture that has every copy of a frame for this host."""
        return self.capture()

    def ping(self, ip: str, count: int = 3) -> int:
        """Send echo requests to `ip` until `count` are answered; return how many were in 10 s."""
        argv = ["ping", "-c", str(count), "-i", "0.2", "-w", "10", ip]
        output = self.namespace.run(argv, check=False)
        answered = re.search(r"(\d+) received", output)
        # Late answers come together: then there are more than were asked for.
        return min(count, int(answered[1])) if answered else 0

    def answer(self, ip: str, ttl: int = 64) -> tuple[str, str] | None:
        """Send one echo request; return who answered within 2 s, and what ping says of it.

        That is the host itself, or a router that could not send the request on.
        """
        argv = ["ping", "-n", "-c", "1", "-W", "2", "-t", str(ttl), ip]
        output = self.run(argv, check=False)
        found = re.search(r"(?:bytes from|From) (\S+?):? (icmp_seq=.*)", output)
        return (found[1], found[2]) if found else None

    def trace(self, ip: str, most: int = 8) -> list[str]:
        """Return the addresses of the routers on the way to another host, and the host's own.

        "*" stands for one that does not answer; after `most` the way counts as endless.
        """
        hops: list[str] = []
        while len(hops) < most and ip not in hops:
            answered = self.answer(ip, ttl=len(hops) + 1)
            hops.append(answered[0] if answered else "*")
        return hops

    def stream(
        self, to: Host, rate: float = 1000, vlans: Sequence[int] = (), dst: str | None = None
    ) -> Stream:
        """Return a stream of numbered frames to another host, `rate` per second.

        They are addressed to the host's MAC unless `dst` is another.
        """
        return Stream(self, to, rate, vlans, dst)

    def routed_stream(
        self,
        to: Host,
        gateway: str,
        rate: float = 1000,
        vlans: Sequence[int] = (),
        *,
        ips: tuple[str, str] | None = None,
    ) -> Stream:
        """Return a stream of numbered UDP packets to another host by way of a router.

        `gateway` is the router's MAC address on this side. `ips` are source and destination, two
        IPv6 addresses for instance, in the place of the addresses of the two hosts.
        """
        src_ip, dst_ip = ips or (self.ip, to.ip)
        make = functools.partial(routed_frame, self.mac, gateway, src_ip, dst_ip, vlans=vlans)
        return Stream(self, to, rate, make=make)

    def set_gateway(self, ip: str) -> None:
        """Send packets to other networks to that router, IPv4 or IPv6."""
        links.set_gateway(self.namespace, ip)

    def neighbour(self, ip: str) -> str | None:
        """Return the MAC address that the host has found for a neighbour, None if there is none."""
        entries = json.loads(self.run(["ip", "-j", "neighbour", "show", "to", ip]))
        return next((entry["lladdr"] for entry in entries if "lladdr" in entry), None)

    def run(self, argv: Sequence[str], *, check: bool = True, timeout: float = 30.0) -> str:
        """Run a command on the host and return its output. Raises CommandFailed."""
        return self.namespace.run(argv, check=check, timeout=timeout)

    def close(self) -> None:
        """Close the host's own socket; the host stays."""
        if self._socket:
            self._socket.close()
            self._socket = None

    def _open(self) -> socket.socket:
        # Protocol 0: this socket only sends, so that nothing fills its receive buffer.
        opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        opened.bind((self.interface, 0))
        return opened


class VxlanEndpoint(Host):
    """A hypervisor or service node: the kernel's VXLAN device, and a host on it in one VNI.

    As a `Host` it is the host inside the overlay. `capture_underlay` and `send_vxlan` are about
    the VXLAN packets themselves.
    """

    UNDERLAY_INTERFACE = "eth0"

    def __init__(
        self,
        name: str,
        namespace: Namespace,
        *,
        underlay_ip: str,
        underlay_mac: str,
        vni: int,
        mac: str,
        ip: str,
        prefix: int = 24,
        evidence: Evidence | None = None,
    ) -> None:
        """Describe the endpoint; `underlay_ip` is its tunnel address, `ip` the inner host's."""
        super().__init__(
            name, namespace, interface=f"vxlan{vni}", mac=mac, ip=ip, evidence=evidence
        )
        self.underlay_ip = underlay_ip
        self.underlay_mac = underlay_mac
        self.overlays: list[Host] = []
        self._vteps: list[str] = []
        self._source = VxlanSource(namespace, underlay_ip)
        self._vni = vni
        self._prefix = prefix

    def create(self, underlay: links.Segment) -> None:
        """Plug the endpoint into the underlay and make its VXLAN device."""
        underlay.plug(
            self.namespace,
            self.UNDERLAY_INTERFACE,
            port=self.name,
            mac=self.underlay_mac,
            ip=self.underlay_ip,
        )
        self._add_device(self._vni, self, self._prefix)

    def add_vni(self, vni: int, *, mac: str, ip: str, prefix: int = 24) -> Host:
        """Add a VXLAN device for one more VNI and return the host on it."""
        overlay = Host(
            f"{self.name}-vni{vni}",
            self.namespace,
            interface=f"vxlan{vni}",
            mac=mac,
            ip=ip,
            evidence=self._evidence,
        )
        self._add_device(vni, overlay, prefix)
        return overlay

    def add_vtep(self, tunnel_ip: str) -> None:
        """Flood unknown destinations to that VTEP or hypervisor, too."""
        self._vteps.append(tunnel_ip)
        for overlay in self.overlays:
            links.flood_to(self.namespace, overlay.interface, tunnel_ip)

    def watch(self) -> Capture:
        """Return a capture of the underlay, which has packets with an unknown VNI, too."""
        return self.capture_underlay()

    def capture_underlay(self) -> Capture:
        """Return a capture of the packets for this endpoint; `Captured.vxlan` takes them apart.

        Packets for other stations, which the segment floods until it has learned them, are left
        out.
        """
        return Capture(
            self.namespace,
            self.UNDERLAY_INTERFACE,
            station=self.underlay_mac,
            evidence=self._evidence,
        )

    def send_vxlan(
        self, vni: int, inner: Packet | bytes, *, to: str | None = None, src: str | None = None
    ) -> None:
        """Send a VXLAN packet with any VNI, past the kernel's own device.

        It goes to the first VTEP of the lab unless `to` says another address, and comes from this
        endpoint's own address unless `src` forges one. (From a forged packet that it accepts, Open
        vSwitch learns that the forged address is here.)
        """
        self._source.send(vni, inner, to=to or self._vteps[0], src=src)

    def close(self) -> None:
        """Close the endpoint's own sockets; the endpoint stays."""
        super().close()
        for overlay in self.overlays:
            if overlay is not self:
                overlay.close()
        self._source.close()

    def _add_device(self, vni: int, overlay: Host, prefix: int) -> None:
        links.add_vxlan(
            self.namespace,
            overlay.interface,
            vni=vni,
            local=self.underlay_ip,
            device=self.UNDERLAY_INTERFACE,
            mac=overlay.mac,
        )
        overlay.add_address(overlay.ip, prefix)
        self.overlays.append(overlay)
        for tunnel_ip in self._vteps:
            links.flood_to(self.namespace, overlay.interface, tunnel_ip)
