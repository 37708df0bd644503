"""What the applications of a VTEP answer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.status.databases import PATIENCE
from sim.status.values import Application, Fault, Process
from sim.waiting import WaitFailed
from sim.wire.ovsdb import OvsdbConnection

_OPEN_VSWITCH = ("ovsdb-server", "ovs-vswitchd")


@dataclass(frozen=True)
class Answers:
    """What the applications of one VTEP say together."""

    applications: tuple[Application, ...]
    places: Mapping[tuple[str, str], tuple[str, int]]
    """By logical switch and MAC: the port and VLAN where it was learned."""
    faults: tuple[Fault, ...]
    problems: tuple[str, ...]


def ask(folder: Path, running: tuple[Process, ...]) -> Answers:
    """Return the answers of the processes whose pidfiles are in a VTEP's folder."""
    applications: list[Application] = []
    places: dict[tuple[str, str], tuple[str, int]] = {}
    faults: dict[Fault, None] = {}
    problems: list[str] = []
    for name, pid, socket in _pidfiles(folder):
        if pid not in {each.pid for each in running}:
            problems.append(f"{name} has ended (it was process {pid})")
            continue
        try:
            with OvsdbConnection(socket, patience=PATIENCE) as connection:
                if "mac/show" not in connection.call("list-commands"):
                    continue  # another daemon, such as ovn-controller-vtep
                status = _command(connection, "status")
                learned = _command(connection, "mac/show")["learned"]
                standing = _command(connection, "fault/show")["faults"]
        except (OSError, RuntimeError, ValueError, KeyError, WaitFailed) as error:
            problems.append(f"{name} (process {pid}) does not answer: {error}")
            continue
        applications.append(
            Application(name, pid, str(socket), status["status"], status["is_ready"])
        )
        for each in learned:
            places[each["logical_switch"], each["mac"]] = each["port"], each["vlan"]
        for each in standing:
            word = each["shown_to_nvc"]["word"] if each["shown_to_nvc"] else None
            faults[Fault(each["fault"], word, each["is_information"])] = None
    return Answers(tuple(applications), places, tuple(faults), tuple(problems))


def _pidfiles(folder: Path) -> Iterator[tuple[str, int, Path]]:
    """Yield the name, the process id and the control socket of each application."""
    for file in sorted(folder.glob("*.pid")):
        if file.stem not in _OPEN_VSWITCH and (text := file.read_text().strip()).isdigit():
            yield file.stem, int(text), file.with_suffix(f".{text}.ctl")


def _command(connection: OvsdbConnection, command: str) -> Any:
    """Return the answer to a command, read from JSON."""
    return json.loads(connection.call(command, "--json"))
