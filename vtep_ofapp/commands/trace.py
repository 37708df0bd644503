"""``trace``: the way of a frame through our tables, by ofproto/trace of ovs-vswitchd."""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..engine.desired import Key
from ..engine.feature_tables import FeatureTables
from ..engine.operator_view import Passage
from ..engine.switch_state import SwitchState
from ..features.tunnels.ports import Tunnels
from ..process.unixctl_client import CommandFailed, NoAnswer, ask, run_directory, socket_of
from ..values.addresses import Invalid, parse_ipv4, parse_mac, parse_vlan, parse_vni
from ..values.flows import FlowKey
from ..values.rows import ANYONE, Bridge
from .answer import Answer, Blocks, Content, Lines, WrongWords
from .command import Command, Running
from .match_text import checked, usual_ttl
from .owners import owners_of, why
from .scope import listed, scope
from .table_names import named
from .trace_text import Step, is_remark, parse
from .trace_verdict import Frame, Told, verdict

_USAGE = "BRIDGE PORT|tunnel=ADDRESS [vlan=N|vni=N] SRC DST [FIELD]..."
_VSWITCHD = "ovs-vswitchd"
_PATIENCE = 10.0
"""Seconds for which ovs-vswitchd may take to answer."""
_PREREQUISITES = re.compile(r"prerequisites not met for setting (\w+)")
_NUMBER = re.compile(r"[0-9]{1,10}")


@dataclass(frozen=True, slots=True)
class _Asked:
    """A frame, and its description for ofproto/trace."""

    frame: Frame
    flow: str


def _trace(arguments: Sequence[str], running: Running) -> Answer:
    (switch,) = scope("[BRIDGE]", arguments[:1], running).switches
    bridge = switch.bridge
    if bridge is None:
        raise WrongWords(f"{switch.name} is no bridge at the moment")
    try:
        asked = _asked(arguments[1:], switch, bridge)
    except Invalid as error:
        raise WrongWords(str(error)) from None
    try:
        path = _control_socket(bridge, running)
        text = ask(path, "ofproto/trace", [bridge.name, asked.flow], _PATIENCE)
    except NoAnswer as error:
        return Answer({"error": f"trace needs {_VSWITCHD} of {bridge.name}: {error}"}, failed=True)
    except CommandFailed as error:
        raise WrongWords(_refusal(str(error).strip())) from None
    events = parse(text, bridge.name)
    steps = [event.step for event in events if not event.action]
    steps = [step for step in steps if step.bridge == switch.name]
    owners = _owners(steps, switch, running)
    told = _telling(owners, switch, running.components.model.feature_tables)
    return Answer(
        {
            "steps": Blocks([_step(step, owners, switch) for step in steps]),
            "verdict": Lines([verdict(events, asked.frame, switch.view, told)]),
        }
    )


# The frame


def _asked(words: Sequence[str], switch: SwitchState, bridge: Bridge) -> _Asked:
    """Return the frame that the words describe. Raises Invalid and WrongWords."""
    where, *rest = words
    # An IPv4 address in the place of a MAC address is not taken for an option.
    options, ends = ([], rest) if ":" in rest[0] or "." in rest[0] else (rest[:1], rest[1:])
    if len(ends) < 2:
        raise WrongWords(f"usage: trace {_USAGE}")
    source, destination = map(parse_mac, ends[:2])
    packet = ",".join(
        [f"dl_src={source}", f"dl_dst={destination}", *checked(ends[2:]), *usual_ttl(ends[2:])]
    )
    option, _, number = (options or [""])[0].partition("=")
    if where.startswith("tunnel="):
        sender = parse_ipv4(where.removeprefix("tunnel="))
        if option != "vni":
            raise WrongWords("a frame from a tunnel has vni=N")
        vni = parse_vni(_number(number)) or 0
        port = _receiving(sender, switch)
        tunnel = f"tun_id={vni},tun_src={sender},tun_dst={switch.view.tunnel_ip}"
        frame = Frame(source, destination, sender=sender, vni=vni)
        return _Asked(frame, f"in_port={port},{tunnel},{packet}")
    if options and option != "vlan":
        raise WrongWords(f"a frame at a port may have vlan=N, and not {options[0]!r}")
    vlan = parse_vlan(_number(number)) if options else None
    tag = "" if vlan is None else f"dl_vlan={vlan},"
    frame = Frame(source, destination, where, vlan)
    return _Asked(frame, f"in_port={_ofport(where, bridge)},{tag}{packet}")


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise Invalid(f"{text!r} is no number")
    return int(text)


