"""Rows, ports and bindings with everything that a test does not care about filled in."""

import time
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address
from typing import Any
from uuid import UUID

from vtep_ofapp.engine.stable_ids import StableIds
from vtep_ofapp.features.tunnels.ports import Tunnels
from vtep_ofapp.pipeline.layout import Cookie, Table
from vtep_ofapp.values.addresses import UNKNOWN_DST
from vtep_ofapp.values.events import Connection, PacketIn
from vtep_ofapp.values.faults import Fault
from vtep_ofapp.values.flows import Match
from vtep_ofapp.values.routers import LogicalRouter, derived_mac, parse_interface
from vtep_ofapp.values.rows import (
    ANYONE,
    Binding,
    Bridge,
    BridgePort,
    LocalMac,
    LocalMcastMac,
    Locator,
    LogicalSwitch,
    Mark,
    PhysicalPort,
    PhysicalSwitch,
    Refused,
    RemoteMac,
    RemoteMcastMac,
    TunnelReport,
    TunnelRow,
)

OWN = "10.0.0.1"
"""The tunnel IP of br0."""
FAR, FURTHER, FURTHEST = "10.0.0.2", "10.0.0.3", "10.0.0.4"
"""Addresses of other VTEPs."""

MULTICAST = "01:00:5e:00:00:05"
DATABASE = "Open_vSwitch"
"""The name of the one Open_vSwitch database."""

MAC1, MAC2, MAC3 = "02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:03"
BROADCAST = "ff:ff:ff:ff:ff:ff"


def uuid(number: int) -> UUID:
    return UUID(int=number)


RED, BLUE, GREEN = uuid(1), uuid(2), uuid(3)
"""The rows of three logical switches."""

NAMES = {RED: "red", BLUE: "blue", GREEN: "green"}

SWITCH = uuid(0x5000)
"""The Physical_Switch row of br0."""


def logical_switch(
    row: UUID = RED, key: int | None = 5001, *, source_node: bool = False, **more: Any
) -> LogicalSwitch:
    more.setdefault("name", NAMES.get(row, f"ls{row.int}"))
    return LogicalSwitch(uuid=row, tunnel_key=key, source_node_replication=source_node, **more)


def locator(address: str = FAR, key: int | None = None) -> Locator:
    """Return the Physical_Locator row for an address and a key; there is one for each pair."""
    row = 0x8000_0000_0000_0000 + (int(IPv4Address(address)) << 24) + (key or 0)
    return Locator(uuid=uuid(row), address=address, tunnel_key=key)


def remote_mac(
    mac: str = MAC1,
    address: str = FAR,
    *,
    of: UUID = RED,
    row: UUID | None = None,
    key: int | None = None,
    **more: str,
) -> RemoteMac:
    at = locator(address, key)
    return RemoteMac(uuid=row or uuid(0x1000), mac=mac, logical_switch=of, locator=at, **more)


def unknown_dst(
    *addresses: str,
    of: UUID = RED,
    row: UUID | None = None,
    key: int | None = None,
    **more: Any,
) -> RemoteMcastMac:
    return remote_group(UNKNOWN_DST, *addresses, of=of, row=row, key=key, **more)


def remote_group(
    mac: str,
    *addresses: str,
    of: UUID = RED,
    row: UUID | None = None,
    key: int | None = None,
    **more: Any,
) -> RemoteMcastMac:
    return RemoteMcastMac(
        uuid=row or uuid(0x2000 + of.int),
        mac=mac,
        logical_switch=of,
        locators=frozenset(locator(address, key) for address in addresses),
        **more,
    )


def logical_router(
    *logical_switches: UUID, row: UUID | None = None, name: str = "lr0", **more: Any
) -> LogicalRouter:
    """Return a router that has the address 10.0.N.1/24 in the logical switch with the UUID N."""
    addresses = {each: (parse_interface(f"10.0.{each.int}.1/24"),) for each in logical_switches}
    more.setdefault("mac", derived_mac(name))
    more.setdefault("interfaces", addresses)
    more.setdefault("logical_switches", frozenset((*logical_switches, *more["interfaces"])))
    return LogicalRouter(uuid=row or uuid(0x9000), name=name, **more)


def tunnel_row(address: str = FAR, **more: Any) -> TunnelRow:
    """Return a Tunnel row to the locator of an address, as the NVC and the switch wrote it."""
    there = locator(address)
    more.setdefault("uuid", uuid(0xA000_0000_0000 + int(IPv4Address(address))))
    more.setdefault("report", TunnelReport(OWN))
    return TunnelRow(locator=there.uuid, address=address, **more)


def local_mac(
    mac: str = MAC1, address: str = OWN, *, of: UUID = RED, row: UUID | None = None
) -> LocalMac:
    return LocalMac(uuid=row or uuid(0x3000), mac=mac, logical_switch=of, address=address)


def local_unknown_dst(*addresses: str, of: UUID = RED, row: UUID | None = None) -> LocalMcastMac:
    return LocalMcastMac(
        uuid=row or uuid(0x4000 + of.int),
        mac=UNKNOWN_DST,
        logical_switch=of,
        addresses=frozenset(addresses),
    )


