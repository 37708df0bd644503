"""What a lab consists of: each part is checked, and gets its addresses, before it is built.

Nothing here touches the machine. Each method raises ValueError with what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import TypeVar

from sim.fabric.addresses import Addresses
from sim.nvc import acls, plan, reading
from sim.nvc.plan import SERVICE_NODE, SOURCE_NODE
from sim.nvc.reading import Item

K = TypeVar("K", int, str)
Part = TypeVar("Part")

UNDERLAY = IPv4Network("10.2.2.0/24")
MANAGEMENT = IPv4Network("10.1.1.0/24")
NVC_IP = "10.1.1.2"

_FIRST_SERVICE_NODE, _FIRST_HYPERVISOR = 101, 201
"""Where their tunnel addresses begin; those of VTEPs begin at 1."""
_FIRST_MANAGEMENT_IP = 11
_FIRST_ON_HYPERVISORS = 201
"""Where the addresses of hosts on hypervisors begin in a subnet; those behind ports begin at 1."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,14}")
_LAB_NODES = {"underlay", "management", "nvc", "segment"}
_LAB_PORTS = {"lo", "eth0", "eth1", "br0", "br-phy", "ovs-netdev"}

Given = Mapping[int, str] | Iterable[int]
"""VLANs (0 for untagged frames) with an address each, or without: then the next one is taken."""


@dataclass(frozen=True)
class Vtep:
    """A VTEP: the address of its tunnels, and the one at which the NVC reaches its database."""

    name: str
    tunnel_ip: str
    management_ip: str


@dataclass(frozen=True)
class ServiceNode:
    """A service node, and its address on the underlay."""

    name: str
    tunnel_ip: str


@dataclass(frozen=True)
class LogicalSwitch:
    """A logical switch, with the names of its service nodes: none if the source replicates."""

    name: str
    vni: int
    replication: str
    service_nodes: tuple[str, ...]
    addresses: Addresses


@dataclass(frozen=True)
class Place:
    """A VLAN of a port of a VTEP; VLAN 0 means untagged frames."""

    vtep: str
    port: str
    vlan: int

    def __str__(self) -> str:
        """Return the place in words."""
        frames = f"VLAN {self.vlan}" if self.vlan else "untagged frames"
        return f"{frames} at port {self.port} of {self.vtep}"


@dataclass(frozen=True)
class Address:
    """An address of a host, in the VLAN of a port or in the VNI of a hypervisor."""

    number: int
    """The VLAN, 0 for untagged frames, or the VNI."""
    ip: str
    prefix: int
    """The length of its subnet's prefix."""


@dataclass(frozen=True)
class Host:
    """A host behind a port, with one address for each VLAN."""

    name: str
    vtep: str
    port: str
    addresses: tuple[Address, ...]


@dataclass(frozen=True)
class Hypervisor:
    """A hypervisor, with one host for each logical switch."""

    name: str
    tunnel_ip: str
    addresses: Mapping[str, Address]
    """By the name of the logical switch."""


