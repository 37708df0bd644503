"""What the tests rely on: logs are looked through, ports stay held, a hang becomes a report."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests import logs
from tests.conftest import LONG, LONGEST, TOGETHER, is_spread, place
from tests.ports import held_port
from tests.prefork import CHECKOUT

TRACEBACK = """\
ERROR something failed
Traceback (most recent call last):
  File "x.py", line 1, in <module>
ValueError: 17
"""
PLAIN = "INFO br0 is managed\n"


def test_a_traceback_is_found_once_with_the_lines_around_it(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    with logs.watched(tmp_path):
        log.write_text(PLAIN)
        assert logs.complaints() == []
        log.write_text(PLAIN + TRACEBACK)
        (found,) = logs.complaints()
        assert "ERROR something failed" in found
        assert "ValueError: 17" in found
        assert logs.complaints() == []


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-25T10:00:00.000Z|00042|util|EMER|lib/ofp.c:1: assertion !x failed in f()",
        "Exception ignored in: <function f>",
        "hub: uncaught exception: Traceback (most recent call last):",
    ],
)
def test_other_signs_of_trouble(tmp_path: Path, line: str) -> None:
    with logs.watched(tmp_path):
        (tmp_path / "daemon.log").write_text(f"{line}\n")
        (found,) = logs.complaints()
        assert line in found


def test_what_is_written_before_a_log_is_moved_or_emptied_is_found(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    with logs.watched(tmp_path):
        log.write_text(TRACEBACK)
        log.rename(tmp_path / "app.log.1")
        log.write_text(PLAIN)
        assert len(logs.complaints()) == 1
        log.write_text(TRACEBACK)
        assert len(logs.complaints()) == 1


def test_what_comes_while_all_is_ended_is_found_too(tmp_path: Path) -> None:
    def ends_with_a_traceback() -> None:
        with logs.watched(tmp_path):
            (tmp_path / "app.log").write_text(TRACEBACK)

    with pytest.raises(AssertionError, match="ValueError: 17"):
        ends_with_a_traceback()
    assert logs.complaints() == []


INNER = f"""
import pytest, time
from tests import logs

@pytest.fixture
def app(tmp_path):
    with logs.watched(tmp_path):
        yield lambda: (tmp_path / "app.log").write_text({TRACEBACK!r})

def test_that_provokes_one_unawares(app):
    app()

@pytest.mark.provokes("ValueError: 17")
def test_that_provokes_one_on_purpose(app):
    app()

@pytest.mark.provokes("ValueError: 18")
def test_that_provokes_another_one(app):
    app()

@pytest.mark.provokes("ValueError: 17")
def test_that_provokes_none(app):
    pass

@pytest.mark.timeout(0.5)
def test_that_hangs():
    time.sleep(60)
"""


def test_tests_fail_by_what_they_provoke_and_when_they_hang(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = Path(__file__).parents[2]
    monkeypatch.setenv("PYTHONPATH", str(checkout))
    pytester.makeconftest("from tests.conftest import pytest_runtest_call  # noqa: F401")
    pytester.makepyfile(test_inner=INNER)
    configuration = checkout / "pyproject.toml"
    done = pytester.runpytest_subprocess("-c", str(configuration), "--rootdir", ".", "-rA", ".")
    outcomes = done.parseoutcomes()
    assert outcomes == {"passed": 1, "failed": 4}, done.stdout.str()
    done.stdout.fnmatch_lines_random(
        [
            "PASSED *::test_that_provokes_one_on_purpose",
            "*in the logs meanwhile:",
            "*ValueError: 17",
            "*not in the logs, but named by the test: *ValueError: 17*",
            "*Failed: Timeout*",
        ]
    )


def test_a_held_port_is_given_to_nobody_but_a_server_that_is_told_it() -> None:
    port = held_port()
    assert held_port() != port
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", port))
    with socket.create_server(("127.0.0.1", port)):
        socket.create_connection(("127.0.0.1", port)).close()


def test_what_shares_a_lab_stays_on_one_worker_and_what_takes_longest_begins() -> None:
    files = ["tests/unit/test_framing.py", "tests/lab/test_tunnels.py", LONGEST[1], LONGEST[0]]
    assert sorted(files, key=place) == [*LONGEST[:2], *reversed(files[:2])]
    assert [file for file in files if is_spread(file)] == files[:1]
    assert [file for file in (*LONGEST, *TOGETHER, *LONG) if not (CHECKOUT / file).exists()] == []
