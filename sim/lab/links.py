"""Links between namespaces: veth pairs, Ethernet segments, VXLAN devices, addresses."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TypeVar

from pyroute2 import IPRoute

from sim.lab.namespaces import Namespace
from sim.wire.frames import VXLAN_PORT

T = TypeVar("T")

MTU_UNDERLAY = 1600
"""The underlay carries a full 1500-byte frame plus the 50 bytes of VXLAN around it."""

_NO_DAD = 0x02
"""IFA_F_NODAD of linux/if_addr.h."""


def add_veth(
    namespace: Namespace,
    interface: str,
    peer_namespace: Namespace,
    peer_interface: str,
    *,
    mac: str | None = None,
    mtu: int = 1500,
) -> None:
    """Join two namespaces by a veth pair, both ends up; `mac` is for the first end.

    Checksum offload is off on both ends: Open vSwitch reads the frames from user space, where an
    unfinished checksum counts as a broken packet.
    """
    address = {"address": mac} if mac else {}
    _netlink(
        namespace,
        lambda here: here.link(
            "add",
            ifname=interface,
            kind="veth",
            mtu=mtu,
            peer={"ifname": peer_interface, "net_ns_fd": peer_namespace.name, "mtu": mtu},
            **address,
        ),
    )
    for end, name in ((namespace, interface), (peer_namespace, peer_interface)):
        end.run(["ethtool", "-K", name, "tx", "off"])
        set_up(end, name)


def set_up(namespace: Namespace, interface: str) -> None:
    """Set an interface up."""
    _netlink(
        namespace,
        lambda here: here.link("set", index=_index(here, interface), state="up"),
    )


def set_mac(namespace: Namespace, interface: str, mac: str) -> None:
    """Give an interface a MAC address."""
    _netlink(
        namespace,
        lambda here: here.link("set", index=_index(here, interface), address=mac),
    )


def set_down(namespace: Namespace, interface: str) -> None:
    """Set an interface down; its address and its place on a bridge stay."""
    _netlink(
        namespace,
        lambda here: here.link("set", index=_index(here, interface), state="down"),
    )


def move(namespace: Namespace, interface: str, to: Namespace, name: str) -> None:
    """Move one end of a veth pair to another namespace, rename it there, and set it up.

    The other end keeps its addresses, and sees its link go down and up.
    """
    _netlink(
        namespace,
        lambda here: here.link(
            "set", index=_index(here, interface), net_ns_fd=to.name, ifname=name, state="down"
        ),
    )
    set_up(to, name)


def add_address(namespace: Namespace, interface: str, address: str, prefix: int = 24) -> None:
    """Give an interface an IP address, if it does not have it yet.

    An IPv6 address is usable at once, without detection of duplicates; `enable_ipv6` comes first.
    """
    options = {"family": socket.AF_INET6, "flags": _NO_DAD} if ":" in address else {}
    _netlink(
        namespace,
        lambda here: here.addr(
            "replace", index=_index(here, interface), address=address, prefixlen=prefix, **options
        ),
    )


def enable_ipv6(namespace: Namespace, interface: str) -> None:
    """Turn IPv6 on at an interface, which gets a link-local address; `create` turned it off."""
    for option, value in (("accept_dad", "0"), ("disable_ipv6", "0")):
        namespace.set_kernel_option(f"net/ipv6/conf/{interface}/{option}", value)


def set_gateway(namespace: Namespace, ip: str) -> None:
    """Make a router the one for all networks that have no route of their own."""
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    _netlink(
        namespace,
        lambda here: here.route("replace", family=family, dst="default", gateway=ip),
    )


def forward(namespace: Namespace) -> None:
    """Let the kernel route IPv4 and IPv6 packets between the interfaces of a namespace."""
    for option in ("net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"):
        namespace.set_kernel_option(option, "1")


def add_vxlan(
    namespace: Namespace, interface: str, *, vni: int, local: str, device: str, mac: str
) -> None:
    """Make the kernel's VXLAN device of one VNI, up, sending from `local` through `device`."""
    _netlink(
        namespace,
        lambda here: here.link(
            "add",
            ifname=interface,
            kind="vxlan",
            vxlan_id=vni,
            vxlan_local=local,
            vxlan_port=VXLAN_PORT,
            vxlan_link=_index(here, device),
            address=mac,
            mtu=1500,
        ),
    )
    set_up(namespace, interface)


def flood_to(namespace: Namespace, interface: str, remote_ip: str) -> None:
    """Add an address to those that a VXLAN device floods unknown destinations to."""
    _netlink(
        namespace,
        lambda here: here.fdb(
            "append", ifindex=_index(here, interface), lladdr="00:00:00:00:00:00", dst=remote_ip
        ),
    )


def has_link(namespace: Namespace, interface: str) -> bool:
    """Return whether there is an interface of that name."""
    return bool(_netlink(namespace, lambda here: here.link_lookup(ifname=interface)))


class Segment:
    """An Ethernet segment: a Linux bridge in a namespace of its own, to which others connect."""

    BRIDGE = "segment"

    def __init__(self, namespace: Namespace, mtu: int = 1500) -> None:
        """Name the segment's namespace; `create` makes the bridge in it."""
        self.namespace = namespace
        self.mtu = mtu

    def create(self) -> None:
        """Make the bridge in the namespace, which exists. It floods multicast like a hub."""
        _netlink(
            self.namespace,
            lambda here: here.link("add", ifname=self.BRIDGE, kind="bridge", br_mcast_snooping=0),
        )
        set_up(self.namespace, self.BRIDGE)

    def plug(
        self, namespace: Namespace, interface: str, *, port: str, mac: str, ip: str | None = None
    ) -> None:
        """Give a namespace an interface on this segment; `port` is its name at the bridge."""
        add_veth(namespace, interface, self.namespace, port, mac=mac, mtu=self.mtu)
        _netlink(
            self.namespace,
            lambda here: here.link(
                "set", index=_index(here, port), master=_index(here, self.BRIDGE)
            ),
        )
        if ip:
            add_address(namespace, interface, ip)

    def cut(self, port: str) -> None:
        """Set a port of the segment down, until `mend`."""
        set_down(self.namespace, port)

    def mend(self, port: str) -> None:
        """Set the port up again."""
        set_up(self.namespace, port)


def _netlink(namespace: Namespace, work: Callable[[IPRoute], T]) -> T:
    """Return what `work` returns, called with the netlink of a namespace."""

    # Not pyroute2's own NetNS: it forks, and ends the child by a signal, whose handler would then
    # run in a copy of this process and take the lab down.
    def work_inside() -> T:
        with IPRoute() as here:
            return work(here)

    return namespace.call(work_inside)


def _index(here: IPRoute, interface: str) -> int:
    found = here.link_lookup(ifname=interface)
    if not found:
        raise LookupError(f"no interface {interface}")
    return int(found[0])
