"""What features tell operators of each switch."""

from collections.abc import Callable
from dataclasses import dataclass

from .view import View


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a switch, which ``metrics/show`` has and Prometheus scrapes: it costs little.

    ``name`` is its name in the answer. The name of one that only grows ends in ``_total``.
    ``help`` is one sentence.
    """

    name: str
    help: str
    value: Callable[[View], int]
