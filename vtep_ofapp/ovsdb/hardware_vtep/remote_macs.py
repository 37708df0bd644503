"""Reads Ucast_Macs_Remote without the IDL: its rows are very many, and only read."""

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from ...values.addresses import Invalid, parse_ip, parse_unicast_mac
from ...values.rows import Locator, Refused, RemoteMac
from ..bulk import BulkRows
from ..errors import Malformed

_TABLE = "Ucast_Macs_Remote"


class _Columns(NamedTuple):
    """The columns of a row as received; references are the UUIDs of rows as text."""

    mac: str = ""
    logical_switch: str = ""
    locator: str = ""
    ip: str = ""


class RemoteMacs(BulkRows[_Columns, RemoteMac | _Columns, RemoteMac | Refused]):
    """The rows of Ucast_Macs_Remote.

    ``locators`` are the IDL's locators by the text of their UUID, or the reasons why they cannot be
    used. They may be newer than the queued rows.
    """

    def __init__(self, locators: Mapping[str, Locator | str]) -> None:
        super().__init__(_TABLE, _Columns())
        self._locators = locators

    def read_again(self, locators: Collection[UUID]) -> None:
        """Queue the rows that name one of these locators, which have changed."""
        texts = set(map(str, locators))
        self._add_again(
            uuid
            for uuid, row in self._rows.items()
            if (row.locator in texts if isinstance(row, _Columns) else row.locator.uuid in locators)
        )

    def _received(self, uuid: UUID) -> _Columns:
        row = self._rows[uuid]
        if isinstance(row, _Columns):
            return row
        ip = row.ip or row.invalid_ip
        return _Columns(row.mac, str(row.logical_switch), str(row.locator.uuid), ip)

    def _changed(self, received: _Columns, columns: Mapping[str, Any]) -> _Columns:
        mac = columns.get("MAC", received.mac)
        if not isinstance(mac, str):
            raise Malformed(f"{mac} is no MAC of a row of Ucast_Macs_Remote")
        logical_switch, locator = received.logical_switch, received.locator
        if "logical_switch" in columns:
            logical_switch = _named(columns["logical_switch"])
        if "locator" in columns:
            locator = _named(columns["locator"])
        ip = columns.get("ipaddr", received.ip)
        if not isinstance(ip, str):
            raise Malformed(f"{ip} is no ipaddr of a row of Ucast_Macs_Remote")
        return _Columns(mac, logical_switch, locator, ip)

    def _read(self, uuid: UUID, received: _Columns) -> RemoteMac | Refused | None:
        logical_switch = _reference(received.logical_switch)
        locator = self._locators.get(received.locator)
        if locator is None:
            # The IDL is newer than this update: the locator was deleted because no row names it.
            # So this row was changed or deleted as well, by an update that is still queued.
            return None
        try:
            mac = parse_unicast_mac(received.mac)
            if isinstance(locator, str):
                raise Invalid(locator)
        except Invalid as error:
            subject = f"Ucast_Macs_Remote {received.mac} (row {uuid})"
            return Refused(uuid, subject, str(error), logical_switch)
        if not received.ip:
            return RemoteMac(uuid, mac, logical_switch, locator)
        try:
            return RemoteMac(uuid, mac, logical_switch, locator, parse_ip(received.ip))
        except Invalid:
            return RemoteMac(uuid, mac, logical_switch, locator, invalid_ip=received.ip)

    def _kept(self, received: _Columns, row: RemoteMac | Refused | None) -> RemoteMac | _Columns:
        return row if isinstance(row, RemoteMac) else received


def _named(reference: Any) -> str:
    # A match statement would take three times as long, for two references in each row.
    if isinstance(reference, list) and len(reference) == 2:
        kind, text = reference
        if kind == "uuid" and isinstance(text, str):
            return text
    raise Malformed(f"{reference} is no reference from a row of Ucast_Macs_Remote")


@lru_cache(maxsize=1 << 14)
def _reference(text: str) -> UUID:
    """Return the UUID of a row that very many other rows name: they share one object."""
    try:
        return UUID(text)
    except ValueError:
        raise Malformed(f"{text!r} is no UUID of a row that {_TABLE} names") from None
