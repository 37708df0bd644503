"""acl_bindings of the ports of one switch: which access lists judge the frames of each binding."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from ...engine.topics import Topic
from ...pipeline.acls import OF_PORT, OF_VLAN, Place
from ...values.rows import PhysicalPort
from ..bindings.ports import VlanBinding
from .uses import AclUses


@dataclass(frozen=True, slots=True)
class PortAcls:
    """The owner of the faults of acl_bindings of a port."""

    port: str


class AclBindings:
    """The acl_bindings of the ports of one switch, as they were last compared."""

    def __init__(self, uses: AclUses) -> None:
        self._uses = uses
        self._rows: dict[str, PhysicalPort] = {}

    def match(self, rows: Iterable[PhysicalPort]) -> Iterator[Topic]:
        """Compare the ports' rows with the former ones; yield the topics that they invalidate."""
        former, self._rows = self._rows, {row.name: row for row in rows}
        for name in former.keys() | self._rows.keys():
            before, after = former.get(name), self._rows.get(name)
            if _columns(before) != _columns(after):
                yield from self._port_changed(name, before, after)
        yield from self._uses.take_changed()

    def _port_changed(
        self, name: str, former: PhysicalPort | None, new: PhysicalPort | None
    ) -> Iterator[Topic]:
        self._uses.name(PortAcls(name), new.acl_bindings.values() if new else ())
        for vlan in {vlan for row in (former, new) if row for vlan in row.vlan_bindings}:
            binding = VlanBinding(name, vlan)
            judging = _judging(new, vlan) if new and vlan in new.vlan_bindings else {}
            if self._uses.judge(binding, judging):
                yield binding
        if any(row and row.acl_bindings for row in (former, new)):
            yield PortAcls(name)


def _judging(row: PhysicalPort, vlan: int) -> dict[Place, UUID]:
    """Return the access lists that judge the frames of a VLAN of a port, by their place.

    That of the whole port, key 0 of acl_bindings, has a place of its own only if the VLAN has
    another one: then a frame has to be permitted by both.
    """
    of_port = row.acl_bindings.get(0)
    of_vlan = row.acl_bindings.get(vlan) if vlan else None
    if of_port is not None and of_vlan not in (None, of_port):
        return {OF_PORT: of_port, OF_VLAN: of_vlan}
    one = of_port if of_vlan is None else of_vlan
    return {} if one is None else {OF_VLAN: one}


def _columns(row: PhysicalPort | None) -> tuple[object, ...] | None:
    """Return what is used of a row; unchanged columns are one object."""
    return (row.uuid, row.acl_bindings, row.vlan_bindings) if row else None
