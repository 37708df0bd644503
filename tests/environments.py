"""Virtual environments that tests make once and keep: they are part of .venv, and go with it."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path


def run(*argv: str | Path, cwd: Path | None = None) -> str:
    """Run a command that must succeed; return what it prints."""
    done = subprocess.run(argv, capture_output=True, text=True, timeout=300, check=False, cwd=cwd)
    assert done.returncode == 0, f"{argv}\n{done.stdout}{done.stderr}"
    return done.stdout


def install(environment: Path, *arguments: str | Path) -> None:
    """Install into an environment, which needs no pip of its own; what is imported is compiled."""
    pip = sys.executable, "-m", "pip", "--python", environment / "bin/python"
    run(*pip, "install", "--no-compile", *arguments)


def kept(name: str, python: Path, *needed: str | Path) -> Path:
    """Return an environment of a Python with what pip installs for these arguments.

    A path is a file of requirements. Other arguments, or other contents of these files, have an
    environment of their own.
    """
    arguments: list[str | Path] = []
    wanted = hashlib.sha256()
    for each in needed:
        arguments += ["-r", each] if isinstance(each, Path) else [each]
        wanted.update(each.read_bytes() if isinstance(each, Path) else each.encode())
    folder = Path(sys.prefix) / "pythons" / f"{name}-{wanted.hexdigest()[:12]}"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        run(python, "-m", "venv", "--without-pip", folder)
        install(folder, "--quiet", *arguments)
        (folder / "complete").touch()
    return folder
