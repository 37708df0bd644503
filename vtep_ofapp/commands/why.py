"""``why``: the rows and events that caused the flows, groups and ports of a switch."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import chain

from ..engine.desired import Desired, Key
from ..engine.switch_state import SwitchState
from ..pipeline.layout import producer_of
from ..values.addresses import UNKNOWN_DST, Invalid, is_group, parse_ipv4, parse_mac
from ..values.flows import Flow
from .answer import Answer, Blocks, Content, Lines, WrongWords
from .command import Command, Running
from .owners import are_installed, has, owners_of, why
from .scope import listed, scope
from .subjects import of_group, of_port, of_station, of_tunnel
from .table_names import named

_USAGE = "MAC|PORT|TUNNEL|cookie=HEX [BRIDGE]"
_COOKIE = re.compile(r"cookie=(?:0x)?([0-9a-fA-F]{1,16})")


def _why(arguments: Sequence[str], running: Running) -> Answer:
    what, *bridge = arguments
    switches = scope("[BRIDGE]", bridge, running).switches
    if found := _COOKIE.fullmatch(what):
        return _cookie(int(found[1], 16), switches)
    mac, address = _parsed(parse_mac, what), _parsed(parse_ipv4, what)
    if what == UNKNOWN_DST or (mac is not None and is_group(mac)):
        return _answer(of_group, mac or what, switches, "no logical switch is bound here")
    if mac is not None:
        return _station(mac, switches)
    if address is not None:
        return _answer(of_tunnel, address, switches, f"no row names {address}")
    return _port(what, switches)


def _parsed(parse: Callable[[str], str], word: str) -> str | None:
    try:
        return parse(word)
    except Invalid:
        return None


def _answer(
    owners: Callable[[str, SwitchState], Iterator[Key]],
    what: str,
    switches: Sequence[SwitchState],
    otherwise: str,
) -> Answer:
    """Return an answer of what concerns something; ``otherwise`` is said if there is nothing."""
    found = chain.from_iterable(_blocks(owners(what, switch), switch) for switch in switches)
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


def _station(mac: str, switches: Sequence[SwitchState]) -> Answer:
    flooded = f"{mac} is neither placed nor learned: frames for it are flooded"
    if any(next(of_station(mac, switch), None) for switch in switches):
        return _answer(of_station, mac, switches, flooded)
    answer = _answer(of_group, UNKNOWN_DST, switches, flooded)
    return Answer({**answer.content, "remark": flooded})


def _port(name: str, switches: Sequence[SwitchState]) -> Answer:
    having = [each for each in switches if each.bridge and name in each.bridge.ports]
    if not having and not any(next(of_port(name, switch), None) for switch in switches):
        ports = sorted(set[str]().union(*(each.view.physical_ports() for each in switches)))
        what = "MAC address, port, tunnel address or cookie"
        raise WrongWords(f"there is no {what} {name!r}; port: {listed(ports)}")
    return _answer(of_port, name, switches, f"no VLAN of {name} is bound")


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
