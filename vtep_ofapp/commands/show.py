"""``show``: the process, its databases and its switches on one screen."""

import os
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version

from ..features.bindings.ports import Ports
from ..features.learning.stations import LearnedMacs
from ..features.tunnels.ports import Tunnels
from ..loop.switch_driver import SwitchDriver
from .answer import Answer, Content, Value
from .command import Command, Running


def _show(_arguments: Sequence[str], running: Running) -> Answer:
    components = running.components
    drivers = components.switches.drivers
    return Answer(
        {
            "vtep_ofapp": version("vtep-ofapp"),
            "process": os.getpid(),
            "running_for_s": int(time.time() - running.started),
            "status": running.status,
            "paused": running.is_paused,
            "databases": _databases(running),
            "switches": {name: _switch(drivers[name], running) for name in sorted(drivers)},
            "faults": len(components.faults.lasting()),
        }
    )


def _databases(running: Running) -> Mapping[str, Value]:
    components = running.components
    lock = components.lock
    ours = "connected" if lock.is_held or not lock.leads else "away"
    unread = components.hosts.unread
    return {
        "hardware_vtep": "not read yet" if lock.leads is None else ours,
        **{
            name: "not read yet" if name in unread else "read"
            for name in components.databases.openvswitch
        },
    }


def _switch(driver: SwitchDriver, running: Running) -> Content:
    state = driver.switch
    view = state.view
    tunnels = view[Tunnels]
    wanted = tunnels.wanted()
    learned = view[LearnedMacs]
    return {
        "connected_from": driver.connection.peer if driver.connection else None,
        "role": driver.role.value.name.lower(),
        "tunnel_ips": state.physical.tunnel_ips if state.physical else (),
        "ports": len(view.physical_ports()),
        "logical_switches": len(set(view[Ports].bound())),
        "learned_macs": sum(learned.count_at(state.name, port) for port in view.physical_ports()),
        "tunnels": len(wanted),
        "tunnels_up": sum(map(tunnels.is_up, wanted)),
        "flows": len(state.flows.actual),
        "settled": state.flows.settled() and state.groups.settled(),
    }


COMMANDS = (Command("show", "", "Print databases, switches and faults on one screen.", _show),)
