"""The NVC's file: its logical switches, their bindings, and stations that no VTEP of it reports.

A file looks like this:

    vteps:                     # hardware_vtep databases, by any name
      - {name: east, remote: "tcp:10.1.1.11:6640"}
      - {name: west, remote: "unix:/run/west/db.sock"}
    logical_switches:
      - {name: blue, vni: 33, replication: service_node, service_nodes: [10.2.2.101]}
      - {name: green, vni: 44, replication: source_node}
    bindings:                  # vlan 0, for untagged frames, may be left out
      - {vtep: east, switch: br0, port: p0, logical_switch: blue}
      - {vtep: west, switch: br0, port: p7, vlan: 10, logical_switch: green}
    stations:                  # those that no VTEP reports
      - {logical_switch: blue, mac: "00:11:22:33:44:55", address: 10.2.2.201}
    bfd: {min_rx: 300, min_tx: 300}   # on every tunnel; `enable: false` turns it off
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import yaml

T = TypeVar("T")

SERVICE_NODE = "service_node"
SOURCE_NODE = "source_node"

_NO_MAC = "00:00:00:00:00:00"
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_REMOTE = re.compile(r"unix:.+|tcp:[^:]+:(?P<port>[0-9]{1,5})")


class _Required:
    """Says that there is no default."""


_REQUIRED = _Required()


class BadPlan(ValueError):
    """The file is malformed or contradicts itself; `problems` has a line for each reason."""

    def __init__(self, problems: list[str]) -> None:
        """Keep the problems, and join them for the message."""
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class LogicalSwitch:
    """A logical switch, and how BUM frames are replicated in it."""

    name: str
    vni: int
    replication: str
    service_nodes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Binding:
    """A VLAN of a physical port that belongs to a logical switch; VLAN 0 means untagged."""

    vtep: str
    switch: str
    port: str
    vlan: int
    logical_switch: str


@dataclass(frozen=True)
class Station:
    """A MAC address behind a tunnel endpoint that is no VTEP of ours."""

    logical_switch: str
    mac: str
    address: str


@dataclass(frozen=True)
class Plan:
    """All that the file says. `bfd_params` is None if the NVC is to leave BFD alone."""

    vteps: Mapping[str, str]
    logical_switches: Mapping[str, LogicalSwitch]
    bindings: tuple[Binding, ...]
    stations: tuple[Station, ...]
    bfd_params: Mapping[str, str] | None

    def bound_at(self, vtep: str) -> set[str]:
        """Return the logical switches that are bound somewhere at a VTEP."""
        return {each.logical_switch for each in self.bindings if each.vtep == vtep}


def parse(text: str) -> Plan:
    """Return the plan that the text of a file states. Raises BadPlan with what is wrong in it.

    For each item, that is the first error.
    """
    try:
        content = yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        raise BadPlan([f"this is no YAML: {' '.join(str(error).split())}"]) from None
    problems: list[str] = []
    try:
        top = _Item("the file", content, problems)
    except ValueError as error:
        raise BadPlan([f"the file: {error}"]) from None
    vteps = top.each("vteps", lambda item: (item.take("name", _name), item.take("remote", _remote)))
    switches = top.each("logical_switches", _logical_switch)
    bindings = top.each("bindings", _binding)
    stations = top.each("stations", _station, optional=True)
    bfd_params: Mapping[str, str] | None = None
    with top.collected():
        bfd_params = top.take("bfd", lambda value: _bfd(value, problems), None)
        top.end()
    if not problems:
        problems += _contradictions(vteps, switches, bindings, stations)
    if problems:
        raise BadPlan(problems)
    by_name = {switch.name: switch for switch in switches}
    return Plan(dict(vteps), by_name, tuple(bindings), tuple(stations), bfd_params)


class _Loader(yaml.SafeLoader):
    """Refuses what YAML forbids and PyYAML lets pass: a key that is there twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        mapping = super().construct_mapping(node, deep)
        if len(mapping) < len(node.value):
            problem = "a key is there more than once"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
        return mapping


class _Item:
    """A mapping of the file. Its keys are taken one by one; those left at the end are wrong.

    All methods raise ValueError with what is wrong, except within `collected`.
    """

    def __init__(self, where: str, content: object, problems: list[str]) -> None:
        if not isinstance(content, dict):
            raise ValueError(f"{content!r} is no mapping of keys to values")
        self._where = where
        self._rest = dict(content)
        self._problems = problems

    @contextlib.contextmanager
    def collected(self, where: str = "") -> Iterator[None]:
        """Note what is wrong in the block, and go on after it."""
        try:
            yield
        except ValueError as error:
            self._problems.append(f"{where or self._where}: {error}")

    def take(self, key: str, read: Callable[[Any], T], default: T | _Required = _REQUIRED) -> T:
        """Return what a key holds, read by a function that raises ValueError."""
        if key not in self._rest:
            if isinstance(default, _Required):
                raise ValueError(f"{key} is missing")
            return default
        try:
            return read(self._rest.pop(key))
        except ValueError as error:
            raise ValueError(f"{key}: {error}") from None

    def each(self, key: str, read: Callable[[_Item], T], *, optional: bool = False) -> list[T]:
        """Return what a key's list holds, without those items that something is wrong with."""
        found: list[T] = []
        contents: list[Any] = []
        with self.collected():
            contents = self.take(key, _list, [] if optional else _REQUIRED)
        for index, content in enumerate(contents):
            where = f"{key}[{index}]"
            with self.collected(where):
                item = _Item(where, content, self._problems)
                found.append(read(item))
                item.end()
        return found

    def end(self) -> None:
        """Refuse the keys that were not taken."""
        if self._rest:
            raise ValueError(f"unknown: {', '.join(map(str, self._rest))}")


