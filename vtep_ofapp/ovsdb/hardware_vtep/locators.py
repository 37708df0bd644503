"""Physical_Locator and Physical_Locator_Set: the VTEPs that other rows name."""

from collections.abc import Callable, Collection, Iterable
from typing import Any
from uuid import UUID

from ...values.addresses import Invalid, parse_ipv4, parse_vni
from ...values.rows import Gone, Locator, Refused, VtepRow
from ..declarations import Changes, Contents, Group, Keeper, Table
from ..schemas import NEEDED, SET

_ENCAPSULATION = "vxlan_over_ipv4"


class Locators(Keeper):
    """All locators; for each that cannot be used the loop gets a Refused.

    ``ends`` are the locators by the text of their UUID, or the reasons why they cannot be used.
    """

    def __init__(self, contents: Contents) -> None:
        super().__init__(contents)
        self.ends: dict[str, Locator | str] = {}
        self._keys: dict[UUID, int | None] = {}
        self._with_other_key: set[UUID] = set()
        self._read_again: list[Callable[[Collection[UUID]], Iterable[VtepRow]]] = []
        self._refused: set[UUID] = set()
        self._by_address: dict[str, UUID] = {}

    def when_key_changes(self, read: Callable[[Collection[UUID]], Iterable[VtepRow]]) -> None:
        """Register a function that reads rows again after their locators' tunnel keys changed."""
        self._read_again.append(read)

    def without_key(self, address: str) -> UUID | None:
        """Return the locator of an address without a tunnel key, None if there is none."""
        return self._by_address.get(address)

    def notice(self, table: str, row: Any, gone: bool) -> Iterable[VtepRow]:
        """Handle a locator; sets of locators are read with the rows that name them."""
        if table != "Physical_Locator":
            return ()
        self._notice_address(row, gone)
        if gone:
            self._keys.pop(row.uuid, None)
            self.ends.pop(str(row.uuid), None)
            return self._unrefuse(row.uuid)
        self._notice_key(row)
        try:
            self.ends[str(row.uuid)] = locator_of(row)
        except Invalid as error:
            self.ends[str(row.uuid)] = str(error)
            self._refused.add(row.uuid)
            return (Refused(row.uuid, f"Physical_Locator {row.uuid}", str(error)),)
        return self._unrefuse(row.uuid)

    def take(self) -> Iterable[VtepRow]:
        """Read rows again whose locators' tunnel keys changed; that is rare, and may take long."""
        if not self._with_other_key:
            return ()
        changed, self._with_other_key = self._with_other_key, set()
        return [row for read in self._read_again for row in read(changed)]

    def forget(self) -> None:
        """Forget all locators, but not which were refused: the loop needs the end of each fault."""
        self.ends.clear()
        self._keys.clear()
        self._with_other_key.clear()
        self._by_address.clear()

    def in_sync(self) -> None:
        """Forget the refused locators that are gone."""
        self._refused &= self._contents.rows("Physical_Locator").keys()

    def _notice_address(self, row: Any, gone: bool) -> None:
        if not gone and not row.tunnel_key:
            self._by_address[row.dst_ip] = row.uuid
        elif self._by_address.get(row.dst_ip) == row.uuid:
            del self._by_address[row.dst_ip]

    def _notice_key(self, row: Any) -> None:
        key = row.tunnel_key[0] if row.tunnel_key else None
        if self._keys.get(row.uuid, key) != key:
            self._with_other_key.add(row.uuid)
        self._keys[row.uuid] = key

    def _unrefuse(self, locator: UUID) -> Iterable[VtepRow]:
        """Return the end of a Refused, if the locator had one."""
        if locator not in self._refused:
            return ()
        self._refused.discard(locator)
        return (Gone(locator),)


def locator_of(row: Any) -> Locator:
    """Return the value of a Physical_Locator row. Raises Invalid."""
    if row.encapsulation_type != _ENCAPSULATION:
        raise Invalid(f"{row.encapsulation_type!r} is no encapsulation that we know")
    key = parse_vni(row.tunnel_key[0]) if row.tunnel_key else None
    return Locator(row.uuid, parse_ipv4(row.dst_ip), key)


def locators_of(row: Any) -> tuple[frozenset[Locator], tuple[str, ...]]:
    """Return the usable locators of a Physical_Locator_Set row, and the reasons for others."""
    locators, refused = set(), []
    for each in row.locators:
        try:
            locators.add(locator_of(each))
        except Invalid as error:
            refused.append(f"its locator is left out: {error}")
    return frozenset(locators), tuple(sorted(refused))


def put_locator(changes: Changes, address: str) -> Any:
    """Return the locator row of an address without a tunnel key, an existing or a new one."""
    uuid = changes.contents[Locators].without_key(address)
    row = changes.row("Physical_Locator", uuid) if uuid is not None else None
    if row is not None:
        return row
    place = "Physical_Locator", address
    if place not in changes.known:
        row = changes.known[place] = changes.insert("Physical_Locator")
        row.encapsulation_type = _ENCAPSULATION
        row.dst_ip = address
    return changes.known[place]


GROUP = Group(
    tables=(
        Table(
            "Physical_Locator",
            {"encapsulation_type": NEEDED, "dst_ip": NEEDED, "tunnel_key": SET},
            is_reported=True,
        ),
        Table("Physical_Locator_Set", {"locators": NEEDED}),
    ),
    keeper=Locators,
)
