"""JSON-RPC messages at the speed of Python's own JSON parser.

Without its C extension, the ovs library parses JSON character by character. For 100,000 rows it
blocks all green threads for a quarter of a minute. So its connections get a parser and a stream of
ours.
"""

import errno
import json.decoder
import re
from typing import Any

import eventlet
import ovs.json
import ovs.jsonrpc

_REST_OF_STRING = re.compile(r'(?:[^"\\]|\\.)*', re.DOTALL)
_BRACKET = re.compile(r"[{}\[\]]")
_NO_BRACKETS = bytes(set(range(256)) - set(b"{}[]"))
_MAY_END = re.compile(r"\}\s*(?:\{|\Z)")
"""A message may end here: at the end of the text, or before the next message."""
_PATIENCE = 1 << 22
"""Characters of one message after which other green threads run."""
LONGEST = 1 << 30
"""The longest accepted message, in characters: some two million rows of Ucast_Macs_Remote."""
_PIECE = 1 << 16
"""Bytes per read."""
_OUTER_LEVELS = 4
"""Levels of a message down to the rows of a table in an update or in the answer to a monitor."""
_SHORT = 256
"""Characters that are searched one bracket after the other; longer text is halved first."""
_PIECES_AT_A_TIME = 16
"""Of 64 KiB each."""
_ROWS_AT_A_TIME = 1000
_DECODER: Any = json.decoder
"""With the functions that the typeshed does not know."""


class MessageParser:
    """Finds the end of a JSON object in a stream of text, and decodes the object.

    It has the interface that ovs.jsonrpc expects of a parser.
    """

    def __init__(self, check_trailer: bool = False) -> None:
        self._parts: list[str] = []
        self._unscanned: list[str] = []
        self._depth = 0
        self._in_string = False
        self._after_backslash = False
        self._is_done = False
        self._patience = _PATIENCE
        self._length = 0

    def feed(self, text: str) -> int:
        """Add text of the stream; return how many characters of it belong to the object.

        Text without a possible end is stored without a check, so that a long message is received
        quickly: until then the server answers no request.
        """
        if _MAY_END.search(text) is None and self._depth:
            self._unscanned.append(text)
            end = None
        else:
            end = self._scan(text)
        self._length += len(text)
        self._is_done = end is not None or self._length > LONGEST
        used = len(text) if end is None else end
        self._parts.append(text[:used])
        self._patience -= used
        if self._patience < 0:
            self._patience = _PATIENCE
            eventlet.sleep(0)
        return used

    def is_done(self) -> bool:
        """Whether the object is complete or invalid."""
        return self._is_done

    def finish(self) -> Any:
        """Return the object, or a string with the error."""
        if self._length > LONGEST:
            return f"a message of more than {LONGEST} characters"
        try:
            message = _PatientDecoder().decode("".join(self._parts))
        except (ValueError, RecursionError) as error:
            return f"not a JSON message: {error}"
        return message if isinstance(message, dict) else "not a JSON object"

    def _scan(self, text: str) -> int | None:
        """Return where the object ends in the text, after the stored text."""
        kept, self._unscanned = self._unscanned, []
        for number, part in enumerate(kept, 1):
            if self._find_end(part) is not None:
                return len(text)  # an invalid end; finish() returns the error
            if number % _PIECES_AT_A_TIME == 0:
                eventlet.sleep(0)
        return self._find_end(text)

    def _find_end(self, text: str) -> int | None:
        if not self._in_string and self._depth == 0:
            start = text.lstrip(" \t\r\n")
            if start and start[0] not in "{[":
                return len(text)  # finish() says what is wrong with it
        if "\\" not in text and not self._after_backslash:
            pieces = text.split('"')
            outside = "".join(pieces[1::2] if self._in_string else pieces[0::2])
            brackets = _unmatched(outside)
            opened = brackets.lstrip(b"}]")
            closed = len(brackets) - len(opened)
            if closed < self._depth and not opened.strip(b"{["):
                self._depth += len(opened) - closed
                self._in_string ^= len(pieces) % 2 == 0
                return None
            if len(text) > _SHORT:
                # The object begins or ends here, in one of the halves.
                middle = len(text) // 2
                end = self._find_end(text[:middle])
                if end is not None:
                    return end
                end = self._find_end(text[middle:])
                return None if end is None else middle + end
        return self._find_end_by_parts(text)

    def _find_end_by_parts(self, text: str) -> int | None:
        at = 0
        if self._after_backslash and text:
            self._after_backslash = False
            at = 1
        while at < len(text):
            if self._in_string:
                rest = _REST_OF_STRING.match(text, at)
                at = rest.end() if rest else at
                if at < len(text) and text[at] == "\\":
                    self._after_backslash = True
                    return None
                self._in_string = at == len(text)
                at += 1
                continue
            quote = text.find('"', at)
            stop = len(text) if quote < 0 else quote
            for bracket in _BRACKET.finditer(text, at, stop):
                self._depth += 1 if bracket[0] in "{[" else -1
                if self._depth <= 0:
                    return bracket.end()
            self._in_string = quote >= 0
            at = stop + 1
        return None


