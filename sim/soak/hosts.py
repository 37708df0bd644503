"""What virtual machines, and the ports that they are plugged into, do in a soak run."""

from __future__ import annotations

from sim.lab import links
from sim.soak.chance import GUESTS, Chance, Kind, has_bound_tenant, listed
from sim.soak.world import HOSTS, STEADY_PORTS

CROWD = [f"02:30:00:00:00:{number:02x}" for number in range(40)]

GROUPS = ("239.1.1.1", "239.1.1.2")
"""Multicast groups that hosts join."""


def _move_guest(chance: Chance) -> str:
    tenant = chance.bound_tenant()
    place = chance.pick(sorted(tenant.bindings))
    mac = chance.pick([mac for mac in GUESTS if (tenant.name, mac) not in chance.moved])
    chance.moved.add((tenant.name, mac))
    tenant.arrive(mac, place)
    chance.stage.announce([(mac, place)])
    return f"{mac} of {tenant.name} is now at {listed([place])}"


def _may_move_guest(chance: Chance) -> bool:
    return has_bound_tenant(chance) and len(chance.moved) < len(GUESTS)


def _crowd(chance: Chance) -> str:
    tenant = chance.bound_tenant()
    place = chance.pick(sorted(tenant.bindings))
    coming = [mac for mac in CROWD if mac not in tenant.guests]
    for mac in coming:
        tenant.arrive(mac, place)
    chance.stage.announce([(mac, place) for mac in coming])
    return f"{len(coming)} stations of {tenant.name} are now at {listed([place])}"


def _join_group(chance: Chance) -> str:
    tenant = chance.bound_tenant()
    place = chance.pick(sorted(tenant.bindings))
    group = chance.pick(GROUPS)
    tenant.join_group(group, place)
    chance.stage.report_groups(tenant)
    return f"{listed([place])} of {tenant.name} joins {group}"


def _leave_group(chance: Chance) -> str:
    tenant = chance.pick([each for each in chance.world.tenants() if each.members])
    group, place = chance.pick(sorted(tenant.members))
    tenant.leave_group(group, place)
    chance.stage.report_groups(tenant)
    return f"{listed([place])} of {tenant.name} leaves {group}"


def _leave_and_return(chance: Chance) -> str:
    port = chance.pick(_passing_ports(chance))
    chance.stage.vtep.remove_port(port)
    chance.stage.vtep.add_port(port)
    return f"{port} leaves and returns"


def _leave(chance: Chance) -> str:
    port = chance.pick(_passing_ports(chance))
    chance.stage.vtep.remove_port(port)
    chance.world.remove_port(port)
    return f"{port} leaves for good"


def _return(chance: Chance) -> str:
    port = chance.pick(_away(chance))
    vtep = chance.stage.vtep
    chance.stage.wait(
        lambda: port not in vtep.port_rows(vtep.bridge),
        f"the end of the row of {port}",
    )
    vtep.add_port(port)
    chance.stage.wait(lambda: port in vtep.port_rows(vtep.bridge), f"a row of {port}")
    chance.world.ports.add(port)
    return f"{port} is added again"


def _flap(chance: Chance) -> str:
    port = chance.pick(_passing_ports(chance))
    namespace = chance.stage.vtep.namespace
    links.set_down(namespace, port)
    links.set_up(namespace, port)
    return f"the link of {port} goes down and up"


def _passing_ports(chance: Chance) -> list[str]:
    return sorted(chance.world.ports - set(STEADY_PORTS))


def _away(chance: Chance) -> list[str]:
    return sorted(set(HOSTS) - chance.world.ports)


STATIONS = (
    Kind("host moved", _move_guest, 6, _may_move_guest),
    Kind("40 hosts came", _crowd, 2, has_bound_tenant),
    Kind("group joined", _join_group, 5, has_bound_tenant),
    Kind(
        "group left",
        _leave_group,
        3,
        lambda chance: any(each.members for each in chance.world.tenants()),
    ),
)

PORTS = (
    Kind(
        "port left and returned",
        _leave_and_return,
        2,
        lambda chance: bool(_passing_ports(chance)),
    ),
    Kind("port left", _leave, 1, lambda chance: len(_passing_ports(chance)) == 2),
    Kind(
        "port added again",
        _return,
        2,
        lambda chance: bool(_away(chance)) and len(chance.stage.running_apps()) == 2,
    ),
    Kind("link flapped", _flap, 3, lambda chance: bool(_passing_ports(chance))),
)