def _logical_switch(item: _Item) -> LogicalSwitch:
    name, vni = item.take("name", _name), item.take("vni", _vni)
    replication = item.take("replication", _replication, SERVICE_NODE)
    none: tuple[str, ...] = ()
    service_nodes = item.take("service_nodes", _addresses, none)
    if replication == SERVICE_NODE and not service_nodes:
        raise ValueError("service_nodes: replication service_node needs at least one")
    if replication == SOURCE_NODE and service_nodes:
        raise ValueError("service_nodes: replication source_node has no use for them")
    return LogicalSwitch(name, vni, replication, service_nodes)


def _binding(item: _Item) -> Binding:
    return Binding(
        item.take("vtep", _name),
        item.take("switch", _name),
        item.take("port", _name),
        item.take("vlan", _vlan, 0),
        item.take("logical_switch", _name),
    )


def _station(item: _Item) -> Station:
    return Station(
        item.take("logical_switch", _name), item.take("mac", _mac), item.take("address", _address)
    )


def _bfd(content: object, problems: list[str]) -> dict[str, str]:
    item = _Item("bfd", content, problems)
    params = {"enable": str(item.take("enable", _boolean, True)).lower()}
    for key in ("min_rx", "min_tx"):
        interval = item.take(key, _interval, None)
        if interval is not None:
            params[key] = str(interval)
    item.end()
    return params


def _contradictions(
    vteps: list[tuple[str, str]],
    switches: list[LogicalSwitch],
    bindings: list[Binding],
    stations: list[Station],
) -> Iterator[str]:
    """Yield the contradictions between items."""
    places = [(each.vtep, each.switch, each.port, each.vlan) for each in bindings]
    stationed = [(each.logical_switch, each.mac) for each in stations]
    yield from _repeated("vteps", "name", [name for name, _ in vteps])
    yield from _repeated("vteps", "remote", [remote for _, remote in vteps])
    yield from _repeated("logical_switches", "name", [each.name for each in switches])
    yield from _repeated("logical_switches", "vni", [each.vni for each in switches])
    yield from _repeated("bindings", "vtep, switch, port and vlan", places)
    yield from _repeated("stations", "logical_switch and mac", stationed)
    names = {name for name, _ in vteps}
    yield from _unknown("bindings", "vtep", [each.vtep for each in bindings], names)
    names = {each.name for each in switches}
    switch_names = [each.logical_switch for each in bindings]
    yield from _unknown("bindings", "logical_switch", switch_names, names)
    switch_names = [each.logical_switch for each in stations]
    yield from _unknown("stations", "logical_switch", switch_names, names)


def _repeated(where: str, what: str, values: Iterable[object]) -> Iterator[str]:
    first: dict[object, int] = {}
    for index, value in enumerate(values):
        if value in first:
            yield f"{where}[{index}]: the same {what} as {where}[{first[value]}]"
        first.setdefault(value, index)


def _unknown(where: str, what: str, names: Iterable[str], known: set[str]) -> Iterator[str]:
    for index, name in enumerate(names):
        if name not in known:
            there = ", ".join(sorted(known)) or "none"
            yield f"{where}[{index}]: {what}: there is no {name} in this file, only {there}"


# Single values


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{value!r} is no list")
    return value


def _text(value: object) -> str:
    # YAML reads 12:34:56 as a number, no as false, and 2026-01-01 as a date.
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text to YAML; put it in quotes")
    return value


def _name(value: object) -> str:
    if not _text(value):
        raise ValueError("a name has at least one character")
    return _text(value)


def _remote(value: object) -> str:
    matched = _REMOTE.fullmatch(_text(value))
    if not matched or int(matched["port"] or 1) not in range(1, 65536):
        raise ValueError(
            f"{value!r} is not an OVSDB remote such as tcp:10.1.1.11:6640 or unix:PATH"
        )
    return _text(value)


def _mac(value: object) -> str:
    text = _text(value).lower()
    if not _MAC.fullmatch(text) or int(text[:2], 16) & 1 or text == _NO_MAC:
        raise ValueError(f"{value!r} is no MAC address of a station")
    return text


def _address(value: object) -> str:
    try:
        return str(ipaddress.IPv4Address(_text(value)))
    except ipaddress.AddressValueError:
        raise ValueError(f"{value!r} is no IPv4 address") from None


def _addresses(value: object) -> tuple[str, ...]:
    return tuple(map(_address, _list(value)))


def _replication(value: object) -> str:
    if value not in (SERVICE_NODE, SOURCE_NODE):
        raise ValueError(f"{value!r} is neither {SERVICE_NODE} nor {SOURCE_NODE}")
    return str(value)


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is neither true nor false")
    return value


def _vni(value: object) -> int:
    return _integer(value, 1, 2**24 - 1)


def _vlan(value: object) -> int:
    return _integer(value, 0, 4094)


def _interval(value: object) -> int:
    return _integer(value, 1, 2**31 - 1)


def _integer(value: object, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"{value!r} is no integer from {least} to {most}")
    return value
