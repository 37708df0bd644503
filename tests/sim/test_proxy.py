"""The proxy passes everything on, and makes trouble exactly where it was asked to."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from sim.waiting import wait_until
from sim.wire.openflow import OpenFlowFramer
from sim.wire.ovsdb import OvsdbFramer
from sim.wire.proxy import Proxy, Way

HELLO = struct.pack("!BBHI", 4, 0, 8, 1)
ECHO = struct.pack("!BBHI", 4, 2, 12, 2) + b"ping"

End = AbstractContextManager[socket.socket]


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        yield server


@pytest.fixture
def proxy(server: socket.socket) -> Iterator[Proxy]:
    with Proxy(OpenFlowFramer, server.getsockname()) as proxy:
        yield proxy


def meet(proxy: Proxy, server: socket.socket) -> tuple[End, End]:
    """Return both ends of a connection through the proxy."""
    client = socket.create_connection(("127.0.0.1", proxy.port), timeout=10)
    accepted, _ = server.accept()
    accepted.settimeout(10)
    return contextlib.closing(client), contextlib.closing(accepted)


def everything(end: socket.socket) -> bytes:
    """Return all that comes until the end of the connection."""
    received = b""
    while data := end.recv(4096):
        received += data
    return received


def send_until_nobody_reads(end: socket.socket) -> int:
    """Send until the kernel takes no more; return how many bytes that were."""
    end.setblocking(False)
    sent = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            sent += end.send(HELLO * 1024)
    end.settimeout(10)
    return sent


def test_it_passes_on_both_ways_and_counts(proxy: Proxy, server: socket.socket) -> None:
    one, other = meet(proxy, server)
    with one as client, other as accepted:
        client.sendall(HELLO + ECHO)
        accepted.sendall(HELLO)
        assert client.recv(100) == HELLO
        client.shutdown(socket.SHUT_WR)
        assert everything(accepted) == HELLO + ECHO
    count = {way: (passed.messages, passed.bytes) for way, passed in proxy.passed.items()}
    assert count == {Way.FROM_CLIENT: (2, 20), Way.FROM_SERVER: (1, 8)}


@pytest.mark.parametrize(
    ("where", "arrives"),
    [
        ({"messages": 1}, HELLO),
        ({"messages": 2}, HELLO + ECHO),
        ({"octets": 1}, HELLO[:1]),
        ({"octets": 11}, HELLO + ECHO[:3]),
    ],
)
def test_it_cuts_behind_a_message_or_within_one_and_takes_the_next_connection(
    proxy: Proxy, server: socket.socket, where: dict[str, int], arrives: bytes
) -> None:
    trap = proxy.after(Way.FROM_SERVER, lambda link: link.cut(), **where)
    one, other = meet(proxy, server)
    with one as client, other as accepted:
        accepted.sendall(HELLO + ECHO + HELLO)
        assert everything(client) == arrives
        assert everything(accepted) == b""
    assert trap.sprung.wait(10)
    one, other = meet(proxy, server)
    with one as client, other as accepted:
        accepted.sendall(HELLO)
        assert client.recv(100) == HELLO


def test_a_trap_counts_over_all_connections_and_springs_once(
    proxy: Proxy, server: socket.socket
) -> None:
    seen: list[bool] = []
    proxy.after(Way.FROM_CLIENT, lambda link: seen.append(link.is_cut), messages=2)
    for _ in range(3):
        one, other = meet(proxy, server)
        with one as client, other as accepted:
            client.sendall(HELLO)
            assert accepted.recv(100) == HELLO
            client.shutdown(socket.SHUT_WR)
            assert everything(accepted) == b""
    assert seen == [False]


def test_a_peer_that_does_not_read_holds_up_the_sender_and_loses_nothing(
    proxy: Proxy, server: socket.socket
) -> None:
    one, other = meet(proxy, server)
    with one as client, other as accepted:
        proxy.stop_reading(Way.FROM_SERVER)
        client.sendall(HELLO)
        assert accepted.recv(100) == HELLO
        sent = send_until_nobody_reads(accepted)
        proxy.read_on()
        accepted.shutdown(socket.SHUT_WR)
        assert len(everything(client)) == sent


def test_a_connection_ends_when_the_server_is_away(server: socket.socket) -> None:
    with Proxy(OpenFlowFramer, server.getsockname()) as proxy:
        server.close()
        with contextlib.closing(
            socket.create_connection(("127.0.0.1", proxy.port), timeout=10)
        ) as client:
            assert everything(client) == b""


def test_all_connections_are_cut_at_once_and_at_the_end(server: socket.socket) -> None:
    with Proxy(OpenFlowFramer, server.getsockname()) as proxy:
        one, other = meet(proxy, server)
        with one as client, other as accepted:
            client.sendall(HELLO)
            assert accepted.recv(100) == HELLO
            proxy.cut()
            assert everything(client) == everything(accepted) == b""
        one, other = meet(proxy, server)
        proxy.stop_reading(Way.FROM_SERVER)
    with one as client, other as accepted:
        assert everything(client) == everything(accepted) == b""


def test_databases_are_reached_by_unix_sockets(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "server"))
        server.listen()
        path = str(tmp_path / "proxy")
        with Proxy(OvsdbFramer, str(tmp_path / "server"), path) as proxy:
            proxy.after(Way.FROM_CLIENT, lambda link: link.cut(), messages=2)
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(path)
                accepted, _ = server.accept()
                client.sendall(b'{"id":"}"}{"id":1}{"id":2}')
                with contextlib.closing(accepted):
                    assert everything(accepted) == b'{"id":"}"}{"id":1}'
            wait_until(lambda: proxy.passed[Way.FROM_CLIENT].messages == 2, "two messages")
