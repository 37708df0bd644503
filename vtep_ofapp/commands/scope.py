"""What a command is asked about: the bridges, logical switches and stations that it names."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from ..engine.switch_state import SwitchState
from ..features.logical_switches.rows import LogicalSwitches
from ..features.routers.rows import Routers
from ..values.addresses import Invalid, is_group, parse_ip, parse_ipv4, parse_mac
from ..values.routers import LogicalRouter
from ..values.rows import LogicalSwitch
from .answer import WrongWords
from .command import Running

_MOST_NAMES = 10
"""Names that a message lists."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a command is asked about.

    ``switches`` and ``logical_switches``, by name, are those that its arguments name, or all.
    ``mac`` and ``address`` are None for all. ``more`` has what words of further kinds name, by
    their words in the usage.
    """

    switches: tuple[SwitchState, ...]
    logical_switches: tuple[LogicalSwitch, ...]
    has_bridge: bool = False
    mac: str | None = None
    address: str | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of argument. ``find`` returns what a word names, None if nothing of this kind.

    ``names`` returns the words that there are, None where they are not listed.
    """

    title: str
    find: Callable[[str, Running], Any]
    names: Callable[[Running], Collection[str]] | None = None


_NO_MORE: Mapping[str, Kind] = {}


def scope(
    usage: str, arguments: Sequence[str], running: Running, more: Mapping[str, Kind] = _NO_MORE
) -> Scope:
    """Return what the arguments of a command name, in any order. Raises WrongWords.

    ``usage`` is that of the command: it says which of [BRIDGE], [LS], [MAC] and [ADDRESS] there
    may be, and which kinds of its own, ``more``. A word that is the name of a bridge and of a
    logical switch is first the bridge's.
    """
    kinds = {name: more.get(name) or _KINDS[name] for name in usage.split()}
    found: dict[str, Any] = {}
    for word in arguments:
        meanings = {name: kind.find(word, running) for name, kind in kinds.items()}
        meanings = {name: meaning for name, meaning in meanings.items() if meaning is not None}
        if not meanings:
            raise WrongWords(_unknown(word, list(kinds.values()), running))
        name = next((name for name in meanings if name not in found), None)
        if name is None:
            raise WrongWords(f"{word!r} is one {kinds[next(iter(meanings))].title} too many")
        found[name] = meanings[name]
    bridge, logical_switch = found.get("[BRIDGE]"), found.get("[LS]")
    return Scope(
        (bridge,) if bridge else _switches(running),
        (logical_switch,) if logical_switch else _logical_switches(running),
        bridge is not None,
        found.get("[MAC]"),
        found.get("[ADDRESS]"),
        {name: found[name] for name in more if name in found},
    )


def _unknown(word: str, kinds: Sequence[Kind], running: Running) -> str:
    """Return the line about a word that names nothing."""
    titles = " or ".join(kind.title for kind in kinds)
    there = [
        f"{kind.title}: {listed(kind.names(running))}" for kind in kinds if kind.names is not None
    ]
    return "; ".join([f"there is no {titles} {word!r}", *there])


def listed(names: Collection[str]) -> str:
    """Return names for a message: the first ones, and how many there are beside these."""
    if not names:
        return "none"
    more = len(names) - _MOST_NAMES
    first = ", ".join(islice(names, _MOST_NAMES))
    return f"{first} and {more} more" if more > 0 else first


def _switches(running: Running) -> tuple[SwitchState, ...]:
    drivers = running.components.switches.drivers
    return tuple(drivers[name].switch for name in sorted(drivers))


def _bridge(word: str, running: Running) -> SwitchState | None:
    driver = running.components.switches.drivers.get(word)
    return driver.switch if driver else None


def _logical_switches(running: Running) -> tuple[LogicalSwitch, ...]:
    rows = running.components.model[LogicalSwitches].rows()
    return tuple(sorted(rows, key=lambda row: row.name))


def _logical_switch(word: str, running: Running) -> LogicalSwitch | None:
    rows = running.components.model[LogicalSwitches].rows()
    return next((row for row in rows if row.name == word), None) or next(
        (row for row in rows if str(row.uuid) == word), None
    )


def _mac(word: str, _running: Running) -> str | None:
    try:
        mac = parse_mac(word)
    except Invalid:
        return None
    if is_group(mac):
        raise WrongWords(f"{mac} is a group address; flood/show has those")
    return mac


def _address(word: str, _running: Running) -> str | None:
    try:
        return parse_ipv4(word)
    except Invalid:
        return None


def _ip(word: str, _running: Running) -> str | None:
    try:
        return parse_ip(word)
    except Invalid:
        return None


def _routers(running: Running) -> tuple[LogicalRouter, ...]:
    rows = running.components.model[Routers].all()
    return tuple(sorted(rows, key=lambda row: (row.name, row.uuid)))


def _router(word: str, running: Running) -> LogicalRouter | None:
    rows = _routers(running)
    return next((row for row in rows if word in (row.name, str(row.uuid))), None)


_KINDS: Mapping[str, Kind] = {
    "[BRIDGE]": Kind(
        "bridge", _bridge, lambda running: [state.name for state in _switches(running)]
    ),
    "[LS]": Kind(
        "logical switch",
        _logical_switch,
        lambda running: [row.name for row in _logical_switches(running)],
    ),
    "[MAC]": Kind("MAC address", _mac),
    "[ADDRESS]": Kind("IPv4 address", _address),
}
"""The kinds of arguments by their word in the usage, in the order in which a word is looked up."""

IP_ADDRESS = Kind("IP address", _ip)
ROUTER = Kind("logical router", _router, lambda running: [row.name for row in _routers(running)])
"""Kinds of which some commands have a word of their own."""
