"""The support bundle: what is in it, and what happens when it cannot be written."""

import logging
import os
import resource
import stat
import tarfile
from pathlib import Path

import pytest

from vtep_ofapp.commands import counters_now
from vtep_ofapp.commands.answer import WrongWords
from vtep_ofapp.process import log_tail

from .app import App
from .asking import BY_NAME, Asking
from .builders import FAR, MAC2, remote_mac


@pytest.fixture
def logger(monkeypatch: pytest.MonkeyPatch) -> logging.Logger:
    """Return the root of all loggers, which has a tail alone."""
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    log_tail.install(root)
    return root


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for the counters of ports: no switch answers here."""
    monkeypatch.setattr(counters_now, "PATIENCE", 0.0)


def contents(path: Path) -> dict[str, str]:
    """Return the text of each member of a bundle."""
    with tarfile.open(path) as bundle:
        files = [(member.name, bundle.extractfile(member)) for member in bundle]
        return {name: file.read().decode() for name, file in files if file is not None}


def test_all_is_there(app: App, tmp_path: Path, logger: logging.Logger) -> None:
    app.start()
    app.tell(remote_mac(MAC2, FAR))
    logger.warning("said before")
    path = tmp_path / "report.tar.gz"
    answer = Asking(app).json("supportbundle", str(path))
    found = contents(path)
    assert answer == {
        "role": "active", "file": str(path), "bytes": path.stat().st_size, "members": len(found),
    }  # fmt: skip
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "eventlet " in found["report/versions.txt"]
    assert found["report/options.txt"] == "[vtep] lock = vtep_ofapp\n"
    asked = {name for name in found if name.startswith("report/commands/")}
    questions = [each for each in BY_NAME.values() if not each.has_effect and not each.bounds[0]]
    assert len(asked) == 2 * len(questions)
    assert "in charge of br0" in found["report/commands/show.txt"]
    assert found["report/commands/show.json"].startswith('{"role": "active"')
    assert "report/commands/exit.txt" not in found
    state = app.components.switches.drivers["br0"].switch
    flows = found["report/desired/br0.txt"].splitlines()
    assert len(flows) == len(state.flows.wanted) + len(state.groups.wanted)
    assert "+ " in found["report/desired/br0.differing.txt"]
    assert MAC2 in found["report/rows.txt"]
    assert "said before" in found["report/log.txt"]


def test_a_command_that_fails_is_no_obstacle(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.start()
    monkeypatch.delattr(app.components.faults, "_counts")
    path = tmp_path / "report.tar.gz"
    Asking(app).text("supportbundle", str(path))
    assert contents(path)["report/commands/show.txt"] == "a bug, which is in the log\n"


def test_a_file_that_is_there_stays(app: App, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("mine")
    for path in (there, Path("/dev/full")):
        with pytest.raises(WrongWords, match=f"^{path}: File exists$"):
            Asking(app).text("supportbundle", str(path))
    assert there.read_text() == "mine"


def test_wrong_paths(app: App, tmp_path: Path) -> None:
    with pytest.raises(WrongWords, match="give the whole path"):
        Asking(app).text("supportbundle", "report.tar.gz")
    with pytest.raises(WrongWords, match="No such file or directory"):
        Asking(app).text("supportbundle", str(tmp_path / "none" / "report.tar.gz"))


def test_no_half_file_is_left(app: App, tmp_path: Path) -> None:
    app.start()
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, former[1]))
    try:
        with pytest.raises(WrongWords, match="File too large"):
            Asking(app).text("supportbundle", str(tmp_path / "report.tar.gz"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)
    assert os.listdir(tmp_path) == []


def test_the_end_of_a_log_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_tail, "MOST_BYTES", 20)
    file = tmp_path / "log"
    file.write_text("the first line\nthe second line\nlast\n")
    handler = logging.FileHandler(file)
    assert "".join(log_tail.read([handler, log_tail.Tail()])) == "last\n"
    handler.close()
