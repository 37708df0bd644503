"""The Open_vSwitch database (ovs-vswitchd.conf.db(5)): bridges as values, tunnel ports written."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar
from uuid import UUID

from ..values.addresses import Invalid, parse_ipv4
from ..values.events import Bridges, BridgesInSync, Event
from ..values.rows import ANYONE, Bridge, BridgePort, Controller, Mark, VxlanPort, is_emulators
from ..values.writes import PutTunnelPort, ReleaseBridge, RemoveTunnelPort, SwitchWrite
from .bulk import RemoteMacs
from .column_cache import Members
from .schemas import SET, Columns, Optional

_OWNER = "vtep_ofapp"
"""The key in external_ids that marks what is ours.

Its value at a Port is the bridge's name; at a Bridge it names the lock and the database of the
process that manages it.
"""
_CONTROLLER: Mapping[str, Any] = {
    "max_backoff": 1000,
    "connection_mode": "out-of-band",
    "controller_rate_limit": 4000,
    "controller_burst_limit": 5000,
}
"""Settings of a bridge's controllers, unless someone chose otherwise.

Milliseconds until Open vSwitch tries again to reach us. In-band, its default, has hidden flows for
the controller's traffic that would let tenants' frames pass by the pipeline. Without a limit to
the frames that it shows in a second, it drops all beyond the first 100 that wait; with one, each
port has a line of its own, and a flood at one port takes nothing from the others.
"""
_ATTEMPT = "vtep_ofapp_attempt"
"""The key in other_config of an Interface of ours that counts our attempts.

Open vSwitch tries to make a port again only when its database changes, and looks neither at
external_ids nor at what it has written itself.
"""
_VXLAN_PORT = "4789"
_OPENFLOW = "OpenFlow13"
"""What a Bridge calls the version of OpenFlow that we speak."""
_NOT_IN_BAND = "disable-in-band"
"""The key in other_config of a Bridge that we set, unless someone has set it.

A controller that ``ovs-vsctl set-controller`` just made is in-band until its settings are written:
without this key the hidden flows are there for some milliseconds each time.
"""


class OpenVSwitchTables:
    """What Open_vSwitch means, for a Database."""

    schema: ClassVar[str] = "Open_vSwitch"
    columns: ClassVar[Columns] = {
        "Bridge": (
            "name",
            "ports",
            "datapath_id",
            "fail_mode",
            "controller",
            "protocols",
            "other_config",
            "external_ids",
        ),
        "Port": ("name", "interfaces", "external_ids", "tag", "trunks", "vlan_mode", "lacp"),
        "Interface": (
            "name",
            "ofport",
            "error",
            "link_state",
            "type",
            "options",
            "bfd",
            "bfd_status",
            "other_config",
            "status",
            "ifindex",
            "mac_in_use",
        ),
        "Controller": (*_CONTROLLER, "target", "is_connected"),
        "Open_vSwitch": ("bridges",),
    }
    optional: ClassVar[Optional] = {
        "Port": {"lacp": SET},
        "Interface": {"error": SET, "link_state": SET},
        "Controller": dict.fromkeys(_CONTROLLER, SET),
        "Open_vSwitch": {"bridges": SET},
    }

    def __init__(self, name: str, mark: str) -> None:
        """Read the database of this name; ``mark`` is what our bridges carry."""
        self.bulk: Mapping[str, RemoteMacs] = {}
        self._name = name
        self._mark = mark
        self._tables: Mapping[str, Any] = {}
        self._missing: Columns = {}
        self._ports: dict[UUID, BridgePort] = {}
        self._port_of: dict[UUID, UUID] = {}
        self._stale_ports: set[UUID] = set()
        self._bridges: dict[str, Bridge] = {}
        self._is_stale = False

    def attach(self, tables: Mapping[str, Any], missing: Columns) -> None:
        """Take the IDL's tables, before any row is there, and the columns that the schema lacks."""
        self._tables = tables
        self._missing = missing
        self.forget()

    def forget(self) -> None:
        """Forget all rows: those that there are will be told again, before the next in_sync()."""
        self._ports.clear()
        self._port_of.clear()
        self._stale_ports.clear()
        self._bridges.clear()
        self._is_stale = False

    def notice(self, table: str, row: Any, gone: bool) -> None:
        """Take note of a row that is new, changed or gone."""
        self._is_stale = True
        if table == "Port":
            self._stale_ports.add(row.uuid)
        elif table == "Interface" and row.uuid in self._port_of:
            self._stale_ports.add(self._port_of[row.uuid])
            if gone:
                del self._port_of[row.uuid]

    def take(self, more: bool) -> Iterable[Event]:
        """Return the change that the noticed rows amount to."""
        if not self._is_stale:
            return ()
        self._is_stale = False
        stale, self._stale_ports = self._stale_ports, set()
        for uuid in stale:
            self._read_port(uuid)
        former = self._bridges
        rows = self._tables["Bridge"].rows.values()
        self._bridges = {row.name: self._read_bridge(row) for row in rows}
        changed: dict[str, Bridge | None] = {
            name: self._bridges.get(name)
            for name in former.keys() | self._bridges.keys()
            if former.get(name) != self._bridges.get(name)
        }
        return (Bridges(self._name, changed, more),) if changed else ()

    def in_sync(self) -> Event:
        """Return the event that says that everything there is was told; it ends a change."""
        return BridgesInSync(self._name, frozenset(self._bridges))

    def _read_port(self, uuid: UUID) -> None:
        row = self._tables["Port"].rows.get(uuid)
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

    def _read_bridge(self, row: Any) -> Bridge:
        ports = {
            port.name: port
            for port in (self._ports[each.uuid] for each in row.ports if each.uuid in self._ports)
            if port.name != row.name
        }
        for name, port in ports.items():
            if port.vxlan is not None and port.vxlan.bridge != row.name:
                ports[name] = replace(port, vxlan=replace(port.vxlan, bridge=row.name))
        return Bridge(
            row.uuid,
            row.name,
            int(row.datapath_id[0], 16) if row.datapath_id else None,
            row.fail_mode == ["secure"],
            not row.protocols or _OPENFLOW in row.protocols,  # none means each that it can
            ports,
            database=self._name,
            controllers_are_set=_NOT_IN_BAND in row.other_config
            and all(
                getattr(each, column) for each in row.controller for column in self._settings()
            ),
            interface=_own_interface(row),
            mark=self._whose(row.external_ids.get(_OWNER)),
            controllers=tuple(
                sorted(
                    (Controller(each.target, bool(each.is_connected)) for each in row.controller),
                    key=lambda controller: controller.target,
                )
            ),
        )

    def _whose(self, mark: str | None) -> Mark:
        if mark is None:
            return Mark.NONE
        return Mark.OURS if mark == self._mark else Mark.OTHERS

    def _settings(self) -> Mapping[str, Any]:
        """Return the settings of controllers that the schema has."""
        absent = self._missing.get("Controller", ())
        return {column: value for column, value in _CONTROLLER.items() if column not in absent}

    # Writes

    def takes(self, write: SwitchWrite) -> bool:
        """Return whether the schema has the columns that a write is about."""
        return True

    def perform(self, transaction: Any, writes: Sequence[SwitchWrite]) -> None:
        """Change rows within the transaction so that the writes are fulfilled."""
        bridges = {row.name: row for row in self._tables["Bridge"].rows.values()}
        members = Members()
        for write in writes:
            bridge = bridges.get(write.bridge)
            if bridge is None:
                continue
            if isinstance(write, PutTunnelPort):
                ours = members.of_set(bridge, "ports", write.name, _our_name)
                self._put_tunnel_port(transaction, bridge, ours, write)
            elif isinstance(write, RemoveTunnelPort):
                for port in members.of_set(bridge, "ports", write.name, _our_name):
                    bridge.delvalue("ports", port)
            elif isinstance(write, ReleaseBridge):
                bridge.delkey("external_ids", _OWNER)
            else:
                self._secure(bridge)
                bridge.setkey("external_ids", _OWNER, self._mark)

    def _put_tunnel_port(
        self, transaction: Any, bridge: Any, ours: Sequence[Any], write: PutTunnelPort
    ) -> None:
        options = {"remote_ip": write.remote, "local_ip": write.local, "key": "flow"}
        for port in ours:
            for interface in port.interfaces:
                interface.options = options
                interface.bfd = dict(write.bfd)
                if write.attempt:
                    interface.setkey("other_config", _ATTEMPT, str(write.attempt))
        if ours:
            return
        interface = transaction.insert(self._tables["Interface"])
        interface.name = write.name
        interface.type = "vxlan"
        interface.options = options
        interface.bfd = dict(write.bfd)
        port = transaction.insert(self._tables["Port"])
        port.name = write.name
        port.interfaces = [interface]
        port.external_ids = {_OWNER: write.bridge}
        bridge.addvalue("ports", port)

    def _secure(self, bridge: Any) -> None:
        bridge.fail_mode = "secure"
        if _NOT_IN_BAND not in bridge.other_config:
            bridge.setkey("other_config", _NOT_IN_BAND, "true")
        for controller in bridge.controller:
            for column, value in self._settings().items():
                if not getattr(controller, column):
                    setattr(controller, column, value)


