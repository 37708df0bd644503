"""ARP and neighbour discovery under any sequence of events.

Hosts state addresses, move, take those of others, lie and fall silent; the NVC gives addresses to
remote stations; all that running.py lets go wrong does. Requests are answered as neighbour_rule.py
says and flooded otherwise, and the rows of stations have their addresses. A new process rewrites
nothing.
"""

from dataclasses import replace
from itertools import product
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from vtep_ofapp.loop.loop import Loop
from vtep_ofapp.pipeline.layout import Table
from vtep_ofapp.values.rows import LocalMac

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
    logical_switch,
    physical_port,
    physical_switch,
    port,
    remote_mac,
    unknown_dst,
    uuid,
)
from .neighbour_rule import Neighbours, Statement, check_answer
from .protocols import ADVERTISEMENT, REPLY, REQUEST, SOLICITATION, group_mac, solicited_node
from .reference import Place, Tunnel, Wire
from .running import Running
from .walk import Frame, Out, Pipeline, Result

HOSTS = st.sampled_from([MAC1, MAC1, MAC2, MAC3])
IPV4_OF_HOSTS = ["192.0.2.1", "192.0.2.2", "192.0.2.3"]
IPV4 = st.sampled_from(["192.0.2.1", *IPV4_OF_HOSTS])
IPV6 = st.sampled_from(["2001:db8::1", "2001:db8::1", "2001:db8::2", "fe80::1"])
PLACES = st.sampled_from(
    [Wire("p0", None), Wire("p0", None), Wire("p1", None), Wire("p1", 10), Tunnel(FAR, 5001)]
)
MOST_SHOWN = 10
"""Frames of a host that are shown although they teach nothing, in ten seconds."""
PORTS = st.sampled_from(["p0", "p1"])
ROWS = st.integers(0, 3)
LOGICAL_SWITCHES = st.sampled_from([RED, RED, RED, BLUE])
REMOTE = st.sampled_from([MAC1, "02:00:00:00:00:98", "02:00:00:00:00:99"])
STRANGER = "02:00:00:00:00:77"
NOT_TOLD = "00:00:00:00:00:00"

Spoken = tuple[str, Statement]
"""The destination of a frame, and what it says."""


def arp(op: int, dst: str, mac: str, ip: str, target: str) -> Spoken:
    tha = dst if op == REPLY else NOT_TOLD
    return dst, Statement(op, mac, ip, target, protocols.arp(op, mac, ip, target, tha))


def solicitation(mac: str, ip: str, target: str, dst: str | None = None) -> Spoken:
    option = None if ip == "::" else mac
    packet = protocols.solicitation(ip, target, option)
    to = dst or group_mac(solicited_node(target))
    return to, Statement(SOLICITATION, mac, ip, target, packet)


def advertisement(mac: str, ip: str) -> Spoken:
    packet = protocols.advertisement(ip, "ff02::1", ip, mac)
    return group_mac("ff02::1"), Statement(ADVERTISEMENT, mac, ip, ip, packet)


def is_reply(out: Out) -> bool:
    return out.fields.get("arp_op") == REPLY


REQUESTS = st.one_of(
    st.builds(arp, st.just(REQUEST), st.just(BROADCAST), HOSTS, IPV4, IPV4),
    st.builds(solicitation, HOSTS, IPV6, IPV6),
)
SPOKEN = st.one_of(
    REQUESTS,
    REQUESTS,
    st.builds(arp, st.just(REPLY), HOSTS, HOSTS, IPV4, IPV4),
    st.builds(arp, st.just(REQUEST), HOSTS, HOSTS, IPV4, IPV4),
    st.builds(arp, st.just(REQUEST), st.just(BROADCAST), HOSTS, st.just("0.0.0.0"), IPV4),
    st.builds(solicitation, HOSTS, st.just("::"), IPV6),
    st.builds(solicitation, HOSTS, IPV6, IPV6, HOSTS),
    st.builds(advertisement, HOSTS, IPV6),
)