class Topology:
    """All parts of a lab, by name."""

    def __init__(self, bfd: Mapping[str, object] | None = None) -> None:
        """Begin without a part. `bfd` is what the NVC's file has under that key."""
        if bfd is not None:
            plan.bfd(dict(bfd), [])
        self.bfd = bfd
        self.vteps: dict[str, Vtep] = {}
        self.service_nodes: dict[str, ServiceNode] = {}
        self.logical_switches: dict[str, LogicalSwitch] = {}
        self.bindings: dict[Place, str] = {}
        self.hosts: dict[str, Host] = {}
        self.hypervisors: dict[str, Hypervisor] = {}
        self.acls: dict[str, Mapping[str, object]] = {}
        """Access lists, as the NVC's file has them."""
        self.acl_bindings: dict[Place, str] = {}
        self._underlay = Addresses(UNDERLAY)
        self._management = Addresses(MANAGEMENT)
        self._management.take("the NVC", NVC_IP)

    def add_vtep(
        self, name: str, tunnel_ip: str | None = None, management_ip: str | None = None
    ) -> Vtep:
        """Add a VTEP and return it."""
        self._check_name(name)
        vtep = Vtep(
            name,
            self._underlay.take(name, tunnel_ip),
            self._management.take(name, management_ip, _FIRST_MANAGEMENT_IP),
        )
        self.vteps[name] = vtep
        return vtep

    def add_service_node(self, name: str, tunnel_ip: str | None = None) -> ServiceNode:
        """Add a service node and return it."""
        self._check_name(name)
        ip = self._underlay.take(name, tunnel_ip, _FIRST_SERVICE_NODE)
        self.service_nodes[name] = node = ServiceNode(name, ip)
        return node

    def add_logical_switch(
        self,
        name: str,
        vni: int,
        replication: str | None = None,
        service_nodes: Iterable[str] = (),
        subnet: IPv4Network | None = None,
    ) -> LogicalSwitch:
        """Add a logical switch and return it; `service_nodes` are names."""
        reading.name(name)
        reading.vni(vni)
        if name in self.logical_switches:
            raise ValueError(f"there is a logical switch {name} already")
        for other in self.logical_switches.values():
            if other.vni == vni:
                raise ValueError(f"VNI {vni} is that of {other.name}")
        nodes = tuple(self._service_node(each).name for each in service_nodes)
        mode = plan.replication(replication or (SERVICE_NODE if nodes else SOURCE_NODE))
        if mode == SERVICE_NODE and not nodes:
            raise ValueError("replication service_node needs at least one of service_nodes")
        if mode == SOURCE_NODE and nodes:
            raise ValueError("replication source_node has no use for service_nodes")
        addresses = Addresses(_subnet(vni) if subnet is None else check_subnet(subnet))
        switch = LogicalSwitch(name, vni, mode, nodes, addresses)
        self.logical_switches[name] = switch
        return switch

    def bind(self, logical_switch: str, vtep: str, port: str, vlan: int = 0) -> None:
        """Bind a VLAN of a port, 0 for untagged frames; the port may come later."""
        self._logical_switch(logical_switch)
        self._vtep(vtep)
        check_port(port)
        reading.vlan(vlan)
        place = Place(vtep, port, vlan)
        if place in self.bindings:
            raise ValueError(f"{place}: bound to {self.bindings[place]} already")
        self.bindings[place] = logical_switch

    def add_host(
        self, name: str, vtep: str, port: str, ip: str | None = None, vlans: Given | None = None
    ) -> Host:
        """Add a host behind a port of its own and return it: untagged, or in these VLANs."""
        self._check_name(name)
        self._vtep(vtep)
        check_port(port)
        for other in self.hosts.values():
            if (other.vtep, other.port) == (vtep, port):
                raise ValueError(f"port {port} of {vtep} is that of {other.name}")
        if ip is not None and vlans is not None:
            raise ValueError("ip is for a host without vlans; vlans may have an address each")
        given: Mapping[int, str | None] = {0: ip} if vlans is None else _with_addresses(vlans)
        if not given:
            raise ValueError("vlans: at least one")
        switches = {vlan: self._bound(Place(vtep, port, vlan)) for vlan in given}
        addresses = tuple(
            _address(name, vlan, switches[vlan], each) for vlan, each in given.items()
        )
        self.hosts[name] = host = Host(name, vtep, port, addresses)
        return host

    def add_hypervisor(
        self,
        name: str,
        logical_switches: Mapping[str, str] | Iterable[str],
        tunnel_ip: str | None = None,
    ) -> Hypervisor:
        """Add a hypervisor and return it; names of logical switches may have an address each."""
        self._check_name(name)
        given = _with_addresses(logical_switches)
        if not given:
            raise ValueError("logical_switches: at least one")
        switches = {each: self._logical_switch(each) for each in given}
        ip = self._underlay.take(name, tunnel_ip, _FIRST_HYPERVISOR)
        addresses = {
            each: _address(name, switch.vni, switch, given[each], _FIRST_ON_HYPERVISORS)
            for each, switch in switches.items()
        }
        self.hypervisors[name] = hypervisor = Hypervisor(name, ip, addresses)
        return hypervisor

    def add_acl(self, content: Mapping[str, object]) -> str:
        """Add an access list, as the NVC's file has it, and return its name."""
        problems: list[str] = []
        item = Item("acl", dict(content), problems)
        name = acls.acl(item).name
        item.end()
        if problems:
            raise ValueError("; ".join(problems))
        if name in self.acls:
            raise ValueError(f"there is an access list {name} already")
        self.acls[name] = dict(content)
        return name

    def bind_acl(self, acl: str, vtep: str, port: str, vlan: int = 0) -> None:
        """Bind an access list to a VLAN of a port, or to all bindings of the port."""
        _named("access list", self.acls, acl)
        self._vtep(vtep)
        check_port(port)
        reading.vlan(vlan)
        place = Place(vtep, port, vlan)
        if place in self.acl_bindings:
            there = f"port {port} of {vtep}" + (f", VLAN {vlan}" if vlan else "")
            raise ValueError(f"{there}: {self.acl_bindings[place]} is bound to it already")
        self.acl_bindings[place] = acl

    def members(self, logical_switch: str) -> list[tuple[str, str]]:
        """Return the hosts of a logical switch, each with its address in it."""
        behind_ports = [
            (host.name, address.ip)
            for host in self.hosts.values()
            for address in host.addresses
            if self.bindings[Place(host.vtep, host.port, address.number)] == logical_switch
        ]
        on_hypervisors = [
            (each.name, each.addresses[logical_switch].ip)
            for each in self.hypervisors.values()
            if logical_switch in each.addresses
        ]
        return behind_ports + on_hypervisors

    def _check_name(self, name: str) -> None:
        check_name(name)
        for others in (self.vteps, self.service_nodes, self.hosts, self.hypervisors):
            if name in others:
                raise ValueError(f"{name} is the name of another part")

    def _vtep(self, name: str) -> Vtep:
        return _named("VTEP", self.vteps, name)

    def _service_node(self, name: str) -> ServiceNode:
        return _named("service node", self.service_nodes, name)

    def _logical_switch(self, name: str) -> LogicalSwitch:
        return _named("logical switch", self.logical_switches, name)

    def _bound(self, place: Place) -> LogicalSwitch:
        if place not in self.bindings:
            raise ValueError(f"{place}: bound to no logical switch")
        return self.logical_switches[self.bindings[place]]


