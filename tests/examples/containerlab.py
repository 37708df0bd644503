"""Topologies of containerlab: read, checked, and deployed in namespaces as containerlab would.

What is allowed and what it means is from containerlab's manual: its pages on the topology file, on
nodes and links, and on the kinds linux and ovs-bridge.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sim.lab import links
from sim.lab.namespaces import Namespace
from sim.lab.process import CHECKOUT

FOLDER = CHECKOUT / "etc" / "examples" / "containerlab"
MTU = 9500
"""That of a link which names none."""
LONGEST_INTERFACE = 15

OF_FILE = {"name", "prefix", "mgmt", "topology"}
OF_TOPOLOGY = {"defaults", "kinds", "groups", "nodes", "links"}
OF_NODE: dict[str, type] = {
    "kind": str,
    "group": str,
    "image": str,
    "image-pull-policy": str,
    "entrypoint": str,
    "cmd": str,
    "exec": list,
    "binds": list,
    "env": dict,
    "healthcheck": dict,
}
"""The keys that our topologies may use, of the many that a node can have."""
OF_HEALTH = {"test", "interval", "timeout", "retries", "start-period"}
OF_LINK = {"endpoints", "mtu"}
"""The keys of a link in the brief format."""
KINDS = {"linux", "ovs-bridge"}


@dataclass(frozen=True, slots=True)
class Node:
    """A node, with what it has from defaults and from its group."""

    name: str
    kind: str
    image: str
    """Empty for a bridge."""
    entrypoint: list[str]
    """What runs in place of the image's entry point; none if that one runs."""
    commands: list[list[str]]
    """What is run in it when the links are there."""


@dataclass(frozen=True, slots=True)
class End:
    """One end of a link."""

    node: str
    interface: str


@dataclass(frozen=True, slots=True)
class Link:
    """A link of two nodes."""

    ends: tuple[End, End]
    mtu: int


@dataclass(frozen=True, slots=True)
class Topology:
    """A topology that has no problems."""

    name: str
    nodes: list[Node]
    links: list[Link]


def read(path: Path) -> Topology:
    """Return the topology of a file. It must have no problems."""
    content = yaml.safe_load(path.read_text())
    assert not (found := list(problems(path.name, content))), found
    topology = content["topology"]
    nodes = [_node(name, settings_of(topology, name)) for name in topology["nodes"]]
    made = [
        Link((_end(each["endpoints"][0]), _end(each["endpoints"][1])), each.get("mtu", MTU))
        for each in topology["links"]
    ]
    return Topology(content["name"], nodes, made)


def settings_of(topology: Mapping[str, Any], node: str) -> dict[str, Any]:
    """Return the settings of a node: its own count more than its group's, those than defaults."""
    own = topology["nodes"][node] or {}
    group = (topology.get("groups") or {}).get(own.get("group"), {})
    return {**(topology.get("defaults") or {}), **group, **own}


def problems(file: str, content: Mapping[str, Any]) -> Iterator[str]:
    """Yield what containerlab would refuse in a topology file, or what it does not document."""
    if not file.endswith(".clab.yml"):
        yield f"{file} does not end in .clab.yml"
    yield from _unknown("the file", content, OF_FILE)
    if not re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9._]*", str(content.get("name", ""))):
        yield "name: it separates names by dashes, and has none itself"
    topology = content.get("topology") or {}
    yield from _unknown("topology", topology, OF_TOPOLOGY)
    nodes = topology.get("nodes") or {}
    if not nodes:
        yield "topology has no nodes"
    for group in ("groups", "kinds"):
        for name, settings in (topology.get(group) or {}).items():
            yield from _of_settings(name, settings)
    for name in nodes:
        settings = settings_of(topology, name)
        yield from _of_settings(name, settings)
        if settings.get("group") not in {None, *(topology.get("groups") or {})}:
            yield f"{name}: there is no group {settings['group']}"
        if settings.get("kind") not in KINDS:
            yield f"{name}: its kind {settings.get('kind')} is none of {sorted(KINDS)}"
        elif (settings["kind"] == "linux") != ("image" in settings):
            yield f"{name}: a node of kind linux has an image, and no other has one"
    yield from _of_links(topology.get("links") or [], nodes)


def _of_settings(name: str, settings: Mapping[str, Any]) -> Iterator[str]:
    yield from _unknown(name, settings, set(OF_NODE))
    for key, value in settings.items():
        if key in OF_NODE and not isinstance(value, OF_NODE[key]):
            yield f"{name}: {key} is no {OF_NODE[key].__name__}"
    yield from _unknown(f"{name}: healthcheck", settings.get("healthcheck", {}), OF_HEALTH)
    if not all(isinstance(each, str) for each in settings.get("exec", ())):
        yield f"{name}: a line of exec is no text"


def _of_links(links_: list[Mapping[str, Any]], nodes: Mapping[str, Any]) -> Iterator[str]:
    seen: Counter[str] = Counter()
    for link in links_:
        yield from _unknown("a link", link, OF_LINK)
        endpoints = link.get("endpoints", [])
        if len(endpoints) != 2:
            yield f"a link has two endpoints: {endpoints}"
        for each in endpoints:
            seen[each] += 1
            node, has_interface, interface = str(each).partition(":")
            if node not in nodes:
                yield f"{each}: there is no node {node}"
            if not has_interface or not 0 < len(interface) <= LONGEST_INTERFACE:
                yield f"{each}: a name of an interface has 1 to {LONGEST_INTERFACE} characters"
            if interface == "eth0":
                yield f"{each}: eth0 is the management network's"
    yield from (f"{each} is the end of {count} links" for each, count in seen.items() if count > 1)


def _unknown(where: str, found: Mapping[str, Any], known: set[str]) -> Iterator[str]:
    yield from (f"{where} has an unknown key {key}" for key in found if key not in known)


def _node(name: str, settings: Mapping[str, Any]) -> Node:
    entrypoint = shlex.split(settings.get("entrypoint", "")) + shlex.split(settings.get("cmd", ""))
    commands = [shlex.split(line) for line in settings.get("exec", ())]
    return Node(name, settings["kind"], settings.get("image", ""), entrypoint, commands)


def _end(text: str) -> End:
    node, _, interface = text.partition(":")
    return End(node, interface)


def connect(topology: Topology, places: Mapping[str, Namespace]) -> None:
    """Make the links of a topology between the namespaces of its nodes, as containerlab does.

    Both ends of a link are up, and compute their checksums themselves.
    """
    for link in topology.links:
        first, second = link.ends
        links.add_veth(
            places[first.node],
            first.interface,
            places[second.node],
            second.interface,
            mtu=link.mtu,
        )
