"""BUM frames to remote VTEPs: rows of Mcast_Macs_Remote to flows and groups."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID, uuid5

from ..engine.cause import Cause, RowOf
from ..engine.desired import NOTHING, Desired
from ..engine.feature import Feature, Index, TunnelUser
from ..engine.needs import Addresses, Choice
from ..engine.stable_ids import StableIds
from ..engine.topics import Topic, TunnelChanged
from ..engine.view import View
from ..pipeline import flooding
from ..values.addresses import UNKNOWN_DST
from ..values.faults import PATIENCE, Fault
from ..values.rows import RemoteMcastMac
from .logical_switches.rows import LogicalSwitchChanged, LogicalSwitches
from .logical_switches.vni_mapping import VniMapping
from .peers import Peer, Peers
from .presence import Presence
from .tunnels.ports import Tunnels


@dataclass(frozen=True, slots=True)
class Replication:
    """The owner of a logical switch's flood list of remote VTEPs (unknown-dst)."""

    logical_switch: UUID


@dataclass(frozen=True, slots=True)
class Multicast:
    """The owner of the remote VTEPs of a multicast address of a logical switch."""

    logical_switch: UUID
    mac: str


class McastSets(Index):
    """The rows of Mcast_Macs_Remote, and the number of each multicast address in the pipeline."""

    ROWS = (RemoteMcastMac,)

    def __init__(self) -> None:
        self.ids = StableIds()
        self._in: defaultdict[UUID, dict[UUID, RemoteMcastMac]] = defaultdict(dict)
        self._numbered: dict[UUID, Multicast] = {}

    def rows(self, logical_switch: UUID, mac: str = UNKNOWN_DST) -> list[RemoteMcastMac]:
        """Return the rows of a multicast address or of unknown-dst."""
        return [row for row in self._in.get(logical_switch, {}).values() if row.mac == mac]

    def addresses(self, logical_switch: UUID, mac: str = UNKNOWN_DST) -> Addresses:
        """Return the addresses of all rows()."""
        rows = self.rows(logical_switch, mac)
        return frozenset(locator.address for row in rows for locator in row.locators)

    def left_out(self, logical_switch: UUID, mac: str = UNKNOWN_DST) -> list[str]:
        """Return the reasons why locators of rows() are not used."""
        return sorted(reason for row in self.rows(logical_switch, mac) for reason in row.refused)

    def multicasts(self, logical_switch: UUID) -> set[Multicast]:
        """Return the multicast addresses that the NVC names in a logical switch."""
        macs = {row.mac for row in self._in.get(logical_switch, {}).values()} - {UNKNOWN_DST}
        return {Multicast(logical_switch, mac) for mac in macs}

    def number(self, multicast: Multicast) -> int | None:
        """Return the number of a multicast address in its logical switch, None if it has no row."""
        id = _id(multicast)
        return self.ids.number(id) if id in self._numbered else None

    def row_changed(self, former: RemoteMcastMac | None, new: RemoteMcastMac | None) -> set[Topic]:
        """Handle a changed row; return the topics that it invalidates."""
        topics: set[Topic] = set()
        if former is not None:
            rows = self._in[former.logical_switch]
            del rows[former.uuid]
            if not rows:
                del self._in[former.logical_switch]
        if new is not None:
            self._in[new.logical_switch][new.uuid] = new
        for row in (former, new):
            if row is not None and row.mac == UNKNOWN_DST:
                topics.add(Replication(row.logical_switch))
            elif row is not None:
                multicast = Multicast(row.logical_switch, row.mac)
                topics |= {multicast, *self._number(multicast)}
        return topics

    def _number(self, multicast: Multicast) -> list[Multicast]:
        """Number a multicast address while it has rows; return the addresses renumbered by it."""
        id, is_named = _id(multicast), bool(self.rows(multicast.logical_switch, multicast.mac))
        if is_named == (id in self._numbered):
            return []
        if is_named:
            self._numbered[id] = multicast
            changed = self.ids.add(id)
        else:
            del self._numbered[id]
            changed = self.ids.remove(id)
        return [self._numbered[each] for each in changed]


