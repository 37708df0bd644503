"""Reads Ucast_Macs_Remote without the IDL: its rows are very many, and only read.

The IDL keeps an object for each row and for each of its columns. This module keeps only the value
that the loop gets, and queues row updates until there is time to decode them.
"""

from collections import deque
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from ..values.addresses import Invalid, parse_ip, parse_unicast_mac
from ..values.rows import Gone, Locator, Refused, RemoteMac
from .errors import Malformed

_WHOLE = frozenset({"initial", "insert", "new"})
"""Kinds of row updates with all columns that are not their default."""
_AGAIN = "again"
"""Our own kind of row update: nothing changed but what the row refers to."""


class _Columns(NamedTuple):
    """The columns of a row as received; references are the UUIDs of rows as text."""

    mac: str = ""
    logical_switch: str = ""
    locator: str = ""
    ip: str = ""


class RemoteMacs:
    """The rows of Ucast_Macs_Remote, from the table updates of RFC 7047 and ovsdb-server(7).

    ``locators`` are the IDL's locators by the text of their UUID, or the reasons why they cannot be
    used. They may be newer than the queued rows.
    """

    def __init__(self, locators: Mapping[str, Locator | str]) -> None:
        self._locators = locators
        self._rows: dict[UUID, RemoteMac | _Columns] = {}
        self._waiting: deque[dict[str, Any]] = deque()

    @property
    def is_behind(self) -> bool:
        """Whether updates are queued."""
        return bool(self._waiting)

    def uuids(self) -> Collection[UUID]:
        """Return the UUIDs of all rows, without those in queued updates."""
        return self._rows.keys()

    def clear(self) -> None:
        """Forget all rows, because the server is about to send all rows again."""
        self._rows.clear()
        self._waiting.clear()

    def add(self, updates: Any) -> None:
        """Queue the row updates of one message; raises Malformed if they are invalid."""
        if not isinstance(updates, dict):
            raise Malformed("the updates of Ucast_Macs_Remote are no object")
        if updates:
            self._waiting.append(updates)

    def read_again(self, locators: Collection[UUID]) -> None:
        """Queue the rows that name one of these locators, which have changed."""
        texts = set(map(str, locators))
        self.add(
            {
                str(uuid): {_AGAIN: None}
                for uuid, row in self._rows.items()
                if (
                    row.locator in texts
                    if isinstance(row, _Columns)
                    else row.locator.uuid in locators
                )
            }
        )

    def take(self, most: int) -> Iterator[RemoteMac | Refused | Gone]:
        """Process at most so many queued updates; yield the rows that they change.

        Raises Malformed for invalid updates.
        """
        while self._waiting and most:
            updates = self._waiting[0]
            text, update = updates.popitem()  # frees the update
            if not updates:
                self._waiting.popleft()
            most -= 1
            row = self._update(text, update)
            if row is not None:
                yield row

    def _update(self, text: str, update: Any) -> RemoteMac | Refused | Gone | None:
        uuid = _uuid(text)
        kind, columns = _kind(update)
        is_known = uuid in self._rows
        if kind == "delete" or (kind == "old" and isinstance(columns, dict)):
            return Gone(uuid) if self._rows.pop(uuid, None) else None
        if kind in _WHOLE:
            received = _changed(_Columns(), columns)
        elif kind == "modify" and is_known:
            received = _changed(self._received(uuid), columns)
        elif kind == _AGAIN:
            if not is_known:
                return None
            received = self._received(uuid)
        else:
            raise Malformed(f"{update} is no update of row {uuid} of Ucast_Macs_Remote")
        row = self._read(uuid, received)
        self._rows[uuid] = row if isinstance(row, RemoteMac) else received
        return row

    def _received(self, uuid: UUID) -> _Columns:
        row = self._rows[uuid]
        if isinstance(row, _Columns):
            return row
        ip = row.ip or row.invalid_ip
        return _Columns(row.mac, str(row.logical_switch), str(row.locator.uuid), ip)

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


def _kind(update: Any) -> tuple[str, Any]:
    """Return the member of a row update that says what happened, and its value.

    An update of RFC 7047 has "new" beside "old" for a changed row; those of ovsdb-server(7) have
    one member.
    """
    if not isinstance(update, dict) or not update:
        return "", None
    if "new" in update:
        return "new", update["new"]
    return next(iter(update.items()))


def _changed(received: _Columns, columns: Any) -> _Columns:
    """Return a row with these columns changed."""
    if not isinstance(columns, dict):
        raise Malformed(f"{columns} are no columns of a row of Ucast_Macs_Remote")
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


def _named(reference: Any) -> str:
    # A match statement would take three times as long, for two references in each row.
    if isinstance(reference, list) and len(reference) == 2:
        kind, text = reference
        if kind == "uuid" and isinstance(text, str):
            return text
    raise Malformed(f"{reference} is no reference from a row of Ucast_Macs_Remote")


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Malformed(f"{text!r} is no UUID of a row of Ucast_Macs_Remote") from None


_reference = lru_cache(maxsize=1 << 14)(_uuid)
"""The UUID of a row that very many other rows name, cached so that they share one object."""
