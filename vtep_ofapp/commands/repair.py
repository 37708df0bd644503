"""``resync``, ``pause`` and ``resume``: what an operator does to switches that are wrong."""

from collections.abc import Sequence

from ..loop.switch_driver import Role, SwitchDriver
from ..values.events import PauseIs, ResyncWanted
from .answer import Answer, Row, Table
from .command import Command, Running
from .scope import scope

_BRIDGE = "[BRIDGE]"
_RESYNCED = ("bridge", "flows", "groups", "differed", "problem", "is_settled")
_PATIENCE = 30.0
"""Seconds in which what was sent before a pause is answered, even 100,000 flows."""


def _pause(_arguments: Sequence[str], running: Running) -> Answer:
    """Pause, and wait for the answers to what is sent already."""
    running.inbox.post(PauseIs(paused=True))
    turns = running.components.turns
    turns.wait_until(lambda: running.is_paused and not _unanswered(running), _PATIENCE)
    return Answer({"unanswered": _unanswered(running)})


def _resume(_arguments: Sequence[str], running: Running) -> Answer:
    components = running.components
    since = components.pausing.since
    running.inbox.post(PauseIs(paused=False))
    components.turns.wait_until(lambda: not running.is_paused, _PATIENCE)
    seconds = None if since is None else int(components.timers.clock() - since)
    return Answer({"paused_for_s": seconds})


def _resync(arguments: Sequence[str], running: Running) -> Answer:
    """Recompute switches, read them back, and wait until the differences are sent."""
    switches = running.components.switches
    names = [state.name for state in scope(_BRIDGE, arguments, running).switches]
    begun = {name: _Begun(driver) for name in names if (driver := switches.drivers.get(name))}
    for name in names:
        running.inbox.post(ResyncWanted(name))
    running.components.turns.wait_until(
        lambda: all(each.is_over(running.is_paused) for each in begun.values()), _PATIENCE
    )
    rows = [(name, *each.result(running.is_paused)) for name, each in begun.items()]
    return Answer({"bridges": Table(_RESYNCED, rows)}, failed=any(not row[-1] for row in rows))


class _Begun:
    """A resync of one switch that was asked for."""

    def __init__(self, driver: SwitchDriver) -> None:
        self._driver = driver
        self._read_at = driver.contents.read_at
        self._changed = driver.contents.changed_by_others

    def is_over(self, is_paused: bool) -> bool:
        """Whether nothing more comes of it."""
        return self._obstacle() is not None or (
            self._is_read() and (is_paused or self._driver.is_settled())
        )

    def result(self, is_paused: bool) -> Row:
        """Return the columns behind the bridge's name."""
        state, contents = self._driver.switch, self._driver.contents
        obstacle = self._obstacle()
        if obstacle is None and not self._is_read():
            obstacle = "it has not answered"
        elif obstacle is None and not self._driver.is_settled():
            obstacle = "paused: differences are not sent" if is_paused else "changes are refused"
        differed = contents.changed_by_others - self._changed
        numbers = len(state.flows.actual), len(state.groups.actual), differed
        return *numbers, obstacle, obstacle is None

    def _obstacle(self) -> str | None:
        """Return why the switch cannot be read back, None if it can."""
        if self._driver.connection is None:
            return "not connected"
        return None if self._driver.role is Role.MASTER else "this process is not its master"

    def _is_read(self) -> bool:
        """Whether it was read back since."""
        contents = self._driver.contents
        return contents.are_known and contents.read_at != self._read_at


def _unanswered(running: Running) -> list[str]:
    """Return the switches and databases that have not answered what was sent to them last."""
    components = running.components
    drivers = components.switches.drivers
    databases = components.databases.all()
    return [
        *sorted(name for name, driver in drivers.items() if driver.bundles.is_in_flight),
        *(name for name, transactions in databases.items() if transactions.is_in_flight),
    ]


COMMANDS = (
    Command(
        "resync",
        _BRIDGE,
        "Recompute one switch or all, read flows and groups back, and send what differs.",
        _resync,
        has_effect=True,
    ),
    Command(
        "pause",
        "",
        "Write nothing to switches and databases until resume or the end of the process; lock and "
        "roles stay.",
        _pause,
        has_effect=True,
    ),
    Command(
        "resume", "", "End a pause, and send all differences at once.", _resume, has_effect=True
    ),
)
