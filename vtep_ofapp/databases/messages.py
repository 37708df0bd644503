"""JSON-RPC messages at the speed of Python's own JSON parser.

The ovs library reads JSON character by character where it has no C extension: 100,000 rows take
it a quarter of a minute, in which no green thread has its turn. ovs.jsonrpc makes its parsers by
``ovs.json.Parser``; install() puts ours there.
"""

import json
import re
from typing import Any

import eventlet
import ovs.json

_REST_OF_STRING = re.compile(r'(?:[^"\\]|\\.)*', re.DOTALL)
_BRACKET = re.compile(r"[{}\[\]]")
_PATIENCE = 1 << 20
"""Characters of one message after which other green threads get their turn."""


class MessageParser:
    """Finds the end of a JSON object in a stream of text, and then what the object is.

    It has the interface that ovs.jsonrpc expects of a parser.
    """

    def __init__(self, check_trailer: bool = False) -> None:
        self._parts: list[str] = []
        self._depth = 0
        self._in_string = False
        self._after_backslash = False
        self._is_done = False
        self._patience = _PATIENCE

    def feed(self, text: str) -> int:
        """Take more of the stream; return how many characters of it belong to the object."""
        end = self._find_end(text)
        self._is_done = end is not None
        used = len(text) if end is None else end
        self._parts.append(text[:used])
        self._patience -= used
        if self._patience < 0:
            self._patience = _PATIENCE
            eventlet.sleep(0)
        return used

    def is_done(self) -> bool:
        """Whether the object is complete, or it is clear that none comes."""
        return self._is_done

    def finish(self) -> Any:
        """Return the object, or a string that says what is wrong with it."""
        try:
            message = json.loads("".join(self._parts))
        except (ValueError, RecursionError) as error:
            return f"not a JSON message: {error}"
        return message if isinstance(message, dict) else "not a JSON object"

    def _find_end(self, text: str) -> int | None:
        if not self._in_string and self._depth == 0:
            start = text.lstrip(" \t\r\n")
            if start and start[0] not in "{[":
                return len(text)  # finish() says what is wrong with it
        if "\\" not in text and not self._after_backslash:
            pieces = text.split('"')
            outside = "".join(pieces[1::2] if self._in_string else pieces[0::2])
            closed = outside.count("}") + outside.count("]")
            if closed < self._depth:
                self._depth += outside.count("{") + outside.count("[") - closed
                self._in_string ^= len(pieces) % 2 == 0
                return None
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


def install() -> None:
    """Let ovs.jsonrpc use this parser, unless the library has its own in C."""
    if ovs.json.PARSER != ovs.json.PARSER_C:
        ovs.json.Parser = MessageParser
