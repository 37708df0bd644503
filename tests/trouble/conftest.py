"""The lab of tests/lab, with proxies; and what was measured is shown at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from sim.wire.openflow import OpenFlowFramer
from sim.wire.ovsdb import OvsdbFramer
from sim.wire.proxy import Proxy
from tests.lab.conftest import emptied, lab, nvc, plain_ls0, wire  # noqa: F401
from tests.lab.trial import TrialLab

Measured = Callable[[str, float], None]
"""Notes how many seconds something took."""

FIGURES = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[FIGURES] = []


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if config.stash[FIGURES]:
        terminalreporter.section("trouble: seconds")
        for line in config.stash[FIGURES]:
            terminalreporter.line(line)


@pytest.fixture
def measured(
    request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> Measured:
    """Note how long something took: nobody asserts it."""

    def note(what: str, seconds: float) -> None:
        record_property(what, round(seconds, 3))
        request.config.stash[FIGURES].append(f"{what}: {seconds:.2f} s")

    return note


@dataclass(frozen=True)
class Proxies:
    """What stands between the application and the switch, and between it and the databases."""

    openflow: Proxy
    vtep_db: Proxy
    ovs_db: Proxy


@pytest.fixture(scope="module")
def proxies(lab: TrialLab) -> Iterator[Proxies]:  # noqa: F811
    """The lab's application, behind proxies from now on."""
    vtep, app = lab.vtep, lab.app
    server = vtep.db.removeprefix("unix:")
    with (
        Proxy(OpenFlowFramer, ("127.0.0.1", app.port), opener=vtep.namespace.call) as openflow,
        Proxy(OvsdbFramer, server, f"{vtep.folder}/vtep.proxy") as vtep_db,
        Proxy(OvsdbFramer, server, f"{vtep.folder}/ovs.proxy") as ovs_db,
    ):
        app.proxy_port = openflow.port
        app.options.update(
            vtep_db=f"unix:{vtep.folder}/vtep.proxy", ovs_db=f"unix:{vtep.folder}/ovs.proxy"
        )
        app.stop()
        app.take_over()
        yield Proxies(openflow, vtep_db, ovs_db)
