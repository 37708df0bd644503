"""``memory/show``: what takes memory."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from ..engine.switch_state import SwitchState
from ..features.learning.stations import LearnedMacs
from .answer import Answer, Blocks, Content, Row, Table
from .command import Command, Running

_STATUS = Path("/proc/self/status")
_AT_ONCE = 5000
"""Rows that are counted without a pause."""


def _show(_arguments: Sequence[str], running: Running) -> Answer:
    components = running.components
    waiting = running.inbox.waiting
    states = sorted(components.switches.states(), key=lambda state: state.name)
    return Answer(
        {
            **process_memory(),
            "waiting_events": waiting.events,
            "waiting_packet_ins": waiting.packet_ins,
            "waiting_packet_in_bytes": waiting.octets,
            "learned_macs": len(components.model[LearnedMacs].all()),
            "switches": Blocks([_switch(state) for state in states], heading=True),
            "rows": Table(("row_kind", "number"), _rows(running)),
            "owners": Table(("bridge", "owner_kind", "number"), _owners(states)),
        }
    )


def process_memory() -> Mapping[str, int]:
    """Return what the kernel says of this process: its memory in bytes, and its threads."""
    return _process(_STATUS.read_text())


def _process(status: str) -> Mapping[str, int]:
    """Return the figures of a /proc/PID/status, whose sizes are in units of 1024 bytes."""
    found = dict(re.findall(r"^(\w+):\s+(\d+)", status, re.MULTILINE))
    return {
        "resident_bytes": int(found["VmRSS"]) * 1024,
        "greatest_resident_bytes": int(found["VmHWM"]) * 1024,
        "threads": int(found["Threads"]),
    }


def _switch(state: SwitchState) -> Content:
    return {
        "bridge": state.name,
        "flows_wanted": len(state.flows.wanted),
        "flows_installed": len(state.flows.actual),
        "groups_wanted": len(state.groups.wanted),
        "groups_installed": len(state.groups.actual),
        "tunnel_ports": len(state.tunnel_ports.actual),
    }


def _rows(running: Running) -> Iterator[Row | None]:
    """Count the rows of hardware_vtep by their kinds."""
    model = running.components.model
    uuids = iter(list(model.rows()))
    counts: Counter[str] = Counter()
    while part := list(islice(uuids, _AT_ONCE)):
        kinds = Counter(type(model.row(uuid)) for uuid in part)
        kinds.pop(type(None), None)  # gone meanwhile
        counts.update({kind.__name__: number for kind, number in kinds.items()})
        yield None
    yield from sorted(counts.items())


def _owners(states: Sequence[SwitchState]) -> Iterator[Row]:
    for state in states:
        for kind, owners in state.owned.of.items():
            if owners:
                yield state.name, kind.__name__, len(owners)


COMMANDS = (
    Command("memory/show", "", "Print what takes memory: rows, owners, flows, queues.", _show),
)
