"""Port and Interface: the ports of bridges, and our tunnel ports."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from ...values.addresses import Invalid, parse_ipv4
from ...values.rows import ANYONE, BridgePort, VxlanPort, is_emulators
from ...values.writes import PutTunnelPort, RemoveTunnelPort
from ..declarations import Changes, Contents, Group, Keeper, Table, Write
from ..schemas import NEEDED, SET
from .owner import OWNER

_ATTEMPT = "vtep_ofapp_attempt"
"""The key in other_config of our Interfaces that counts our attempts to create them.

Open vSwitch tries to create a port again only after a change of its database. Changes of
external_ids and of columns that it writes itself do not count.
"""
_VXLAN_PORT = "4789"


class Ports(Keeper):
    """A cache of decoded ports, until one of their rows changes."""

    def __init__(self, contents: Contents) -> None:
        super().__init__(contents)
        self._ports: dict[UUID, BridgePort] = {}
        self._port_of: dict[UUID, UUID] = {}
        self._changed: set[UUID] = set()

    def notice(self, table: str, row: Any, gone: bool) -> Iterable[Any]:
        """Handle a Port or an Interface; the loop gets it with its bridge."""
        if table == "Port":
            self._changed.add(row.uuid)
        elif table == "Interface" and row.uuid in self._port_of:
            self._changed.add(self._port_of[row.uuid])
            if gone:
                del self._port_of[row.uuid]
        return ()

    def take(self) -> Iterable[Any]:
        """Decode the ports that have changed."""
        changed, self._changed = self._changed, set()
        for uuid in changed:
            self._read(uuid)
        return ()

    def forget(self) -> None:
        """Forget all ports."""
        self._ports.clear()
        self._port_of.clear()
        self._changed.clear()

    def of(self, bridge: Any) -> Mapping[str, BridgePort]:
        """Return the ports of a Bridge row by their names, without its internal port."""
        known = (self._ports.get(each.uuid) for each in bridge.ports)
        ports = {port.name: port for port in known if port is not None and port.name != bridge.name}
        for name, port in ports.items():
            if port.vxlan is not None and port.vxlan.bridge != bridge.name:
                ports[name] = replace(port, vxlan=replace(port.vxlan, bridge=bridge.name))
        return ports

    def _read(self, uuid: UUID) -> None:
        row = self._contents.rows("Port").get(uuid)
        if row is None:
            self._ports.pop(uuid, None)
            return
        interfaces = row.interfaces
        for interface in interfaces:
            self._port_of[interface.uuid] = uuid
        if any(is_emulators(each.name, each.options) for each in interfaces):
            self._ports.pop(uuid, None)
        else:
            self._ports[uuid] = _bridge_port(row, interfaces)


def _our_name(port: Any) -> str | None:
    """Return the name of a port that is ours."""
    return str(port.name) if OWNER in port.external_ids else None


def _bridge_port(row: Any, interfaces: Sequence[Any]) -> BridgePort:
    interfaces = sorted(interfaces, key=lambda interface: str(interface.name))
    first = interfaces[0]
    numbered = [each for each in interfaces if each.ofport and each.ofport[0] > 0]
    is_ours = OWNER in row.external_ids
    return BridgePort(
        row.name,
        min((each.ofport[0] for each in numbered), default=None),
        _members(row, numbered),
        None if numbered else _error(first),
        is_up=not interfaces or any(_is_up(each) for each in interfaces),
        has_vlans=bool(row.tag or row.trunks or row.vlan_mode),
        is_ours=is_ours,
        remote=_remote(first.options.get("remote_ip", "")) if is_ours else None,
        local=_address(first.options.get("local_ip", "")) if is_ours else None,
        bfd=first.bfd,
        bfd_status=first.bfd_status,
        attempt=_number(first.other_config.get(_ATTEMPT, "")) if is_ours else 0,
        egress=first.status.get("tunnel_egress_iface", "") if is_ours else "",
        vxlan=_vxlan(first, bool(numbered)),
    )


def _vxlan(interface: Any, is_up: bool) -> VxlanPort | None:
    """Return the VXLAN packets that an interface receives; the caller sets the bridge."""
    options = interface.options
    if interface.type != "vxlan" or options.get("dst_port", _VXLAN_PORT) != _VXLAN_PORT:
        return None
    if "gpe" in options.get("exts", ""):
        return None  # another protocol, at another UDP port
    key = options.get("in_key", options.get("key", "0"))
    return VxlanPort(
        "",
        str(interface.name),
        _address(options.get("remote_ip", "")),
        _address(options.get("local_ip", "")),
        None if key == "flow" else _number(key),
        is_up,
    )


def _number(text: str) -> int:
    """Return a number as Open vSwitch parses it, 0 for other text."""
    try:
        return int(text, 0)
    except ValueError:
        return 0


def _members(row: Any, numbered: list[Any]) -> tuple[int, ...]:
    """Return the port numbers of the members in use: all with LACP, else the first that is up.

    Without LACP the neighbouring switch may send a copy of a broadcast to each member, and learns
    our stations at one of them only.
    """
    up = [each for each in numbered if _is_up(each)] or numbered
    in_use = numbered if row.lacp in (["active"], ["passive"]) else up[:1]
    return tuple(sorted(each.ofport[0] for each in in_use))


def _is_up(interface: Any) -> bool:
    return bool(interface.link_state != ["down"])


def _error(interface: Any) -> str | None:
    """Return why an interface has no port number, None while that is pending."""
    if interface.error:
        return str(interface.error[0])
    return "it has no port number" if interface.ofport else None


def _remote(text: str) -> str | None:
    return ANYONE if text == ANYONE else _address(text)


def _address(text: str) -> str | None:
    """Return an address that we wrote, None if someone has replaced it by other text."""
    try:
        return parse_ipv4(text)
    except Invalid:
        return None


def _put_tunnel_port(changes: Changes, write: PutTunnelPort) -> None:
    bridge = changes.named("Bridge", write.bridge)
    if bridge is None:
        return
    options = {"remote_ip": write.remote, "local_ip": write.local, "key": "flow"}
    ours = changes.members.of_set(bridge, "ports", write.name, _our_name)
    for interface in (interface for port in ours for interface in port.interfaces):
        interface.options = options
        interface.bfd = dict(write.bfd)
        if write.attempt:
            interface.setkey("other_config", _ATTEMPT, str(write.attempt))
    if not ours:
        interface = changes.insert("Interface")
        interface.name = write.name
        interface.type = "vxlan"
        interface.options = options
        interface.bfd = dict(write.bfd)
        port = changes.insert("Port")
        port.name = write.name
        port.interfaces = [interface]
        port.external_ids = {OWNER: write.bridge}
        bridge.addvalue("ports", port)


def _remove_tunnel_port(changes: Changes, write: RemoveTunnelPort) -> None:
    bridge = changes.named("Bridge", write.bridge)
    if bridge is not None:
        for port in changes.members.of_set(bridge, "ports", write.name, _our_name):
            bridge.delvalue("ports", port)


GROUP = Group(
    tables=(
        Table(
            "Port",
            {
                "name": NEEDED,
                "interfaces": NEEDED,
                "external_ids": NEEDED,
                "tag": NEEDED,
                "trunks": NEEDED,
                "vlan_mode": NEEDED,
                "lacp": SET,
            },
        ),
        Table(
            "Interface",
            {
                "name": NEEDED,
                "ofport": NEEDED,
                "error": SET,
                "link_state": SET,
                "type": NEEDED,
                "options": NEEDED,
                "bfd": NEEDED,
                "bfd_status": NEEDED,
                "other_config": NEEDED,
                "status": NEEDED,
                "ifindex": NEEDED,
                "mac_in_use": NEEDED,
            },
        ),
    ),
    writes=(Write(PutTunnelPort, _put_tunnel_port), Write(RemoveTunnelPort, _remove_tunnel_port)),
    keeper=Ports,
)
