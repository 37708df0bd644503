"""Physical_Port and Logical_Binding_Stats: the ports of a switch, their bindings and counters."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from ...values.addresses import Invalid, parse_vlan
from ...values.rows import BindingStats, PhysicalPort, VtepRow
from ...values.writes import PutBindingStats, PutPhysicalPort, RemovePhysicalPort
from ..declarations import Changes, Contents, Group, Keeper, Table, Write, always
from ..schemas import MAP, NEEDED, NUMBER, SET

_COUNTERS = ("packets_from_local", "bytes_from_local", "packets_to_local", "bytes_to_local")


class PhysicalPorts(Keeper):
    """A cache of decoded ports, until their rows change: counters change often."""

    def __init__(self, contents: Contents) -> None:
        super().__init__(contents)
        self._ports: dict[UUID, PhysicalPort] = {}
        self._binding_of_stats: dict[UUID, tuple[UUID, int]] = {}
        self._changed_stats: defaultdict[UUID, dict[int, BindingStats]] = defaultdict(dict)
        self._is_changed = False

    def take_change(self) -> bool:
        """Return, once, whether a port or a counter has changed."""
        is_changed, self._is_changed = self._is_changed, False
        return is_changed

    def read(self, row: Any) -> PhysicalPort:
        """Return the value of a port's row."""
        port = self._ports.get(row.uuid)
        if port is None:
            stats = row.vlan_stats
            port = self._ports[row.uuid] = _physical_port(row, stats)
            self._binding_of_stats.update(
                (each.uuid, (row.uuid, vlan)) for vlan, each in stats.items()
            )
            self._changed_stats.pop(row.uuid, None)
        elif row.uuid in self._changed_stats:
            changed = self._changed_stats.pop(row.uuid)
            port = self._ports[row.uuid] = replace(port, vlan_stats={**port.vlan_stats, **changed})
        return port

    def notice(self, table: str, row: Any, gone: bool) -> Iterable[VtepRow]:
        """Handle a row of a port or of a binding's counters; the loop gets them with the switch."""
        self._is_changed = True
        if table == "Physical_Port":
            self._ports.pop(row.uuid, None)
            return ()
        port, vlan = self._binding_of_stats.get(row.uuid, (None, 0))
        if port is not None and gone:
            del self._binding_of_stats[row.uuid]  # the port's row changes as well
        elif port is not None:
            self._changed_stats[port][vlan] = _binding_stats(row)
        return ()

    def forget(self) -> None:
        """Forget all ports."""
        self._ports.clear()
        self._binding_of_stats.clear()
        self._changed_stats.clear()


def _physical_port(row: Any, stats: Mapping[int, Any]) -> PhysicalPort:
    bindings, refused = {}, []
    for vlan, logical_switch in row.vlan_bindings.items():
        try:
            bindings[parse_vlan(vlan)] = logical_switch.uuid
        except Invalid as error:
            refused.append(f"vlan_bindings: {error}")
    return PhysicalPort(
        row.uuid,
        row.name,
        bindings,
        {vlan: _binding_stats(each) for vlan, each in stats.items()},
        {vlan: acl.uuid for vlan, acl in row.acl_bindings.items()},
        frozenset(row.port_fault_status),
        tuple(refused),
    )


def _binding_stats(row: Any) -> BindingStats:
    return BindingStats(*(getattr(row, column) for column in _COUNTERS))


def _name(port: Any) -> str:
    return str(port.name)


def _put_port(changes: Changes, write: PutPhysicalPort) -> None:
    switch = changes.row("Physical_Switch", write.switch)
    if switch is None or changes.members.of_set(switch, "ports", write.name, _name):
        return
    port = changes.insert("Physical_Port")
    port.name = write.name
    switch.addvalue("ports", port)


def _remove_port(changes: Changes, write: RemovePhysicalPort) -> None:
    switch = changes.row("Physical_Switch", write.switch)
    if switch is not None:
        for port in changes.members.of_set(switch, "ports", write.name, _name):
            switch.delvalue("ports", port)


def _put_stats(changes: Changes, write: PutBindingStats) -> None:
    port = changes.row("Physical_Port", write.port)
    if port is None:
        return
    row = changes.members.of_map(port, "vlan_stats", write.vlan)
    if write.stats is None:
        if row is not None:
            port.delkey("vlan_stats", write.vlan)
        return
    if row is None:
        row = changes.insert("Logical_Binding_Stats")
        port.setkey("vlan_stats", write.vlan, row.uuid)
    for column in _COUNTERS:
        setattr(row, column, getattr(write.stats, column))


GROUP = Group(
    tables=(
        Table(
            "Physical_Port",
            {
                "name": NEEDED,
                "vlan_bindings": NEEDED,
                "vlan_stats": MAP,
                "acl_bindings": MAP,
                "port_fault_status": SET,
            },
        ),
        Table("Logical_Binding_Stats", dict.fromkeys(_COUNTERS, NUMBER)),
    ),
    writes=(
        Write(PutPhysicalPort, _put_port),
        Write(RemovePhysicalPort, _remove_port),
        Write(
            PutBindingStats, _put_stats, always("Physical_Port.vlan_stats", "Logical_Binding_Stats")
        ),
    ),
    keeper=PhysicalPorts,
)
