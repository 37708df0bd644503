"""Flows and groups as lines that a person can read and a test can compare.

A flow is written as ``TABLE PRIORITY match: actions`` without its cookie, with tables,
priorities and (where given) logical switches by name, and VTEPs by address.
"""

import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address
from textwrap import dedent

from vtep_ofapp.pipeline.layout import AGAIN, ALIVE, GroupKind, Priority, Table
from vtep_ofapp.values.flows import GROUP_BASE, GROUP_MASK, VLAN_PRESENT, Flow, Group

_PRIORITIES = {priority.value: priority.name for priority in Priority}


def lines(text: str) -> set[str]:
    """Return the lines of a text block; one that is indented continues the one before."""
    found: list[str] = []
    for line in dedent(text).splitlines():
        if line.startswith(" ") and line.strip():
            found[-1] += ("" if found[-1].endswith(",") else " ") + line.strip()
        elif line.strip():
            found.append(line.rstrip())
    return set(found)


def read_flow(flow: Flow, names: Mapping[int, str] | None = None) -> str:
    """Return a flow as a line; ``names`` are those of logical switches by number."""
    key = flow.key
    text = str(flow).split(f"priority={key.priority}", 1)[1]
    match, actions = text.removeprefix(",").split(" actions=")
    idle = f" (idle {flow.idle_timeout})" if flow.idle_timeout else ""
    priority = _PRIORITIES.get(key.priority, str(key.priority))
    return _named(f"{Table(key.table).name} {priority} {match or 'any'}: {actions}{idle}", names)


def read_flows(flows: Iterable[Flow], names: Mapping[int, str] | None = None) -> set[str]:
    return {read_flow(flow, names) for flow in flows}


def read_group(group: Group, names: Mapping[int, str] | None = None) -> str:
    """Return a group as ``name of logical switch = buckets``, with ``first of`` for failover."""
    buckets = " | ".join(str(bucket).removeprefix("bucket=") for bucket in group.buckets)
    buckets = buckets.replace("actions=", "")
    how = "first of " if group.fast_failover else ""
    return _named(f"{_group(group.id, names)} = {how}{buckets or 'nothing'}", names)


def read_groups(groups: Iterable[Group], names: Mapping[int, str] | None = None) -> set[str]:
    return {read_group(group, names) for group in groups}


def kind_of_group(id: int) -> GroupKind:
    """Return the kind in a group's id, that of its first part if it is one of several."""
    assert id & GROUP_MASK == GROUP_BASE
    return max(kind for kind in GroupKind if kind <= id >> 24 & 0x1F)


def _group(number: int, names: Mapping[int, str] | None) -> str:
    """Return a group's kind, with the name of its logical switch or the number of its address."""
    kind, low = kind_of_group(number), number & 0xFFFFFF
    part = (number >> 24 & 0x1F) - kind + 1
    if kind == GroupKind.BRIDGE:
        return {ALIVE: "alive", AGAIN: "again"}[low]
    if kind == GroupKind.LOCAL:
        return f"local({_name(low, names)})"
    if kind == GroupKind.MULTICAST:
        return f"multicast({low})"
    if kind == GroupKind.MEMBERS:
        return f"members({low})"
    if kind == GroupKind.ROUTERS:
        return f"routers({_name(low, names)})"
    if kind == GroupKind.MULTICAST_PART:
        return f"multicast{part}({low})"
    if kind == GroupKind.REPLICATION:
        return f"replication({_name(low, names)})"
    return f"replication{part}({_name(low, names)})"


def _name(number: int, names: Mapping[int, str] | None) -> str:
    return (names or {}).get(number, str(number))


def _named(text: str, names: Mapping[int, str] | None) -> str:
    def group(found: re.Match[str]) -> str:
        return _group(int(found[1], 16), names)

    text = re.sub(
        r"push_vlan:0x8100,set_field:(\d+)->vlan_vid",
        lambda found: f"push_vlan:{int(found[1]) - VLAN_PRESENT}",
        text,
    )
    text = text.replace("load:0->OXM_OF_IN_PORT[]", "load:0->in_port")
    text = re.sub(r"goto_table:(\d+)", lambda found: f"goto {Table(int(found[1])).name}", text)
    text = re.sub(
        r"resubmit\(,(\d+)\)", lambda found: f"resubmit {Table(int(found[1])).name}", text
    )
    text = re.sub(r"(?<=watch_)group:(0x[0-9a-f]+)", lambda found: f"group:{group(found)}", text)
    text = re.sub(r"\bgroup:(0x[0-9a-f]+)", group, text)
    text = re.sub(
        r"metadata=(0x[0-9a-f]+)", lambda found: f"metadata={_name(int(found[1], 16), names)}", text
    )
    text = re.sub(
        r"set_field:(0x[0-9a-f]+)->metadata",
        lambda found: f"set_field:{_name(int(found[1], 16), names)}->metadata",
        text,
    )
    text = re.sub(
        r"reg2=(0x[0-9a-f]+)", lambda found: f"reg2={IPv4Address(int(found[1], 16))}", text
    )
    return re.sub(
        r"set_field:(0x[0-9a-f]+)->reg2",
        lambda found: f"set_field:{IPv4Address(int(found[1], 16))}->reg2",
        text,
    )
