"""A signal ends the process, whatever it is doing at that time."""

import os
import signal
from collections.abc import Callable, Iterator

import eventlet
import pytest
from os_ken.lib import hub

from vtep_ofapp import interrupt


@pytest.fixture(autouse=True)
def handled() -> Iterator[None]:
    former = signal.signal(signal.SIGTERM, interrupt)
    yield
    signal.signal(signal.SIGTERM, former)


def kill_me() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize("spawn", [eventlet.spawn, hub.spawn])
def test_a_signal_in_a_green_thread_reaches_the_main_one(
    spawn: Callable[[Callable[[], object]], object],
) -> None:
    done = []

    def thread() -> None:
        kill_me()
        done.append("the thread goes on")

    spawn(thread)
    with pytest.raises(KeyboardInterrupt):
        eventlet.sleep(60)
    assert done == ["the thread goes on"]


def test_a_signal_in_the_main_thread_is_an_interrupt_at_once() -> None:
    with pytest.raises(KeyboardInterrupt):
        kill_me()
