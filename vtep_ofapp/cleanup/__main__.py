"""Remove all that vtep_ofapp created: ``python -m vtep_ofapp.cleanup``.

It uses Open vSwitch's own tools, so it needs neither the application nor a bridge that is connected
to its controller. It runs on the host of the bridges. Exit codes: 0 if all is removed, 1 if
something could not be removed, 2 for unknown arguments.
"""

import argparse
import contextlib
import json
import subprocess
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..process import config
from ..process.options import BadOption
from ..values.flows import COOKIE_BASE, COOKIE_MASK, GROUP_BASE, GROUP_MASK
from ..values.writes import OUR_DESCRIPTION, TABLE_SETTINGS
from . import emulator, faults
from .tools import EMPTY, Failure, Removal, Row, Tools, members, pairs, print_line, where, without

_OWNER = "vtep_ofapp"
"""The key in external_ids that marks our bridges and ports."""
_FLOWS = f"cookie={COOKIE_BASE:#x}/{COOKIE_MASK:#x}"
_PORTS_AT_ONCE = 1000
_FRAGMENT_MODE = "nx-match"
"""The fragment mode that the application sets (ovs-ofctl(8))."""


# The bridges


@dataclass(frozen=True)
class Found:
    """A bridge that we manage or managed: its Open_vSwitch, its row, and what is ours on it.

    ``tables`` are the numbers of the tables that we named.
    """

    remote: str
    row: Row
    ports: Sequence[Row]
    tables: Sequence[int]

    @property
    def name(self) -> str:
        """The bridge's name."""
        return str(self.row["name"])

    def sources(self, interfaces: Sequence[Row]) -> set[str]:
        """Return the source addresses of its tunnels."""
        ours = [each for port in self.ports for each in members(port["interfaces"])]
        local = [
            pairs(each["options"]).get("local_ip") for each in interfaces if each["_uuid"] in ours
        ]
        return {address for address in local if address}


def find_bridges(tools: Tools, remote: str, switches: Collection[str]) -> Iterator[Found]:
    """Yield the bridges of this host with a Physical_Switch, or with anything that is ours."""
    bridges, tables, ports = tools.select(
        remote,
        "Open_vSwitch",
        {"table": "Bridge"},
        {"table": "Flow_Table"},
        {"table": "Port", "columns": ["_uuid", "name", "interfaces", "external_ids"]},
    )
    marked = {str(row["_uuid"]): row for row in ports if _OWNER in pairs(row["external_ids"])}
    named = {str(row["_uuid"]) for row in tables if _is_named_by_us(row)}
    for row in bridges:
        mark = pairs(row["external_ids"]).get(_OWNER)
        ours = [marked[str(each)] for each in members(row["ports"]) if str(each) in marked]
        numbers = [
            key for key, uuid in row.get("flow_tables", ["map", []])[1] if str(uuid) in named
        ]
        found = Found(remote, row, ours, numbers)
        if mark not in (None, tools.options.mark):
            if found.name in switches or ours:
                print_line(f"{found.name}: left alone, it has the mark of another process: {mark}")
        elif mark or ours or numbers or found.name in switches or count_flows(tools, found):
            yield found


def _is_named_by_us(table: Row) -> bool:
    """Return whether we made a Flow_Table, and nobody has set anything else in it."""
    is_marked = _OWNER in pairs(table.get("external_ids", ["map", []]))
    return is_marked and not any(members(table.get(each, list(EMPTY))) for each in TABLE_SETTINGS)


def count_flows(tools: Tools, bridge: Found) -> int:
    """Return the number of our flows on a bridge."""
    argv = "ovs-ofctl", "-O", "OpenFlow13", "dump-flows", _socket(bridge), _FLOWS
    return tools.ask(*argv).count("cookie=")


def clean_flows(tools: Tools, bridge: Found) -> bool:
    """Remove our flows and groups from a bridge, in one bundle; return whether there were any."""
    flows = count_flows(tools, bridge)
    text = tools.ask("ovs-ofctl", "-O", "OpenFlow13", "dump-groups", _socket(bridge))
    groups = list(_groups(text))
    if flows or groups:
        lines = [f"flow delete {_FLOWS}", *(f"group delete group_id={group}" for group in groups)]
        what = f"{bridge.name}: {flows} flows and {len(groups)} groups"
        tools.change_flows(_socket(bridge), what, lines)
    return bool(flows or groups)


def clean_fragment_mode(tools: Tools, bridge: Found) -> None:
    """Set the fragment mode of a bridge back to Open vSwitch's default, normal."""
    argv = "ovs-ofctl", "-O", "OpenFlow13"
    if tools.ask(*argv, "get-frags", _socket(bridge)).strip() == _FRAGMENT_MODE:
        if not tools.dry_run:
            tools.ask(*argv, "set-frags", _socket(bridge), "normal")
        tools.say(f"{bridge.name}: fragment mode {_FRAGMENT_MODE}")


def _socket(bridge: Found) -> str:
    return f"{Path(bridge.remote.removeprefix('unix:')).parent / bridge.name}.mgmt"


