"""Why a switch has what it has: each owner names the rows or the event that caused it."""

from collections.abc import Callable, Iterator
from operator import methodcaller

import pytest

from vtep_ofapp.engine.cause import RowOf
from vtep_ofapp.engine.desired import Desired, Key
from vtep_ofapp.features.acls.interfaces import RouterAcls
from vtep_ofapp.features.arp_sources.keys import OwnSource, TunnelSide
from vtep_ofapp.features.arp_sources.rows import Source
from vtep_ofapp.features.bindings.ports import VlanBinding
from vtep_ofapp.features.icmp_errors.limits import SHARE
from vtep_ofapp.features.learning.damping import HOLD, MAX_MOVES
from vtep_ofapp.features.learning.feature import FullLogicalSwitch, FullPort, Learned
from vtep_ofapp.features.logical_switches.feature import LocalFlooding, Vni
from vtep_ofapp.features.multicast.membership import GroupMac
from vtep_ofapp.features.multicast.owners import Snooped, Unheard
from vtep_ofapp.features.multicast.snooping import Snooping
from vtep_ofapp.features.neighbours.limits import USELESS_AT_PORT
from vtep_ofapp.features.next_hops.answers import NextHop
from vtep_ofapp.features.next_hops.hearing import useless
from vtep_ofapp.features.next_hops.places import MOST_USELESS, QuietPlace
from vtep_ofapp.features.peers import Peer
from vtep_ofapp.features.replication import Multicast, Replication
from vtep_ofapp.features.routers.feature import Router
from vtep_ofapp.features.tunnels.feature import Tunnel
from vtep_ofapp.features.unicast import Placed
from vtep_ofapp.pipeline.layout import (
    LOGICAL_SWITCH,
    SENDER,
    SOURCE_BINDING,
    UNROUTED,
    Cookie,
    Table,
)
from vtep_ofapp.process.settings import ALWAYS, Settings
from vtep_ofapp.values.acls import Acl, AclEntry, Refusal
from vtep_ofapp.values.arp_sources import ArpSource
from vtep_ofapp.values.events import PacketIn
from vtep_ofapp.values.flows import match
from vtep_ofapp.values.rows import Gone, Refused, TunnelReport, TunnelRow, VtepRow

from .builders import (
    FAR,
    FURTHER,
    FURTHEST,
    IP1,
    IP2,
    MAC1,
    MAC2,
    MAC3,
    MULTICAST,
    NO_CONNECTION,
    OWN,
    RED,
    SWITCH,
    arp_header,
    locator,
    logical_router,
    logical_switch,
    number_of,
    physical_port,
    physical_switch,
    port,
    remote_group,
    remote_mac,
    stated,
    unknown_dst,
    uuid,
)
from .doubles import TimeDouble
from .world import World

ROUTER, BAD, ACL, BFD = uuid(0x9000), uuid(0xBAD), uuid(0xAC1), uuid(0xBFD)
ENTRY, BAD_ENTRY = uuid(0xE01), uuid(0xE02)
UNKNOWN, GROUP = uuid(0x2001), uuid(0x2002)
SOURCE, BAD_SOURCE, SOURCE_MAC = uuid(0xA601), uuid(0xA602), "06:00:00:00:00:03"


def rows_of_every_kind() -> Iterator[VtepRow]:
    """Yield what the NVC has written."""
    yield from (
        logical_switch(RED, 5001),
        remote_mac(MAC1, FAR, ip=IP2),
        remote_mac(MAC3, FAR, row=uuid(0x1003), invalid_ip="10.0.0"),
        unknown_dst(FAR, FURTHER, row=UNKNOWN),
        remote_group(MULTICAST, FAR, row=GROUP),
        logical_router(RED, row=ROUTER, acls={f"10.0.{RED.int}.1": ACL}),
        ArpSource(SOURCE, SOURCE_MAC, locator(FURTHEST)),
        ArpSource(BAD_SOURCE, "", locator(FURTHEST), refused="src_mac: it is no good"),
        AclEntry(ENTRY, 10, is_egress=False, permits=False),
        AclEntry(
            BAD_ENTRY,
            20,
            False,
            False,
            None,
            (Refusal("protocol: 256 is outside of 0 to 255", "protocol=VALUE"),),
        ),
        Acl(ACL, "strict", frozenset({ENTRY, BAD_ENTRY})),
        Refused(BAD, f"Ucast_Macs_Remote nonsense (row {BAD})", "'nonsense' is no MAC", RED),
    )


