"""Options for the labs of a test: a shell in the lab of a failed one, packets in files.

`--shell-on-error` opens a shell while the lab of a failed test still stands. `--pcap FOLDER`
writes the packets that arrived at each interface of the lab while the test ran.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from scapy.utils import RawPcapWriter

from sim.lab.capture import Capture, CaptureOverrun
from sim.lab.network import EmptyLab
from sim.lab.process import CHECKOUT

ETHERNET = 1
"""The link type of a pcap file."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("labs")
    group.addoption(
        "--shell-on-error",
        action="store_true",
        help="open a shell when a test fails, while its lab still stands",
    )
    group.addoption(
        "--pcap",
        type=Path,
        metavar="FOLDER",
        help="write FOLDER/TEST/HOST-INTERFACE.pcap for each interface of the lab of a test",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("shell_on_error") and config.getoption("numprocesses", None):
        raise pytest.UsageError("--shell-on-error needs the terminal: run the test with -n 0")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    folder: Path | None = item.config.getoption("pcap")
    with contextlib.ExitStack() as stack:
        for lab in _labs_of(item) if folder else ():
            assert folder is not None
            name = re.sub(r"[^\w.-]+", "-", item.nodeid.removeprefix("tests/"))
            stack.enter_context(_recorded(lab, folder / name))
        return (yield)


def pytest_exception_interact(
    node: pytest.Item | pytest.Collector, call: pytest.CallInfo[object]
) -> None:
    if not node.config.getoption("shell_on_error") or not isinstance(node, pytest.Item):
        return
    for lab in _labs_of(node):
        _open_shell(lab, node, call.excinfo.exconly() if call.excinfo else "")


def _labs_of(item: pytest.Item) -> list[EmptyLab]:
    """Return the labs among the fixtures of a test, each once."""
    fixtures = getattr(item, "funcargs", {}).values()
    return list({id(each): each for each in fixtures if isinstance(each, EmptyLab)}.values())


@contextlib.contextmanager
def _recorded(lab: EmptyLab, folder: Path) -> Iterator[None]:
    """Write what arrives at each interface of the lab meanwhile."""
    folder.mkdir(parents=True, exist_ok=True)
    captures = {
        f"{host}-{interface}.pcap": Capture(lab.state.namespace(host), interface)
        for host in lab.state.hosts()
        for _, interface in lab.state.namespace(host).call(socket.if_nameindex)
        if interface != "lo"
    }
    try:
        yield
    finally:
        for name, capture in captures.items():
            # A file with a gap is better than none.
            with contextlib.suppress(CaptureOverrun):
                capture.close()
            with RawPcapWriter(str(folder / name), linktype=ETHERNET, nano=True) as writer:
                writer.write_header(None)  # also where nothing arrived
                for frame in capture.frames:
                    seconds, fraction = divmod(frame.time, 1)
                    writer.write_packet(frame.data, sec=int(seconds), usec=int(fraction * 1e9))


def _open_shell(lab: EmptyLab, item: pytest.Item, reason: str) -> None:
    capture = item.config.pluginmanager.getplugin("capturemanager")
    if capture is not None:
        capture.suspend(in_=True)
    print(
        f"\n{item.nodeid} failed:\n{reason}\n"
        f"Lab {lab.name}, files in {lab.state.folder}, stands until this shell ends."
        f" A command on one of its hosts:\n"
        f"    python -m sim shell --name $LAB HOST [COMMAND]\n"
        f"Hosts: {' '.join(lab.state.hosts())}",
        flush=True,
    )
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "LAB": lab.name, "PATH": path}
    subprocess.run([os.environ.get("SHELL", "/bin/sh")], cwd=CHECKOUT, env=environment)
    if capture is not None:
        capture.resume()
