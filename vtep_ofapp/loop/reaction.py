"""How long a switch takes from a change of rows to the flows that the change causes."""

from .measures import Measures


class Reaction:
    """Measures the bundles of one switch, and the oldest change of rows in each of them.

    Several changes in one bundle are one measurement, that of the oldest. A change that causes no
    flows is not measured, nor one that arrives while the gate is closed.
    """

    def __init__(self, measures: Measures) -> None:
        self._measures = measures
        self._bundle = measures.stopwatch(measures.bundles.seconds)
        self._waiting: float | None = None
        """When the oldest change arrived whose flows are not all in a bundle yet."""
        self._in_flight: float | None = None
        """When the oldest change arrived whose flows the bundle in flight completes."""

    @property
    def is_waiting(self) -> bool:
        """Whether a change waits for its flows."""
        return self._waiting is not None

    def changed(self, arrived: float) -> None:
        """Note a change of rows that arrived then."""
        if self._waiting is None:
            self._waiting = arrived

    def sent(self, changes: int, has_all: bool) -> None:
        """Note a bundle of so many changes, or of none.

        It ``has_all`` flows of the changes of rows, unless some wait for a tunnel.
        """
        if changes:
            self._bundle.start()
            self._measures.changes += changes
        if has_all:
            self._in_flight, self._waiting = (self._waiting if changes else None), None

    def made(self) -> None:
        """Note that the switch has confirmed the bundle."""
        self._bundle.stop()
        if self._in_flight is not None:
            self._measures.row_to_flow.add(self._measures.clock() - self._in_flight)
            self._in_flight = None

    def failed(self) -> None:
        """Note that the switch refused the bundle: the flows wait for another one."""
        self._bundle.stop()
        self._measures.bundles.failed += 1
        if self._in_flight is not None:
            self._waiting, self._in_flight = self._in_flight, None

    def reset(self) -> None:
        """Forget the bundle in flight: the connection was lost, or the switch is read back."""
        self._bundle.reset()
        self._waiting = self._in_flight = None
