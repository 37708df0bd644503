"""A former version of the application, as git has it, to be taken over from."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib import metadata
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

from sim.lab.app import App
from sim.lab.openvswitch import OpenVSwitch
from sim.lab.process import CHECKOUT
from tests.libraries import installed

COMMIT = "aab8f653df001fae933fe939123af675c8874845"
"""The version that is taken over from: the last one with sixteen kinds of groups. After a release
it is the release before."""


def check_out(folder: Path) -> Path:
    """Put the former version's files into a folder, and return it.

    So are libraries of a version that it needs and this environment does not have. Fails the test
    if the clone does not have that commit.
    """
    parts = ("vtep_ofapp", "etc", "requirements.txt")
    git = ("git", "-c", "safe.directory=*", "archive", "--format=zip", COMMIT, *parts)
    archive = subprocess.run(git, cwd=CHECKOUT, capture_output=True, timeout=60, check=False)
    if archive.returncode:
        pytest.fail(
            f"the former version is commit {COMMIT}, and git does not have it "
            f"({archive.stderr.decode().strip()}): `git fetch --unshallow` brings the history of "
            f"a shallow clone, `git fetch origin {COMMIT}` that commit alone",
            pytrace=False,
        )
    ZipFile(BytesIO(archive.stdout)).extractall(folder)
    for line in (folder / "requirements.txt").read_text().splitlines():
        requirement = Requirement(line.split("#")[0])
        if not requirement.specifier.contains(metadata.version(requirement.name)):
            shutil.copytree(installed(str(requirement)), folder, dirs_exist_ok=True)
    return folder


class FormerApp(App):
    """`osken-manager vtep_ofapp` of a former version, with the libraries of this environment."""

    def __init__(self, vtep: OpenVSwitch, checkout: Path) -> None:
        super().__init__(vtep, "former")
        self._checkout = checkout

    def command(self) -> list[str]:
        """Return the command line of the former version's osken-manager."""
        manager = self._checkout / "etc" / "osken-manager"
        return [sys.executable, str(manager), "vtep_ofapp", "--config-file", str(self.config)]

    def environment(self) -> dict[str, str]:
        """Return the switch's variables, and the former version as the place of vtep_ofapp."""
        return {**super().environment(), "PYTHONPATH": str(self._checkout)}

    def control(self) -> dict[str, str]:
        """Return nothing: the former version has neither pidfile nor control socket."""
        return {}

    def origin(self) -> Path:
        """Return where Python finds vtep_ofapp for this application."""
        find = "from importlib import util; print(util.find_spec('vtep_ofapp').origin)"
        # -c puts the current folder first, which osken-manager does not.
        argv = [sys.executable, "-c", f"import sys; del sys.path[0]; {find}"]
        return Path(self.vtep.namespace.run(argv, env=self.environment()).strip())
