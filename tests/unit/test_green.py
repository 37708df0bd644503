"""Green threads are prepared as a whole: nothing that blocks is left as it was."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

SCRIPT = """
import json, sys
from vtep_ofapp.cli import green
green.prepare("a-test", threads=sys.argv[1] == "threads")
import ssl, eventlet.green.ssl
from eventlet.patcher import is_monkey_patched
patched = [name for name in ("os", "select", "socket", "thread", "time") if is_monkey_patched(name)]
print(json.dumps([patched, ssl.SSLContext is eventlet.green.ssl.GreenSSLContext]))
"""


@pytest.mark.parametrize(("which", "missing"), [("threads", set()), ("all but", {"thread"})])
def test_all_that_blocks_is_replaced(which: str, missing: set[str]) -> None:
    """In a process of its own: pytest has imported it all."""
    argv = [sys.executable, "-W", "ignore", "-c", SCRIPT, which]
    said = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True).stdout
    patched, has_green_tls = json.loads(said)
    assert {*patched} == {"os", "select", "socket", "thread", "time"} - missing
    assert has_green_tls
