"""The contracts hold with the lowest and the highest version of each library that we allow.

Each version is installed into a folder of its own, once, and the contract tests of its library run
again in a process that imports it from there.
"""

import importlib.metadata
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.libraries import installed

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
CONTRACTS = {"ovs": "test_ovs_*.py", "os-ken": "test_os_ken_*.py"}
"""Files of contract tests by the library that they are about."""
BOUNDS = "".join((ROOT / name).read_text() for name in ("setup.py", "requirements.txt"))
"""Bounds in requirements.txt, and before them in setup.py that of os-ken, which is wider there."""
TOOLS = ("-p", "no:cacheprovider", "-p", "no:randomly", "-o", "addopts=")
DEADLINE = 100
"""Seconds for the tests; they take a few."""


def requirement(library: str) -> str:
    """Return the bounds of a library that the package has."""
    found = re.search(rf"^(?:OS_KEN = \")?({library}[<>=.,\d]+)", BOUNDS, re.MULTILINE)
    assert found, f"there are no bounds of {library}"
    return found[1]


def lowest(library: str) -> str:
    """Return the requirement of the lowest version alone: the bound itself."""
    found = re.search(r">=([\d.]+)", requirement(library))
    assert found, f"{requirement(library)} has no lower bound"
    return f"{library}=={found[1]}"


def run(*command: str | Path, **environment: str) -> str:
    """Run a command of this Python in the checkout; return what it said, which fails if it did."""
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    return output


def version_in(folder: Path, library: str) -> str:
    (found,) = importlib.metadata.distributions(name=library, path=[str(folder)])
    return found.version


@pytest.mark.parametrize("which", ["lowest", "highest"])
@pytest.mark.parametrize("library", CONTRACTS)
def test_the_contracts_hold(library: str, which: str) -> None:
    folder = installed(lowest(library) if which == "lowest" else requirement(library))
    files = sorted(HERE.glob(CONTRACTS[library]))
    assert files
    module = library.replace("-", "_")
    where = run("-c", f"import {module}; print({module}.__file__)", PYTHONPATH=str(folder))
    assert where.startswith(str(folder))
    said = run("-m", "pytest", *TOOLS, *files, PYTHONPATH=str(folder))
    assert re.search(r"\d+ passed", said), said
    assert not re.search(r"skipped|xfailed", said), said
    print(f"{library} {version_in(folder, library)}: {said.splitlines()[-1]}")


def test_the_lowest_version_is_lower() -> None:
    """Both runs would be the same if the bound were not found."""
    for library in CONTRACTS:
        versions = [version_in(installed(each(library)), library) for each in (lowest, requirement)]
        assert versions[0] != versions[1]
