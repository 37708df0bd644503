"""The remote VTEPs that receive BUM frames now, each with the reason, for people."""

from collections.abc import Iterator
from typing import NamedTuple

from ..engine.needs import Addresses
from ..engine.view import View
from ..pipeline import flooding
from ..values.addresses import UNKNOWN_DST
from .logical_switches.rows import LogicalSwitches
from .logical_switches.vni_mapping import VniMapping
from .peers import Peer
from .replication import McastSets, Multicast, Replication, named
from .tunnels.conditions import Condition, TunnelConditions
from .tunnels.ports import Tunnels


class Target(NamedTuple):
    """A remote VTEP of a flood list: whether it receives frames now, and why, or why not."""

    address: str
    receives: bool
    reason: str


def targets(key: Replication | Multicast, used: Addresses, view: View) -> Iterator[Target]:
    """Yield the VTEPs of unknown-dst or of a multicast address by address.

    ``used`` are the tunnels that its owner uses, see engine/needs.py.
    """
    logical_switch = key.logical_switch
    mac = UNKNOWN_DST if isinstance(key, Replication) else key.mac
    addresses, source_node = named(logical_switch, mac, view)
    obstacles = {each: _obstacle(Peer(logical_switch, each), view) for each in addresses | used}
    usable = {each for each in used if obstacles[each] is None}
    one = None if source_node else _service_node(key, usable, view)
    for address in sorted(obstacles):
        obstacle = obstacles[address]
        if obstacle is not None:
            yield Target(address, False, obstacle)
        elif address not in used:
            yield Target(address, False, "its tunnel is not used yet")
        elif address not in addresses:
            reason = "no row names it any longer; it is used until another tunnel is up"
            yield Target(address, source_node or address == one, reason)
        elif source_node:
            yield Target(address, True, _in_source_node(address, view))
        else:
            yield Target(address, address == one, _in_service_node(address, one, view))


def _obstacle(peer: Peer, view: View) -> str | None:
    """Return the reason why frames of a logical switch cannot reach a VTEP, None if they can."""
    if view.tunnels.is_own(peer.address):
        return "it is an address of this switch"
    vnis = view[VniMapping]
    has_row = vnis.key(peer) is not None
    if (vnis.vni_towards(peer) if has_row else vnis.vni(peer.logical_switch)) is None:
        return "there is no VNI towards it"
    known = view[TunnelConditions].of(peer.address)
    if known is None:
        return "no tunnel to it is wanted"
    state = known.tunnel.value
    return None if state.condition is Condition.UP else f"tunnel {state}"


def _service_node(key: Replication | Multicast, usable: set[str], view: View) -> str | None:
    """Return the service node that a fast failover group selects, None if there is none."""
    if isinstance(key, Multicast):
        number = view[McastSets].number(key)
    else:
        number = view[LogicalSwitches].number(key.logical_switch)
    preferred = flooding.service_nodes(number or 0, usable)
    alive = (each for each in preferred if not view[Tunnels].is_dead(each))
    return next(alive, preferred[0] if preferred else None)


def _in_source_node(address: str, view: View) -> str:
    is_dead = view[Tunnels].is_dead(address)
    return "source_node; it is down by BFD" if is_dead else "source_node"


def _in_service_node(address: str, one: str | None, view: View) -> str:
    is_dead = view[Tunnels].is_dead(address)
    if address != one:
        return "it is down by BFD" if is_dead else f"{one} is preferred"
    return "all service nodes are down by BFD" if is_dead else "the preferred one that is up"
