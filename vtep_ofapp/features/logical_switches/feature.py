"""Logical switches: flooding to their bindings, and their VNI in tunnels."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from ...engine.cause import Cause, RowOf
from ...engine.desired import NOTHING, Desired
from ...engine.feature import Feature, Owner
from ...engine.operator_view import Figure
from ...engine.topics import SwitchReplaced, Topic
from ...engine.view import View
from ...pipeline import flooding, tunnels
from ...pipeline.layout import MAX_BINDINGS
from ...process.settings import ANY
from ...values.faults import Fault
from ...values.rows import LogicalSwitch
from ..bindings.ports import BindingsChanged, Ports
from ..peers import Peer, PeerChanged, Peers, PeersHere
from ..presence import Presence
from .rows import LogicalSwitchChanged, LogicalSwitches, WholeLogicalSwitch
from .vni_mapping import VniMapping


@dataclass(frozen=True, slots=True)
class LocalFlooding:
    """The owner of the flood list of a logical switch's bindings."""

    logical_switch: UUID


@dataclass(frozen=True, slots=True)
class Vni:
    """The owner of the flows with a logical switch's own VNI."""

    logical_switch: UUID


# Desired states of owners


def _local_flooding(key: LocalFlooding, view: View) -> Desired:
    logical_switches = view[LogicalSwitches]
    number = logical_switches.number(key.logical_switch)
    if number is None or key.logical_switch not in view[Presence]:
        return NOTHING
    bindings = view[Ports].bindings_of(key.logical_switch)
    flows, groups = flooding.local(number, bindings)
    faults: tuple[Fault, ...] = ()
    if len(bindings) > MAX_BINDINGS:
        reason = f"it has {len(bindings)} bindings; only {MAX_BINDINGS} of them are flooded to"
        faults = (view.switch_fault(reason, logical_switches.name(key.logical_switch)),)
    return Desired(flows, groups, faults)


def _vni(key: Vni, view: View) -> Desired:
    row = view[LogicalSwitches].get(key.logical_switch)
    number = view[LogicalSwitches].number(key.logical_switch)
    if row is None or number is None or key.logical_switch not in view[Presence]:
        return NOTHING
    faults = tuple(_key_faults(row, view))
    vni = view[VniMapping].vni(key.logical_switch)
    if vni is None:
        return Desired(faults=faults)
    # Frames with the VNI from senders that no row names are admitted or dropped.
    from_others = (
        tunnels.decapsulation_from_anyone(vni, number)
        if view.settings.accept_from == ANY
        else tunnels.unnamed(vni)
    )
    return Desired((tunnels.encapsulation(number, vni), from_others), faults=faults)


def _key_faults(row: LogicalSwitch, view: View) -> Iterator[Fault]:
    subject = view[LogicalSwitches].name(row.uuid)
    vnis = view[VniMapping]
    others = vnis.sharing(row.uuid)
    peers = view[PeersHere].of(row.uuid)
    if row.refused:
        for reason in row.refused:
            yield view.switch_fault(reason, subject)
    elif others:
        reason = f"its tunnel key is also that of {', '.join(others)}; none of them uses it"
        yield view.switch_fault(reason, subject)
    elif row.tunnel_key is None and (not peers or any(vnis.key(peer) is None for peer in peers)):
        yield Fault(subject, "it has no tunnel key yet; it switches locally only")


# Why they are there


def _why_flooding(key: LocalFlooding, view: View) -> Iterator[Cause]:
    keys = sorted((each.port, each.vlan) for each in view[Ports].keys_of(key.logical_switch))
    where = ", ".join(f"{port} VLAN {vlan}" for port, vlan in keys) or "no VLAN of a port"
    rows = view[Ports].rows_of(key.logical_switch)
    yield Cause(
        f"{view[LogicalSwitches].name(key.logical_switch)} is bound here to {where}",
        tuple(RowOf("Physical_Port", row.uuid) for row in rows),
    )


def _why_vni(key: Vni, view: View) -> Iterator[Cause]:
    row, name = view[LogicalSwitches].get(key.logical_switch), view[LogicalSwitches].name
    if row is None:
        return
    tunnel_key = "no tunnel_key" if row.tunnel_key is None else f"tunnel_key {row.tunnel_key}"
    yield Cause(f"{name(row.uuid)} has {tunnel_key}", (RowOf("Logical_Switch", row.uuid),))


# Topics that invalidate the owners


def _row_changed(topic: LogicalSwitchChanged, view: View) -> Iterator[Topic]:
    """Invalidate a logical switch, and those whose VNI conflicts with its VNI, now or before."""
    yield LocalFlooding(topic.logical_switch)
    yield Vni(topic.logical_switch)
    for other in view[VniMapping].update(topic.logical_switch):
        yield Vni(other)
        yield from view[PeersHere].of(other)
    yield from map(PeerChanged, view[PeersHere].possible(topic.logical_switch))


def _peer_changed(topic: PeerChanged, view: View) -> Iterator[Topic]:
    yield topic.peer
    for other in view[VniMapping].update_at(topic.peer):
        yield Peer(other, topic.peer.address)


def _peer(peer: Peer, view: View) -> Iterator[Topic]:
    """Invalidate a logical switch without a VNI of its own: it depends on the VNIs of locators."""
    row = view[LogicalSwitches].get(peer.logical_switch)
    if row is not None and row.tunnel_key is None:
        yield Vni(peer.logical_switch)


def _all(topic: SwitchReplaced, view: View) -> Iterable[Topic]:
    """Invalidate all logical switches; those of a row without a former one are invalid already."""
    return map(WholeLogicalSwitch, list(view[Presence].all()) if topic.former else ())


def _vni_mapping(view: View) -> VniMapping:
    present = view[Presence]
    return VniMapping(view[LogicalSwitches], view[PeersHere], present)


FEATURE = Feature(
    indices=(LogicalSwitches, Peers),
    states=(PeersHere, _vni_mapping),
    owners=(
        Owner(LocalFlooding, _local_flooding, _why_flooding),
        Owner(Vni, _vni, _why_vni),
    ),
    invalidated_by={
        LogicalSwitchChanged: _row_changed,
        WholeLogicalSwitch: lambda topic, view: [LogicalSwitchChanged(topic.logical_switch)],
        BindingsChanged: lambda topic, view: [LocalFlooding(topic.logical_switch)],
        PeerChanged: _peer_changed,
        Peer: _peer,
        SwitchReplaced: _all,
    },
    figures=(
        Figure(
            "logical_switches",
            "Logical switches that are bound, or joined to such ones by routers.",
            lambda view: len(view[Presence].all()),
        ),
    ),
)
