"""The status of this process, for the service manager and for people."""

from collections.abc import Collection


def awaited(is_read: bool, leads: bool | None, has_hosts: bool) -> str | None:
    """Return what start-up waits for, None if it waits for no database.

    ``is_read`` is whether hardware_vtep is, ``has_hosts`` whether any Open_vSwitch is; ``leads`` is
    None until the holder of the lock is known.
    """
    if not is_read:
        return "hardware_vtep"
    if leads is None:
        return "the lock on hardware_vtep"
    return None if has_hosts else "Open_vSwitch"


def status(
    awaited: str | None,
    leads: bool | None,
    has_lock: bool,
    switches: Collection[str],
    connected: Collection[str],
    is_paused: bool,
) -> str:
    """Return the status of this process in one line.

    ``awaited`` is what start-up waits for; ``switches`` are the names of all managed ones.
    """
    role = f"waiting for {awaited}" if awaited else _role(leads, has_lock, switches, connected)
    return f"paused by an operator; {role}" if is_paused else role


def _role(
    leads: bool | None, has_lock: bool, switches: Collection[str], connected: Collection[str]
) -> str:
    if not leads:
        return "standing by: another process has the lock"
    missing = sorted(set(switches) - set(connected))
    absent = f"; not connected: {', '.join(missing)}" if missing else ""
    away = "" if has_lock else "; hardware_vtep is away"
    return f"in charge of {', '.join(sorted(connected)) or 'no switch'}{absent}{away}"


def is_ready(awaited: str | None, leads: bool | None, closed: Collection[str]) -> bool:
    """Return whether start-up is complete.

    ``closed`` are the connected switches that wait for their first bundle.
    """
    return awaited is None and not (leads and closed)
