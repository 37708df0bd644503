"""Mappings in parts, against plain dictionaries."""

from hypothesis import given
from hypothesis import strategies as st

from vtep_ofapp.values.parts import Parts, differing

KEYS = st.integers(0, 200)
CHANGES = st.lists(st.dictionaries(KEYS, st.none() | st.integers(0, 3), max_size=40))


def applied(former: dict[int, int], changes: dict[int, int | None]) -> dict[int, int]:
    changed = {**former, **changes}
    return {key: value for key, value in changed.items() if value is not None}


@given(CHANGES)
def test_a_copy_has_the_changes_and_the_former_one_has_not(
    steps: list[dict[int, int | None]],
) -> None:
    parts, plain = Parts[int, int](), dict[int, int]()
    for changes in steps:
        former, before = parts, plain
        parts, plain = parts.changed(changes), applied(plain, changes)
        assert dict(former) == before
        assert former == before
        assert dict(parts) == plain
        assert plain == parts
        assert len(parts) == len(plain)
        assert all(parts.get(key) == plain.get(key) for key in range(201))
        changed = {key for key in range(201) if plain.get(key) != before.get(key)}
        for one, other in ((former, parts), (before, plain), (before, parts), (former, plain)):
            assert differing(one, other) == differing(other, one) == changed
        assert (former == parts) == (before == plain)


@given(st.dictionaries(KEYS, st.integers()), st.dictionaries(KEYS, st.integers()))
def test_equal_content_is_equal_however_it_came(
    first: dict[int, int], then: dict[int, int]
) -> None:
    direct = Parts[int, int]().changed(then)
    gone = dict.fromkeys(first.keys() - then.keys())
    around = Parts[int, int]().changed(first).changed(gone).changed(then)
    assert direct == around
    assert differing(direct, around) == set()
    assert direct != "text"
    assert repr(Parts()) == "Parts({})"


def test_a_large_one_has_many_small_parts() -> None:
    size = 10000
    parts = Parts[int, int]().changed(dict.fromkeys(range(size), 1))
    one = parts.changed({5: 2})
    shared = {*map(id, parts.parts)} & {*map(id, one.parts)}
    assert len(shared) == len(parts.parts) - 1 >= 63
    assert max(map(len, parts.parts)) <= 320
    few = one.changed(dict.fromkeys(range(10, size)))
    assert dict(few) == {**dict.fromkeys(range(10), 1), 5: 2}
    assert len(few.parts) <= 8
