"""``why``: the rows and events that caused the flows, groups and ports of a switch."""

import re
from collections.abc import Callable, Iterator, Sequence
from ipaddress import ip_address
from itertools import chain
from typing import NamedTuple

from ..engine.desired import Desired, Key
from ..engine.feature_tables import FeatureTables
from ..engine.operator_view import ADDRESS, GROUP, PORT, STATION
from ..engine.switch_state import SwitchState
from ..pipeline.layout import producer_of
from ..values.addresses import UNKNOWN_DST, is_group, parse_mac
from ..values.flows import Flow
from .answer import Answer, Blocks, Content, Lines, WrongWords
from .command import Command, Running
from .owners import are_installed, has, owners_of, why
from .scope import listed, scope
from .subjects import concerned, kinds
from .table_names import named

_USAGE = "MAC|IP|PORT|KIND=NAME|cookie=HEX [BRIDGE]"
_COOKIE = re.compile(r"cookie=(?:0x)?([0-9a-fA-F]{1,16})")


def _why(arguments: Sequence[str], running: Running) -> Answer:
    what, *bridge = arguments
    switches = scope("[BRIDGE]", bridge, running).switches
    if found := _COOKIE.fullmatch(what):
        return _cookie(int(found[1], 16), switches)
    tables = running.components.model.feature_tables
    kind, _, name = what.partition("=")
    if name and kind in kinds(tables):
        return _answer(_Subject(kind, name, tables), switches, f"there is no {kind} {name!r} here")
    mac, address = _parsed(parse_mac, what), _parsed(_parse_ip, what)
    if what == UNKNOWN_DST or (mac is not None and is_group(mac)):
        group = _Subject(GROUP, mac or what, tables)
        return _answer(group, switches, "no logical switch is bound here")
    if mac is not None:
        return _station(mac, switches, tables)
    if address is not None:
        unknown = f"no row names {address}"
        if ip_address(address).is_multicast:
            unknown = f"no host here joined {address}: frames for it are flooded"
        return _answer(_Subject(ADDRESS, address, tables), switches, unknown)
    return _port(what, switches, tables)


class _Subject(NamedTuple):
    """What is asked about."""

    kind: str
    name: str
    tables: FeatureTables

    def owners(self, switch: SwitchState) -> Iterator[Key]:
        return concerned(self.kind, self.name, switch, self.tables)


def _parse_ip(word: str) -> str:
    """Return an IPv4 or IPv6 address in its usual form; raises ValueError."""
    return str(ip_address(word))


def _parsed(parse: Callable[[str], str], word: str) -> str | None:
    try:
        return parse(word)
    except ValueError:
        return None


def _answer(subject: _Subject, switches: Sequence[SwitchState], otherwise: str) -> Answer:
    """Return an answer of what concerns something; ``otherwise`` is said if there is nothing."""
    found = chain.from_iterable(_blocks(subject.owners(each), each) for each in switches)
    first = next(found, None)
    if first is None:
        return Answer({"remark": otherwise, "why": Blocks([])})
    return Answer({"remark": None, "why": Blocks(chain([first], found))})


def _blocks(owners: Iterator[Key], switch: SwitchState) -> Iterator[Content]:
    """Yield what each owner has, and why; owners without a reason for anything are left out."""
    for owner in owners:
        content = has(owner, switch)
        if content["because"]:
            yield content


def _station(mac: str, switches: Sequence[SwitchState], tables: FeatureTables) -> Answer:
    flooded = f"{mac} is neither placed nor learned: frames for it are flooded"
    station = _Subject(STATION, mac, tables)
    if any(next(station.owners(switch), None) for switch in switches):
        return _answer(station, switches, flooded)
    answer = _answer(_Subject(GROUP, UNKNOWN_DST, tables), switches, flooded)
    return Answer({**answer.content, "remark": flooded})


def _port(name: str, switches: Sequence[SwitchState], tables: FeatureTables) -> Answer:
    port = _Subject(PORT, name, tables)
    having = [each for each in switches if each.bridge and name in each.bridge.ports]
    if not having and not any(next(port.owners(switch), None) for switch in switches):
        ports = sorted(set[str]().union(*(each.view.physical_ports() for each in switches)))
        there = f"port: {listed(ports)}; kind: {listed(sorted(kinds(tables)))}"
        what = "MAC address, IP address, port, kind or cookie"
        raise WrongWords(f"there is no {what} {name!r}; {there}")
    return _answer(port, switches, f"no VLAN of {name} is bound")


# Cookies


def _cookie(cookie: int, switches: Sequence[SwitchState]) -> Answer:
    producer = producer_of(cookie)
    if producer is None:
        raise WrongWords(f"cookie {cookie:#x} is not ours")
    found = chain.from_iterable(_with_cookie(cookie, switch) for switch in switches)
    return Answer({"producer": producer.name, "why": Blocks(found)})


def _with_cookie(cookie: int, switch: SwitchState) -> Iterator[Content | None]:
    """Yield the flows with a cookie by their owners, then those that nobody desires."""
    for found in owners_of(lambda flow: flow.cookie == cookie, switch):
        if found is None:
            yield None
        else:
            owner, flows = found
            yield {**why(owner, switch), **_shown(flows, switch)}
    strays = [
        each.have
        for each in switch.flows.differences()
        if each.want is None and each.have and each.have.cookie == cookie
    ]
    if strays:
        yield {"because": "no owner: to be removed", "rows": [], **_shown(strays, switch)}


def _shown(flows: Sequence[Flow], switch: SwitchState) -> Content:
    return {
        "bridge": switch.name,
        "is_installed": are_installed(Desired(tuple(flows)), switch),
        "flows": Lines(list(map(named, flows))),
    }


COMMANDS = (
    Command(
        "why",
        _USAGE,
        "Print the rows and events that caused the flows, groups and tunnel ports of something.",
        _why,
    ),
)
