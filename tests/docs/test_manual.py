"""The man pages and the completion of vtep-ofapp are those that the code makes, and work."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.docs.pages import ROOT
from vtep_ofapp.cli.manual import FILES
from vtep_ofapp.commands.registry import COMMANDS
from vtep_ofapp.process.options import OPTIONS
from vtep_ofapp.web.__main__ import FLAGS

ETC = ROOT / "etc"
PAGES = [ETC / name for name in FILES if name.startswith("man/")]
COMPLETION = ETC / "bash-completion" / "vtep-ofapp"


def rendered(page: Path) -> str:
    """Return a man page as `man` shows it, without a complaint of it."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "100", "MAN_KEEP_FORMATTING": ""}
    argv = ["man", "--warnings", "--no-hyphenation", "--local-file", str(page)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("name", FILES)
def test_what_is_installed_is_what_the_code_makes(name: str) -> None:
    assert (ETC / name).read_text() == FILES[name](), "`make manual` writes them"


def test_each_page_is_shown_without_a_complaint() -> None:
    command, web, configuration = map(rendered, PAGES)
    assert all(f"\n       {each.name}" in command for each in COMMANDS)
    assert all(f"\n       {each.name}" in configuration for each in OPTIONS)
    assert "unix:$OVS_RUNDIR/db.sock" in configuration
    assert all(f"\n       {flag} " in web for flag in FLAGS)


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        (["--pid"], ["--pidfile"]),
        (["--config-file", "vtep_ofapp.c"], ["vtep_ofapp.conf"]),
        (["check-config", "vtep_ofapp.c"], ["vtep_ofapp.conf"]),
        (["vlog/"], ["vlog/list", "vlog/set"]),
        (["mac/show", ""], ["--json"]),
        (["run", "--pid"], ["--pidfile"]),
        (["run", "vlog/"], []),
        (["-t", "one", "fau"], ["fault/show"]),
        (["supportbundle", "vtep_ofapp.c"], ["vtep_ofapp.conf"]),
    ],
)
def test_bash_completes_flags_files_and_commands(words: list[str], completed: list[str]) -> None:
    script = (
        f'. {COMPLETION}; COMP_WORDS=(vtep-ofapp "$@"); COMP_CWORD=$#; _vtep_ofapp; '
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    argv = ["bash", "-c", script, "bash", *words]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, cwd=ETC)
    assert done.stderr == ""
    assert done.stdout.split() == completed
