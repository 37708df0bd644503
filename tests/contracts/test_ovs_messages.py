"""The ovs library reads what a database says by our parser, whatever pieces it comes in."""

import contextlib
import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import ovs.jsonrpc
import pytest

from vtep_ofapp.ovsdb import json_stream
from vtep_ofapp.ovsdb.session import Session

MESSAGE = {"id": None, "method": "update", "params": ["größer als ein Byte je Zeichen"]}
DEADLINE = 5.0


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    """Yield a Unix socket on which a database server would listen."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "db.sock"))
        listener.listen()
        listener.settimeout(DEADLINE)
        yield listener


def until(step: Callable[[], object]) -> object:
    """Take a step until it returns something."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        if (found := step()) is not None:
            return found
    pytest.fail("nothing came")


def test_a_session_reads_by_our_parser(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished: list[object] = []
    finish = json_stream.MessageParser.finish

    def noted(parser: json_stream.MessageParser) -> object:
        finished.append(finish(parser))
        return finished[-1]

    monkeypatch.setattr(json_stream.MessageParser, "finish", noted)
    session = Session(f"unix:{listener.getsockname()}", 0, {}, lambda: None)
    with contextlib.closing(session):

        def is_connected() -> bool | None:
            session.run()
            return session.is_connected() or None

        until(is_connected)
        server, _ = listener.accept()

        def received() -> ovs.jsonrpc.Message | None:
            session.run()
            return session.recv()

        with server:
            for byte in json.dumps(MESSAGE, ensure_ascii=False).encode():
                assert not finished
                server.sendall(bytes([byte]))
                message = received()
            message = message or until(received)
    assert isinstance(message, ovs.jsonrpc.Message)
    assert message.params == MESSAGE["params"]
    assert finished == [MESSAGE]
