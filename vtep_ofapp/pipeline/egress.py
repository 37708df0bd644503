"""EGRESS and DELIVERY: frames leave by a binding with its tag, except where they came in."""

from collections.abc import Iterable, Iterator

from ..values.flows import Flow, ForgetInPort, Output, OutputToBond, PushVlan, match
from ..values.rows import Binding
from .layout import (
    A_TAG_INSIDE,
    LOGICAL_SWITCH,
    SOURCE_BINDING,
    TAGGED,
    TARGET_BINDING,
    UNTAGGED_BINDING,
    WAYS,
    Cookie,
    Priority,
    Table,
    Way,
    drop,
    flow,
)
from .ways import Step, onward


def inner_tags() -> tuple[Flow, ...]:
    """Drop frames with an inner tag that would leave untagged, and so enter another VLAN."""
    return tuple(
        drop(Table.EGRESS, Priority.FORBIDDEN, match({TARGET_BINDING: UNTAGGED_BINDING, **tag}))
        for tag in A_TAG_INSIDE
    )


def bound(binding: Binding, logical_switch: int, steps: Iterable[Step] = ()) -> tuple[Flow, ...]:
    """Send frames of the logical switch out of a binding, except those that came in by it.

    The input port is cleared, because two VLANs of one port may reach each other. Frames that came
    in with a tag have flows of their own, because Open vSwitch counts them with that tag's length.
    ``steps`` are the optional tables of the binding. If a step is on the way out, DELIVERY sends
    the frames and not EGRESS.
    """
    back = flow(
        Table.EGRESS,
        Priority.FORBIDDEN,
        match({SOURCE_BINDING: binding.number, TARGET_BINDING: binding.number}),
        producer=Cookie.EGRESS,
    )
    tag = (PushVlan(binding.vlan),) if binding.vlan else ()
    port = (
        Output(binding.members[0]) if len(binding.members) == 1 else OutputToBond(binding.members)
    )
    on_the_way = [step for step in steps if step.table in WAYS[Way.TO_BINDING]]
    leaving = (
        flow(
            Table.DELIVERY if on_the_way else Table.EGRESS,
            Priority.DEFAULT,
            match(
                {
                    LOGICAL_SWITCH: logical_switch,
                    TARGET_BINDING: binding.number,
                    TAGGED: tagged,
                }
            ),
            *tag,
            ForgetInPort(),
            port,
            producer=producer,
            counts_for=binding.number,
        )
        for tagged, producer in ((0, Cookie.EGRESS), (1, Cookie.EGRESS_FROM_TAGGED))
    )
    return back, *_to_steps(binding, logical_switch, on_the_way), *leaving


def _to_steps(binding: Binding, logical_switch: int, steps: list[Step]) -> Iterator[Flow]:
    if steps:
        yield flow(
            Table.EGRESS,
            Priority.DEFAULT,
            match({LOGICAL_SWITCH: logical_switch, TARGET_BINDING: binding.number}),
            *onward(Table.EGRESS, Way.TO_BINDING, steps),
            producer=Cookie.EGRESS,
        )