@pytest.fixture
def world() -> World:
    """Return a switch that has owners of every kind."""
    settings = Settings(
        max_local_macs=1,
        max_local_macs_per_port=1,
        max_ips_per_mac=1,
        multicast_snooping=True,
        icmp_errors_per_second=0,
        gateway_for_tunnels=ALWAYS,
    )
    world = World(settings=settings, clock=TimeDouble().clock)
    world.tell(*rows_of_every_kind())
    bfd = TunnelRow(BFD, locator(FAR).uuid, FAR, TunnelReport(OWN), {"enable": "true"})
    p0 = physical_port("p0", {0: RED, 7: RED}, acl_bindings={0: ACL})
    p1 = physical_port("p1", refused=("VLAN 4097 is out of range",))
    world.physical(physical_switch(p0, p1, tunnels=(bfd,)))
    world.bridge(port("p0", 1), port("p1", 2))
    world.calm_down()
    world.see(MAC2, "p0", 7)
    snooping = world.switch.view[Snooping]
    snooping.routers.heard(RED, 0x1000, 100.0)
    joined = snooping.members.join(RED, 0x1007, "239.1.1.1", MAC2, 100.0)
    snooping.unheard.set(0x1000, 110.0)
    world.invalidate([*snooping.renumber(joined), Snooped(RED), Unheard(0x1000)])
    fields = match({SOURCE_BINDING: 0x1007, LOGICAL_SWITCH: number_of(RED)})
    world.switch.packet_in(stated(fields, arp_header(MAC2, IP1)))
    for _ in range(USELESS_AT_PORT):
        world.switch.packet_in(stated(fields, arp_header(MAC2, IP1, sha=MAC3)))
    for _ in range(int(SHARE)):
        world.switch.packet_in(unrouted())
    for _ in range(MOST_USELESS):
        world.invalidate(useless(FAR, world.switch.view))
    world.calm_down()
    return world


def unrouted() -> PacketIn:
    """Return the packet-in of a packet for which a router has no route."""
    fields = match({SENDER: UNROUTED, SOURCE_BINDING: 0x1007})
    return PacketIn(NO_CONNECTION, Cookie.ROUTING, Table.SHOWING, fields, bytes(14))


def why(world: World, key: Key) -> list[str]:
    return [cause.text for cause in world.switch.because(key)]


def rows(world: World, key: Key) -> set[RowOf]:
    return {row for cause in world.switch.because(key) for row in cause.rows}


def test_every_owner_has_a_cause(world: World) -> None:
    owners = world.switch.owned
    lacking = {kind.__name__ for kind, desired in owners.of.items() if not desired}
    assert lacking == {"Router"}, "a router has only faults, and none here"
    assert all(world.switch.because(key) for key, _ in owners.all())


P0, P1 = physical_port("p0").uuid, physical_port("p1").uuid


