"""The flows of one switch, and the features that follow the actual ones."""

from collections.abc import Iterable, Iterator, Mapping

from ..values.flows import Flow, FlowKey
from .desired_actual import DesiredActual
from .feature import FlowWatcher

MAX_FLOWS = 2000
"""Read-back flows that are processed before other green threads run."""


class SwitchFlows(DesiredActual[FlowKey, Flow]):
    """The desired and the actual flows of a switch; the watchers follow the actual ones."""

    def __init__(self, watchers: Iterable[FlowWatcher] = ()) -> None:
        super().__init__()
        self.watchers = list(watchers)

    def read_back(self, flows: Mapping[FlowKey, Flow]) -> Iterator[None]:
        """Set all actual flows, which an earlier process may have written.

        There may be very many, so this yields every MAX_FLOWS of them. The caller must not change
        the state in between.
        """
        for watcher in self.watchers:
            watcher.begin(flows)
        for number, key in enumerate(list(self.actual), 1):
            if key not in flows:
                self.have(key, None)
                for watcher in self.watchers:
                    watcher.lost(key)
            if number % MAX_FLOWS == 0:
                yield
        for number, flow in enumerate(flows.values(), 1):
            self._find(flow)
            if number % MAX_FLOWS == 0:
                yield

    def put(self, key: FlowKey, flow: Flow | None) -> None:
        """Record a change of a flow that the switch confirmed; None for a deleted flow."""
        self.have(key, flow)
        for watcher in self.watchers:
            watcher.put(key)

    def ended(self, key: FlowKey) -> None:
        """Handle the idle timeout of a flow."""
        for watcher in self.watchers:
            watcher.ended(key)

    def _find(self, flow: Flow) -> None:
        want = self.wanted.get(flow.key)
        if want == flow:
            flow = want  # the same key object, so that the one that was read can be freed
        self.have(flow.key, flow)
        for watcher in self.watchers:
            watcher.found(flow.key)
