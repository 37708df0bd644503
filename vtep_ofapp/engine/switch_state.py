"""The desired and the actual state of one managed switch, updated change by change.

Input are rows, ports and messages of the switch; output are desired flows, groups, tunnel ports and
rows. Each of these belongs to one owner (a binding, a station, a remote VTEP, ...). A change
invalidates owners, and only invalid owners are recomputed. Features declare the owners and the
changes that invalidate them.
"""

import logging
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, TypeAlias
from uuid import UUID

from ..process.settings import Settings
from ..values.counters import Counter
from ..values.events import PacketIn
from ..values.faults import Fault
from ..values.flows import FlowKey, Group
from ..values.packets import PacketOut
from ..values.rows import Bridge, PhysicalSwitch, TunnelPort
from .cause import Cause
from .desired import NOTHING, Desired, Key
from .desired_actual import DesiredActual
from .dirty import PARTS_PER_TURN, Dirty
from .feature import Clock, FlowWatcher
from .model import Model
from .needs import NO_TUNNELS, Addresses, TunnelUsers
from .owned import Owned, Source
from .switch_flows import SwitchFlows
from .topics import (
    BridgeChanged,
    SwitchReplaced,
    SwitchRowChanged,
    Topic,
    TunnelChanged,
    TunnelsWanted,
)
from .view import View

_Rows: TypeAlias = dict[type, DesiredActual[Any, Any]]
LOG = logging.getLogger("vtep_ofapp.managed")