def _groups(text: str) -> Iterator[int]:
    for line in text.splitlines():
        if "group_id=" in line:
            group = int(line.split("group_id=")[1].split(",")[0])
            if group & GROUP_MASK == GROUP_BASE:
                yield group


def clean_ports(bridge: Found) -> Iterator[Removal]:
    """Yield the removals of our ports, names of tables, and mark from a bridge."""
    for start in range(0, len(bridge.ports), _PORTS_AT_ONCE):
        ports = bridge.ports[start : start + _PORTS_AT_ONCE]
        removal = without("Bridge", bridge.row, "ports", [port["_uuid"] for port in ports])
        names = " ".join(sorted(port["name"] for port in ports))
        yield Removal(f"{bridge.name}: ports {names}", [removal])
    if bridge.tables:
        mutations = [["flow_tables", "delete", ["set", list(bridge.tables)]]]
        what = f"{bridge.name}: names of {len(bridge.tables)} tables"
        yield Removal(what, [where("mutate", "Bridge", bridge.row, mutations=mutations)])
    if _OWNER in pairs(bridge.row["external_ids"]):
        mutations = [["external_ids", "delete", ["set", [_OWNER]]]]
        what = f"{bridge.name}: external_ids:{_OWNER}"
        yield Removal(what, [where("mutate", "Bridge", bridge.row, mutations=mutations)])


# hardware_vtep


def clean_rows(
    tools: Tools, switches: Sequence[Row], addresses: set[str], with_bindings: bool
) -> Iterator[Removal]:
    """Yield the removals of our rows and columns for Physical_Switches, and of their local MACs.

    ``addresses`` are the tunnel IPs of their locators. Physical_Port rows with bindings of the NVC
    stay, except ``with_bindings``.
    """
    remote, database = tools.options.vtep_db, "hardware_vtep"
    locators, sets, groups, ports = tools.select(
        remote,
        database,
        {"table": "Physical_Locator", "columns": ["_uuid", "dst_ip"]},
        {"table": "Physical_Locator_Set", "columns": ["_uuid", "locators"]},
        {"table": "Mcast_Macs_Local", "columns": ["_uuid", "MAC", "locator_set"]},
        {"table": "Physical_Port"},
    )
    ours = [row["_uuid"] for row in locators if row["dst_ip"] in addresses]
    yield from _at_locators(tools, "Ucast_Macs_Local", ours)
    members_of = {str(row["_uuid"]): members(row["locators"]) for row in sets}
    for row in groups:
        yield from _group(row, members_of[str(row["locator_set"])], ours)
    rows = {str(row["_uuid"]): row for row in ports}
    for switch in switches:
        yield from _clean_switch(switch)
        yield from _clean_ports(
            switch, [rows[str(each)] for each in members(switch["ports"])], with_bindings
        )
        for each in members(switch["ports"]):
            del rows[str(each)]
    if any("acl_bindings" in row for row in ports):  # older schemas have neither of these
        yield from _at_locators(tools, "Arp_Sources_Local", ours)
        yield from faults.clean(tools, rows.values())


def _at_locators(tools: Tools, table: str, locators: Sequence[Row]) -> Iterator[Removal]:
    """Yield the removal of the rows of a table that name our locators."""
    conditions = [[["locator", "==", locator]] for locator in locators]
    found = tools.select(
        tools.options.vtep_db,
        "hardware_vtep",
        *({"table": table, "columns": ["_uuid"], "where": each} for each in conditions),
    )
    count = sum(map(len, found))
    if count:
        removals = [{"op": "delete", "table": table, "where": each} for each in conditions]
        yield Removal(f"{count} rows of {table}", removals)


def _group(row: Row, locators: Sequence[Row], ours: Sequence[Row]) -> Iterator[Removal]:
    """Yield the removal of our locators from a row of Mcast_Macs_Local, or of the whole row."""
    left = [locator for locator in locators if locator not in ours]
    if len(left) == len(locators):
        return
    what = f"Mcast_Macs_Local {row['MAC']}"
    if not left:
        yield Removal(what, [where("delete", "Mcast_Macs_Local", row)])
        return
    name = f"set{row['_uuid'][1].replace('-', '')}"
    locator_set = {
        "op": "insert",
        "table": "Physical_Locator_Set",
        "uuid-name": name,
        "row": {"locators": ["set", left]},
    }
    columns = {"locator_set": ["named-uuid", name]}
    update = where("update", "Mcast_Macs_Local", row, row=columns)
    yield Removal(f"{what}: the locators of this host", [locator_set, update])


def _clean_switch(switch: Row) -> Iterator[Removal]:
    empty = list(EMPTY)
    row: Row = {
        column: empty for column in ("tunnels", "switch_fault_status") if switch[column] != empty
    }
    if switch["description"].endswith(OUR_DESCRIPTION):
        row["description"] = ""
    if row:
        what = f"{switch['name']}: {', '.join(sorted(row))} of Physical_Switch"
        yield Removal(what, [where("update", "Physical_Switch", switch, row=row)])


