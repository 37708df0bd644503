"""What waits for us in the kernel on a connection of a switch."""

import select
import socket
from collections.abc import Iterator

import pytest

from vtep_ofapp.openflow import listening

PACKET_IN = bytes(170)
"""As long as that of a short frame."""
MOST_WAITING = 2 << 20
"""Bytes that a switch may send before we read any: a second's work, or a few."""


@pytest.fixture
def switch() -> Iterator[socket.socket]:
    """A switch that has connected, and of which nothing was read yet."""
    opened = listening.tcp("127.0.0.1", 0, "ofp_tcp_listen_port", None)
    with opened.socket, socket.create_connection(opened.socket.getsockname()) as switch:
        switch.setblocking(False)
        yield switch


def test_a_switch_that_sends_more_than_we_read_has_to_wait(switch: socket.socket) -> None:
    """What it has to say next would wait behind all that was sent; Open vSwitch drops instead."""
    waiting = 0
    while select.select([], [switch], [], 0.2)[1]:
        waiting += switch.send(PACKET_IN)
        assert waiting < MOST_WAITING
    assert waiting
