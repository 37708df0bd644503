"""What holds for all tests: who may run beside whom, and that no log may hold a traceback."""

from __future__ import annotations

import gc
from collections.abc import Generator
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests import logs

pytest_plugins = ["tests.labs"]

SPREAD = {"docs", "harness", "switch", "unit"}
"""Folders whose tests run on any worker; elsewhere the tests of a file share what takes long to
build, and stay together."""

TOGETHER = {
    "tests/switch/test_changed_by_others.py",
    "tests/switch/test_cluster.py",
    "tests/switch/test_tls.py",
    "tests/switch/test_undone.py",
}
"""Files of these folders whose tests stay together nevertheless."""

LONGEST = (
    "tests/packaging/test_packages.py",
    "tests/trouble/test_cuts.py",
    "tests/trouble/test_upgrade.py",
    "tests/examples/test_lab_page.py",
    "tests/nvcs/test_ovn.py",
    "tests/sim/test_soak.py",
    "tests/sim/test_bench.py",
    "tests/lab/test_traffic.py",
    "tests/trouble/test_application.py",
    "tests/trouble/test_slow_peers.py",
)
"""Files that begin first, so that none of them is left when all other workers are done."""

LONG = {
    "tests/switch/test_bulk_rows.py",
    "tests/switch/test_conversion_and_cuts.py",
    "tests/switch/test_emulator.py",
    "tests/switch/test_pair.py",
    "tests/switch/test_upgrade.py",
    "tests/unit/test_acl_sequences.py",
    "tests/unit/test_message_filter.py",
    "tests/unit/test_multicast_sequences.py",
    "tests/unit/test_neighbour_sequences.py",
    "tests/unit/test_sequences.py",
    "tests/unit/test_whole.py",
}
"""Files that have the longest of the tests that may run anywhere."""


def is_spread(file: str) -> bool:
    """Whether each test of a file may run on any worker."""
    return Path(file).parts[1] in SPREAD and file not in TOGETHER


def place(file: str) -> tuple[int, int]:
    """Return a file's place in the order: the longest, all that stay together, the others."""
    if file in LONGEST:
        return 0, LONGEST.index(file)
    if not is_spread(file):
        return 1, 0
    return 2, file not in LONG


class ByFile(LoadScopeScheduling):  # type: ignore[misc]
    """Sends tests that share something to one worker. (What pytest-xdist has reads private ids.)"""

    def _split_scope(self, nodeid: str) -> str:
        """Return what a test is sent together with: its file, or itself alone."""
        file = nodeid.split("::")[0]
        return nodeid if is_spread(file) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    """Return what sends tests to workers, in the order in which they were collected."""
    config.option.loadscopereorder = False
    return ByFile(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Leave what collecting makes, which stays to the end, out of each collection of garbage."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long."""
    items.sort(key=lambda item: place(item.nodeid.split("::")[0]))


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
