"""The options: what the sample says of them, and what a wrong value does."""

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from vtep_ofapp.config import OPENFLOW_TLS, OPTIONS

ROOT = Path(__file__).parents[2]
MANAGER = Path(sys.executable).parent / "osken-manager"


def start(folder, options, cwd=None):
    """Run osken-manager with these lines of the group [vtep] until it ends by itself."""
    config = folder / "app.conf"
    config.write_text(f"[DEFAULT]\nofp_tcp_listen_port = 16653\n[vtep]\n{options}\n")
    return subprocess.run(
        [MANAGER, "vtep_ofapp", "--config-file", config],
        capture_output=True,
        text=True,
        timeout=30,
        cwd=cwd or folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("vtep_db = db.sock", "[vtep] vtep_db: 'db.sock' is no OVSDB remote"),
        ("ovs_db = tcp:10.0.0.1", "[vtep] ovs_db: 'tcp:10.0.0.1' is no OVSDB remote"),
        ("ovs_db = unix:/a,tcp:h:99999", "[vtep] ovs_db: 'tcp:h:99999' is no OVSDB remote"),
        ("mac_aging = soon", "[vtep] mac_aging: "),
        ("mac_aging = 0", "[vtep] mac_aging: "),
    ],
)
def test_a_wrong_value_ends_the_start_with_one_clear_line(tmp_path, option, says):
    done = start(tmp_path, option)
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(f"vtep_ofapp: {says}")
    assert "Traceback" not in done.stderr


def test_it_starts_in_a_checkout_as_well(tmp_path):
    """There a folder has the module's name, which os-ken's own command takes for a file."""
    done = start(tmp_path, "mac_aging = 0", cwd=ROOT)
    assert "vtep_ofapp: [vtep] mac_aging: " in done.stderr


def sample_options():
    """Return each option of the sample's [vtep] with the comment before it and its value."""
    text = (ROOT / "etc/vtep_ofapp.conf").read_text().split("[vtep]")[1]
    found = re.findall(r"((?:^# .*\n)+)#(\w+) = (.*)$", text, re.MULTILINE)
    return {
        name: (" ".join(line.removeprefix("# ") for line in comment.splitlines()), value)
        for comment, name, value in found
    }


def test_the_sample_says_what_the_code_says():
    expected = {}
    for option in OPTIONS:
        default = option.sample_default if option.default is None else option.default
        expected[option.name] = (option.help, str(default))
    assert sample_options() == expected


def test_the_options_of_os_ken_in_the_sample_are_there():
    text = (ROOT / "etc/vtep_ofapp.conf").read_text().split("[vtep]")[0]
    named = re.findall(r"^#?(\w+) = ", text, re.MULTILINE)
    assert {"ofp_listen_host", *OPENFLOW_TLS} <= set(named)
    done = subprocess.run([MANAGER, "--help"], capture_output=True, text=True, timeout=30)
    assert all(f"--{name.replace('_', '-')}" in done.stdout for name in named)


def test_the_sample_is_no_wider_than_a_terminal():
    lines = (ROOT / "etc/vtep_ofapp.conf").read_text().splitlines()
    assert all(textwrap.wrap(line, 100) in ([line], []) for line in lines)
