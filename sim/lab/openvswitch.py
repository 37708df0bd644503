"""Open vSwitch in a namespace: its two daemons, its databases, its tools."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from sim.lab.namespaces import CommandFailed, Namespace, run
from sim.waiting import WaitFailed, wait_until
from sim.wire.ovsdb import Operation, OvsdbConnection, to_python

SCHEMAS = Path("/usr/share/openvswitch")

SCHEMA_FILES = {"ovs": SCHEMAS / "vswitch.ovsschema", "vtep": SCHEMAS / "vtep.ovsschema"}
"""The schema of each database, by the name of its file without the suffix."""

OPENFLOW = "OpenFlow13"


def environment(folder: Path) -> dict[str, str]:
    """Return the variables that make the tools and daemons of Open vSwitch and OVN use `folder`."""
    return {
        f"{program}_{kind}DIR": str(folder)
        for program in ("OVS", "OVN")
        for kind in ("RUN", "DB", "LOG", "SYSCONF")
    }


def tail(log: Path, lines: int = 30) -> str:
    """Return the last lines of a log, or nothing if there is no log."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def _several(value: Any) -> list[Any]:
    """Return a set column as a list: OVSDB writes a set of one as the one."""
    return value if isinstance(value, list) else [value]


class Home(Protocol):
    """Where a daemon runs, and how commands are run there."""

    namespace: Namespace
    folder: Path
    """For its pidfile, its log and its control socket."""

    def do(self, *argv: str) -> str:
        """Run a command that changes something and return its output. Raises CommandFailed."""
        ...


class Daemon:
    """One daemon of Open vSwitch or OVN, run in the background with a pidfile and a log."""

    def __init__(
        self,
        switch: Home,
        name: str,
        arguments: Sequence[str],
        after_start: Callable[[], None] = lambda: None,
    ) -> None:
        """Describe the daemon; `after_start` restores what is in no database."""
        self.switch = switch
        self.name = name
        self.command = [name, "--pidfile", "--detach", "--log-file", *arguments]
        self.log = switch.folder / f"{name}.log"
        self._pidfile = switch.folder / f"{name}.pid"
        self.returned = 0.0
        """When it last began to answer, as time.monotonic() has it."""
        self._after_start = after_start

    @property
    def pid(self) -> int | None:
        """The daemon's process id, or None while it does not run."""
        try:
            pid = int(self._pidfile.read_text())
        except (FileNotFoundError, ValueError):
            return None
        return pid if self.switch.namespace.has(pid) else None

    @property
    def control_socket(self) -> Path:
        """The Unix socket for the commands of ovs-appctl(8). Raises OSError if there is none."""
        return self._pidfile.with_suffix(f".{int(self._pidfile.read_text())}.ctl")

    @property
    def running(self) -> bool:
        """Whether the daemon runs."""
        return self.pid is not None

    def start(self) -> None:
        """Start the daemon; it answers when this returns. Raises CommandFailed."""
        self.switch.do(*self.command)
        self.returned = time.monotonic()
        self._after_start()

    def stop(self) -> None:
        """End the daemon by SIGTERM and wait for that. Raises WaitFailed."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the daemon by SIGKILL and wait until it is gone. Raises WaitFailed."""
        self._end(signal.SIGKILL)

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """Stop it by SIGSTOP for a while: it then reads later what is sent to it. It must run."""
        pid = self.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def restart(self) -> None:
        """Stop the daemon and start it again."""
        self.stop()
        self.start()

    def _end(self, signum: signal.Signals) -> None:
        if (pid := self.pid) is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signum)
        # Its threads may be there for a moment longer, and with them the lock of the pidfile.
        wait_until(
            lambda: not self.running and not _has_threads(pid),
            f"the end of {self.name} (process {pid})",
        )


def _has_threads(pid: int) -> bool:
    """Return whether threads of a process run beside its first one, which may have ended."""
    try:
        return len(os.listdir(f"/proc/{pid}/task")) > 1
    except OSError:
        return False  # the process is gone


