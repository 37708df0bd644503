"""A switch and two databases that do what they are asked for when a test lets them."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from vtep_ofapp.values.acls import Acl, AclEntry
from vtep_ofapp.values.arp_sources import ArpSource, PutArpSource
from vtep_ofapp.values.events import (
    Bridges,
    BridgesInSync,
    Committed,
    Event,
    FlowRemoved,
    ServerConnection,
    VtepInSync,
    VtepRows,
)
from vtep_ofapp.values.flow_changes import Change, FlowChange
from vtep_ofapp.values.flows import FlowKey
from vtep_ofapp.values.routers import LogicalRouter
from vtep_ofapp.values.rows import (
    Bridge,
    BridgePort,
    Gone,
    LocalMac,
    LocalMcastMac,
    Mark,
    PhysicalSwitch,
    TunnelRow,
    VtepRow,
)
from vtep_ofapp.values.writes import (
    DescribeSwitch,
    PutFaultStatus,
    PutLocalMac,
    PutLocalMcastMac,
    PutPhysicalPort,
    PutTunnel,
    PutTunnelPort,
    ReleaseBridge,
    RemovePhysicalPort,
    RemoveTunnel,
    RemoveTunnelPort,
    SecureBridge,
)

from .builders import (
    DATABASE,
    FAR,
    FURTHER,
    bridge,
    locator,
    physical_port,
    port,
    uuid,
)
from .doubles import ConnectionDouble, SwitchDouble


class Vtep:
    """The hardware_vtep database: its rows, and the news that are still on their way."""

    def __init__(self) -> None:
        self.rows: dict[UUID, VtepRow] = {}
        self.news: deque[Event] = deque()
        self.in_flight: Sequence[Any] | None = None
        self.connection: ServerConnection | None = None
        self.unusable: dict[str, str] = {}
        self.written = 0
        self._next_row = 0x100000

    def takes(self, write: Any) -> bool:
        return True

    def commit(self, writes: Sequence[Any]) -> None:
        assert self.in_flight is None
        self.in_flight = writes

    def put(self, *rows: VtepRow) -> None:
        """Make one transaction of these rows, which are new, changed or gone."""
        for row in rows:
            self.rows[row.uuid] = row
            if isinstance(row, Gone):
                del self.rows[row.uuid]
        self.news.append(VtepRows(rows))

    def remove(self, row: UUID) -> None:
        if self.rows.pop(row, None) is not None:
            self.news.append(VtepRows([Gone(row)]))

    def begin(self) -> None:
        """Tell everything from the start, to a new process or after a lost connection."""
        self.news = deque([VtepRows(list(self.rows.values())), VtepInSync(frozenset(self.rows))])

    def finish(self, error: str | None = None) -> None:
        """End the transaction in flight: first come the rows, then the result."""
        if self.in_flight is None:
            return
        writes, self.in_flight = self.in_flight, None
        if error is None:
            before = dict(self.rows)
            for write in writes:
                self._perform(write)
            changed = [row for uuid, row in self.rows.items() if before.get(uuid) != row]
            gone = [Gone(uuid) for uuid in before.keys() - self.rows.keys()]
            self.written += len(changed) + len(gone)
            self.news.append(VtepRows([*changed, *gone]))
        self.news.append(Committed("hardware_vtep", error))

    def _perform(self, write: Any) -> None:
        if isinstance(write, PutLocalMac):
            self._put_local(write, LocalMac, write.mac, address=write.address)
        elif isinstance(write, PutLocalMcastMac):
            self._put_local(write, LocalMcastMac, write.mac, addresses=write.addresses or None)
        elif isinstance(write, PutFaultStatus):
            self._put_fault_status(write)
        elif isinstance(write, PutArpSource):
            self._put_arp_source(write)
        elif write.switch in self.rows:
            self._put_switch(write, self.rows[write.switch])

    def _put_local(self, write: Any, kind: type, mac: str, **value: Any) -> None:
        """Keep the first of the rows that are replaced, with its ipaddr unless that is written."""
        wanted = next(iter(value.values())) is not None
        former: list[Any] = [self.rows.pop(row) for row in write.rows if row in self.rows]
        if wanted and write.logical_switch in self.rows:
            row = former[0].uuid if former else self._new_row()
            ip = write.ip
            if ip is None:
                ip = former[0].ip if former else ""
            if ip:
                value["ip"] = ip
            self.rows[row] = kind(uuid=row, mac=mac, logical_switch=write.logical_switch, **value)

    def _put_arp_source(self, write: PutArpSource) -> None:
        """Keep the first of the rows that are replaced."""
        former = [row for row in write.rows if self.rows.pop(row, None) is not None]
        if write.address is not None:
            row = former[0] if former else self._new_row()
            self.rows[row] = ArpSource(row, write.mac, locator(write.address), is_local=True)

    def _put_fault_status(self, write: PutFaultStatus) -> None:
        for row in list(self.rows.values()):
            if isinstance(row, Acl | AclEntry | LogicalRouter) and row.uuid == write.row.uuid:
                self.rows[row.uuid] = replace(row, fault_status=write.entries)
            elif isinstance(row, PhysicalSwitch):
                ports = tuple(
                    replace(each, fault_status=write.entries)
                    if each.uuid == write.row.uuid
                    else each
                    for each in row.ports
                )
                entries = write.entries if row.uuid == write.row.uuid else row.fault_status
                self.rows[row.uuid] = replace(row, ports=ports, fault_status=entries)

    def _put_switch(self, write: Any, row: Any) -> None:
        if isinstance(write, PutPhysicalPort):
            added = physical_port(write.name, uuid=self._new_row())
            row = replace(row, ports=(*row.ports, added))
        elif isinstance(write, RemovePhysicalPort):
            left = tuple(each for each in row.ports if each.name != write.name)
            row = replace(row, ports=left)
        elif isinstance(write, PutTunnel | RemoveTunnel):
            left = tuple(each for each in row.tunnels if each.locator != write.locator)
            if isinstance(write, PutTunnel):
                address = {locator(each).uuid: each for each in (FAR, FURTHER)}[write.locator]
                new = TunnelRow(
                    uuid=self._new_row(),
                    locator=write.locator,
                    address=address,
                    report=write.report,
                )
                left = (*left, new)
            row = replace(row, tunnels=left)
        else:
            assert isinstance(write, DescribeSwitch), str(write)
            row = replace(row, description=write.description, management_ips=write.management_ips)
        self.rows[row.uuid] = row

    def _new_row(self) -> UUID:
        self._next_row += 1
        return uuid(self._next_row)


class OpenVSwitch:
    """The Open_vSwitch database, and Open vSwitch giving numbers to its ports."""

    def __init__(self) -> None:
        self.ports: dict[str, BridgePort] = {}
        self.is_secure = False
        self.mark = Mark.NONE
        self.news: deque[Event] = deque()
        self.in_flight: Sequence[Any] | None = None
        self.connection: ServerConnection | None = None
        self.unusable: dict[str, str] = {}
        self.written = 0
        self._next_number = 100

    def takes(self, write: Any) -> bool:
        return True

    def commit(self, writes: Sequence[Any]) -> None:
        assert self.in_flight is None
        self.in_flight = writes

    def bridge(self) -> Bridge:
        return bridge(
            *self.ports.values(),
            is_secure=self.is_secure,
            controllers_are_set=self.is_secure,
            mark=self.mark,
        )

    def number(self, name: str) -> int:
        """Return the number of a port; all of them have one."""
        number = self.ports[name].number
        assert number is not None
        return number

    def put(self, *ports: BridgePort) -> None:
        self.ports.update({each.name: each for each in ports})
        self._tell()

    def remove(self, name: str) -> None:
        if self.ports.pop(name, None) is not None:
            self._tell()

    def _tell(self) -> None:
        self.news.append(Bridges(DATABASE, {"br0": self.bridge()}))

    def begin(self) -> None:
        self.news = deque()
        self._tell()
        self.news.append(BridgesInSync(DATABASE, frozenset({"br0"})))

    def finish(self, error: str | None = None) -> None:
        if self.in_flight is None:
            return
        writes, self.in_flight = self.in_flight, None
        if error is None:
            for write in writes:
                self._perform(write)
            self.written += len(writes)
            self._tell()
        self.news.append(Committed(DATABASE, error))

    def _perform(self, write: Any) -> None:
        if isinstance(write, PutTunnelPort):
            there = self.ports.get(write.name)
            if there is None:
                self._next_number += 1
                there = port(write.name, self._next_number, is_ours=True)
            self.ports[write.name] = replace(
                there, remote=write.remote, local=write.local, bfd=write.bfd
            )
        elif isinstance(write, RemoveTunnelPort):
            self.ports.pop(write.name, None)
        else:
            assert isinstance(write, SecureBridge | ReleaseBridge)
            self.is_secure = True
            self.mark = Mark.OURS if isinstance(write, SecureBridge) else Mark.NONE


class Connection(ConnectionDouble):
    """A connection on which requests wait for the switch, and its answers wait for us."""

    def __init__(self, switch: SwitchDouble) -> None:
        super().__init__(switch)
        self.requests: deque[str] = deque()
        self.news: deque[Event] = deque()
        self.changed = 0

    def lead(self, generation: int | None) -> None:
        super().lead(generation)
        self.requests.append("lead")

    def stand_by(self) -> None:
        self.requests.append("stand by")

    def read_back(self) -> None:
        self.requests.append("read back")

    def apply(self, changes: Sequence[Change]) -> None:
        self.bundles.append(list(changes))
        self.requests.append("apply")

    def disconnect(self) -> None:
        self.requests.append("disconnect")

    def answer(self) -> None:
        """Let the switch do what it was asked for first."""
        request = self.requests.popleft() if self.requests else "nothing"
        if request == "lead":
            self.news.append(self.leading())
        elif request == "read back":
            self.news.append(self.reading())
        elif request == "apply":
            removed = (each for each in self.bundles[-1] if isinstance(each, FlowChange))
            self.tell_of_lost_flows(each.key for each in removed if each.flow is None)
            self.changed += len(self.bundles[-1])
            self.news.append(self.done())

    def tell_of_lost_flows(self, keys: Iterable[FlowKey], idle: bool = False) -> None:
        self.news.extend(
            FlowRemoved(self, key, idle)
            for key in keys
            if key in self.switch.flows and self.switch.flows[key].watched
        )