def _our_name(port: Any) -> str | None:
    """Return the name of a port that is ours."""
    return str(port.name) if _OWNER in port.external_ids else None


def _bridge_port(row: Any, interfaces: list[Any]) -> BridgePort:
    interfaces = sorted(interfaces, key=lambda interface: str(interface.name))
    first = interfaces[0]
    numbered = [each for each in interfaces if each.ofport and each.ofport[0] > 0]
    is_ours = _OWNER in row.external_ids
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


def _own_interface(bridge: Any) -> tuple[int, str] | None:
    """Return number and MAC address of a bridge's own internal port, if it has them."""
    for port in bridge.ports:
        if port.name == bridge.name:
            for interface in port.interfaces:
                if interface.ifindex and interface.mac_in_use:
                    return int(interface.ifindex[0]), str(interface.mac_in_use[0])
    return None


def _vxlan(interface: Any, is_up: bool) -> VxlanPort | None:
    """Return what an interface takes of VXLAN; the bridge is still to be filled in."""
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
    """Return a number as Open vSwitch reads it, 0 for what is none."""
    try:
        return int(text, 0)
    except ValueError:
        return 0


def _members(row: Any, numbered: list[Any]) -> tuple[int, ...]:
    """Return the numbers that are in use: all that speak LACP, or else the first that is up.

    Without LACP the switch beyond may send a copy of a broadcast by each member, and knows our
    stations by one of them only.
    """
    up = [each for each in numbered if _is_up(each)] or numbered
    in_use = numbered if row.lacp in (["active"], ["passive"]) else up[:1]
    return tuple(sorted(each.ofport[0] for each in in_use))


def _is_up(interface: Any) -> bool:
    return bool(interface.link_state != ["down"])


def _error(interface: Any) -> str | None:
    """Return why an interface has no number, None if that is still to come."""
    if interface.error:
        return str(interface.error[0])
    return "it has no port number" if interface.ofport else None


def _remote(text: str) -> str | None:
    return ANYONE if text == ANYONE else _address(text)


def _address(text: str) -> str | None:
    """Return an address that we wrote once, None if someone has made something else of it."""
    try:
        return parse_ipv4(text)
    except Invalid:
        return None
