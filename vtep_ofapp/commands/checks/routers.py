"""Checks of logical routers: what rows leave out, so that packets end there without a fault."""

from collections.abc import Iterator

from ...engine.view import View
from ...features.bindings.ports import Ports
from ...features.logical_switches.rows import LogicalSwitches
from ...features.next_hops.answers import NextHop
from ...features.next_hops.state import NextHops
from ...features.peers import Peers
from ...features.routers.here import RoutersHere
from ...features.routers.resolved import UsedInterface
from ...features.routers.rows import Routers
from ...loop.switch_driver import SwitchDriver
from ..command import Running
from .finding import Check, Finding, gently, or_passed, warned

_FAMILIES = ((False, "IPv4"), (True, "IPv6"))


def without_address(interface: UsedInterface) -> list[str]:
    """Return the families of IP of which an interface has a subnet, and no address in any."""
    subnets = {":" in each.subnet.network for each in interface.addresses}
    return [
        name for is_ipv6, name in _FAMILIES if is_ipv6 in subnets and not interface.ips(is_ipv6)
    ]


def _routers(driver: SwitchDriver, running: Running) -> Iterator[Finding]:
    view = driver.switch.view
    rows, here = view[Routers].all(), view[RoutersHere]
    bad = [
        warned(f"Logical_Router {row.name} joins no logical switch: {_joining('LS', row.name)}")
        for row in gently(rows, running)
        if not row.logical_switches
    ]
    for router in gently(here.routers(), running):
        for interface in gently(here.interfaces(router), running):
            bad += _interface(interface, view)
    bad += _silent(view, running)
    count = len(here.routers())
    yield from or_passed(bad, f"{count} of {len(rows)} are used here")


def _interface(interface: UsedInterface, view: View) -> Iterator[Finding]:
    where, router = interface.logical_switch, view[RoutersHere].name(interface.router)
    row = view[LogicalSwitches].get(where)
    name = row.name if row else str(where)
    for family in without_address(interface):
        yield warned(
            f"{router} has no {family} address in Logical_Switch {name}, where it is no gateway "
            f"then: {_joining(name, interface.name)}"
        )
    if not view[Ports].is_bound(where) and not view[Peers].addresses(where):
        yield warned(
            f"{router} joins Logical_Switch {name}, where nobody is: no port is bound to it, and "
            "no row of Ucast_Macs_Remote or Mcast_Macs_Remote is in it. The NVC has to write those "
            f"rows at each VTEP that has {router}"
        )


def _silent(view: View, running: Running) -> Iterator[Finding]:
    """Yield a finding for each next hop of a static route that did not answer lately."""
    here, resolver = view[RoutersHere], view[NextHops].resolver
    silent = {key for key in gently(resolver, running) if not resolver.is_asked(key)}
    if not silent:
        return
    told = set()
    for router in gently(here.routers(), running):
        for route in gently(here.routes(router), running):
            key = NextHop(route.logical_switch, route.next_hop)
            if key in silent and (router, key) not in told:
                told.add((router, key))
                yield warned(
                    f"{here.name(router)} routes {route.prefix} to {key.ip}, which does not answer "
                    f"in {view[LogicalSwitches].name(key.logical_switch)}: mend that host, or the "
                    "route: ovs-appctl -t vtep_ofapp route/show"
                )


def _joining(logical_switch: str, router: str) -> str:
    """Return the command that gives a router an address in a logical switch."""
    return (
        f"vtep-ctl -- --id=@ls get Logical_Switch {logical_switch} -- set Logical_Router {router} "
        """'switch_binding:"ADDRESS/LENGTH"=@ls'"""
    )


CHECKS = (Check("routers", _routers),)
