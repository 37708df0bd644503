"""Logical_Switch: the name, the VNI and the replication mode of each."""

from typing import Any

from ...values.addresses import Invalid, parse_vni
from ...values.rows import LogicalSwitch
from ..declarations import Group, Table
from ..schemas import NEEDED, SET


def _read(row: Any) -> LogicalSwitch:
    keys: list[int] = row.tunnel_key
    key, refused = None, []
    try:
        key = parse_vni(keys[0]) if keys else None
    except Invalid as error:
        refused.append(str(error))
    is_source_node = row.replication_mode == ["source_node"]
    return LogicalSwitch(row.uuid, row.name, key, is_source_node, tuple(refused))


GROUP = Group(
    tables=(
        Table(
            "Logical_Switch",
            {"name": NEEDED, "tunnel_key": NEEDED, "replication_mode": SET},
            read=_read,
        ),
    )
)
