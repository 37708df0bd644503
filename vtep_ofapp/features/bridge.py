"""Flows and groups that every managed bridge has, and faults of the Physical_Switch row."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from ..engine.cause import Cause, RowOf
from ..engine.desired import Desired
from ..engine.feature import Feature, Owner
from ..engine.report import FaultColumn, ManagedSwitches
from ..engine.topics import SwitchReplaced, SwitchRowChanged, Topic
from ..engine.view import View
from ..pipeline import (
    admission,
    drops,
    egress,
    flooding,
    learning,
    resolution,
    routing,
    snooping,
    tunnels,
    unicast,
)
from ..values.faults import Fault, FaultTable
from ..values.rows import PhysicalSwitch


@dataclass(frozen=True, slots=True)
class WholeBridge:
    """The owner of the flows and groups that every bridge has."""


@dataclass(frozen=True, slots=True)
class HostLooked:
    """The periodic check of this host's interfaces and addresses.

    ``has_interface`` returns whether the host has the bridge, by name, interface number and MAC
    address of its internal port. ``has_address`` returns whether the host has an address.
    """

    has_interface: Callable[[str, int, str], bool]
    has_address: Callable[[str], bool]


class MissingAddresses:
    """Tunnel IPs that this host lacks: Open vSwitch sends no packets from them.

    ``interfaces`` has the egress interface of each, an empty string if there is none.
    """

    def __init__(self) -> None:
        self.interfaces: Mapping[str, str] = {}
        self._missing: set[str] = set()

    def look(self, topic: HostLooked, view: View) -> Iterator[Topic]:
        """Check the host; an address is missing if two checks in a row do not find it."""
        missing: set[str] = set()
        bridge, physical = view.bridge, view.physical
        if (
            bridge
            and physical
            and bridge.interface
            and topic.has_interface(bridge.name, *bridge.interface)
        ):
            missing = {each for each in physical.tunnel_ips if not topic.has_address(each)}
        certain, self._missing = missing & self._missing, missing
        if certain != self.interfaces.keys():
            self.interfaces = {address: _egress(address, view) for address in certain}
            yield WholeBridge()


def _egress(local: str, view: View) -> str:
    """Return the egress interface of tunnels from a local address, or an empty string."""
    ports = view.bridge.ports.values() if view.bridge else ()
    return next((each.egress for each in ports if each.local == local and each.egress), "")


def _bridge(key: WholeBridge, view: View) -> Desired:
    flows = (
        admission.link_local(),
        *learning.unlearnable(),
        learning.unknown(),
        *learning.showing(),
        snooping.others(),
        resolution.others(),
        routing.others(),
        unicast.elsewhere(),
        flooding.no_remote(),
        *tunnels.inner_tags(),
        *egress.inner_tags(),
        *drops.misses(),
    )
    return Desired(flows, (flooding.alive(), flooding.again()), tuple(_faults(view)))


def _because(key: WholeBridge, view: View) -> Iterator[Cause]:
    assert view.physical is not None
    yield Cause("every managed bridge has it", (RowOf("Physical_Switch", view.physical.uuid),))


def _faults(view: View) -> Iterator[Fault]:
    assert view.physical is not None
    yield from map(view.switch_fault, view.physical.refused)
    if not view.physical.tunnel_ips:
        yield view.switch_fault(
            "it has no usable tunnel_ips, so there are no tunnels: "
            f"vtep-ctl set Physical_Switch {view.name} tunnel_ips=ADDRESS"
        )
    for address, interface in sorted(view[MissingAddresses].interfaces.items()):
        reason = (
            f"no interface of this host has the tunnel IP {address}, and Open vSwitch sends "
            f"nothing from it: ip addr add {address}/PREFIX dev {interface or 'INTERFACE'} "
            f"or vtep-ctl set Physical_Switch {view.name} tunnel_ips=ADDRESS"
        )
        yield Fault(view.subject, reason)


def _whole_bridge(topic: Topic, view: View) -> list[Topic]:
    return [WholeBridge()]


def _is_ours(row: PhysicalSwitch, managed: ManagedSwitches) -> bool:
    return row.name in managed.with_bridge() or row.name in managed.blocked


FEATURE = Feature(
    states=(lambda view: MissingAddresses(),),
    owners=(Owner(WholeBridge, _bridge, _because),),
    invalidated_by={
        SwitchRowChanged: _whole_bridge,
        SwitchReplaced: _whole_bridge,
        HostLooked: lambda topic, view: view[MissingAddresses].look(topic, view),
    },
    fault_columns=(FaultColumn(FaultTable.PHYSICAL_SWITCH, PhysicalSwitch, _is_ours),),
)
