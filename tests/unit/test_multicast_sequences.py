"""IGMP and MLD under any sequence of events.

Hosts join and leave groups, routers ask, time passes, bindings come and go, and all that running.py
lets go wrong does. Frames for groups reach members and routers, as multicast_rule.py says, and
Mcast_Macs_Local has the groups. A new process goes on with the members that the switch has.
"""

import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from vtep_ofapp.features.learning.damping import HOLD
from vtep_ofapp.loop.loop import Loop
from vtep_ofapp.pipeline.layout import GroupKind, Table
from vtep_ofapp.values.addresses import UNKNOWN_DST
from vtep_ofapp.values.flows import SetField, ToGroup
from vtep_ofapp.values.rows import BridgePort, LocalMcastMac

from .builders import (
    BLUE,
    FAR,
    FURTHER,
    MAC1,
    MAC2,
    MAC3,
    OWN,
    RED,
    logical_switch,
    physical_port,
    physical_switch,
    port,
    remote_group,
    unknown_dst,
    uuid,
)
from .multicast_rule import MEMBERSHIP_TIME, ROUTER_TIME, Binding, Groups, Kind, Said, is_restricted
from .packets import IPV4, IPV6, Packet
from .protocols import group_mac, igmp, ip_bytes, mld
from .reading import kind_of_group
from .reference import Place, Reference, Tunnel, Wire
from .running import Running
from .step_by_step import Connection
from .walk import Frame, Pipeline, Result

GROUPS_IPV4 = ("239.1.1.1", "239.129.1.1", "239.2.2.2", "224.0.0.5")
GROUPS_IPV6 = ("ff05::101", "ff05::1:102", "ff02::1:ff00:1")
GROUPS = st.sampled_from([*GROUPS_IPV4, *GROUPS_IPV6, "239.1.1.1", "ff05::101"])
CHECKED = ("239.1.1.1", "239.2.2.2", "224.0.0.5", "ff05::101", "ff02::1:ff00:1")
"""Groups whose frames are judged whenever all is at rest; 239.129.1.1 has a MAC of these."""
HOSTS = st.sampled_from([MAC1, MAC1, MAC2, MAC3])
WIRES = st.sampled_from([Wire("p0", None), Wire("p0", None), Wire("p1", None), Wire("p1", 10)])
PORTS = st.sampled_from(["p0", "p1"])
HOST, ROUTER = {4: "192.0.2.1", 6: "fe80::1"}, {4: "192.0.2.254", 6: "fe80::fe"}
STRANGER = "02:00:00:00:00:77"
TO_INCLUDE, TO_EXCLUDE = 3, 4
"""Types of records of IGMPv3 and MLDv2: with no sources, a leave and a join."""


def old(kind: Kind, group: str) -> Said:
    """Return a message of IGMPv2 or MLDv1."""
    is_join, packed = kind is Kind.JOIN, ip_bytes(group)
    if ":" in group:
        target = group if is_join else "ff02::2"
        message = struct.pack("!BBHI", 131 if is_join else 132, 0, 0, 0) + packed
        return Said(kind, group, target, mld(HOST[6], target, message))
    target = group if is_join else "224.0.0.2"
    message = struct.pack("!BBH", 0x16 if is_join else 0x17, 0, 0) + packed
    return Said(kind, group, target, igmp(HOST[4], target, message))


def new(kind: Kind, group: str) -> Said:
    """Return a message of IGMPv3 or MLDv2."""
    record = struct.pack("!BBH", TO_EXCLUDE if kind is Kind.JOIN else TO_INCLUDE, 0, 0)
    record += ip_bytes(group)
    if ":" in group:
        message = struct.pack("!BBHHH", 143, 0, 0, 0, 1) + record
        return Said(kind, group, "ff02::16", mld(HOST[6], "ff02::16", message))
    message = struct.pack("!BBHHH", 0x22, 0, 0, 0, 1) + record
    return Said(kind, group, "224.0.0.22", igmp(HOST[4], "224.0.0.22", message))


