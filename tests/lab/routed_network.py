"""The network of the routers' tests: that of the access lists, and a router between its halves."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence

from scapy.layers.inet import IP, IPerror
from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6NDOptDstLLAddr, IPerror6, IPv6
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Packet

from sim.lab.delivery import Delivery
from sim.lab.hosts import Host, VxlanEndpoint
from sim.wire.frames import BROADCAST, Captured, Probe
from tests.lab.acl_network import R3, Network
from tests.lab.control import MARK_VLANS
from tests.lab.packets import Packets, PacketShot, Station
from tests.lab.trial import TrialLab
from tests.lab.wire import Moment, Shot, Wire, new_mac
from tests.routers import Routers, router_mac

GW = router_mac("r1")
GW_A, GW_B = "192.168.1.1", "192.168.2.1"
GW_A6, GW_B6 = "2001:db8:1::1", "2001:db8:2::1"
REMOTE_A, REMOTE_B = "00:11:22:33:0a:99", "00:11:22:33:0b:99"
BINDINGS = {
    f"{GW_A}/24": "ls-a",
    f"{GW_A6}/64": "ls-a",
    f"{GW_B}/24": "ls-b",
    f"{GW_B6}/64": "ls-b",
}
"""The switch_binding of r1."""
Check = Callable[[], object]
OWN_VLANS = {0, 10, 20}
"""The VLANs of the fixture."""


class PlainWire(Wire):
    """The wire, on which the errors of ICMP are not taken for copies of what they quote."""

    def carrying(self, mark: bytes, since: Moment | None = None) -> dict[str, list[Captured]]:
        """Return the frames with the mark, but for errors."""
        found = {
            name: [frame for frame in frames if not _is_error(frame)]
            for name, frames in super().carrying(mark, since).items()
        }
        return {name: frames for name, frames in found.items() if frames}

    def errors(self, mark: bytes) -> dict[str, list[Packet]]:
        """Return the errors that quote the mark, by the host."""
        return {
            name: [frame.packet for frame in frames if _is_error(frame)]
            for name, frames in super().carrying(mark).items()
        }


class Sent(PacketShot):
    """A packet of which the last copy that was sent can be compared with what arrived."""

    def __init__(
        self, wire: PlainWire, origin: Host, frame: Packet, vlans: Sequence[int] = (), vni: int = 0
    ) -> None:
        """Let a host send the frame; with a VNI it is the endpoint of a tunnel."""
        super().__init__(wire, origin, frame, vlans)
        self.last: Probe | None = None
        self._plain_wire = wire
        if vni:
            assert isinstance(origin, VxlanEndpoint)
            self._send = functools.partial(origin.send_vxlan, vni)

    def probe(self) -> Probe:
        """Return the frame with a new mark."""
        self.last = super().probe()
        return self.last

    def arrived(self) -> Packet:
        """Return the one copy of the last frame, without tags and VXLAN header."""
        assert self.last is not None
        ((copy,),) = self._wire.carrying(self.last.mark).values()
        return untagged(Ether(copy.vxlan.inner if copy.vxlan else copy.data))


def to(station: Station) -> Delivery:
    """Return how a frame arrives at a station and nowhere else."""
    return {station.host.name: [station.label]}


def routes(shot: PacketShot, station: Station, src: str = GW, hops: int = 1) -> Check:
    """Return the check that a packet arrives, changed by so many routers and by nothing else."""

    def check() -> None:
        assert isinstance(shot, Sent)
        shot.arrives(to(station))
        assert shot.last is not None
        expected = untagged(Ether(bytes(shot.last.frame)))
        expected.src, expected.dst = src, station.mac
        if IP in expected:
            expected[IP].ttl -= hops
            del expected[IP].chksum
        else:
            expected[IPv6].hlim -= hops
        assert bytes(shot.arrived()) == bytes(expected)

    return check


def drops(*shots: Shot) -> Check:
    """Return the check that frames arrive nowhere."""

    def check() -> None:
        for shot in shots:
            shot.arrives_at_once({})

    return check


def untagged(frame: Packet) -> Packet:
    """Return a frame without its tag."""
    if Dot1Q not in frame:
        return frame
    header = Ether(src=frame.src, dst=frame.dst, type=frame[Dot1Q].type)
    return Ether(bytes(header / frame[Dot1Q].payload))


def _is_error(frame: Captured) -> bool:
    packet = frame.vxlan.frame if frame.vxlan else frame.packet
    return IPerror in packet or IPerror6 in packet


class RoutedPackets(Packets):
    """Packets from a station to another one by way of the router."""

    def __init__(self, net: RoutedNetwork, source: Station, target: Station, to: str = GW) -> None:
        super().__init__(net.wire, source, target)
        self._plain_wire = net.wire
        self._to = to

    def frame(self, packet: Packet, dst: str | None = None, src: str | None = None) -> Sent:
        """Return a frame with a packet, to the router unless ``dst`` is another."""
        source = self._source
        header = Ether(src=src or source.mac, dst=dst or self._to)
        return Sent(self._plain_wire, source.host, header / packet, source.vlans)


class RoutedNetwork(Network):
    """The logical switches ls-a, ls-b and ls-c, and r1 between ls-a and ls-b.

    All stations have stated their addresses. Remote stations have none.
    """

    def __init__(self, lab: TrialLab) -> None:
        super().__init__(lab)
        self.wire.close()
        self.wire: PlainWire = PlainWire(lab, self.nvc)
        self.routers = Routers(lab.vtep)
        self._checks: list[Check] = []
        self.nvc.do(
            "add-ls ls-c",
            "set Logical_Switch ls-c tunnel_key=5003",
            "set-replication-mode ls-c source_node",
            f"add-mcast-remote ls-c unknown-dst {R3}",
            f"add-ucast-remote ls-a {REMOTE_A} {R3}",
            f"add-ucast-remote ls-b {REMOTE_B} {R3}",
        )
        for station, name in self.stations.items():
            self.state(station, name)
        self.put_r1()

    @property
    def stations(self) -> Mapping[Station, str]:
        """The stations of the fixture, each with its logical switch."""
        return {self.a: "ls-a", self.b: "ls-b", self.a2: "ls-a", self.b2: "ls-b"}

    def put_r1(
        self,
        more: Mapping[str, str] | None = None,
        routes: Mapping[str, str] | None = None,
        acls: Mapping[str, str] | None = None,
    ) -> None:
        """Write r1, with further bindings, static routes and access lists."""
        self._checks.clear()
        self.routers.put("r1", {**BINDINGS, **(more or {})}, routes, acls)

    def packets(self, source: Station, target: Station, to: str = GW) -> RoutedPackets:
        """Return packets from a station to another one, by the router that has a MAC."""
        return RoutedPackets(self, source, target, to)

    def new_station(
        self, host: Host, ip: str, ip6: str, vlan: int = 0, on: str = "ls-b"
    ) -> Station:
        """Return a station that has stated its addresses."""
        station = Station(host, ip, ip6, vlan, new_mac())
        self.state(station, on)
        return station

    def state(self, station: Station, logical_switch: str) -> None:
        """Let a station state its addresses until they are known."""
        self.learn(station, logical_switch)
        said = RoutedPackets(self, station, station)
        here = ARP(op=1, hwsrc=station.mac, psrc=station.ip, pdst=station.ip)
        self._repeat(said.frame(here, BROADCAST), station.mac, f"arp_spa={station.ip},")
        header = IPv6(src=station.ip6, dst="ff02::1", hlim=255)
        here6 = ICMPv6ND_NA(tgt=station.ip6, R=0, S=0) / ICMPv6NDOptDstLLAddr(lladdr=station.mac)
        shot = said.frame(header / here6, "33:33:00:00:00:01")
        self._repeat(shot, station.mac, f"ipv6_src={station.ip6}")

    def _repeat(self, shot: Sent, mac: str, field: str) -> None:
        """Send a frame until the switch knows a pair of addresses by it."""

        def is_known() -> bool:
            flows = self.lab.vtep.ofctl("--no-names", "dump-flows", "br0", "table=35").splitlines()
            if any(field in f"{flow}," and mac in flow for flow in flows):
                return True
            shot.send()
            return False

        self.nvc.wait(is_known, f"{field} of {mac}")

    # What holds

    def holds(self, *checks: Check) -> None:
        """Check what holds now, and after a restart at the end of the test."""
        for check in checks:
            check()
        self._checks += checks

    def holds_after_a_restart(self) -> None:
        """Restart the application, and check once more what held before."""
        if not self._checks:
            return
        self.restart()
        for check in self._checks:
            check()
        self._checks.clear()

    def ages(self) -> dict[str, float]:
        """Return since when each flow of a router is there, in seconds.

        Next hops that are being asked for are forgotten by a restart.
        """
        tables = [f"table={number}," for number in (40, 42, 45, 47, 50, 52, 54, 57)]
        lines = self.lab.vtep.ofctl("--no-names", "dump-flows", "br0").splitlines()[1:]
        return {
            f"{line.split(' table=')[1].split(',')[0]} {line.split('priority=')[1]}": float(
                line.split("duration=")[1].split("s,")[0]
            )
            for line in lines
            if any(table in line for table in tables)
            if "table=54," not in line or "actions=drop" not in line
        }

    def reset(self) -> None:
        """Take back what a test has done: r1 is as in the fixture, and no other router is there."""
        self.routers.keep("r1")
        bound = {row["name"]: row["vlan_bindings"] for row in self.nvc.rows("Physical_Port")}
        for port, vlans in bound.items():
            for vlan in {int(each) for each in vlans} - OWN_VLANS - set(MARK_VLANS):
                self.nvc.do(f"unbind-ls br0 {port} {vlan}")
        self.put_r1()
        self.acls.wipe()
        self.follows()
        self.nvc.wait(lambda: not self.routers.faults(), "the end of the faults")
