"""OVN's central part: the Northbound and the Southbound database, and ovn-northd."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sim.lab.namespaces import Namespace, run
from sim.lab.openvswitch import Daemon, environment, tail
from sim.wire.ovsdb import Operation, OvsdbConnection, to_python

SCHEMAS = Path("/usr/share/ovn")
SOUTHBOUND_PORT = 6642
"""The TCP port at which hypervisors and VTEPs find the Southbound database."""


class Central:
    """Both databases in one server, and ovn-northd, which translates one into the other."""

    def __init__(self, namespace: Namespace, folder: Path, ip: str) -> None:
        """Describe it; `ip` is where the Southbound database is reached from other namespaces."""
        self.namespace = namespace
        self.folder = folder
        self.env = environment(folder)
        self.southbound = f"tcp:{ip}:{SOUTHBOUND_PORT}"
        """The OVSDB remote of the Southbound database."""
        self.ovsdb_server = Daemon(
            self,
            "ovsdb-server",
            [
                # Where OVN's own tools and daemons look for them.
                f"--remote=punix:{folder}/ovnnb_db.sock",
                f"--remote=punix:{folder}/ovnsb_db.sock",
                "--remote=db:OVN_Southbound,SB_Global,connections",
                f"{folder}/ovn-nb.db",
                f"{folder}/ovn-sb.db",
            ],
        )
        self.northd = Daemon(self, "ovn-northd", [])

    def start(self) -> None:
        """Create empty databases and start both daemons. Raises CommandFailed."""
        for name in ("ovn-nb", "ovn-sb"):
            schema = SCHEMAS / f"{name}.ovsschema"
            self.do("ovsdb-tool", "create", f"{self.folder}/{name}.db", str(schema))
        self.ovsdb_server.start()
        self.nbctl("init")
        self.sbctl("init")
        self.sbctl("set-connection", f"ptcp:{SOUTHBOUND_PORT}")
        self.northd.start()

    def do(self, *argv: str) -> str:
        """Run a command where the databases are and return its output. Raises CommandFailed."""
        return self.namespace.run(argv, env=self.env)

    def nbctl(self, *arguments: str) -> str:
        """Run ovn-nbctl and return its output without the newline at its end."""
        return run(["ovn-nbctl", *arguments], env=self.env).rstrip("\n")

    def sbctl(self, *arguments: str) -> str:
        """Run ovn-sbctl and return its output without the newline at its end."""
        return run(["ovn-sbctl", *arguments], env=self.env).rstrip("\n")

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return the rows of a table of the Southbound database; see `OpenVSwitch.tables`."""
        select: Operation = {"op": "select", "table": table, "where": []}
        with OvsdbConnection(f"{self.folder}/ovnsb_db.sock", "OVN_Southbound") as connection:
            [found] = connection.transact(select)
        return [{name: to_python(value) for name, value in row.items()} for row in found["rows"]]

    def evidence(self) -> str:
        """Return what both databases have, and the ends of the logs, as far as can be read."""
        parts = []
        for argv in (["ovn-nbctl", "show"], ["ovn-sbctl", "show"], ["ovn-sbctl", "list", "FDB"]):
            parts += [f"--- {' '.join(argv)}", self._ask(argv)]
        for daemon in (self.ovsdb_server, self.northd):
            parts += [f"--- {daemon.log.name}", tail(daemon.log)]
        return "\n".join(parts)

    def stop(self) -> None:
        """Kill both daemons. Raises WaitFailed."""
        self.northd.kill()
        self.ovsdb_server.kill()

    def _ask(self, argv: Sequence[str]) -> str:
        return run([argv[0], "--timeout=5", *argv[1:]], env=self.env, check=False)
