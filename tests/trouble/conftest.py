"""What was measured is shown at the end, and kept with the test's other properties."""

from __future__ import annotations

import pytest

FIGURES = pytest.StashKey[list[str]]()


def pytest_configure(config):
    config.stash[FIGURES] = []


@pytest.fixture
def measured(request, record_property):
    """Note how long something took: nobody asserts it."""

    def note(what: str, seconds: float) -> None:
        record_property(what, round(seconds, 3))
        request.config.stash[FIGURES].append(f"{what}: {seconds:.2f} s")

    return note


def pytest_terminal_summary(terminalreporter, config):
    if config.stash[FIGURES]:
        terminalreporter.section("trouble: seconds")
        for line in config.stash[FIGURES]:
            terminalreporter.line(line)
