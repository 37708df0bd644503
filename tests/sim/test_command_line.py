from __future__ import annotations

from pathlib import Path

import pytest

from sim.__main__ import main, parser
from sim.command import Refused, typed
from sim.lab import state
from sim.lab.machine import check_tools


@pytest.fixture
def no_labs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "ROOT", tmp_path)


@pytest.mark.parametrize("command", ["up", "demo", "status", "down", "fabric", "ovn"])
def test_every_command_takes_a_name(command: str) -> None:
    assert parser().parse_args([command, "--name", "other"]).name == "other"
    assert parser().parse_args([command]).name == "vtep"


def test_tools_that_are_missing_are_named_by_their_packages() -> None:
    check_tools({"sh": "dash"})
    with pytest.raises(Refused, match=r"install the Debian packages none other$"):
        check_tools({"no-tool": "none", "sh": "dash", "nor-this": "other", "nor-that": "none"})


def test_a_fabric_has_two_vteps_or_more(capsys: pytest.CaptureFixture[str]) -> None:
    assert parser().parse_args(["fabric"]).vteps == 2
    assert parser().parse_args(["fabric", "--vteps", "4", "--keep"]).keep
    for number in ("1", "10", "two"):
        with pytest.raises(SystemExit):
            parser().parse_args(["fabric", "--vteps", number])
        assert "--vteps" in capsys.readouterr().err


def test_shell_hands_the_rest_to_the_host() -> None:
    options = parser().parse_args(["shell", "--name", "a", "vtep", "vtep-ctl", "--name", "show"])
    assert (options.name, options.host) == ("a", "vtep")
    assert options.argv == ["vtep-ctl", "--name", "show"]


def test_a_name_after_the_host_is_refused_with_its_place(
    no_labs: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["shell", "vtep", "--name", "a", "vtep-ctl", "show"]) == 1
    assert "before HOST" in capsys.readouterr().err


def test_what_is_to_be_typed_can_be_typed_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch(mode=0o755)
    monkeypatch.setattr("sys.executable", str(python))
    monkeypatch.setenv("PATH", "/nonexistent")
    assert typed() == f"{python} -m sim"
    monkeypatch.chdir(tmp_path)
    assert typed() == ".venv/bin/python -m sim"
    monkeypatch.setenv("PATH", str(python.parent))
    assert typed() == "python -m sim"


@pytest.mark.parametrize("name", ["", "two words", "a-b", "../x", "A", "x" * 25])
def test_an_unfit_name_is_refused(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        parser().parse_args(["status", "--name", name])
    assert end.value.code == 2
    assert "1 to 24 lower-case letters and digits" in capsys.readouterr().err


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert all(command in text for command in ("up", "demo", "shell", "fabric", "nvc"))


@pytest.mark.parametrize("arguments", [["status"], ["shell", "vm1"]])
def test_without_a_lab_the_exit_code_is_3(
    arguments: list[str], no_labs: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 3
    assert capsys.readouterr().err.count("\n") == 1


def test_down_without_a_lab_is_no_failure(
    no_labs: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["down"]) == 0
    assert capsys.readouterr().out == "there is no lab vtep\n"


def test_only_root_may(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert main(["status"]) == 1
    assert "root" in capsys.readouterr().err


def test_missing_tools_are_named_by_their_packages(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    there = {"ip", "ss", "ethtool", "ping", "ovsdb-tool", "ovs-vswitchd"}
    monkeypatch.setattr("shutil.which", lambda tool: tool in there)
    assert main(["status"]) == 1
    assert capsys.readouterr().err.endswith("packages openvswitch-vtep\n")
