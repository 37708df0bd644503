"""The ports of one switch: rows of Physical_Port matched with the ports of the bridge."""

import errno
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from ...engine.view import View
from ...values.faults import FaultWord
from ...values.rows import Binding, BridgePort, PhysicalPort

_NO_DEVICE = os.strerror(errno.ENODEV)
"""The end of the error of an Interface whose device does not exist."""


@dataclass(frozen=True, slots=True)
class VlanBinding:
    """The owner of the binding of a VLAN of a port; VLAN 0 is untagged."""

    port: str
    vlan: int


@dataclass(frozen=True, slots=True)
class BindingsChanged:
    """The bindings of a logical switch changed."""

    logical_switch: UUID


@dataclass(frozen=True, slots=True)
class BindingsTurned:
    """Logical switches became bound at the switch, or no longer are."""

    logical_switches: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class BindingGone:
    """A binding no longer receives frames."""

    binding: Binding


@dataclass(frozen=True, slots=True)
class LinkUp:
    """The link of a port that has bindings came up."""

    port: str


@dataclass(slots=True)
class Rematch:
    """The changes of a new match: bindings, and logical switches that gained or lost some.

    ``turned`` are the logical switches that became bound here, or no longer are. ``gone`` are the
    bindings that no longer receive frames. ``came_up`` are the ports with bindings before and now,
    whose link was down.
    """

    bindings: set[VlanBinding] = field(default_factory=set)
    logical_switches: set[UUID] = field(default_factory=set)
    turned: set[UUID] = field(default_factory=set)
    gone: list[Binding] = field(default_factory=list)
    came_up: set[str] = field(default_factory=set)


