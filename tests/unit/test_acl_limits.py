"""The limit of flows as access lists change one by one is that of all lists together."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtep_ofapp.features.acls import order
from vtep_ofapp.features.acls.limits import AclLimit
from vtep_ofapp.features.acls.rows import Acls
from vtep_ofapp.features.acls.uses import AclUses
from vtep_ofapp.pipeline.acls import OF_VLAN
from vtep_ofapp.values.acls import Acl, AclEntry

from .builders import uuid

LISTS = [uuid(number) for number in range(1, 5)]
MOST, TOO_LONG = 10, 7
ENTRIES = [AclEntry(uuid(0xE00 + number), number, False, True) for number in range(TOO_LONG + 2)]
CHANGES = st.lists(
    st.tuples(st.sampled_from(LISTS), st.integers(0, len(ENTRIES)) | st.none()), max_size=30
)


class Lists:
    """Access lists with some entries of one flow each, and what they judge."""

    def __init__(self) -> None:
        self.rows, self.uses = Acls(), AclUses()
        self.sizes = dict.fromkeys(LISTS, 0)
        for entry in ENTRIES:
            list(self.rows.row_changed(None, entry))
        self.limit = AclLimit(self.rows, self.uses, MOST)
        for acl in LISTS:
            self.uses.judge(acl, {OF_VLAN: acl})

    def put(self, acl: UUID, size: int | None) -> None:
        """Give a list a number of entries; with None it judges nothing."""
        self.sizes.pop(acl, None)
        if size is not None:
            self.sizes[acl] = size
            row = Acl(acl, f"{acl}", frozenset(each.uuid for each in ENTRIES[:size]))
            list(self.rows.row_changed(self.rows.get(acl), row))
        self.uses.judge(acl, {} if size is None else {OF_VLAN: acl})

    def refused(self) -> set[UUID]:
        return {acl for acl in LISTS if self.limit.refuses(acl)}


@given(CHANGES)
def test_it_is_that_of_all_lists(changes: list[tuple[UUID, int | None]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(order, "MOST_ENTRIES", TOO_LONG)
        lists = Lists()
        for acl, size in changes:
            before = lists.refused()
            lists.put(acl, size)
            told = lists.limit.update(acl)
            assert lists.refused() == beyond(lists.sizes)
            assert told == before ^ lists.refused()


def beyond(sizes: dict[UUID, int]) -> set[UUID]:
    """Return the lists that are refused: the smallest ones have what room there is."""
    refused = {acl for acl, size in sizes.items() if size > TOO_LONG}
    if not refused and sum(sizes.values()) <= MOST:
        return set()
    room = MOST
    for size, acl in sorted((size, acl) for acl, size in sizes.items() if size <= TOO_LONG):
        room -= size
        if room < 0:
            refused.add(acl)
    return refused
