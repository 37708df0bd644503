"""The programs of these tests: our web server, Prometheus, and what asks them."""

from __future__ import annotations

import http.client
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from sim.lab.process import CHECKOUT, Process
from sim.waiting import wait_until
from tests.ports import held_port
from tests.switch.dummy import PATIENCE, Here

RULES = CHECKOUT / "etc" / "prometheus" / "vtep_ofapp.rules.yml"


class Answer(NamedTuple):
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    text: str


def get(port: int, path: str, method: str = "GET", **headers: str) -> Answer:
    """Send a request to a server on this host. Raises OSError."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), response.read().decode())
    finally:
        connection.close()


class Server(Process):
    """A server on a port of this host."""

    def __init__(self, folder: Path) -> None:
        super().__init__(Here(), folder)
        self.folder = folder
        self.port = held_port()

    def begin(self) -> None:
        """Start it, and return when it listens."""
        self.start()
        wait_until(
            lambda: not self.running or self._namespace.listens(self.port),
            f"{self.NAME} listening",
            timeout=PATIENCE,
        )
        assert self.running, self.log_text


class Web(Server):
    """vtep-ofapp-web, which asks the application whose pidfile is in the folder."""

    NAME = "vtep-ofapp-web"

    def __init__(self, folder: Path, target: str = "vtep_ofapp") -> None:
        super().__init__(folder)
        self._target = target

    def command(self) -> list[str]:
        listen = f"127.0.0.1:{self.port}"
        words = ["--listen", listen, "--target", self._target]
        return [sys.executable, "-m", "vtep_ofapp.web", *words]

    def environment(self) -> Mapping[str, str]:
        return {"OVS_RUNDIR": str(self.folder), "PYTHONPATH": str(CHECKOUT)}

    def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """Return its answer."""
        return get(self.port, path, method, **headers)

    def json(self, path: str) -> Any:
        """Return its answer as Python has it."""
        return json.loads(self.get(path).text)


class Prometheus(Server):
    """Debian's Prometheus, which scrapes our server each second and evaluates our rules."""

    NAME = "prometheus"

    def __init__(self, folder: Path, scraped: int) -> None:
        super().__init__(folder)
        self.config = folder / "prometheus.yml"
        self.config.write_text(
            "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
            f"rule_files: ['{RULES}']\n"
            "scrape_configs:\n"
            "  - job_name: vtep\n"
            f"    static_configs: [{{targets: ['127.0.0.1:{scraped}']}}]\n"
        )

    def command(self) -> list[str]:
        return [
            "prometheus",
            f"--config.file={self.config}",
            f"--storage.tsdb.path={self.folder}/tsdb",
            f"--web.listen-address=127.0.0.1:{self.port}",
        ]

    def begin(self) -> None:
        """Start it, and return when it answers: it listens before."""
        super().begin()
        wait_until(
            lambda: get(self.port, "/-/ready").status == 200,
            "Prometheus to be ready",
            timeout=PATIENCE,
            evidence=lambda: self.log_text,
        )

    def api(self, path: str, **words: str) -> Any:
        """Return the data of its answer."""
        answer = json.loads(get(self.port, f"/api/v1/{path}?{urlencode(words)}").text)
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, expression: str) -> list[float]:
        """Return the values of an expression now, without those that are no number."""
        found = self.api("query", query=expression)["result"]
        values = [float(each["value"][1]) for each in found]
        return [each for each in values if each == each]