class NeighbourSequences(Running):
    """What hosts say, and what the NVC says of others."""

    POLICY = replace(Running.POLICY, max_ips_per_mac=2)

    def new_loop(self) -> Loop:
        if not hasattr(self, "neighbours"):
            self.neighbours = Neighbours(self.POLICY)
        self.neighbours.begin(self.known_pairs())
        return super().new_loop()

    @initialize(first=REQUESTS, ip=IPV4)
    def begin(self, first: Spoken, ip: str) -> None:
        """Begin with a host that has spoken, and a remote station with an address."""
        ports = physical_port("p0", {0: RED}), physical_port("p1", {0: RED, 10: BLUE})
        self.vtep.put(
            logical_switch(RED, 5001, source_node=True),
            logical_switch(BLUE, 5002, source_node=True),
            unknown_dst(FAR, row=uuid(0x2000)),
            replace(remote_mac("02:00:00:00:00:99", FAR, row=uuid(0x1000)), ip=ip),
            physical_switch(*ports),
        )
        self.openvswitch.put(port("p0", 1), port("p1", 2))
        self.restart()
        self.speak(Wire("p0", None), first, first[1].mac, again=True)

    # The NVC and the operator

    @rule(
        number=ROWS,
        mac=REMOTE,
        of=LOGICAL_SWITCHES,
        address=st.sampled_from([FAR, FURTHER]),
        ip=st.just("") | IPV4 | IPV6,
    )
    def place_station(self, number: int, mac: str, of: UUID, address: str, ip: str) -> None:
        row = remote_mac(mac, address, of=of, row=uuid(0x1000 + number))
        self.vtep.put(replace(row, ip=ip))

    @rule(number=ROWS)
    def remove_station(self, number: int) -> None:
        self.vtep.remove(uuid(0x1000 + number))

    @rule(name=PORTS, bindings=st.dictionaries(st.sampled_from([0, 10]), LOGICAL_SWITCHES))
    def bind(self, name: str, bindings: dict[int, UUID]) -> None:
        self.change_port_row(name, vlan_bindings=bindings)

    @rule(name=PORTS, number=st.integers(1, 3))
    def put_port(self, name: str, number: int) -> None:
        if number not in {each.number for each in self.openvswitch.ports.values()}:
            self.openvswitch.put(port(name, number))

    # Hosts

    @rule(place=PLACES, spoken=SPOKEN, src=st.none() | HOSTS, again=st.booleans())
    def speak(self, place: Place, spoken: Spoken, src: str | None, again: bool) -> None:
        """A host sends a frame, perhaps twice; it lies if the packet has another MAC."""
        self.come_to_rest()
        if self.physical is None:
            return
        src = src or spoken[1].mac
        is_shown = self.say(place, src, *spoken)
        self.come_to_rest()
        of = self.bound_at(place)
        if again and of is not None and self.neighbours.knows(of, src, spoken[1]):
            is_shown = self.say(place, src, *spoken)
            assert not is_shown, "a frame that taught nothing new was shown again"
            self.come_to_rest()

    @rule(place=PLACES, spoken=SPOKEN, src=HOSTS)
    def lie_often(self, place: Place, spoken: Spoken, src: str) -> None:
        """Frames that teach nothing cost a few packet-ins at most."""
        self.come_to_rest()
        if self.physical is not None:
            shown = 0
            for _ in range(MOST_SHOWN + 5):
                shown += self.say(place, src, *spoken)
                self.make_progress(0.0)
            assert shown <= MOST_SHOWN
            self.come_to_rest()

    def bound_at(self, place: Place) -> UUID | None:
        """Return the logical switch of a binding."""
        if isinstance(place, Tunnel):
            return None
        return self.reference().bindings("br0").get((place.port, place.tag or 0))

    def say(self, place: Place, src: str, dst: str, said: Statement) -> bool:
        """Send a frame, judge where it arrives and learn from it; return whether it was shown."""
        there = self.openvswitch.bridge()
        reference = self.reference()
        frame = self.frame(place, src, dst, said)
        if frame is None:
            return False
        result = self.send(frame)
        of = self.bound_at(place)
        mac = self.answered_by(of, place, src, dst, said) if of else None
        arrived = [self.place(there, out) for out in result.outputs]
        if mac is not None:
            assert arrived == [place]
            check_answer(src, said, mac, result.outputs[0].fields)
        else:
            expected = reference.expected("br0", place, src, dst, set())
            assert expected.is_met_by(arrived), f"{expected} and not {arrived}"
        if of is not None:
            self.neighbours.hear(of, src, said)
        return self.is_shown(place, result)

    def frame(self, place: Place, src: str, dst: str, said: Statement) -> Frame | None:
        """Return the frame as it comes in, None if there is no port for it."""
        ports = self.openvswitch.ports.values()
        if isinstance(place, Tunnel):
            numbers = [each.number for each in ports if each.remote == place.address]
            tags, vni = [], place.vni
        else:
            numbers = [each.number for each in ports if each.name == place.port]
            tags, vni = [place.tag] if place.tag else [], 0
        for number in filter(None, numbers):
            return Frame(number, src, dst, tuple(tags), vni, packet=said.packet)
        return None

    def is_shown(self, place: Place, result: Result) -> bool:
        assert len(result.shown) <= isinstance(place, Wire)
        return bool(result.shown)

    def answered_by(
        self, of: UUID, place: Place, src: str, dst: str, said: Statement
    ) -> str | None:
        here = {mac: binding for (row, mac), binding in self.stations().items() if row == of}
        assert isinstance(place, Wire)
        binding = self.openvswitch.number(place.port) << 12 | (place.tag or 0)
        rows = self.vtep.rows.values()
        return self.neighbours.answer(rows, of, src, dst, said, here, binding)

    @rule(mac=HOSTS)
    def station_is_idle(self, mac: str) -> None:
        self.lose_flows(Table.LEARNING, mac)

    @rule(mac=HOSTS)
    def addresses_are_idle(self, mac: str) -> None:
        """Nothing was said by a host, which may have sent other frames."""
        self.come_to_rest()
        for of, ip in self.lose_flows(Table.SNOOPING, mac):
            self.neighbours.forget(of, ip)
        self.come_to_rest()

    def lose_flows(self, table: Table, mac: str) -> list[tuple[UUID, str]]:
        """Let the flows of a station end; return the pairs that they knew."""
        ended = [
            key
            for key, flow in self.switch.flows.items()
            if key.table == table and flow.idle_timeout and dict(key.match).get("eth_src") == mac
        ]
        before = self.known_pairs()
        if self.connection is not None:
            self.connection.tell_of_lost_flows(ended, idle=True)
        for key in ended:
            del self.switch.flows[key]
        return [pair for pair in before if pair not in self.known_pairs()]

    # At rest

    def stations(self) -> dict[tuple[UUID, str], int]:
        """Return the stations that the switch knows, with the numbers of their bindings."""
        numbers = self.numbers()
        return {(numbers[number], mac): place for (number, mac), place in self.learned().items()}

    def known_pairs(self) -> dict[tuple[UUID, str], str]:
        """Return the pairs of addresses that the switch knows."""
        found, numbers = {}, self.numbers()
        for key, flow in self.switch.flows.items():
            fields = dict(key.match)
            if key.table == Table.SNOOPING and flow.idle_timeout:
                number, mac = fields["metadata"], fields["eth_src"]
                ip = fields.get("arp_spa") or fields["ipv6_src"]
                assert isinstance(number, int)
                assert isinstance(mac, str)
                assert isinstance(ip, str)
                assert (numbers[number], ip) not in found
                found[numbers[number], ip] = mac
        return found

    def check(self) -> None:
        if self.physical is None:
            return
        stations = self.stations()
        self.neighbours.keep(stations)
        assert self.known_pairs() == self.neighbours.pairs
        rows = [row for row in self.vtep.rows.values() if isinstance(row, LocalMac)]
        assert {(row.logical_switch, row.mac) for row in rows} == stations.keys()
        for row in rows:
            assert row.ip in self.neighbours.reported((row.logical_switch, row.mac))
        self.check_probes()

    def check_probes(self) -> None:
        """Ask for each address as a host does that is about to take it, which may have moved."""
        pipeline = Pipeline(self.switch.flows.values(), self.switch.groups.values())
        for place in (Wire("p0", None), Wire("p1", 10)):
            of = self.bound_at(place)
            for src, ip in product((MAC1, STRANGER), IPV4_OF_HOSTS) if of else ():
                dst, said = arp(REQUEST, BROADCAST, src, "0.0.0.0", ip)
                frame = self.frame(place, src, dst, said)
                outputs = pipeline.send(frame).outputs if frame and of else []
                answers = [each.fields["eth_src"] for each in outputs if is_reply(each)]
                mac = self.answered_by(of, place, src, dst, said) if frame and of else None
                assert answers == ([] if mac is None else [protocols.number(mac)])


TestNeighbourSequences = NeighbourSequences.TestCase
TestNeighbourSequences.settings = settings(
    max_examples=max(5, settings().max_examples // 2), stateful_step_count=30
)
