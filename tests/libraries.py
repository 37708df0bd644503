"""Versions of libraries beside those of this environment, each in a folder of its own."""

from __future__ import annotations

import fcntl
import re
import shutil
import subprocess
import sys
from pathlib import Path

DEADLINE = 300
"""Seconds for pip; it takes a few."""


def installed(requirement: str) -> Path:
    """Return a folder with what a requirement allows: the highest version of that, alone.

    It stays in the virtual environment, and goes with it. Fails if pip does.
    """
    folder = Path(sys.prefix) / "libraries" / re.sub(r"[^\w.]+", "_", requirement)
    folder.parent.mkdir(exist_ok=True)
    with open(f"{folder}.lock", "w") as lock:
        # Tests that run beside this one may need the same.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "is_complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            _install(requirement, folder)
            (folder / "is_complete").touch()
    return folder


def _install(requirement: str, folder: Path) -> None:
    options = ("--quiet", "--no-compile", "--no-deps", "--target", str(folder))
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, requirement],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
