"""``vni/show``: the VNIs of logical switches, and why one has none."""

from collections.abc import Iterator, Sequence

from ..engine.switch_state import SwitchState
from ..features.bindings.ports import Ports
from ..features.logical_switches.feature import Vni
from ..features.logical_switches.vni_mapping import VniMapping
from ..features.peers import PeersHere
from ..features.presence import Presence
from ..values.rows import LogicalSwitch
from .answer import Answer, Row, Table, joined
from .command import Command, Running
from .scope import Scope, scope

_USAGE = "[BRIDGE] [LS]"
_COLUMNS = (
    "bridge",
    "logical_switch",
    "tunnel_key",
    "vnis",
    "source",
    "bindings",
    "remote_vteps",
    "problem",
)


def _show(arguments: Sequence[str], running: Running) -> Answer:
    return Answer({"vnis": Table(_COLUMNS, _rows(scope(_USAGE, arguments, running)))})


def _rows(asked: Scope) -> Iterator[Row]:
    """Yield a row for each bridge that binds a logical switch, or one for one that none binds."""
    for row in asked.logical_switches:
        bound_at = [each for each in asked.switches if row.uuid in each.view[Presence]]
        yield from (_bound(row, switch) for switch in bound_at)
        if not bound_at and not asked.has_bridge:
            problem = "no managed bridge binds it"
            yield None, row.name, row.tunnel_key, (), None, 0, None, problem


def _bound(row: LogicalSwitch, switch: SwitchState) -> Row:
    """Return the row of a logical switch at a bridge that binds it."""
    view = switch.view
    vnis, peers = view[VniMapping].vnis(row.uuid), view[PeersHere].of(row.uuid)
    source = "locators" if row.tunnel_key is None else "tunnel_key"
    problems = [fault.reason for fault in switch.owned.faults(Vni(row.uuid), *peers)]
    return (
        switch.name,
        row.name,
        row.tunnel_key,
        vnis,
        source if vnis else None,
        len(view[Ports].bindings_of(row.uuid)),
        sum(not view.tunnels.is_own(peer.address) for peer in peers),
        joined(problems),
    )


COMMANDS = (
    Command(
        "vni/show",
        _USAGE,
        "Print the VNI of each logical switch and where it comes from, or why there is none.",
        _show,
    ),
)