class SwitchState:
    """A Physical_Switch and the bridge of the same name.

    ``flows``, ``groups``, ``tunnel_ports`` and the ``rows`` of each kind hold the desired and the
    actual state, ``owned`` the desired state by its owners.
    """

    def __init__(self, name: str, model: Model, settings: Settings, clock: Clock) -> None:
        tables = model.feature_tables
        self.name = name
        self.flows = SwitchFlows()
        self.groups: DesiredActual[int, Group] = DesiredActual()
        self.tunnel_ports: DesiredActual[str, TunnelPort] = DesiredActual()
        self.rows: _Rows = {kind: DesiredActual() for kind in tables.rows}
        self.view = View(name, settings, clock, model.known, self.rows, tables.steps)
        self._tables = tables
        self.owned = Owned(tables.owners)
        self._users = TunnelUsers()
        self._dirty = Dirty(
            {key: owner.pace for key, owner in tables.owners.items()},
            lambda key: tables.precedence(key, self.view),
        )
        self._packet_outs: list[PacketOut] = []
        for make in tables.states:
            state = make(self.view)
            self.view.add(state)
            if isinstance(state, FlowWatcher):
                self.flows.watchers.append(state)
        self.view.tunnels = self.view[tables.tunnels]
        self.invalidate(SwitchReplaced(None))

    # Queries

    @property
    def physical(self) -> PhysicalSwitch | None:
        """The Physical_Switch row, None while there is none."""
        return self.view.physical

    @property
    def bridge(self) -> Bridge | None:
        """The bridge, None while there is none."""
        return self.view.bridge

    @property
    def is_behind(self) -> bool:
        """Whether invalid owners, and the tunnels that they use, are left to recompute."""
        return self._dirty.is_behind

    def are_tunnels_up(self) -> bool:
        """Whether Open vSwitch has created every desired tunnel, or failed to."""
        return not any(map(self.view.tunnels.is_pending, self._users.wanted()))

    def because(self, key: Key) -> tuple[Cause, ...]:
        """Return why an owner desires what it does, or desires nothing."""
        owner = self._tables.owners[type(key)]
        return tuple(owner.because(key, self.view)) if self.view.physical else ()

    def next_due(self) -> float | None:
        """Return when the next timer expires, by the clock, None if none is running."""
        ends = (timer.end(self.view) for timer in self._tables.timers)
        return min((end for end in ends if end is not None), default=None)

    # Inputs

    def set_physical(self, physical: PhysicalSwitch | None) -> None:
        """Set the Physical_Switch row with its ports and tunnels, None if it is gone."""
        former, self.view.physical = self.view.physical, physical
        self.invalidate(SwitchRowChanged(former))
        if _identity(former) != _identity(physical):
            self._replace(former)

    def set_bridge(self, bridge: Bridge | None) -> None:
        """Set the bridge with its ports, None if it is gone."""
        former, self.view.bridge = self.view.bridge, bridge
        ours = [port for port in bridge.ports.values() if port.is_ours] if bridge else []
        self.tunnel_ports.have_only({port.name: TunnelPort.of(port) for port in ours})
        self.invalidate(BridgeChanged(former))

    def invalidate_all(self) -> None:
        """Invalidate all owners; those whose desired state is the same change nothing."""
        self._replace(self.view.physical)

    def _replace(self, former: PhysicalSwitch | None) -> None:
        self._dirty.add_all(chain.from_iterable(self.owned.of.values()))
        self.invalidate(SwitchReplaced(former))

    def invalidate(self, topic: Topic) -> None:
        """Invalidate what depends on a topic: the topic itself if it is an owner, and all that
        the features' listeners return for it. A PacketOut that they return is sent.
        """
        kind = type(topic)
        if kind in self.owned.of:
            self._dirty.add(topic)
        elif kind is TunnelChanged:
            self._dirty.add_all(self._users.take_waiting(topic.address))
        elif kind is PacketOut:
            self._packet_outs.append(topic)
        for listener in self._tables.listeners.get(kind, ()):
            for each in listener(topic, self.view):
                self.invalidate(each)

    def packet_in(self, packet: PacketIn) -> None:
        """Hand a packet-in to the features that declared its producer, in their order."""
        for take in self._tables.packets.get(packet.producer, ()):
            for topic in take(packet, self.view):
                self.invalidate(topic)

    def counted(self) -> tuple[int, ...]:
        """Return the cookies of further flows whose counters the features want."""
        return tuple(cookie for each in self._tables.counted for cookie in each(self.view))

    def count(self, counters: Mapping[FlowKey, Counter]) -> None:
        """Hand counters to the features; they are those of all flows that are counted."""
        for take in self._tables.counters:
            take(counters, self.view)

    def due(self) -> None:
        """Run the timers that have expired."""
        for timer in self._tables.timers:
            for topic in timer.due(self.view):
                self.invalidate(topic)

    def take_packet_outs(self) -> list[PacketOut]:
        """Return the packet-outs of features since the last call."""
        taken, self._packet_outs = self._packet_outs, []
        return taken

    # Desired state

    def recompute(self) -> Iterator[tuple[Source, tuple[Fault, ...]]]:
        """Recompute the invalid owners; yield the faults of those whose faults changed.

        Of the pace IN_PARTS it recomputes at most PARTS_PER_TURN.
        """
        changed: list[tuple[dict[Key, Desired], Key, Desired]] = []
        for key in self._take():
            kind = type(key)
            owners = self.owned.of[kind]
            former = owners.get(key, NOTHING)
            try:
                desired, needs = self._recompute(kind, key, former.uses)
            except Exception:
                LOG.exception("%s: a bug; this stays as it is: %s", self.name, key)
                continue
            self._users.put(key, former.uses, desired.uses, needs)
            if desired == former:
                continue
            owners[key] = desired
            changed.append((owners, key, desired))
            self._remove(former)
            if desired.faults != former.faults:
                yield (kind, key), desired.faults
        for owners, key, desired in changed:
            if owners.get(key) is desired:  # else it was recomputed once more
                self._add(desired)
                if desired == NOTHING:
                    del owners[key]

    def _recompute(self, kind: type, key: Key, former: Addresses) -> tuple[Desired, Addresses]:
        if self.view.physical is None:
            return NOTHING, NO_TUNNELS
        return self._tables.owners[kind].recompute(key, self.view, former)

    def _take(self) -> Iterator[Key]:
        """Yield the invalid owners; the desired tunnels are known before those that come last."""
        room = PARTS_PER_TURN
        while True:
            room = yield from self._dirty.take(room)
            if self._dirty.is_behind:
                return
            wanted = self._users.take_changed()
            if wanted:
                self.invalidate(TunnelsWanted(frozenset(wanted)))
            last = self._dirty.take_last()
            if not last and not wanted:
                return
            yield from last

    def _add(self, desired: Desired) -> None:
        for flow in desired.flows:
            self.flows.want(flow.key, flow)
        for group in desired.groups:
            self.groups.want(group.id, group)
        for name, port in desired.ports:
            self.tunnel_ports.want(name, port)
        for key, row in desired.rows:
            self.rows[type(key)].want(key, row)
            self.invalidate(key)

    def _remove(self, former: Desired) -> None:
        for flow in former.flows:
            if self.flows.wanted.get(flow.key) is flow:  # else another owner has taken it over
                self.flows.want(flow.key, None)
        for group in former.groups:
            self.groups.want(group.id, None)
        for name, _ in former.ports:
            self.tunnel_ports.want(name, None)
        for key, _ in former.rows:
            self.rows[type(key)].want(key, None)


def _identity(physical: PhysicalSwitch | None) -> tuple[UUID, tuple[str, ...]] | None:
    return (physical.uuid, physical.tunnel_ips) if physical else None
