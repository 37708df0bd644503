"""``port/show``: the ports of the bridges, and their bindings or why one is not used."""

from collections.abc import Iterator, Sequence

from ..engine.switch_state import SwitchState
from ..features.acls.bindings import PortAcls
from ..features.bindings.feature import PortRowFaults
from ..features.bindings.ports import Ports, VlanBinding, port_subject
from ..features.learning.feature import FullPort
from ..features.learning.stations import LearnedMacs, Place
from ..features.logical_switches.rows import LogicalSwitches
from ..features.logical_switches.vni_mapping import VniMapping
from ..values.rows import BridgePort
from .answer import Answer, Row, Table, joined
from .command import Command, Running
from .scope import scope

_USAGE = "[BRIDGE]"
_PORTS = (
    "bridge",
    "port",
    "ofport",
    "bond_members",
    "link",
    "bindings",
    "learned_macs",
    "away_for_s",
    "problem",
)
_BINDINGS = (
    "bridge",
    "port",
    "vlan",
    "logical_switch",
    "vnis",
    "learned_macs",
    "is_used",
    "problem",
)


def _show(arguments: Sequence[str], running: Running) -> Answer:
    switches = scope(_USAGE, arguments, running).switches
    ports = (row for switch in switches for row in _ports(switch))
    bindings = (row for switch in switches for row in _bindings(switch))
    return Answer({"ports": Table(_PORTS, ports), "bindings": Table(_BINDINGS, bindings)})


def _names(switch: SwitchState) -> list[str]:
    """Return the ports of a bridge and those of rows alone, by their OpenFlow number."""
    names = switch.view.physical_ports() | {row.name for row in switch.view[Ports].rows()}

    def number(name: str) -> tuple[bool, int, str]:
        port = _port(switch, name)
        number = port.number if port else None
        return number is None, number or 0, name

    return sorted(names, key=number)


def _port(switch: SwitchState, name: str) -> BridgePort | None:
    return switch.bridge.ports.get(name) if switch.bridge else None


# Ports


def _ports(switch: SwitchState) -> Iterator[Row]:
    view = switch.view
    for name in _names(switch):
        port, away = _port(switch, name), view[Ports].away_since(name)
        yield (
            switch.name,
            name,
            port.number if port else None,
            port.members if port and port.members != (port.number,) else (),
            ("up" if port.is_up else "down") if port else None,
            len(view[Ports].keys_at(name)),
            view[LearnedMacs].count_at(switch.name, name),
            None if away is None else int(view.clock() - away),
            joined(_problems(switch, name)),
        )


def _problems(switch: SwitchState, name: str) -> Iterator[str]:
    view = switch.view
    unused = view[Ports].why_unused(name)
    if unused is not None:
        yield unused
    subject = port_subject(name, view)
    for fault in switch.owned.faults(PortRowFaults(), PortAcls(name), FullPort(name)):
        if fault.subject == subject:
            yield fault.reason
    if view[Ports].row(name) is None:
        yield "it has no row of Physical_Port"


# Bindings


def _bindings(switch: SwitchState) -> Iterator[Row]:
    for name in _names(switch):
        for key in sorted(switch.view[Ports].keys_at(name), key=lambda key: key.vlan):
            row = _binding(key, switch)
            if row is not None:
                yield row


def _binding(key: VlanBinding, switch: SwitchState) -> Row | None:
    """Return the row of a binding, None if it has gone meanwhile."""
    view = switch.view
    row, binding = view[Ports].row(key.port), view[Ports].binding(key)
    logical_switch = row.vlan_bindings.get(key.vlan) if row else None
    if logical_switch is None:
        return None
    desired, its_row = switch.owned.get(key), view[LogicalSwitches].get(logical_switch)
    return (
        switch.name,
        key.port,
        key.vlan,
        its_row.name if its_row else str(logical_switch),
        view[VniMapping].vnis(logical_switch),
        len(view[LearnedMacs].at(Place.of(switch.name, binding))) if binding else 0,
        bool(desired and desired.flows),
        view[Ports].why_unused(key.port),
    )


COMMANDS = (
    Command(
        "port/show",
        _USAGE,
        "Print the ports and their bindings, or why a binding is not used.",
        _show,
    ),
)
