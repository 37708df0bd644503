"""The hardware_vtep database (vtep(5)): its rows as values, and what we write into it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar
from uuid import UUID

from ..events import Event, VtepInSync, VtepRows
from ..model import (
    Gone,
    LocalGroup,
    LocalMac,
    LogicalSwitch,
    PhysicalPort,
    PhysicalSwitch,
    Refused,
    RemoteGroup,
    RemoteMac,
    VtepRow,
)
from ..values import (
    UNKNOWN_DST,
    Invalid,
    parse_group_mac,
    parse_ipv4,
    parse_unicast_mac,
    parse_vlan,
    parse_vni,
)
from ..writes import (
    PutFaultStatus,
    PutLocalMac,
    PutPhysicalPort,
    PutUnknownDst,
    RemovePhysicalPort,
    VtepWrite,
)

_ENCAPSULATION = "vxlan_over_ipv4"


class VtepTables:
    """What hardware_vtep means, for a Database."""

    database: ClassVar[str] = "hardware_vtep"
    columns: ClassVar[Mapping[str, Sequence[str]]] = {
        "Physical_Switch": ("name", "ports", "tunnel_ips", "switch_fault_status"),
        "Physical_Port": ("name", "vlan_bindings", "port_fault_status"),
        "Logical_Switch": ("name", "tunnel_key", "replication_mode"),
        "Physical_Locator": ("encapsulation_type", "dst_ip", "tunnel_key"),
        "Physical_Locator_Set": ("locators",),
        "Ucast_Macs_Remote": ("MAC", "logical_switch", "locator"),
        "Mcast_Macs_Remote": ("MAC", "logical_switch", "locator_set"),
        "Ucast_Macs_Local": ("MAC", "logical_switch", "locator"),
        "Mcast_Macs_Local": ("MAC", "logical_switch", "locator_set"),
    }

    def __init__(self) -> None:
        self._tables: Mapping[str, Any] = {}
        self._rows: list[VtepRow] = []
        self._switches: dict[UUID, PhysicalSwitch] = {}
        self._switches_are_stale = False
        self._locators: dict[str, UUID] = {}
        self._new_locators: dict[str, Any] = {}

    def attach(self, tables: Mapping[str, Any]) -> None:
        """Take the IDL's tables, before any row is there."""
        self._tables = tables

    def notice(self, table: str, row: Any, gone: bool) -> None:
        """Take note of a row that is new, changed or gone."""
        if table in ("Physical_Switch", "Physical_Port"):
            self._switches_are_stale = True
        elif table == "Physical_Locator":
            self._notice_locator(row, gone)
        elif table in _READERS:
            self._rows.append(Gone(row.uuid) if gone else _read(table, row))

    def take(self) -> Iterable[Event]:
        """Return the events that the noticed rows amount to."""
        if self._switches_are_stale:
            self._switches_are_stale = False
            self._read_switches()
        if not self._rows:
            return ()
        rows, self._rows = self._rows, []
        return (VtepRows(rows),)

    def in_sync(self) -> Event:
        """Return the event that says that everything there is was told."""
        tables = (*_READERS, "Physical_Switch", "Physical_Locator")
        return VtepInSync(frozenset(uuid for each in tables for uuid in self._tables[each].rows))

    def _notice_locator(self, row: Any, gone: bool) -> None:
        if not gone and not row.tunnel_key:
            self._locators[row.dst_ip] = row.uuid
        elif self._locators.get(row.dst_ip) == row.uuid:
            del self._locators[row.dst_ip]
        if gone:
            self._rows.append(Gone(row.uuid))
            return
        try:
            _address(row)
        except Invalid as error:
            self._rows.append(Refused(row.uuid, f"Physical_Locator {row.uuid}", str(error)))

    def _read_switches(self) -> None:
        former = self._switches
        rows = self._tables["Physical_Switch"].rows
        self._switches = {row.uuid: _physical_switch(row) for row in rows.values()}
        self._rows.extend(Gone(uuid) for uuid in former.keys() - self._switches.keys())
        self._rows.extend(
            switch for switch in self._switches.values() if former.get(switch.uuid) != switch
        )

    # Writes

    def perform(self, transaction: Any, writes: Sequence[VtepWrite]) -> None:
        """Change rows within the transaction so that the writes are fulfilled."""
        self._new_locators = {}
        for write in writes:
            if isinstance(write, PutLocalMac):
                self._put_local_mac(transaction, write)
            elif isinstance(write, PutUnknownDst):
                self._put_unknown_dst(transaction, write)
            elif isinstance(write, PutPhysicalPort):
                self._put_physical_port(transaction, write)
            elif isinstance(write, RemovePhysicalPort):
                self._remove_physical_port(write)
            else:
                self._put_fault_status(write)

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
        if switch is None or any(port.name == write.name for port in switch.ports):
            return
        port = transaction.insert(self._tables["Physical_Port"])
        port.name = write.name
        switch.addvalue("ports", port)

    def _remove_physical_port(self, write: RemovePhysicalPort) -> None:
        switch = self._tables["Physical_Switch"].rows.get(write.switch)
        for port in switch.ports if switch else ():
            if port.name == write.name:
                switch.delvalue("ports", port)

    def _put_fault_status(self, write: PutFaultStatus) -> None:
        switch = self._tables["Physical_Switch"].rows.get(write.row)
        port = self._tables["Physical_Port"].rows.get(write.row)
        if switch is not None:
            switch.switch_fault_status = sorted(write.entries)
        elif port is not None:
            port.port_fault_status = sorted(write.entries)


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
    mode = getattr(row, "replication_mode", [])
    return LogicalSwitch(row.uuid, row.name, key, mode == ["source_node"], tuple(refused))


