"""Flows and groups lead to later tables, and to groups, bindings and tunnels that exist."""

from typing import Any

from vtep_ofapp.pipeline.layout import REMOTE, TARGET_BINDING, Table, Way
from vtep_ofapp.pipeline.ways import first
from vtep_ofapp.values.flows import Action, GoTo, Resubmit, SetField, ToGroup

from .reference import Reference
from .world import World

_AGAIN = {first(way) for way in (Way.TO_CONTROLLER, Way.PAST_ROUTERS, Way.TO_TUNNEL)}
"""Where frames come once more: to be shown, for another router, from another MAC address."""


def check_references(world: World, reference: Reference, name: str) -> None:
    """Flows lead to later tables and to groups and places that exist."""
    flows, groups = world.flow_values(name), world.group_values(name)
    numbers = {group.id for group in groups}
    assert reference.ways_in_of_anyone(name) == [
        each.number for each in world.ports_to_anyone(name)
    ]
    ports = {each.number for each in world.tunnel_ports(name)}
    bindings = {dict(flow.key.match).get(TARGET_BINDING) for flow in flows}
    remotes = {dict(flow.key.match).get(REMOTE) for flow in flows if flow.key.table == Table.TUNNEL}
    for flow in flows:
        check_actions(flow.actions, flow.key.table, numbers, bindings, remotes)
    used = {each.group for flow in flows for each in flow.actions if isinstance(each, ToGroup)}
    assert used <= numbers
    watched = {bucket.watch_group for group in groups for bucket in group.buckets}
    assert watched <= numbers | {None}
    for group in groups:
        for bucket in group.buckets:
            check_actions(bucket.actions, Table.FLOODING, set(), bindings, remotes)
            assert bucket.watch_port is None or bucket.watch_port in ports


def check_actions(
    actions: tuple[Action, ...], table: int, groups: set[int], bindings: set[Any], remotes: set[Any]
) -> None:
    for action in actions:
        if isinstance(action, GoTo | Resubmit):
            may_go_back = isinstance(action, Resubmit) and action.table in _AGAIN
            assert action.table > table or may_go_back
        elif isinstance(action, ToGroup):
            assert action.group in groups
        elif isinstance(action, SetField) and action.field == TARGET_BINDING:
            assert action.value in bindings
