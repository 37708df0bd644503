"""Distinguish changes of a switch by others from our own."""

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
    """The flows and groups of a switch that differ from the desired ones."""

    flows: frozenset[FlowKey]
    groups: frozenset[int]


def differing(switch: SwitchState) -> Differing:
    """Return the flows and groups of a switch that differ from the desired ones now."""
    return Differing(
        frozenset(each.key for each in switch.flows.differences()),
        frozenset(each.key for each in switch.groups.differences()),
    )


def log_changed(switch: SwitchState, before: Differing, lost: int = 0) -> int:
    """Log and return how many flows and groups differ since ``before``, with ``lost`` flows."""
    now = differing(switch)
    flows, groups = len(now.flows - before.flows) + lost, len(now.groups - before.groups)
    if flows or groups:
        what = "%s: someone changed %d flows and %d groups of ours; they are put back"
        LOG.warning(what, switch.name, flows, groups)
    return flows + groups


class OwnChanges:
    """Our own changes that the switch may still report."""

    def __init__(self) -> None:
        self._deleted: Counter[FlowKey] = Counter()
        self._bundles_with_groups = 0
        self._bundles_with_groups_when_asked: int | None = None

    def reset(self) -> None:
        """Forget all of them: the switch is to be read back."""
        self._deleted.clear()
        self.forget_groups()

    def sent(self, changes: Sequence[Change]) -> None:
        """Record a bundle that is sent to the switch."""
        self._bundles_with_groups += _has_groups(changes)
        self._deleted += Counter(_reported_deletions(changes))

    def made(self, changes: Sequence[Change]) -> None:
        """Record that the switch committed a bundle; its earlier reports of groups are outdated."""
        if _has_groups(changes):
            self.forget_groups()

    def failed(self) -> None:
        """Record that a bundle failed as a whole."""
        self._deleted.clear()

    def take_deletion(self, event: FlowRemoved) -> bool:
        """Return whether we deleted a flow; the switch reports each deletion once."""
        if not event.idle and self._deleted[event.key]:
            self._deleted[event.key] -= 1
            return True
        del self._deleted[event.key]
        return False

    def ask_for_groups(self) -> bool:
        """Record a request for groups; return whether the answer has to have all of them."""
        is_first = self._bundles_with_groups_when_asked is None
        self._bundles_with_groups_when_asked = self._bundles_with_groups
        return is_first

    def forget_groups(self) -> None:
        """Have the next request return all groups."""
        self._bundles_with_groups_when_asked = None

    def are_before_groups(self) -> bool:
        """Whether the groups that the switch reports are from after all of our changes."""
        return self._bundles_with_groups == self._bundles_with_groups_when_asked


def _has_groups(changes: Iterable[Change]) -> bool:
    return any(not isinstance(change, FlowChange) for change in changes)


def _reported_deletions(changes: Iterable[Change]) -> Iterable[FlowKey]:
    """Return the deleted flows for which the switch will send a flow-removed message."""
    return (each.key for each in changes if isinstance(each, FlowChange) and each.is_reported)
