"""What others change on a switch, told apart from what we changed ourselves."""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..engine.switch_state import SwitchState
from ..values.events import FlowRemoved
from ..values.flow_changes import Change, FlowChange
from ..values.flows import FlowKey

LOG = logging.getLogger("vtep_ofapp.session")


@dataclass(frozen=True, slots=True)
class Differing:
    """The flows and groups of a switch that are not as they are wanted."""

    flows: frozenset[FlowKey]
    groups: frozenset[int]


def differing(switch: SwitchState) -> Differing:
    """Return what differs on a switch as it is known now."""
    return Differing(
        frozenset(each.key for each in switch.flows.differences()),
        frozenset(each.key for each in switch.groups.differences()),
    )


def log_changed(switch: SwitchState, before: Differing, lost: int = 0) -> None:
    """Log what differs now and did not before; ``lost`` flows are known to be gone besides."""
    now = differing(switch)
    flows, groups = len(now.flows - before.flows) + lost, len(now.groups - before.groups)
    if flows or groups:
        what = "%s: someone changed %d flows and %d groups of ours; they are put back"
        LOG.warning(what, switch.name, flows, groups)


class OwnChanges:
    """What we changed ourselves, and the switch may still tell of."""

    def __init__(self) -> None:
        self._deleted: Counter[FlowKey] = Counter()
        self._regroupings = 0
        self._regroupings_when_asked: int | None = None

    def reset(self) -> None:
        """Forget all: the switch is to be read."""
        self._deleted.clear()
        self.forget_groups()

    def sent(self, changes: Sequence[Change], switch: SwitchState) -> None:
        """Note a bundle that is sent to the switch."""
        self._regroupings += _has_groups(changes)
        self._deleted += Counter(_watched_ends(changes, switch))

    def made(self, changes: Sequence[Change]) -> None:
        """Note that the switch made a bundle; what it told of groups before is past."""
        if _has_groups(changes):
            self.forget_groups()

    def failed(self) -> None:
        """Note that no change of a bundle was made."""
        self._deleted.clear()

    def include(self, event: FlowRemoved) -> bool:
        """Return whether a flow is gone because we deleted it, which is told once."""
        if not event.idle and self._deleted[event.key]:
            self._deleted[event.key] -= 1
            return True
        del self._deleted[event.key]
        return False

    def ask_for_groups(self) -> bool:
        """Note that the switch is asked for groups; return whether it has to tell all of them."""
        is_first = self._regroupings_when_asked is None
        self._regroupings_when_asked = self._regroupings
        return is_first

    def forget_groups(self) -> None:
        """Let the switch tell all groups the next time."""
        self._regroupings_when_asked = None

    def precede_groups(self) -> bool:
        """Whether groups that the switch tells are from after all changes of ours."""
        return self._regroupings == self._regroupings_when_asked


def _has_groups(changes: Iterable[Change]) -> bool:
    return any(not isinstance(change, FlowChange) for change in changes)


def _watched_ends(changes: Iterable[Change], switch: SwitchState) -> Iterable[FlowKey]:
    """Yield the flows that are deleted and of which the switch will tell that they are gone."""
    for change in changes:
        if isinstance(change, FlowChange) and change.flow is None:
            former = switch.flows.actual.get(change.key)
            if former is not None and former.watched:
                yield change.key
