"""acl_bindings of one switch: which access lists judge the frames of each binding."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from ...engine.topics import Topic
from ...pipeline.acls import EGRESS, INGRESS
from ...pipeline.layout import Table
from ...values.rows import PhysicalPort
from ..bindings.ports import VlanBinding

OF_PORT, OF_VLAN = 0, 1
"""The place of an access list: among INGRESS and EGRESS, the index of the table that has it.

That of a whole port, key 0 of acl_bindings, is in the tables of ports only if the VLAN has another
one: then a frame has to be permitted by both. Alone it is in the tables of VLANs.
"""
_PLACES = OF_PORT, OF_VLAN


@dataclass(frozen=True, slots=True)
class UseChanged:
    """An access list is bound at other places of the switch than before."""

    acl: UUID


@dataclass(frozen=True, slots=True)
class PortAcls:
    """The owner of the faults of acl_bindings of all ports."""


class AclBindings:
    """The access lists of the ports of one switch, and where each of them is used."""

    def __init__(self) -> None:
        self._rows: dict[str, PhysicalPort] = {}
        self._ports: defaultdict[UUID, set[str]] = defaultdict(set)
        self._bindings: defaultdict[UUID, set[VlanBinding]] = defaultdict(set)
        self._places: defaultdict[UUID, Counter[int]] = defaultdict(Counter)
        self._judging: dict[VlanBinding, Mapping[int, UUID]] = {}

    @property
    def are_used(self) -> bool:
        """Whether an access list judges frames of any binding."""
        return bool(self._judging)

    def names(self, acl: UUID) -> bool:
        """Whether a port names an access list."""
        return acl in self._ports

    def acls(self) -> Iterable[UUID]:
        """Return the access lists that ports name."""
        return self._ports.keys()

    def ports(self, acl: UUID) -> Iterable[str]:
        """Return the ports that name an access list."""
        return self._ports.get(acl, ())

    def bindings(self, acl: UUID) -> Iterable[VlanBinding]:
        """Return the bindings whose frames an access list judges."""
        return self._bindings.get(acl, ())

    def judging(self, binding: VlanBinding) -> Mapping[int, UUID]:
        """Return the access lists that judge the frames of a binding, by their place."""
        return self._judging.get(binding, {})

    def places(self, acl: UUID) -> frozenset[int]:
        """Return the places that an access list has."""
        return frozenset(self._places.get(acl, ()))

    def tables(self, acl: UUID, is_egress: bool) -> list[Table]:
        """Return the tables in which bindings use an access list in one direction."""
        places = self.places(acl)
        tables = EGRESS if is_egress else INGRESS
        return [tables[place] for place in _PLACES if place in places]

    def match(self, rows: Iterable[PhysicalPort]) -> Iterator[Topic]:
        """Compare the ports' rows with the former ones; yield the topics that they invalidate."""
        former, self._rows = self._rows, {row.name: row for row in rows}
        places: dict[UUID, tuple[bool, frozenset[int]]] = {}
        for name in former.keys() | self._rows.keys():
            before, after = former.get(name), self._rows.get(name)
            if _columns(before) == _columns(after):
                continue
            acls = _acls(before) | _acls(after)
            for acl in acls:
                places.setdefault(acl, self._where(acl))
            yield from self._port_changed(name, before, after)
            if acls:
                yield PortAcls()
        yield from (UseChanged(acl) for acl, before in places.items() if before != self._where(acl))

    def _port_changed(
        self, name: str, former: PhysicalPort | None, new: PhysicalPort | None
    ) -> Iterator[VlanBinding]:
        for acl in _acls(former) - _acls(new):
            self._ports[acl].discard(name)
            if not self._ports[acl]:
                del self._ports[acl]
        for acl in _acls(new):
            self._ports[acl].add(name)
        vlans = {vlan for row in (former, new) if row for vlan in row.vlan_bindings}
        for vlan in vlans:
            binding = VlanBinding(name, vlan)
            judging = _judging(new, vlan) if new and vlan in new.vlan_bindings else {}
            if judging != self.judging(binding):
                self._judge(binding, judging)
                yield binding

    def _judge(self, binding: VlanBinding, judging: Mapping[int, UUID]) -> None:
        for place, acl in self._judging.pop(binding, {}).items():
            self._bindings[acl].discard(binding)
            self._places[acl][place] -= 1
            if not self._places[acl][place]:
                del self._places[acl][place]
            if not self._bindings[acl]:
                del self._bindings[acl], self._places[acl]
        if judging:
            self._judging[binding] = judging
        for place, acl in judging.items():
            self._bindings[acl].add(binding)
            self._places[acl][place] += 1

    def _where(self, acl: UUID) -> tuple[bool, frozenset[int]]:
        return acl in self._ports, self.places(acl)


def _judging(row: PhysicalPort, vlan: int) -> dict[int, UUID]:
    """Return the access lists that judge the frames of a VLAN of a port, by their place."""
    of_port = row.acl_bindings.get(0)
    of_vlan = row.acl_bindings.get(vlan) if vlan else None
    if of_port is not None and of_vlan not in (None, of_port):
        return {OF_PORT: of_port, OF_VLAN: of_vlan}
    one = of_port if of_vlan is None else of_vlan
    return {} if one is None else {OF_VLAN: one}


def _acls(row: PhysicalPort | None) -> set[UUID]:
    return set(row.acl_bindings.values()) if row else set()


def _columns(row: PhysicalPort | None) -> tuple[object, ...] | None:
    """Return what is used of a row; unchanged columns are one object."""
    return (row.uuid, row.acl_bindings, row.vlan_bindings) if row else None
