"""The file of a fabric: its VTEPs, what is connected to them, and its logical switches.

A file looks like this:

    vteps:
      - {name: leaf1}                           # tunnel_ip: 10.2.2.1, management_ip: 10.1.1.11
      - {name: leaf2, tunnel_ip: 10.2.2.20}
    service_nodes:
      - {name: sn1}                             # tunnel_ip: 10.2.2.101
    logical_switches:
      - name: blue                              # subnet: 192.168.33.0/24, replication: source_node
        vni: 33
        bindings:                               # vlan: 0, for untagged frames
          - {vtep: leaf1, port: p1}
          - {vtep: leaf2, port: p1, vlan: 10}
      - name: green
        vni: 44
        service_nodes: [sn1]                    # replication: service_node
        bindings:
          - {vtep: leaf1, port: p2}
          - {vtep: leaf2, port: p1, vlan: 20}
    hosts:
      - {name: a, vtep: leaf1, port: p1}        # ip: the next one of the subnet
      - {name: b, vtep: leaf1, port: p2, ip: 192.168.44.7}
      - {name: c, vtep: leaf2, port: p1, vlans: [10, 20]}      # or {10: 192.168.33.9, 20: ...}
    hypervisors:
      - {name: hv1, logical_switches: [blue, green]}           # or {blue: 192.168.33.9, ...}
    acls:                                       # entries as in the file of `python -m sim nvc`
      - name: no-telnet
        entries:
          - {sequence: 10, direction: ingress, action: deny, protocol: tcp, dest_port: 23}
    acl_bindings:
      - {vtep: leaf1, port: p2, acl: no-telnet} # vlan: 0, for all bindings of the port
    bfd: {min_rx: 300, min_tx: 300}             # without it, no tunnel has BFD

What comments say of a key is its default. Only `vteps` and `logical_switches` have to be there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import IPv4Network
from typing import Any, TypeAlias

from sim.fabric.lab import Lab
from sim.fabric.topology import Topology, check_name, check_port, check_subnet
from sim.nvc import acls, plan, reading
from sim.nvc.reading import BadPlan, Item

Adding: TypeAlias = Callable[[Topology], object]
"""Adds an item of the file to a topology. Raises ValueError if it contradicts others."""


def parse(text: str) -> Topology:
    """Return the topology that the text of a file states. Raises BadPlan with what is wrong.

    What is wrong with items by themselves comes first; then what contradicts other items, in the
    first list that has such items.
    """
    problems: list[str] = []
    top = reading.load(text, problems)
    lists = {
        "vteps": top.each("vteps", _vtep),
        "service_nodes": top.each("service_nodes", _service_node, optional=True),
        "logical_switches": top.each("logical_switches", _logical_switch),
        "hosts": top.each("hosts", _host, optional=True),
        "hypervisors": top.each("hypervisors", _hypervisor, optional=True),
        "acls": top.each("acls", _acl, optional=True),
        "acl_bindings": top.each("acl_bindings", _acl_binding, optional=True),
    }
    bfd: Mapping[str, object] | None = None
    with top.collected():
        bfd = top.take("bfd", _bfd, None)
        if not lists["vteps"] and not problems:
            raise ValueError("vteps: at least one")
        top.end()
    if problems:
        raise BadPlan(problems)
    topology = Topology(bfd)
    for key, items in lists.items():
        for index, add in enumerate(items):
            with top.collected(f"{key}[{index}]"):
                add(topology)
        if problems:
            raise BadPlan(problems)
    return topology


def build(lab: Lab, topology: Topology) -> None:
    """Add all parts of a topology to a lab."""
    for vtep in topology.vteps.values():
        lab.add_vtep(vtep.name, tunnel_ip=vtep.tunnel_ip, management_ip=vtep.management_ip)
    for node in topology.service_nodes.values():
        lab.add_service_node(node.name, tunnel_ip=node.tunnel_ip)
    switches = {
        switch.name: lab.add_logical_switch(
            switch.name,
            switch.vni,
            replication=switch.replication,
            service_nodes=[lab.peers[each] for each in switch.service_nodes],
            subnet=str(switch.addresses.network),
        )
        for switch in topology.logical_switches.values()
    }
    for place, name in topology.bindings.items():
        switches[name].bind(lab.vteps[place.vtep], place.port, place.vlan)
    for content in topology.acls.values():
        lab.topology.add_acl(content)
    for place, acl in topology.acl_bindings.items():
        lab.bind_acl(acl, lab.vteps[place.vtep], place.port, place.vlan)
    for host in topology.hosts.values():
        vlans = {each.number: each.ip for each in host.addresses}
        lab.add_host(host.name, lab.vteps[host.vtep], host.port, vlans=vlans)
    for hypervisor in topology.hypervisors.values():
        given = {switches[name]: each.ip for name, each in hypervisor.addresses.items()}
        lab.add_hypervisor(hypervisor.name, given, tunnel_ip=hypervisor.tunnel_ip)


def _vtep(item: Item) -> Adding:
    name = item.take("name", _name)
    tunnel_ip = item.take("tunnel_ip", reading.address, None)
    management_ip = item.take("management_ip", reading.address, None)
    return lambda topology: topology.add_vtep(name, tunnel_ip, management_ip)


def _service_node(item: Item) -> Adding:
    name, tunnel_ip = item.take("name", _name), item.take("tunnel_ip", reading.address, None)
    return lambda topology: topology.add_service_node(name, tunnel_ip)


def _logical_switch(item: Item) -> Adding:
    name, vni = item.take("name", reading.name), item.take("vni", reading.vni)
    replication = item.take("replication", plan.replication, None)
    none: list[str] = []
    service_nodes = item.take("service_nodes", _names, none)
    subnet = item.take("subnet", _subnet, None)
    bindings = item.each("bindings", _binding, optional=True)

    def add(topology: Topology) -> None:
        topology.add_logical_switch(name, vni, replication, service_nodes, subnet)
        for index, (vtep, port, vlan) in enumerate(bindings):
            try:
                topology.bind(name, vtep, port, vlan)
            except ValueError as error:
                raise ValueError(f"bindings[{index}]: {error}") from None

    return add


def _binding(item: Item) -> tuple[str, str, int]:
    vtep, port = item.take("vtep", reading.name), item.take("port", _port)
    return vtep, port, item.take("vlan", reading.vlan, 0)


def _host(item: Item) -> Adding:
    name, vtep = item.take("name", _name), item.take("vtep", reading.name)
    port, ip = item.take("port", _port), item.take("ip", reading.address, None)
    vlans = item.take("vlans", lambda value: _addressed(value, reading.vlan), None)
    return lambda topology: topology.add_host(name, vtep, port, ip, vlans)


def _hypervisor(item: Item) -> Adding:
    name, tunnel_ip = item.take("name", _name), item.take("tunnel_ip", reading.address, None)
    switches = item.take("logical_switches", lambda value: _addressed(value, reading.name))
    return lambda topology: topology.add_hypervisor(name, switches, tunnel_ip)


def _acl(item: Item) -> Adding:
    acls.acl(item)
    return lambda topology: topology.add_acl(item.content)


def _acl_binding(item: Item) -> Adding:
    vtep, port, vlan = _binding(item)
    acl = item.take("acl", reading.name)

    def add(topology: Topology) -> None:
        topology.bind_acl(acl, vtep, port, vlan)
        vlans = [each.vlan for each in topology.bindings if (each.vtep, each.port) == (vtep, port)]
        if not (vlan in vlans if vlan else vlans):
            there = f"VLAN {vlan} of port {port}" if vlan else f"port {port}"
            raise ValueError(f"{there} of {vtep} is in no logical switch")

    return add


# Single values


def _name(value: object) -> str:
    return check_name(reading.text(value))


def _port(value: object) -> str:
    return check_port(reading.text(value))


def _names(value: object) -> list[str]:
    return [reading.name(each) for each in reading.listed(value)]


def _subnet(value: object) -> IPv4Network:
    try:
        network = IPv4Network(reading.text(value))
    except ValueError as error:
        raise ValueError(f"{value!r} is no IPv4 subnet: {error}") from None
    return check_subnet(network)


def _addressed(value: object, read: Callable[[Any], Any]) -> dict[Any, str] | list[Any]:
    """Return a list of keys, or a mapping of keys to addresses."""
    if isinstance(value, dict):
        return {read(key): reading.address(each) for key, each in value.items()}
    if not isinstance(value, list):
        raise ValueError(f"{value!r} is neither a list nor a mapping to addresses")
    return [read(each) for each in value]


def _bfd(value: object) -> dict[str, object]:
    plan.bfd(value, [])
    assert isinstance(value, dict)
    return value