def _ofport(name: str, bridge: Bridge) -> int:
    port = bridge.ports.get(name)
    if port is None:
        there = sorted(each.name for each in bridge.ports.values() if not each.is_ours)
        raise WrongWords(f"there is no port {name!r} on {bridge.name}; port: {listed(there)}")
    if port.number is None:
        raise WrongWords(f"{name} has no OpenFlow port number: {port.error or 'not yet'}")
    return port.members[0] if port.members else port.number


def _receiving(sender: str, switch: SwitchState) -> int:
    """Return the number of the port that receives the frames of a remote VTEP."""
    tunnels = switch.view[Tunnels]
    numbers = [*tunnels.numbers(sender), *tunnels.numbers(ANYONE)]
    if not numbers:
        raise WrongWords(f"{switch.name} has no port that receives frames from {sender}")
    return numbers[0]


# The other daemon


def _control_socket(bridge: Bridge, running: Running) -> str:
    """Return the control socket of the ovs-vswitchd of a bridge. Raises NoAnswer.

    It is in the folder of its database's socket, or in that of all sockets.
    """
    _, _, remote = bridge.database.partition(" of ")
    remote = remote or running.options.get("[vtep] ovs_db", "")
    if not remote.startswith("unix:"):
        raise NoAnswer("it is on another host")
    folder = os.path.dirname(remote.removeprefix("unix:"))
    is_there = os.path.exists(f"{folder}/{_VSWITCHD}.pid")
    return socket_of(_VSWITCHD, folder if is_there else run_directory())


def _refusal(reason: str) -> str:
    """Return why ovs-vswitchd does not trace a frame, from its own words."""
    if found := _PREREQUISITES.search(reason):
        return (
            f"{found[1]} is a field of some packets only, so that what these are comes first: "
            "tcp tp_dst=22, or arp arp_tpa=192.168.1.99"
        )
    return f"{_VSWITCHD} does not trace it: {reason}"


# The answer


def _owners(steps: Iterable[Step], switch: SwitchState, running: Running) -> dict[FlowKey, Key]:
    """Return the owners of the flows of steps; other turns run meanwhile."""
    keys = {step.key for step in steps if step.key is not None}
    owners: dict[FlowKey, Key] = {}
    for found in owners_of(lambda flow: flow.key in keys, switch):
        if found is None:
            running.components.turns.let_run()
        else:
            owner, flows = found
            owners.update((flow.key, owner) for flow in flows)
    return owners


def _telling(owners: dict[FlowKey, Key], switch: SwitchState, tables: FeatureTables) -> Told:
    """Return what tells of a step what the feature does that has its flow."""

    def told(step: Step, fields: Mapping[str, int]) -> str | None:
        owner = owners.get(step.key) if step.key is not None else None
        tell = tables.verdicts.get(type(owner))
        if step.key is None or owner is None or tell is None:
            return None
        return tell(Passage(step.key, owner, dict(fields)), switch.view)

    return told


def _step(step: Step, owners: dict[FlowKey, Key], switch: SwitchState) -> Content:
    owner = owners.get(step.key) if step.key is not None else None
    return {
        "table": step.table,
        "flow": step.flow,
        "cookie": f"{step.cookie:#x}" if step.cookie else None,
        "actions": [named(each) for each in step.actions if not is_remark(each)],
        "remarks": [each.lstrip("->").lstrip() for each in step.actions if is_remark(each)],
        **why(owner, switch),
    }


COMMANDS = (
    Command(
        "trace",
        _USAGE,
        "Print the way of a frame through the tables, and in one sentence where it ends.",
        _trace,
    ),
)
