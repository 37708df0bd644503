"""Make before break as the project promises it, and the tunnels that are wanted, judged by turn.

Frames for what the NVC placed or replicates go by tunnels that are up. While none of these is, and
one is pending, they go where they went before. A tunnel is wanted while rows name its end for a
logical switch that is bound, or frames go there.
"""

from collections.abc import Iterator
from uuid import UUID

from vtep_ofapp.features.tunnels.ports import Tunnels
from vtep_ofapp.pipeline.layout import LOGICAL_SWITCH, ORIGIN, REMOTE, Priority, Table
from vtep_ofapp.values.addresses import UNKNOWN_DST, ip_text
from vtep_ofapp.values.flows import Action, Flow, SetField, ToGroup
from vtep_ofapp.values.rows import LogicalSwitch, RemoteMac, RemoteMcastMac

from .reference import Reference, present
from .world import World

Use = tuple[Table, UUID, str]
"""The table that sends frames to remote VTEPs; the logical switch; the destination."""


class TunnelRule:
    """Where frames went until now, for each switch of a World."""

    def __init__(self, world: World, reference: Reference) -> None:
        self._world = world
        self._reference = reference
        self._in_force: dict[str, dict[Use, set[str]]] = {name: {} for name in world.switches}

    def forget(self, name: str) -> None:
        """Take that a switch is a new one."""
        self._in_force[name] = {}

    def check(self) -> None:
        """Judge what each switch wants after a turn."""
        for name in self._world.switches:
            self._check(name)

    def _check(self, name: str) -> None:
        tunnels, own = self._world.switches[name].view[Tunnels], self._reference.own(name)
        former, now = self._in_force[name], dict[Use, set[str]]()
        for use, needed in self._needs(name).items():
            up = {address for address in needed if tunnels.is_up(address)}
            if up:
                now[use] = up
            elif any(map(tunnels.is_pending, needed)):
                now[use] = former.get(use, set()) - {*own}
            else:
                now[use] = needed
        self._in_force[name] = now
        seen = self._seen(name)
        for use, addresses in now.items():
            numbered = {each for each in addresses if tunnels.is_up(each)}
            expected = addresses if use[0] is Table.UNICAST else numbered
            assert seen.pop(use, set()) == expected, use
        assert not any(seen.values())
        self._check_wanted(name, set().union(*now.values()))

    def _check_wanted(self, name: str, used: set[str]) -> None:
        wanted = {remote for remote, _ in self._world.tunnels(name)}
        named = {
            locator.address
            for row in present(self._world, name)
            for locator in self._reference.locators(row)
        }
        own = self._reference.own(name)
        assert wanted == (named.difference(own) | used if own else set())

    # What the NVC wants

    def _needs(self, name: str) -> dict[Use, set[str]]:
        """Return where the NVC sends frames of each use, without our own addresses."""
        found: dict[Use, set[str]] = {}
        own = self._reference.own(name)
        for of in present(self._world, name):
            if not isinstance(self._world.rows.get(of), LogicalSwitch):
                continue
            for mac, addresses in self._replicated(of):
                usable = {each for each in addresses if self._has_key(name, of, each)}
                found[Table.REMOTE_FLOODING, of, mac] = usable.difference(own)
            for row in self._world.rows.values():
                if isinstance(row, RemoteMac) and row.logical_switch == of:
                    address = self._reference.placed(of, row.mac)
                    assert address is not None
                    found[Table.UNICAST, of, row.mac] = {address}.difference(own)
        return found

    def _replicated(self, of: UUID) -> Iterator[tuple[str, set[str]]]:
        rows = self._world.rows.values()
        groups = (row for row in rows if isinstance(row, RemoteMcastMac))
        macs = {row.mac for row in groups if row.logical_switch == of} - {UNKNOWN_DST}
        yield UNKNOWN_DST, self._reference.targets(of, "any other")[0]
        for mac in macs:
            yield mac, self._reference.targets(of, mac)[0]

    def _has_key(self, name: str, of: UUID, address: str) -> bool:
        """Whether a VTEP can be sent to; a common key that is shared stops frames elsewhere."""
        row = self._reference.logical_switch(of)
        has_own = row is not None and row.tunnel_key is not None
        return has_own or self._reference.vni(name, of, address) is not None

    # What the switch does

    def _seen(self, name: str) -> dict[Use, set[str]]:
        """Return where the wanted flows and groups send frames of each use."""
        groups = {group.id: group for group in self._world.group_values(name)}
        rows = {
            self._world.logical_switches.ids.number(row.uuid): row.uuid
            for row in self._world.rows.values()
            if isinstance(row, LogicalSwitch)
        }
        found: dict[Use, set[str]] = {}
        for flow in self._world.flow_values(name):
            use = _use(flow, rows)
            if use is None:
                continue
            found[use] = set(_addresses(flow.actions))
            for action in flow.actions:
                if isinstance(action, ToGroup):
                    for bucket in groups[action.group].buckets:
                        found[use].update(_addresses(bucket.actions))
        return found


def _use(flow: Flow, rows: dict[int, UUID]) -> Use | None:
    """Return what a flow is for, None for one that sends nothing to remote VTEPs."""
    fields = dict(flow.key.match)
    number, mac = fields.get(LOGICAL_SWITCH), fields.get("eth_dst", UNKNOWN_DST)
    if not isinstance(number, int) or not isinstance(mac, str) or fields.get(ORIGIN) != 0:
        return None
    if (flow.key.table, flow.key.priority) == (Table.UNICAST, Priority.PREFERRED):
        return Table.UNICAST, rows[number], mac
    is_flooding = flow.key.table == Table.REMOTE_FLOODING
    return (Table.REMOTE_FLOODING, rows[number], mac) if is_flooding else None


def _addresses(actions: tuple[Action, ...]) -> Iterator[str]:
    for action in actions:
        if isinstance(action, SetField) and action.field == REMOTE:
            yield ip_text(int(action.value), is_ipv6=False)