class OpenVSwitch:
    """An Open vSwitch of its own in a namespace, with every file of it in one folder."""

    def __init__(
        self, namespace: Namespace, folder: Path, schemas: Sequence[str] = ("ovs",)
    ) -> None:
        """Describe the switch and which of SCHEMA_FILES it has databases of.

        `folder` has a short path: a Unix socket's is 107 bytes at most.
        """
        self.namespace = namespace
        self.folder = folder
        self.bridge = "br0"
        self.ports: list[str] = []
        """Interfaces of the namespace that are ports of the bridge, or are to be."""
        self.env = environment(folder)
        self.db = f"unix:{folder}/db.sock"
        """OVSDB remote of the server, which any namespace can use."""
        self.on_command: Callable[[Sequence[str]], None] = lambda argv: None
        """Called with each command that changes the switch, before it runs."""
        self.databases = {folder / f"{name}.db": SCHEMA_FILES[name] for name in schemas}
        managers = ["--remote=db:hardware_vtep,Global,managers"] if "vtep" in schemas else []
        self.ovsdb_server = Daemon(
            self,
            "ovsdb-server",
            [
                "--remote",
                f"punix:{folder}/db.sock",
                *managers,
                *map(str, self.databases),
            ],
        )
        self.ovs_vswitchd = Daemon(self, "ovs-vswitchd", [self.db], self.restore)

    def create_databases(self) -> None:
        """Create empty databases."""
        for database, schema in self.databases.items():
            self.do("ovsdb-tool", "create", str(database), str(schema))

    def restore(self) -> None:
        """Restore what ovs-vswitchd keeps in no database; here that is nothing."""

    def run(self, argv: Sequence[str], *, check: bool = True, timeout: float = 30.0) -> str:
        """Run a command where the switch is and return its output. Raises CommandFailed."""
        return self.namespace.run(argv, env=self.env, check=check, timeout=timeout)

    def do(self, *argv: str) -> str:
        """Run a command that changes something, announce it to `on_command`, return its output."""
        self.on_command(argv)
        return self.run(argv)

    def ovs_vsctl(self, *arguments: str) -> str:
        """Run ovs-vsctl and return its output without the newline at its end."""
        return self._tool("ovs-vsctl", *arguments).rstrip("\n")

    def vtep_ctl(self, *arguments: str) -> str:
        """Run vtep-ctl and return its output without the newline at its end."""
        return self._tool("vtep-ctl", *arguments).rstrip("\n")

    def ofctl(self, *arguments: str) -> str:
        """Run ovs-ofctl with OpenFlow 1.3 and return its output."""
        return self._tool("ovs-ofctl", "-O", OPENFLOW, *arguments)

    def appctl(self, command: str, *arguments: str) -> str:
        """Return what ovs-vswitchd answers to a command of ovs-appctl(8).

        Raises OSError if it does not run, and RuntimeError if it refuses the command.
        """
        with OvsdbConnection(self.ovs_vswitchd.control_socket) as connection:
            return str(connection.call(command, *arguments))

    def port_rows(self, switch: str) -> list[str]:
        """Return the names in a Physical_Switch's rows of Physical_Port, sorted."""
        switches, ports = self.tables("Physical_Switch", "Physical_Port")
        (of,) = (_several(row["ports"]) for row in switches if row["name"] == switch)
        return sorted(row["name"] for row in ports if row["_uuid"] in of)

    def rows(self, table: str, database: str = "hardware_vtep") -> list[dict[str, Any]]:
        """Return the rows of a table, as `tables` does."""
        return self.tables(table, database=database)[0]

    def tables(self, *names: str, database: str = "hardware_vtep") -> list[list[dict[str, Any]]]:
        """Return the rows of several tables as they are at one moment.

        Sets are lists (one of a single element is that element), maps are dicts, references are
        strings.
        """
        selects = [{"op": "select", "table": name, "where": []} for name in names]
        return [
            [{column: to_python(value) for column, value in row.items()} for row in each["rows"]]
            for each in self.transact(*selects, database=database)
        ]

    def transact(self, *operations: Operation, database: str = "hardware_vtep") -> list[Any]:
        """Carry out operations of RFC 7047 in one transaction and return their results.

        Raises OSError if the server does not run, and RuntimeError if it refuses.
        """
        with OvsdbConnection(self.socket(database), database) as connection:
            return connection.transact(*operations)

    def socket(self, database: str) -> str:
        """Return the Unix socket of the server that has a database."""
        return self.db.removeprefix("unix:")

    def evidence(self) -> str:
        """Return flows, groups, rows and the ends of the logs, as far as they can be read."""
        parts = [self._ask("ovs-vsctl", "show")]
        for bridge in self._ask("ovs-vsctl", "list-br").split():
            for what in ("dump-flows", "dump-groups"):
                parts.append(f"--- {bridge} {what}")
                parts.append(self._ask("ovs-ofctl", "-O", OPENFLOW, what, bridge))
        parts += ["--- datapath flows", self._ask("ovs-appctl", "dpctl/dump-flows")]
        if self.folder / "vtep.db" in self.databases:
            rows = self._ask("ovsdb-client", "dump", self.db, "hardware_vtep")
            parts += ["--- hardware_vtep", rows]
        for daemon in (self.ovsdb_server, self.ovs_vswitchd):
            parts += [f"--- {daemon.log.name}", tail(daemon.log)]
        return "\n".join(parts)

    def stop(self) -> None:
        """Kill both daemons: nothing of theirs is kept. Raises WaitFailed."""
        self.ovs_vswitchd.kill()
        self.ovsdb_server.kill()

    def _tool(self, *argv: str) -> str:
        """Run a tool that reaches the switch by a Unix socket, so that it may run anywhere."""
        return run(argv, env=self.env)

    def _ask(self, *argv: str) -> str:
        """Return a command's output or why there is none: evidence must not fail itself."""
        try:
            return self.run(argv, timeout=5)
        except (CommandFailed, subprocess.TimeoutExpired, WaitFailed) as error:
            return str(error)
