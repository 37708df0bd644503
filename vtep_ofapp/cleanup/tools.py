"""Run Open vSwitch's tools for the cleanup command."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ..process import config

_PATIENCE = 60
"""Seconds until a command times out."""
_LONGEST = 100_000
"""Characters of one transaction: Linux limits an argument to 128 KiB."""

Row: TypeAlias = dict[str, Any]
"""Columns of a row, or an operation, as OVSDB's JSON has them (RFC 7047)."""
EMPTY: tuple[str, list[object]] = ("set", [])
"""An empty set, as OVSDB writes it."""


class Failure(Exception):
    """The command failed; the text says why, in one line."""


def print_line(line: str) -> None:
    """Print a line. If the reader is gone, as with ``| head``, go on without output."""
    try:
        print(line, flush=True)
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


@dataclass(frozen=True)
class Removal:
    """A description of what is removed, and the database operations that remove it."""

    what: str
    operations: Sequence[Row]


@dataclass
class Tools:
    """Runs the tools and prints what they remove. A ``dry_run`` changes nothing."""

    options: config.Options
    dry_run: bool
    removed: int = field(default=0, init=False)
    """The number of removals, done or to be done."""

    def say(self, what: str) -> None:
        """Print that something was removed, or would be."""
        self.removed += 1
        print_line(f"{what} would be removed" if self.dry_run else f"{what}: removed")

    def change_flows(self, socket: str, what: str, lines: Iterable[str]) -> None:
        """Change flows and groups in one bundle; ``lines`` are those of ``ovs-ofctl bundle``."""
        if not self.dry_run:
            self.ask("ovs-ofctl", "-O", "OpenFlow13", "bundle", socket, "-", text="\n".join(lines))
        self.say(what)

    def transact(self, remote: str, database: str, removals: Sequence[Removal]) -> None:
        """Remove rows from a database, in one transaction if it is not too long."""
        for part in _parts(removals):
            if not self.dry_run:
                operations = [each for removal in part for each in removal.operations]
                query = json.dumps([database, *operations])
                results = json.loads(self.ask("ovsdb-client", "transact", remote, query))
                _check(database, results)
            for removal in part:
                self.say(removal.what)

    def select(self, remote: str, database: str, *queries: Row) -> list[list[Row]]:
        """Return the rows of each query (table, columns, where), all in one transaction."""
        operations = [{"op": "select", "where": [], **query} for query in queries]
        query = json.dumps([database, *operations])
        results = json.loads(self.ask("ovsdb-client", "query", remote, query))
        _check(database, results)
        return [result["rows"] for result in results]

    def ask(self, tool: str, *arguments: str, text: str | None = None) -> str:
        """Return the output of a command. Raises Failure if it fails."""
        argv = [tool, *self.tls(tool), *arguments]
        try:
            done = subprocess.run(
                argv, input=text, capture_output=True, text=True, timeout=_PATIENCE, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Failure(f"{tool}: {error}") from None
        if done.returncode:
            raise Failure(f"{' '.join(argv[:4])}: {done.stderr.strip() or done.returncode}")
        return done.stdout

    def tls(self, tool: str) -> list[str]:
        """Return the TLS options of a tool for ssl: remotes."""
        tls = self.options.tls
        if tls is None or tool != "ovsdb-client":
            return []
        files = f"--private-key={tls.key}", f"--certificate={tls.certificate}"
        return [*files, f"--ca-cert={tls.ca}"]


def members(value: Any) -> list[Any]:
    """Return the members of an OVSDB set in JSON; a set of one may be the bare member."""
    if isinstance(value, list) and value[0] == "set":
        return list(value[1])
    return [value]


def pairs(value: Any) -> dict[str, Any]:
    """Return an OVSDB map in JSON as a dict."""
    return dict(value[1])


def where(operation: str, table: str, row: Row, /, **more: Any) -> Row:
    """Return an operation on one row."""
    return {"op": operation, "table": table, "where": [["_uuid", "==", row["_uuid"]]], **more}


def without(table: str, row: Row, column: str, uuids: Sequence[Any]) -> Row:
    """Return the operation that removes references from a column."""
    return where("mutate", table, row, mutations=[[column, "delete", ["set", list(uuids)]]])


def _check(database: str, results: Iterable[Mapping[str, Any] | None]) -> None:
    for result in results:
        if result and "error" in result:
            raise Failure(f"{database}: {result['error']}: {result.get('details', '')}")


def _parts(removals: Sequence[Removal]) -> Iterator[list[Removal]]:
    part: list[Removal] = []
    length = 0
    for removal in removals:
        more = len(json.dumps(removal.operations))
        if part and length + more > _LONGEST:
            yield part
            part, length = [], 0
        part.append(removal)
        length += more
    if part:
        yield part