def _id(multicast: Multicast) -> UUID:
    return uuid5(multicast.logical_switch, multicast.mac)


# Unknown destinations


def _replication(key: Replication, view: View, choose: Choice) -> Desired:
    logical_switch = key.logical_switch
    number = view[LogicalSwitches].number(logical_switch)
    if number is None or logical_switch not in view[Presence]:
        return NOTHING
    addresses, source_node = named(logical_switch, UNKNOWN_DST, view)
    targets = choose(_usable(logical_switch, addresses, view))
    flows, groups = flooding.replicated(number, _numbers(targets, view), source_node)
    faults = (
        *_set_faults(logical_switch, UNKNOWN_DST, view),
        *_health_faults(logical_switch, targets, source_node, view),
        *_flooding_faults(logical_switch, view),
    )
    return Desired(flows, groups, faults, uses=targets)


def _health_faults(
    logical_switch: UUID, targets: Addresses, source_node: bool, view: View
) -> Iterator[Fault]:
    up = _numbers(targets, view)
    if up and all(view[Tunnels].is_dead(each) for each in up) and not source_node:
        reason = "all its service nodes are down by BFD; frames still go to one of them"
        yield Fault(view[LogicalSwitches].name(logical_switch), reason)


def _flooding_faults(logical_switch: UUID, view: View) -> Iterator[Fault]:
    """Yield a fault if rows name remote VTEPs and BUM frames reach none of them."""
    if (
        not view.settings.flood_without_unknown_dst
        and not view[McastSets].rows(logical_switch)
        and not all(map(view.tunnels.is_own, view[Peers].addresses(logical_switch)))
    ):
        reason = (
            "rows name remote VTEPs and there is no unknown-dst in Mcast_Macs_Remote, so that "
            "broadcast and unknown unicast reach none of them; if the NVC never writes one, set "
            "flood_without_unknown_dst"
        )
        yield Fault(view[LogicalSwitches].name(logical_switch), reason, patience=PATIENCE)


# Multicast addresses


def _multicast(key: Multicast, view: View, choose: Choice) -> Desired:
    logical_switch, mac = key.logical_switch, key.mac
    of, number = view[LogicalSwitches].number(logical_switch), view[McastSets].number(key)
    if of is None or number is None or logical_switch not in view[Presence]:
        return NOTHING
    addresses, source_node = named(logical_switch, mac, view)
    targets = choose(_usable(logical_switch, addresses, view))
    flows, groups = flooding.multicast(of, number, mac, _numbers(targets, view), source_node)
    return Desired(flows, groups, tuple(_set_faults(logical_switch, mac, view)), uses=targets)


# Both


def named(logical_switch: UUID, mac: str, view: View) -> tuple[Addresses, bool]:
    """Return the VTEPs that rows name for unknown-dst or a multicast address.

    The second value is whether frames go to all of them (source node) or to one (service node).
    """
    addresses = view[McastSets].addresses(logical_switch, mac)
    if mac == UNKNOWN_DST and not addresses and view.settings.flood_without_unknown_dst:
        return frozenset(view[Peers].addresses(logical_switch)), True
    return addresses, view[LogicalSwitches].source_node_replication(logical_switch)


def _usable(logical_switch: UUID, addresses: Addresses, view: View) -> Addresses:
    """Return the addresses that can receive frames.

    Our own are left out, because NVCs list all members of a set. So are VTEPs without a VNI, where
    the VNIs are those of locators.
    """
    row = view[LogicalSwitches].get(logical_switch)
    remote = (each for each in addresses if not view.tunnels.is_own(each))
    if row is not None and row.tunnel_key is not None:
        return frozenset(remote)
    vnis = view[VniMapping]
    return frozenset(
        each for each in remote if vnis.vni_towards(Peer(logical_switch, each)) is not None
    )


