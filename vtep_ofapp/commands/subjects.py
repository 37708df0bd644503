"""The owners on a switch that concern a station, a group address, a port or an address.

Those of the way of frames are here; features declare further ones, and those of other things.

Turns may run between two owners, so nothing is iterated that a turn may change.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from uuid import UUID

from ..engine.desired import Key
from ..engine.feature_tables import FeatureTables
from ..engine.operator_view import ADDRESS, GROUP, PORT, STATION
from ..engine.switch_state import SwitchState
from ..features.bindings.feature import PortRowFaults
from ..features.bindings.ports import Ports, VlanBinding
from ..features.learning.feature import FullPort, Learned
from ..features.learning.stations import LearnedMacs
from ..features.logical_switches.feature import LocalFlooding, Vni
from ..features.logical_switches.rows import LogicalSwitches
from ..features.peers import Peer, PeersHere
from ..features.presence import Presence
from ..features.replication import McastSets, Multicast, Replication
from ..features.tunnels.feature import AnySender, Tunnel
from ..features.unicast import Placed, PlacedMacs
from ..values.rows import ANYONE


def concerned(kind: str, name: str, switch: SwitchState, tables: FeatureTables) -> Iterator[Key]:
    """Yield the owners that concern something of this kind and name, each once."""
    way = _WAYS.get(kind)
    found = (find(name, switch.view) for find in tables.subjects.get(kind, ()))
    # Keys of different types may be equal.
    once = {(type(key), key): key for key in chain(way(name, switch) if way else (), *found)}
    yield from once.values()


def kinds(tables: FeatureTables) -> set[str]:
    """Return the kinds of what one can ask about."""
    return {*_WAYS, *tables.subjects}


def of_station(mac: str, switch: SwitchState) -> Iterator[Key]:
    """Yield the owners that concern a station where it is placed or learned: its way, too."""
    view = switch.view
    for row in list(view[LogicalSwitches].rows()):
        station = Placed(row.uuid, mac)
        address = view[PlacedMacs].address(station)
        if address is not None:
            yield station
            if row.uuid in view[Presence]:
                yield from (Vni(row.uuid), Peer(row.uuid, address), Tunnel(address))
        place = view[LearnedMacs].place(row.uuid, mac)
        if place is not None:
            yield Learned(row.uuid, mac)
            if place.switch == switch.name:
                yield VlanBinding(place.port, place.vlan)


def of_group(mac: str, switch: SwitchState) -> Iterator[Key]:
    """Yield the owners that concern frames for a group address, or for an unknown station."""
    view = switch.view
    for logical_switch in list(view[Presence].all()):
        yield LocalFlooding(logical_switch)
        has_rows = bool(view[McastSets].rows(logical_switch, mac))
        yield Multicast(logical_switch, mac) if has_rows else Replication(logical_switch)


def of_port(name: str, switch: SwitchState) -> Iterator[Key]:
    """Yield the owners that concern a port, and the flooding of what is bound there.

    The many stations that may be learned there are left out.
    """
    view = switch.view
    port = switch.bridge.ports.get(name) if switch.bridge else None
    if port is not None and port.is_ours and port.remote is not None:
        yield from of_tunnel(port.remote, switch)
        return
    bindings = view[Ports].keys_at(name)
    yield from bindings
    row = view[Ports].row(name)
    logical_switches = dict.fromkeys(row.vlan_bindings.values() if row else ())
    yield from map(LocalFlooding, logical_switches)
    yield from (key for key in (FullPort(name), PortRowFaults()) if switch.owned.get(key))


def of_tunnel(address: str, switch: SwitchState) -> Iterator[Key]:
    """Yield the owners that concern a remote VTEP or ANYONE, and the flooding that uses it.

    The many stations that may be behind it are left out.
    """
    if address == ANYONE:
        yield AnySender()
        return
    yield Tunnel(address)
    for logical_switch in sorted(switch.view[PeersHere].naming(address)):
        yield Peer(logical_switch, address)
        yield from _flooding(logical_switch, address, switch)


def _flooding(logical_switch: UUID, address: str, switch: SwitchState) -> Iterator[Key]:
    groups = switch.view[McastSets].multicasts(logical_switch)
    for key in (Replication(logical_switch), *sorted(groups, key=lambda each: each.mac)):
        desired = switch.owned.get(key)
        if desired is not None and address in desired.uses:
            yield key


_WAYS: Mapping[str, Callable[[str, SwitchState], Iterator[Key]]] = {
    STATION: of_station,
    GROUP: of_group,
    PORT: of_port,
    ADDRESS: of_tunnel,
}
