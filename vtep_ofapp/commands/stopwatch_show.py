"""``stopwatch/show``: how long the program's work takes."""

from collections.abc import Iterator, Sequence

from ..values.histogram import Histogram
from .answer import Answer, Row, Table
from .command import Command, Running

_COLUMNS = (
    "work",
    "of",
    "samples",
    "min_ms",
    "mean_ms",
    "p50_ms",
    "p95_ms",
    "p99_ms",
    "max_ms",
    "last_ms",
)


def _show(_arguments: Sequence[str], running: Running) -> Answer:
    return Answer({"stopwatches": Table(_COLUMNS, _rows(running))})


def _rows(running: Running) -> Iterator[Row]:
    measures = running.components.measures
    for work, histogram in (
        ("turn", measures.turns.seconds),
        ("read_back", measures.read_backs),
        ("bundle", measures.bundles.seconds),
        ("row_to_flow", measures.row_to_flow),
    ):
        yield work, None, *_figures(histogram)
    for name in running.components.databases.all():
        yield "transaction", name, *_figures(measures.transactions[name].seconds)


def _figures(histogram: Histogram) -> Row:
    """Return the columns from ``samples`` on, None for what there is not without a sample."""
    count = histogram.count
    if not count:
        return 0, *[None] * 7
    parts = map(histogram.quantile, (0.5, 0.95, 0.99))
    seconds = (histogram.least, histogram.total / count, *parts, histogram.greatest, histogram.last)
    return count, *(None if each is None else round(each * 1000, 3) for each in seconds)


COMMANDS = (
    Command(
        "stopwatch/show",
        "",
        "Print how long turns, read-backs, bundles and transactions took, and flows after rows.",
        _show,
    ),
)
