"""The version is written down in one place, from which all that is made here takes it."""

import re
import subprocess
import sys

from tests.docs.pages import ROOT
from vtep_ofapp import __version__
from vtep_ofapp.cli import usage
from vtep_ofapp.cli.manual import FILES

MADE_FROM_IT = {f"etc/{name}" for name in FILES}
RECORDED = ("tests/", "docs/decisions/", "CHANGELOG.md", "docs/operating.md")
"""Where a version is that of a moment in the past."""


def test_no_other_file_has_it() -> None:
    git = subprocess.run(
        ["git", "-c", "safe.directory=*", "grep", "-lIwF", __version__],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    found = {name for name in git.stdout.split() if not name.startswith(RECORDED)}
    assert "vtep_ofapp/version.py" in found
    assert found - MADE_FROM_IT == {"vtep_ofapp/version.py"}


def test_nothing_asks_what_is_installed_for_it() -> None:
    """What is installed may be another version than what runs."""
    for file in (ROOT / "vtep_ofapp").rglob("*.py"):
        assert not re.search(r"""\bversion\(["']vtep[-_]ofapp""", file.read_text()), file


def test_packages_have_it() -> None:
    said = subprocess.run(
        [sys.executable, "setup.py", "--version"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.split()[-1] == __version__


def test_the_command_and_its_man_pages_say_it() -> None:
    assert usage.versions().startswith(f"vtep_ofapp {__version__} (")
    for name, text in FILES.items():
        if name.startswith("man/"):
            assert f'"vtep_ofapp {__version__}"' in text().splitlines()[1]
