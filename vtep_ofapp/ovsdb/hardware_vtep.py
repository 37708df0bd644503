"""The hardware_vtep database (vtep(5)): its rows as values, and what we write into it."""

import socket
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar
from uuid import UUID

from ..values.addresses import (
    UNKNOWN_DST,
    Invalid,
    parse_group_mac,
    parse_ipv4,
    parse_vlan,
    parse_vni,
)
from ..values.events import Event, VtepInSync, VtepRows
from ..values.rows import (
    BindingStats,
    Gone,
    LocalMac,
    LocalMcastMac,
    Locator,
    LogicalRouter,
    LogicalSwitch,
    PhysicalPort,
    PhysicalSwitch,
    Refused,
    RemoteMcastMac,
    TunnelReport,
    TunnelRow,
    VtepRow,
)
from ..values.writes import (
    IntroduceSwitch,
    PutBindingStats,
    PutFaultStatus,
    PutLocalMac,
    PutPhysicalPort,
    PutTunnel,
    PutUnknownDst,
    RemovePhysicalPort,
    RemoveTunnel,
    VtepWrite,
)
from .bulk import RemoteMacs
from .column_cache import Members
from .schemas import MAP, NUMBER, SET, TEXT, Columns, Optional

_ENCAPSULATION = "vxlan_over_ipv4"
_ROWS_AT_A_TIME = 250
"""Rows of Ucast_Macs_Remote told at once, so that neither we nor the loop take long for them."""


