"""The command vtep-ofapp: how its words are understood, and what it says of itself."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from os_ken import cfg

from vtep_ofapp.cli import check_config, flags, main, usage
from vtep_ofapp.process.options import OPTIONS
from vtep_ofapp.process.unixctl_client import NoAnswer, socket_of

LIBRARIES = {"eventlet", "os_ken", "oslo_config", "ovs"}


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No application runs there."""
    monkeypatch.setenv("OVS_RUNDIR", str(tmp_path))


@pytest.fixture(autouse=True)
def same_signals() -> Iterator[None]:
    """What a closed pipe does to the tests after these stays as it was."""
    before = signal.getsignal(signal.SIGPIPE)
    yield
    signal.signal(signal.SIGPIPE, before)


def said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str
) -> tuple[int, str, str]:
    """Return the exit code, the output and the errors of the command."""
    monkeypatch.setattr(sys, "argv", ["vtep-ofapp", *words])
    code = main.main()
    return code, *capsys.readouterr()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--pidfile",), "argument --pidfile: expected one argument"),
        (("--detach=now",), "argument --detach: ignored explicit argument 'now'"),
        (("--target",), "no target behind --target"),
        (("-t", "x.ctl"), "no command for x.ctl"),
        (("check-config",), "check-config takes one file"),
        (("check-config", "a", "b"), "check-config takes one file"),
    ],
)
def test_wrong_words_are_one_line(
    words: tuple[str, ...],
    reason: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said_by = said(capsys, monkeypatch, *words)
    assert said_by == (2, "", f"vtep-ofapp: {reason}; see vtep-ofapp --help\n")


def test_a_record_is_replayed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "record").write_text("no record\n")
    code, _, line = said(capsys, monkeypatch, "replay", str(tmp_path / "record"))
    assert (code, line) == (1, f"{tmp_path}/record: no line of it begins a record\n")
    assert signal.getsignal(signal.SIGPIPE) == signal.SIG_DFL
    with pytest.raises(SystemExit):
        said(capsys, monkeypatch, "replay")
    assert "usage: vtep-ofapp replay " in capsys.readouterr().err


def test_other_words_are_for_the_running_application(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NoAnswer) as refused:
        socket_of("vtep_ofapp")
    assert said(capsys, monkeypatch, "show") == (1, "", f"vtep-ofapp: {refused.value}\n")
    path = tmp_path / "x.ctl"
    for target in (("-t", f"{path}"), (f"--target={path}",)):
        code, _, error = said(capsys, monkeypatch, *target, "run")
        assert (code, error) == (1, f"vtep-ofapp: {path}: No such file or directory\n")


def test_a_question_imports_no_library() -> None:
    program = (
        "import sys; from vtep_ofapp.cli.main import main; main(); "
        f"print({LIBRARIES} & sys.modules.keys())"
    )
    argv = [sys.executable, "-c", program, "show"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert done.stdout == "set()\n", done.stderr


def test_words_that_are_not_ours_stay_in_their_order() -> None:
    passed_on = ["--config-file", "a", "--ofp-listen-host", "::", "--config-file", "b"]
    ours, others = flags.parse([*passed_on[:2], "--pidfile", "p", "-v", *passed_on[2:]])
    assert (ours.pidfile, ours.verbose, ours.detach, ours.unixctl) == ("p", True, False, None)
    assert others == passed_on


def test_flags_that_set_an_option_have_its_name() -> None:
    names = {each.names[0].removeprefix("--") for each in flags.OURS}
    assert set(flags.OF_VTEP) < names
    assert set(flags.OF_VTEP) <= {option.name for option in OPTIONS}


def test_the_help_has_each_flag_and_each_option_with_its_default() -> None:
    text = usage.help_text()
    for flag in (*flags.OF_OS_KEN, *flags.OURS, *flags.INFORMING, *flags.ASKING):
        assert all(name in text for name in flag.names)
    defaults = ["ofp_listen_host = 127.0.0.1", "ofp_tcp_listen_port = 6653", "ctl_cert = none"]
    defaults += ["echo_request_interval = 5.0", "ssl_key = none", "mac_aging = 300"]
    defaults += ["pidfile = $OVS_RUNDIR/vtep_ofapp.pid", "vtep_db = unix:$OVS_RUNDIR/db.sock"]
    for default in (*defaults, *(f"{option.name} = " for option in OPTIONS)):
        assert f"\n  {default}" in text
    assert max(map(len, text.splitlines())) < 80


def test_the_versions_are_those_of_the_libraries_too() -> None:
    assert usage.versions().startswith("vtep_ofapp 0")
    assert "os-ken 3" in usage.versions()


@pytest.mark.parametrize(
    ("content", "code", "output", "error"),
    [
        ("[vtep]\nlock = mine\n", 0, "{file}: ok\n", ""),
        (
            "[DEFAULT]\nofp_tcp_port = 1\n",
            0,
            "{file}: warning: [DEFAULT] ofp_tcp_port: no loaded application has such an option; "
            "did you mean ofp_tcp_listen_port?\n{file}: ok\n",
            "",
        ),
        ("[vtep]\nmac_aging = 0\n", 1, "", "{file}: [vtep] mac_aging: '0' is not a whole number"),
        ("[vtep]\nlokc = mine\n", 1, "", "{file}: [vtep] lokc: there is no such option"),
        ("nothing\n", 1, "", "{file}: Failed to parse {file}: at {file}:1"),
        (None, 1, "", "{file}: Failed to find some config files: {file}"),
    ],
)
def test_a_file_is_right_or_the_line_says_what_is_wrong(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: str | None,
    code: int,
    output: str,
    error: str,
) -> None:
    file = tmp_path / "app.conf"
    if content is not None:
        file.write_text(content)
    try:
        assert check_config.check(str(file)) == code
    finally:
        cfg.CONF.reset()
    printed = capsys.readouterr()
    assert printed.out == output.format(file=file)
    assert printed.err.startswith(error.format(file=file))
    assert printed.err.count("\n") == (1 if error else 0)
