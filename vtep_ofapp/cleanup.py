"""Remove what vtep_ofapp made: ``python -m vtep_ofapp.cleanup``.

It works by Open vSwitch's own tools, so that it needs neither a running application nor a bridge
that finds its controller. It runs where the bridges are.
"""

import argparse
import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import config
from .flows import COOKIE_BASE, COOKIE_MASK, GROUP_BASE, GROUP_MASK

_OWNER = "vtep_ofapp"
"""The key in external_ids that marks our ports."""
_DESCRIPTION = "managed by vtep_ofapp"
"""The end of the description that a switch without one was given."""
_PATIENCE = 30
"""Seconds for one command."""


class Failure(Exception):
    """It cannot be done; the text says why, in one line."""


@dataclass(frozen=True)
class Tools:
    """Open vSwitch's tools. Nothing is changed in a ``dry_run``."""

    options: config.Options
    dry_run: bool

    def change(self, what: str, *argv: str) -> None:
        """Say what is removed, and run the command that does it."""
        print(what)
        if not self.dry_run:
            self.ask(*argv)

    def ask(self, tool: str, *arguments: str) -> str:
        """Return what a command prints. Raises Failure if it fails."""
        argv = [tool, *self.tls(tool), *arguments]
        try:
            done = subprocess.run(
                argv, capture_output=True, text=True, timeout=_PATIENCE, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Failure(f"{tool}: {error}") from None
        if done.returncode:
            raise Failure(f"{' '.join(argv[:3])}: {done.stderr.strip() or done.returncode}")
        return done.stdout

    def tls(self, tool: str) -> list[str]:
        """Return the options for ssl: remotes."""
        tls = self.options.tls
        if tls is None or tool == "ovs-ofctl":
            return []
        files = f"--private-key={tls.key}", f"--certificate={tls.certificate}"
        return [*files, f"--ca-cert={tls.ca}"]

    def select(self, remote: str, database: str, table: str) -> list[dict[str, Any]]:
        """Return the rows of a table, with values as OVSDB's JSON has them."""
        query = json.dumps([database, {"op": "select", "table": table, "where": []}])
        (answer,) = json.loads(self.ask("ovsdb-client", "query", remote, query))
        if "error" in answer:
            raise Failure(f"{database}: {answer['error']}: {answer.get('details', '')}")
        rows: list[dict[str, Any]] = answer["rows"]
        return rows

    def transact(self, remote: str, what: str, *operations: dict[str, Any]) -> None:
        """Say what is removed from hardware_vtep, and remove it."""
        query = json.dumps(["hardware_vtep", *operations])
        self.change(what, "ovsdb-client", "transact", remote, query)


def members(value: Any) -> list[Any]:
    """Return the members of a set of OVSDB's JSON, of which one alone is written without it."""
    if isinstance(value, list) and value[0] == "set":
        return list(value[1])
    return [value]


# The bridge


def clean_bridge(tools: Tools, remote: str, bridge: str) -> None:
    """Remove our flows and groups, then our tunnel ports, from a bridge of this host."""
    socket = f"{Path(remote.removeprefix('unix:')).parent / bridge}.mgmt"
    openflow = ("-O", "OpenFlow13")
    flows = f"cookie={COOKIE_BASE:#x}/{COOKIE_MASK:#x}"
    count = tools.ask("ovs-ofctl", *openflow, "dump-flows", socket, flows).count("cookie=")
    if count:
        tools.change(f"{bridge}: {count} flows", "ovs-ofctl", *openflow, "del-flows", socket, flows)
    for group in _groups(tools.ask("ovs-ofctl", *openflow, "dump-groups", socket)):
        argv = "ovs-ofctl", *openflow, "del-groups", socket, f"group_id={group}"
        tools.change(f"{bridge}: group {group:#x}", *argv)


def _groups(text: str) -> Iterator[int]:
    for line in text.splitlines():
        if "group_id=" in line:
            group = int(line.split("group_id=")[1].split(",")[0])
            if group & GROUP_MASK == GROUP_BASE:
                yield group


def clean_ports(tools: Tools, remote: str, bridge: str) -> None:
    """Remove our tunnel ports from a bridge."""
    for row in tools.select(remote, "Open_vSwitch", "Port"):
        if [_OWNER, bridge] in row["external_ids"][1]:
            argv = "ovs-vsctl", f"--db={remote}", "del-port", bridge, row["name"]
            tools.change(f"{bridge}: port {row['name']}", *argv)


# The database


def clean_switch(tools: Tools, remote: str, switch: dict[str, Any], with_bindings: bool) -> None:
    """Remove what we wrote for a Physical_Switch; its ports stay if the NVC bound them."""
    name, addresses = switch["name"], members(switch["tunnel_ips"])
    locators = [
        row["_uuid"]
        for row in tools.select(remote, "hardware_vtep", "Physical_Locator")
        if row["dst_ip"] in addresses
    ]
    for row in tools.select(remote, "hardware_vtep", "Ucast_Macs_Local"):
        if row["locator"] in locators:
            what = f"{name}: Ucast_Macs_Local {row['MAC']}"
            tools.transact(remote, what, _delete("Ucast_Macs_Local", row))
    sets = {
        row["_uuid"][1]
        for row in tools.select(remote, "hardware_vtep", "Physical_Locator_Set")
        if all(locator in locators for locator in members(row["locators"]))
    }
    for row in tools.select(remote, "hardware_vtep", "Mcast_Macs_Local"):
        if row["locator_set"][1] in sets:
            what = f"{name}: Mcast_Macs_Local {row['MAC']}"
            tools.transact(remote, what, _delete("Mcast_Macs_Local", row))
    _clean_switch_row(tools, remote, switch)
    mine = members(switch["ports"])
    for row in tools.select(remote, "hardware_vtep", "Physical_Port"):
        if row["_uuid"] in mine:
            _clean_port(tools, remote, switch, row, with_bindings)


def _clean_switch_row(tools: Tools, remote: str, switch: dict[str, Any]) -> None:
    empty = ["set", []]
    row: dict[str, Any] = {
        column: empty for column in ("tunnels", "switch_fault_status") if switch[column] != empty
    }
    if switch["description"].endswith(_DESCRIPTION):
        row["description"] = ""
    if row:
        what = f"{switch['name']}: {', '.join(sorted(row))} of Physical_Switch"
        tools.transact(remote, what, _update("Physical_Switch", switch, row))


def _clean_port(
    tools: Tools, remote: str, switch: dict[str, Any], port: dict[str, Any], with_bindings: bool
) -> None:
    name = f"{switch['name']}: Physical_Port {port['name']}"
    nothing = ["map", []]
    if with_bindings or (port["vlan_bindings"], port["acl_bindings"]) == (nothing, nothing):
        mutation = ["ports", "delete", ["set", [port["_uuid"]]]]
        operation = {**_where("mutate", "Physical_Switch", switch), "mutations": [mutation]}
        tools.transact(remote, name, operation)
        return
    empty = {"vlan_stats": nothing, "port_fault_status": ["set", []]}
    row = {column: value for column, value in empty.items() if port[column] != value}
    if row:
        what = f"{name}: {', '.join(sorted(row))}"
        tools.transact(remote, what, _update("Physical_Port", port, row))


def _where(operation: str, table: str, row: dict[str, Any]) -> dict[str, Any]:
    return {"op": operation, "table": table, "where": [["_uuid", "==", row["_uuid"]]]}


def _delete(table: str, row: dict[str, Any]) -> dict[str, Any]:
    return _where("delete", table, row)


def _update(table: str, row: dict[str, Any], columns: dict[str, Any]) -> dict[str, Any]:
    return {**_where("update", table, row), "row": columns}


# The program


@contextlib.contextmanager
def locked(tools: Tools) -> Iterator[None]:
    """Hold the lock of the application, so that none begins meanwhile. Raises Failure."""
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


def clean(options: config.Options, dry_run: bool, with_bindings: bool) -> None:
    """Remove all that is ours. Raises Failure."""
    tools = Tools(options, dry_run)
    with locked(tools):
        switches = {
            row["name"]: row
            for row in tools.select(options.vtep_db, "hardware_vtep", "Physical_Switch")
        }
        for remote in options.ovs_db.values():
            if not remote.startswith("unix:"):
                raise Failure(f"{remote}: bridges are cleaned on their own host only")
            for row in tools.select(remote, "Open_vSwitch", "Bridge"):
                name = row["name"]
                if name in switches:
                    clean_bridge(tools, remote, name)
                    clean_ports(tools, remote, name)
                    clean_switch(tools, options.vtep_db, switches[name], with_bindings)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; return its exit code: 0 if all is removed, 1 if something is in the way."""
    parser = argparse.ArgumentParser(
        prog="python -m vtep_ofapp.cleanup",
        description="Remove what vtep_ofapp made: flows, groups and tunnel ports of the bridges "
        "of this host, and its rows of hardware_vtep. The application must not run. What the NVC "
        "wrote stays, and so do fail mode secure and the settings of controllers.",
    )
    parser.add_argument("--config-file", help="the configuration file of the application")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be removed")
    parser.add_argument(
        "--with-bindings",
        action="store_true",
        help="remove all rows of Physical_Port, with the bindings that the NVC made there",
    )
    arguments = parser.parse_args(argv)
    try:
        config.load(arguments.config_file)
        clean(config.read(), arguments.dry_run, arguments.with_bindings)
    except (Failure, config.BadOption) as error:
        print(f"vtep_ofapp.cleanup: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
