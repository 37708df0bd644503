"""Frames that are dropped are counted, for the reason that the rows alone tell."""

from vtep_ofapp.values.rows import LogicalSwitch

from .reference import Known, Place, Reference, Tunnel, is_link_local, is_station
from .walk import Result

ON_THE_WAY_OUT = {"no-vni", "no-tunnel"}
"""Reasons for copies of a frame that did get into its logical switch."""


class DropRule:
    """Why a switch of a World drops frames."""

    def __init__(self, world: Known, reference: Reference) -> None:
        self._world = world
        self._reference = reference

    def check(
        self, result: Result, name: str, place: Place, src: str, dst: str, has_tag_inside: bool
    ) -> None:
        """Check what became of a frame: each copy that is dropped has a flow with a counter."""
        if self._world.switches[name].physical is None:
            return
        assert result.unmatched == set()
        dropped = {each.value for each in result.dropped}
        why = self._why_not_let_in(name, place, src, dst, has_tag_inside)
        if why is not None:
            assert dropped == {why}
        else:
            assert dropped <= ON_THE_WAY_OUT | ({"inner-tag"} if has_tag_inside else set())

    def _why_not_let_in(
        self, name: str, place: Place, src: str, dst: str, has_tag_inside: bool
    ) -> str | None:
        if is_link_local(dst):
            return "reserved-address"
        if isinstance(place, Tunnel):
            return "inner-tag" if has_tag_inside else self._why_not_from_tunnel(name, place)
        logical_switch = self._reference.bindings(name).get((place.port, place.tag or 0))
        if logical_switch is None or self._reference.logical_switch(logical_switch) is None:
            return "not-bound"
        return None if is_station(src) else "bad-source"

    def _why_not_from_tunnel(self, name: str, tunnel: Tunnel) -> str | None:
        reference = self._reference
        if reference.let_in(name, tunnel) is not None:
            return None
        for row in self._world.rows.values():
            if (
                isinstance(row, LogicalSwitch)
                and row.tunnel_key == tunnel.vni
                and reference.is_present(name, row.uuid)
                and reference.is_key_of_one(name, row.uuid)
            ):
                is_named = reference.key(row.uuid, tunnel.address) is not None
                is_foreign = tunnel.address not in reference.own(name)
                return "shared-vni" if is_named and is_foreign else "unknown-sender"
        return "unknown-vni"