def _clean_ports(switch: Row, ports: Sequence[Row], with_bindings: bool) -> Iterator[Removal]:
    bound = [] if with_bindings else [port for port in ports if _is_bound(port)]
    gone = [port for port in ports if port not in bound]
    if gone:
        names = " ".join(sorted(port["name"] for port in gone))
        removal = without("Physical_Switch", switch, "ports", [port["_uuid"] for port in gone])
        yield Removal(f"{switch['name']}: Physical_Port {names}", [removal])
    for port in bound:
        empty = {"vlan_stats": ["map", []], "port_fault_status": list(EMPTY)}
        row = {column: value for column, value in empty.items() if port[column] != value}
        if row:
            what = f"{switch['name']}: {', '.join(sorted(row))} of Physical_Port {port['name']}"
            yield Removal(what, [where("update", "Physical_Port", port, row=row)])


def _is_bound(port: Row) -> bool:
    return any(port.get(column, ["map", []])[1] for column in ("vlan_bindings", "acl_bindings"))


# The program


@contextlib.contextmanager
def locked(tools: Tools) -> Iterator[None]:
    """Hold the lock of the application, so that it stands by if it starts. Raises Failure."""
    lock, remote = tools.options.lock, tools.options.vtep_db
    argv = ["ovsdb-client", *tools.tls("ovsdb-client"), "lock", remote, lock]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        answer = holder.stdout.readline()
        try:
            if not answer:
                raise Failure(f"{remote}: no database server")
            if not json.loads(answer).get("locked"):
                raise Failure(f"the lock {lock!r} is taken: stop the application first")
            yield
        finally:
            holder.kill()


def clean(tools: Tools, with_bindings: bool) -> None:
    """Remove our flows, groups, ports, rows and marks. Raises Failure."""
    (rows,) = tools.select(tools.options.vtep_db, "hardware_vtep", {"table": "Physical_Switch"})
    switches = {row["name"]: row for row in rows}
    cleaned, addresses = set(), set()
    for remote in tools.options.ovs_db.values():
        bridges = list(find_bridges(tools, remote, switches))
        stopped = []
        (interfaces,) = tools.select(
            remote, "Open_vSwitch", {"table": "Interface", "columns": ["_uuid", "options"]}
        )
        for bridge in bridges:
            cleaned.add(bridge.name)
            addresses |= bridge.sources(interfaces)
            if clean_flows(tools, bridge):
                stopped.append(bridge)
            clean_fragment_mode(tools, bridge)
        removals = [removal for bridge in bridges for removal in clean_ports(bridge)]
        tools.transact(remote, "Open_vSwitch", removals)
        for bridge in stopped:
            _say_how_to_revive(bridge)
    for name, row in switches.items():
        if name in cleaned:
            addresses.update(members(row["tunnel_ips"]))
    for name, row in switches.items():
        if name not in cleaned:
            addresses.difference_update(members(row["tunnel_ips"]))
    ours = [row for name, row in switches.items() if name in cleaned]
    removals = list(clean_rows(tools, ours, addresses, with_bindings))
    tools.transact(tools.options.vtep_db, "hardware_vtep", removals)


def _say_how_to_revive(bridge: Found) -> None:
    if bridge.row["fail_mode"] == "secure":
        name = bridge.name
        print_line(
            f"{name} forwards nothing without them; to make it an ordinary switch: "
            f"`ovs-vsctl set-fail-mode {name} standalone -- del-controller {name}`"
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code: 0 if all is removed, 1 if something could not be."""
    parser = argparse.ArgumentParser(
        prog="python -m vtep_ofapp.cleanup",
        description="Remove all that vtep_ofapp created: flows, groups and tunnel ports of the "
        "bridges of this host, and its rows of hardware_vtep. The application must not run. Rows "
        "of the NVC stay, and so do fail mode secure and the settings of controllers.",
        epilog="Exit codes: 0 if all is removed, 1 if something could not be removed, "
        "2 for unknown arguments.",
    )
    parser.add_argument("--config-file", help="the configuration file of the application")
    parser.add_argument("--dry-run", action="store_true", help="only print what would be removed")
    parser.add_argument(
        "--with-bindings",
        action="store_true",
        help="remove all rows of Physical_Port, with the bindings that the NVC made there",
    )
    parser.add_argument(
        "--ovs-vtep",
        action="store_true",
        help="remove what the emulator ovs-vtep left instead: its bridges, patch ports and flows",
    )
    arguments = parser.parse_args(argv)
    try:
        config.load(arguments.config_file)
        tools = Tools(config.read(), arguments.dry_run)
        for remote in tools.options.ovs_db.values():
            if not remote.startswith("unix:"):
                raise Failure(f"{remote}: bridges are cleaned on their own host only")
        if arguments.ovs_vtep:
            emulator.clean(tools)
        else:
            with contextlib.nullcontext() if arguments.dry_run else locked(tools):
                clean(tools, arguments.with_bindings)
    except (Failure, BadOption) as error:
        print(f"vtep_ofapp.cleanup: {error}", file=sys.stderr)
        return 1
    if not tools.removed:
        print_line("there is nothing to remove")
    return 0


if __name__ == "__main__":
    sys.exit(main())
