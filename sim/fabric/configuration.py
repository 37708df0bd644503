"""What the NVC is to configure: the file that it reads, and what a VTEP then answers. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from sim.fabric.topology import LogicalSwitch, Topology
from sim.nvc.plan import SERVICE_NODE, Station

DATABASE_PORT = 6640
BRIDGE = "br0"

UP = "up"


class Flooding(NamedTuple):
    """Who receives the BUM frames of a logical switch at one VTEP."""

    bindings: frozenset[str]
    """As `flood/show` has them: "p1 VLAN 0"."""
    remotes: frozenset[str]
    """Tunnel addresses."""


def nvc_plan(topology: Topology, stations: Iterable[Station]) -> dict[str, Any]:
    """Return what the NVC's file says."""
    content: dict[str, Any] = {
        "vteps": [
            {"name": vtep.name, "remote": f"tcp:{vtep.management_ip}:{DATABASE_PORT}"}
            for vtep in topology.vteps.values()
        ],
        "logical_switches": [
            {
                "name": switch.name,
                "vni": switch.vni,
                "replication": switch.replication,
                "service_nodes": _service_nodes(topology, switch),
            }
            for switch in topology.logical_switches.values()
        ],
        "bindings": [
            {
                "vtep": place.vtep,
                "switch": BRIDGE,
                "port": place.port,
                "vlan": place.vlan,
                "logical_switch": name,
            }
            for place, name in topology.bindings.items()
        ],
        "stations": [
            {
                "logical_switch": each.logical_switch,
                "mac": each.mac,
                "address": each.address,
                "ip": list(each.ips),
            }
            for each in stations
        ],
        "acls": [dict(content) for content in topology.acls.values()],
        "acl_bindings": [
            {
                "vtep": place.vtep,
                "switch": BRIDGE,
                "port": place.port,
                "vlan": place.vlan,
                "acl": name,
            }
            for place, name in topology.acl_bindings.items()
        ],
    }
    return content if topology.bfd is None else {**content, "bfd": dict(topology.bfd)}


def expected_flooding(
    topology: Topology, ports: Mapping[str, Collection[str]], vtep: str
) -> dict[str, Flooding]:
    """Return the flooding of each logical switch that is bound at a VTEP.

    `ports` are those that each VTEP has; a binding of another port has no effect yet.
    """
    effective = [
        (place, name)
        for place, name in topology.bindings.items()
        if place.port in ports[place.vtep]
    ]
    found = {}
    for switch in topology.logical_switches.values():
        places = [place for place, name in effective if name == switch.name]
        bindings = {f"{each.port} VLAN {each.vlan}" for each in places if each.vtep == vtep}
        if switch.replication == SERVICE_NODE:
            remotes = set(_service_nodes(topology, switch))
        else:
            remotes = {topology.vteps[each.vtep].tunnel_ip for each in places}
            remotes |= {
                each.tunnel_ip
                for each in topology.hypervisors.values()
                if switch.name in each.addresses
            }
            remotes.discard(topology.vteps[vtep].tunnel_ip)
        if bindings:
            found[switch.name] = Flooding(frozenset(bindings), frozenset(remotes))
    return found


def shown_flooding(answer: Mapping[str, Any]) -> dict[str, Flooding]:
    """Return the flooding that vtep_ofapp answers to `flood/show --json`."""
    return {
        row["logical_switch"]: Flooding(
            frozenset(row["bindings"]),
            frozenset(
                each["remote_vtep"]
                for each in answer["remote_vteps"]
                if each["logical_switch"] == row["logical_switch"]
            ),
        )
        for row in answer["flood_lists"]
    }


def are_tunnels_up(
    answer: Mapping[str, Any], remotes: Collection[str], with_bfd: Collection[str]
) -> bool:
    """Return whether `tunnel/show --json` has all tunnels up, by BFD as well where that is on."""
    there = {row["remote_vtep"]: row for row in answer["tunnels"]}
    return all(each in there and there[each]["state"] == UP for each in remotes) and all(
        there[each]["bfd"] == UP for each in with_bfd if each in remotes
    )


def _service_nodes(topology: Topology, switch: LogicalSwitch) -> list[str]:
    return [topology.service_nodes[name].tunnel_ip for name in switch.service_nodes]
