"""The status of this process, for the service manager and for people."""

from collections.abc import Collection


def status(
    leads: bool | None,
    has_lock: bool,
    switches: Collection[str],
    connected: Collection[str],
    is_paused: bool,
) -> str:
    """Return the status of this process in one line.

    ``leads`` is None until the database has answered; ``switches`` are the names of all managed
    ones.
    """
    role = _role(leads, has_lock, switches, connected)
    return f"paused by an operator; {role}" if is_paused else role


def _role(
    leads: bool | None, has_lock: bool, switches: Collection[str], connected: Collection[str]
) -> str:
    if leads is None:
        return "waiting for the lock on hardware_vtep"
    if not leads:
        return "standing by: another process has the lock"
    missing = sorted(set(switches) - set(connected))
    absent = f"; not connected: {', '.join(missing)}" if missing else ""
    away = "" if has_lock else "; hardware_vtep is away"
    return f"in charge of {', '.join(sorted(connected)) or 'no switch'}{absent}{away}"


def is_ready(leads: bool | None, has_hosts: bool, closed: Collection[str]) -> bool:
    """Return whether start-up is complete.

    ``closed`` are the connected switches that wait for their first bundle.
    """
    return leads is not None and has_hosts and not (leads and closed)
