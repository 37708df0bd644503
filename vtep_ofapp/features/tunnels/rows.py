"""The Tunnel rows of one switch: the NVC's columns, and the desired rows."""

from collections import defaultdict
from dataclasses import dataclass
from uuid import UUID

from ...engine.desired_actual import Difference
from ...engine.feature import Clock
from ...engine.report import Report, SwitchRows
from ...engine.view import Known, View
from ...process.settings import Settings
from ...values.rows import PhysicalSwitch, TunnelReport, TunnelRow
from ...values.writes import PutTunnel, RemoveTunnel, VtepWrite
from . import bfd
from .unused_rows import UnusedTunnelRows


@dataclass(frozen=True, slots=True)
class TunnelTo:
    """The key of a Tunnel row: the Physical_Locator row of its remote end."""

    locator: UUID


class TunnelRows:
    """The actual Tunnel rows, by the address of their remote end."""

    def __init__(self) -> None:
        self._to: dict[str, list[TunnelRow]] = {}

    def take(self, physical: PhysicalSwitch | None) -> set[str]:
        """Set the rows; return the addresses whose rows changed."""
        to: defaultdict[str, list[TunnelRow]] = defaultdict(list)
        for row in physical.tunnels if physical else ():
            to[row.address].append(row)
        former, self._to = self._to, dict(to)
        addresses = former.keys() | to.keys()
        return {address for address in addresses if former.get(address) != to.get(address)}

    def to(self, address: str) -> list[TunnelRow]:
        """Return the rows for tunnels to an address."""
        return self._to.get(address, [])

    def bfd_settings(self, address: str) -> tuple[dict[str, str], list[str]]:
        """Return the bfd column for a tunnel: of several rows, the first that enables BFD.

        The second value are the problems of the rows' settings.
        """
        problems: list[str] = []
        for row in self.to(address):
            settings, its_problems = bfd.settings(row.bfd_params, row.bfd_config_remote)
            if settings:
                return settings, its_problems
            problems += its_problems
        return {}, problems


def read(view: View) -> None:
    """Set the actual Tunnel rows."""
    rows = view.physical.tunnels if view.physical else ()
    view[UnusedTunnelRows].set_rows(rows)
    view.rows[TunnelTo].have_only({TunnelTo(row.locator): row.report for row in rows})


def wanted(key: TunnelTo, view: View) -> tuple[()]:
    """Note that a Tunnel row is used."""
    view[UnusedTunnelRows].use(key.locator)
    return ()


def report(known: Known, settings: Settings, clock: Clock) -> Report:
    """Return the report of Tunnel rows."""
    return SwitchRows(lambda view: view.rows[TunnelTo], _write)


def _write(
    view: View, physical: PhysicalSwitch, row: Difference[TunnelTo, TunnelReport]
) -> "VtepWrite | None":
    """Return the write of a Tunnel row; None while an unused row stays."""
    locator = row.key.locator
    if row.want is not None:
        return PutTunnel(physical.uuid, locator, row.want)
    return RemoveTunnel(physical.uuid, locator) if view[UnusedTunnelRows].may_go(locator) else None
