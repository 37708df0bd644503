"""ADMISSION: frames of bindings enter their logical switch, by port and VLAN."""

from collections.abc import Iterable

from ..values.flows import VLAN_PRESENT, Action, Flow, PopVlan, SetField, match
from ..values.rows import Binding
from .layout import LOGICAL_SWITCH, SOURCE_BINDING, TAGGED, Cookie, Priority, Table, Way, drop, flow
from .ways import Step, onward


def link_local() -> Flow:
    """Drop frames that no bridge forwards: 01:80:C2:00:00:00 to 0F (IEEE 802.1Q, 8.6.3)."""
    reserved = ("01:80:c2:00:00:00", "ff:ff:ff:ff:ff:f0")
    return drop(Table.ADMISSION, Priority.FORBIDDEN, match({"eth_dst": reserved}))


def bound(binding: Binding, logical_switch: int, steps: Iterable[Step] = ()) -> tuple[Flow, ...]:
    """Admit the frames of a binding, without their tag, to its logical switch.

    An untagged binding also admits frames with a priority tag (VLAN 0). ``steps`` are the
    optional tables of the binding.
    """
    enter = (
        SetField(SOURCE_BINDING, binding.number),
        SetField(LOGICAL_SWITCH, logical_switch),
        *onward(Table.ADMISSION, Way.FROM_BINDING, steps),
    )
    flows = [
        _entry(binding, port, VLAN_PRESENT | binding.vlan, PopVlan(), SetField(TAGGED, 1), *enter)
        for port in binding.members
    ]
    if not binding.vlan:
        flows += [_entry(binding, port, 0, *enter) for port in binding.members]
    return tuple(flows)


def _entry(binding: Binding, port: int, vlan_vid: int, *actions: Action) -> Flow:
    return flow(
        Table.ADMISSION,
        Priority.DEFAULT,
        match({"in_port": port, "vlan_vid": vlan_vid}),
        *actions,
        producer=Cookie.ADMISSION,
        counts_for=binding.number,
    )
