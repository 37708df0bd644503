"""What a lab does with a process that does not end."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from sim.lab.app import ENVIRONMENT
from sim.lab.process import Process
from sim.waiting import WaitFailed, wait_until
from tests.switch.dummy import Here

PROGRAM = """
import signal, time

def sleep_on():
    print("it is deaf", flush=True)
    time.sleep(600)

signal.signal(signal.SIGTERM, signal.SIG_IGN)
sleep_on()
"""


class Deaf(Process):
    NAME = "deaf"

    def command(self) -> list[str]:
        return [sys.executable, "-c", PROGRAM]

    def environment(self) -> Mapping[str, str]:
        return ENVIRONMENT


def test_a_process_that_does_not_end_tells_what_it_is_doing(tmp_path: Path) -> None:
    process = Deaf(Here(), tmp_path)
    process.start()
    wait_until(lambda: "it is deaf" in process.log_text, "the process")
    with pytest.raises(WaitFailed, match="the end of deaf"):
        process.stop(grace=0.1)
    assert not process.running
    assert "in sleep_on" in process.log_text
