"""Stand-ins for the switch and the databases: they take notes, and answer when a test says so."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from vtep_ofapp.loop.timers import Timers
from vtep_ofapp.process.systemd import ServiceManager
from vtep_ofapp.values.counters import Traffic
from vtep_ofapp.values.events import (
    Applied,
    Committed,
    ReadBack,
    RoleIs,
    ServerConnection,
    TimerIsDue,
)
from vtep_ofapp.values.flow_changes import Change, FlowChange
from vtep_ofapp.values.flows import Flow, FlowKey, Group, ToGroup
from vtep_ofapp.values.packets import PacketOut

Said = Callable[..., list[str]]
"""What the fixture ``said`` gives: the lines of the log, of a level or above, since last asked."""


def flow_changes(changes: Sequence[Change]) -> list[FlowChange]:
    """Return changes, each of which is a change of a flow."""
    flows = [change for change in changes if isinstance(change, FlowChange)]
    assert len(flows) == len(changes), f"changes of groups too: {changes}"
    return flows


class SwitchDouble:
    """A switch at the other end of a connection, with flows and groups that outlive it."""

    def __init__(self, datapath_id: int = 0xB0) -> None:
        self.datapath_id = datapath_id
        self.flows: dict[FlowKey, Flow] = {}
        self.groups: dict[int, Group] = {}
        self.generation = 0


class ConnectionDouble:
    """The connection of a switch, as the loop uses it."""

    peer = "127.0.0.1"
    traffic = Traffic()

    def __init__(self, switch: SwitchDouble | None = None) -> None:
        self.switch = switch or SwitchDouble()
        self.asked: list[str] = []
        self.bundles: list[Sequence[Change]] = []
        self.packet_outs: list[PacketOut] = []

    # What the loop asks

    def lead(self, generation: int | None) -> None:
        self.asked.append("lead")
        self.switch.generation = self.switch.generation + 1 if generation is None else generation

    def stand_by(self) -> None:
        self.asked.append("stand by")

    def read_back(self) -> None:
        self.asked.append("read back")

    def apply(self, changes: Sequence[Change]) -> None:
        self.asked.append("apply")
        self.bundles.append(list(changes))

    def send(self, packets: Sequence[PacketOut]) -> None:
        self.asked.append("send")
        self.packet_outs += packets

    def read_counters(self, cookies: tuple[int, ...] = ()) -> None:
        self.asked.append("read counters")
        self.counted = cookies

    def read_ports(self) -> None:
        self.asked.append("read ports")

    def read_flows(self, cookies: tuple[int, ...]) -> None:
        self.asked.append(f"read flows {[hex(each) for each in cookies]}")

    def compare_groups(self, known: Iterable[int] | None = None) -> None:
        self.asked.append("compare groups")
        self.known = None if known is None else set(known)

    def ask(self) -> None:
        self.asked.append("ask")

    def disconnect(self) -> None:
        self.asked.append("disconnect")

    def take(self) -> list[str]:
        """Return what was asked since this was last called."""
        asked, self.asked = self.asked, []
        return asked

    # What the switch answers

    def leading(self) -> RoleIs:
        """Return the word that we are master."""
        return RoleIs(self, self.switch.generation)

    def reading(self) -> ReadBack:
        """Return all that the switch has."""
        return ReadBack(self, dict(self.switch.flows), dict(self.switch.groups))

    def done(self) -> Applied:
        """Make the changes of the last bundle, one by one as a switch does, or fail."""
        for change in self.bundles[-1]:
            self._make(change)
        self._check()
        return Applied(self, self.bundles[-1], made=True)

    def refused(self, *rejected: Change, is_full: bool = False) -> Applied:
        return Applied(self, self.bundles[-1], False, rejected, is_full)

    def _make(self, change: Change) -> None:
        if isinstance(change, FlowChange):
            if change.flow is None:
                self.switch.flows.pop(change.key, None)
                return
            for action in change.flow.actions:
                if isinstance(action, ToGroup):
                    assert action.group in self.switch.groups, f"no group for {change}"
            self.switch.flows[change.key] = change.flow
            return
        assert change.exists == (change.id in self.switch.groups), f"wrong command: {change}"
        if change.group is None:
            del self.switch.groups[change.id]
        else:
            self.switch.groups[change.id] = change.group

    def _check(self) -> None:
        """A group that goes takes the flows that use it along; none of ours may go so."""
        for flow in self.switch.flows.values():
            for action in flow.actions:
                if isinstance(action, ToGroup):
                    assert action.group in self.switch.groups, f"{flow} has lost its group"


class WriterDouble:
    """A database that only takes notes of what is written."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.transactions: list[list[Any]] = []
        self.connection: ServerConnection | None = None
        self.unusable: dict[str, str] = {}
        self.lacks: tuple[type, ...] = ()
        """Kinds of writes for which the schema has no columns."""

    def takes(self, write: Any) -> bool:
        return not isinstance(write, self.lacks)

    def commit(self, writes: Sequence[Any]) -> None:
        self.transactions.append(list(writes))

    def take(self) -> list[Any]:
        """Return all that was written since this was last called."""
        transactions, self.transactions = self.transactions, []
        return [write for writes in transactions for write in writes]

    def done(self, error: str | None = None) -> Committed:
        return Committed(self.name, error)


class ServiceDouble(ServiceManager):
    """A service manager that takes notes."""

    def __init__(self) -> None:
        super().__init__({})
        self.watchdog_interval = 1.0
        self.is_ready = False
        self.status = ""
        self.fed = 0

    def alive(self) -> None:
        self.fed += 1

    def be(self, is_ready: bool, status: str) -> None:
        self.is_ready |= is_ready
        self.status = status


class _Call:
    """A call that is to be made at a time; it may be cancelled."""

    def __init__(self, time: "TimeDouble", due: float, call: Callable[[], Any]) -> None:
        self.due = due
        self.make = call
        self._time = time

    def cancel(self) -> None:
        if self in self._time.calls:
            self._time.calls.remove(self)


class TimeDouble:
    """A clock that a test moves on, and the calls that wait for it."""

    def __init__(self, now: float = 100.0) -> None:
        self.now = now
        self.calls: list[_Call] = []

    def clock(self) -> float:
        return self.now

    def later(self, seconds: float, function: Callable[..., Any], *arguments: Any) -> _Call:
        call = _Call(self, self.now + seconds, lambda: function(*arguments))
        self.calls.append(call)
        return call

    def passing(self, seconds: float) -> Iterator[None]:
        """Let time pass; yields after each call that was due."""
        end = self.now + seconds
        while due := [call for call in self.calls if call.due <= end]:
            first = min(due, key=lambda call: call.due)
            self.calls.remove(first)
            self.now = max(self.now, first.due)
            first.make()
            yield
        self.now = end

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        for _ in self.passing(seconds):
            pass

    def timers(self, post: Callable[[TimerIsDue], None] | None = None) -> Timers:
        """Return timers that go by this clock; without ``post`` they are due at once."""
        timers = Timers(post or (lambda event: timers.due(event)), self.clock, self.later)
        return timers
