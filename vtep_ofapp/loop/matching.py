"""Match Physical_Switch rows with bridges, and find the missing steps of the others."""

from ..values.listen_address import ListenAddress
from .bridge_choice import Choice, choose
from .connections import Connections
from .fault_log import FaultLog
from .forgotten_steps import missing
from .hosts import Hosts
from .switches import Switches
from .vtep_rows import KnownRows


class Matching:
    """Matches Physical_Switch rows with bridges. ``listener`` is the address they connect to."""

    def __init__(
        self,
        rows: KnownRows,
        hosts: Hosts,
        switches: Switches,
        connections: Connections,
        faults: FaultLog,
        listener: ListenAddress,
    ) -> None:
        self._rows = rows
        self._hosts = hosts
        self._switches = switches
        self._connections = connections
        self._faults = faults
        self._listener = listener
        self._choice = Choice()
        self._missing: set[str] = set()

    def match(self) -> None:
        """Match Physical_Switch rows with bridges, and compare their datapath ids."""
        rows = self._rows.by_name()
        self._choice = choose(self._hosts.read(), rows)
        if self._switches.match(rows, self._choice.bridges, self._hosts.vxlan_ports):
            self._connections.forget_refusals()
        self._connections.compare_ids()

    def find_missing(self) -> None:
        """Find the step that an operator has forgotten, for each switch that is not connected."""
        found = missing(
            self._rows.by_name(),
            self._choice.bridges,
            self._choice.waiting,
            self._switches.connected(),
            sorted(self._hosts.unread),
            self._listener,
        )
        said = {name: [fault] for name, fault in found.items()} | self._choice.faults
        for name in said.keys() | self._missing:
            self._faults.find((name, "missing"), said.get(name, ()))
        self._missing = set(said)
