"""What may happen in a soak run: each kind of step, how often it is drawn, and what it needs."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from sim.lab import links
from sim.lab.app import App
from sim.soak.stage import Stage
from sim.soak.world import (
    ENDPOINTS,
    HOSTS,
    NOWHERE,
    STEADY_PORTS,
    UNKNOWN_DST,
    Binding,
    LogicalSwitch,
    World,
)

NAMES = ("red", "green", "blue", "grey")
VNIS = range(101, 107)
"""Few, so that two logical switches get the same one now and then."""
VLANS = (0, 10, 20, 30)
GROUPS = ("01:00:5e:00:00:01", "01:00:5e:00:00:02")
GUESTS = [f"02:20:00:00:00:{number:02x}" for number in range(4)]
CROWD = [f"02:30:00:00:00:{number:02x}" for number in range(40)]
PLACED = [f"02:40:00:00:00:{number:02x}" for number in range(8)]
BURST = [f"02:50:00:00:00:{number:02x}" for number in range(100)]

T = TypeVar("T")


@dataclass
class Chance:
    """The dice, and what they may be thrown for."""

    dice: random.Random
    world: World
    stage: Stage
    moved: set[tuple[str, str]] = field(default_factory=set)
    """Guests that have moved since the last checkpoint: who moves often is held in its place."""

    def pick(self, of: Sequence[T]) -> T:
        """Return one of several."""
        return self.dice.choice(of)

    def tenant(self) -> LogicalSwitch:
        """Return one of the logical switches that come and go."""
        return self.pick(self.world.tenants())

    def bound_tenant(self) -> LogicalSwitch:
        """Return one of them that has a binding."""
        return self.pick([each for each in self.world.tenants() if each.bindings])

    def address(self) -> str:
        """Return the address of a remote VTEP, of one that exists more often than not."""
        return self.pick([*ENDPOINTS, *ENDPOINTS, *NOWHERE])


Act = Callable[[Chance], str]
"""Does a step, in the world and on the stage, and returns it in a few words."""


@dataclass(frozen=True)
class Kind:
    """One kind of step."""

    name: str
    act: Act
    weight: int
    needs: Callable[[Chance], bool] = lambda chance: True
    """Whether the step can be done now."""


def draw(kinds: Sequence[Kind], chance: Chance) -> Kind:
    """Return one of the kinds that can be done now, drawn by weight."""
    able = [kind for kind in kinds if kind.needs(chance)]
    return chance.dice.choices(able, [kind.weight for kind in able])[0]


def _has_tenant(chance: Chance) -> bool:
    return bool(chance.world.tenants())


def _has_bound_tenant(chance: Chance) -> bool:
    return any(each.bindings for each in chance.world.tenants())


# What the NVC changes


def _make_logical_switch(chance: Chance) -> str:
    name = chance.pick([name for name in NAMES if name not in chance.world.logical_switches])
    vni = chance.pick([None, *VNIS])
    new = LogicalSwitch(name, vni=vni, source_node=chance.pick([True, False]))
    for port in chance.dice.sample(sorted(chance.world.ports), k=2):
        new.bindings.update(_free(chance, port)[:1])
    if chance.dice.random() < 0.7:
        new.groups[UNKNOWN_DST] = set(chance.dice.sample(list(ENDPOINTS), k=2))
    chance.world.logical_switches[name] = new
    chance.stage.ask(*chance.stage.creation(new))
    return f"{name} is made, VNI {vni}, bound to {_listed(new.bindings)}"


def _remove_logical_switch(chance: Chance) -> str:
    gone = chance.tenant()
    bridge = chance.stage.vtep.bridge
    del chance.world.logical_switches[gone.name]
    chance.stage.ask_again(
        *(f"unbind-ls {bridge} {each.port} {each.vlan}" for each in sorted(gone.bindings)),
        f"clear-local-macs {gone.name}",
        f"clear-remote-macs {gone.name}",
        f"del-ls {gone.name}",
    )
    return f"{gone.name} is removed"


def _change_vni(chance: Chance) -> str:
    tenant = chance.tenant()
    tenant.vni = chance.pick(VNIS)
    chance.stage.ask(f"set Logical_Switch {tenant.name} tunnel_key={tenant.vni}")
    return f"{tenant.name} gets VNI {tenant.vni}"


def _clear_vni(chance: Chance) -> str:
    tenant = chance.tenant()
    tenant.vni = None
    order = chance.pick(
        ["clear Logical_Switch {} tunnel_key", "set Logical_Switch {} tunnel_key=0"]
    )
    chance.stage.ask(order.format(tenant.name))
    return f"{tenant.name} loses its VNI"


def _change_mode(chance: Chance) -> str:
    tenant = chance.tenant()
    tenant.source_node = not tenant.source_node
    mode = "source_node" if tenant.source_node else "service_node"
    chance.stage.ask(f"set-replication-mode {tenant.name} {mode}")
    return f"{tenant.name} is in {mode}"


def _bind(chance: Chance) -> str:
    tenant = chance.tenant()
    binding = chance.pick(
        [each for port in sorted(chance.world.ports) for each in _free(chance, port)]
    )
    tenant.bindings.add(binding)
    bridge = chance.stage.vtep.bridge
    chance.stage.ask(f"bind-ls {bridge} {binding.port} {binding.vlan} {tenant.name}")
    return f"{tenant.name} is bound to {_listed([binding])}"


def _unbind(chance: Chance) -> str:
    tenant = chance.bound_tenant()
    binding = chance.pick(sorted(tenant.bindings))
    tenant.unbind(binding)
    bridge = chance.stage.vtep.bridge
    chance.stage.ask(f"unbind-ls {bridge} {binding.port} {binding.vlan}")
    return f"{tenant.name} is unbound from {_listed([binding])}"


def _place(chance: Chance) -> str:
    """Place a MAC address behind a tunnel, or elsewhere; some are those of local stations."""
    tenant, address = chance.tenant(), chance.address()
    mac = chance.pick([*PLACED, *GUESTS])
    tenant.remote[mac] = address
    chance.stage.ask(f"add-ucast-remote {tenant.name} {mac} {address}")
    return f"{mac} of {tenant.name} is placed at {address}"


def _displace(chance: Chance) -> str:
    tenant = chance.pick([each for each in chance.world.tenants() if each.remote])
    mac = chance.pick(sorted(tenant.remote))
    del tenant.remote[mac]
    chance.stage.ask(f"del-ucast-remote {tenant.name} {mac}")
    return f"{mac} of {tenant.name} is placed nowhere"


def _burst(chance: Chance) -> str:
    """Place a hundred addresses at once, or take the hundred back."""
    tenant, address = chance.tenant(), chance.address()
    if placed := [mac for mac in BURST if mac in tenant.remote]:
        for mac in placed:
            del tenant.remote[mac]
        chance.stage.ask(*(f"del-ucast-remote {tenant.name} {mac}" for mac in placed))
        return f"{len(placed)} addresses of {tenant.name} are placed nowhere"
    tenant.remote.update(dict.fromkeys(BURST, address))
    chance.stage.ask(*(f"add-ucast-remote {tenant.name} {mac} {address}" for mac in BURST))
    return f"{len(BURST)} addresses of {tenant.name} are placed at {address}"


def _change_group(chance: Chance) -> str:
    """Put one more remote VTEP into a set that is flooded to, or take one out of it."""
    tenant, address = chance.tenant(), chance.pick(list(ENDPOINTS))
    mac = chance.pick([UNKNOWN_DST, UNKNOWN_DST, *GROUPS])
    addresses = tenant.groups.setdefault(mac, set())
    verb = "del" if address in addresses else "add"
    addresses.symmetric_difference_update({address})
    if not addresses:
        del tenant.groups[mac]
    chance.stage.ask(f"{verb}-mcast-remote {tenant.name} {mac} {address}")
    return f"{verb} {address} for {mac} of {tenant.name}"


def _write_anew(chance: Chance) -> str:
    """Take all remote rows of a logical switch away and put them back: the NVC starts again."""
    tenant = chance.pick([each for each in chance.world.tenants() if each.addresses()])
    chance.stage.ask(f"clear-remote-macs {tenant.name}")
    chance.stage.ask(*chance.stage.placing(tenant))
    return f"all remote rows of {tenant.name} are written anew"


# What hosts and ports do


def _move_guest(chance: Chance) -> str:
    tenant = chance.bound_tenant()
    place = chance.pick(sorted(tenant.bindings))
    mac = chance.pick([mac for mac in GUESTS if (tenant.name, mac) not in chance.moved])
    chance.moved.add((tenant.name, mac))
    tenant.arrive(mac, place)
    chance.stage.announce([(mac, place)])
    return f"{mac} of {tenant.name} speaks at {_listed([place])}"


def _may_move_guest(chance: Chance) -> bool:
    return _has_bound_tenant(chance) and len(chance.moved) < len(GUESTS)


def _crowd(chance: Chance) -> str:
    tenant = chance.bound_tenant()
    place = chance.pick(sorted(tenant.bindings))
    coming = [mac for mac in CROWD if mac not in tenant.guests]
    for mac in coming:
        tenant.arrive(mac, place)
    chance.stage.announce([(mac, place) for mac in coming])
    return f"{len(coming)} stations of {tenant.name} speak at {_listed([place])}"


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
        lambda: port not in vtep.vtep_ctl("list-ports", vtep.bridge).split(),
        f"the end of the row of {port}",
    )
    vtep.add_port(port)
    chance.stage.wait(
        lambda: port in vtep.vtep_ctl("list-ports", vtep.bridge).split(), f"a row of {port}"
    )
    chance.world.ports.add(port)
    return f"{port} comes anew"


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


# What the connections and the applications suffer


def _cut(chance: Chance) -> str:
    vtep = chance.stage.vtep
    vtep.ovs_vsctl("set-controller", vtep.bridge, "tcp:127.0.0.1:1")
    chance.stage.point_at_apps()
    return "the OpenFlow connections are cut"


def _freeze(chance: Chance) -> str:
    app = chance.pick(chance.stage.running_apps())
    seconds = chance.pick((0.5, 1.0, 3.0))
    app.freeze(seconds)
    return f"{app.NAME} stands still for {seconds:g} s"


def _kill(chance: Chance) -> str:
    app = chance.pick(chance.stage.running_apps())
    app.kill()
    return f"{app.NAME} is killed"


def _terminate(chance: Chance) -> str:
    app = chance.pick(chance.stage.running_apps())
    app.stop(grace=60.0)
    return f"{app.NAME} is asked to end"


def _start(chance: Chance) -> str:
    app = chance.pick(_stopped(chance))
    app.start()
    return f"{app.NAME} is started"


def _has_app(chance: Chance) -> bool:
    return bool(chance.stage.running_apps())


def _stopped(chance: Chance) -> list[App]:
    return [app for app in chance.stage.apps if not app.running]


# What known traffic does not survive


def _restart_ovsdb(chance: Chance) -> str:
    chance.stage.vtep.ovsdb_server.restart()
    return "ovsdb-server is restarted"


def _kill_ovsdb(chance: Chance) -> str:
    chance.stage.vtep.ovsdb_server.kill()
    chance.stage.vtep.ovsdb_server.start()
    return "ovsdb-server is killed and started"


def _kill_switch(chance: Chance) -> str:
    chance.stage.vtep.ovs_vswitchd.kill()
    chance.stage.vtep.ovs_vswitchd.start()
    return "ovs-vswitchd is killed and started"


def _delete_flows(chance: Chance) -> str:
    chance.stage.vtep.ofctl("del-flows", chance.stage.vtep.bridge)
    return "somebody deletes all flows"


def _delete_tunnel(chance: Chance) -> str:
    vtep = chance.stage.vtep
    tunnels = [
        each for each in vtep.ovs_vsctl("list-ports", vtep.bridge).split() if each[:2] == "vx"
    ]
    gone = chance.pick(sorted(tunnels))
    vtep.remove_port(gone)
    return f"somebody deletes {gone}"


def _free(chance: Chance, port: str) -> list[Binding]:
    return chance.world.free(port, VLANS[1:] if port in STEADY_PORTS else VLANS)


def _has_free_binding(chance: Chance) -> bool:
    return _has_tenant(chance) and any(_free(chance, port) for port in chance.world.ports)


def _listed(bindings: Sequence[Binding] | set[Binding]) -> str:
    return ", ".join(f"{each.port} {each.label}" for each in sorted(bindings)) or "nothing"


NVC = (
    Kind(
        "logical switch made",
        _make_logical_switch,
        6,
        lambda chance: len(chance.world.tenants()) < len(NAMES),
    ),
    Kind("logical switch removed", _remove_logical_switch, 1, _has_tenant),
    Kind("VNI changed", _change_vni, 3, _has_tenant),
    Kind("VNI cleared", _clear_vni, 1, _has_tenant),
    Kind("replication mode changed", _change_mode, 2, _has_tenant),
    Kind("bound", _bind, 5, _has_free_binding),
    Kind("unbound", _unbind, 3, _has_bound_tenant),
    Kind("remote MAC placed", _place, 6, _has_tenant),
    Kind(
        "remote MAC removed",
        _displace,
        4,
        lambda chance: any(each.remote for each in chance.world.tenants()),
    ),
    Kind("100 remote MACs", _burst, 2, _has_tenant),
    Kind("unknown-dst or multicast", _change_group, 5, _has_tenant),
    Kind(
        "remote rows written anew",
        _write_anew,
        2,
        lambda chance: any(each.addresses() for each in chance.world.tenants()),
    ),
)

OTHERS = (
    Kind("host moved", _move_guest, 6, _may_move_guest),
    Kind("40 hosts came", _crowd, 2, _has_bound_tenant),
    Kind("OpenFlow cut", _cut, 1),
    Kind("application stood still", _freeze, 1, _has_app),
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
        "port came anew",
        _return,
        2,
        lambda chance: bool(_away(chance)) and len(chance.stage.running_apps()) == 2,
    ),
    Kind("link flapped", _flap, 3, lambda chance: bool(_passing_ports(chance))),
)

APPLICATIONS = (
    Kind("application killed", _kill, 6, _has_app),
    Kind("application ended", _terminate, 3, _has_app),
    Kind("application started", _start, 12, lambda chance: bool(_stopped(chance))),
)

CALM = (*NVC, *OTHERS)
"""Known traffic loses nothing by these, nor by those of APPLICATIONS; see watching on PORTS."""

ROUGH = (
    Kind("ovsdb-server restarted", _restart_ovsdb, 2),
    Kind("ovsdb-server killed", _kill_ovsdb, 2),
    Kind("ovs-vswitchd killed", _kill_switch, 2),
    Kind("flows deleted by others", _delete_flows, 2),
    Kind("tunnel port deleted by others", _delete_tunnel, 2),
)
"""Known traffic stops for a moment by these, whatever the application does."""
