"""Random sequences of what changes next hops, with a reference that knows rows and words alone."""

from dataclasses import dataclass
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from vtep_ofapp.engine.topics import ContentsRead
from vtep_ofapp.features.learning.damping import MAX_MOVES, WINDOW
from vtep_ofapp.features.neighbours.limits import QuietStation, StatementLimits
from vtep_ofapp.features.next_hops.answers import Answers, NextHop
from vtep_ofapp.features.next_hops.state import NextHops
from vtep_ofapp.features.next_hops.upkeep import REFRESH
from vtep_ofapp.pipeline import next_hops
from vtep_ofapp.pipeline.layout import LOGICAL_SWITCH, NEXT_HOP, Table
from vtep_ofapp.values.flows import Flow, FlowKey
from vtep_ofapp.values.rows import Gone

from .builders import BLUE, FAR, MAC1, MAC2, MAC3, remote_mac, uuid
from .routed_worlds import GATEWAY, LR, Routed

OWN = "10.0.2.1"
IPS = ("10.0.2.60", "10.0.2.61", OWN)
MOST_IPS = 1
LOCAL, FAR_AWAY = (MAC1, MAC2), ("02:00:00:00:00:0a", MAC3)


@dataclass
class Answer:
    """What the reference knows of a next hop that answered."""

    mac: str
    at: float


class Reference(RuleBasedStateMachine):
    """A next hop has the MAC that a router, a row, a station or an answer says, in this order."""

    def __init__(self) -> None:
        super().__init__()
        self.world = Routed(max_ips_per_mac=MOST_IPS)
        self.has_router = True
        self.rows: dict[UUID, tuple[str, str]] = {}
        self.pairs: dict[str, str] = {}
        self.idle: dict[str, float] = {}
        self.answers: dict[str, Answer] = {}
        self.pending: dict[str, float] = {}
        self.held: dict[str, list[bytes]] = {}
        self.moves: list[float] = []
        self.packets = 0

    def known(self, ip: str) -> str | None:
        if ip == OWN:
            return GATEWAY
        if (stated := self.placed(ip)) is not None:
            return stated
        return self.answers[ip].mac if ip in self.answers else None

    def placed(self, ip: str) -> str | None:
        """Return what a row or a station says."""
        macs = {mac for of, mac in self.rows.values() if of == ip}
        return macs.pop() if len(macs) == 1 else self.pairs.get(ip)

    def settle(self) -> None:
        """Nobody waits for what is known, and answers that are not used are forgotten."""
        for ip in IPS:
            if not self.has_router or self.placed(ip) is not None:
                self.answers.pop(ip, None)
            if not self.has_router or self.known(ip) is not None:
                self.pending.pop(ip, None)
                held = self.held.pop(ip, [])
                sent = [each.frame for each in self.world.sent()] if held else []
                assert not held or sent == (held if self.has_router else [])


