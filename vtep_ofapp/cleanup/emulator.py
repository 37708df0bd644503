"""Remove what Open vSwitch's emulator ovs-vtep leaves behind.

The emulator creates a bridge for each logical switch, with tunnel ports of a fixed key, a bridge
for BFD, and on the Physical_Switch's bridge a patch port and two flows for each binding. All of
them stay when it exits, and Open vSwitch prefers a tunnel port with a fixed key to ours
(ofproto/tunnel.c).
"""

import re
from collections.abc import Iterator
from pathlib import Path

from ..values.rows import is_emulators
from .tools import Failure, Removal, Row, Tools, members, pairs, where, without

_LOGICAL_SWITCH = "vtep_logical_switch"
"""The key in external_ids of the bridges that it creates for logical switches."""
_BFD_BRIDGE = "vtep_bfd"
_BFD_PORT = "bfd"
"""The prefix of port names on the BFD bridge; the remote address follows."""
_FLAG = "reset_counts "
"""A flag of OpenFlow 1.0 flows that ovs-ofctl prints among the matches."""
_DESCRIPTION = "OVS VTEP Emulator"


def clean(tools: Tools) -> None:
    """Remove its bridges, ports and flows on this host, and its descriptions of switches."""
    for remote in tools.options.ovs_db.values():
        _check_that_none_runs(tools, remote)
        tables = tools.select(
            remote,
            "Open_vSwitch",
            {"table": "Open_vSwitch", "columns": ["_uuid", "bridges"]},
            {"table": "Bridge", "columns": ["_uuid", "name", "ports", "external_ids"]},
            {"table": "Port", "columns": ["_uuid", "name", "interfaces"]},
            {"table": "Interface", "columns": ["_uuid", "type", "options", "ofport"]},
        )
        (root,), bridges, ports, interfaces = tables
        first = {str(row["_uuid"]): row for row in interfaces}
        left = [row for row in bridges if _is_emulators(row, ports)]
        removals: list[Removal] = []
        for bridge in bridges:
            if bridge not in left:
                patches = list(_patch_ports(bridge, ports, first))
                _clean_flows(tools, remote, bridge["name"], [name for _, name in patches])
                removals += _clean_patch_ports(bridge, patches)
        for bridge in left:
            removal = without("Open_vSwitch", root, "bridges", [bridge["_uuid"]])
            removals.append(Removal(f"bridge {bridge['name']}", [removal]))
        tools.transact(remote, "Open_vSwitch", removals)
    (switches,) = tools.select(tools.options.vtep_db, "hardware_vtep", {"table": "Physical_Switch"})
    described = [row for row in switches if row["description"] == _DESCRIPTION]
    tools.transact(
        tools.options.vtep_db,
        "hardware_vtep",
        [
            Removal(
                f"{row['name']}: description of Physical_Switch",
                [where("update", "Physical_Switch", row, row={"description": ""})],
            )
            for row in described
        ],
    )


def _check_that_none_runs(tools: Tools, remote: str) -> None:
    """Raise Failure if an emulator answers: it would create again what is removed."""
    for socket in Path(remote.removeprefix("unix:")).parent.glob("ovs-vtep.*.ctl"):
        try:
            tools.ask("ovs-appctl", "-t", str(socket), "version")
        except Failure:
            continue  # it was killed and left its socket
        raise Failure(f"ovs-vtep runs; end it first: `ovs-appctl -t {socket} exit`")


def _is_emulators(bridge: Row, ports: list[Row]) -> bool:
    if pairs(bridge["external_ids"]).get(_LOGICAL_SWITCH) == "true":
        return True
    if bridge["name"] != _BFD_BRIDGE:
        return False
    names = {row["name"] for row in ports if row["_uuid"] in members(bridge["ports"])}
    return all(name.startswith(_BFD_PORT) for name in names - {_BFD_BRIDGE})


def _patch_ports(
    bridge: Row, ports: list[Row], interfaces: dict[str, Row]
) -> Iterator[tuple[Row, str]]:
    for port in ports:
        if port["_uuid"] in members(bridge["ports"]):
            row = interfaces[str(members(port["interfaces"])[0])]
            if row["type"] == "patch" and is_emulators(port["name"], pairs(row["options"])):
                yield port, port["name"]


def _clean_patch_ports(bridge: Row, patches: list[tuple[Row, str]]) -> Iterator[Removal]:
    if patches:
        names = " ".join(sorted(name for _, name in patches))
        removal = without("Bridge", bridge, "ports", [port["_uuid"] for port, _ in patches])
        yield Removal(f"{bridge['name']}: ports {names}", [removal])


def _clean_flows(tools: Tools, remote: str, bridge: str, patches: list[str]) -> None:
    """Remove the flows between a port and a patch port; they stay when the patch port goes."""
    if not patches:
        return
    socket = f"{Path(remote.removeprefix('unix:')).parent / bridge}.mgmt"
    argv = "-O", "OpenFlow13", "--names", "--no-stats", "dump-flows", socket, "cookie=0/-1"
    lines = []
    for line in tools.ask("ovs-ofctl", *argv).splitlines():
        flow, _, actions = line.strip().partition(" actions=")
        ports = set(re.findall(r'"?([^",:]+)"?', f"{actions},{flow.partition('in_port=')[2]}"))
        if ports & set(patches):
            lines.append(f"flow delete_strict {flow.replace(_FLAG, '')}")
    if lines:
        tools.change_flows(socket, f"{bridge}: {len(lines)} flows", lines)
