"""Tunnels: their ports, the flows to and from these ports, and the Tunnel rows."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ...engine.cause import Cause, RowOf
from ...engine.desired import NOTHING, Desired
from ...engine.dirty import Pace
from ...engine.feature import Feature, Owner, Timer
from ...engine.operator_view import Figure, Limit
from ...engine.topics import (
    BridgeChanged,
    SwitchReplaced,
    SwitchRowChanged,
    Topic,
    TunnelChanged,
    TunnelsWanted,
)
from ...engine.view import View
from ...pipeline import tunnels
from ...values.addresses import only
from ...values.faults import Fault, FaultWord
from ...values.rows import ANYONE, BridgePort, TunnelReport, VxlanPort
from ..arp_sources.rows import ArpSources, SourcesAt
from ..logical_switches.rows import LogicalSwitches, WholeLogicalSwitch
from ..logical_switches.vni_mapping import VniMapping
from ..peers import Peer, Peers, PeersHere
from ..presence import Presence
from . import bfd, rows
from .conditions import TunnelConditions
from .ports import Tunnels
from .rows import TunnelRows, TunnelTo
from .unnamed_senders import Unnamed
from .unused_rows import UnusedTunnelRows
from .vxlan_ports import FixedKeys, VxlanPortsAre


@dataclass(frozen=True, slots=True)
class Tunnel:
    """The owner of the tunnel to a remote VTEP."""

    address: str


@dataclass(frozen=True, slots=True)
class AnySender:
    """The owner of the ports that receive frames from VTEPs that no row names."""


# A remote VTEP of a logical switch


def _is_peer(peer: Peer, view: View) -> bool:
    """Whether rows name the address for a logical switch that is bound here."""
    return (
        peer.logical_switch in view[Presence]
        and view[PeersHere].is_peer(peer)
        and not view.tunnels.is_own(peer.address)
    )


def _peer(key: Peer, view: View) -> Desired:
    if not _is_peer(key, view):
        return NOTHING
    number = view[LogicalSwitches].number(key.logical_switch)
    if number is None:
        return Desired(uses=only(key.address))
    vnis = view[VniMapping]
    vni, common = vnis.vni_towards(key), vnis.vni(key.logical_switch)
    flows = []
    # A logical switch's own VNI has one flow for all VTEPs that only route, see RoutedSwitch.
    if vni is not None and not (vni == common and view[PeersHere].only_routes(key)):
        flows.append(tunnels.decapsulation(key.address, vni, number))
    if vni != common:
        flows.append(tunnels.encapsulation_towards(number, key.address, vni))
    if vni is None and common is not None:
        flows.append(tunnels.decapsulation_of_contested(key.address, common))
    return Desired(tuple(flows), faults=tuple(_peer_faults(key, view)), uses=only(key.address))


def _peer_faults(key: Peer, view: View) -> Iterator[Fault]:
    logical_switches, vnis = view[LogicalSwitches], view[VniMapping]
    subject = logical_switches.name(key.logical_switch)
    row = logical_switches.get(key.logical_switch)
    own = row.tunnel_key if row else None
    others = vnis.sharing_at(key)
    if others and not vnis.sharing(key.logical_switch):
        reason = (
            f"its key at {key.address} is also that of {', '.join(others)}; "
            "none of them uses it there"
        )
        yield view.switch_fault(reason, subject)
    keys = {
        each.tunnel_key for each in view[PeersHere].locators(key) if each.tunnel_key is not None
    }
    if own is None and len(keys) > 1:
        reason = f"its locators for {key.address} have several keys; only the least is used"
        yield view.switch_fault(reason, subject)
    elif own is not None and keys - {own}:
        further = ", ".join(map(str, sorted(keys - {own})))
        reason = (
            f"its own key {own} is used towards {key.address}, and not the key {further} of the "
            "locator; vtep(5) has one or the other"
        )
        yield Fault(subject, reason)


def _why_peer(key: Peer, view: View) -> Iterator[Cause]:
    name = view[LogicalSwitches].name(key.logical_switch)
    count, locators = view[Peers].count(key), sorted(view[Peers].locators(key))
    if count:
        rows, say = ("1 row", "names") if count == 1 else (f"{count} rows", "name")
        yield Cause(
            f"{rows} of Ucast_Macs_Remote and Mcast_Macs_Remote {say} {key.address} for {name}",
            tuple(RowOf("Physical_Locator", locator.uuid) for locator in locators),
        )
    if view[PeersHere].routes(key):
        sources = view[ArpSources].rows_at(key.address)
        what = f"{name} has a router, and {key.address} is a VTEP that routes"
        yield Cause(what, tuple(RowOf(row.table, row.uuid) for row in sources))
    elif not count:
        return
    if key.logical_switch not in view[Presence]:
        yield Cause(f"{name} has no binding here", (RowOf("Logical_Switch", key.logical_switch),))


# A tunnel


def _tunnel(key: Tunnel, view: View) -> Desired:
    address, state = key.address, view[Tunnels]
    local = view.physical.tunnel_ip if view.physical else None
    if local is None or not state.is_wanted(address):
        return NOTHING
    if state.is_taken(address):
        reason = f"no tunnel to {address}: someone else has a port with the name for it"
        return Desired(faults=(view.switch_fault(reason),))
    if state.is_refused(address):
        reason = f"no tunnel to {address}: there are {view.settings.max_tunnels} already"
        return Desired(faults=(view.switch_fault(reason, word=FaultWord.TUNNEL_EXHAUSTION),))
    settings, problems = view[TunnelRows].bfd_settings(address)
    routes = view[ArpSources].is_at(address)
    flows = [tunnels.incoming(address, number, routes) for number in state.numbers(address)]
    number = state.number(address)
    if number is not None:
        flows.append(tunnels.outgoing(address, number))
    if number is not None and settings:
        flows.append(tunnels.incoming_bfd(address, number, settings["bfd_src_ip"], routes))
    users = users_of(address, view)
    port = state.port(address)
    faults = [view.switch_fault(f"tunnel to {address}: {problem}") for problem in problems]
    if port is not None and port.error:
        reason = f"Open vSwitch cannot make the tunnel to {address}: {port.error}"
        faults.append(view.switch_fault(reason))
    return Desired(
        tuple(flows),
        faults=(*faults, *_taken_faults(address, view)),
        rows=tuple(_rows(users, _report(local, settings, port), view)),
        ports=state.ports(address, settings),
    )


def users_of(address: str, view: View) -> list[Peer]:
    """Return the logical switches that use a remote VTEP."""
    named = (Peer(each, address) for each in view[PeersHere].naming(address))
    return [peer for peer in named if _is_peer(peer, view)]


def _report(local: str, settings: dict[str, str], port: BridgePort | None) -> TunnelReport:
    """Return our columns of a Tunnel row: the local end, and BFD where ``settings`` enable it."""
    if not settings or port is None:
        return TunnelReport(local, bfd.CONFIG_LOCAL, {})
    status = bfd.failed(port.error) if port.error else bfd.status(port.bfd_status)
    return TunnelReport(local, bfd.CONFIG_LOCAL, status)


def _rows(
    users: list[Peer], report: TunnelReport, view: View
) -> Iterator[tuple[TunnelTo, TunnelReport]]:
    """Yield a Tunnel row for each locator by which rows name the VTEP."""
    locators = {locator.uuid for user in users for locator in view[PeersHere].locators(user)}
    return ((TunnelTo(locator), report) for locator in sorted(locators))


def taking(address: str, view: View) -> Iterator[VxlanPort]:
    """Yield the ports with a fixed key that receive packets of a tunnel. BFD packets have key 0."""
    local = view.tunnel_ip
    if local is None:
        return
    ports = [each for each in view[FixedKeys].ports if each.takes(address, local, each.key or 0)]
    if not ports:  # the normal case
        return
    vnis = {view[VniMapping].vni_towards(user) for user in users_of(address, view)}
    if view[TunnelRows].bfd_settings(address)[0]:
        vnis.add(0)
    yield from (port for port in ports if port.key in vnis)


def _taken_faults(address: str, view: View) -> Iterator[Fault]:
    for port in taking(address, view):
        sender = f"from {address}" if port.remote else "from every VTEP"
        reason = (
            f"VXLAN port {port.name} of bridge {port.bridge} takes the packets with key "
            f"{port.key} that come {sender}: ovs-vsctl del-port {port.bridge} {port.name}, "
            "or if ovs-vtep left it, python -m vtep_ofapp.cleanup --ovs-vtep"
        )
        yield view.switch_fault(reason)


def _why_tunnel(key: Tunnel, view: View) -> Iterator[Cause]:
    users = sorted(users_of(key.address, view), key=lambda user: user.logical_switch)
    for user in users:
        yield from _why_peer(user, view)
    if not users and view[Tunnels].is_wanted(key.address):
        yield Cause("no row names it any longer; frames use it until another tunnel is up")
    for row in view[TunnelRows].to(key.address):
        enabled = "enables" if row.bfd_params.get("enable") == "true" else "does not enable"
        yield Cause(f"bfd_params {enabled} BFD", (RowOf("Tunnel", row.uuid),))


# VTEPs that no row names


def _any_sender(key: AnySender, view: View) -> Desired:
    """Receive frames from VTEPs without a tunnel port, while a logical switch is present here.

    Of several bridges with one tunnel IP only one can have such a port. This is not shown in their
    fault columns, because frames from the VTEPs that rows name reach each of them. The port does
    not count for max_tunnels, and nothing waits for it.
    """
    state = view[Tunnels]
    if view.physical is None or not view.physical.tunnel_ips or not view[Presence].all():
        return NOTHING
    if state.is_taken(ANYONE):
        reason = "frames from VTEPs that no row names do not come in here: someone else has a "
        fault = Fault(view.subject, f"{reason}port with the name for their tunnel")
        return Desired(faults=(fault,))
    faults = (
        Fault(
            view.subject,
            f"frames to {port.local} from VTEPs that no row names do not come in here: "
            f"another bridge of this host may have that tunnel IP ({port.error})",
        )
        for port in state.refused_to_anyone()
    )
    return Desired(
        tuple(map(tunnels.incoming_from_anyone, state.numbers(ANYONE))),
        faults=tuple(faults),
        ports=state.ports(ANYONE, {}),
    )


def _why_any_sender(key: AnySender, view: View) -> Iterator[Cause]:
    bound = tuple(RowOf("Logical_Switch", each) for each in sorted(view[Presence].all()))
    what = "logical switches are bound here" if bound else "no logical switch is bound here"
    yield Cause(f"frames from VTEPs that no row names are admitted or counted while {what}", bound)


# Topics that invalidate the owners


def _owners(addresses: Iterable[str]) -> Iterator[Topic]:
    """Yield the owners of the tunnels to these addresses; ANYONE may be one of them."""
    for address in addresses:
        yield AnySender() if address == ANYONE else Tunnel(address)


def _switch_row_changed(topic: SwitchRowChanged, view: View) -> Iterable[Topic]:
    view[Tunnels].set_locals(view.physical.tunnel_ips if view.physical else ())
    view[TunnelConditions].note_all()
    rows.read(view)
    return _owners(view[TunnelRows].take(view.physical))


def _bridge_changed(topic: BridgeChanged, view: View) -> Iterator[Topic]:
    ports = view.bridge.ports.values() if view.bridge else ()
    changed = view[Tunnels].set_ports(ports)
    changed |= view[Tunnels].choose()
    view[TunnelConditions].note(changed)
    for address in changed:
        yield TunnelChanged(address)


def _wanted(topic: TunnelsWanted, view: View) -> Iterator[Topic]:
    yield from _owners(topic.addresses)
    changed = view[Tunnels].want(topic.addresses)
    view[TunnelConditions].note(changed | topic.addresses)
    yield from map(TunnelChanged, changed)


def _vxlan_ports(topic: VxlanPortsAre, view: View) -> Iterator[Topic]:
    changed = view[FixedKeys].take(topic.ports)
    if changed is None:
        return
    view[Tunnels].retries.reconsider()
    for port in changed:
        yield from _owners([port.remote] if port.remote else view[Tunnels].wanted())


def _count_forwarding(view: View) -> int:
    conditions = map(view[TunnelConditions].of, view[Tunnels].wanted())
    return sum(each is not None and each.forwards for each in conditions)


FEATURE = Feature(
    states=(
        lambda view: Tunnels(view.name, view.settings.max_tunnels, view.clock),
        lambda view: TunnelConditions(view[Tunnels], view.clock),
        lambda view: TunnelRows(),
        lambda view: UnusedTunnelRows(view.name, view.clock),
        lambda view: FixedKeys(),
        lambda view: Unnamed(view.name, view[VniMapping].names_with, view.clock),
    ),
    owners=(
        Owner(Peer, _peer, _why_peer),
        Owner(AnySender, _any_sender, _why_any_sender),
        Owner(Tunnel, _tunnel, _why_tunnel, Pace.LAST),
    ),
    invalidated_by={
        SwitchRowChanged: _switch_row_changed,
        SwitchReplaced: lambda topic, view: [AnySender()],
        BridgeChanged: _bridge_changed,
        TunnelChanged: lambda topic, view: _owners([topic.address]),
        TunnelsWanted: _wanted,
        SourcesAt: lambda topic, view: [Tunnel(topic.address)],
        TunnelTo: rows.wanted,
        Peer: lambda peer, view: [Tunnel(peer.address)],
        WholeLogicalSwitch: lambda topic, view: [AnySender()],
        VxlanPortsAre: _vxlan_ports,
    },
    counters=(lambda counters, view: view[Unnamed].count(counters),),
    figures=(
        Figure("tunnels", "Tunnels that are wanted.", lambda view: len(view[Tunnels].wanted())),
        Figure("tunnels_forwarding", "Tunnels by which frames can leave.", _count_forwarding),
    ),
    limits=(Limit("max_tunnels", lambda view: [("tunnels", len(view[Tunnels].wanted()))]),),
    timers=(
        Timer(
            lambda view: view[Tunnels].retries.next_due(),
            lambda view: _owners(view[Tunnels].retries.take_due()),
        ),
        Timer(lambda view: view[UnusedTunnelRows].next_end(), lambda view: ()),
    ),
    rows=(TunnelTo,),
    reports=(rows.report,),
    tunnels=Tunnels,
    precedence=lambda tunnel, view: view[Tunnels].precedence(tunnel.address),
)
