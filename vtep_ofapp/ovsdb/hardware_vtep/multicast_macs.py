"""Mcast_Macs_Remote and Mcast_Macs_Local: the flood lists of the NVC, and ours."""

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from ...values.addresses import Invalid, parse_group_mac
from ...values.rows import LocalMcastMac, Refused, RemoteMcastMac, VtepRow
from ...values.writes import PutLocalMcastMac
from ..declarations import Changes, Contents, Group, Keeper, Table, Write
from ..schemas import NEEDED
from .duplicate_rows import keep_one
from .locators import Locators, locators_of, put_locator


class MulticastMacs(Keeper):
    """Reads remote multicast MACs again after the tunnel keys of their locators changed."""

    def __init__(self, contents: Contents) -> None:
        super().__init__(contents)
        contents[Locators].when_key_changes(self._read_again)

    def _read_again(self, locators: Collection[UUID]) -> Iterable[VtepRow]:
        for row in self._contents.rows("Mcast_Macs_Remote").values():
            if any(locator.uuid in locators for locator in row.locator_set.locators):
                yield _remote_mac(row)


def _remote_mac(row: Any) -> RemoteMcastMac | Refused:
    logical_switch = row.logical_switch.uuid
    try:
        mac = parse_group_mac(row.MAC)
    except Invalid as error:
        subject = f"Mcast_Macs_Remote {row.MAC} (row {row.uuid})"
        return Refused(row.uuid, subject, str(error), logical_switch)
    locators, refused = locators_of(row.locator_set)
    return RemoteMcastMac(row.uuid, mac, logical_switch, locators, refused)


def _local_mac(row: Any) -> LocalMcastMac:
    logical_switch, mac = row.logical_switch.uuid, row.MAC.lower()
    return LocalMcastMac(row.uuid, mac, logical_switch, _addresses(row), row.ipaddr)


def _addresses(row: Any) -> frozenset[str]:
    return frozenset(locator.address for locator in locators_of(row.locator_set)[0])


def _put_local_mac(changes: Changes, write: PutLocalMcastMac) -> None:
    table = "Mcast_Macs_Local"
    row = keep_one(changes, table, write.rows, lambda row: _addresses(row) == write.addresses)
    logical_switch = changes.row("Logical_Switch", write.logical_switch)
    if row is not None:
        if write.ip not in (None, row.ipaddr):
            row.ipaddr = write.ip
    elif write.addresses and logical_switch is not None:
        locators = changes.insert("Physical_Locator_Set")
        locators.locators = [put_locator(changes, each) for each in write.addresses]
        row = changes.insert(table)
        row.MAC = write.mac
        row.logical_switch = logical_switch
        row.locator_set = locators
        row.ipaddr = write.ip or ""


_COLUMNS = {"MAC": NEEDED, "logical_switch": NEEDED, "locator_set": NEEDED}
GROUP = Group(
    tables=(
        Table("Mcast_Macs_Remote", _COLUMNS, read=_remote_mac),
        Table("Mcast_Macs_Local", {**_COLUMNS, "ipaddr": NEEDED}, read=_local_mac),
    ),
    writes=(Write(PutLocalMcastMac, _put_local_mac),),
    keeper=MulticastMacs,
)
