"""What the NVC changes in a soak run."""

from __future__ import annotations

from sim.soak import writing
from sim.soak.chance import (
    GUESTS,
    Chance,
    Kind,
    free,
    has_bound_tenant,
    has_free_binding,
    has_tenant,
    listed,
)
from sim.soak.world import ENDPOINTS, UNKNOWN_DST, LogicalSwitch

NAMES = ("red", "green", "blue", "grey")
VNIS = range(101, 107)
"""Few, so that two logical switches get the same one now and then."""
GROUPS = ("01:00:5e:00:00:01", "01:00:5e:00:00:02", "01:00:5e:01:01:01")
"""The last one is that of a group which hosts join."""
PLACED = [f"02:40:00:00:00:{number:02x}" for number in range(8)]
BURST = [f"02:50:00:00:00:{number:02x}" for number in range(100)]


def _make_logical_switch(chance: Chance) -> str:
    name = chance.pick([name for name in NAMES if name not in chance.world.logical_switches])
    vni = chance.pick([None, *VNIS])
    new = LogicalSwitch(name, vni=vni, source_node=chance.pick([True, False]))
    for port in chance.dice.sample(sorted(chance.world.ports), k=2):
        new.bindings.update(free(chance, port)[:1])
    if chance.dice.random() < 0.7:
        new.groups[UNKNOWN_DST] = set(chance.dice.sample(list(ENDPOINTS), k=2))
    chance.world.logical_switches[name] = new
    chance.stage.ask(*chance.stage.creation(new))
    return f"{name} is made, VNI {vni}, bound to {listed(new.bindings)}"


def _remove_logical_switch(chance: Chance) -> str:
    gone = chance.tenant()
    bridge = chance.stage.vtep.bridge
    del chance.world.logical_switches[gone.name]
    chance.stage.ask(
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
        [each for port in sorted(chance.world.ports) for each in free(chance, port)]
    )
    tenant.bindings.add(binding)
    bridge = chance.stage.vtep.bridge
    chance.stage.ask(f"bind-ls {bridge} {binding.port} {binding.vlan} {tenant.name}")
    return f"{tenant.name} is bound to {listed([binding])}"


def _unbind(chance: Chance) -> str:
    tenant = chance.bound_tenant()
    binding = chance.pick(sorted(tenant.bindings))
    tenant.unbind(binding)
    bridge = chance.stage.vtep.bridge
    chance.stage.ask(f"unbind-ls {bridge} {binding.port} {binding.vlan}")
    return f"{tenant.name} is unbound from {listed([binding])}"


def _place(chance: Chance) -> str:
    """Place a MAC address behind a tunnel, or elsewhere; some are those of local stations."""
    tenant, address = chance.tenant(), chance.address()
    mac = chance.pick([*PLACED, *GUESTS])
    tenant.remote[mac] = address
    chance.stage.ask(f"add-ucast-remote {tenant.name} {mac} {address}")
    writing.write_ips(chance.stage, tenant)
    return f"{mac} of {tenant.name} is placed at {address}"


def _address(chance: Chance) -> str:
    """Write an address beside a MAC, or remove it. Those of stations that are here have none."""
    tenant = chance.pick([each for each in chance.world.tenants() if _placed(each)])
    mac = chance.pick(_placed(tenant))
    if tenant.ips.pop(mac, None) is None:
        tenant.ips[mac] = f"10.{chance.pick((64, 65))}.0.{1 + PLACED.index(mac)}"
    writing.write_ips(chance.stage, tenant)
    return f"{mac} of {tenant.name} has the address {tenant.ips.get(mac, 'of nobody')}"


def _placed(tenant: LogicalSwitch) -> list[str]:
    return [mac for mac in PLACED if mac in tenant.remote]


def _displace(chance: Chance) -> str:
    tenant = chance.pick([each for each in chance.world.tenants() if each.remote])
    mac = chance.pick(sorted(tenant.remote))
    del tenant.remote[mac]
    chance.stage.ask(f"del-ucast-remote {tenant.name} {mac}")
    return f"{mac} of {tenant.name} is placed nowhere"


def _burst(chance: Chance) -> str:
    """Place a hundred addresses at once, or remove the hundred."""
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
    """Add a remote VTEP to a flood list, or remove one from it."""
    tenant, address = chance.tenant(), chance.pick(list(ENDPOINTS))
    mac = chance.pick([UNKNOWN_DST, UNKNOWN_DST, *GROUPS])
    addresses = tenant.groups.setdefault(mac, set())
    verb = "del" if address in addresses else "add"
    addresses.symmetric_difference_update({address})
    if not addresses:
        del tenant.groups[mac]
    chance.stage.ask(f"{verb}-mcast-remote {tenant.name} {mac} {address}")
    return f"{verb} {address} for {mac} of {tenant.name}"


def _rewrite(chance: Chance) -> str:
    """Remove all remote rows of a logical switch and write them again, as an NVC that restarts."""
    tenant = chance.pick([each for each in chance.world.tenants() if each.addresses()])
    chance.stage.ask(f"clear-remote-macs {tenant.name}")
    chance.stage.ask(*chance.stage.placing(tenant))
    writing.write_ips(chance.stage, tenant)
    return f"all remote rows of {tenant.name} are rewritten"


NVC = (
    Kind(
        "logical switch made",
        _make_logical_switch,
        6,
        lambda chance: len(chance.world.tenants()) < len(NAMES),
    ),
    Kind(
        "logical switch removed",
        _remove_logical_switch,
        1,
        # The row of a port that left may still bind it, until the master removes the row.
        lambda chance: has_tenant(chance) and bool(chance.stage.running_apps()),
    ),
    Kind("VNI changed", _change_vni, 3, has_tenant),
    Kind("VNI cleared", _clear_vni, 1, has_tenant),
    Kind("replication mode changed", _change_mode, 2, has_tenant),
    Kind("bound", _bind, 5, has_free_binding),
    Kind("unbound", _unbind, 3, has_bound_tenant),
    Kind("remote MAC placed", _place, 6, has_tenant),
    Kind(
        "remote MAC removed",
        _displace,
        4,
        lambda chance: any(each.remote for each in chance.world.tenants()),
    ),
    Kind(
        "address of a remote MAC",
        _address,
        5,
        lambda chance: any(_placed(each) for each in chance.world.tenants()),
    ),
    Kind("100 remote MACs", _burst, 2, has_tenant),
    Kind("unknown-dst or multicast", _change_group, 5, has_tenant),
    Kind(
        "remote rows rewritten",
        _rewrite,
        2,
        lambda chance: any(each.addresses() for each in chance.world.tenants()),
    ),
)
