"""What features tell operators of each switch: figures, owners, and what flows do to frames."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from ..values.flows import FlowKey
from .desired import Key
from .view import View

STATION, GROUP, ADDRESS, PORT = "mac", "group", "address", "port"
"""Kinds of what an operator asks about by its name alone; a feature may have others."""
Concerned: TypeAlias = Callable[[str, View], Iterable[Key]]
"""Returns the owners that concern what a name says, for ``why``; none if it names nothing.

A MAC address is of the kind STATION or GROUP, an IPv4 or IPv6 address of the kind ADDRESS. Owners
without a reason for anything are left out.
"""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a switch, which ``metrics/show`` has and Prometheus scrapes: it costs little.

    ``name`` is its name in the answer. The name of one that only grows ends in ``_total``.
    ``help`` is one sentence.
    """

    name: str
    help: str
    value: Callable[[View], int]


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit that an option sets, for ``check``: what is counted, each with its number."""

    option: str
    counts: Callable[[View], Iterable[tuple[str, int]]]


@dataclass(frozen=True, slots=True)
class Passage:
    """A flow that the frame of a ``trace`` passed, and the owner that desires it.

    ``fields`` are the registers and the metadata that the frame carried to the flow, those that are
    not 0.
    """

    flow: FlowKey
    owner: Key
    fields: Mapping[str, int]


Verdict: TypeAlias = Callable[[Passage, View], str | None]
"""Returns in a few words what a flow did to a frame, None if that goes without saying.

``denied by ...``: if the flow drops the frame, these words are the reason.
"""
