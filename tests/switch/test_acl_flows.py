"""Open vSwitch takes and returns the flows of access lists, and judges packets as the rows say."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from ipaddress import ip_address

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.switch.conftest import a_switch
from tests.switch.dummy import DummySwitch
from tests.switch.test_read_back import Management
from tests.unit import acl_rule
from tests.unit.acl_examples import ENTRIES, MACS, PACKETS
from tests.unit.packets import ARP, ICMP, ICMPV6, IPV4, IPV6, SCTP, TCP, UDP, Fragment, Packet
from vtep_ofapp.pipeline import acls, layout
from vtep_ofapp.pipeline.layout import Cookie, Priority, Table
from vtep_ofapp.values.acls import AclEntry
from vtep_ofapp.values.flows import Flow, GoTo, Output, SetField, match

TABLES = (*acls.INGRESS, *acls.EGRESS)
PORTS = {table: number for number, table in enumerate(TABLES, 1)}
"""The port by which frames come into each table."""
NUMBER, OTHER = 0xABC, 0xDEF
_IN = [
    layout.flow(
        Table.ADMISSION,
        Priority.DEFAULT,
        match({"in_port": port}),
        SetField(acls.REGISTER[table], NUMBER),
        GoTo(table),
        producer=Cookie.ADMISSION,
    )
    for table, port in PORTS.items()
]
_OUT = [
    layout.flow(table, Priority.DEFAULT, match({}), Output(9), producer=Cookie.EGRESS)
    for table in (Table.LEARNING, Table.TERMINATION, Table.UNICAST, Table.DELIVERY)
]


@pytest.fixture(scope="module")
def bridge() -> Iterator[DummySwitch]:
    """A bridge whose ports lead into the tables of access lists, and what passes to port 9."""
    with a_switch() as switch:
        switch.add_bridge(ports=tuple(f"p{port}" for port in PORTS.values()))
        switch.add_port("p9", 9)
        switch.ofctl("set-frags", "br0", "nx-match")
        yield switch


def install(switch: DummySwitch, flows: list[Flow]) -> None:
    """Replace all flows by these, and check that Open vSwitch sends them back as they are."""
    switch.ofctl("del-flows", "br0")
    with Management(switch) as management:
        management.apply(*flows)
        assert {flow.key: flow for flow in management.flows()} == {flow.key: flow for flow in flows}


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
    if packet.is_cut:
        return b"\xff" * 8
    if packet.protocol == TCP:
        return ports + bytes(8) + (0x5000 | (packet.tcp_flags or 0)).to_bytes(2, "big") + bytes(6)
    if packet.protocol in (UDP, SCTP):
        return ports + struct.pack("!HH", 8, 0) + bytes(4)
    if packet.protocol in (ICMP, ICMPV6):
        return bytes((packet.icmp_type or 0, packet.icmp_code or 0)) + bytes(30)
    return bytes(8)


LISTS = st.lists(ENTRIES, min_size=1, max_size=12, unique_by=lambda each: each.uuid)
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
    made = [*acls.misses(), *acls.misses_of_routers()]
    for table in TABLES:
        for number, listed in ((NUMBER, rows), (OTHER, others)):
            mine = [row for row in listed if row.is_egress is (table in acls.EGRESS)]
            ranked = acls.priorities(mine)
            assert ranked is not None
            made += (
                flow for row in mine for flow in acls.flows(number, row, ranked[row.uuid], table)
            )
            cut = {header for row in mine for header in acls.headers(row)}
            made += (acls.refuse_cut(number, header, table) for header in cut)
    install(bridge, [*_IN, *made, *_OUT])
    for src, dst, packet in frames:
        for table in TABLES:
            expected = acl_rule.permits(rows, src, dst, packet, is_egress=table in acls.EGRESS)
            assert passes(bridge, table, encoded(src, dst, packet)) is expected, (table, packet)
