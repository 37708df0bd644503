"""Managed switches and all that they are told, with Open vSwitch making their tunnel ports.

A World keeps what the databases would hold and tells it to the code under test change by
change, as the loop does. ``restarted()`` tells the same to switches of a new process.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any
from uuid import UUID

from vtep_ofapp.engine.desired_actual import DesiredActual, K, W
from vtep_ofapp.engine.feature import Announcer, Clock, Feature
from vtep_ofapp.engine.model import Model
from vtep_ofapp.engine.stable_ids import StableIds
from vtep_ofapp.engine.switch_flows import SwitchFlows
from vtep_ofapp.engine.switch_state import SwitchState
from vtep_ofapp.engine.topics import ContentsRead, StationsChanged, Topic
from vtep_ofapp.features.bindings.ports import Ports, VlanBinding
from vtep_ofapp.features.learning.stations import LearnedMacs
from vtep_ofapp.features.logical_switches.rows import LogicalSwitches
from vtep_ofapp.features.registry import FEATURES
from vtep_ofapp.features.replication import McastSets
from vtep_ofapp.pipeline.layout import LOGICAL_SWITCH, SOURCE_BINDING, Priority
from vtep_ofapp.process.settings import Settings
from vtep_ofapp.values.faults import Fault
from vtep_ofapp.values.flows import Flow, FlowKey, Group, match
from vtep_ofapp.values.rows import (
    ANYONE,
    BridgePort,
    Gone,
    LogicalSwitch,
    PhysicalSwitch,
    VtepRow,
)

from .builders import bridge, physical_switch, port, unknown_source
from .declared import check_flow, check_group
from .reading import read_flows, read_groups

FIRST_TUNNEL_PORT = 1000
"""OpenFlow ports from here on are given to tunnels, so that no other port has them."""

NO_CONNECTION: Any = None
"""A World has no connections."""


class StrictReconciliation(DesiredActual[K, W]):
    """What is wanted has one owner: nobody may want something where something is wanted."""

    def want(self, key: K, value: W | None) -> None:
        assert value is None or key not in self.wanted, f"two owners want {key}"
        if isinstance(value, Flow):
            check_flow(value)
        elif isinstance(value, Group):
            check_group(value)
        super().want(key, value)


class StrictFlows(StrictReconciliation[FlowKey, Flow], SwitchFlows):
    """The flows of a switch, each of which has one owner."""


class World:
    """``limit`` is how many numbers there are: few make logical switches collide, and groups.

    ``watch`` is called at the end of each turn.
    """

    def __init__(
        self,
        names: Iterable[str] = ("br0",),
        limit: int | None = None,
        settings: Settings | None = None,
        features: Iterable[Feature] = FEATURES,
        clock: Clock = time.monotonic,
    ) -> None:
        self.limit = limit
        self.settings = settings or Settings()
        self.features = tuple(features)
        self.clock = clock
        self.model = Model(self.features, clock)
        self.logical_switches = self.model[LogicalSwitches]
        if limit is not None:
            self.logical_switches.ids = StableIds(limit)
            self.model[McastSets].ids = StableIds(limit)
        self.macs = self.model[LearnedMacs]
        self.rows: dict[UUID, VtepRow] = {}
        self.switches = {name: self._new_switch(name) for name in names}
        self.physical_rows: dict[str, PhysicalSwitch | None] = {}
        self._faults: dict[tuple[str, Any], tuple[Fault, ...]] = {}
        self._next_port = FIRST_TUNNEL_PORT
        self.watch: Callable[[], None] = lambda: None

    def _new_switch(self, name: str) -> SwitchState:
        switch = SwitchState(name, self.model, self.settings, self.clock)
        switch.flows = StrictFlows(switch.flows.watchers)
        switch.groups = StrictReconciliation()
        for kind in switch.rows:
            switch.rows[kind] = StrictReconciliation()
        return switch

    @property
    def switch(self) -> SwitchState:
        """The one switch of a World with one."""
        (switch,) = self.switches.values()
        return switch

    # What happens

    def tell(self, *rows: VtepRow) -> None:
        """Rows of the NVC are new, changed or gone."""
        for row in rows:
            if isinstance(row, Gone):
                self.rows.pop(row.uuid, None)
            else:
                self.rows[row.uuid] = row
            self.invalidate(self.model.update(row))

    def invalidate(self, topics: Iterable[Topic]) -> None:
        for switch in self.switches.values():
            for topic in topics:
                switch.invalidate(topic)

    def physical(self, row: PhysicalSwitch | None, name: str = "br0") -> None:
        """The Physical_Switch row of a bridge is new, changed or gone."""
        former, self.physical_rows[name] = self.physical_rows.get(name), row
        if former is not None and (row is None or former.uuid != row.uuid):
            self.invalidate(self.model.update(Gone(former.uuid)))
        if row is not None:
            self.invalidate(self.model.update(row))
        if self.switches[name].bridge is not None or row is None:
            self.switches[name].set_physical(row)

    def bridge(self, *ports: BridgePort, name: str = "br0") -> None:
        """The bridge has these ports besides its tunnel ports."""
        self.exactly(*ports, *self._ours(name), name=name)

    def exactly(self, *ports: BridgePort, name: str = "br0") -> None:
        """The bridge has these ports and no others."""
        switch = self.switches[name]
        if switch.bridge is None:
            switch.set_physical(self.physical_rows.get(name))
        switch.set_bridge(bridge(*ports, name=name))

    def no_bridge(self, name: str = "br0") -> None:
        """The bridge is gone; when it comes back, its switch knows nothing of the past."""
        self.switches[name].set_bridge(None)
        self.settle()
        self.switches[name] = self._new_switch(name)
        self._faults = {key: faults for key, faults in self._faults.items() if key[0] != name}

    def tunnel_ports(self, name: str = "br0") -> list[BridgePort]:
        """Return the tunnel ports that are there, but for those to ANYONE."""
        return [port for port in self._ours(name) if port.remote != ANYONE]

    def ports_to_anyone(self, name: str = "br0") -> list[BridgePort]:
        return [port for port in self._ours(name) if port.remote == ANYONE]

    def _ours(self, name: str) -> list[BridgePort]:
        there = self.switches[name].bridge
        return [port for port in there.ports.values() if port.is_ours] if there else []

    def make_tunnels(
        self,
        name: str | None = None,
        outcome: Callable[[str], str] = lambda address: "up",
    ) -> None:
        """Open vSwitch makes and removes tunnel ports as it is asked to.

        ``outcome`` tells for an address whether its new port is "up", "late" (it is there but has
        no number yet), has an "error" or is not there yet at all ("later").
        """
        for each in [name] if name else self.switches:
            self._make_tunnels(each, outcome)

    def _make_tunnels(self, name: str, outcome: Callable[[str], str]) -> None:
        switch = self.switches[name]
        if switch.bridge is None:
            return
        there = {port.name: port for port in self._ours(name)}
        ports = [port for port in switch.bridge.ports.values() if not port.is_ours]
        for port_name, wanted in switch.tunnel_ports.wanted.items():
            port = there.get(port_name)
            if port is None or (port.number is None and port.error is None):
                made = self._make_tunnel(port_name, wanted.remote, outcome(wanted.remote))
                port = made if made is not None else port
            if port is not None:
                ports.append(
                    replace(port, remote=wanted.remote, local=wanted.local, bfd=wanted.bfd)
                )
        if ports != list(switch.bridge.ports.values()):
            self.exactly(*ports, name=name)

    def _make_tunnel(self, name: str, address: str, outcome: str) -> BridgePort | None:
        if outcome == "later":
            return None
        self._next_port += 1
        return port(
            name,
            self._next_port if outcome == "up" else None,
            error="could not" if outcome == "error" else None,
            is_ours=True,
            remote=address,
        )

    def see(self, mac: str, port: str, vlan: int = 0, name: str = "br0") -> None:
        """The switch shows a frame of an unknown station that came in by a binding."""
        found = self.switches[name].view[Ports].binding(VlanBinding(port, vlan))
        number = self.logical_switches.number(found.logical_switch) if found else None
        if found is not None and number is not None:
            self.show(found.number, number, mac, name)

    def show(self, source_binding: int, logical_switch: int, mac: str, name: str = "br0") -> None:
        fields = match({SOURCE_BINDING: source_binding, LOGICAL_SWITCH: logical_switch})
        self.switches[name].packet_in(unknown_source(NO_CONNECTION, fields, mac))

    def idle(self, mac: str, logical_switch: UUID) -> None:
        """The flow that knows a station ends on every switch, as nothing was heard of it."""
        number = self.logical_switches.number(logical_switch)
        for switch in self.switches.values():
            for key in list(switch.flows.wanted):
                fields = dict(key.match)
                if (fields.get("eth_src"), fields.get(LOGICAL_SWITCH)) == (mac, number):
                    switch.flows.have(key, None)
                    switch.flows.ended(key)

    def read_back(self, flows: dict[FlowKey, Flow], groups: dict[int, Group]) -> None:
        """The one switch says what it has."""
        self.switch.groups.have_only(groups)
        list(self.switch.flows.read_back(flows))
        self.switch.invalidate(ContentsRead(flows, groups))

    def settle(self) -> None:
        """A turn of the loop: recompute every invalid owner."""
        self.invalidate([StationsChanged(self.macs.take_changed())])
        self.invalidate(_announced(self.model))
        for name, switch in self.switches.items():
            for owner, faults in switch.recompute():
                self._faults[name, owner] = faults
        self.watch()

    def calm_down(self, outcome: Callable[[str], str] = lambda address: "up") -> None:
        """Settle until Open vSwitch has made, or given up on, every tunnel that is wanted."""
        for _ in range(5):
            self.settle()
            while any(switch.is_behind for switch in self.switches.values()):
                self.settle()
            before = {name: switch.bridge for name, switch in self.switches.items()}
            self.make_tunnels(outcome=outcome)
            if before == {name: switch.bridge for name, switch in self.switches.items()}:
                return
        raise AssertionError("the tunnels that are wanted change without end")

    # What came of it

    def restarted(self) -> "World":
        """Return the World of a new process, which has read the same rows, ports and stations."""
        other = World(self.switches, self.limit, self.settings, self.features)
        other._next_port = self._next_port
        for row in sorted(self.rows.values(), key=lambda row: row.uuid, reverse=True):
            other.tell(row)
        for logical_switch, mac in self.macs.all():
            place = self.macs.place(logical_switch, mac)
            assert place is not None
            other.macs.learn(mac, place)
        for name, switch in self.switches.items():
            other.physical(self.physical_rows.get(name), name)
            if switch.bridge is not None:
                other.exactly(*switch.bridge.ports.values(), name=name)
        return other

    def restarted_and_settled(self) -> "World":
        """Return restarted() after it has taken over the tunnel ports, which exist already."""
        other = self.restarted()
        other.calm_down()
        return other

    def flow_values(self, name: str = "br0") -> list[Flow]:
        return list(self.switches[name].flows.wanted.values())

    def group_values(self, name: str = "br0") -> list[Group]:
        return list(self.switches[name].groups.wanted.values())

    def names(self) -> dict[int, str]:
        """Return the names of logical switches by their numbers."""
        rows = (row for row in self.rows.values() if isinstance(row, LogicalSwitch))
        return {self.logical_switches.ids.number(row.uuid): row.name for row in rows}

    def flows(self, *tables: str, name: str = "br0") -> set[str]:
        """Return the wanted flows as lines.

        Those of some tables are without what all switches have, and without what becomes of
        frames from VTEPs that no row names.
        """
        if not tables:
            return read_flows(self.flow_values(name), self.names())
        values = [each for each in self.flow_values(name) if each.key.priority != Priority.FALLBACK]
        text = read_flows(values, self.names())
        bare = World(["br0"])
        bare.exactly()
        bare.physical(physical_switch())
        bare.settle()
        return {line for line in text - bare.flows() if line.split()[0] in tables}

    def groups(self, name: str = "br0") -> set[str]:
        """Return the wanted groups as lines, without those that every switch has."""
        return read_groups(self.group_values(name), self.names()) - {
            "alive = nothing",
            "again = resubmit REPLICATION",
        }

    def tunnels(self, name: str = "br0") -> set[tuple[str, str]]:
        """Return the wanted tunnels as (remote, local), but for those to ANYONE."""
        wanted = self.switches[name].tunnel_ports.wanted.values()
        return {(each.remote, each.local) for each in wanted if each.remote != ANYONE}

    def locals_to_anyone(self, name: str = "br0") -> set[str]:
        """Return our ends of the wanted tunnels to ANYONE."""
        wanted = self.switches[name].tunnel_ports.wanted.values()
        return {each.local for each in wanted if each.remote == ANYONE}

    def faults(self) -> set[Fault]:
        return {fault for faults in self._faults.values() for fault in faults}

    def complaints(self) -> set[str]:
        """Return the faults as people read them, without those that are said later."""
        return {str(fault) for fault in self.faults() if not fault.patience}

    def late_complaints(self) -> set[str]:
        """Return the faults that people read if they last, as they read them."""
        return {str(fault) for fault in self.faults() if fault.patience}

    def summary(self) -> dict[str, set[str]]:
        """Return all that the switches want and complain of, to compare."""
        found = {"faults": {repr(fault) for fault in self.faults()}}
        for name, switch in self.switches.items():
            found[f"flows of {name}"] = set(map(str, switch.flows.wanted.values()))
            found[f"groups of {name}"] = set(map(str, switch.groups.wanted.values()))
            found[f"tunnels of {name}"] = set(map(str, switch.tunnel_ports.wanted.items()))
            for kind, rows in switch.rows.items():
                found[f"{kind.__name__} of {name}"] = set(map(str, rows.wanted.items()))
        return found


def _announced(model: Model) -> list[Topic]:
    announcers = [each for each in model.known.values() if isinstance(each, Announcer)]
    return [topic for each in announcers for topic in each.take_topics()]
