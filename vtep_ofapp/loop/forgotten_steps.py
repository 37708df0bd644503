"""Find the step that an operator forgot before a switch can be managed, and its command."""

from collections.abc import Collection, Iterable, Mapping

from ..values.faults import Fault
from ..values.listen_address import ListenAddress
from ..values.rows import Bridge, PhysicalSwitch
from ..values.writes import OUR_DESCRIPTION

PATIENCE = 4.0
"""Seconds for an operator's next step; Open vSwitch updates is_connected every 5 s."""
BACKOFF = 15.0
"""Seconds for a bridge with our address to connect; it may wait for 8 between attempts."""

DATABASE = "hardware_vtep"


def missing(
    rows: Mapping[str, PhysicalSwitch],
    bridges: Mapping[str, Bridge],
    waiting: Collection[str],
    connected: Collection[str],
    unread: Collection[str],
    listener: ListenAddress,
) -> dict[str, Fault]:
    """Return the missing step by the name of a Physical_Switch, a bridge, or the database.

    ``bridges`` are those of all databases that are read, ``unread`` the other databases. Names that
    are ``waiting`` have a fault from elsewhere. ``connected`` are the names of the bridges that
    are connected to this process.
    """
    found: dict[str, Fault] = {}
    strays = sorted(
        name
        for name, bridge in bridges.items()
        if name not in rows and any(map(listener.is_meant_by, _targets(bridge)))
    )
    for name in strays:
        found[name] = Fault(
            f"Bridge {name}",
            "it has this process as its controller, and no Physical_Switch has its name: "
            f"vtep-ctl add-ps {name}",
            patience=PATIENCE,
        )
    if not rows and not strays:
        name = next(iter(bridges)) if len(bridges) == 1 else "BRIDGE"
        reason = f"it has no Physical_Switch: vtep-ctl add-ps {name}"
        found[DATABASE] = Fault(DATABASE, reason, patience=PATIENCE, is_information=True)
    is_idle = rows.keys().isdisjoint(bridges)
    for name, row in rows.items():
        if name in waiting or name in connected:
            continue
        bridge = bridges.get(name)
        if bridge is not None:
            found[name] = _not_connected(bridge, listener)
            continue
        is_ours = is_idle or bool(strays) or row.description.endswith(OUR_DESCRIPTION)
        found[name] = _without_bridge(name, unread, strays, is_ours)
    return found


def _without_bridge(
    name: str, unread: Collection[str], strays: Iterable[str], is_ours: bool
) -> Fault:
    """Return the fault of a missing bridge; information if another process may manage it."""
    if unread:
        reason = f"no bridge has its name so far; {' and '.join(unread)} is not read yet"
    elif is_ours:
        names = [f"vtep-ctl set Physical_Switch {name} name={each}" for each in strays]
        commands = " or ".join([f"ovs-vsctl add-br {name}", *names])
        reason = f"no bridge has its name: {commands}"
    else:
        add = f"ovs-vsctl add-br {name}"
        reason = f"no bridge has its name; if no other process manages it: {add}"
    return Fault(f"Physical_Switch {name}", reason, patience=PATIENCE, is_information=not is_ours)


def _not_connected(bridge: Bridge, listener: ListenAddress) -> Fault:
    """Return the fault of a bridge that is not connected to us, judged by its controllers."""
    subject = f"Physical_Switch {bridge.name}"
    targets = _targets(bridge)
    command = f"ovs-vsctl set-controller {bridge.name}"
    if not targets:
        reason = f"its bridge has no controller: {command} {listener.target}"
    elif any(map(listener.is_meant_by, targets)) and not bridge.speaks_our_version:
        speak = f"ovs-vsctl add bridge {bridge.name} protocols OpenFlow13"
        reason = f"its bridge does not speak OpenFlow 1.3: {speak}"
    elif any(map(listener.is_meant_by, targets)):
        reason = f"its bridge is not connected: ovs-vsctl list controller {bridge.name} says why"
        return Fault(subject, reason, patience=BACKOFF)
    else:
        both = f"{command} {' '.join(targets)} {listener.target}"
        others = [each.target for each in bridge.controllers if each.is_connected]
        reason = (
            f"its bridge is connected to {' and '.join(others)} and not to this process: {both}"
            if others
            else f"its bridge has {' and '.join(targets)} as controller and not this process: "
            f"{command} {listener.target}"
        )
    return Fault(subject, reason, patience=PATIENCE)


def _targets(bridge: Bridge) -> list[str]:
    return [each.target for each in bridge.controllers]
