"""Replay a session of a record: the same loop, without a switch or a database."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from ..loop.components import Components, build_components
from ..loop.databases import HARDWARE_VTEP
from ..loop.inbox import Inbox
from ..loop.loop import Loop
from ..loop.measures import Measures
from ..loop.timers import Cancellable, Timers
from ..process.systemd import ServiceManager
from ..values.counters import Traffic
from ..values.events import Applied
from ..values.flow_changes import Change
from ..values.packets import PacketOut
from .contents import BundleAnswered, Header, Question, sort_of
from .reading import Session, Turn

LOG = logging.getLogger("vtep_ofapp.recording")


class Replay:
    """The loop of a session. ``note`` is called with what differs from the record, or is wrong."""

    def __init__(self, header: Header, note: Callable[[str], None]) -> None:
        self._note = note
        self._now = header.clock
        self._answers: dict[Question, Any] = {}
        self._connections: dict[int, _Connection] = {}
        measures = Measures(lambda: self._now)
        inbox = Inbox(measures.packet_ins)
        timers = Timers(inbox.post, lambda: self._now, _never)
        self.components: Components = build_components(
            _Writer(HARDWARE_VTEP, self._answers),
            {name: _Writer(name, self._answers) for name in header.databases},
            header.settings,
            timers,
            header.listener,
            measures,
            _Host(self._answers),
        )
        self._loop = Loop(self.components, inbox, ServiceManager({}))
        timers.begin()

    def run(self, session: Session, until: int | None = None) -> int:
        """Take the turns of a session, up to turn ``until``; return the number of the last one.

        Raises Unreadable if the record is damaged.
        """
        last = 0
        for turn in session.turns(self.connection, self._note):
            if until is not None and turn.number > until:
                break
            self.turn(turn)
            last = turn.number
        return last

    def connection(self, number: int) -> "_Connection":
        """Return the connection of a number."""
        if number not in self._connections:
            self._connections[number] = _Connection(number, self._answers)
        return self._connections[number]

    def turn(self, turn: Turn) -> None:
        """Take one turn. One that fails is a bug: it is logged, as it was when it was recorded."""
        self._now = turn.at
        self._answers.update(turn.answers)
        try:
            self._loop.turn([self._event(turn.number, event) for event in turn.events])
        except Exception:
            LOG.exception("turn %d failed", turn.number)

    def _event(self, number: int, event: Any) -> Any:
        """Return an event as it reached the loop."""
        if not isinstance(event, BundleAnswered):
            return event
        connection = event.connection
        assert isinstance(connection, _Connection)
        changes = connection.changes
        if len(changes) != event.changes:
            self._note(
                f"turn {number}: the switch answered to {event.changes} changes, "
                f"and the replay made {len(changes)}"
            )
        return Applied(connection, changes, event.made, event.rejected, event.is_full)


class _Connection:
    """A connection on which nothing is sent; ``changes`` are those of the last bundle."""

    def __init__(self, number: int, answers: Mapping[Question, Any]) -> None:
        self.traffic = Traffic()
        self.changes: Sequence[Change] = ()
        self._number = number
        self._answers = answers

    @property
    def peer(self) -> str:
        """The IP address of the switch's end, as it was recorded."""
        return str(self._answers.get(("peer", self._number), ""))

    def lead(self, generation: int | None) -> None: ...
    def stand_by(self) -> None: ...
    def read_back(self) -> None: ...
    def send(self, packets: Sequence[PacketOut]) -> None: ...
    def read_counters(self, cookies: tuple[int, ...] = ()) -> None: ...
    def read_ports(self) -> None: ...
    def read_flows(self, cookies: tuple[int, ...]) -> None: ...
    def ask(self) -> None: ...
    def compare_groups(self, known: Iterable[int] | None = None) -> None: ...
    def disconnect(self) -> None: ...

    def apply(self, changes: Sequence[Change]) -> None:
        self.changes = changes


class _Writer:
    """A database that is not written."""

    connection = None
    unusable: ClassVar[Mapping[str, str]] = {}

    def __init__(self, name: str, answers: Mapping[Question, Any]) -> None:
        self._name = name
        self._answers = answers

    def takes(self, write: Any) -> bool:
        return bool(self._answers.get(("takes", self._name, sort_of(write)), True))

    def commit(self, writes: Sequence[Any]) -> None: ...


class _Host:
    """The host as it was: what was never asked there is not there."""

    def __init__(self, answers: Mapping[Question, Any]) -> None:
        self._answers = answers

    def has_interface(self, name: str, number: int, mac: str) -> bool:
        return bool(self._answers.get(("has_interface", name, number, mac)))

    def has_address(self, address: str) -> bool:
        return bool(self._answers.get(("has_address", address)))


class _Never:
    """A call that is never made: the record has the events of timers."""

    def cancel(self) -> None: ...


def _never(seconds: float, function: Callable[..., Any], *arguments: Any) -> Cancellable:
    return _Never()
