"""Checks of this host: tunnel addresses, and the MTU of what tunnels leave by."""

from collections.abc import Iterator

from ...features.bindings.ports import Ports
from ...loop.switch_driver import SwitchDriver
from ...process import host
from ...values.rows import Bridge
from ..command import Running
from .finding import Check, Finding, failed, passed, warned

_VXLAN = 50
"""Bytes that VXLAN adds to a frame's payload: IPv4, UDP, VXLAN and the inner Ethernet header."""


def _tunnel_ips(driver: SwitchDriver, running: Running) -> Iterator[Finding]:
    state = driver.switch
    if state.physical is None or state.bridge is None:
        return
    if not state.physical.tunnel_ips:
        command = f"vtep-ctl set Physical_Switch {state.name} tunnel_ips=ADDRESS"
        yield failed(f"there is none, so there are no tunnels: {command}")
    for address in state.physical.tunnel_ips:
        if not _is_here(state.bridge):
            yield passed(f"{address}, not looked for: the bridge is not on this host")
        elif host.has_address(address):
            yield passed(f"this host has {address}")
        else:
            device = _egress(state.bridge, address) or "INTERFACE"
            yield failed(f"this host lacks {address}: ip addr add {address}/PREFIX dev {device}")


def _egress(bridge: Bridge, local: str = "") -> str:
    """Return the interface that tunnels leave by, from one of our addresses or from any."""
    ports = (port for port in bridge.ports.values() if local in ("", port.local))
    return next((port.egress for port in ports if port.egress), "")


def _mtu(driver: SwitchDriver, running: Running) -> Iterator[Finding]:
    bridge = driver.switch.bridge
    if bridge is None or not _is_here(bridge):
        return
    sizes = {row.name: host.mtu(row.name) for row in driver.switch.view[Ports].rows()}
    known = {name: size for name, size in sizes.items() if size is not None}
    if not known:
        return
    greatest = max(sorted(known), key=lambda name: known[name])
    needed = known[greatest] + _VXLAN
    for egress in sorted({port.egress for port in bridge.ports.values() if port.egress}):
        size = host.mtu(egress)
        if size is None:
            continue
        if size >= needed:
            yield passed(f"{egress} has {size} bytes, and tunnels need {needed}")
        else:
            yield warned(
                f"frames of {greatest} (MTU {known[greatest]}) need {needed} bytes in a tunnel, "
                f"and {egress} has {size}: ip link set {egress} mtu {needed}, or "
                f"{size - _VXLAN} at the ports and their hosts"
            )


def _is_here(bridge: Bridge) -> bool:
    """Whether this process is in the bridge's network namespace."""
    return bridge.interface is not None and host.has_interface(bridge.name, *bridge.interface)


CHECKS = (Check("tunnel_ips", _tunnel_ips), Check("mtu", _mtu))
