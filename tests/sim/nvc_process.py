"""What the tests of the NVC as a process share: real database servers, and their VTEPs' part."""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from sim.lab.openvswitch import SCHEMA_FILES, environment
from sim.lab.process import CHECKOUT
from sim.waiting import wait_until
from sim.wire.ovsdb import Operation, OvsdbConnection, Update

X, Y = "02:00:00:00:00:01", "02:00:00:00:00:02"
FAR = "10.2.2.201"

Row = dict[str, Any]


class Vtep:
    """The database of a VTEP whose part the test plays: br0 with ports p0 and p1."""

    def __init__(self, name: str, number: int, folder: Path) -> None:
        self.name = name
        self.address = f"10.2.2.{number}"
        self.folder = folder / name
        self.folder.mkdir()
        self.socket = self.folder / "sock"
        self.remote = f"unix:{self.socket}"
        self._server: subprocess.Popen[bytes] | None = None

    def create(self) -> None:
        file = self.folder / "vtep.db"
        file.unlink(missing_ok=True)
        schema = str(SCHEMA_FILES["vtep"])
        subprocess.run(["ovsdb-tool", "create", str(file), schema], check=True)

    def start(self) -> None:
        self._server = subprocess.Popen(
            ["ovsdb-server", f"--remote=p{self.remote}", str(self.folder / "vtep.db")],
            env={**os.environ, **environment(self.folder)},
            stderr=subprocess.DEVNULL,
        )
        wait_until(self._answers, f"the database of {self.name}")

    def stop(self) -> None:
        if self._server is not None:
            self._server.terminate()
            self._server.wait()

    def _answers(self) -> bool:
        try:
            OvsdbConnection(self.socket).close()
        except OSError:
            return False
        return True

    def ctl(self, *commands: str) -> str:
        """Run commands of vtep-ctl, all in one transaction."""
        argv = ["vtep-ctl", f"--db={self.remote}"]
        for command in commands:
            argv += ["--", *command.split()]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout

    def introduce(self) -> None:
        self.ctl(
            "add-ps br0",
            "add-port br0 p0",
            "add-port br0 p1",
            f"set Physical_Switch br0 tunnel_ips={self.address}",
        )

    def select(self, table: str) -> list[Row]:
        return self.select_all(table)[0]

    def select_all(self, *tables: str) -> list[list[Row]]:
        """Return the rows of several tables as they are at one moment."""
        selects = [{"op": "select", "table": table, "where": []} for table in tables]
        return [result["rows"] for result in self.transact(*selects)]

    def transact(self, *operations: Operation) -> list[Row]:
        with OvsdbConnection(self.socket) as connection:
            return connection.transact(*operations)

    def names(self) -> dict[str, str]:
        return {row["_uuid"][1]: row["name"] for row in self.select("Logical_Switch")}

    def stations(self, table: str = "Ucast_Macs_Remote") -> list[tuple[str, str, str]]:
        rows, switches, locators = self.select_all(table, "Logical_Switch", "Physical_Locator")
        name = {row["_uuid"][1]: row["name"] for row in switches}
        address = {row["_uuid"][1]: row["dst_ip"] for row in locators}
        return sorted(
            (name[row["logical_switch"][1]], row["MAC"], address[row["locator"][1]]) for row in rows
        )

    def flooding(self, name: str) -> list[str]:
        if name not in self.names().values():
            return []
        shown = self.ctl(f"list-remote-macs {name}").splitlines()
        return sorted(line.split("/")[1] for line in shown if "unknown-dst ->" in line)

    def bindings(self) -> dict[str, dict[int, str]]:
        ports, switches = self.select_all("Physical_Port", "Logical_Switch")
        name = {row["_uuid"][1]: row["name"] for row in switches}
        return {
            row["name"]: {vlan: name[uuid[1]] for vlan, uuid in row["vlan_bindings"][1]}
            for row in ports
        }

    def claim(self, mac: str, name: str = "blue") -> None:
        self.ctl(f"add-ucast-local {name} {mac} {self.address}")

    def take_back(self, mac: str, name: str = "blue") -> None:
        self.ctl(f"del-ucast-local {name} {mac}")

    @contextlib.contextmanager
    def watched(self, table: str, *columns: str) -> Iterator[Callable[..., list[Row]]]:
        """Yield a function that returns the updates of a table until none comes for a while.

        Or until there is a number of them.
        """
        heard: queue.Queue[Update] = queue.Queue()

        def updates(quiet: float = 0.3, number: int | None = None) -> list[Row]:
            found: list[Row] = []
            with contextlib.suppress(queue.Empty):
                while len(found) != number:
                    found += map(dict, heard.get(timeout=quiet).get(table, {}).values())
            return found

        with OvsdbConnection(
            self.socket, on_update=lambda update, at: heard.put(update)
        ) as connection:
            connection.monitor({table: columns})
            yield updates

    @contextlib.contextmanager
    def transactions(self) -> Iterator[Callable[[], int]]:
        """Yield a function that returns how many transactions have changed something."""
        updates: list[Update] = []
        with OvsdbConnection(
            self.socket, on_update=lambda update, at: updates.append(update)
        ) as connection:
            connection.monitor_all()
            yield lambda: len(updates)


class Nvc:
    """`python -m sim nvc FILE`."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "nvc.yaml"
        self.log = folder / "nvc.log"
        self._process: subprocess.Popen[bytes] | None = None

    def write(self, plan: Row) -> None:
        self.file.write_text(yaml.safe_dump(plan))

    def start(self, plan: Row) -> None:
        self.write(plan)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "sim", "nvc", str(self.file)],
                cwd=CHECKOUT,
                stdout=log,
                stderr=log,
            )

    def end(self, signum: int = signal.SIGTERM) -> int | None:
        if self._process is None:
            return None
        self._process.send_signal(signum)
        return self._process.wait(60)

    @property
    def cpu_seconds(self) -> float:
        assert self._process is not None
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def plan_for(*vteps: Vtep, **changes: object) -> Row:
    return {
        "vteps": [{"name": vtep.name, "remote": vtep.remote} for vtep in vteps],
        "logical_switches": [
            {"name": "blue", "vni": 33, "service_nodes": ["10.2.2.101", "10.2.2.102"]},
            {"name": "green", "vni": 44, "replication": "source_node"},
        ],
        "bindings": [
            {"vtep": vtep.name, "switch": "br0", "port": "p0", "vlan": vlan, "logical_switch": name}
            for vtep in vteps
            for vlan, name in ((0, "blue"), (10, "green"))
        ],
        "stations": [{"logical_switch": "green", "mac": Y, "address": FAR}],
        "bfd": {"min_rx": 300, "min_tx": 300},
        **changes,
    }


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not pytest's own folder: the path of a Unix socket has 107 bytes at most.
    folder = Path(tempfile.mkdtemp(prefix="nvc"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def vteps(folder: Path) -> Iterator[list[Vtep]]:
    """Three VTEPs whose databases run."""
    vteps = [Vtep(name, place, folder) for place, name in enumerate(("east", "west", "north"), 1)]
    for vtep in vteps:
        vtep.create()
        vtep.start()
        vtep.introduce()
    yield vteps
    for vtep in vteps:
        vtep.stop()


@pytest.fixture
def nvc(folder: Path) -> Iterator[Nvc]:
    nvc = Nvc(folder)
    yield nvc
    nvc.end(signal.SIGKILL)


def eventually(condition: Callable[[], object], timeout: float = 60.0) -> None:
    wait_until(condition, "what the NVC is to write", timeout=timeout)
