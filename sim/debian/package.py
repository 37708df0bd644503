"""vtep_ofapp's Debian package, built in a tree: for machines with an older release than it needs.

`make deb` runs `python -m sim.debian.package FOLDER` on Debian 12.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from sim.command import Refused
from sim.debian.release import unpack
from sim.debian.tree import Bound, Tree
from sim.lab.namespaces import CommandFailed
from sim.lab.process import CHECKOUT

RELEASE = "trixie"
"""The first release that has what the application runs on."""

_NOT_HERE = (
    "It is for Debian 13 and later. Debian 12 has no os-ken 3: docs/installing.md says what to "
    "install there."
)
SCRIPT = "etc/debian/build"
"""What builds it on Debian 13 and later."""

_HERE, _MADE = "/checkout", "/made"


def named(field: str) -> list[str]:
    """Return the packages that a field of etc/debian/control names, as `Build-Depends`."""
    control = (CHECKOUT / "etc/debian/control").read_text()
    wanted = re.findall(rf"^{field}:(.*\n(?: .*\n)*)", control, re.MULTILINE)[0]
    return re.findall(r"([a-z0-9.+-]+)(?: \([^)]*\))?,", wanted)


def builder() -> Tree:
    """Return a tree that can build the package, and check it with lintian; it sees the checkout.

    Raises Refused.
    """
    root = unpack(RELEASE, [*named("Build-Depends"), "lintian"])
    return Tree(root, [Bound(CHECKOUT, _HERE)])


def build(tree: Tree, folder: Path) -> tuple[Path, str]:
    """Build the package into a folder; return its file, and what lintian says of it.

    Raises CommandFailed with what the build said.
    """
    asked = [str(CHECKOUT / SCRIPT), "--version"]
    version = subprocess.run(asked, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    made = tree.run([f"{_HERE}/{SCRIPT}", _MADE, version]).split()[-1]
    package = folder / Path(made).name
    folder.mkdir(parents=True, exist_ok=True)
    package.write_bytes((tree.path / made.lstrip("/")).read_bytes())
    return package, tree.run(["lintian", "--allow-root", made], check=False)


def main(folder: str) -> None:
    """Build the package into a folder. Exits with one line and code 1 if that is not possible."""
    try:
        with builder() as tree:
            package, said = build(tree, Path(folder))
    except (Refused, CommandFailed) as error:
        sys.exit(f"make deb: {error}")
    print(f"{said}{package}\n{_NOT_HERE}")


if __name__ == "__main__":
    main(*sys.argv[1:])
