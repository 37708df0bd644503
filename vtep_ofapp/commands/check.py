"""``check``: whether all is consistent, one line for each thing that is looked at."""

from collections.abc import Iterator, Sequence
from itertools import chain

from ..loop.switch_driver import SwitchDriver
from .answer import Answer, Table
from .checks import bridge, process, routers, tunnels, underlay
from .checks.finding import Finding, Level
from .command import Command, Running
from .scope import scope

_USAGE = "[BRIDGE]"
CHECKS = (*bridge.CHECKS, *underlay.CHECKS, *tunnels.CHECKS, *routers.CHECKS)
"""The checks of each switch, in their order; a new one is a function here."""


def _check(arguments: Sequence[str], running: Running) -> Answer:
    drivers = running.components.switches.drivers
    looked_at = [drivers[state.name] for state in scope(_USAGE, arguments, running).switches]
    found = list(chain(_of_process(running), *(_of_switch(each, running) for each in looked_at)))
    levels = [finding.level for _, _, finding in found]
    rows = [(finding.level.value, name, check, finding.text) for name, check, finding in found]
    return Answer(
        {
            "checks": Table(("result", "bridge", "check", "text"), rows),
            "failed": levels.count(Level.FAIL),
            "warned": levels.count(Level.WARN),
        },
        failed=Level.FAIL in levels,
    )


def _of_process(running: Running) -> Iterator[tuple[str | None, str, Finding]]:
    for check in process.CHECKS:
        for finding in check.look(running):
            yield None, check.name, finding


def _of_switch(driver: SwitchDriver, running: Running) -> Iterator[tuple[str | None, str, Finding]]:
    for check in CHECKS:
        for finding in check.look(driver, running):
            yield driver.switch.name, check.name, finding
        running.components.turns.let_run()


COMMANDS = (
    Command(
        "check",
        _USAGE,
        "Print PASS, WARN or FAIL for all that has to be consistent; fail if anything does.",
        _check,
    ),
)
