"""Columns of Physical_Port that map VLANs to rows, written beside those who write there, too."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

PortKey = tuple[str, str]
"""The names of a switch and of its port."""


def put_bindings(
    switches: Iterable[Any],
    column: str,
    wanted: Mapping[PortKey, Mapping[int, str]],
    rows: Mapping[str, Any],
    ours: Collection[str],
    name: Callable[[Any], str],
) -> Iterator[str]:
    """Bind VLANs of all ports to `rows` by their names; yield what others have bound already.

    `ours` are the names of the rows that we made, now or before: their bindings are taken away
    where they are not `wanted`. `name` returns the name of a row.
    """
    for physical in switches:
        for port in physical.ports:
            to_be = wanted.get((physical.name, port.name), {})
            there = {vlan: name(row) for vlan, row in getattr(port, column).items()}
            for vlan in there.keys() - to_be.keys():
                if there[vlan] in ours:
                    port.delkey(column, vlan)
            for vlan, bound in to_be.items():
                if vlan in there and there[vlan] not in ours:
                    where = f"{column} {vlan} of {physical.name} {port.name}"
                    yield f"{where} belongs to {there[vlan]}, which is not ours"
                elif there.get(vlan) != bound:
                    port.setkey(column, vlan, rows[bound].uuid)