def check_name(name: str) -> str:
    """Return the name of a node if it can have it: interfaces and namespaces are named so."""
    return _checked(name, _LAB_NODES, "the name of a part of every lab")


def check_port(name: str) -> str:
    """Return the name of a port if it can have it: that of an interface of a VTEP."""
    return _checked(name, _LAB_PORTS, "the name of another interface of every VTEP")


def check_subnet(subnet: IPv4Network) -> IPv4Network:
    """Return a subnet if hosts can have it beside the lab's own networks."""
    if subnet.prefixlen > 30:
        raise ValueError(f"{subnet} has no room for two hosts")
    for own in (UNDERLAY, MANAGEMENT):
        if subnet.overlaps(own):
            raise ValueError(f"{subnet} overlaps {own}, which the lab uses itself")
    return subnet


def _checked(name: str, reserved: set[str], what: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} is not a letter and up to 14 letters, digits, dots, dashes, underscores"
        )
    if name in reserved:
        raise ValueError(f"{name} is {what}")
    return name


def _subnet(vni: int) -> IPv4Network:
    """Return the subnet of a logical switch that none was given for."""
    if vni < 255:
        return IPv4Network(f"192.168.{vni}.0/24")
    return IPv4Network(f"172.{16 + (vni >> 8) % 16}.{vni % 256}.0/24")


def _address(
    owner: str, number: int, switch: LogicalSwitch, ip: str | None, first: int = 1
) -> Address:
    """Return an address of a host in the subnet of a logical switch."""
    taken = switch.addresses.take(owner, ip, first)
    return Address(number, taken, switch.addresses.network.prefixlen)


def _with_addresses(given: Mapping[K, str] | Iterable[K]) -> dict[K, str | None]:
    """Return what is given as keys, each with its address or None."""
    if isinstance(given, Mapping):
        return dict(given)
    keys = list(given)
    for key in keys:
        if keys.count(key) > 1:
            raise ValueError(f"{key} is there more than once")
    return dict.fromkeys(keys)


def _named(what: str, parts: Mapping[str, Part], name: str) -> Part:
    if name not in parts:
        raise ValueError(f"there is no {what} {name}, only {', '.join(parts) or 'none'}")
    return parts[name]
