"""From ovs-pki to a bridge that is connected by TLS, command by command as docs/options.md says."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, section
from tests.switch.dummy import DummySwitch

CONTROLLER = "ssl:127.0.0.1:6653"


def test_the_recipe_leads_to_a_bridge_that_is_managed(
    switch: DummySwitch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = re.findall(
        r"^```\n(.+?)^```$", section(ROOT / "docs" / "options.md", "TLS"), re.M | re.S
    )
    make, options, connect = (adapted(block, switch, tmp_path) for block in blocks[-3:])
    assert "ovs-pki" in make
    assert "ctl_privkey" in options
    assert "set-ssl" in connect
    run(switch, make)
    run_with_options(switch, options, monkeypatch)
    switch.add_bridge()
    switch.add_physical_switch()
    # A process of its own, as a user has it, and not a copy of one that is prepared.
    switch.app.variables["PYTHONHASHSEED"] = "0"
    switch.app.start()
    switch.wait_for_log("this process has the lock")
    run(switch, connect)
    switch.wait_for_log("br0 is managed")
    assert switch.ovs_vsctl("get-controller", "br0") == f"ssl:127.0.0.1:{switch.app.port}"


def adapted(block: str, switch: DummySwitch, folder: Path) -> str:
    """Return the page's lines with the folders and the port of the test."""
    block = block.replace("ovs-pki ", f"ovs-pki -d {folder}/pki -l {folder}/ovs-pki.log ")
    block = block.replace("/var/lib/openvswitch/pki", f"{folder}/pki")
    block = block.replace("/etc/openvswitch", str(folder))
    assert CONTROLLER in block or "set-controller" not in block
    return block.replace(CONTROLLER, f"ssl:127.0.0.1:{switch.app.port}")


def run(switch: DummySwitch, text: str) -> None:
    """Run lines of the shell, as a user does."""
    argv = ["bash", "-e", "-c", text]
    done = subprocess.run(argv, env=switch.env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"


def run_with_options(switch: DummySwitch, options: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the application start with these lines in [DEFAULT], before its group [vtep]."""
    start = switch.app.command
    lines = options.replace("\n", f"\nofp_ssl_listen_port = {switch.app.port}\n", 1)

    def command() -> list[str]:
        text = switch.app.config.read_text()
        if "ctl_privkey" not in text:
            switch.app.config.write_text(text.replace("[DEFAULT]\n", f"[DEFAULT]\n{lines}"))
        return start()

    monkeypatch.setattr(switch.app, "command", command)
