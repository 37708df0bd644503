"""The columns that name access lists: acl_bindings of ports, and acl_binding of routers."""

import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from ...engine.cause import RowOf
from ...engine.view import View
from ...values.addresses import Invalid, parse_vlan
from ..bindings.ports import Ports, port_subject
from ..routers.here import RoutersHere
from ..routers.rows import Routers
from .bindings import PortAcls
from .interfaces import InterfaceAcls, RouterAcls
from .uses import AclUses, Namer


class Column(NamedTuple):
    """A column that names access lists by keys: of a port VLANs, of a router addresses.

    ``places`` are the keys in words. ``refused`` are keys that cannot be used, with the reason.
    """

    name: str
    row: RowOf
    subject: str
    acls: Mapping[Any, UUID]
    places: Mapping[Any, str]
    refused: Mapping[Any, str]

    def keys(self, acl: UUID) -> list[Any]:
        """Return the keys that have an access list."""
        return sorted(key for key, each in self.acls.items() if each == acl)

    def without(self, key: Any) -> str:
        """Return the command that removes a key."""
        text = str(key) if isinstance(key, int) else shlex.quote(json.dumps(key))
        return f"vtep-ctl remove {self.row.table} {self.row.uuid} {self.name} {text}"


def column(namer: Namer, view: View) -> Column | None:
    """Return the column of a port or a router, None if the switch does not use it."""
    return _COLUMNS[type(namer)](namer, view)


def naming(acl: UUID, view: View) -> Iterator[Column]:
    """Yield the columns that name an access list, by their subjects."""
    found = (column(namer, view) for namer in tuple(view[AclUses].namers(acl)))
    yield from sorted((each for each in found if each), key=lambda each: each.subject)


def _of_port(namer: PortAcls, view: View) -> Column | None:
    row = view[Ports].row(namer.port)
    if row is None:
        return None
    places = {vlan: f"{row.name} VLAN {vlan}" if vlan else row.name for vlan in row.acl_bindings}
    shown = RowOf("Physical_Port", row.uuid)
    subject = port_subject(row.name, view)
    refused = dict(_refused_vlans(row.acl_bindings))
    return Column("acl_bindings", shown, subject, row.acl_bindings, places, refused)


def _refused_vlans(vlans: Mapping[int, UUID]) -> Iterator[tuple[int, str]]:
    for vlan in vlans:
        try:
            parse_vlan(vlan)
        except Invalid as error:
            yield vlan, str(error)


def _of_router(namer: RouterAcls, view: View) -> Column | None:
    row = view[Routers].row(namer.router)
    if row is None or namer.router not in view[RoutersHere].routers():
        return None
    places = {key: f"{row.name} {key}" for key in row.acls}
    refused = {each.key: each.reason for each in view[InterfaceAcls].binding(row.uuid).refused}
    shown = RowOf("Logical_Router", row.uuid)
    subject = view[RoutersHere].name(row.uuid)
    return Column("acl_binding", shown, subject, row.acls, places, refused)


_COLUMNS: Mapping[type, Callable[[Any, View], Column | None]] = {
    PortAcls: _of_port,
    RouterAcls: _of_router,
}
