"""What each VTEP database should hold, decided from what all of them report. Pure functions.

A station is where it was claimed last: a VTEP claims a station by a row of Ucast_Macs_Local. The
order in which claims appeared is all that is remembered; everything else follows from the plan and
the reports.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from sim.nvc.acls import Acl
from sim.nvc.plan import SERVICE_NODE, LogicalSwitch, Plan

Key: TypeAlias = tuple[str, str]
"""A station: the name of its logical switch, and its MAC address."""

Ends: TypeAlias = tuple[str, str]
"""A tunnel as a VTEP sees it: the address of its own end, and that of the other."""

Claims: TypeAlias = Mapping[Key, tuple[str, ...]]
"""For each station the VTEPs that claim it, the latest one last."""


@dataclass(frozen=True)
class Report:
    """What the database of one VTEP says, as far as the NVC is concerned.

    Addresses are those of locators, and each names the tunnel endpoint to send to.
    """

    stations: Mapping[Key, str] = field(default_factory=dict)
    """Ucast_Macs_Local: the address by which the VTEP can be sent frames for a station."""
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """unknown-dst in Mcast_Macs_Local: the addresses by which it takes part in logical switches."""
    remote_stations: Mapping[Key, str] = field(default_factory=dict)
    """Ucast_Macs_Remote: what the NVC wrote, perhaps in an earlier run."""
    flooding: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """unknown-dst in Mcast_Macs_Remote, likewise."""
    bfd_expected: Mapping[Ends, Mapping[str, str]] = field(default_factory=dict)
    """Tunnel: bfd_config_local, the destination that BFD packets have to have."""
    ips: Mapping[Key, frozenset[str]] = field(default_factory=dict)
    """ipaddr of Ucast_Macs_Local: own addresses of stations that have any."""
    remote_ips: Mapping[Key, frozenset[str]] = field(default_factory=dict)
    """ipaddr of Ucast_Macs_Remote, likewise."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """Arp_Sources_Local: the address of the VTEP by the MAC that it routes from."""
    remote_sources: Mapping[str, str] = field(default_factory=dict)
    """Arp_Sources_Remote, likewise."""


@dataclass(frozen=True)
class Bfd:
    """What the NVC writes into a row of Tunnel."""

    params: Mapping[str, str]
    config_remote: Mapping[str, str]
    """What the other end expects. That of two VTEPs is not the default, which is for a VTEP and a
    hypervisor."""


@dataclass(frozen=True)
class Rows:
    """What the database of one VTEP should hold of the NVC's."""

    logical_switches: Mapping[str, LogicalSwitch]
    bindings: Mapping[tuple[str, str], Mapping[int, str]]
    """By physical switch and port: the logical switches by VLAN."""
    stations: Mapping[Key, str]
    flooding: Mapping[str, frozenset[str]]
    bfd: Mapping[Ends, Bfd]
    """What tunnels should have in Tunnel; those that are not here are to be left alone."""
    ips: Mapping[Key, frozenset[str]] = field(default_factory=dict)
    """Own addresses of those of the stations that have any: a row for each."""
    acls: Mapping[str, Acl] = field(default_factory=dict)
    """By name."""
    acl_bindings: Mapping[tuple[str, str], Mapping[int, str]] = field(default_factory=dict)
    """By physical switch and port: the names of access lists by VLAN."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """The addresses of the other VTEPs that route, by the MAC that they route from."""


def claimed(
    claims: Claims,
    vtep: str,
    stations: Collection[Key],
    outdated: Collection[Key] = (),
) -> Claims:
    """Return the claims after a VTEP has reported the stations that it claims now.

    A claim that is there already keeps its place in the order. A new one is the latest, unless it
    is outdated: when the NVC starts, what it wrote earlier tells that it decided otherwise.
    """
    changed = dict(claims)
    for key, claimants in claims.items():
        if vtep in claimants and key not in stations:
            changed[key] = tuple(each for each in claimants if each != vtep)
            if not changed[key]:
                del changed[key]
    for key in stations:
        claimants = changed.get(key, ())
        if vtep not in claimants:
            changed[key] = (vtep, *claimants) if key in outdated else (*claimants, vtep)
    return changed


def rows(plan: Plan, vtep: str, reports: Mapping[str, Report], claims: Claims) -> Rows:
    """Return what the database of a VTEP should hold; `reports` are by VTEP.

    Until every VTEP has reported, rows of earlier runs may be about the missing ones, and stay.
    A VTEP takes part in logical switches that are bound there, and in those that it says so of:
    a router joins it to them.
    """
    members = reports[vtep].members.keys() if vtep in reports else set()
    present = plan.bound_at(vtep) | (members & plan.logical_switches.keys())
    bindings: dict[tuple[str, str], dict[int, str]] = {}
    for binding in plan.bindings:
        if binding.vtep == vtep:
            place = binding.switch, binding.port
            bindings.setdefault(place, {})[binding.vlan] = binding.logical_switch
    acl_bindings: dict[tuple[str, str], dict[int, str]] = {}
    for each in plan.acl_bindings:
        if each.vtep == vtep:
            acl_bindings.setdefault((each.switch, each.port), {})[each.vlan] = each.acl
    used = {name for of_port in acl_bindings.values() for name in of_port.values()}
    stations = _stations(plan, vtep, reports, claims)
    stations = {key: address for key, address in stations.items() if key[0] in present}
    flooding = {name: _flooding(plan, name, vtep, reports) for name in present}
    return Rows(
        {name: plan.logical_switches[name] for name in present},
        bindings,
        stations,
        {name: addresses for name, addresses in flooding.items() if addresses},
        _bfd(plan, vtep, reports),
        _ips(plan, vtep, reports, claims, stations),
        {name: plan.acls[name] for name in used},
        acl_bindings,
        _sources(plan, vtep, reports),
    )


def _stations(
    plan: Plan, vtep: str, reports: Mapping[str, Report], claims: Claims
) -> dict[Key, str]:
    """Return the addresses of the stations that are elsewhere.

    Where the plan places a station, no VTEP's claim counts.
    """
    stations = _unreported_stations(plan, vtep, reports)
    for key, claimants in claims.items():
        stations.pop(key, None)
        latest = claimants[-1]
        if latest != vtep and key in reports[latest].stations:
            stations[key] = reports[latest].stations[key]
    stations.update({(each.logical_switch, each.mac): each.address for each in plan.stations})
    return stations


def _sources(plan: Plan, vtep: str, reports: Mapping[str, Report]) -> dict[str, str]:
    """Return the MACs from which the other VTEPs route; there is no plan for them."""
    is_early = vtep in reports and not _is_complete(plan, reports)
    found = dict(reports[vtep].remote_sources) if is_early else {}
    for name, report in reports.items():
        if name != vtep:
            found.update(report.sources)
    return found


def _ips(
    plan: Plan,
    vtep: str,
    reports: Mapping[str, Report],
    claims: Claims,
    stations: Collection[Key],
) -> dict[Key, frozenset[str]]:
    """Return the own addresses of stations: what the plan says, or the VTEP that claims them."""
    planned = {(each.logical_switch, each.mac): frozenset(each.ips) for each in plan.stations}
    none: frozenset[str] = frozenset()
    found: dict[Key, frozenset[str]] = {}
    for key in stations:
        if key in planned:
            found[key] = planned[key]
        elif key in claims:
            found[key] = reports[claims[key][-1]].ips.get(key, none)
        else:
            found[key] = reports[vtep].remote_ips.get(key, none)
    return {key: ips for key, ips in found.items() if ips}


def _flooding(plan: Plan, name: str, vtep: str, reports: Mapping[str, Report]) -> frozenset[str]:
    """Return the flood list of a logical switch: its service nodes, or all other members.

    Several switches of one database flood to each other, too; each leaves itself out.
    """
    switch = plan.logical_switches[name]
    if switch.replication == SERVICE_NODE:
        return frozenset(switch.service_nodes)
    addresses = {each.address for each in plan.stations if each.logical_switch == name}
    for report in reports.values():
        addresses |= report.members.get(name, frozenset())
    own = reports[vtep].members.get(name, frozenset()) if vtep in reports else frozenset()
    if len(own) == 1:
        addresses -= own
    if _is_complete(plan, reports) or vtep not in reports:
        return frozenset(addresses)
    return frozenset(addresses) | reports[vtep].flooding.get(name, frozenset())


def _unreported_stations(plan: Plan, vtep: str, reports: Mapping[str, Report]) -> dict[Key, str]:
    """Return the rows of earlier runs that may be about VTEPs that have not reported yet."""
    if _is_complete(plan, reports) or vtep not in reports:
        return {}
    heard = {each.address for each in plan.stations}
    for report in reports.values():
        heard |= set().union(*report.members.values())
    former = reports[vtep].remote_stations
    return {key: address for key, address in former.items() if address not in heard}


def _bfd(plan: Plan, vtep: str, reports: Mapping[str, Report]) -> dict[Ends, Bfd]:
    """Return what the tunnels of a VTEP should have.

    Between two VTEPs, BFD waits until the rows of both ends are there: Open vSwitch 3.1, once it
    has dropped a BFD packet with a wrong destination, goes on to drop those with the right one.
    """
    if plan.bfd_params is None or vtep not in reports:
        return {}
    expected: dict[Ends, Mapping[str, str]] = {}
    vteps: set[str] = set()
    for report in reports.values():
        expected.update(report.bfd_expected)
        vteps.update(own for own, _ in report.bfd_expected)
        vteps.update(*report.members.values())
    return {
        (own, far): Bfd(plan.bfd_params, expected.get((far, own), {}))
        if (far, own) in expected or far not in vteps
        else Bfd({}, {})
        for own, far in reports[vtep].bfd_expected
    }


def _is_complete(plan: Plan, reports: Mapping[str, Report]) -> bool:
    return reports.keys() >= plan.vteps.keys()