class VtepTables:
    """What hardware_vtep means, for a Database."""

    schema: ClassVar[str] = "hardware_vtep"
    columns: ClassVar[Columns] = {
        "Manager": ("target",),
        "Physical_Switch": (
            "name",
            "ports",
            "tunnels",
            "tunnel_ips",
            "management_ips",
            "description",
            "switch_fault_status",
        ),
        "Physical_Port": (
            "name",
            "vlan_bindings",
            "vlan_stats",
            "acl_bindings",
            "port_fault_status",
        ),
        "Tunnel": (
            "local",
            "remote",
            "bfd_params",
            "bfd_config_remote",
            "bfd_config_local",
            "bfd_status",
        ),
        "Logical_Binding_Stats": (
            "packets_from_local",
            "bytes_from_local",
            "packets_to_local",
            "bytes_to_local",
        ),
        "Logical_Switch": ("name", "tunnel_key", "replication_mode"),
        "Physical_Locator": ("encapsulation_type", "dst_ip", "tunnel_key"),
        "Physical_Locator_Set": ("locators",),
        "Ucast_Macs_Remote": ("MAC", "logical_switch", "locator"),
        "Mcast_Macs_Remote": ("MAC", "logical_switch", "locator_set"),
        "Ucast_Macs_Local": ("MAC", "logical_switch", "locator"),
        "Mcast_Macs_Local": ("MAC", "logical_switch", "locator_set"),
        "Logical_Router": ("name", "switch_binding"),
        "ACL": ("acl_name",),
    }

    optional: ClassVar[Optional] = {
        "Manager": {"target": TEXT},
        "Physical_Switch": {
            "tunnels": SET,
            "management_ips": SET,
            "description": TEXT,
            "switch_fault_status": SET,
        },
        "Physical_Port": {"vlan_stats": MAP, "acl_bindings": MAP, "port_fault_status": SET},
        "Tunnel": {
            "local": SET,
            "remote": SET,
            "bfd_params": MAP,
            "bfd_config_remote": MAP,
            "bfd_config_local": MAP,
            "bfd_status": MAP,
        },
        "Logical_Binding_Stats": {
            "packets_from_local": NUMBER,
            "bytes_from_local": NUMBER,
            "packets_to_local": NUMBER,
            "bytes_to_local": NUMBER,
        },
        "Logical_Switch": {"replication_mode": SET},
        "Physical_Locator": {"tunnel_key": SET},
        "Logical_Router": {"name": TEXT, "switch_binding": MAP},
        "ACL": {"acl_name": TEXT},
    }

    def __init__(self) -> None:
        self._tables: Mapping[str, Any] = {}
        self._missing: Columns = {}
        self._rows: list[VtepRow] = []
        self._is_within_change = False
        self._switches: dict[UUID, PhysicalSwitch] = {}
        self._switches_are_stale = False
        self._ports: dict[UUID, PhysicalPort] = {}
        self._binding_of_stats: dict[UUID, tuple[UUID, int]] = {}
        self._changed_stats: defaultdict[UUID, dict[int, BindingStats]] = defaultdict(dict)
        self._tunnels: dict[UUID, TunnelRow] = {}
        self._keys: dict[UUID, int | None] = {}
        self._with_other_key: set[UUID] = set()
        self._ends: dict[str, Locator | str] = {}
        self._remote_macs = RemoteMacs(self._ends)
        self.bulk: Mapping[str, RemoteMacs] = {"Ucast_Macs_Remote": self._remote_macs}
        self._refused_locators: set[UUID] = set()
        self._locators: dict[str, UUID] = {}
        self._new_locators: dict[str, Any] = {}
        self._members = Members()

    def attach(self, tables: Mapping[str, Any], missing: Columns) -> None:
        """Take the IDL's tables, before any row is there, and the columns that the schema lacks."""
        self._tables = tables
        self._missing = missing
        self.forget()

    def forget(self) -> None:
        """Forget all rows: those that there are will be told again, before the next in_sync().

        That a locator was refused is remembered: its end has to be told.
        """
        self._rows.clear()
        self._switches.clear()
        self._ports.clear()
        self._binding_of_stats.clear()
        self._changed_stats.clear()
        self._tunnels.clear()
        self._keys.clear()
        self._with_other_key.clear()
        self._ends.clear()
        self._remote_macs.clear()
        self._locators.clear()

    def notice(self, table: str, row: Any, gone: bool) -> None:
        """Take note of a row that is new, changed or gone."""
        if table in _OF_SWITCH:
            self._switches_are_stale = True
            self._ports.pop(row.uuid, None)
            self._tunnels.pop(row.uuid, None)
            port, vlan = self._binding_of_stats.get(row.uuid, (None, 0))
            if port is not None and gone:
                del self._binding_of_stats[row.uuid]  # and the port's own row changed
            elif port is not None:
                self._changed_stats[port][vlan] = _binding_stats(row)
        elif table == "Physical_Locator":
            self._notice_locator(row, gone)
        elif table in _READERS:
            self._rows.append(Gone(row.uuid) if gone else _read(table, row))

    def take(self, more: bool) -> Iterable[Event]:
        """Return the next part of a change: the noticed rows, and some of those in bulk."""
        if self._switches_are_stale:
            self._switches_are_stale = False
            self._read_switches()
        if self._with_other_key:
            self._read_again()
        in_bulk = list(self._remote_macs.take(_ROWS_AT_A_TIME))
        rows, self._rows = [*self._rows, *in_bulk], []
        more |= self._remote_macs.is_behind
        if not rows and (more or not self._is_within_change):
            return ()
        self._is_within_change = more
        return (VtepRows(rows, more),)

    def in_sync(self) -> Event:
        """Return the event that says that everything there is was told; it ends a change."""
        self._is_within_change = False
        self._refused_locators &= self._tables["Physical_Locator"].rows.keys()
        tables = (*_READERS, "Physical_Switch", "Physical_Locator")
        rows = (self._tables[each].rows for each in tables)
        return VtepInSync(frozenset(self._remote_macs.uuids()).union(*rows))

    def _notice_locator(self, row: Any, gone: bool) -> None:
        if not gone and not row.tunnel_key:
            self._locators[row.dst_ip] = row.uuid
        elif self._locators.get(row.dst_ip) == row.uuid:
            del self._locators[row.dst_ip]
        if gone:
            self._keys.pop(row.uuid, None)
            self._ends.pop(str(row.uuid), None)
            self._unrefuse(row.uuid)
            return
        key = row.tunnel_key[0] if row.tunnel_key else None
        if self._keys.get(row.uuid, key) != key:
            self._with_other_key.add(row.uuid)
        self._keys[row.uuid] = key
        try:
            self._ends[str(row.uuid)] = _locator(row)
        except Invalid as error:
            self._ends[str(row.uuid)] = str(error)
            self._refused_locators.add(row.uuid)
            self._rows.append(Refused(row.uuid, f"Physical_Locator {row.uuid}", str(error)))
        else:
            self._unrefuse(row.uuid)

    def _unrefuse(self, locator: UUID) -> None:
        """Tell that a locator that could not be used is mended or gone."""
        if locator in self._refused_locators:
            self._refused_locators.discard(locator)
            self._rows.append(Gone(locator))

    def _read_again(self) -> None:
        """Read the rows that name a locator whose key changed; that is rare, and may take long."""
        locators, self._with_other_key = self._with_other_key, set()
        self._remote_macs.read_again(locators)
        for row in self._tables["Mcast_Macs_Remote"].rows.values():
            if any(locator.uuid in locators for locator in row.locator_set.locators):
                self._rows.append(_read("Mcast_Macs_Remote", row))

    def _read_switches(self) -> None:
        former = self._switches
        rows = self._tables["Physical_Switch"].rows
        self._switches = {row.uuid: self._physical_switch(row) for row in rows.values()}
        self._rows.extend(Gone(uuid) for uuid in former.keys() - self._switches.keys())
        self._rows.extend(
            switch for switch in self._switches.values() if former.get(switch.uuid) != switch
        )

    def _physical_switch(self, row: Any) -> PhysicalSwitch:
        tunnel_ips, refused = [], []
        for text in sorted(row.tunnel_ips):
            try:
                tunnel_ips.append(parse_ipv4(text))
            except Invalid as error:
                refused.append(f"tunnel_ips: {error}")
        return PhysicalSwitch(
            row.uuid,
            row.name,
            tuple(tunnel_ips),
            tuple(sorted(map(self._port, row.ports), key=_uuid)),
            tuple(sorted(map(self._tunnel, row.tunnels), key=_uuid)),
            frozenset(row.management_ips),
            row.description,
            frozenset(row.switch_fault_status),
            tuple(refused),
            self._towards_managers(),
        )

    def _towards_managers(self) -> frozenset[str]:
        managers = self._tables["Manager"].rows.values()
        addresses = (_towards(each.target) for each in managers)
        return frozenset(address for address in addresses if address is not None)

    def _port(self, row: Any) -> PhysicalPort:
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

    def _tunnel(self, row: Any) -> TunnelRow:
        tunnel = self._tunnels.get(row.uuid)
        if tunnel is None:
            tunnel = self._tunnels[row.uuid] = _tunnel(row)
        return tunnel

    # Writes

    def takes(self, write: VtepWrite) -> bool:
        """Return whether the schema has the columns that a write is about."""
        if not self._missing:
            return True
        if isinstance(write, PutFaultStatus):
            table = write.row.table
            return not self._lacks(f"{table.value}.{table.column}")
        return not any(map(self._lacks, _COLUMNS_OF_WRITES.get(type(write), ())))

    def _lacks(self, name: str) -> bool:
        table, _, column = name.partition(".")
        absent = self._missing.get(table, ())
        return column in absent if column else bool(absent)

    def perform(self, transaction: Any, writes: Sequence[VtepWrite]) -> None:
        """Change rows within the transaction so that the writes are fulfilled."""
        self._new_locators = {}
        self._members = Members()
        for write in writes:
            self._WRITERS[type(write)](self, transaction, write)

    def _put_local_mac(self, transaction: Any, write: PutLocalMac) -> None:
        table = self._tables["Ucast_Macs_Local"]
        right = self._keep_one(
            table, write.rows, lambda row: bool(row.locator.dst_ip == write.address)
        )
        logical_switch = self._tables["Logical_Switch"].rows.get(write.logical_switch)
        if right or write.address is None or logical_switch is None:
            return
        row = transaction.insert(table)
        row.MAC = write.mac
        row.logical_switch = logical_switch
        row.locator = self._locator(transaction, write.address)

    def _put_unknown_dst(self, transaction: Any, write: PutUnknownDst) -> None:
        table = self._tables["Mcast_Macs_Local"]
        right = self._keep_one(table, write.rows, lambda row: _addresses(row) == write.addresses)
        logical_switch = self._tables["Logical_Switch"].rows.get(write.logical_switch)
        if right or not write.addresses or logical_switch is None:
            return
        locators = transaction.insert(self._tables["Physical_Locator_Set"])
        locators.locators = [self._locator(transaction, each) for each in write.addresses]
        row = transaction.insert(table)
        row.MAC = UNKNOWN_DST
        row.logical_switch = logical_switch
        row.locator_set = locators

    def _keep_one(self, table: Any, rows: Iterable[UUID], is_right: Callable[[Any], bool]) -> bool:
        """Delete all of the rows but the first one that is right; return whether there is one."""
        found = False
        for uuid in rows:
            row = table.rows.get(uuid)
            if row is None:
                continue
            if not found and is_right(row):
                found = True
            else:
                row.delete()
        return found

    def _locator(self, transaction: Any, address: str) -> Any:
        """Return the locator of an address without a key of its own, the NVC's or a new one."""
        table = self._tables["Physical_Locator"]
        row = table.rows.get(self._locators.get(address)) or self._new_locators.get(address)
        if row is None:
            row = self._new_locators[address] = transaction.insert(table)
            row.encapsulation_type = _ENCAPSULATION
            row.dst_ip = address
        return row

    def _put_physical_port(self, transaction: Any, write: PutPhysicalPort) -> None:
        switch = self._tables["Physical_Switch"].rows.get(write.switch)
        if switch is None or self._members.of_set(switch, "ports", write.name, _name):
            return
        port = transaction.insert(self._tables["Physical_Port"])
        port.name = write.name
        switch.addvalue("ports", port)

    def _remove_physical_port(self, _: Any, write: RemovePhysicalPort) -> None:
        switch = self._tables["Physical_Switch"].rows.get(write.switch)
        if switch is not None:
            for port in self._members.of_set(switch, "ports", write.name, _name):
                switch.delvalue("ports", port)

    def _put_fault_status(self, _: Any, write: PutFaultStatus) -> None:
        table = write.row.table
        row = self._tables[table.value].rows.get(write.row.uuid)
        if row is not None:
            setattr(row, table.column, sorted(write.entries))

    def _put_tunnel(self, transaction: Any, write: PutTunnel) -> None:
        switch = self._tables["Physical_Switch"].rows.get(write.switch)
        remote = self._tables["Physical_Locator"].rows.get(write.locator)
        if switch is None or remote is None:
            return
        rows = self._members.of_set(switch, "tunnels", write.locator, _remote_end)
        if not rows:
            rows = [transaction.insert(self._tables["Tunnel"])]
            rows[0].remote = remote
            switch.addvalue("tunnels", rows[0])
        for row in rows:
            row.local = self._locator(transaction, write.report.local)
            row.bfd_config_local = dict(write.report.bfd_config_local)
            row.bfd_status = dict(write.report.bfd_status)

    def _remove_tunnel(self, _: Any, write: RemoveTunnel) -> None:
        switch = self._tables["Physical_Switch"].rows.get(write.switch)
        if switch is not None:
            for row in self._members.of_set(switch, "tunnels", write.locator, _remote_end):
                switch.delvalue("tunnels", row)

    def _put_binding_stats(self, transaction: Any, write: PutBindingStats) -> None:
        port = self._tables["Physical_Port"].rows.get(write.port)
        if port is None:
            return
        row = self._members.of_map(port, "vlan_stats", write.vlan)
        if write.stats is None:
            if row is not None:
                port.delkey("vlan_stats", write.vlan)
            return
        if row is None:
            row = transaction.insert(self._tables["Logical_Binding_Stats"])
            port.setkey("vlan_stats", write.vlan, row.uuid)
        for column in self.columns["Logical_Binding_Stats"]:
            setattr(row, column, getattr(write.stats, column))

    def _introduce_switch(self, _: Any, write: IntroduceSwitch) -> None:
        switch = self._tables["Physical_Switch"].rows.get(write.switch)
        if switch is None:
            return
        if not switch.management_ips and write.management_ips:
            switch.management_ips = sorted(write.management_ips)
        if not switch.description:
            switch.description = write.description

    _WRITERS: ClassVar[dict[type, Callable[["VtepTables", Any, Any], None]]] = {
        PutLocalMac: _put_local_mac,
        PutUnknownDst: _put_unknown_dst,
        PutPhysicalPort: _put_physical_port,
        RemovePhysicalPort: _remove_physical_port,
        PutFaultStatus: _put_fault_status,
        PutTunnel: _put_tunnel,
        RemoveTunnel: _remove_tunnel,
        PutBindingStats: _put_binding_stats,
        IntroduceSwitch: _introduce_switch,
    }


