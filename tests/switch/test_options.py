"""The options: what the sample says of them, and what a wrong value does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests import prefork
from tests.switch.dummy import DummySwitch
from vtep_ofapp.process.config import OPENFLOW_TLS
from vtep_ofapp.process.options import OPTIONS

ROOT = Path(__file__).parents[2]
MANAGER = Path(sys.executable).parent / "osken-manager"


def start(folder: Path, options: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run osken-manager with these lines of the group [vtep] until it ends by itself."""
    config = folder / "app.conf"
    config.write_text(f"[DEFAULT]\nofp_tcp_listen_port = 16653\n[vtep]\n{options}\n")
    return run(folder, "--config-file", str(config), cwd=cwd)


def run(folder: Path, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run osken-manager until it ends by itself."""
    environment = {**os.environ, **prefork.ENVIRONMENT}
    return prefork.run([str(MANAGER), "vtep_ofapp", *arguments], cwd or folder, environment)


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("vtep_db = db.sock", "[vtep] vtep_db: 'db.sock' is not an OVSDB remote"),
        ("ovs_db = tcp:10.0.0.1", "[vtep] ovs_db: 'tcp:10.0.0.1' is not an OVSDB remote"),
        ("ovs_db = unix:/a,tcp:h:99999", "[vtep] ovs_db: 'tcp:h:99999' is not an OVSDB remote"),
        ("vtep_db = tcp:10.0.0.1:0", "[vtep] vtep_db: 'tcp:10.0.0.1:0' is not an OVSDB remote"),
        ("mac_aging = soon", "[vtep] mac_aging: 'soon' is not a whole number from 1 to 65535"),
        ("mac_agign = 9", "[vtep] mac_agign: there is no such option; did you mean mac_aging?"),
        (
            "vtep_db = unix:$HOME/db.sock",
            "[vtep] vtep_db: only OVS_RUNDIR or an option may follow a $",
        ),
        ("[vtpe]\nvtep_db = unix:/db", "[vtpe]: there is no such group; did you mean [vtep]?"),
    ],
)
def test_a_wrong_value_ends_the_start_with_one_clear_line(
    tmp_path: Path, option: str, says: str
) -> None:
    done = start(tmp_path, option)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert f"Z CRITICAL vtep_ofapp: {says}" in last
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "Failed to find some config files: "),
        (b"nothing\n", "No ':' or '=' found in assignment: 'nothing'"),
        (b"[vtep]\nlock = \xff\xfe\n", "'utf-8' codec can't decode"),
        (b"[DEFAULT]\nofp_tcp_listen_port = x\n", "Invalid Integer value: x"),
        (b"[DEFAULT]\nlog_file = nowhere/log\n", "No such file or directory: 'nowhere/log'"),
        (b"[DEFAULT]\nlog_dir = nowhere\n", "No such file or directory: 'nowhere'"),
        (b"[DEFAULT]\npid_file = nowhere/pid\n", "No such file or directory: 'nowhere/pid'"),
    ],
)
def test_a_file_that_cannot_be_used_ends_the_start_with_one_line(
    tmp_path: Path, content: bytes | None, says: str
) -> None:
    if content is not None:
        (tmp_path / "app.conf").write_bytes(content)
    done = run(tmp_path, "--config-file", "app.conf")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert says in line


def test_a_folder_for_a_file_ends_the_start_with_one_line(tmp_path: Path) -> None:
    done = run(tmp_path, "--config-file", str(tmp_path))
    assert done.returncode == 1
    assert f"osken-manager vtep_ofapp --config-file {tmp_path}: " in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_application_that_is_not_installed_ends_the_start_with_one_line(tmp_path: Path) -> None:
    done = run(tmp_path, "vtep_ofap")
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last == "osken-manager vtep_ofapp vtep_ofap: there is no application vtep_ofap"
    assert "Traceback" not in done.stderr


def test_a_log_file_has_the_reason_too(tmp_path: Path) -> None:
    (tmp_path / "app.conf").write_text("[vtep]\nmac_aging = 0\n")
    done = run(tmp_path, "--config-file", "app.conf", "--log-file", "log")
    assert done.returncode == 1
    assert (tmp_path / "log").read_text() == done.stderr


def test_a_file_that_makes_the_command_line_ineffective_is_refused(tmp_path: Path) -> None:
    (tmp_path / "app.conf").write_text("[DEFAULT]\nofp_tcp_listen_port = 6653\n")
    done = run(tmp_path, "--ofp-tcp-listen-port", "16653", "--config-file", "app.conf")
    assert done.returncode == 1
    assert done.stderr.endswith(
        "CRITICAL vtep_ofapp: --ofp-tcp-listen-port: app.conf sets it, too, and would override it: "
        "put it after the file\n"
    )


def test_it_starts_in_a_checkout_as_well(tmp_path: Path) -> None:
    """There a folder has the module's name, which os-ken's own command takes for a file."""
    done = start(tmp_path, "mac_aging = 0", cwd=ROOT)
    assert "vtep_ofapp: [vtep] mac_aging: " in done.stderr


def sample_options() -> dict[str, tuple[str, str]]:
    """Return each option of the sample's [vtep] with the comment before it and its value."""
    text = (ROOT / "etc/vtep_ofapp.conf").read_text().split("[vtep]")[1]
    found = re.findall(r"((?:^# .*\n)+)#(\w+) = (.*)$", text, re.MULTILINE)
    return {
        name: (" ".join(line.removeprefix("# ") for line in comment.splitlines()), value)
        for comment, name, value in found
    }


def test_the_sample_says_what_the_code_says() -> None:
    expected = {}
    for option in OPTIONS:
        default = option.default if option.sample_default is None else option.sample_default
        expected[option.name] = (option.help, str(default))
    assert sample_options() == expected


def test_the_options_of_os_ken_in_the_sample_are_there() -> None:
    text = (ROOT / "etc/vtep_ofapp.conf").read_text().split("[vtep]")[0]
    named = re.findall(r"^#?(\w+) = ", text, re.MULTILINE)
    assert {"ofp_listen_host", *OPENFLOW_TLS} <= set(named)
    done = subprocess.run([MANAGER, "--help"], capture_output=True, text=True, timeout=120)
    assert all(f"--{name.replace('_', '-')}" in done.stdout for name in named)


def test_the_sample_is_no_wider_than_a_terminal() -> None:
    lines = (ROOT / "etc/vtep_ofapp.conf").read_text().splitlines()
    assert all(textwrap.wrap(line, 100) in ([line], []) for line in lines)


def test_the_sample_starts_with_every_line_of_the_databases_uncommented(
    switch: DummySwitch,
) -> None:
    text = (ROOT / "etc/vtep_ofapp.conf").read_text()
    options = re.findall(r"^#((?:vtep_db|ovs_db|lock) = .*)$", text, re.MULTILINE)
    assert len(options) == 3
    switch.app.variables["OVS_RUNDIR"] = str(Path(switch.db.removeprefix("unix:")).parent)
    switch.app.options = dict(option.split(" = ") for option in options)
    switch.app.start()
    switch.wait_for_log("this process has the lock")
