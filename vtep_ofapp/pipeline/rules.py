"""The form in which layout.py says what flows of a table, or buckets of a group, may do."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..values.flows import Action


@dataclass(frozen=True, slots=True)
class Rules:
    """The matches and actions that flows of a table, or buckets of a kind of group, may have.

    They may match and set these fields and have these other actions. Their frames continue on a way
    of the table or enter another way (a Way of layout.py). A frame without a match continues, or is
    dropped.

    A table that ``is_optional`` is for frames with a Step for it. Frames with a step for an earlier
    optional table of the way pass it as well. So what it matches of steps are registers that no
    other table of the way matches, ``carried``; they are 0 in frames without a step for it.
    """

    matches: frozenset[str] = frozenset()
    sets: frozenset[str] = frozenset()
    acts: frozenset[type[Action]] = frozenset()
    enters: frozenset[Any] = frozenset()
    miss_goes_on: bool = False
    is_optional: bool = False
    carried: frozenset[str] = frozenset()


def rules(
    matches: str = "",
    sets: str = "",
    acts: Iterable[type[Action]] = (),
    enters: Iterable[Any] = (),
    miss_goes_on: bool = False,
    is_optional: bool = False,
    carried: str = "",
) -> Rules:
    """Return rules; fields are names with spaces between them, ``carried`` ones may be matched."""
    fields = frozenset(f"{matches} {carried}".split()), frozenset(sets.split())
    allowed = frozenset(acts), frozenset(enters)
    return Rules(*fields, *allowed, miss_goes_on, is_optional, frozenset(carried.split()))