_COLUMNS_OF_WRITES: Mapping[type, tuple[str, ...]] = {
    PutTunnel: ("Physical_Switch.tunnels", "Tunnel"),
    RemoveTunnel: ("Physical_Switch.tunnels", "Tunnel"),
    PutBindingStats: ("Physical_Port.vlan_stats", "Logical_Binding_Stats"),
    IntroduceSwitch: ("Physical_Switch.description", "Physical_Switch.management_ips"),
}
"""Tables and columns all of which a write is about, as far as a schema may lack them."""


# Rows to values


def _read(table: str, row: Any) -> VtepRow:
    try:
        return _READERS[table](row)
    except Invalid as error:
        subject = f"{table} {row.MAC} (row {row.uuid})"
        return Refused(row.uuid, subject, str(error), row.logical_switch.uuid)


def _logical_switch(row: Any) -> LogicalSwitch:
    keys: list[int] = row.tunnel_key
    key, refused = None, []
    try:
        key = parse_vni(keys[0]) if keys else None
    except Invalid as error:
        refused.append(str(error))
    is_source_node = row.replication_mode == ["source_node"]
    return LogicalSwitch(row.uuid, row.name, key, is_source_node, tuple(refused))


def _remote_group(row: Any) -> RemoteMcastMac:
    mac = parse_group_mac(row.MAC)
    locators, refused = _locators(row)
    return RemoteMcastMac(row.uuid, mac, row.logical_switch.uuid, locators, refused)