class Restarts(Reference):
    """At the end a new process comes."""

    def teardown(self) -> None:
        """A new process that reads all of it back wants the same, but for what is pending."""
        flows = {flow.key: flow for flow in self.world.flow_values()}
        other = self.world.restarted()
        groups = {group.id: group for group in self.world.group_values()}
        other.read_back(flows, groups)
        other.switch.invalidate(ContentsRead(flows, groups, is_after_another=True))
        other.calm_down()
        after = {flow.key: flow for flow in other.flow_values()}
        gone = flows.keys() - after.keys()
        assert all(self.is_of_question(key) or self.is_of_limit(key) for key in gone)
        asked = self.asked_stations()
        assert asked.keys() <= after.keys()
        for key in after.keys() & flows.keys():
            was, now = flows[key], after[key]
            assert was == now or next_hops.mac(now) == asked[key] == next_hops.mac(was)
        assert all(self.is_of_idle(key) for key in after.keys() - flows.keys())

    def asked_stations(self) -> dict[FlowKey, str]:
        """Return the flows of stations that are asked for: a new process has their answers."""
        numbers, idle = self.world.logical_switches.ids, self.idle if self.has_router else ()
        macs = {ip: self.known(ip) for ip in idle}
        flows = {
            ip: next_hops.resolved(numbers.number(BLUE), ip, mac or "") for ip, mac in macs.items()
        }
        return {flow.key: macs[ip] or "" for ip, flow in flows.items()}

    def is_of_limit(self, key: FlowKey) -> bool:
        """Whether a flow passes, unseen, what a station states that is full, or said too much.

        A new process counts from nothing, and does not know of addresses that were asked for.
        """
        fields = dict(key.match)
        if key.table != Table.SNOOPING or fields.keys() != {LOGICAL_SWITCH, "eth_src"}:
            return False
        mac = str(fields["eth_src"])
        limits = self.world.switch.view[StatementLimits]
        has_idle = any(self.pairs[ip] == mac for ip in self.idle)
        return has_idle or limits.is_quiet(QuietStation(BLUE, mac))

    def is_of_idle(self, key: FlowKey) -> bool:
        """Whether a flow is there because nobody asks for an address of a station any more.

        What else says that it has the address is shown, and if a row does, it is answered for.
        """
        fields = dict(key.match)
        ips = fields.get("arp_spa"), fields.get("arp_tpa")
        return key.table == Table.RESOLUTION and not self.idle.keys().isdisjoint(ips)

    def is_of_question(self, key: FlowKey) -> bool:
        """Whether a flow is there while a next hop is asked for: nobody is asked any more."""
        fields, upkeep = dict(key.match), self.world.switch.view[NextHops].upkeep
        if key.table == Table.NEXT_HOPS:
            return fields.get(NEXT_HOP) in {*map(number, self.pending)}
        asked = {ip for ip in self.answers if upkeep.is_asked(NextHop(BLUE, ip))}
        return key.table == Table.SNOOPING and fields.get("arp_spa") in asked | self.pending.keys()


