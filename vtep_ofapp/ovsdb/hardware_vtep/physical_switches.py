"""Physical_Switch and Manager: each switch with its ports and tunnels, as one value."""

import socket
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from ...values.addresses import Invalid, parse_ipv4
from ...values.rows import Gone, PhysicalPort, PhysicalSwitch, TunnelRow, VtepRow
from ...values.writes import DescribeSwitch
from ..declarations import Changes, Contents, Group, Keeper, Table, Write, always
from ..schemas import NEEDED, SET, TEXT
from .physical_ports import PhysicalPorts
from .tunnels import Tunnels


class PhysicalSwitches(Keeper):
    """The switches; all are read again after a change of one."""

    def __init__(self, contents: Contents) -> None:
        super().__init__(contents)
        self._ports = contents[PhysicalPorts]
        self._tunnels = contents[Tunnels]
        self._switches: dict[UUID, PhysicalSwitch] = {}
        self._is_changed = False

    def notice(self, table: str, row: Any, gone: bool) -> Iterable[VtepRow]:
        """Handle a switch or a manager; take() returns it after the rows that it names."""
        self._is_changed = True
        return ()

    def take(self) -> Iterable[VtepRow]:
        """Return the changed and the deleted switches."""
        is_changed = [self._is_changed, self._ports.take_change(), self._tunnels.take_change()]
        self._is_changed = False
        if not any(is_changed):
            return ()
        former = self._switches
        managers = self._towards_managers()
        rows = self._contents.rows("Physical_Switch").values()
        self._switches = {row.uuid: self._read(row, managers) for row in rows}
        gone = [Gone(uuid) for uuid in former.keys() - self._switches.keys()]
        changed = (each for each in self._switches.values() if former.get(each.uuid) != each)
        return [*gone, *changed]

    def forget(self) -> None:
        """Forget all switches."""
        self._switches.clear()

    def _read(self, row: Any, managers: frozenset[str]) -> PhysicalSwitch:
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
            tuple(sorted(map(self._ports.read, row.ports), key=_uuid)),
            tuple(sorted(map(self._tunnels.read, row.tunnels), key=_uuid)),
            frozenset(row.management_ips),
            row.description,
            frozenset(row.switch_fault_status),
            tuple(refused),
            managers,
        )

    def _towards_managers(self) -> frozenset[str]:
        managers = self._contents.rows("Manager").values()
        addresses = (_towards(each.target) for each in managers)
        return frozenset(address for address in addresses if address is not None)


def _towards(target: str) -> str | None:
    """Return this host's address towards a manager, None if it is unknown or a loopback address.

    A passive target (ptcp:PORT:HOST) may contain it. For an active one (tcp:HOST:PORT) it is the
    source address of the route: connecting a datagram socket sends no packet.
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


def _describe(changes: Changes, write: DescribeSwitch) -> None:
    switch = changes.row("Physical_Switch", write.switch)
    if switch is None:
        return
    if not switch.management_ips and write.management_ips:
        switch.management_ips = sorted(write.management_ips)
    if not switch.description:
        switch.description = write.description


GROUP = Group(
    tables=(
        Table(
            "Physical_Switch",
            {
                "name": NEEDED,
                "ports": NEEDED,
                "tunnels": SET,
                "tunnel_ips": NEEDED,
                "management_ips": SET,
                "description": TEXT,
                "switch_fault_status": SET,
            },
            is_reported=True,
        ),
        Table("Manager", {"target": TEXT}),
    ),
    writes=(
        Write(
            DescribeSwitch,
            _describe,
            always("Physical_Switch.description", "Physical_Switch.management_ips"),
        ),
    ),
    keeper=PhysicalSwitches,
)