def _logical_router(row: Any) -> LogicalRouter:
    joined = frozenset(each.uuid for each in row.switch_binding.values())
    return LogicalRouter(row.uuid, row.name, joined)


def _local_mac(row: Any) -> LocalMac:
    return LocalMac(row.uuid, row.MAC.lower(), row.logical_switch.uuid, row.locator.dst_ip)


def _local_group(row: Any) -> LocalMcastMac:
    return LocalMcastMac(row.uuid, row.MAC.lower(), row.logical_switch.uuid, _addresses(row))


_READERS: Mapping[str, Callable[[Any], VtepRow]] = {
    "Logical_Switch": _logical_switch,
    "Mcast_Macs_Remote": _remote_group,
    "Ucast_Macs_Local": _local_mac,
    "Mcast_Macs_Local": _local_group,
    "Logical_Router": _logical_router,
}

_OF_SWITCH = ("Physical_Switch", "Physical_Port", "Tunnel", "Logical_Binding_Stats", "Manager")
"""Tables whose rows are read as parts of a Physical_Switch."""


def _locator(row: Any) -> Locator:
    if row.encapsulation_type != _ENCAPSULATION:
        raise Invalid(f"{row.encapsulation_type!r} is no encapsulation that we know")
    key = parse_vni(row.tunnel_key[0]) if row.tunnel_key else None
    return Locator(row.uuid, parse_ipv4(row.dst_ip), key)


