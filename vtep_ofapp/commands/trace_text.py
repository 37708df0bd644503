"""The text of ofproto/trace as values: the flows that a frame matched, and what they did.

The text of Open vSwitch 3.1 looks like this; other versions name tables, or add remarks::

    bridge("br0")
    -------------
     0. in_port=2,dl_vlan=10, priority 100, cookie 0x767465701000200a
        pop_vlan
        goto_table:30
    30. No match.
        drop
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..pipeline.layout import Table
from ..values.flows import FlowKey
from .match_text import fields_of
from .table_names import table_name

_BRIDGE = re.compile(r'( *)bridge\("(?P<name>.+)"\)')
_STEP = re.compile(r"(?P<indent> *)(?P<table>[A-Za-z0-9_-]+)\. (?P<rest>.+)")
_MATCHED = re.compile(
    r"(?:(?P<match>.*?),? )?priority (?P<priority>\d+)(?:, cookie (?P<cookie>\w+))?"
)
_SUMMARY = re.compile(r"(Flow|Final flow|Megaflow|Datapath actions|Translation failed)\b")


@dataclass(slots=True)
class Step:
    """A flow that the frame, or a copy of it, matched in a table of a bridge.

    ``table`` is the name of one of our tables, else its number, or its name there. ``priority`` is
    None if no flow matched. ``actions`` were executed; remarks of Open vSwitch are among them.
    """

    bridge: str
    table: str
    match: str = ""
    priority: int | None = None
    cookie: int = 0
    actions: list[str] = field(default_factory=list)

    @property
    def key(self) -> FlowKey | None:
        """The identity of the flow, None if there is none, or none of ours can be it."""
        if self.priority is None or self.table not in Table.__members__:
            return None
        try:
            fields = fields_of(self.match)
        except ValueError:
            return None
        return FlowKey(Table[self.table].value, self.priority, fields)

    @property
    def flow(self) -> str:
        """The match and the priority of the flow, for people."""
        return (
            "no match"
            if self.priority is None
            else f"{self.match or 'any'}, priority {self.priority}"
        )


@dataclass(frozen=True, slots=True)
class Event:
    """What happened next: the frame matched the flow of a step, or the flow executed an action."""

    step: Step
    action: str = ""


def is_remark(action: str) -> bool:
    """Whether a line among the actions is a remark of Open vSwitch."""
    return action.startswith(("->", ">>"))


def parse(text: str, ours: str) -> list[Event]:
    """Return what happened to a frame, in this order; empty if the text is no trace.

    ``ours`` is the bridge whose tables are ours.
    """
    return list(_events(text, ours))


def _events(text: str, ours: str) -> Iterator[Event]:
    # The bridges and steps that a line may belong to, by their indentation: the last one with less.
    open_bridges: list[tuple[int, str]] = []
    open_steps: list[tuple[int, Step]] = []
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip(" "))
        if not line.strip("- "):
            continue
        if found := _BRIDGE.fullmatch(line.rstrip()):
            _close(open_bridges, indent)
            _close(open_steps, indent)
            open_bridges.append((indent, found["name"]))
        elif not indent and _SUMMARY.match(line):
            open_bridges, open_steps = [], []
        elif open_bridges and (found := _STEP.fullmatch(line.rstrip())):
            # Table numbers are written to the right of two columns.
            indent = min(indent, found.end("table") - 2)
            _close(open_bridges, indent + 1)
            _close(open_steps, indent)
            bridge = open_bridges[-1][1]
            step = _step(bridge, found, bridge == ours)
            open_steps.append((indent, step))
            yield Event(step)
        else:
            # The tables of a bridge are indented as its own line is, and so is what comes after it.
            # What comes between, such as the next bucket, is indented less.
            _close(open_bridges, indent)
            _close(open_steps, indent)
            if open_steps:
                step = open_steps[-1][1]
                step.actions.append(line.strip())
                yield Event(step, line.strip())


def _close(opened: list[tuple[int, Step]] | list[tuple[int, str]], indent: int) -> None:
    while opened and opened[-1][0] >= indent:
        opened.pop()


def _step(bridge: str, found: re.Match[str], is_ours: bool) -> Step:
    matched = _MATCHED.fullmatch(found["rest"])
    table = table_name(found["table"]) if is_ours else found["table"]
    if matched is None:
        return Step(bridge, table)
    priority, cookie = int(matched["priority"]), int(matched["cookie"] or "0", 0)
    return Step(bridge, table, matched["match"] or "", priority, cookie)