class Ports:
    """The bindings of one switch, and those of them that can be used."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Create a switch without ports; the clock, in seconds, tells since when one is away."""
        self._clock = clock
        self._away: dict[str, float] = {}
        self._rows: dict[str, PhysicalPort] = {}
        self._ports: Mapping[str, BridgePort] = {}
        self._bound: dict[UUID, dict[VlanBinding, Binding | None]] = {}
        self._bindings: dict[VlanBinding, Binding] = {}
        self._numbered: dict[int, Binding] = {}

    def row(self, port: str) -> PhysicalPort | None:
        """Return the Physical_Port row of a port."""
        return self._rows.get(port)

    def rows(self) -> Iterable[PhysicalPort]:
        """Return the Physical_Port rows; of several with one name, the one with the least UUID."""
        return self._rows.values()

    def bound(self) -> Iterable[UUID]:
        """Return the logical switches with a binding, even if its port does not exist."""
        return self._bound.keys()

    def is_bound(self, logical_switch: UUID) -> bool:
        """Whether a logical switch has a binding."""
        return logical_switch in self._bound

    def bindings_of(self, logical_switch: UUID) -> list[Binding]:
        """Return the bindings of a logical switch that can be used."""
        return [each for each in self._bound.get(logical_switch, {}).values() if each]

    def keys_of(self, logical_switch: UUID) -> Iterable[VlanBinding]:
        """Return all bindings of a logical switch, by their keys."""
        return self._bound.get(logical_switch, {}).keys()

    def rows_of(self, logical_switch: UUID) -> list[PhysicalPort]:
        """Return the Physical_Port rows that bind a logical switch, by name."""
        names = {key.port for key in self.keys_of(logical_switch)}
        return [self._rows[name] for name in sorted(names)]

    def keys_at(self, port: str) -> list[VlanBinding]:
        """Return all bindings of a port, by their keys."""
        row = self._rows.get(port)
        return [VlanBinding(port, vlan) for vlan in row.vlan_bindings] if row else []

    def binding(self, key: VlanBinding) -> Binding | None:
        """Return the binding if it can be used."""
        return self._bindings.get(key)

    def numbered(self, number: int) -> Binding | None:
        """Return the binding that has this number."""
        return self._numbered.get(number)

    def is_up(self, port: str) -> bool:
        """Whether a port exists and its link is up."""
        there = self._ports.get(port)
        return there is not None and there.is_up

    def why_unusable(self, port: str) -> tuple[str, FaultWord | None] | None:
        """Return the reason why the bindings of a port cannot be used, and the fault's word.

        None if they can. A missing port is not a fault either: its row waits for it. A port without
        a device, or without a port number yet, is logged and not shown: it has no word.
        """
        there = self._ports.get(port)
        if there is None:
            return None
        if there.is_ours:
            return "it is a tunnel port", FaultWord.UNSPECIFIED
        if there.has_vlans:
            reason = (
                "Open vSwitch has VLAN settings of its own for it: "
                f"ovs-vsctl clear port {port} tag trunks vlan_mode"
            )
            return reason, FaultWord.INVALID_VLAN_MAP
        if there.number is not None and there.members:
            return None
        reason = f"Open vSwitch has no port number for it: {there.error or 'not yet'}"
        is_away = there.error is None or _NO_DEVICE in there.error
        return reason, None if is_away else FaultWord.UNSPECIFIED

    def why_unused(self, port: str) -> str | None:
        """Return the reason why the bindings of a port are not used, None if they are."""
        if port not in self._ports:
            return "the bridge has no port of that name"
        why = self.why_unusable(port)
        return why[0] if why else None

    def away_since(self, port: str) -> float | None:
        """Return since when, by the clock, a port with a row is not on the bridge, None if it is.

        It is not earlier than the start of this process.
        """
        return self._away.get(port)

    def match(self, rows: Iterable[PhysicalPort], ports: Mapping[str, BridgePort]) -> Rematch:
        """Match the rows with the ports; return the changes."""
        former_rows, former_ports = self._rows, self._ports
        least_last = sorted(rows, key=lambda row: row.uuid, reverse=True)
        self._rows, self._ports = {row.name: row for row in least_last}, ports
        if ports == former_ports and _bindings_of(self._rows) == _bindings_of(former_rows):
            return Rematch()  # statistics change the rows often
        self._note_away()
        former_bound, former_bindings = self._bound, self._bindings
        self._bound, self._bindings = {}, {}
        for row in self._rows.values():
            port = ports.get(row.name)
            for vlan, logical_switch in row.vlan_bindings.items():
                key = VlanBinding(row.name, vlan)
                binding = _bind(port, vlan, logical_switch) if port else None
                if binding is not None:
                    self._bindings[key] = binding
                self._bound.setdefault(logical_switch, {})[key] = binding
        self._numbered = {binding.number: binding for binding in self._bindings.values()}
        rematch = Rematch()
        for key, former in former_bindings.items():
            now = self._bindings.get(key)
            was_up, is_up = former_ports[key.port].is_up, self.is_up(key.port)
            moved = now is None or (now.number, now.logical_switch) != (
                former.number,
                former.logical_switch,
            )
            if moved or (was_up and not is_up):
                rematch.gone.append(former)
            elif is_up and not was_up:
                rematch.came_up.add(key.port)
        for logical_switch in former_bound.keys() | self._bound.keys():
            before = former_bound.get(logical_switch, {})
            after = self._bound.get(logical_switch, {})
            rematch.bindings.update(
                key
                for key in before.keys() | after.keys()
                if after.get(key) is None or before.get(key) != after[key]
            )
            if before != after:
                rematch.logical_switches.add(logical_switch)
            if not before or not after:
                rematch.turned.add(logical_switch)
        return rematch

    def _note_away(self) -> None:
        now, away = self._clock(), self._rows.keys() - self._ports.keys()
        self._away = {name: self._away.get(name, now) for name in away}


def _bindings_of(
    rows: Mapping[str, PhysicalPort],
) -> dict[str, tuple[UUID, Mapping[int, UUID]]]:
    return {name: (row.uuid, row.vlan_bindings) for name, row in rows.items()}


def _bind(port: BridgePort, vlan: int, logical_switch: UUID) -> Binding | None:
    if port.number is None or not port.members or port.is_ours or port.has_vlans:
        return None
    return Binding(port.name, port.number, vlan, logical_switch, port.members)


def port_subject(port: str, view: View) -> str:
    """Return the name of a port of the switch in messages."""
    return f"Physical_Port {port} of {view.name}"
