"""How hard hypothesis tries: the same examples in every run, unless HYPOTHESIS_PROFILE says more.

With ``search`` they are new and many more; with ``glance`` the first failure is shown as it is;
``quick`` is for a look between two commits.
"""

import logging
import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

from .app import App
from .doubles import Said

pytest.register_assert_rewrite("tests.unit.sequences")

_COMMON: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large],
}
settings.register_profile("same", max_examples=100, derandomize=True, **_COMMON)
settings.register_profile("search", max_examples=2000, **_COMMON)
settings.register_profile(
    "glance", max_examples=300, phases=[Phase.explicit, Phase.generate], **_COMMON
)
settings.register_profile("quick", max_examples=10, derandomize=True, **_COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


class _Alarm(logging.Handler):
    """Raises what was caught and only logged."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1]:
            raise record.exc_info[1]


@pytest.fixture(autouse=True)
def no_bug_is_hidden() -> Iterator[None]:
    """Let a test fail when a managed switch meets a bug, which it survives in real life."""
    alarm, log = _Alarm(), logging.getLogger("vtep_ofapp.managed")
    log.addHandler(alarm)
    yield
    log.removeHandler(alarm)


@pytest.fixture(autouse=True)
def each_record_is_replayed() -> Iterator[None]:
    """Let a test fail when the replay of a loop does not end as the loop did."""
    App.made.clear()
    yield
    for app in App.made:
        app.check_replay()
        app.record.remove()


@pytest.fixture
def app() -> App:
    return App()


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Said:
    """Return a function that returns what was logged, at this level or above, since last asked."""
    caplog.set_level(logging.INFO, "vtep_ofapp")

    def take(level: int = logging.WARNING) -> list[str]:
        messages = [each.getMessage() for each in caplog.records if each.levelno >= level]
        caplog.clear()
        return messages

    return take
