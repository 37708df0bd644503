"""The parser of OVSDB's messages, against Python's own and the library's."""

import errno
import itertools
import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtep_ofapp.ovsdb import json_stream
from vtep_ofapp.ovsdb.json_stream import Connection, MessageParser

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.sampled_from(['"', "\\", '\\"{[', "}]"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
MESSAGES = st.dictionaries(st.text(), VALUES)


def parse(stream: str, cuts: Iterable[int]) -> list[Any]:
    """Feed a stream cut at these places, as ovs.jsonrpc does; return the messages in it."""
    parser, found = MessageParser(), []
    edges = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    for start, end in itertools.pairwise(edges):
        text = stream[start:end]
        while text:
            text = text[parser.feed(text) :]
            if parser.is_done():
                found.append(parser.finish())
                parser = MessageParser()
    return found


@given(st.lists(MESSAGES, max_size=4), st.sets(st.integers(0, 200)), st.booleans())
def test_a_stream_is_cut_into_its_messages(
    messages: list[Any], cuts: set[int], is_ascii: bool
) -> None:
    stream = "".join(json.dumps(each, ensure_ascii=is_ascii) for each in messages)
    assert parse(stream, cuts) == messages


@given(st.lists(MESSAGES, max_size=3), st.integers(1, 100), st.sets(st.integers(0, 20_000)))
def test_long_messages_end_where_they_end(messages: list[Any], times: int, cuts: set[int]) -> None:
    long = [{"rows": [each] * times} for each in messages]
    assert parse("".join(map(json.dumps, long)), cuts) == long


@given(MESSAGES, st.integers(1, 50))
def test_the_size_of_the_pieces_does_not_matter(message: Any, size: int) -> None:
    stream = json.dumps(message, indent=1)
    assert parse(stream, range(0, len(stream), size)) == [message]


@pytest.mark.parametrize("text", ["garbage", '"text"', "12", "}", "{]", '{"a": }', "{'a': 1}"])
def test_what_is_no_message_is_said_to_be_none(text: str) -> None:
    parser = MessageParser()
    parser.feed(text)
    assert parser.is_done()
    assert isinstance(parser.finish(), str)


def test_a_message_nested_without_end_is_refused() -> None:
    parser = MessageParser()
    parser.feed("[" * 100_000 + "]" * 100_000)
    assert parser.is_done()
    assert isinstance(parser.finish(), str)


# Characters of several bytes


class Pieces:
    """A stream that hands over a text in pieces, with a pause behind each."""

    name = "pieces"

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces: list[tuple[int, bytes]] = [
            answer for piece in pieces for answer in ((0, piece), (errno.EAGAIN, b""))
        ]

    def recv(self, size: int) -> tuple[int, bytes]:
        return self._pieces.pop(0) if self._pieces else (errno.EAGAIN, b"")


@given(
    name=st.text(st.characters(codec="utf-8"), min_size=1, max_size=20),
    cuts=st.sets(st.integers(1, 60)),
)
def test_a_message_arrives_whole_wherever_its_bytes_are_cut(name: str, cuts: set[int]) -> None:
    text = json.dumps({"id": 1, "result": name, "error": None}, ensure_ascii=False).encode()
    places = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    pieces = [text[start:end] for start, end in itertools.pairwise(places)]
    connection = Connection(Pieces(pieces))
    for _ in range(2 * len(pieces) + 1):
        error, message = connection.recv()
        if message is not None:
            break
        assert error == errno.EAGAIN
    assert message.result == name


def test_a_message_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "LONGEST", 1000)
    parser = json_stream.MessageParser()
    for _ in range(10):
        assert parser.feed('{"a": [' + '"x", ' * 18) == 97
        assert not parser.is_done()
    assert parser.feed('"x", ' * 18) == 90
    assert parser.is_done()
    assert parser.finish() == "a message of more than 1000 characters"
