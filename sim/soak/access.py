"""What the NVC changes of access lists in a soak run.

Nothing denies the broadcasts by which stations announce themselves: a frame that is denied on its
way in teaches nothing. At the ports of the known streams, only tagged VLANs have access lists.
"""

from __future__ import annotations

from sim.soak import writing
from sim.soak.chance import GUESTS, VLANS, Chance, Kind
from sim.soak.lists import (
    DENY,
    EGRESS,
    ETHERTYPE_ARP,
    ETHERTYPE_LAB,
    INGRESS,
    PERMIT,
    Entry,
)
from sim.soak.world import STEADY_PORTS, Binding, World
from sim.wire.frames import BROADCAST

NAMES = ("list1", "list2", "list3")
_MOST = 12
"""Entries of one access list."""
_SEQUENCES = range(1, 30)
"""Few, so that two entries have the same one now and then."""


def _write(chance: Chance) -> str:
    name = chance.pick(NAMES)
    entries = {_entry(chance) for _ in range(chance.dice.randint(1, _MOST))}
    chance.world.lists[name] = frozenset(entries)
    writing.write_list(chance.stage, name)
    return f"{name} has {len(entries)} entries"


def _change(chance: Chance) -> str:
    """Put another entry in the place of one of them."""
    name = chance.pick(sorted(chance.world.lists))
    entries = set(chance.world.lists[name])
    gone = chance.pick(sorted(entries, key=str))
    come = _entry(chance)
    chance.world.lists[name] = frozenset(entries - {gone} | {come})
    writing.write_list(chance.stage, name)
    return f"{name}: {come} in the place of {gone}"


def _bind(chance: Chance) -> str:
    name = chance.pick(sorted(chance.world.lists))
    port, key = chance.pick(_keys(chance.world))
    chance.world.list_bindings[port, key] = name
    writing.bind_list(chance.stage, port, key)
    return f"{name} is bound to {port}, key {key}"


def _unbind(chance: Chance) -> str:
    port, key = chance.pick(sorted(chance.world.list_bindings))
    del chance.world.list_bindings[port, key]
    writing.bind_list(chance.stage, port, key)
    return f"no access list is bound to {port}, key {key}"


def _entry(chance: Chance) -> Entry:
    """Return an entry that matches no broadcast on its way in."""
    direction = chance.pick((INGRESS, EGRESS))
    sequence, action = chance.pick(_SEQUENCES), chance.pick((PERMIT, DENY))
    mac = chance.pick([*GUESTS, *_residents(chance.world)])
    shapes: list[dict[str, object]] = [
        {"dest_mac": mac},
        {"dest_mac": mac, "ethertype": ETHERTYPE_LAB},
        {"dest_net": chance.pick(("10.1.0.0/16", "10.0.0.0/8", "10.1.2.0/24"))},
        {"dest_ports": chance.pick(((9, 9), (1, 1000), (10, 65534)))},
    ]
    if direction == EGRESS:
        shapes += [
            {"source_mac": mac},
            {"dest_mac": BROADCAST, "ethertype": chance.pick((ETHERTYPE_ARP, ETHERTYPE_LAB))},
            {"ethertype": ETHERTYPE_LAB},
        ]
    return Entry(sequence, direction, action, **chance.pick(shapes))  # type: ignore[arg-type]


def _residents(world: World) -> list[str]:
    return sorted(Binding(port, vlan).resident for port in world.ports for vlan in VLANS)


def _keys(world: World) -> list[tuple[str, int]]:
    """Return where access lists may be bound."""
    return [
        (port, key)
        for port in sorted(world.ports)
        for key in VLANS
        if key or port not in STEADY_PORTS
    ]


ACCESS = (
    Kind("access list written", _write, 4),
    Kind("entry changed", _change, 4, lambda chance: bool(chance.world.lists)),
    Kind("access list bound", _bind, 8, lambda chance: bool(chance.world.lists)),
    Kind("access list unbound", _unbind, 2, lambda chance: bool(chance.world.list_bindings)),
)
