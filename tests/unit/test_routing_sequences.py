"""Routers under any sequence of events: where packets go, and that nothing of the past is left.

The NVC makes and changes routers, places stations and names the ARP sources of other VTEPs; hosts
state addresses, move and fall silent; all that running.py lets go wrong does. Frames become what
routing_rule.py says of the rows and of the addresses that the switch knows. A new process changes
nothing.
"""

from dataclasses import replace
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from vtep_ofapp.pipeline.layout import Table
from vtep_ofapp.values.arp_sources import ArpSource
from vtep_ofapp.values.flows import Flow

from . import protocols
from .builders import (
    BLUE,
    BROADCAST,
    FAR,
    FURTHER,
    MAC1,
    MAC2,
    MAC3,
    RED,
    locator,
    logical_switch,
    physical_port,
    physical_switch,
    port,
    remote_mac,
    unknown_dst,
    uuid,
)
from .packets import Packet, icmp, tcp, udp
from .protocols import REPLY, REQUEST
from .reference import Place, Tunnel, Wire
from .routed_fabric import LOGICAL_SWITCHES, NAMES, PREFIXES, Plan, ip
from .routed_running import FOREIGN, SRC, RoutedRunning, is_answered
from .walk import Pipeline

REMOTE = "02:00:00:00:00:99"
SWITCHES = st.sampled_from(LOGICAL_SWITCHES)
HOSTS = st.sampled_from([MAC1, MAC2, MAC3])
HOST_NUMBERS = st.sampled_from([11, 11, 12, 99])
PORTS = st.sampled_from(["p0", "p1"])
PLACES = st.sampled_from(
    [Wire("p0", None), Wire("p0", None), Wire("p1", None), Wire("p1", 10), Tunnel(FAR, 5001)]
)
PLANS = st.builds(
    Plan,
    st.sampled_from(["r1", "r1", "r2"]),
    st.sets(SWITCHES, min_size=1).map(frozenset),
    has_ipv6=st.sampled_from([True, True, False]),
    has_second_subnet=st.booleans(),
    routes=st.dictionaries(
        st.sampled_from(PREFIXES),
        st.tuples(SWITCHES, st.sampled_from([1, 2, 11, 12, 99])),
        max_size=3,
    ),
)
WHOLE = Plan("r1", frozenset({RED, BLUE}), routes={"10.0.0.0/8": (BLUE, 12)})
TARGETS = ["10.1.2.3", "10.9.9.9", "192.168.7.5", "192.168.2.255", "192.168.2.0", "224.1.1.1"]
TARGETS += ["127.0.0.1", "169.254.1.1", "255.255.255.255", "8.8.8.8"]
TARGETS6 = ["2001:db8:a::1", "ff02::1", "fe80::77", "::1"]
WHO = st.tuples(SWITCHES, st.sampled_from([1, 2, 11, 11, 12, 12, 99, 200]))
KINDS = st.sampled_from(["tcp", "udp", "echo", "later", "first"])


def packet(source: str, target: str, kind: str, ttl: int) -> Packet:
    """Return a packet of a kind."""
    if kind == "echo":
        found = icmp(source, target, 128 if ":" in target else 8)
    elif kind == "udp":
        found = udp(source, target, 1024, 9)
    else:
        found = tcp(source, target, 1024, 80)
    if kind in ("later", "first"):
        found = found.later_fragment() if kind == "later" else found.first_fragment()
    return replace(found, ttl=ttl)