def _unmatched(text: str) -> bytes:
    """Return the unpaired brackets of a text, up to the depth of messages."""
    brackets = text.encode(errors="replace").translate(None, _NO_BRACKETS)
    for _ in range(2 * _OUTER_LEVELS):
        brackets = brackets.replace(b"{}", b"").replace(b"[]", b"")
    return brackets


class _PatientDecoder(json.decoder.JSONDecoder):
    """Decodes rows in C and the objects around them in Python, where other green threads run.

    Decoding 100,000 rows at once takes as long as processing 1,000 packets of a switch.
    """

    scan_once: Any

    def __init__(self) -> None:
        super().__init__()
        self._decode_inner = self.scan_once
        self._level = 0
        self._rows = 0
        self.scan_once = self._decode  # what the library's own decode() calls

    def _decode(self, text: str, at: int) -> Any:
        opening = text[at : at + 1]
        if opening not in ("{", "[") or self._level == _OUTER_LEVELS:
            self._rows += 1
            if self._rows % _ROWS_AT_A_TIME == 0:
                eventlet.sleep(0)
            return self._decode_inner(text, at)
        self._level += 1
        if opening == "{":
            found = _DECODER.JSONObject((text, at + 1), True, self._decode, None, None)
        else:
            found = _DECODER.JSONArray((text, at + 1), self._decode)
        self._level -= 1
        return found


class WholeCharacters:
    """A stream of UTF-8 text whose reads never split a character.

    ovs.jsonrpc decodes each read by itself: a character split between two reads would end the
    connection. It also reads only 4 KiB at a time.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._held = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def recv(self, _: int) -> tuple[int, bytes]:
        """Return an error number and bytes, as ovs.stream.Stream.recv does."""
        error, data = self._stream.recv(_PIECE)
        if error or not data:
            return error, data
        text = self._held + data
        end = _end_of_characters(text)
        self._held = text[end:]
        return (0, text[:end]) if end else (errno.EAGAIN, b"")


def _end_of_characters(text: bytes) -> int:
    """Return where the last whole character of UTF-8 ends (RFC 3629)."""
    for size in range(1, min(4, len(text) + 1)):
        byte = text[-size]
        if byte >= 0xC0:  # the first of several bytes; its leading one bits are their number
            length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return len(text) - size if size < length else len(text)
        if byte < 0x80:
            break
    return len(text)


class Connection(ovs.jsonrpc.Connection):  # type: ignore[misc]
    """A JSON-RPC connection that reads whole characters and uses our parser."""

    def __init__(self, stream: Any) -> None:
        super().__init__(WholeCharacters(stream))

    def recv(self) -> tuple[int, Any]:
        """Return an error number and a message, as ovs.jsonrpc.Connection.recv does."""
        prepare(self)
        received: tuple[int, Any] = super().recv()
        return received


def prepare(connection: Any) -> None:
    """Set our parser for the next message of a connection, unless the library has one in C.

    A connection creates a parser only if it has none.
    """
    if connection.parser is None and ovs.json.PARSER != ovs.json.PARSER_C:
        connection.parser = MessageParser()
