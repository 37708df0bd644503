"""The OVSDB client of networking-l2gw as a process, and what it heard."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from tests.environments import kept

HERE = Path(__file__).parent

NAME = "vtep1"
"""What the agent calls the database: the first part of an entry in `ovsdb_hosts`."""

Row = dict[str, Any]
"""A row as the agent reports it to Neutron's plugin."""


class Agent:
    """The client in an environment with its package, which is made once."""

    def __init__(self, port: int) -> None:
        """Start it with a database server that listens on a TCP port of this machine."""
        packages = kept("l2gw", Path(sys.executable), "--no-deps", HERE / "l2gw.txt")
        self._process = subprocess.Popen(
            [packages / "bin/python", HERE / "l2gw_agent.py", NAME, "127.0.0.1", str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.log = ""
        self._rows: dict[str, dict[str, Row]] = {}
        self._answers: list[str | None] = []
        self._news = threading.Condition()
        readers = self._read, self._read_log
        self._threads = [threading.Thread(target=each, daemon=True) for each in readers]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for thread in self._threads:
            thread.join()

    def call(self, method: str, *arguments: Any) -> None:
        """Call a method of the package's OVSDBWriter. The database has to accept what it writes."""
        assert self._process.stdin
        with self._news:
            count = len(self._answers) + 1
            self._process.stdin.write(json.dumps([method, arguments]) + "\n")
            self._process.stdin.flush()
            assert self._news.wait_for(lambda: len(self._answers) == count, 60), self.log
            assert self._answers[-1] is None, self._answers[-1]

    def rows(self, kind: str, **values: Any) -> list[Row]:
        """Return the rows of a kind, such as "local_macs", that have these values now."""
        with self._news:
            rows = list(self._rows.get(kind, {}).values())
        return [row for row in rows if values.items() <= row.items()]

    def row(self, kind: str, **values: Any) -> Row:
        """Return the one row of a kind with these values, once the monitor has heard of it."""
        with self._news:
            heard = self._news.wait_for(lambda: len(self.rows(kind, **values)) == 1, 60)
            assert heard, f"{kind} {values}: {self._rows}\n{self.log}"
            return self.rows(kind, **values)[0]

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            ((what, content),) = json.loads(line).items()
            with self._news:
                if what == "answer":
                    self._answers.append(content)
                elif what == "heard":
                    self._take(content)
                self._news.notify_all()

    def _take(self, data: dict[str, Any]) -> None:
        """Take an update: lists of rows under new_, modified_ or deleted_ and their kind."""
        del data["ovsdb_identifier"]
        for name, rows in data.items():
            verb, kind = name.split("_", 1)
            known = self._rows.setdefault(kind, {})
            for row in rows:
                if verb == "deleted":
                    known.pop(row["uuid"], None)
                else:
                    known[row["uuid"]] = row

    def _read_log(self) -> None:
        assert self._process.stderr
        for line in self._process.stderr:
            self.log += line
