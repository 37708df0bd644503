"""The report on a lab as text."""

from __future__ import annotations

from collections.abc import Iterator

from sim.status.values import Host, Interface, Kind, Lab, Peer, State, Switch, Tunnel, Vtep

CONDITIONS = {
    State.UP: "up",
    State.IN_USE: "in use: a process builds it, tests with it, or removes it",
    State.LEFT: "not up: the process that built it died, or what ran in it has ended",
}

MOST = 50
"""Of what a VTEP may have many thousands, as many are shown."""


def lines(lab: Lab) -> Iterator[str]:
    """Yield the report, line by line."""
    yield f"lab {lab.name} is {CONDITIONS[lab.state]}; files in {lab.folder}"
    width = max((len(host.name) for host in lab.hosts), default=0)
    for host in lab.hosts:
        first, *rest = _host(host)
        yield f"    {host.name:<{width}}  {first}".rstrip()
        yield from (f"    {'':<{width}}  {each}" for each in rest)
    for vtep in lab.vteps:
        yield from _vtep(vtep)
    for peer in lab.peers:
        yield from _peer(peer)
    yield from (f"problem: {each}" for each in lab.problems)


def _host(host: Host) -> list[str]:
    if not host.exists:
        return ["no namespace"]
    found = [each for each in map(_interface, host.interfaces) if each]
    if host.kind is Kind.SEGMENT:
        ports = [each.plugged_into.host for each in host.interfaces if each.plugged_into]
        found = [f"network of {', '.join(ports)}"] if ports else ["network, nothing plugged in"]
    if host.processes:
        found.append(", ".join(f"{each.name} ({each.pid})" for each in host.processes))
    return found or [""]


def _interface(interface: Interface) -> str:
    """Return the line of an interface, nothing if it leads nowhere and has no address."""
    words = [interface.name]
    if interface.addresses:
        words += [*interface.addresses, interface.mac]
    elif not interface.plugged_into:
        return ""
    if interface.vlan is not None:
        words.append(f"VLAN {interface.vlan} on {interface.parent}")
    if interface.vni is not None:
        words.append(f"VNI {interface.vni}, floods to {', '.join(interface.floods_to) or 'nobody'}")
    if interface.bridge not in (None, interface.name):
        words.append(f"port of {interface.bridge}")
    if interface.plugged_into:
        words.append(f"at {interface.plugged_into.host} {interface.plugged_into.interface}")
    if not interface.is_up:
        words.append("DOWN")
    return " ".join(words)


def _vtep(vtep: Vtep) -> Iterator[str]:
    said = ", ".join(f"{each.name} ({each.pid}): {each.status}" for each in vtep.applications)
    yield f"{vtep.host}: {said or 'no application answers'}"
    for manager in vtep.managers:
        yield f"    manager {manager.target}: {'' if manager.is_connected else 'not '}connected"
    for switch in vtep.switches:
        yield f"    {switch.name}, tunnel IPs {', '.join(switch.tunnel_ips) or 'none'}"
        for each in vtep.logical_switches:
            places = ", ".join(_bindings(switch, each.name)) or "not bound"
            yield f"        logical switch {each.name}, VNI {_or_none(each.vni)}: {places}"
        yield from (f"        tunnel to {_tunnel(each)}" for each in switch.tunnels)
    for local in vtep.local_macs[:MOST]:
        where = "" if local.port is None else f", {_place(local.port, local.vlan or 0)}"
        yield f"    learned {local.mac} in {local.logical_switch}{where}"
    yield from _more(len(vtep.local_macs), "learned MACs")
    for remote in vtep.remote_macs[:MOST]:
        yield f"    remote {remote.mac} in {remote.logical_switch}, {remote.address}"
    yield from _more(len(vtep.remote_macs), "remote MACs")
    for group in vtep.flooding[:MOST]:
        yield f"    {group.mac} in {group.logical_switch}: {', '.join(group.addresses)}"
    yield from _more(len(vtep.flooding), "groups")
    for fault in vtep.faults:
        yield f"    fault: {fault.text}"


def _more(number: int, what: str) -> Iterator[str]:
    if number > MOST:
        yield f"    {number - MOST:,} more {what}, which --json has"


def _bindings(switch: Switch, logical_switch: str) -> Iterator[str]:
    for port in switch.ports:
        for binding in port.bindings:
            if binding.logical_switch == logical_switch:
                yield _place(port.name, binding.vlan)


def _place(port: str, vlan: int) -> str:
    return f"{port} VLAN {vlan}" if vlan else port


def _peer(peer: Peer) -> Iterator[str]:
    yield f"{peer.host}:"
    yield from (f"    tunnel to {_tunnel(each)}" for each in peer.tunnels)


def _tunnel(tunnel: Tunnel) -> str:
    state = "without BFD" if tunnel.bfd is None else f"BFD {tunnel.bfd}"
    return f"{tunnel.remote}, {state}{', does not forward' if tunnel.forwards is False else ''}"


def _or_none(value: int | None) -> str:
    return "none" if value is None else str(value)