def _numbers(targets: Addresses, view: View) -> dict[str, int]:
    """Return the OpenFlow ports of the tunnels that are up, by address."""
    numbers = ((address, view[Tunnels].number(address)) for address in targets)
    return {address: number for address, number in numbers if number is not None}


def _set_faults(logical_switch: UUID, mac: str, view: View) -> list[Fault]:
    subject = f"Mcast_Macs_Remote {mac} in {view[LogicalSwitches].name(logical_switch)}"
    return [
        view.switch_fault(reason, subject)
        for reason in view[McastSets].left_out(logical_switch, mac)
    ]


# Why they are there


def _why_replication(key: Replication, view: View) -> Iterator[Cause]:
    logical_switch = key.logical_switch
    yield from _why_set(logical_switch, UNKNOWN_DST, view)
    if view[McastSets].addresses(logical_switch):
        return
    name, row = view[LogicalSwitches].name(logical_switch), RowOf("Logical_Switch", logical_switch)
    if view.settings.flood_without_unknown_dst:
        what = "has no unknown-dst, and flood_without_unknown_dst sends BUM frames to every VTEP"
        yield Cause(
            f"{name} {what} that rows name: {_listed(view[Peers].of(logical_switch))}", (row,)
        )
    else:
        yield Cause(f"{name} has no unknown-dst, so BUM frames reach no remote VTEP", (row,))


def _listed(peers: Iterable[Peer]) -> str:
    return ", ".join(sorted(peer.address for peer in peers)) or "none"


def _why_multicast(key: Multicast, view: View) -> Iterator[Cause]:
    return _why_set(key.logical_switch, key.mac, view)


def _why_set(logical_switch: UUID, mac: str, view: View) -> Iterator[Cause]:
    """Yield the rows that name the VTEPs of an address, and the mode that selects among them."""
    logical_switches = view[LogicalSwitches]
    name = logical_switches.name(logical_switch)
    for row in view[McastSets].rows(logical_switch, mac):
        to = ", ".join(sorted({locator.address for locator in row.locators})) or "no VTEP"
        what = f"the NVC sends frames for {mac} in {name} to {to}"
        yield Cause(what, (RowOf("Mcast_Macs_Remote", row.uuid),))
    is_source = logical_switches.source_node_replication(logical_switch)
    mode = "every one of them (source_node)" if is_source else "one of them (service_node)"
    if view[McastSets].rows(logical_switch, mac):
        yield Cause(f"{name} sends to {mode}", (RowOf("Logical_Switch", logical_switch),))


# Topics that invalidate the owners


def _all_of(logical_switch: UUID, view: View) -> Iterator[Topic]:
    yield Replication(logical_switch)
    yield from view[McastSets].multicasts(logical_switch)


def _row_changed(topic: LogicalSwitchChanged, view: View) -> Iterable[Topic]:
    return _all_of(topic.logical_switch, view)


def _peer(peer: Peer, view: View) -> Iterator[Topic]:
    """Invalidate owners that depend on the VNI towards a VTEP, or on whether rows name one."""
    row = view[LogicalSwitches].get(peer.logical_switch)
    if view.settings.flood_without_unknown_dst or (row and row.tunnel_key is None):
        yield from _all_of(peer.logical_switch, view)
    elif not view[McastSets].rows(peer.logical_switch):
        yield Replication(peer.logical_switch)


def _tunnel_changed(topic: TunnelChanged, view: View) -> Iterator[Topic]:
    for logical_switch in view[Peers].naming(topic.address):
        yield from _all_of(logical_switch, view)


FEATURE = Feature(
    indices=(McastSets,),
    owners=(
        TunnelUser(Replication, _replication, _why_replication),
        TunnelUser(Multicast, _multicast, _why_multicast),
    ),
    invalidated_by={
        LogicalSwitchChanged: _row_changed,
        Peer: _peer,
        TunnelChanged: _tunnel_changed,
    },
)
