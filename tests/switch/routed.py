"""A switch with a router: frames come in by dummy ports and tunnels, and what leaves is read."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

from scapy.error import Scapy_Exception
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Packet
from scapy.utils import rdpcap

from sim.lab.namespaces import Namespace
from tests.switch.dummy import BROADCAST, DummySwitch

OWN, R2, R3 = "127.0.0.1", "10.2.2.2", "10.2.2.3"
"""The tunnel IP of br0, and two remote VTEPs."""
VNIS = {"ls-a": 5001, "ls-b": 5002}
HA, HB, HA2, HB2 = (f"00:00:00:00:00:{last}" for last in ("0a", "0b", "1a", "1b"))
ADDRESSES = {
    HA: ("192.168.1.11", "2001:db8:1::11"),
    HB: ("192.168.2.11", "2001:db8:2::11"),
    HA2: ("192.168.1.12", "2001:db8:1::12"),
    HB2: ("192.168.2.12", "2001:db8:2::12"),
}
PLACES: dict[str, tuple[str, int | None]] = {
    HA: ("p0", None),
    HB: ("p1", None),
    HA2: ("p2", 10),
    HB2: ("p2", 20),
}
"""Where each host is: its port and its VLAN."""
REMOTE_A, REMOTE_B = "00:11:22:33:0a:99", "00:11:22:33:0b:99"
CAPTURED = "p0", "p1", "p2", "wire"
INTERFACES = {
    "ls-a": ("192.168.1.1/24", "2001:db8:1::1/64"),
    "ls-b": ("192.168.2.1/24", "2001:db8:2::1/64"),
}


class RoutedSwitch(DummySwitch):
    """br0 with p0, p1 and p2; r1 joins ls-a and ls-b; what leaves is in files."""

    def __init__(self, folder: Path, namespace: Namespace | None = None) -> None:
        super().__init__(folder, namespace)
        self._numbers: dict[str, int] = {}

    def prepare(self, **options: str) -> None:
        """Make all of it, without stations."""
        self.add_bridge("br0", ("p0", "p1", "p2"))
        self.add_physical_switch(tunnel_ip=OWN)
        self.add_underlay(R2, R3)
        # Open vSwitch sends from local addresses alone, and takes what is for one of br-phy.
        self.appctl("netdev-dummy/ip4addr", "br-phy", f"{OWN}/8")
        for interface in CAPTURED:
            self._capture(interface)
        for name, vni in VNIS.items():
            settings = f"tunnel_key={vni}", "replication_mode=source_node"
            self.vtep_ctl("add-ls", name, "--", "set", "Logical_Switch", name, *settings)
        self.app.options.update(options)
        self.app.take_over()
        self.wait(lambda: self.port_rows("br0") == ["p0", "p1", "p2"], "the physical ports")
        bindings = (("p0", 0, "ls-a"), ("p1", 0, "ls-b"), ("p2", 10, "ls-a"), ("p2", 20, "ls-b"))
        for port, vlan, name in bindings:
            self.vtep_ctl("bind-ls", "br0", port, str(vlan), name)
        for name in VNIS:
            self.replicate((R2,), (R3,), logical_switch=name)
        self.place(REMOTE_A, R3, logical_switch="ls-a")
        self.place(REMOTE_B, R3, logical_switch="ls-b")
        self.add_router()
        is_there = lambda: "arp_tpa=192.168.2.1" in "\n".join(self.flows())  # noqa: E731
        self.wait(lambda: is_there() and len(self.tunnel_ports()) == 2, "the router")

    def come_to_rest(self, by: str = "p0", logical_switch: str = "ls-a") -> None:
        """Return when the application has done whatever it had to do by now."""
        super().come_to_rest(by, logical_switch)

    def add_router(self) -> None:
        """Make r1."""
        bindings = [
            f'switch_binding:"{address}"={self.logical_switch(name)[1]}'
            for name, addresses in INTERFACES.items()
            for address in addresses
        ]
        self.vtep_ctl("add-lr", "r1", "--", "set", "Logical_Router", "r1", *bindings)

    def set_ip(self, mac: str, ip: str) -> None:
        """Set the ipaddr of a row of Ucast_Macs_Remote."""
        row = self.row("Ucast_Macs_Remote", MAC=mac)["_uuid"]
        self.vtep_ctl("set", "Ucast_Macs_Remote", str(row), f'ipaddr="{ip}"')

    @property
    def gateway(self) -> str:
        """The MAC of r1: it is the source of what is said in the name of 192.168.1.1."""
        for flow in self.flows():
            if "arp_tpa=192.168.1.1," in flow and "set_field:" in flow:
                return flow.split("actions=set_field:")[1].split("-")[0]
        raise AssertionError("no flow answers for the gateway")

    # What comes in

    def hears(self, port: str, frame: Packet, vlan: int | None = None) -> None:
        """Let a frame come in by a dummy port."""
        if vlan is not None:
            ether = Ether(src=frame.src, dst=frame.dst)
            frame = ether / Dot1Q(vlan=vlan, type=frame.type) / frame.payload
        self.appctl("netdev-dummy/receive", port, bytes(frame).ljust(60, b"\0").hex())

    def tunnels_in(self, remote: str, vni: int, frame: Packet) -> None:
        """Let a frame come in by a tunnel."""
        outer = Ether(src="aa:55:aa:55:00:02", dst=self._own_mac()) / IP(src=remote, dst=OWN)
        self.hears("wire", outer / UDP(sport=50000, dport=4789) / VXLAN(vni=vni) / frame)

    def _own_mac(self) -> str:
        return str(self.ovs_vsctl("get", "interface", "br-phy", "mac_in_use").strip('"'))

    def host_sends(self, host: str, frame: Packet) -> None:
        """Let one of the hosts send a frame."""
        port, vlan = PLACES[host]
        self.hears(port, frame, vlan)

    def host_speaks(self, host: str) -> None:
        """Let a host ask for the gateway, and wait until its address is known."""
        ip = ADDRESSES[host][0]
        gateway = f"{ip.rpartition('.')[0]}.1"
        asks = ARP(hwsrc=host, psrc=ip, pdst=gateway)
        self.host_sends(host, Ether(src=host, dst=BROADCAST) / asks)
        self.wait(lambda: self.is_next_hop(ip, host), f"{ip} as a next hop")

    # What leaves

    def out(self, port: str) -> list[Packet]:
        """Return the frames that left by a port so far."""
        return _frames(self._file(port))

    def out_by_tunnel(self) -> list[tuple[str, int, Packet]]:
        """Return the remote VTEP, the VNI and the frame of all that left by tunnels."""
        return [
            (each[IP].dst, each[VXLAN].vni, each[VXLAN].payload)
            for each in self.out("wire")
            if VXLAN in each
        ]

    def is_next_hop(self, ip: str, mac: str) -> bool:
        """Whether packets to an address go to a MAC."""
        packed = ip_address(ip).packed
        parts = [int.from_bytes(packed[at : at + 4], "big") for at in range(0, len(packed), 4)]
        fields = [f"reg{12 + at}={part:#x}".replace("0x0", "0") for at, part in enumerate(parts)]
        to_it = [each for each in self.flows() if all(f"{field}," in each for field in fields)]
        return any(f"set_field:{mac}->eth_dst" in each for each in to_it)

    def waits_for(self, port: str, fits: Callable[[Packet], bool], what: str) -> Packet:
        """Wait for a frame that leaves by a port; return the first one."""
        return self.wait(lambda: [each for each in self.out(port) if fits(each)], what)[0]

    def forget_frames(self) -> None:
        """Count from zero: what has left so far is forgotten."""
        for interface in CAPTURED:
            self._numbers[interface] = self._numbers.get(interface, 0) + 1
            self._capture(interface)

    def _capture(self, interface: str) -> None:
        setting = f"options:tx_pcap={self._file(interface)}"
        self.ovs_vsctl("set", "interface", interface, setting)

    def _file(self, interface: str) -> Path:
        return self.folder / f"{interface}-{self._numbers.get(interface, 0)}.pcap"


def _frames(file: Path) -> list[Packet]:
    try:
        return list(rdpcap(str(file)))
    except (FileNotFoundError, Scapy_Exception, EOFError):
        return []
