"""Open vSwitch takes the flows of access lists, and judges packets by them as the rows say."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from ipaddress import ip_address

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.switch.conftest import a_switch
from tests.switch.dummy import DummySwitch
from tests.unit import acl_rule
from tests.unit.acl_examples import ENTRIES, MACS, PACKETS
from tests.unit.packets import ARP, ICMP, ICMPV6, IPV4, IPV6, SCTP, TCP, UDP, Fragment, Packet
from vtep_ofapp.pipeline import acls
from vtep_ofapp.pipeline.layout import ACL, ACL_OF_PORT, Table
from vtep_ofapp.values.acls import AclEntry
from vtep_ofapp.values.flows import Flow

TABLES = (*acls.INGRESS, *acls.EGRESS)
PORTS = {table: number for number, table in enumerate(TABLES, 1)}
"""The port by which frames come into each table."""
NUMBER, OTHER = 0xABC, 0xDEF
_NAMES = {
    "ipv4_src": "ip_src",
    "ipv4_dst": "ip_dst",
    "icmpv4_type": "icmp_type",
    "icmpv4_code": "icmp_code",
    "ip_frag=0x0/0x2": "ip_frag=not_later",
    "ip_frag=0x2/0x2": "ip_frag=later",
}
"""What ovs-ofctl calls what OpenFlow calls otherwise."""


@pytest.fixture(scope="module")
def bridge() -> Iterator[DummySwitch]:
    """A bridge whose ports lead into the tables of access lists, and what passes to port 9."""
    with a_switch() as switch:
        switch.add_bridge(ports=("p1", "p2", "p3", "p4"))
        switch.add_port("p9", 9)
        switch.ofctl("set-frags", "br0", "nx-match")
        yield switch


def install(switch: DummySwitch, flows: Iterable[Flow]) -> None:
    """Replace all flows by these, and by those that lead into their tables and out of them."""
    lines = ["delete"]
    for table, port in PORTS.items():
        register = ACL_OF_PORT if table in (acls.INGRESS[0], acls.EGRESS[0]) else ACL
        lines.append(f"in_port={port} actions=set_field:{NUMBER}->{register},goto_table:{table}")
    lines += (f"table={table} actions=output:9" for table in (Table.LEARNING, Table.DELIVERY))
    lines += map(_text, flows)
    path = switch.folder / "flows"
    path.write_text("\n".join(lines))
    switch.ofctl("--bundle", "add-flows", "br0", str(path))


def _text(flow: Flow) -> str:
    text = str(flow)
    for ours, theirs in _NAMES.items():
        text = text.replace(ours, theirs)
    return text


def passes(switch: DummySwitch, table: Table, frame: bytes) -> bool:
    """Whether Open vSwitch lets a frame through the access list of a table."""
    actions = switch.appctl("ofproto/trace", "br0", f"in_port={PORTS[table]}", frame.hex())
    last = actions.strip().splitlines()[-1].removeprefix("Datapath actions: ")
    return last != "drop"


def encoded(src: str, dst: str, packet: Packet) -> bytes:
    """Return a frame as bytes, with zeros for all that nothing looks at."""
    header = bytes.fromhex((dst + src).replace(":", "")) + packet.eth_type.to_bytes(2, "big")
    if packet.eth_type not in (IPV4, IPV6):
        return header + bytes(46)
    source, dest = (ip_address(each or 0).packed for each in (packet.source, packet.dest))
    later, load = packet.fragment is Fragment.LATER, _layer4(packet)
    offset, protocol = (1 if later else 0), packet.protocol or 0
    more = packet.fragment is not Fragment.WHOLE
    if packet.eth_type == IPV4:
        where = more << 13 | offset
        fixed = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(load), 7, where, 64, protocol, 0)
        return header + fixed + source + dest + load
    if more:
        load = struct.pack("!BBHI", protocol, 0, offset << 3 | 1, 7) + load
    fixed = struct.pack("!IHBB", 6 << 28, len(load), 44 if more else protocol, 64)
    return header + fixed + source + dest + load


def _layer4(packet: Packet) -> bytes:
    ports = struct.pack("!HH", packet.source_port or 0, packet.dest_port or 0)
    if packet.fragment is Fragment.LATER:
        return b"\xff" * 64
    if packet.protocol == TCP:
        return ports + bytes(8) + (0x5000 | (packet.tcp_flags or 0)).to_bytes(2, "big") + bytes(6)
    if packet.protocol in (UDP, SCTP):
        return ports + struct.pack("!HH", 8, 0) + bytes(4)
    if packet.protocol in (ICMP, ICMPV6):
        return bytes((packet.icmp_type or 0, packet.icmp_code or 0)) + bytes(30)
    return bytes(8)


def _can_be_read(entry: AclEntry) -> bool:
    """Whether ovs-ofctl reads the masks: it takes one of IPv6 that begins with a digit for /n."""
    addresses = (entry.match.source, entry.match.destination) if entry.match else ()
    return not any(each and ":" in each[1] and each[1][0].isdigit() for each in addresses)


LISTS = st.lists(
    ENTRIES.filter(_can_be_read), min_size=1, max_size=12, unique_by=lambda each: each.uuid
)
FRAMES = st.lists(
    st.tuples(
        st.sampled_from(MACS[:2]),
        st.sampled_from(MACS),
        PACKETS.filter(lambda packet: packet.eth_type in (IPV4, IPV6, ARP, 0x88CC)),
    ),
    min_size=5,
    max_size=10,
)


@settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)
@given(LISTS, LISTS, FRAMES)
def test_open_vswitch_judges_packets_as_the_rows_say(
    bridge: DummySwitch,
    rows: list[AclEntry],
    others: list[AclEntry],
    frames: list[tuple[str, str, Packet]],
) -> None:
    made = [*acls.misses()]
    for table in TABLES:
        for number, listed in ((NUMBER, rows), (OTHER, others)):
            mine = [row for row in listed if row.is_egress is (table in acls.EGRESS)]
            ranked = acls.priorities(mine)
            assert ranked is not None
            made += (
                flow for row in mine for flow in acls.flows(number, row, ranked[row.uuid], table)
            )
    install(bridge, made)
    assert len(bridge.flows()) == len(made) + len(PORTS) + 2
    for src, dst, packet in frames:
        for table in TABLES:
            expected = acl_rule.permits(rows, src, dst, packet, is_egress=table in acls.EGRESS)
            assert passes(bridge, table, encoded(src, dst, packet)) is expected, (table, packet)
