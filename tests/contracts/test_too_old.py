"""A version below the lowest is one line, however the application is started."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.libraries import installed
from vtep_ofapp.process.lowest import LIBRARIES, OPEN_VSWITCH, too_old

ROOT = Path(__file__).parents[2]

BELOW = {"os-ken": "2.11.2", "ovs": "3.1.2", "eventlet": "0.35.2"}
"""The last version below the lowest of each library."""

WAYS = {
    "vtep-ofapp": ("-m", "vtep_ofapp.cli"),
    "osken-manager": (str(ROOT / "etc" / "osken-manager"), "vtep_ofapp"),
}


def said(*argv: str, **environment: str) -> str:
    """Return what a Python wrote that has to fail."""
    done = subprocess.run(
        [sys.executable, *argv],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("library", BELOW)
def test_a_library_below_the_lowest_is_one_line(library: str, way: str) -> None:
    folder = installed(f"{library}=={BELOW[library]}")
    needed = f"vtep_ofapp needs {LIBRARIES[library].lowest} or later"
    line = f"{way}: {library} {BELOW[library]} is too old; {needed}\n"
    assert said(*WAYS[way], PYTHONPATH=f"{folder}:{ROOT}") == line


@pytest.mark.parametrize("way", WAYS)
def test_a_library_that_is_missing_is_one_line(way: str) -> None:
    line = f"{way}: os-ken is missing; vtep_ofapp needs 3.0 or later\n"
    # Without the packages of the environment.
    assert said("-S", *WAYS[way], PYTHONPATH=str(ROOT)) == line


def test_an_older_python_is_one_line() -> None:
    script = "import sys; sys.version_info = (3, 9, 2, 'final', 0); import vtep_ofapp.cli.main"
    line = "vtep_ofapp needs Python 3.10 or later; this is 3.9\n"
    assert said("-c", script, PYTHONPATH=str(ROOT)) == line


def test_the_lowest_versions_are_those_of_the_package() -> None:
    bounds = "".join((ROOT / name).read_text() for name in ("setup.py", "requirements.txt"))
    for name, library in LIBRARIES.items():
        found = re.search(rf"^(?:OS_KEN = \")?{name}>=([\d.]+)", bounds, re.MULTILINE)
        assert found
        assert found[1] == library.lowest
    assert f"Open vSwitch\n{OPEN_VSWITCH} or later" in (ROOT / "docs" / "guide.md").read_text()


@pytest.mark.parametrize(
    ("version", "lowest", "is_too_old"),
    [
        ("2.11.8", "2.12", True),
        ("2.9", "2.12", True),
        ("2.12.0", "2.12", False),
        ("2.12.0-rc1", "2.12", False),
        ("10.1", "2.12", False),
        ("3", "3.0", False),
        ("3.1", "3.1.4", True),
        ("unknown", "2.12", False),
    ],
)
def test_versions_are_compared_by_their_numbers(
    version: str, lowest: str, is_too_old: bool
) -> None:
    assert (too_old("Open vSwitch", version, lowest) is not None) == is_too_old
