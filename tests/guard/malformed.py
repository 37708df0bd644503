"""Bytes that are nearly OpenFlow: a corpus that is kept, and what hypothesis makes of it."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st

Damage = tuple[int | None, list[tuple[int, int, int]], int | None, bytes]

CORPUS = Path(__file__).parent / "corpus"


def corpus(name: str) -> list[bytes]:
    """Return the entries of a file of the corpus, each a line in hexadecimal or a comment."""
    lines = (CORPUS / name).read_text().splitlines()
    return [bytes.fromhex(line) for line in lines if line and not line.startswith("#")]


def bent(messages: list[bytes]) -> st.SearchStrategy[bytes]:
    """Return a strategy for bytes that were good messages before something happened to them."""
    return st.builds(_bend, st.sampled_from(messages), _DAMAGE)


_WORD = st.sampled_from([0, 1, 7, 8, 9, 16, 24, 255, 4096, 65535])
_DAMAGE = st.tuples(
    st.none() | _WORD,  # another length in the header
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 127), st.integers(0, 255)), max_size=4),
    st.none() | st.integers(0, 200),  # where it is cut
    st.binary(max_size=24),  # what follows
)


def _bend(message: bytes, damage: Damage) -> bytes:
    length, changes, end, rest = damage
    bent = bytearray(message)
    for kind, place, value in changes:
        place %= len(bent)
        if kind:
            bent[place] = value
        else:
            del bent[place : place + 1 + value % 8]
            bent = bent or bytearray(1)
    if length is not None:
        bent[2:4] = length.to_bytes(2, "big")
    return bytes(bent[:end]) + rest
