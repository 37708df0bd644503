"""A signal is handled whatever the process is doing, and nothing is left half done."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator

import eventlet
import pytest
from eventlet.hubs import get_hub, trampoline
from eventlet.hubs.timer import Timer
from os_ken.lib import hub

from vtep_ofapp.loop import signals

LONG = 60.0


@pytest.fixture(autouse=True)
def handled() -> Iterator[None]:
    former = signal.getsignal(signal.SIGTERM)
    signals.on(signal.SIGTERM, signals.end)
    eventlet.sleep(0)
    yield
    signal.signal(signal.SIGTERM, former)


def kill_me() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize("spawn", [eventlet.spawn, hub.spawn])
def test_a_signal_in_a_green_thread_ends_the_main_one(
    spawn: Callable[[Callable[[], object]], object],
) -> None:
    done = []

    def thread() -> None:
        kill_me()
        done.append("the thread goes on")

    spawn(thread)
    with pytest.raises(KeyboardInterrupt):
        eventlet.sleep(LONG)
    assert done == ["the thread goes on"]


def test_a_signal_in_the_main_thread_ends_it_when_it_waits() -> None:
    kill_me()
    with pytest.raises(KeyboardInterrupt):
        eventlet.sleep(LONG)


def test_a_signal_wakes_a_process_in_which_nothing_happens() -> None:
    with (
        subprocess.Popen(["sh", "-c", f"sleep 0.2; kill -TERM {os.getpid()}"]),
        pytest.raises(KeyboardInterrupt),
    ):
        eventlet.sleep(LONG)


def test_a_signal_loses_no_timer_that_the_hub_has_just_taken() -> None:
    """os-ken waits for the green thread that the timer was to wake up."""
    done: list[str] = []

    class Taken(Timer):  # type: ignore[misc]
        """A timer that the hub has just taken: it asks then whether the timer is still needed."""

        asked = False

        @property
        def called(self) -> bool:
            if not self.asked:
                self.asked = True
                kill_me()
            return False

        @called.setter
        def called(self, value: bool) -> None:
            """Ignore what the timer says of itself."""

    get_hub().add_timer(Taken(0, done.append, "called"))
    with pytest.raises(KeyboardInterrupt):
        eventlet.sleep(LONG)
    assert done == ["called"]


def test_a_green_thread_that_is_woken_for_nothing_waits_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[int] = []

    def wait(descriptor: int, read: bool) -> None:
        waits.append(descriptor)
        if len(waits) > 1:
            trampoline(descriptor, read=read)

    monkeypatch.setattr(signals, "trampoline", wait)
    former = signal.getsignal(signal.SIGUSR2)
    signals.on(signal.SIGUSR2, lambda: None)
    with eventlet.Timeout(LONG):
        while len(waits) < 2:
            eventlet.sleep(0)
    signal.signal(signal.SIGUSR2, former)


def test_each_signal_calls_its_function() -> None:
    calls: list[str] = []
    former = signal.getsignal(signal.SIGUSR2)
    signals.on(signal.SIGUSR2, lambda: calls.append("called"))
    for number in range(1, 4):
        os.kill(os.getpid(), signal.SIGUSR2)
        with eventlet.Timeout(LONG):
            while len(calls) < number:
                eventlet.sleep(0)
    signal.signal(signal.SIGUSR2, former)