def _remote_mac(row: Any) -> RemoteMac:
    mac = parse_unicast_mac(row.MAC)
    return RemoteMac(row.uuid, mac, row.logical_switch.uuid, _address(row.locator))


def _remote_group(row: Any) -> RemoteGroup:
    """Leave out locators that cannot be used; their own rows are refused, and that is said."""
    mac = parse_group_mac(row.MAC)
    return RemoteGroup(row.uuid, mac, row.logical_switch.uuid, _addresses(row))


def _local_mac(row: Any) -> LocalMac:
    return LocalMac(row.uuid, row.MAC.lower(), row.logical_switch.uuid, row.locator.dst_ip)


def _local_group(row: Any) -> LocalGroup:
    return LocalGroup(row.uuid, row.MAC.lower(), row.logical_switch.uuid, _addresses(row))


_READERS: Mapping[str, Callable[[Any], VtepRow]] = {
    "Logical_Switch": _logical_switch,
    "Ucast_Macs_Remote": _remote_mac,
    "Mcast_Macs_Remote": _remote_group,
    "Ucast_Macs_Local": _local_mac,
    "Mcast_Macs_Local": _local_group,
}


def _address(locator: Any) -> str:
    if locator.encapsulation_type != _ENCAPSULATION:
        raise Invalid(f"{locator.encapsulation_type!r} is no encapsulation that we know")
    return parse_ipv4(locator.dst_ip)


def _addresses(row: Any) -> frozenset[str]:
    addresses = set()
    for locator in row.locator_set.locators:
        try:
            addresses.add(_address(locator))
        except Invalid:
            continue  # said of the locator's own row
    return frozenset(addresses)


def _physical_switch(row: Any) -> PhysicalSwitch:
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
        tuple(sorted((_physical_port(port) for port in row.ports), key=lambda port: port.uuid)),
        frozenset(row.switch_fault_status),
        tuple(refused),
    )


def _physical_port(row: Any) -> PhysicalPort:
    bindings, refused = {}, []
    for vlan, logical_switch in row.vlan_bindings.items():
        try:
            bindings[parse_vlan(vlan)] = logical_switch.uuid
        except Invalid as error:
            refused.append(f"vlan_bindings: {error}")
    return PhysicalPort(
        row.uuid, row.name, bindings, frozenset(row.port_fault_status), tuple(refused)
    )
