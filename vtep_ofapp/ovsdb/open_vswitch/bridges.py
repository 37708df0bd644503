"""Bridge and Controller: bridges as values, and our settings of them."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ...values.rows import Bridge, BridgePort, Controller, Mark
from ...values.writes import TABLE_SETTINGS, NameTables, ReleaseBridge, SecureBridge
from ..declarations import Changes, Contents, Group, Table, Write
from ..schemas import MAP, NEEDED, SET
from .owner import OWNER

_CONTROLLER: Mapping[str, Any] = {
    "max_backoff": 1000,
    "connection_mode": "out-of-band",
    "controller_rate_limit": 4000,
    "controller_burst_limit": 5000,
}
"""Settings of a bridge's controllers, unless someone chose otherwise.

max_backoff is in milliseconds. In-band control, the default, has hidden flows for the controller's
traffic, by which tenants' frames would bypass the pipeline. Without a rate limit, Open vSwitch has
one queue of 100 packet-ins. With one it has a queue for each port, so that a flood at one port does
not drop packet-ins of others.
"""
_DATAPATH_ID = re.compile("[0-9a-fA-F]{16}")
_OPENFLOW = "OpenFlow13"
"""The name of our OpenFlow version in the column protocols of a Bridge."""
_NOT_IN_BAND = "disable-in-band"
"""The key in other_config of a Bridge that we set, unless someone has set it.

A controller that ``ovs-vsctl set-controller`` just created is in-band until its settings are
written. Without this key the hidden flows exist for some milliseconds each time.
"""


def read(row: Any, ports: Mapping[str, BridgePort], contents: Contents) -> Bridge:
    """Return the value of a Bridge row, with its ports by name."""
    return Bridge(
        row.uuid,
        row.name,
        _datapath_id(row.datapath_id),
        row.fail_mode == ["secure"],
        not row.protocols or _OPENFLOW in row.protocols,  # an empty column means all versions
        ports,
        database=contents.name,
        controllers_are_set=_NOT_IN_BAND in row.other_config
        and all(getattr(each, column) for each in row.controller for column in _settings(contents)),
        interface=_own_interface(row),
        mark=_whose(row.external_ids.get(OWNER), contents.mark),
        controllers=tuple(
            sorted(
                (Controller(each.target, bool(each.is_connected)) for each in row.controller),
                key=lambda controller: controller.target,
            )
        ),
        tables={number: _our_table_name(each) for number, each in row.flow_tables.items()},
        can_name_tables=contents.has("Flow_Table.external_ids"),
    )


def _datapath_id(column: Sequence[str]) -> int | None:
    """Return a datapath id, None for a text that Open vSwitch did not write."""
    return int(column[0], 16) if column and _DATAPATH_ID.fullmatch(column[0]) else None


def _whose(mark: str | None, ours: str) -> Mark:
    if mark is None:
        return Mark.NONE
    return Mark.OURS if mark == ours else Mark.OTHERS


def _settings(contents: Contents) -> Mapping[str, Any]:
    """Return the settings of controllers that the schema has."""
    return {
        column: value
        for column, value in _CONTROLLER.items()
        if contents.has(f"Controller.{column}")
    }


def _our_table_name(row: Any) -> str | None:
    """Return the name of a Flow_Table that is ours, None for one of others.

    It is empty if somebody removed it.
    """
    if OWNER not in row.external_ids or any(getattr(row, each) for each in TABLE_SETTINGS):
        return None
    return str(row.name[0]) if row.name else ""


def _own_interface(bridge: Any) -> tuple[int, str] | None:
    """Return interface number and MAC address of a bridge's internal port, None if unknown."""
    for port in bridge.ports:
        if port.name == bridge.name:
            for interface in port.interfaces:
                if interface.ifindex and interface.mac_in_use:
                    return int(interface.ifindex[0]), str(interface.mac_in_use[0])
    return None


def _secure(changes: Changes, write: SecureBridge) -> None:
    bridge = changes.named("Bridge", write.bridge)
    if bridge is None:
        return
    bridge.fail_mode = "secure"
    if _NOT_IN_BAND not in bridge.other_config:
        bridge.setkey("other_config", _NOT_IN_BAND, "true")
    settings = _settings(changes.contents)
    for controller in bridge.controller:
        for column, value in settings.items():
            if not getattr(controller, column):
                setattr(controller, column, value)
    bridge.setkey("external_ids", OWNER, changes.contents.mark)


def _name_tables(changes: Changes, write: NameTables) -> None:
    bridge = changes.named("Bridge", write.bridge)
    if bridge is None:
        return
    tables = bridge.flow_tables
    ours = {number for number, row in tables.items() if _our_table_name(row) is not None}
    for number in ours - write.names.keys():
        bridge.verify("flow_tables")  # the key may have got another row meanwhile
        bridge.delkey("flow_tables", number)
    for number, name in write.names.items():
        if number in ours:
            if tables[number].name != [name]:
                tables[number].name = [name]
        elif number not in tables:
            row = changes.insert("Flow_Table")
            row.name = [name]
            row.external_ids = {OWNER: write.bridge}
            bridge.setkey("flow_tables", number, row)


def _release(changes: Changes, write: ReleaseBridge) -> None:
    bridge = changes.named("Bridge", write.bridge)
    if bridge is not None:
        bridge.delkey("external_ids", OWNER)


GROUP = Group(
    tables=(
        Table(
            "Bridge",
            dict.fromkeys(
                (
                    "flow_tables",
                    "name",
                    "ports",
                    "datapath_id",
                    "fail_mode",
                    "controller",
                    "protocols",
                    "other_config",
                    "external_ids",
                ),
                NEEDED,
            ),
        ),
        Table(
            "Controller",
            {**dict.fromkeys(_CONTROLLER, SET), "target": NEEDED, "is_connected": NEEDED},
        ),
        Table(
            "Flow_Table", {**dict.fromkeys(TABLE_SETTINGS, SET), "name": SET, "external_ids": MAP}
        ),
        Table("Open_vSwitch", {"bridges": SET, "ovs_version": SET}),
    ),
    writes=(
        Write(SecureBridge, _secure),
        Write(NameTables, _name_tables),
        Write(ReleaseBridge, _release),
    ),
)
