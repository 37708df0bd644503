"""Where a frame leaves by a binding, tagged as the binding says, never back where it came from."""

from ..flows import Flow, ForgetInPort, Output, OutputToBond, PushVlan, match
from ..model import Binding
from .layout import SOURCE_BINDING, TARGET_BINDING, Cookie, Priority, Table, flow


def bound(binding: Binding) -> tuple[Flow, ...]:
    """Let frames leave by a binding, except for those that came in by it.

    The input port is forgotten, because two VLANs of one port may reach each other.
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
    out = flow(
        Table.EGRESS,
        Priority.DEFAULT,
        match({TARGET_BINDING: binding.number}),
        *tag,
        ForgetInPort(),
        port,
        producer=Cookie.EGRESS,
        counts_for=binding.number,
    )
    return back, out
