"""Where messages end in a stream of bytes, however it is split."""

from __future__ import annotations

from abc import ABC, abstractmethod


class Framer(ABC):
    """Finds the ends of the messages of one protocol, in one direction of a connection."""

    @abstractmethod
    def ends(self, data: bytes) -> list[int]:
        """Take the next bytes of the stream; return the places in them behind whole messages.

        Raises ValueError if what comes cannot be a message.
        """


class Messages:
    """The whole messages of a stream."""

    def __init__(self, framer: Framer) -> None:
        """Begin at the start of a message; the framer is new."""
        self._framer = framer
        self._begun: list[bytes] = []

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes of the stream; return the messages that they complete, in order.

        Raises ValueError as the framer does.
        """
        whole = []
        begin = 0
        for end in self._framer.ends(data):
            whole.append(b"".join([*self._begun, data[begin:end]]))
            self._begun.clear()
            begin = end
        if begin < len(data):
            self._begun.append(data[begin:])
        return whole