def refused(row: UUID, of: UUID | None = RED, reason: str = "it is no good") -> Refused:
    return Refused(uuid=row, subject=f"row {row.int}", reason=reason, logical_switch=of)


def physical_port(
    name: str = "p0", bindings: Mapping[int, UUID] | None = None, **more: Any
) -> PhysicalPort:
    more.setdefault("uuid", uuid(0x6000 + sum(name.encode())))
    return PhysicalPort(name=name, vlan_bindings=bindings or {}, **more)


def physical_switch(
    *ports: PhysicalPort,
    name: str = "br0",
    tunnel_ips: Iterable[str] = (OWN,),
    row: UUID = SWITCH,
    **more: Any,
) -> PhysicalSwitch:
    return PhysicalSwitch(
        uuid=row, name=name, tunnel_ips=tuple(tunnel_ips), ports=tuple(ports), **more
    )


def port(name: str = "p0", number: int | None = 1, **more: Any) -> BridgePort:
    more.setdefault("members", () if number is None else (number,))
    return BridgePort(name=name, number=number, **more)


def to_anyone(number: int | None = 900, *, of: str = "br0", local: str = OWN) -> BridgePort:
    """Return our port for VTEPs that no row names, as it is on a bridge that is managed."""
    name = Tunnels(of, 0, time.monotonic).name(ANYONE, local)
    return port(name, number, is_ours=True, remote=ANYONE, local=local)


def bridge(
    *ports: BridgePort, name: str = "br0", datapath_id: int | None = 0xB0, **more: Any
) -> Bridge:
    more.setdefault("database", DATABASE)
    more.setdefault("is_secure", True)
    more.setdefault("controllers_are_set", True)
    more.setdefault("mark", Mark.OURS)
    return Bridge(
        uuid=uuid(0x7000 + sum(name.encode())),
        name=name,
        datapath_id=datapath_id,
        ports={each.name: each for each in ports},
        **more,
    )


def binding(
    port: str = "p0", ofport: int = 1, vlan: int = 0, logical_switch: UUID = RED, **more: Any
) -> Binding:
    more.setdefault("members", (ofport,))
    return Binding(port=port, ofport=ofport, vlan=vlan, logical_switch=logical_switch, **more)


def fault(reason: str = "it is no good", subject: str = "Port p0", **more: Any) -> Fault:
    return Fault(subject, reason, **more)


def row_of(fault: Fault) -> UUID | None:
    """Return the row whose fault column shows the fault."""
    return fault.entry.row.uuid if fault.entry else None


def word_of(fault: Fault) -> str | None:
    """Return the word of the fault column."""
    return fault.entry.word.value if fault.entry else None


def unknown_source(connection: Connection, fields: Match, mac: str) -> PacketIn:
    """Return the packet-in of a frame whose source the pipeline does not know."""
    source = bytes.fromhex(mac.replace(":", ""))
    return PacketIn(connection, Cookie.LEARNING, Table.SHOWING, fields, source)


def arp_header(mac: str, ip: str, target: str = "192.0.2.99", *, sha: str | None = None) -> bytes:
    """Return what is read of an ARP request of a station."""
    source, sender = (bytes.fromhex(each.replace(":", "")) for each in (mac, sha or mac))
    request = bytes.fromhex("0806 0001 0800 0604 0001")
    addresses = sender + IPv4Address(ip).packed + bytes(6) + IPv4Address(target).packed
    return source + request + addresses


def neighbor_header(
    mac: str,
    source: str,
    target: str,
    kind: int = 135,
    hops: int = 255,
    *,
    dest: str = "ff02::1",
    code: int = 0,
    flags: int = 0,
    options: bytes | None = None,
    error: int = 0,
) -> bytes:
    """Return what is read of a neighbor solicitation (135) or advertisement (136).

    ``flags`` are the first byte of them; ``error`` is what its checksum is wrong by.
    """
    at = bytes.fromhex(mac.replace(":", ""))
    ends = IPv6Address(source).packed + IPv6Address(dest).packed
    if options is None:
        options = bytes((1 if kind == 135 else 2, 1)) + at
    body = bytes((flags, 0, 0, 0)) + IPv6Address(target).packed + options
    length = (4 + len(body)).to_bytes(4, "big")
    covered = ends + length + bytes((0, 0, 0, 58, kind, code, 0, 0)) + body
    total = sum(covered[::2]) * 256 + sum(covered[1::2]) + error
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    message = bytes((kind, code)) + (0xFFFF - total).to_bytes(2, "big") + body
    return at + b"\x86\xdd\x60\0\0\0" + length[2:] + bytes((58, hops)) + ends + message


def stated(fields: Match, header: bytes) -> PacketIn:
    """Return the packet-in of a frame that states an address of its sender."""
    return PacketIn(NO_CONNECTION, Cookie.LEARNING, Table.SHOWING, fields, header)


NO_CONNECTION: Any = None
IP1, IP2, IP6 = "192.168.1.11", "192.168.1.12", "2001:db8:1::11"


def number_of(logical_switch: UUID) -> int:
    """Return the number of a logical switch that is the only one, or one of few."""
    numbers = StableIds()
    numbers.add(logical_switch)
    return numbers.number(logical_switch)
