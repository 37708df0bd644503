"""The hosts: the bridges of each Open_vSwitch database, as far as it was read."""

from collections.abc import Iterator, Mapping

from ..features.tunnels.vxlan_ports import VxlanPorts
from ..values.events import Bridges, BridgesInSync
from ..values.rows import Bridge, VxlanPort
from .databases import Databases
from .dispatch import Handlers
from .switches import Switches


class Hosts:
    """The bridges of each Open_vSwitch, in the order of the option ovs_db."""

    def __init__(self, databases: Databases, switches: Switches) -> None:
        self._transactions = databases.openvswitch
        self._switches = switches
        self._bridges: dict[str, dict[str, Bridge]] = {name: {} for name in self._transactions}
        self._vxlan_ports = {name: VxlanPorts() for name in self._transactions}
        self.unread = set(self._transactions)
        """The databases whose initial rows are not complete yet."""
        self.change_handlers: Handlers = {
            Bridges: self._bridges_changed,
            BridgesInSync: self._in_sync,
        }

    def are_away(self) -> bool:
        """Whether no database was read yet."""
        return len(self.unread) == len(self._bridges)

    def bridges(self) -> Iterator[Bridge]:
        """Yield the bridges of all databases."""
        for bridges in self._bridges.values():
            yield from bridges.values()

    def read(self) -> Mapping[str, Mapping[str, Bridge] | None]:
        """Return the bridges of each database by their name, None for one that is not read yet."""
        return {
            name: None if name in self.unread else bridges
            for name, bridges in self._bridges.items()
        }

    def vxlan_ports(self, database: str) -> frozenset[VxlanPort]:
        """Return the VXLAN ports of all bridges of a database."""
        return self._vxlan_ports[database].ports

    def _bridges_changed(self, event: Bridges) -> None:
        bridges = self._bridges[event.database]
        for name, bridge in event.bridges.items():
            if bridge is None:
                bridges.pop(name, None)
            else:
                bridges[name] = bridge
        self._vxlan_ports[event.database].update(event.bridges)
        self._switches.changed()

    def _in_sync(self, event: BridgesInSync) -> None:
        """Drop the bridges that are gone, and resume writing to the database."""
        bridges = self._bridges[event.database]
        gone = bridges.keys() - event.names
        self._vxlan_ports[event.database].update(dict.fromkeys(gone))
        for name in gone:
            del bridges[name]
        self.unread.discard(event.database)
        self._switches.changed()
        self._transactions[event.database].back()
