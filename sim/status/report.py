"""The report on a lab: all its parts read, one after the other or beside each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from sim.lab.namespaces import CommandFailed
from sim.lab.state import LabState
from sim.status import applications, databases, kernel
from sim.status.databases import HARDWARE_VTEP, OPEN_VSWITCH, HardwareVtep, Tables
from sim.status.kernel import Network
from sim.status.values import (
    FORMAT,
    Database,
    Host,
    Interface,
    Kind,
    Lab,
    Peer,
    Process,
    State,
    Vtep,
)
from sim.waiting import WaitFailed

T = TypeVar("T")

_AT_ONCE = 8
"""How many hosts are read at a time: most of it is waiting for others."""


def report(state: LabState) -> Lab:
    """Return what a lab is like now. What cannot be read is among the problems."""
    return _Reader(state).report()


class _Reader:
    """Reads one lab once."""

    def __init__(self, state: LabState) -> None:
        self._state = state
        self._problems: list[str] = []

    def report(self) -> Lab:
        names = self._state.hosts()
        namespaces = {name: self._state.namespace(name) for name in names}
        running = kernel.processes(namespaces)
        networks = self._each(names, self._network)
        by_namespace = {namespace.name: name for name, namespace in namespaces.items()}
        interfaces = {
            name: tuple(kernel.interfaces(name, networks, by_namespace)) for name in names
        }
        kinds = {name: self._kind(name, interfaces[name]) for name in names}
        of_kind = {kind: [name for name in names if kinds[name] is kind] for kind in Kind}
        nodes = [*of_kind[Kind.VTEP], *of_kind[Kind.PEER]]
        switches = self._each(nodes, lambda name: self._read(name, "Open_vSwitch", OPEN_VSWITCH))
        hosts = tuple(
            Host(
                name,
                kinds[name],
                namespaces[name].name,
                namespaces[name].exists,
                tuple(_on_bridges(interfaces[name], switches.get(name))),
                running[name],
            )
            for name in names
        )
        vteps = self._each(
            of_kind[Kind.VTEP], lambda name: self._vtep(name, switches[name], running[name])
        )
        peers = [self._peer(name, switches[name]) for name in of_kind[Kind.PEER]]
        return Lab(
            FORMAT,
            self._state.name,
            _condition(self._state, any(running.values())),
            str(self._state.folder),
            hosts,
            tuple(kernel.links({host.name: host.interfaces for host in hosts})),
            tuple(vteps.values()),
            tuple(peers),
            tuple(self._problems),
        )

    def _each(self, names: Iterable[str], read: Callable[[str], T]) -> dict[str, T]:
        """Return what a function returns for each of the hosts."""
        names = list(names)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return dict(zip(names, pool.map(read, names), strict=True))

    def _network(self, name: str) -> Network:
        namespace = self._state.namespace(name)
        if not namespace.exists:
            self._problems.append(f"{name}: there is no namespace {namespace.name}")
            return Network()
        try:
            return kernel.read(namespace)
        except CommandFailed as error:
            self._problems.append(f"{name}: {error}")
            return Network()

    def _kind(self, name: str, interfaces: Iterable[Interface]) -> Kind:
        folder, kinds = self._state.folder / name, {each.kind for each in interfaces}
        if folder.is_dir():
            files = {file.stem for file in folder.glob("*.db")}
            if "ovn-nb" in files:
                return Kind.NVC
            # Before it starts, only a VTEP's place on both networks tells it from a peer.
            there = {each.plugged_into.host for each in interfaces if each.plugged_into}
            is_vtep = "vtep" in files or (not files and {"management", "underlay"} <= there)
            return Kind.VTEP if is_vtep else Kind.PEER
        if "vxlan" in kinds:
            return Kind.ENDPOINT
        if "bridge" in kinds:
            return Kind.SEGMENT
        return Kind.NVC if name == "nvc" else Kind.HOST

    def _read(
        self, name: str, database: str, wanted: Mapping[str, tuple[str, ...]]
    ) -> Tables | None:
        try:
            return databases.read(self._socket(name), database, wanted)
        except (OSError, RuntimeError, WaitFailed) as error:
            self._problems.append(f"{name}: {database} cannot be read: {_first_line(error)}")
            return None

    def _vtep(self, name: str, switch: Tables | None, running: tuple[Process, ...]) -> Vtep:
        tables = self._read(name, "hardware_vtep", HARDWARE_VTEP)
        said = applications.ask(self._state.folder / name, running)
        self._problems += [f"{name}: {each}" for each in said.problems]
        rows = HardwareVtep(tables or {table: [] for table in HARDWARE_VTEP})
        return Vtep(
            name,
            (
                self._database(name, "Open_vSwitch", switch),
                self._database(name, "hardware_vtep", tables),
            ),
            tuple(rows.managers()),
            said.applications,
            tuple(rows.switches()),
            tuple(rows.logical_switches()),
            tuple(rows.local_macs(said.places)),
            tuple(rows.remote_macs()),
            tuple(rows.flooding()),
            said.faults,
        )

    def _peer(self, name: str, switch: Tables | None) -> Peer:
        tunnels = databases.in_order(databases.tunnels(switch)) if switch else ()
        return Peer(name, (self._database(name, "Open_vSwitch", switch),), tunnels)

    def _database(self, host: str, name: str, tables: Tables | None) -> Database:
        return Database(name, f"unix:{self._socket(host)}", tables is not None)

    def _socket(self, name: str) -> Path:
        return self._state.folder / name / "db.sock"


def _on_bridges(interfaces: Iterable[Interface], switch: Tables | None) -> Iterable[Interface]:
    """Yield the interfaces with the bridge of Open vSwitch that each is a port of."""
    of = databases.bridges(switch) if switch else {}
    for each in interfaces:
        yield replace(each, bridge=each.bridge or of.get(each.name))


def _condition(state: LabState, has_processes: bool) -> State:
    if state.is_claimed:
        return State.IN_USE
    return State.UP if state.is_ready and has_processes else State.LEFT


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