class Sequences(Restarts):
    """What happens to next hops, and what comes of it."""

    @rule(number=st.integers(1, 3), ip=st.sampled_from(IPS), mac=st.sampled_from(FAR_AWAY))
    def row_is_there(self, number: int, ip: str, mac: str) -> None:
        row = uuid(0x1000 + number)
        self.rows[row] = ip, mac
        self.world.sent()
        self.world.tell(remote_mac(mac, FAR, of=BLUE, ip=ip, row=row))
        self.world.calm_down()
        self.settle()

    @rule(number=st.integers(1, 3))
    def row_is_gone(self, number: int) -> None:
        if self.rows.pop(uuid(0x1000 + number), None):
            self.world.sent()
            self.world.tell(Gone(uuid(0x1000 + number)))
            self.world.calm_down()
            self.settle()

    @rule(ip=st.sampled_from(IPS[:2]), mac=st.sampled_from(LOCAL))
    def station_states(self, ip: str, mac: str) -> None:
        self.be_calm()
        has_most = sum(each == mac for each in self.pairs.values()) >= MOST_IPS
        is_wanted = ip in self.pending or ip in self.answers
        if self.pairs.get(ip) == mac:
            self.idle.pop(ip, None)
        elif not has_most:
            self.pairs[ip] = mac
            self.idle.pop(ip, None)
        elif is_wanted and self.placed(ip) is None:
            self.answers[ip] = Answer(mac, self.world.time.now)
        self.world.sent()
        self.world.state(ip, mac)
        self.settle()

    @rule(ip=st.sampled_from(IPS), mac=st.sampled_from(FAR_AWAY))
    def far_host_answers(self, ip: str, mac: str) -> None:
        self.be_calm()
        if self.placed(ip) is None and (ip in self.pending or ip in self.answers):
            self.answers[ip] = Answer(mac, self.world.time.now)
        self.world.sent()
        self.world.answer(ip, mac)
        self.settle()

    def be_calm(self) -> None:
        """Let nothing move so often that it is held."""
        self.moves = [each for each in self.moves if each > self.world.time.now - WINDOW]
        if len(self.moves) >= MAX_MOVES - 1:
            self.time_passes(2 * int(WINDOW) + 1)
        self.moves.append(self.world.time.now)

    @rule(ip=st.sampled_from(IPS))
    def packet_comes(self, ip: str) -> None:
        if not self.has_router:
            return
        self.packets += 1
        self.world.sent()
        frame = self.world.unresolved(ip, self.packets)
        sent = [each.frame for each in self.world.sent()]
        if self.known(ip) is not None:
            assert sent == [frame]
        elif ip not in self.pending:
            assert len(sent) == 1
            self.pending[ip] = self.world.time.now
            self.held[ip] = [frame]
        else:
            assert sent == []
            is_waiting = self.world.time.now < self.pending[ip] + 3
            if is_waiting and len(self.held.get(ip, ())) < 4:
                self.held.setdefault(ip, []).append(frame)

    @rule(ip=st.sampled_from(IPS[:2]))
    def flows_of_next_hop_are_idle(self, ip: str) -> None:
        for flow in self.world.hops(ip):
            if flow.idle_timeout:
                self.end(flow)
                del self.answers[ip]

    @initialize()
    def stations_are_there(self) -> None:
        for ip, mac in zip(IPS, LOCAL, strict=False):
            self.station_states(ip, mac)

    @rule(ip=st.sampled_from(IPS[:2]), then=st.sampled_from(["stated", "silent", ""]))
    def pair_is_idle(self, ip: str, then: str) -> None:
        known = [each for each in self.world.flow_values() if is_pair(each, ip)]
        assert len(known) == (ip in self.pairs and ip not in self.idle)
        for flow in known:
            self.end(flow)
            if self.has_router:
                self.idle[ip] = self.world.time.now
            else:
                del self.pairs[ip]
        if then == "stated" and ip in self.pairs:
            self.station_states(ip, self.pairs[ip])
        elif then:
            self.time_passes(7)

    def end(self, flow: Flow) -> None:
        self.world.switch.flows.have(flow.key, None)
        self.world.switch.flows.ended(flow.key)
        self.world.calm_down()

    @rule(mac=st.sampled_from(LOCAL))
    def station_is_gone(self, mac: str) -> None:
        self.world.macs.forget(BLUE, mac)
        for ip in [ip for ip, each in self.pairs.items() if each == mac]:
            del self.pairs[ip]
            self.idle.pop(ip, None)
        self.world.calm_down()
        self.settle()

    @rule()
    def router_comes_or_goes(self) -> None:
        self.has_router = not self.has_router
        self.world.sent()
        self.world.tell(self.world.router() if self.has_router else Gone(LR))
        self.world.calm_down()
        if not self.has_router:
            self.held.clear()
        self.settle()

    @rule(halves=st.integers(1, 20))
    def time_passes(self, halves: int) -> None:
        self.world.pass_time(halves / 2)
        self.world.sent()
        now = self.world.time.now
        for ip in [ip for ip, since in self.idle.items() if now >= since + 3]:
            del self.idle[ip], self.pairs[ip]
        for ip in [ip for ip, each in self.answers.items() if now >= each.at + REFRESH + 3]:
            del self.answers[ip]
        for ip, since in list(self.pending.items()):
            if now >= since + 3:
                self.held.pop(ip, None)
            if now >= since + 8:
                del self.pending[ip]

    @rule()
    def much_time_passes(self) -> None:
        """Answers are asked for again, and nobody says anything."""
        self.time_passes(2 * int(REFRESH))

    # What comes of it

    @invariant()
    def each_next_hop_is_as_the_reference_says(self) -> None:
        for ip in IPS:
            mac = self.known(ip) if self.has_router else None
            assert self.world.mac(ip) == (mac if ip != OWN else None)
            is_dropped = ip in self.pending and mac is None
            assert self.world.is_dropped(ip) == is_dropped
            flows = self.world.hops(ip)
            is_answer = mac is not None and ip in self.answers and ip != OWN
            is_there = mac is not None and ip != OWN
            assert [flow.idle_timeout > 0 for flow in flows] == ([is_answer] if is_there else [])

    @invariant()
    def nothing_is_left_over(self) -> None:
        state, answers = self.world.switch.view[NextHops], self.world.model[Answers]
        assert set(state.resolver) == {NextHop(BLUE, ip) for ip in self.pending}
        assert answers.count("br0") == len(self.answers)
        if not self.has_router:
            assert [flow for flow in self.world.hops() if next_hops.next_hop(flow.key)] == []


def number(ip: str) -> int:
    return int.from_bytes(bytes(map(int, ip.split("."))), "big")


def is_pair(flow: Flow, ip: str) -> bool:
    is_snooping = flow.key.table == Table.SNOOPING and flow.idle_timeout > 0
    return is_snooping and ("arp_spa", ip) in flow.key.match


TestNextHopSequences = Sequences.TestCase
TestNextHopSequences.settings = settings(
    max_examples=max(5, settings().max_examples // 2), stateful_step_count=30
)
