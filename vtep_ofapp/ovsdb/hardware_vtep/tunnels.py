"""Tunnel: BFD between a switch and a remote VTEP, its settings and its status."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from ...values.rows import TunnelReport, TunnelRow, VtepRow
from ...values.writes import PutTunnel, RemoveTunnel
from ..declarations import Changes, Contents, Group, Keeper, Table, Write, always
from ..schemas import MAP, SET
from .locators import put_locator


class Tunnels(Keeper):
    """A cache of decoded Tunnel rows, until they change."""

    def __init__(self, contents: Contents) -> None:
        super().__init__(contents)
        self._tunnels: dict[UUID, TunnelRow] = {}
        self._is_changed = False

    def take_change(self) -> bool:
        """Return, once, whether a tunnel has changed."""
        is_changed, self._is_changed = self._is_changed, False
        return is_changed

    def read(self, row: Any) -> TunnelRow:
        """Return the value of a tunnel's row."""
        tunnel = self._tunnels.get(row.uuid)
        if tunnel is None:
            tunnel = self._tunnels[row.uuid] = _tunnel(row)
        return tunnel

    def notice(self, table: str, row: Any, gone: bool) -> Iterable[VtepRow]:
        """Handle a Tunnel row; the loop gets it with the switch."""
        self._is_changed = True
        self._tunnels.pop(row.uuid, None)
        return ()

    def forget(self) -> None:
        """Forget all tunnels."""
        self._tunnels.clear()


def _tunnel(row: Any) -> TunnelRow:
    report = TunnelReport(row.local.dst_ip, row.bfd_config_local, row.bfd_status)
    remote = row.remote
    return TunnelRow(
        row.uuid, remote.uuid, remote.dst_ip, report, row.bfd_params, row.bfd_config_remote
    )


def _remote_end(tunnel: Any) -> UUID:
    locator: UUID = tunnel.remote.uuid
    return locator


def _put(changes: Changes, write: PutTunnel) -> None:
    switch = changes.row("Physical_Switch", write.switch)
    remote = changes.row("Physical_Locator", write.locator)
    if switch is None or remote is None:
        return
    rows = changes.members.of_set(switch, "tunnels", write.locator, _remote_end)
    if not rows:
        rows = [changes.insert("Tunnel")]
        rows[0].remote = remote
        switch.addvalue("tunnels", rows[0])
    for row in rows:
        row.local = put_locator(changes, write.report.local)
        row.bfd_config_local = dict(write.report.bfd_config_local)
        row.bfd_status = dict(write.report.bfd_status)


def _remove(changes: Changes, write: RemoveTunnel) -> None:
    switch = changes.row("Physical_Switch", write.switch)
    if switch is not None:
        for row in changes.members.of_set(switch, "tunnels", write.locator, _remote_end):
            switch.delvalue("tunnels", row)


_ABOUT = always("Physical_Switch.tunnels", "Tunnel")
GROUP = Group(
    tables=(
        Table(
            "Tunnel",
            {
                "local": SET,
                "remote": SET,
                "bfd_params": MAP,
                "bfd_config_remote": MAP,
                "bfd_config_local": MAP,
                "bfd_status": MAP,
            },
        ),
    ),
    writes=(Write(PutTunnel, _put, _ABOUT), Write(RemoveTunnel, _remove, _ABOUT)),
    keeper=Tunnels,
)
