"""The lowest versions that the application runs with, and one line about a lower one."""

import re
import sys
from importlib import metadata, util
from typing import NamedTuple


class Library(NamedTuple):
    """A library that the application runs on: its module, and its lowest version."""

    module: str
    lowest: str


LIBRARIES = {
    "os-ken": Library("os_ken", "3.0"),
    "ovs": Library("ovs", "3.1.4"),
    "eventlet": Library("eventlet", "0.36"),
}
"""The bounds of setup.py and requirements.txt, by the names of the distributions."""

OPEN_VSWITCH = "2.12"
"""Earlier ones do not have all actions of our flows."""


def check_libraries(command: str) -> None:
    """End the process, with one line, if a library is missing or too old."""
    for name, library in LIBRARIES.items():
        if reason := against(name, library):
            sys.exit(f"{command}: {reason}")


def against(name: str, library: Library) -> str | None:
    """Return why a library cannot be used, None if it can or does not say its version."""
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        is_there = util.find_spec(library.module) is not None
        return (
            None if is_there else f"{name} is missing; vtep_ofapp needs {library.lowest} or later"
        )
    return too_old(name, version, library.lowest)


def too_old(name: str, version: str, lowest: str) -> str | None:
    """Return what to say of a version below the lowest, None of any other.

    A version without numbers, such as `unknown`, may be any.
    """
    numbers = _numbers(version)
    if not numbers or numbers >= _numbers(lowest):
        return None
    return f"{name} {version} is too old; vtep_ofapp needs {lowest} or later"


def _numbers(version: str) -> tuple[int, ...]:
    """Return the first three numbers of a version: 3, 1, 0 of 3.1-rc2; none if it has none."""
    found = re.match(r"\d+(?:\.\d+)*", version)
    return (*map(int, found[0].split(".")), 0, 0)[:3] if found else ()
