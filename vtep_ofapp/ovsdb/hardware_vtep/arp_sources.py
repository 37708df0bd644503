"""Arp_Sources_Remote and Arp_Sources_Local: from which MAC each VTEP asks for a logical router."""

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from ...values.addresses import Invalid, parse_unicast_mac
from ...values.arp_sources import ArpSource, PutArpSource
from ...values.rows import VtepRow
from ..declarations import Changes, Contents, Group, Keeper, Table, Write, always
from ..schemas import SET, TEXT
from .duplicate_rows import keep_one
from .locators import Locators, locator_of, put_locator

_LOCAL, _REMOTE = "Arp_Sources_Local", "Arp_Sources_Remote"


class ArpSources(Keeper):
    """Reads ARP sources again after the tunnel keys of their locators changed."""

    def __init__(self, contents: Contents) -> None:
        super().__init__(contents)
        contents[Locators].when_key_changes(self._read_again)

    def _read_again(self, locators: Collection[UUID]) -> Iterable[VtepRow]:
        for table in (_REMOTE, _LOCAL):
            for row in self._contents.rows(table).values():
                if row.locator.uuid in locators:
                    yield _read(row, table == _LOCAL)


def _read(row: Any, is_local: bool) -> ArpSource:
    mac, locator, reasons = "", None, []
    try:
        mac = parse_unicast_mac(row.src_mac)
    except Invalid as error:
        reasons.append(f"src_mac: {error}")
    try:
        locator = locator_of(row.locator)
    except Invalid as error:
        reasons.append(f"locator: {error}")
    return ArpSource(row.uuid, mac, locator, is_local, "; ".join(reasons))


def _put(changes: Changes, write: PutArpSource) -> None:
    row = keep_one(changes, _LOCAL, write.rows, lambda row: _is_right(row, write))
    if row is None and write.address is not None:
        row = changes.insert(_LOCAL)
        row.src_mac = write.mac
        row.locator = put_locator(changes, write.address)


def _is_right(row: Any, write: PutArpSource) -> bool:
    is_right: bool = row.src_mac.lower() == write.mac and row.locator.dst_ip == write.address
    return is_right


_COLUMNS = {"src_mac": TEXT, "locator": SET}
GROUP = Group(
    tables=(
        Table(_REMOTE, _COLUMNS, read=lambda row: _read(row, is_local=False)),
        Table(_LOCAL, _COLUMNS, read=lambda row: _read(row, is_local=True)),
    ),
    writes=(Write(PutArpSource, _put, always(_LOCAL)),),
    keeper=ArpSources,
)