def query(family: int) -> Said:
    """Return the general query of a router."""
    if family == 6:
        message = struct.pack("!BBHHH", 130, 0, 0, 1000, 0) + bytes(16)
        return Said(Kind.QUERY, "::", "ff02::1", mld(ROUTER[6], "ff02::1", message))
    message = struct.pack("!BBH", 0x11, 100, 0) + bytes(4)
    return Said(Kind.QUERY, "0.0.0.0", "224.0.0.1", igmp(ROUTER[4], "224.0.0.1", message))


KINDS = st.sampled_from([Kind.JOIN, Kind.JOIN, Kind.LEAVE])
SAID = st.one_of(st.builds(old, KINDS, GROUPS), st.builds(new, KINDS, GROUPS))


class MulticastSequences(Running):
    """What hosts and routers say, and where frames for groups go."""

    POLICY = replace(Running.POLICY, multicast_snooping=True, empty_db_grace=1.0)

    def new_loop(self) -> Loop:
        self.groups: Groups | None = None
        loop = super().new_loop()
        self.since = self.time.now
        return loop

    @initialize(said=SAID)
    def begin(self, said: Said) -> None:
        """Begin with a host that has spoken."""
        ports = physical_port("p0", {0: RED}), physical_port("p1", {0: RED, 10: BLUE})
        self.vtep.put(
            logical_switch(RED, 5001, source_node=True),
            logical_switch(BLUE, 5002, source_node=True),
            unknown_dst(FAR, row=uuid(0x2000)),
            physical_switch(*ports),
        )
        self.openvswitch.put(port("p0", 1), port("p1", 2))
        self.restart()
        self.speak(Wire("p0", None), MAC1, said)

    # The NVC and the operator

    @rule(group=GROUPS, addresses=st.sets(st.sampled_from([FAR, FURTHER])))
    def put_remote_group(self, group: str, addresses: set[str]) -> None:
        self.vtep.put(remote_group(group_mac(group), *addresses, of=RED, row=uuid(0x2001)))

    @rule(name=PORTS, bindings=st.dictionaries(st.sampled_from([0, 10]), st.just(RED)))
    def bind(self, name: str, bindings: dict[int, UUID]) -> None:
        self.change_port_row(name, vlan_bindings=bindings)
        self.come_to_rest()

    @rule(name=PORTS, number=st.integers(1, 3))
    def put_port(self, name: str, number: int) -> None:
        """A port gets another number, so that the members behind it have to join again."""
        self.come_to_rest()
        if number not in {each.number for each in self.openvswitch.ports.values()}:
            self.replace(port(name, number))

    @rule(place=WIRES, group=GROUPS)
    def lose_link(self, place: Wire, group: str) -> None:
        """A host joins; then the link goes down and up, and who is there has to be heard again."""
        self.say(place, MAC1, new(Kind.JOIN, group))
        there = self.openvswitch.ports[place.port]
        self.replace(replace(there, is_up=False))
        self.replace(there)

    def replace(self, new: BridgePort) -> None:
        """Change a port in a way after which nothing is known of who is behind it."""
        self.openvswitch.put(new)
        if self.groups is not None:
            gone = {each for each in self.bindings() if each[1][0] == new.name}
            self.groups.keep(self.bindings() - gone, self.time.now)
        self.come_to_rest()

    # Hosts and routers

    @rule(place=WIRES, src=HOSTS, said=SAID)
    def speak(self, place: Wire, src: str, said: Said) -> None:
        """A host joins a group or leaves it; nobody answers if someone asks who is left."""
        self.say(place, src, said)

    @rule(place=WIRES, family=st.sampled_from([4, 6]))
    def ask(self, place: Wire, family: int) -> None:
        """A router asks all hosts."""
        self.say(place, "02:00:00:00:00:fe", query(family))

    def say(self, place: Wire, src: str, said: Said) -> None:
        self.come_to_rest()
        of = self.bound_at(place)
        if self.physical is None or self.groups is None or of is None:
            return
        sent = self.time.now
        mac = group_mac(said.target)
        certain, possible = self.groups.routers_of(of, sent)
        if said.kind is Kind.QUERY:
            certain = possible = self.bindings_of(of)
        elif (place.port, place.tag or 0) in possible and said.packet.eth_type == IPV4:
            possible = self.bindings_of(of)  # IGMP of a router may be a query
        self.judge(self.reference(), place, src, mac, said.packet, self.send, certain, possible)
        self.groups.hear(of, (place.port, place.tag or 0), src, said, sent)
        self.make_progress(0.0)
        self.come_to_rest()

    @rule(seconds=st.sampled_from([1.0, 30.0, 130.0, 250.0, 300.0]))
    def wait(self, seconds: float) -> None:
        self.time.wait(seconds)
        self.come_to_rest()

    def answer(self, connection: Connection) -> None:
        """A process that reads the switch back may take over what it has, and what has ended."""
        if self.groups is not None and list(connection.requests)[:1] == ["read back"]:
            later = self.time.now + 2 * HOLD
            self.groups.prolong_routers(later + ROUTER_TIME)
            for of, mac, bindings in self.members_on_switch():
                self.groups.may_have(of, mac, bindings, later + MEMBERSHIP_TIME)
        super().answer(connection)

    # How it is checked

    def bindings(self) -> set[tuple[UUID, Binding]]:
        if self.physical is None:
            return set()
        return {(of, each) for each, of in Reference(self.known()).bindings("br0").items()}

    def bindings_of(self, of: UUID) -> set[Binding]:
        return {each for there, each in self.bindings() if there == of}

    def bound_at(self, place: Wire) -> UUID | None:
        if self.physical is None:
            return None
        return Reference(self.known()).bindings("br0").get((place.port, place.tag or 0))

    def check(self) -> None:
        if self.physical is None:
            return
        now = self.time.now
        if self.groups is None:
            self.groups = self.adopted(now)
        self.groups.keep(self.bindings(), now)
        self.check_rows(self.groups, now)
        pipeline = Pipeline(self.switch.flows.values(), self.switch.groups.values())
        reference = self.reference()
        for group in CHECKED:
            mac, family = group_mac(group), 6 if ":" in group else 4
            packet = Packet(IPV6 if family == 6 else IPV4, HOST[family], group)
            for place in (Wire("p0", None), Tunnel(FAR, 5001)):
                of = self.bound_at(place) if isinstance(place, Wire) else RED
                if of is not None:
                    reached = self.reached(self.groups, of, mac, now)
                    self.judge(reference, place, STRANGER, mac, packet, pipeline.send, *reached)

    def reached(
        self, groups: Groups, of: UUID, mac: str, now: float
    ) -> tuple[set[Binding], set[Binding]]:
        """Return the bindings that a frame for a group reaches for certain, and perhaps."""
        everyone = self.bindings_of(of)
        certain, possible = groups.members_of(of, mac, now)
        routers = groups.routers_of(of, now)
        if not possible or not is_restricted(mac):
            return everyone, everyone
        if not certain:  # perhaps it has no member any more, and is flooded
            return set(routers[0]), everyone
        return certain | routers[0], possible | routers[1]

    def check_rows(self, groups: Groups, now: float) -> None:
        rows = {
            (row.logical_switch, row.mac): row
            for row in self.vtep.rows.values()
            if isinstance(row, LocalMcastMac) and row.mac != UNKNOWN_DST
        }
        for (of, mac), members in groups.members.items():
            certain, _ = groups.members_of(of, mac, now)
            assert ((of, mac) in rows) >= bool(certain)
            if certain and all(now < end[0] for end in members.values()):
                row, known = rows[of, mac], groups.addresses(of, mac)
                assert row.addresses == {OWN}
                assert "" in known or row.ip == min(known, key=ip_bytes)
        for of, mac in rows:
            assert groups.members_of(of, mac, now)[1]

    def judge(
        self,
        reference: Reference,
        place: Place,
        src: str,
        mac: str,
        packet: Packet,
        send: Callable[[Frame], Result],
        certain: set[Binding],
        possible: set[Binding],
    ) -> None:
        """Send a frame from a place: tunnels get it as ever, and of all bindings these do."""
        ports, there = self.openvswitch.ports.values(), self.openvswitch.bridge()
        if isinstance(place, Tunnel):
            numbers = [each.number for each in ports if each.remote == place.address]
        else:
            numbers = [each.number for each in ports if each.name == place.port]
        tags = (place.tag,) if isinstance(place, Wire) and place.tag else ()
        vni = place.vni if isinstance(place, Tunnel) else 0
        expected = reference.expected("br0", place, src, mac, set())
        everyone = as_bindings(expected.each)
        into_tunnels = {each for each in expected.each if isinstance(each, Tunnel)}
        for number in filter(None, numbers):
            result = send(Frame(number, src, mac, tags, vni, packet=packet))
            arrived = [self.place(there, out) for out in result.outputs]
            assert len(arrived) == len(set(arrived))
            reached = as_bindings(arrived)
            assert certain & everyone <= reached <= possible & everyone, (place, mac, arrived)
            assert {each for each in arrived if isinstance(each, Tunnel)} == into_tunnels

    def adopted(self, now: float) -> Groups:
        """Return the members and routers that a new process found on the switch."""
        found, numbers = Groups(), self.numbers()
        for id, bindings in self.bindings_in_groups(GroupKind.ROUTERS):
            for each in bindings:
                end = self.since + ROUTER_TIME, now + ROUTER_TIME
                found.routers[numbers[id & 0xFFFFFF]][each] = end
        for of, mac, bindings in self.members_on_switch():
            routers = found.routers[of].keys()
            for each in (bindings - routers) or bindings:
                end = self.since + MEMBERSHIP_TIME, now + MEMBERSHIP_TIME
                found.members[of, mac][each, "", ""] = end
        return found

    def members_on_switch(self) -> Iterator[tuple[UUID, str, set[Binding]]]:
        """Yield the bindings that the switch sends frames for a group to."""
        numbers, members = self.numbers(), dict(self.bindings_in_groups(GroupKind.MEMBERS))
        for flow in self.switch.flows.values():
            fields = dict(flow.key.match)
            ids = [each.group for each in flow.actions if isinstance(each, ToGroup)]
            if flow.key.table == Table.FLOODING and ids and ids[0] in members:
                of, mac = fields["metadata"], fields["eth_dst"]
                assert isinstance(of, int)
                assert isinstance(mac, str)
                yield numbers[of], mac, members[ids[0]]

    def bindings_in_groups(self, kind: GroupKind) -> Iterator[tuple[int, set[Binding]]]:
        """Yield the bindings in each group of a kind."""
        names = {each.number: each.name for each in self.openvswitch.ports.values()}
        for group in self.switch.groups.values():
            if kind_of_group(group.id) == kind:
                firsts = [bucket.actions[0] for bucket in group.buckets]
                numbers = [int(each.value) for each in firsts if isinstance(each, SetField)]
                there = {(names.get(each >> 12, ""), each & 0xFFF) for each in numbers}
                yield group.id, there


def as_bindings(places: Iterable[Place]) -> set[Binding]:
    return {(each.port, each.tag or 0) for each in places if isinstance(each, Wire)}


TestMulticastSequences = MulticastSequences.TestCase
TestMulticastSequences.settings = settings(
    max_examples=settings().max_examples // 2, stateful_step_count=30
)
