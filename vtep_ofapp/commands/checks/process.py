"""Checks of what all switches share: databases, the lock, a pause, faults."""

from collections.abc import Iterator

from ...loop.fault_log import Standing
from ..command import Running
from .finding import Finding, ProcessCheck, failed, or_passed, passed, warned


def _databases(running: Running) -> Iterator[Finding]:
    for name, database in running.components.databases.all().items():
        if database.connection is None:
            yield failed(f"{name} is away; the log says why")
        elif name in running.components.hosts.unread:
            yield warned(f"{name} is not read yet")
        else:
            yield passed(f"{name} is connected")


def _lock(running: Running) -> Iterator[Finding]:
    lock = running.components.lock
    if lock.leads is None:
        yield warned("hardware_vtep has not said yet who has the lock")
    elif not lock.leads:
        yield passed("another process has the lock; this one stands by")
    elif lock.is_held:
        yield passed("this process has the lock")
    else:
        yield warned("nobody knows who has the lock while hardware_vtep is away; roles stay")


def _pause(running: Running) -> Iterator[Finding]:
    if running.is_paused:
        yield warned("an operator paused this process: ovs-appctl -t vtep_ofapp resume")
    else:
        yield passed("this process is not paused")


def _switches(running: Running) -> Iterator[Finding]:
    names = sorted(running.components.switches.drivers)
    if names:
        yield passed(f"managed: {', '.join(names)}")
    else:
        yield warned("no switch is managed: vtep-ctl add-ps BRIDGE")


def _faults(running: Running) -> Iterator[Finding]:
    # One fault may be shown in the columns of several rows.
    faults = dict.fromkeys(map(_fault, running.components.faults.standing()))
    yield from or_passed([*faults], "there are none")


def _fault(standing: Standing) -> Finding:
    """Return a failure for what the NVC is shown: other faults may be meant, or have a check."""
    return (warned if standing.fault.entry is None else failed)(str(standing.fault))


CHECKS = (
    ProcessCheck("databases", _databases),
    ProcessCheck("lock", _lock),
    ProcessCheck("pause", _pause),
    ProcessCheck("switches", _switches),
    ProcessCheck("faults", _faults),
)
