"""``show``: the process, its databases and its switches on one screen."""

import os
import time
from collections.abc import Sequence

from ..features.learning.stations import LearnedMacs
from ..features.presence import Presence
from ..features.tunnels.ports import Tunnels
from ..loop.switch_driver import SwitchDriver
from ..version import VERSION
from .answer import Answer, Blocks, Content, Table
from .command import Command, Running


def _show(_arguments: Sequence[str], running: Running) -> Answer:
    components = running.components
    drivers = components.switches.drivers
    return Answer(
        {
            "vtep_ofapp": VERSION,
            "process": os.getpid(),
            "running_for_s": int(time.time() - running.started),
            "status": running.status,
            "is_paused": running.is_paused,
            "databases": _databases(running),
            "switches": Blocks([_switch(drivers[name]) for name in sorted(drivers)], heading=True),
            "faults": len(components.faults.lasting()),
        }
    )


def _databases(running: Running) -> Table:
    """Return the server in use of each database, or why there is none."""
    components = running.components
    now = components.timers.clock()
    rows = []
    for name, each in components.databases.all().items():
        server, since = each.connection or (None, now)
        reasons = [f"{remote}: {reason}" for remote, reason in each.unusable.items()]
        rows.append((name, server, int(now - since), reasons))
    return Table(("database", "server", "connected_for_s", "unusable"), rows)


def _switch(driver: SwitchDriver) -> Content:
    state = driver.switch
    view = state.view
    tunnels = view[Tunnels]
    wanted = tunnels.wanted()
    learned = view[LearnedMacs]
    return {
        "bridge": state.name,
        "connected_from": driver.connection.peer if driver.connection else None,
        "connected_for_s": int(view.clock() - driver.claim.since) if driver.claim else None,
        "role": driver.role.name.lower(),
        "tunnel_ips": state.physical.tunnel_ips if state.physical else (),
        "ports": len(view.physical_ports()),
        "logical_switches": len(view[Presence].all()),
        "learned_macs": sum(learned.count_at(state.name, port) for port in view.physical_ports()),
        "tunnels": len(wanted),
        "tunnels_up": sum(map(tunnels.is_up, wanted)),
        "flows": len(state.flows.actual),
        "is_settled": state.flows.settled() and state.groups.settled(),
    }


COMMANDS = (Command("show", "", "Print databases, switches and faults on one screen.", _show),)
