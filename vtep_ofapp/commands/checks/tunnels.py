"""Checks of tunnels, of ports that take their packets, of limits, and of unnamed senders."""

from collections.abc import Iterator

from ...features.logical_switches.vni_mapping import VniMapping
from ...features.tunnels.conditions import Condition, TunnelConditions
from ...features.tunnels.feature import taking
from ...features.tunnels.ports import Tunnels
from ...features.tunnels.unnamed_senders import Unnamed
from ...loop.switch_driver import SwitchDriver
from ..command import Running
from .finding import Check, Finding, failed, gently, or_passed, warned

_NEAR = 0.8
"""The part of a limit from which on it is near."""


def _tunnels(driver: SwitchDriver, running: Running) -> Iterator[Finding]:
    view, now = driver.switch.view, running.components.timers.clock()
    wanted = sorted(view[Tunnels].wanted())
    bad = [
        found
        for each in gently(wanted, running)
        for found in _tunnel(each, view[TunnelConditions], now)
    ]
    yield from or_passed(bad, f"{len(wanted)} of {len(wanted)} can forward")


def _tunnel(address: str, conditions: TunnelConditions, now: float) -> Iterator[Finding]:
    known = conditions.of(address)
    if known is None:
        return
    (condition, reason), bfd = known.tunnel.value, known.bfd.value
    seconds = f"for {now - known.tunnel.since:.0f} s"
    if condition is Condition.CREATING:
        yield warned(f"the port to {address} is being created, {seconds}")
    elif condition is not Condition.UP:
        why = f": {reason}" if reason else "; see the faults"
        yield failed(f"the tunnel to {address} is {condition.value}, {seconds}{why}")
    elif bfd is not None and not bfd.is_forwarding:
        seconds = f"for {now - known.bfd.since:.0f} s"
        why = f" ({bfd.diagnostic})" if bfd.diagnostic else ""
        yield failed(f"BFD to {address} is {bfd.state}, {seconds}{why}: ask {address} and the path")


def _vxlan_ports(driver: SwitchDriver, running: Running) -> Iterator[Finding]:
    view = driver.switch.view
    wanted = gently(sorted(view[Tunnels].wanted()), running)
    ports = dict.fromkeys(port for address in wanted for port in taking(address, view))
    bad = [
        failed(
            f"{port.name} takes our packets with VNI {port.key}: "
            f"ovs-vsctl del-port {port.bridge} {port.name}"
        )
        for port in ports
    ]
    yield from or_passed(bad, "no other port takes our packets")


def _limits(driver: SwitchDriver, running: Running) -> Iterator[Finding]:
    view = driver.switch.view
    bad = [
        finding
        for limit in running.components.model.feature_tables.limits
        for what, count in gently(limit.counts(view), running)
        for finding in _near(what, count, limit.option, getattr(view.settings, limit.option))
    ]
    yield from or_passed(bad, f"all counts are below {_NEAR:.0%} of theirs")


def _near(what: str, count: int, option: str, limit: int) -> Iterator[Finding]:
    if count >= limit and count:
        yield failed(f"{count} {what} reach {option} = {limit}")
    elif count >= _NEAR * limit and count:
        yield warned(f"{count} {what} are near {option} = {limit}")


def _senders(driver: SwitchDriver, running: Running) -> Iterator[Finding]:
    view = driver.switch.view
    bad = [
        warned(
            f"{frames} frames with VNI {vni} came from VTEPs that no row of "
            f"{view[VniMapping].names_with(vni)} names; accept_from = any would accept them"
        )
        for vni, frames in sorted(view[Unnamed].recent())
    ]
    yield from or_passed(bad, "no frames came lately from VTEPs that no row names")


CHECKS = (
    Check("tunnels", _tunnels),
    Check("vxlan_ports", _vxlan_ports),
    Check("limits", _limits),
    Check("unnamed_senders", _senders),
)
