"""Who looks at the application while it is measured: an operator who asks, metrics, a record."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from sim.lab.app import App
from sim.lab.guide import Lab
from sim.lab.process import Process
from sim.waiting import wait_until

_METRICS_PORT = 9475
_INTERVAL = 1.0
_NO_LOG = Path("/dev/null")
_ASKING = (
    "while :; do ovs-appctl -t {target} mac/show; ovs-appctl -t {target} mac/show --json; done"
)


class Web(Process):
    """`vtep-ofapp-web`, which asks the application at each scrape."""

    NAME = "vtep-ofapp-web"

    def __init__(self, app: App) -> None:
        """Describe the process for an application."""
        super().__init__(app.vtep.namespace, app.vtep.folder)
        self._app = app

    def command(self) -> list[str]:
        """Return the command line."""
        module = [sys.executable, "-m", "vtep_ofapp.web"]
        return [*module, "--listen", f"127.0.0.1:{_METRICS_PORT}"]

    def environment(self) -> dict[str, str]:
        """Return the variables of the application."""
        return self._app.environment()


def application(lab: Lab) -> App:
    """Return the application of a lab that has no emulator in its place."""
    assert isinstance(lab.app, App)
    return lab.app


@contextmanager
def asked(lab: Lab) -> Iterator[None]:
    """Let an operator ask for all MACs, as text and as JSON, again and again."""
    script = _ASKING.format(target=lab.app.NAME)
    asking = lab.vtep.namespace.spawn(["sh", "-c", script], _NO_LOG, env=lab.vtep.env)
    try:
        yield
    finally:
        asking.kill()
        asking.wait()


@contextmanager
def scraped(lab: Lab) -> Iterator[None]:
    """Let something scrape the metrics of the application each second."""
    web, stopping = Web(application(lab)), threading.Event()

    def scrape() -> None:
        with urlopen(f"http://127.0.0.1:{_METRICS_PORT}/metrics", timeout=10) as answer:
            assert b"vtep_ofapp" in answer.read()

    def scrape_each_second() -> None:
        while not stopping.wait(_INTERVAL):
            lab.vtep.namespace.call(scrape)

    scraping = threading.Thread(target=scrape_each_second, name="scraping")
    web.start()
    try:
        wait_until(lambda: lab.vtep.namespace.listens(_METRICS_PORT), "metrics", timeout=30.0)
        scraping.start()
        yield
    finally:
        stopping.set()
        if scraping.ident is not None:
            scraping.join()
        web.stop()
