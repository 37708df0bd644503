"""A leg is run: its release is unpacked, and the checks run on a copy of the checkout."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import time
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from sim.command import Refused
from sim.debian.release import TREES, unpack
from sim.debian.tree import Bound, Tree
from sim.lab.namespaces import CommandFailed
from sim.lab.process import CHECKOUT
from sim.matrix.legs import CHECKS, LIBRARIES, Leg
from sim.matrix.results import Outcome, Result, closing_line, not_passed

LOGS = TREES / "logs"
"""What the checks wrote, a file for each leg and check."""

HERE = "/root/vtep_ofapp"
"""Where a tree has the copy of the checkout."""
VENV = "/root/venv"

_SHOWN = 60
"""Last lines of a check that failed."""
_DEADLINE = 1800.0
"""Seconds for one check; the longest takes five minutes."""

_VERSIONS = f"""
import json, platform
from importlib.metadata import version
print(json.dumps({{"Python": platform.python_version(),
                  **{{name: version(name) for name in {list(LIBRARIES)!r}}}}}))
"""
_TOOLS = {"Open vSwitch": "ovs-vsctl", "OVN": "ovn-nbctl"}


def run_leg(leg: Leg) -> Result:
    """Run a leg, saying what is done, and return what was found. Raises Refused."""
    began = time.monotonic()
    say(leg, f"Debian {leg.number} ({leg.release}), {leg.libraries}")
    root = unpack(leg.release, leg.packages)
    with Tree(root, [Bound(CHECKOUT, HERE, is_copy=True), *_history()]) as tree:
        _install(leg, tree)
        versions = {"Debian": leg.number, **_versions(tree)}
        found = ", ".join(f"{name} {version}" for name, version in versions.items())
        say(leg, f"{found}; made in {time.monotonic() - began:.0f} s")
        outcomes = {name: run_check(leg, tree, name, argv) for name, argv in CHECKS.items()}
    date = datetime.now(timezone.utc).date().isoformat()
    return Result(leg.name, versions, outcomes, date)


def say(leg: Leg, text: str) -> None:
    """Print a line about a leg."""
    print(f"matrix {leg.name}: {text}", flush=True)


def _history() -> list[Bound]:
    """Return the folder with git's history of this checkout, if it lies elsewhere."""
    argv = ["git", "-c", "safe.directory=*", "rev-parse", "--path-format=absolute"]
    done = subprocess.run(
        [*argv, "--git-common-dir"], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    folder = Path(done.stdout.strip())
    is_elsewhere = done.returncode == 0 and not folder.is_relative_to(CHECKOUT)
    return [Bound(folder, str(folder))] if is_elsewhere else []


def _install(leg: Leg, tree: Tree) -> None:
    """Make the virtual environment, with the test tools and the libraries of the leg."""
    own = ["--system-site-packages"] if leg.has_debians else []
    tree.run(["python3", "-m", "venv", *own, VENV])
    pinned = [f"{name}=={version}" for name, version in leg.pinned.items()]
    if not leg.has_debians and not pinned:
        pinned = ["--requirement", "requirements.txt"]
    pip = [f"{VENV}/bin/pip", "install", "--quiet", "--no-compile"]
    try:
        tree.run([*pip, "--editable", ".[test]", *pinned], cwd=HERE, timeout=_DEADLINE)
    except CommandFailed as error:
        errors = re.findall(r"^ERROR: (.+)$", str(error), re.MULTILINE) or [str(error)]
        raise Refused(f"matrix {leg.name}: pip: {errors[0]}") from None


def _versions(tree: Tree) -> dict[str, str]:
    versions: dict[str, str] = json.loads(tree.run([f"{VENV}/bin/python", "-c", _VERSIONS]))
    for name, tool in _TOOLS.items():
        versions[name] = tree.run([tool, "--version"]).splitlines()[0].split()[-1]
    return versions


def run_check(leg: Leg, tree: Tree, name: str, argv: Sequence[str]) -> Outcome:
    """Run a check to its end; what it wrote goes into its log, and the end of that is shown."""
    # A shell, which finds the files that a pattern stands for.
    script = f"exec {' '.join(argv)}"
    path = {"PATH": f"{VENV}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
    began = time.monotonic()
    is_ok = True
    try:
        output = tree.run(["sh", "-c", script], cwd=HERE, env=path, timeout=_DEADLINE)
    except CommandFailed as error:
        is_ok, output = False, str(error)
    except subprocess.TimeoutExpired:
        is_ok, output = False, f"it took longer than {_DEADLINE:.0f} s and was killed"
    seconds = time.monotonic() - began
    log = LOGS / f"{leg.name}-{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(output)
    closing = closing_line(output)
    if not is_ok:
        print("\n".join(output.splitlines()[-_SHOWN:]))
        for test in not_passed(output):
            say(leg, f"{name}: {test} has not passed")
        say(leg, f"{name} FAILED; all that it wrote is in {shlex.quote(str(log))}")
    say(leg, f"{name}: {closing} ({seconds:.0f} s)")
    return Outcome(is_ok, seconds, closing)