class RoutingSequences(RoutedRunning):
    """What an NVC does with routers, and what hosts send."""

    @initialize()
    def begin(self) -> None:
        """Begin with a router between two logical switches, and a host that has spoken in each."""
        ports = physical_port("p0", {0: RED}), physical_port("p1", {0: BLUE, 10: RED})
        self.vtep.put(
            *(logical_switch(of, 5000 + of.int, source_node=True) for of in LOGICAL_SWITCHES),
            unknown_dst(FAR, row=uuid(0x2000)),
            unknown_dst(FAR, of=BLUE, row=uuid(0x2001)),
            replace(remote_mac(REMOTE, FAR, of=BLUE, row=uuid(0x1000)), ip=ip(BLUE, 99)),
            physical_switch(*ports),
        )
        self.openvswitch.put(port("p0", 1), port("p1", 2))
        self.put_router(WHOLE)
        self.restart()
        self.come_to_rest()
        self.state_address(Wire("p0", None), MAC1, 11, is_ipv6=False)
        self.state_address(Wire("p1", None), MAC2, 12, is_ipv6=False)

    # The NVC and the operator

    @rule(plan=PLANS)
    def put_router(self, plan: Plan) -> None:
        self.plans[plan.name] = plan
        row = plan.row()
        former = self.vtep.rows.get(row.uuid)
        faults: frozenset[str] = getattr(former, "fault_status", frozenset())
        self.vtep.put(replace(row, fault_status=faults))

    @rule(name=st.sampled_from(NAMES))
    def remove_router(self, name: str) -> None:
        plan = self.plans.pop(name, None)
        if plan is not None:
            self.vtep.remove(plan.row().uuid)

    @rule(is_there=st.booleans(), address=st.sampled_from([FAR, FURTHER]))
    def change_arp_source(self, is_there: bool, address: str) -> None:
        row = uuid(0xA500)
        if is_there:
            self.vtep.put(ArpSource(row, FOREIGN, locator(address)))
        else:
            self.vtep.remove(row)

    @rule(
        number=st.integers(0, 2),
        of=SWITCHES,
        mac=st.sampled_from([REMOTE, MAC1]),
        address=st.sampled_from([FAR, FURTHER]),
        host=st.none() | HOST_NUMBERS,
        is_ipv6=st.booleans(),
    )
    def place_station(
        self, number: int, of: UUID, mac: str, address: str, host: int | None, is_ipv6: bool
    ) -> None:
        row = remote_mac(mac, address, of=of, row=uuid(0x1000 + number))
        self.vtep.put(replace(row, ip="" if host is None else ip(of, host, is_ipv6=is_ipv6)))

    @rule(number=st.integers(0, 2))
    def remove_station(self, number: int) -> None:
        self.vtep.remove(uuid(0x1000 + number))

    @rule(name=PORTS, bindings=st.dictionaries(st.sampled_from([0, 10]), SWITCHES))
    def bind(self, name: str, bindings: dict[int, UUID]) -> None:
        self.change_port_row(name, vlan_bindings=bindings)

    @rule(name=PORTS, number=st.integers(1, 3))
    def put_port(self, name: str, number: int) -> None:
        if number not in {each.number for each in self.openvswitch.ports.values()}:
            self.openvswitch.put(port(name, number))

    # Hosts

    @rule(place=PLACES, mac=HOSTS, host=HOST_NUMBERS, is_ipv6=st.booleans())
    def state_address(self, place: Place, mac: str, host: int, is_ipv6: bool) -> None:
        """A host says by ARP, or by an advertisement, which address it has."""
        self.come_to_rest()
        of = self.logical_switch_at(place)
        if of is None:
            return
        address = ip(of, host, is_ipv6=is_ipv6)
        if is_ipv6:
            said = protocols.advertisement(address, "ff02::1", address, mac)
            self.judge(place, mac, protocols.group_mac("ff02::1"), said, self.send)
        else:
            said = protocols.arp(REQUEST, mac, address, address)
            self.judge(place, mac, BROADCAST, said, self.send)
        self.come_to_rest()

    @rule(
        place=PLACES,
        mac=HOSTS,
        who=WHO,
        is_ipv6=st.booleans(),
        to=st.sampled_from(["all", "router", "foreign"]),
    )
    def ask(self, place: Place, mac: str, who: tuple[UUID, int], is_ipv6: bool, to: str) -> None:
        """A host asks for somebody's address."""
        self.come_to_rest()
        of = self.logical_switch_at(place)
        if of is None:
            return
        sender = ip(of, 11, is_ipv6=is_ipv6)
        target = ip(*who, is_ipv6=is_ipv6)
        dst = self.mac_of(to, of)
        if is_ipv6:
            said = protocols.solicitation(sender, target, mac)
            dst = dst or protocols.group_mac(protocols.solicited_node(target))
        else:
            said = protocols.arp(REQUEST, mac, sender, target)
        self.judge(place, mac, dst or BROADCAST, said, self.send)
        self.come_to_rest()

    @rule(place=PLACES, mac=HOSTS, to=st.sampled_from(["router", "own", "foreign"]))
    def reply(self, place: Place, mac: str, to: str) -> None:
        """A host answers a request of this or of another VTEP's."""
        self.come_to_rest()
        of = self.logical_switch_at(place)
        dst = self.mac_of(to, of) if of else None
        if of is not None and dst is not None:
            said = protocols.arp(REPLY, mac, ip(of, 11), ip(of, 1), dst)
            self.judge(place, mac, dst, said, self.send)
            self.come_to_rest()

    @rule(
        place=PLACES,
        mac=st.sampled_from([MAC1, MAC2, MAC3, FOREIGN, SRC]),
        to=st.sampled_from(["router"] * 5 + ["own", "foreign", "host"]),
        who=WHO,
        other=st.sampled_from(TARGETS + TARGETS6 + [""] * 20),
        kind=KINDS,
        ttl=st.sampled_from([64, 64, 64, 0, 1, 2, 255]),
        is_ipv6=st.booleans(),
    )
    def send_packet(
        self,
        place: Place,
        mac: str,
        to: str,
        who: tuple[UUID, int],
        other: str,
        kind: str,
        ttl: int,
        is_ipv6: bool,
    ) -> None:
        """A host sends a packet, by a router most often."""
        self.come_to_rest()
        of = self.logical_switch_at(place)
        dst = self.mac_of(to, of) if of else None
        if of is not None and dst is not None:
            target = other or ip(*who, is_ipv6=is_ipv6)
            source = ip(of, 11, is_ipv6=":" in target)
            self.judge(place, mac, dst, packet(source, target, kind, ttl), self.send)
            self.come_to_rest()

    @rule(mac=HOSTS, table=st.sampled_from([Table.LEARNING, Table.SNOOPING]))
    def falls_silent(self, mac: str, table: Table) -> None:
        """The flows that know a host, or its addresses, end."""
        self.come_to_rest()
        ended = [
            key
            for key, flow in self.switch.flows.items()
            if key.table == table and flow.idle_timeout and dict(key.match).get("eth_src") == mac
        ]
        if self.connection is not None:
            self.connection.tell_of_lost_flows(ended, idle=True)
        for key in ended:
            del self.switch.flows[key]
        self.come_to_rest()

    # At rest

    def check(self) -> None:
        """Send a few packets that teach nothing."""
        if self.physical is None:
            return
        fabric, reference = self.fabric(), self.reference()
        pipeline = Pipeline(self.switch.flows.values(), self.switch.groups.values())
        for place in (Wire("p0", None), Wire("p1", None), Tunnel(FAR, 5001)):
            of = self.logical_switch_at(place, reference)
            dst = self.mac_of("router", of) if of else None
            if of is None or dst is None:
                continue
            for target in (ip(BLUE, 12), ip(RED, 11), ip(BLUE, 99), ip(BLUE, 1), "10.1.2.3"):
                sent = packet(ip(of, 11), target, "echo", 64)
                self.judge_by(fabric, reference, place, MAC1, dst, sent, pipeline.send)


def test_stations_whose_addresses_aged_without_a_process_stay_next_hops_for_a_while() -> None:
    """They are asked as those that answered are, and go at rest, where nobody answers."""
    running = RoutingSequences()
    running.begin()
    running.cut_connection()
    flows = running.switch.flows
    for key in [key for key, flow in flows.items() if is_pair(flow)]:
        del flows[key]
    running.restart()
    running.come_to_rest()
    assert sum(map(is_answered, flows.values())) == 2
    running.teardown()
    assert not any(map(is_answered, flows.values()))


def is_pair(flow: Flow) -> bool:
    return flow.key.table == Table.SNOOPING and flow.idle_timeout > 0


TestRoutingSequences = RoutingSequences.TestCase
TestRoutingSequences.settings = settings(
    max_examples=max(5, settings().max_examples // 4), stateful_step_count=30
)