@pytest.mark.parametrize(
    ("key", "text", "row"),
    [
        (
            Placed(RED, MAC1),
            f"the NVC places {MAC1} behind {FAR} in Logical_Switch red",
            RowOf("Ucast_Macs_Remote", uuid(0x1000)),
        ),
        (
            Learned(RED, MAC2),
            f"{MAC2} was learned in Logical_Switch red at port p0 VLAN 7 of br0 from a frame, "
            "0 s ago",
            RowOf("Logical_Switch", RED),
        ),
        (
            VlanBinding("p0", 7),
            "vlan_bindings of Physical_Port p0 of br0 bind VLAN 7 to Logical_Switch red",
            RowOf("Physical_Port", P0),
        ),
        (
            LocalFlooding(RED),
            "Logical_Switch red is bound here to p0 VLAN 0, p0 VLAN 7",
            RowOf("Physical_Port", P0),
        ),
        (Vni(RED), "Logical_Switch red has tunnel_key 5001", RowOf("Logical_Switch", RED)),
        (
            Peer(RED, FAR),
            f"4 rows of Ucast_Macs_Remote and Mcast_Macs_Remote name {FAR} for Logical_Switch red",
            RowOf("Physical_Locator", locator(FAR).uuid),
        ),
        (
            Replication(RED),
            f"the NVC sends frames for unknown-dst in Logical_Switch red to {FAR}, {FURTHER}",
            RowOf("Mcast_Macs_Remote", UNKNOWN),
        ),
        (
            Multicast(RED, MULTICAST),
            f"the NVC sends frames for {MULTICAST} in Logical_Switch red to {FAR}",
            RowOf("Mcast_Macs_Remote", GROUP),
        ),
        (
            Snooped(RED),
            "multicast_snooping is on, and Logical_Switch red is bound here",
            RowOf("Logical_Switch", RED),
        ),
        (
            GroupMac(RED, "01:00:5e:01:01:01"),
            "p0 VLAN 7 joined 01:00:5e:01:01:01 (239.1.1.1) in Logical_Switch red",
            RowOf("Logical_Switch", RED),
        ),
        (
            Router(ROUTER),
            "Logical_Router lr0 joins Logical_Switch red",
            RowOf("Logical_Router", ROUTER),
        ),
        (OwnSource(), "Logical_Router lr0 is present here", RowOf("Logical_Router", ROUTER)),
        (
            Source(SOURCE_MAC),
            f"{FURTHEST} sends from {SOURCE_MAC} for routers",
            RowOf("Arp_Sources_Remote", SOURCE),
        ),
        (
            Source(""),
            f"Arp_Sources_Remote (row {BAD_SOURCE}): src_mac: it is no good",
            RowOf("Arp_Sources_Remote", BAD_SOURCE),
        ),
        (
            TunnelSide(ROUTER, RED),
            "Logical_Router lr0 is in Logical_Switch red",
            RowOf("Logical_Router", ROUTER),
        ),
        (
            Peer(RED, FURTHEST),
            f"Logical_Switch red has a router, and {FURTHEST} is a VTEP that routes",
            RowOf("Arp_Sources_Remote", SOURCE),
        ),
        (
            RouterAcls(ROUTER),
            "acl_binding of Logical_Router lr0 names ACL strict",
            RowOf("Logical_Router", ROUTER),
        ),
        (
            NextHop(RED, IP2),
            f"packets to {IP2} in Logical_Switch red go to {MAC1}: the NVC says so in "
            "Ucast_Macs_Remote",
            RowOf("Ucast_Macs_Remote", uuid(0x1000)),
        ),
        (
            FullPort("p0"),
            "Physical_Port p0 of br0 has 1 learned MACs; its limit is 1",
            RowOf("Physical_Port", P0),
        ),
        (
            FullLogicalSwitch(RED),
            "Logical_Switch red has 1 learned MACs; its limit is 1",
            RowOf("Logical_Switch", RED),
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, tuple) else None,
)
def test_it_names_what_it_is_and_its_rows(world: World, key: Key, text: str, row: RowOf) -> None:
    assert text in why(world, key)
    assert row in rows(world, key)


def test_a_station_says_how_it_came_there_and_how_long_it_is_held() -> None:
    time = TimeDouble()
    world = World(clock=time.clock)
    world.tell(logical_switch(RED))
    world.physical(physical_switch(physical_port("p0", {0: RED}), physical_port("p1", {0: RED})))
    world.bridge(port("p0", 1), port("p1", 2))
    world.settle()
    world.read_back({flow.key: flow for flow in world.flow_values()}, {})
    for number in range(MAX_MOVES + 2):
        world.see(MAC1, f"p{number % 2}")
    time.wait(4)
    assert why(world, Learned(RED, MAC1)) == [
        f"{MAC1} was learned in Logical_Switch red at port p{MAX_MOVES % 2} VLAN 0 of br0 "
        f"from a frame, 4 s ago, after {MAX_MOVES} moves",
        f"it moved too often, and is held there for another {HOLD - 4:g} s",
    ]
    world.settle()
    flows = {flow.key: flow for flow in world.flow_values()}
    world.macs.forget(RED, MAC1)
    world.read_back(flows, {})
    assert why(world, Learned(RED, MAC1)) == [
        f"{MAC1} was learned in Logical_Switch red at port p{MAX_MOVES % 2} VLAN 0 of br0 "
        "by a flow that was on the switch when it was read back"
    ]


def test_a_tunnel_names_its_users_and_its_bfd(world: World) -> None:
    assert why(world, Tunnel(FAR)) == [*why(world, Peer(RED, FAR)), "bfd_params enables BFD"]
    assert RowOf("Tunnel", BFD) in rows(world, Tunnel(FAR))
    assert RowOf("Tunnel", BFD) not in rows(world, Tunnel(FURTHER))


def test_a_former_tunnel_waits_for_another_one() -> None:
    world = World()
    world.tell(logical_switch(RED), remote_mac(MAC1, FAR))
    world.physical(physical_switch(physical_port("p0", {0: RED})))
    world.bridge(port("p0", 1))
    world.calm_down()
    world.tell(remote_mac(MAC1, FURTHER))
    world.settle()
    assert why(world, Tunnel(FAR)) == [
        "no row names it any longer; frames use it until another tunnel is up"
    ]
    world.calm_down()
    assert why(world, Tunnel(FAR)) == []


def test_of_two_rows_for_a_station_it_says_which_one_is_not_used(world: World) -> None:
    rival = uuid(0x1001)
    world.tell(remote_mac(MAC1, FURTHER, row=rival))
    assert why(world, Placed(RED, MAC1)) == [
        f"the NVC places {MAC1} behind {FAR} in Logical_Switch red",
        f"a row that is not used places it behind {FURTHER}",
    ]
    assert RowOf("Ucast_Macs_Remote", rival) in rows(world, Placed(RED, MAC1))


def test_a_station_of_a_logical_switch_that_is_not_bound_says_so(world: World) -> None:
    world.physical(physical_switch(physical_port("p0")))
    world.settle()
    assert world.switch.owned.get(Placed(RED, MAC1)) is None
    assert "Logical_Switch red has no binding here" in why(world, Placed(RED, MAC1))
    assert "Logical_Switch red has no binding here" in why(world, Peer(RED, FAR))


@pytest.mark.parametrize(
    ("floods", "text"),
    [
        (False, "has no unknown-dst, so BUM frames reach no remote VTEP"),
        (
            True,
            "has no unknown-dst, and flood_without_unknown_dst sends BUM frames to every VTEP "
            f"that rows name: {FAR}",
        ),
    ],
)
def test_without_unknown_dst(floods: bool, text: str) -> None:
    world = World(settings=Settings(flood_without_unknown_dst=floods))
    world.tell(logical_switch(RED), remote_mac(MAC1, FAR))
    world.physical(physical_switch(physical_port("p0", {0: RED})))
    world.bridge(port("p0", 1))
    world.calm_down()
    assert why(world, Replication(RED)) == [f"Logical_Switch red {text}"]


def test_a_binding_whose_port_is_away_says_so(world: World) -> None:
    world.bridge()
    world.settle()
    assert why(world, VlanBinding("p0", 0))[1:] == [
        "the binding is not used: the bridge has no port of that name"
    ]


def owners(world: World, has: Callable[[Desired], bool]) -> list[Key]:
    return [key for key, desired in world.switch.owned.all() if has(desired)]


def test_the_owner_of_a_flow_a_group_and_a_port_is_found(world: World) -> None:
    (flow,) = (each for each in world.flow_values() if dict(each.key.match).get("eth_dst") == MAC1)
    assert owners(world, methodcaller("has_flow", flow.key)) == [Placed(RED, MAC1)]
    for group in world.group_values():
        assert len(owners(world, methodcaller("has_group", group.id))) == 1
    for tunnel in world.tunnel_ports():
        has = methodcaller("has_port", tunnel.name)
        assert owners(world, has) == [Tunnel(str(tunnel.remote))]


def test_owners_may_change_while_they_are_listed(world: World) -> None:
    listed = world.switch.owned.all()
    first, _ = next(listed)
    world.tell(Gone(uuid(0x1000)), remote_mac(MAC3, FAR, row=uuid(0x1002)))
    world.settle()
    rest = [key for key, _ in listed]
    assert first not in rest
    assert Placed(RED, MAC1) not in rest


def test_without_a_physical_switch_nothing_is_caused(world: World) -> None:
    world.physical(None)
    world.settle()
    assert world.switch.because(Placed(RED, MAC1)) == ()
    assert not any(world.switch.owned.of.values())


def test_faults_name_their_rows(world: World) -> None:
    found = {row for key, _ in world.switch.owned.all() for row in rows(world, key)}
    bad = {RowOf("Ucast_Macs_Remote", BAD), RowOf("Physical_Port", P1), RowOf("Physical_Port", P0)}
    assert bad | {RowOf("Physical_Switch", SWITCH)} <= found


def test_a_router_and_a_binding_that_reports_too_much(world: World) -> None:
    assert "multicast routers were heard at p0 VLAN 0" in why(world, Snooped(RED))
    (text,) = why(world, Unheard(0x1000))
    assert text == (
        "p0 VLAN 0 reported too many multicast groups at once, and is not heard for another 10 s"
    )


def test_a_remote_vtep_that_sends_what_is_of_no_use(world: World) -> None:
    assert why(world, QuietPlace(FAR)) == [
        f"too much that is of no use comes in by the tunnel from {FAR}"
    ]
