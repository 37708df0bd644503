"""os-ken, started by our osken-manager, reaches each of its names that we replace.

The switch at the other end is a socket that sends OpenFlow byte by byte.
"""

from __future__ import annotations

import os
import re
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sim.wire.openflow import ECHO_REPLY, HELLO, pack
from tests.contracts import noting
from tests.guard import openflow
from tests.ports import held_port

ROOT = Path(__file__).parents[2]
DEADLINE = 20.0
GET_CONFIG_REPLY = 8
LAZY = "vtep_ofapp.openflow.lazy_messages"
FRAME = openflow.frame("02:00:00:00:00:01")
FIELDS = openflow.match(in_port=1)


class Manager:
    """The process of os-ken, and what the application in noting.py noted."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self._seen = 0
        self.port, self.os_kens_port = held_port(), held_port()
        command = [sys.executable, str(ROOT / "etc/osken-manager")]
        listen = ["--ofp-listen-host", "127.0.0.1", "--ofp-tcp-listen-port", str(self.os_kens_port)]
        # The folder of the version under test comes before the checkout, if there is one.
        path = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(ROOT)]))
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [*command, *listen, noting.__name__],
                env={**os.environ, "PYTHONPATH": path, noting.PORT: str(self.port)},
                stdout=file,
                stderr=file,
            )

    def until(self, text: str) -> str:
        """Wait until something is in the log since connect(); return all of that."""
        end = time.monotonic() + DEADLINE
        while text not in (said := self.log.read_text()[self._seen :]):
            assert self.process.poll() is None, said
            assert time.monotonic() < end, f"no {text!r} in:\n{said}"
            time.sleep(0.05)
        return said

    def connect(self) -> openflow.Client:
        """Return a connection after its handshake."""
        self._seen = len(self.log.read_text())
        end = time.monotonic() + DEADLINE
        while True:
            try:
                client = openflow.Client(self.port)
                break
            except ConnectionRefusedError:
                assert self.process.poll() is None, self.log.read_text()
                assert time.monotonic() < end, self.log.read_text()
                time.sleep(0.05)
        client.shake_hands(7)
        self.until("NOTED state main")
        return client


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    manager = Manager(tmp_path_factory.mktemp("os_ken") / "log")
    try:
        yield manager
    finally:
        manager.process.kill()
        manager.process.wait()


def noted_until_echo(manager: Manager, *messages: bytes) -> list[str]:
    """Send messages and an echo reply; return what was noted of messages before the latter."""
    with manager.connect() as client:
        client.send(*messages, pack(ECHO_REPLY, xid=99))
        said = manager.until("OFPEchoReply 99")
    noted = re.findall(r"^NOTED (\S+\.\S+ \d+)$", said, re.MULTILINE)
    assert noted.pop().endswith("OFPEchoReply 99")
    return noted


def test_connections_are_taken_by_our_listener_in_the_place_of_os_kens(manager: Manager) -> None:
    with manager.connect(), pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", manager.os_kens_port), DEADLINE)


def test_a_message_that_nobody_asked_for_is_not_read(manager: Manager) -> None:
    """os-ken would read it, and hand it to the application."""
    unasked = pack(GET_CONFIG_REPLY, struct.pack("!HH", 0, 128))
    assert noted_until_echo(manager, unasked) == []


def test_messages_of_which_there_are_many_are_handed_on_unread(manager: Manager) -> None:
    monitor = struct.pack("!II", 0x4F4E4600, 1870)
    noted = noted_until_echo(
        manager,
        openflow.packet_in(FRAME, FIELDS, xid=1),
        openflow.flow_removed(FIELDS),
        openflow.multipart(openflow.FLOW, xid=3),
        openflow.multipart(openflow.GROUP_DESC, xid=4),
        openflow.multipart(openflow.PORT_STATS, xid=6),
        openflow.multipart(0xFFFF, monitor, xid=5),
    )
    assert noted == [
        f"{LAZY}.OFPPacketIn 1",
        f"{LAZY}.OFPFlowRemoved 1",
        f"{LAZY}.OFPFlowStatsReply 3",
        f"{LAZY}.OFPGroupDescStatsReply 4",
        f"{LAZY}.OFPPortStatsReply 6",
        f"{LAZY}.OFPExperimenterStatsReply 5",
    ]


def test_a_packet_in_whose_length_has_wrapped_is_cut_by_our_framing(manager: Manager) -> None:
    """os-ken would take the end of the frame for messages, as here a packet-in."""
    inside = openflow.packet_in(FRAME, FIELDS, xid=66)
    data = (FRAME + inside * ((1 << 16) // len(inside)))[: (1 << 16) - 40]
    wrapped = openflow.packet_in(data, FIELDS, xid=1)
    assert struct.unpack_from("!H", wrapped, 2)[0] < len(wrapped)
    assert noted_until_echo(manager, wrapped) == [f"{LAZY}.OFPPacketIn 1"]


def test_a_socket_that_says_no_openflow_costs_its_connection_alone(manager: Manager) -> None:
    with manager.connect() as client, openflow.Client(manager.port) as stranger:
        stranger.send(bytes([4, HELLO, 0, 3]) + bytes(4))
        stranger.drain()
        client.send(pack(ECHO_REPLY, xid=5))
        manager.until("OFPEchoReply 5")
