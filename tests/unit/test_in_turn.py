"""Keys that wait, taken in turn from their groups."""

from vtep_ofapp.engine.in_turn import InTurn


def keys(*of: str) -> InTurn[str]:
    """Return keys of the group that their first letter names."""
    waiting: InTurn[str] = InTurn()
    for key in of:
        waiting.add(key, key[0])
    return waiting


def test_a_group_with_many_keys_does_not_delay_those_of_others() -> None:
    waiting = keys("a1", "a2", "a3", "a4", "b1", "b2", "c1")
    assert list(waiting) == ["a1", "b1", "c1", "a2", "b2", "a3", "a4"]
    assert len(waiting) == 7


def test_a_group_of_which_a_key_leaves_comes_after_the_others() -> None:
    waiting = keys("a1", "a2", "b1", "c1")
    waiting.discard("a1")
    waiting.discard("a1")
    assert list(waiting) == ["b1", "c1", "a2"]
    waiting.discard("b1")
    assert list(waiting) == ["c1", "a2"]
    waiting.add("b2", "b")
    assert list(waiting) == ["c1", "a2", "b2"]


def test_a_key_waits_once_and_in_its_latest_group() -> None:
    waiting = keys("a1", "a2", "b1", "b2")
    waiting.add("a1", "a")
    assert list(waiting) == ["a1", "b1", "a2", "b2"]
    waiting.add("a1", "b")
    assert list(waiting) == ["b1", "a2", "b2", "a1"]
    waiting.clear()
    assert (list(waiting), len(waiting)) == ([], 0)
