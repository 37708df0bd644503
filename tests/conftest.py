"""What holds for all tests: who may run beside whom, and that no log may hold a traceback."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from tests import logs

pytest_plugins = ["tests.labs"]

SPREAD = {"docs", "harness", "packaging", "switch", "unit"}
"""Folders whose tests run on any worker, unless they name an xdist_group; elsewhere the tests of a
file share what takes long to build, and stay together."""

LONG = {
    "packaging/test_packages.py",
    "switch/test_bulk_rows.py",
    "switch/test_emulator.py",
    "switch/test_ovs_versions.py",
    "switch/test_pair.py",
    "unit/test_messages.py",
    "unit/test_sequences.py",
    "unit/test_whole.py",
}
"""Files whose tests begin first: they are the longest, and at the end all would wait for them."""

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist looks at the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep tests that share something on one worker, and begin with long ones."""
    items.sort(key=lambda item: item.path.relative_to(HERE).as_posix() not in LONG)
    for item in items:
        file = item.path.relative_to(HERE)
        if file.parts[0] not in SPREAD and item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(str(file)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test in whose time a log got a traceback that the test does not name."""
    expected = [str(marker.args[0]) for marker in item.iter_markers("provokes")]
    try:
        result = yield
    except BaseException:
        if found := logs.complaints():
            item.add_report_section("call", "logs", "\n".join(found))
        raise
    found = logs.complaints()
    if others := [each for each in found if not any(text in each for text in expected)]:
        pytest.fail("in the logs meanwhile:\n" + "\n".join(others), pytrace=False)
    if missing := [text for text in expected if not any(text in each for each in found)]:
        pytest.fail(f"not in the logs, but named by the test: {missing}", pytrace=False)
    return result
