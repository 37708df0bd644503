"""The NVC's file: its logical switches, their bindings, and stations that no VTEP of it reports.

While the NVC runs, each change of the file is carried out as soon as it is saved. With
`--name LAB` the VTEPs are those of a lab: `remote` may be left out, or all of `vteps`.

An entry of an access list has sequence, direction, action, and any of source_mac, dest_mac,
ethertype, source_ip, dest_ip ("10.1.0.0/16", or with a mask "10.0.0.1/255.0.0.255"), protocol (a
number, or icmp, tcp, udp, icmpv6, sctp), source_port, dest_port (80, or "1000-1999"), tcp_flags,
tcp_flags_mask, icmp_type, icmp_code. They are the columns of ACL_entry: see `man 5 vtep`.

A file looks like this:

    vteps:                     # hardware_vtep databases, by any name
      - {name: east, remote: "tcp:10.1.1.11:6640"}
      - {name: west, remote: "unix:/run/west/db.sock"}
    logical_switches:
      - {name: blue, vni: 33, replication: service_node, service_nodes: [10.2.2.101]}
      - {name: green, vni: 44, replication: source_node}
    bindings:                  # vlan 0, for untagged frames, may be left out
      - {vtep: east, switch: br0, port: p0, logical_switch: blue}
      - {vtep: west, switch: br0, port: p7, vlan: 10, logical_switch: green}
    stations:                  # those that no VTEP reports; ip may be left out, or be a list
      - {logical_switch: blue, mac: "00:11:22:33:44:55", address: 10.2.2.201, ip: 192.168.33.9}
    acls:                      # access lists; what no entry matches passes
      - name: web
        entries:
          - {sequence: 10, direction: ingress, action: permit, protocol: tcp, dest_port: 80}
          - {sequence: 20, direction: ingress, action: deny, dest_ip: 192.168.33.0/24}
    acl_bindings:              # without vlan: all bindings of the port
      - {vtep: east, switch: br0, port: p0, acl: web}
    bfd: {min_rx: 300, min_tx: 300}   # on every tunnel; `enable: false` turns it off
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sim.nvc import acls, reading
from sim.nvc.acls import Acl, AclBinding
from sim.nvc.reading import BadPlan, Item

SERVICE_NODE = "service_node"
SOURCE_NODE = "source_node"

_REMOTE = re.compile(r"unix:.+|tcp:[^:]+:(?P<port>[0-9]{1,5})")


@dataclass(frozen=True)
class LogicalSwitch:
    """A logical switch, and how BUM frames are replicated in it."""

    name: str
    vni: int
    replication: str
    service_nodes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Binding:
    """A VLAN of a physical port that belongs to a logical switch; VLAN 0 means untagged."""

    vtep: str
    switch: str
    port: str
    vlan: int
    logical_switch: str


@dataclass(frozen=True)
class Station:
    """A MAC address behind a tunnel endpoint that is no VTEP of ours."""

    logical_switch: str
    mac: str
    address: str
    ips: tuple[str, ...] = ()
    """Its own addresses, of IPv4 or IPv6."""


@dataclass(frozen=True)
class Plan:
    """All that the file says. `bfd_params` is None if the NVC is to leave BFD alone."""

    vteps: Mapping[str, str]
    logical_switches: Mapping[str, LogicalSwitch]
    bindings: tuple[Binding, ...]
    stations: tuple[Station, ...]
    bfd_params: Mapping[str, str] | None
    acls: Mapping[str, Acl] = field(default_factory=dict)
    acl_bindings: tuple[AclBinding, ...] = ()

    def bound_at(self, vtep: str) -> set[str]:
        """Return the logical switches that are bound somewhere at a VTEP."""
        return {each.logical_switch for each in self.bindings if each.vtep == vtep}


def parse(text: str, lab: Mapping[str, str] | None = None) -> Plan:
    """Return the plan that the text of a file states. Raises BadPlan with what is wrong in it.

    For each item, that is the first error. `lab` has the remotes of a lab's VTEPs, if it is about
    a lab.
    """
    problems: list[str] = []
    top = reading.load(text, problems)
    vteps = top.each("vteps", lambda item: _vtep(item, lab), optional=lab is not None)
    if lab is not None and not vteps and not problems:
        vteps = list(lab.items())
    switches = top.each("logical_switches", _logical_switch)
    bindings = top.each("bindings", _binding)
    stations = top.each("stations", _station, optional=True)
    lists = top.each("acls", acls.acl, optional=True)
    list_bindings = top.each("acl_bindings", acls.binding, optional=True)
    bfd_params: Mapping[str, str] | None = None
    with top.collected():
        bfd_params = top.take("bfd", lambda value: bfd(value, problems), None)
        top.end()
    if not problems:
        problems += _contradictions(vteps, switches, bindings, stations)
        problems += _contradictions_of_acls(lists, list_bindings, {name for name, _ in vteps})
    if problems:
        raise BadPlan(problems)
    return Plan(
        dict(vteps),
        {switch.name: switch for switch in switches},
        tuple(bindings),
        tuple(stations),
        bfd_params,
        {each.name: each for each in lists},
        tuple(list_bindings),
    )


def _vtep(item: Item, lab: Mapping[str, str] | None) -> tuple[str, str]:
    name = item.take("name", reading.name)
    remote = item.take("remote", _remote, (lab or {}).get(name))
    if remote is not None:
        return name, remote
    if lab is None:
        raise ValueError("remote is missing")
    there = ", ".join(lab) or "none"
    raise ValueError(f"remote is missing, and the lab has no VTEP {name}, only {there}")


def _logical_switch(item: Item) -> LogicalSwitch:
    name, vni = item.take("name", reading.name), item.take("vni", reading.vni)
    mode = item.take("replication", replication, SERVICE_NODE)
    none: tuple[str, ...] = ()
    service_nodes = item.take("service_nodes", reading.addresses, none)
    if mode == SERVICE_NODE and not service_nodes:
        raise ValueError("service_nodes: replication service_node needs at least one")
    if mode == SOURCE_NODE and service_nodes:
        raise ValueError("service_nodes: replication source_node has no use for them")
    return LogicalSwitch(name, vni, mode, service_nodes)


def _binding(item: Item) -> Binding:
    return Binding(
        item.take("vtep", reading.name),
        item.take("switch", reading.name),
        item.take("port", reading.name),
        item.take("vlan", reading.vlan, 0),
        item.take("logical_switch", reading.name),
    )


def _station(item: Item) -> Station:
    none: tuple[str, ...] = ()
    return Station(
        item.take("logical_switch", reading.name),
        item.take("mac", reading.mac),
        item.take("address", reading.address),
        item.take("ip", reading.ips, none),
    )


def bfd(content: object, problems: list[str]) -> dict[str, str]:
    """Return what the NVC writes into `bfd_params` of each tunnel. Raises ValueError."""
    item = Item("bfd", content, problems)
    params = {"enable": str(item.take("enable", reading.boolean, True)).lower()}
    for key in ("min_rx", "min_tx"):
        interval = item.take(key, _interval, None)
        if interval is not None:
            params[key] = str(interval)
    item.end()
    return params


def _contradictions(
    vteps: list[tuple[str, str]],
    switches: list[LogicalSwitch],
    bindings: list[Binding],
    stations: list[Station],
) -> Iterator[str]:
    """Yield the contradictions between items."""
    places = [(each.vtep, each.switch, each.port, each.vlan) for each in bindings]
    stationed = [(each.logical_switch, each.mac) for each in stations]
    yield from reading.repeated("vteps", "name", [name for name, _ in vteps])
    yield from reading.repeated("vteps", "remote", [remote for _, remote in vteps])
    yield from reading.repeated("logical_switches", "name", [each.name for each in switches])
    yield from reading.repeated("logical_switches", "vni", [each.vni for each in switches])
    yield from reading.repeated("bindings", "vtep, switch, port and vlan", places)
    yield from reading.repeated("stations", "logical_switch and mac", stationed)
    names = {name for name, _ in vteps}
    yield from reading.unknown("bindings", "vtep", [each.vtep for each in bindings], names)
    names = {each.name for each in switches}
    switch_names = [each.logical_switch for each in bindings]
    yield from reading.unknown("bindings", "logical_switch", switch_names, names)
    switch_names = [each.logical_switch for each in stations]
    yield from reading.unknown("stations", "logical_switch", switch_names, names)
    owners: dict[tuple[str, str], int] = {}
    for index, station in enumerate(stations):
        for ip in station.ips:
            owner = owners.setdefault((station.logical_switch, ip), index)
            if owner != index:
                yield f"stations[{index}]: ip: {ip} is that of stations[{owner}]"


def _contradictions_of_acls(
    lists: Sequence[Acl], bindings: Sequence[AclBinding], vteps: set[str]
) -> Iterator[str]:
    places = [(each.vtep, each.switch, each.port, each.vlan) for each in bindings]
    yield from reading.repeated("acls", "name", [each.name for each in lists])
    yield from reading.repeated("acl_bindings", "vtep, switch, port and vlan", places)
    yield from reading.unknown("acl_bindings", "vtep", [each.vtep for each in bindings], vteps)
    named = [each.acl for each in bindings]
    yield from reading.unknown("acl_bindings", "acl", named, {each.name for each in lists})


def _remote(value: object) -> str:
    matched = _REMOTE.fullmatch(reading.text(value))
    if not matched or int(matched["port"] or 1) not in range(1, 65536):
        raise ValueError(
            f"{value!r} is not an OVSDB remote such as tcp:10.1.1.11:6640 or unix:PATH"
        )
    return matched[0]


def replication(value: object) -> str:
    """Return how BUM frames are replicated. Raises ValueError."""
    if value not in (SERVICE_NODE, SOURCE_NODE):
        raise ValueError(f"{value!r} is neither {SERVICE_NODE} nor {SOURCE_NODE}")
    return str(value)


def _interval(value: object) -> int:
    return reading.integer(value, 1, 2**31 - 1)
