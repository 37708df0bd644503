"""A wait ends once, whatever becomes ready at the same time."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import eventlet
import ovs.poller
import pytest
from eventlet.event import Event

from vtep_ofapp.ovsdb.poller import Waiter

LONG = 20_000
"""Milliseconds; longer than any of these waits lasts."""


@pytest.fixture
def pipes() -> Iterator[list[tuple[int, int]]]:
    made = [os.pipe() for _ in range(3)]
    yield made
    for ends in made:
        for end in ends:
            os.close(end)


def test_what_is_ready_at_once_ends_one_wait_and_not_the_next(
    pipes: list[tuple[int, int]],
) -> None:
    waiter = Waiter()
    for reader, writer in pipes:
        os.write(writer, b"x")
        waiter.fd_wait(reader, ovs.poller.POLLIN)
        waiter.fd_wait(writer, ovs.poller.POLLOUT)
    waiter.timer_wait(LONG)
    event: Event = Event()
    eventlet.spawn_after(0.1, event.send, "sent")
    waiter.block()
    assert event.wait() == "sent"


def test_a_wait_ends_when_a_descriptor_becomes_ready(pipes: list[tuple[int, int]]) -> None:
    (quiet, _), (reader, writer), _ = pipes
    waiter, begin = Waiter(), time.monotonic()
    for each in (quiet, reader, reader):
        waiter.fd_wait(each, ovs.poller.POLLIN)
    waiter.timer_wait(LONG)
    eventlet.spawn_after(0.05, os.write, writer, b"x")
    waiter.block()
    assert os.read(reader, 1) == b"x"
    assert time.monotonic() - begin < LONG / 1000


@pytest.mark.parametrize("milliseconds", [0, 50])
def test_a_wait_ends_at_its_time(pipes: list[tuple[int, int]], milliseconds: int) -> None:
    waiter, begin = Waiter(), time.monotonic()
    waiter.fd_wait(pipes[0][0], ovs.poller.POLLIN)
    waiter.timer_wait(LONG)
    waiter.timer_wait(milliseconds)
    waiter.block()
    # The library's clock counts whole milliseconds.
    assert (milliseconds - 1) / 1000 <= time.monotonic() - begin < LONG / 1000


def test_a_wait_that_is_killed_leaves_nothing_behind(pipes: list[tuple[int, int]]) -> None:
    reader, writer = pipes[0]

    def wait() -> None:
        waiter = Waiter()
        waiter.fd_wait(reader, ovs.poller.POLLIN)
        waiter.block()

    killed = eventlet.spawn(wait)
    eventlet.sleep(0)
    killed.kill()
    after = eventlet.spawn(wait)  # eventlet refuses a second reader of one descriptor
    eventlet.spawn_after(0.05, os.write, writer, b"x")
    after.wait()


def test_a_wait_that_cannot_begin_leaves_nothing_behind(pipes: list[tuple[int, int]]) -> None:
    reader, writer = pipes[0]
    closed = os.dup(reader)
    os.close(closed)
    waiter = Waiter()
    waiter.fd_wait(reader, ovs.poller.POLLIN)
    waiter.fd_wait(closed, ovs.poller.POLLOUT)  # after those to read from
    waiter.timer_wait(50)
    with pytest.raises(OSError, match="Bad file descriptor"):
        waiter.block()
    os.write(writer, b"x")
    event: Event = Event()
    eventlet.spawn_after(0.1, event.send, "sent")
    assert event.wait() == "sent"
