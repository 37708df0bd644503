"""The list of commands."""

from itertools import chain

from . import (
    check,
    counters,
    fault_show,
    flood_show,
    log_show,
    mac_show,
    memory_show,
    metrics_show,
    port_show,
    process,
    repair,
    show,
    stopwatch_show,
    supportbundle,
    trace,
    tunnel_show,
    vni_show,
    why,
)

_MODULES = (
    check,
    counters,
    fault_show,
    flood_show,
    log_show,
    mac_show,
    memory_show,
    metrics_show,
    port_show,
    process,
    repair,
    show,
    stopwatch_show,
    supportbundle,
    trace,
    tunnel_show,
    vni_show,
    why,
)
COMMANDS = tuple(
    sorted(
        chain.from_iterable(module.COMMANDS for module in _MODULES),
        key=lambda command: command.name,
    )
)
