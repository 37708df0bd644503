"""Messages are cut from streams where they end, and the OVSDB client hands on what it hears."""

from __future__ import annotations

import itertools
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.wire.framing import Framer, Messages
from sim.wire.openflow import Message, OpenFlowConnection, OpenFlowFramer, pack
from sim.wire.ovsdb import OvsdbConnection, OvsdbFramer, Update

Server = tuple[Path, Callable[..., Callable[[], list[object]]]]
"""Where to connect, and what answers the next connection: call what it returns to end it."""


def openflow(lengths: list[int]) -> list[bytes]:
    return [struct.pack("!BBHI", 4, 10, 8 + length, 7) + b"\4" * length for length in lengths]


def ovsdb(objects: Sequence[object]) -> list[bytes]:
    return [json.dumps(each).encode() for each in objects]


TEXT = st.text(alphabet='a"\\{}[]é ', max_size=8)
VALUES = st.recursive(TEXT, lambda inner: st.lists(inner, max_size=3), max_leaves=8)
STREAMS = st.one_of(
    st.tuples(st.just(OpenFlowFramer), st.lists(st.integers(0, 90), max_size=6).map(openflow)),
    st.tuples(
        st.just(OvsdbFramer),
        st.lists(st.dictionaries(TEXT, VALUES, max_size=3), max_size=6).map(ovsdb),
    ),
)


@given(STREAMS, st.lists(st.integers(0, 600), max_size=8))
def test_messages_end_where_they_do_however_the_stream_is_cut_up(
    stream: tuple[type[Framer], list[bytes]], cuts: list[int]
) -> None:
    kind, expected = stream
    data = b"".join(expected)
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    messages = Messages(kind())
    found = [messages.feed(data[start:stop]) for start, stop in itertools.pairwise(places)]
    assert list(itertools.chain.from_iterable(found)) == expected


def test_each_byte_of_an_escape_may_come_alone() -> None:
    messages = Messages(OvsdbFramer())
    expected = [b'{"a": "\\\\"}', b'{"}\\"{": ["\\\\\\""]}']
    parts = [messages.feed(bytes([each])) for each in b"".join(expected)]
    assert list(itertools.chain.from_iterable(parts)) == expected


def test_a_length_that_is_less_than_the_header_is_refused() -> None:
    with pytest.raises(ValueError, match="7 bytes"):
        OpenFlowFramer().ends(pack(0, length=7))


def test_an_openflow_connection_hands_on_one_message_after_the_other() -> None:
    ours, theirs = socket.socketpair()
    with OpenFlowConnection(ours) as connection, theirs:
        connection.send(pack(0), pack(2, b"x", xid=5))
        assert theirs.recv(100) == struct.pack("!BBHIBBHI", 4, 0, 8, 1, 4, 2, 9, 5) + b"x"
        theirs.sendall(pack(3, b"ab", xid=7) + pack(21))
        theirs.shutdown(socket.SHUT_WR)
        received = [connection.receive() for _ in range(3)]
        assert received == [Message(3, 7, b"ab"), Message(21, 1, b""), None]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Yield a function that answers the next connection, and the path to connect to."""
    path = tmp_path / "server.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def answer(*messages: object) -> Callable[[], list[object]]:
            def run() -> None:
                with listener.accept()[0] as peer:
                    peer.recv(65536)
                    peer.sendall("".join(map(json.dumps, messages)).encode())
                    heard.append(json.loads(peer.recv(65536) or b"null"))

            heard: list[object] = []
            thread = threading.Thread(target=run)
            thread.start()

            def ended() -> list[object]:
                thread.join()
                return heard

            return ended

        yield path, answer


def test_an_error_of_the_server_is_raised(server: Server) -> None:
    path, answer = server
    ended = answer({"id": 1, "error": "unknown method", "result": None})
    with OvsdbConnection(path) as connection, pytest.raises(RuntimeError, match="unknown method"):
        connection.call("nonsense")
    ended()


def test_a_transaction_that_the_server_refuses_is_raised(server: Server) -> None:
    path, answer = server
    ended = answer({"id": 1, "error": None, "result": [{}, None, {"error": "no room"}]})
    with OvsdbConnection(path) as connection, pytest.raises(RuntimeError, match="no room"):
        connection.transact({"op": "comment", "comment": ""})
    ended()


def test_a_server_that_leaves_is_not_waited_for(server: Server) -> None:
    path, answer = server
    echo = {"id": "echo", "method": "echo", "params": ["still", "there"]}
    ended = answer(echo)
    with OvsdbConnection(path) as connection, pytest.raises(RuntimeError, match="closed"):
        connection.call("list_dbs")
    assert ended() == [{"id": "echo", "result": ["still", "there"], "error": None}]


def test_updates_are_heard_with_the_time_at_which_they_came(server: Server) -> None:
    path, answer = server
    change = {"Port": {"row": {"new": {"name": "p0"}}}}
    ended = answer(
        {"id": None, "method": "update", "params": [None, change]},
        {"id": 1, "error": None, "result": {}},
    )
    heard: list[tuple[Update, float]] = []
    with OvsdbConnection(
        path, on_update=lambda update, at: heard.append((update, at))
    ) as connection:
        connection.monitor({"Port": ["name"]})
    ended()
    [(update, at)] = heard
    assert update == change
    assert at > 0
