"""Reads a plan: a YAML file, item by item, with one line for each item that is wrong.

`load` returns the whole file as an `Item`. The functions for single values raise ValueError with
what is wrong.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
from collections.abc import Callable, Hashable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import yaml

from sim.command import Refused

T = TypeVar("T")

_FILE = "the file"
"""Where the keys of the whole file are."""

_NO_MAC = "00:00:00:00:00:00"
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")


class _Required:
    """Says that there is no default."""


_REQUIRED = _Required()


class BadPlan(ValueError):
    """The file is malformed or contradicts itself; `problems` has a line for each reason."""

    def __init__(self, problems: list[str]) -> None:
        """Keep the problems, and join them for the message."""
        super().__init__("\n".join(problems))
        self.problems = problems


def read_file(path: Path, parse: Callable[[str], T]) -> T:
    """Return what `parse` makes of the text of a file. Raises Refused with a line per problem."""
    try:
        return parse(path.read_text())
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Refused(f"{path}: this is no text in UTF-8") from None
    except BadPlan as error:
        raise Refused("\n".join(f"{path}: {each}" for each in error.problems)) from None


def load(text: str, problems: list[str]) -> Item:
    """Return the mapping that a text in YAML has, whose items add to the problems.

    Raises BadPlan if it is no YAML, or no mapping.
    """
    try:
        content = yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        raise BadPlan([f"this is no YAML: {' '.join(str(error).split())}"]) from None
    if content is None:
        raise BadPlan([f"{_FILE} is empty"])
    try:
        return Item(_FILE, content, problems)
    except ValueError as error:
        raise BadPlan([f"{_FILE}: {error}"]) from None


class _Loader(yaml.SafeLoader):
    """Refuses what YAML forbids and PyYAML lets pass: a key that is there twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        mapping = super().construct_mapping(node, deep)
        if len(mapping) < len(node.value):
            problem = "a key is there more than once"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
        return mapping


class Item:
    """A mapping of the file. Its keys are taken one by one; those left at the end are wrong.

    All methods raise ValueError with what is wrong, except within `collected`.
    """

    def __init__(self, where: str, content: object, problems: list[str]) -> None:
        """Begin with all keys of `content`; `where` says in a problem which item has it."""
        if not isinstance(content, dict):
            raise ValueError(f"{content!r} is no mapping of keys to values")
        self._where = where
        self.content = dict(content)
        """All keys, those that were taken as well."""
        self._rest = dict(content)
        self._known: list[str] = []
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
        self._known.append(key)
        if key not in self._rest:
            if isinstance(default, _Required):
                raise ValueError(f"{key} is missing")
            return default
        value = self._rest.pop(key)
        if value is None:
            raise ValueError(f"{key} has no value")
        try:
            return read(value)
        except ValueError as error:
            raise ValueError(f"{key}: {error}") from None

    def each(self, key: str, read: Callable[[Item], T], *, optional: bool = False) -> list[T]:
        """Return what a key's list holds, without those items that something is wrong with."""
        found: list[T] = []
        contents: list[Any] = []
        with self.collected():
            contents = self.take(key, listed, [] if optional else _REQUIRED)
        for index, content in enumerate(contents):
            where = f"{'' if self._where == _FILE else self._where + '.'}{key}[{index}]"
            with self.collected(where):
                item = Item(where, content, self._problems)
                found.append(read(item))
                item.end()
        return found

    def end(self) -> None:
        """Refuse the keys that were not taken."""
        if self._rest:
            known = ", ".join(self._known)
            raise ValueError(f"unknown: {', '.join(map(str, self._rest))}; there are {known}")


# Contradictions between items


def repeated(where: str, what: str, values: Iterable[object]) -> Iterator[str]:
    """Yield a line for each value of a list's items that an earlier item has, too."""
    first: dict[object, int] = {}
    for index, value in enumerate(values):
        if value in first:
            yield f"{where}[{index}]: the same {what} as {where}[{first[value]}]"
        first.setdefault(value, index)


def unknown(where: str, what: str, names: Iterable[str], known: set[str]) -> Iterator[str]:
    """Yield a line for each name in a list's items that is not known."""
    for index, name in enumerate(names):
        if name not in known:
            there = ", ".join(sorted(known)) or "none"
            yield f"{where}[{index}]: {what}: there is no {name} in this file, only {there}"


# Single values


def listed(value: object) -> list[Any]:
    """Return a list."""
    if not isinstance(value, list):
        raise ValueError(f"{value!r} is no list")
    return value


def text(value: object) -> str:
    """Return a text."""
    # YAML reads 12:34:56 as a number, no as false, and 2026-01-01 as a date.
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text to YAML; put it in quotes")
    return value


def name(value: object) -> str:
    """Return a name."""
    if not text(value):
        raise ValueError("a name has at least one character")
    return text(value)


def mac(value: object) -> str:
    """Return the MAC address of a station in lower case."""
    lower = text(value).lower()
    if not _MAC.fullmatch(lower) or int(lower[:2], 16) & 1 or lower == _NO_MAC:
        raise ValueError(f"{value!r} is no MAC address of a station")
    return lower


def any_mac(value: object) -> str:
    """Return a MAC address in lower case, of a station or of a group."""
    lower = text(value).lower()
    if not _MAC.fullmatch(lower):
        raise ValueError(f"{value!r} is no MAC address")
    return lower


def address(value: object) -> str:
    """Return an IPv4 address."""
    try:
        return str(ipaddress.IPv4Address(text(value)))
    except ipaddress.AddressValueError:
        raise ValueError(f"{value!r} is no IPv4 address") from None


def addresses(value: object) -> tuple[str, ...]:
    """Return a list of IPv4 addresses."""
    return tuple(map(address, listed(value)))


def ip(value: object) -> str:
    """Return an address of IPv4 or IPv6."""
    try:
        return str(ipaddress.ip_address(text(value)))
    except ValueError:
        raise ValueError(f"{value!r} is no address of IPv4 or IPv6") from None


def ips(value: object) -> tuple[str, ...]:
    """Return one address of IPv4 or IPv6, or a list of them that differ."""
    found = tuple(map(ip, value)) if isinstance(value, list) else (ip(value),)
    if len(set(found)) < len(found):
        raise ValueError(f"{value!r} has an address twice")
    return found


def boolean(value: object) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is neither true nor false")
    return value


def vni(value: object) -> int:
    """Return a VNI."""
    return integer(value, 1, 2**24 - 1)


def vlan(value: object) -> int:
    """Return a VLAN, 0 for untagged frames."""
    return integer(value, 0, 4094)


def integer(value: object, least: int, most: int) -> int:
    """Return an integer within these bounds."""
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"{value!r} is no integer from {least} to {most}")
    return value