def _locators(row: Any) -> tuple[frozenset[Locator], tuple[str, ...]]:
    """Return the locators of a row's set, and why others are left out."""
    locators, refused = set(), []
    for each in row.locator_set.locators:
        try:
            locators.add(_locator(each))
        except Invalid as error:
            refused.append(f"its locator is left out: {error}")
    return frozenset(locators), tuple(sorted(refused))


def _addresses(row: Any) -> frozenset[str]:
    return frozenset(locator.address for locator in _locators(row)[0])


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
        bool(row.acl_bindings),
        frozenset(row.port_fault_status),
        tuple(refused),
    )


def _binding_stats(row: Any) -> BindingStats:
    return BindingStats(
        row.packets_from_local, row.bytes_from_local, row.packets_to_local, row.bytes_to_local
    )


def _tunnel(row: Any) -> TunnelRow:
    report = TunnelReport(row.local.dst_ip, row.bfd_config_local, row.bfd_status)
    remote = row.remote
    return TunnelRow(
        row.uuid, remote.uuid, remote.dst_ip, report, row.bfd_params, row.bfd_config_remote
    )


def _towards(target: str) -> str | None:
    """Return this host's address on the way to a manager, None where it has none of its own.

    A passive target (ptcp:PORT:HOST) may say it. For an active one (tcp:HOST:PORT) the route
    does: connecting a datagram socket sends nothing.
    """
    method, _, rest = target.partition(":")
    first, _, second = rest.partition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            if method in ("ptcp", "pssl"):
                address = parse_ipv4(second)
            else:
                probe.connect((parse_ipv4(first), 6640))
                address = str(probe.getsockname()[0])
        except (Invalid, OSError):
            return None
    return None if address.startswith("127.") else address


def _uuid(row: PhysicalPort | TunnelRow) -> UUID:
    return row.uuid


def _name(port: Any) -> str:
    return str(port.name)


def _remote_end(tunnel: Any) -> UUID:
    locator: UUID = tunnel.remote.uuid
    return locator
