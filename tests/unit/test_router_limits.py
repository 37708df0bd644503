"""The limits of all routers of a switch, against a reference; and what many routers cost."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from vtep_ofapp.features.routers.limits import Room, RouterLimits, Size
from vtep_ofapp.process.settings import Settings

from .builders import uuid

ROUTERS = [uuid(0x9000 + each) for each in range(7)]
SIZES = st.builds(Size, st.integers(0, 3), st.integers(0, 3))
PUTS = st.lists(st.tuples(st.sampled_from(ROUTERS), st.sampled_from("abcdefgh"), SIZES | st.none()))


class Counted(dict[UUID, tuple[tuple[str, UUID], Size]]):
    """The sizes of routers, which tells how often one was looked up."""

    looked_up = 0

    def __getitem__(self, router: UUID) -> tuple[tuple[str, UUID], Size]:
        self.looked_up += 1
        return super().__getitem__(router)


def limits(routers: int, interfaces: int, routes: int) -> RouterLimits:
    return RouterLimits(Settings(max_routers=routers, max_interfaces=interfaces, max_routes=routes))


def rooms(rows: dict[UUID, tuple[str, Size]], most: tuple[int, int, int]) -> dict[UUID, Room]:
    """Return the rooms of routers that are beyond a limit, worked out from nothing."""
    routers, interfaces, routes = most
    found = {}
    for place, router in enumerate(sorted(rows, key=lambda each: (rows[each][0], each))):
        size = rows[router][1]
        used = Size(min(size.interfaces, interfaces), min(size.routes, routes))
        if place >= routers:
            found[router] = Room(True, 0, 0)
            continue
        if used != size:
            found[router] = Room(False, *used)
        interfaces, routes = interfaces - used.interfaces, routes - used.routes
    return found


@given(puts=PUTS, most=st.tuples(st.integers(1, 5), st.integers(1, 6), st.integers(1, 6)))
def test_those_with_the_first_names_have_room(
    puts: list[tuple[UUID, str, Size | None]], most: tuple[int, int, int]
) -> None:
    tried, rows = limits(*most), dict[UUID, tuple[str, Size]]()
    for router, name, size in puts:
        before = rooms(rows, most)
        rows.pop(router, None)
        if size is not None:
            rows[router] = name, size
        changed, now = tried.put(router, name, size), rooms(rows, most)
        assert changed == {each for each in ROUTERS if before.get(each) != now.get(each)}
        assert {each: tried.room(each) for each in ROUTERS if tried.room(each)} == now
        assert tried.routers == len(rows)


def test_routers_that_are_refused_cost_no_time_for_each_of_them() -> None:
    """10,000 took minutes while each looked at all others."""
    tried = limits(10, 4096, 1)
    tried.sizes = sizes = Counted()
    for each in range(10_000):
        changed = tried.put(uuid(each + 1), f"r{each:05}", Size(1, 1))
        assert len(changed) == (each > 0)
    assert sizes.looked_up <= 100
