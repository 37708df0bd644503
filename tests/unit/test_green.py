"""Green threads are prepared as a whole: nothing that blocks is left as it was."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

VARIABLE = "EVENTLET_NO_GREENDNS"

SCRIPT = """
import json, sys
from vtep_ofapp.cli import green
green.prepare("a-test", threads=sys.argv[1] == "threads")
import ssl, eventlet.green.socket, eventlet.green.ssl
from eventlet.patcher import is_monkey_patched
patched = [name for name in ("os", "select", "socket", "thread", "time") if is_monkey_patched(name)]
has_green_tls = ssl.SSLContext is eventlet.green.ssl.GreenSSLContext
print(json.dumps([patched, has_green_tls, "eventlet.support.greendns" in sys.modules]))
"""


def prepared(which: str, **variables: str) -> list[Any]:
    """Return what the script says, in a process of its own: pytest has imported it all."""
    argv = [sys.executable, "-W", "ignore", "-c", SCRIPT, which]
    environment = {**os.environ, **variables}
    said = subprocess.run(
        argv, env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    answer: list[Any] = json.loads(said.stdout)
    return answer


@pytest.mark.parametrize(("which", "missing"), [("threads", set()), ("all but", {"thread"})])
def test_all_that_blocks_is_replaced(which: str, missing: set[str]) -> None:
    patched, has_green_tls, _ = prepared(which)
    assert {*patched} == {"os", "select", "socket", "thread", "time"} - missing
    assert has_green_tls


@pytest.mark.parametrize(("variables", "comes"), [({}, False), ({VARIABLE: "no"}, True)])
def test_a_resolver_comes_only_if_the_variable_asks_for_it(
    variables: dict[str, str], comes: bool
) -> None:
    assert prepared("threads", **variables)[2] == comes
