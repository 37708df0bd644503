"""Ucast_Macs_Remote and Ucast_Macs_Local: the stations of the NVC, and ours."""

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from ...values.rows import LocalMac, VtepRow
from ...values.writes import PutLocalMac
from ..declarations import Changes, Contents, Group, Keeper, Table, Write
from ..schemas import NEEDED
from .duplicate_rows import keep_one
from .locators import Locators, put_locator
from .remote_macs import RemoteMacs


class UnicastMacs(Keeper):
    """The remote MACs, which the library does not see."""

    def __init__(self, contents: Contents) -> None:
        super().__init__(contents)
        locators = contents[Locators]
        self._remote_macs = RemoteMacs(locators.ends)
        self.bulk = {"Ucast_Macs_Remote": self._remote_macs}
        locators.when_key_changes(self._read_again)

    def _read_again(self, locators: Collection[UUID]) -> Iterable[VtepRow]:
        """Queue the remote MACs behind these locators, as if they had changed."""
        self._remote_macs.read_again(locators)
        return ()


def _local_mac(row: Any) -> LocalMac:
    mac, logical_switch = row.MAC.lower(), row.logical_switch.uuid
    return LocalMac(row.uuid, mac, logical_switch, row.locator.dst_ip, row.ipaddr)


def _put_local_mac(changes: Changes, write: PutLocalMac) -> None:
    table = "Ucast_Macs_Local"
    row = keep_one(
        changes, table, write.rows, lambda row: bool(row.locator.dst_ip == write.address)
    )
    logical_switch = changes.row("Logical_Switch", write.logical_switch)
    if row is not None:
        if write.ip not in (None, row.ipaddr):
            row.ipaddr = write.ip
    elif write.address is not None and logical_switch is not None:
        row = changes.insert(table)
        row.MAC = write.mac
        row.logical_switch = logical_switch
        row.locator = put_locator(changes, write.address)
        if write.ip:  # else it is the default, and the library takes long to set a column
            row.ipaddr = write.ip


_COLUMNS = {"MAC": NEEDED, "logical_switch": NEEDED, "locator": NEEDED, "ipaddr": NEEDED}
GROUP = Group(
    tables=(
        Table("Ucast_Macs_Remote", _COLUMNS, is_reported=True),
        Table("Ucast_Macs_Local", _COLUMNS, read=_local_mac),
    ),
    writes=(Write(PutLocalMac, _put_local_mac),),
    keeper=UnicastMacs,
)
