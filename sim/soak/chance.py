"""Random choices of a soak run, and its steps: what each does, how often, and what it needs."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from sim.soak.stage import Stage
from sim.soak.world import ENDPOINTS, NOWHERE, STEADY_PORTS, Binding, LogicalSwitch, World

VLANS = (0, 10, 20, 30)

GUESTS = [f"02:20:00:00:00:{number:02x}" for number in range(4)]
"""Stations that move from binding to binding."""

T = TypeVar("T")


@dataclass
class Chance:
    """Random choices, and what they choose from."""

    dice: random.Random
    world: World
    stage: Stage
    moved: set[tuple[str, str]] = field(default_factory=set)
    """Guests that have moved since the last checkpoint: one that moves too often is damped."""

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
"""Does a step in the world and on the stage, and returns its description."""


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


def has_tenant(chance: Chance) -> bool:
    """Return whether there is a logical switch that may be changed."""
    return bool(chance.world.tenants())


def has_bound_tenant(chance: Chance) -> bool:
    """Return whether there is one that has a binding."""
    return any(each.bindings for each in chance.world.tenants())


def free(chance: Chance, port: str) -> list[Binding]:
    """Return the bindings of a port that no logical switch has."""
    return chance.world.free(port, VLANS[1:] if port in STEADY_PORTS else VLANS)


def has_free_binding(chance: Chance) -> bool:
    """Return whether one of them may be bound to one more VLAN of a port."""
    return has_tenant(chance) and any(free(chance, port) for port in chance.world.ports)


def listed(bindings: Sequence[Binding] | set[Binding]) -> str:
    """Return the description of bindings."""
    return ", ".join(f"{each.port} {each.label}" for each in sorted(bindings)) or "nothing"
