"""The application under trouble, with routers: what becomes of a frame is judged by the model.

The model knows the rows, and the addresses of hosts that the switch knows.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from typing import TypeGuard
from uuid import UUID

from vtep_ofapp.pipeline.layout import Cookie, Table, producer_of
from vtep_ofapp.values.acls import Acl, AclEntry
from vtep_ofapp.values.arp_sources import ArpSource, source_mac
from vtep_ofapp.values.flows import Action, Flow, MatchValue, SetField
from vtep_ofapp.values.routers import derived_mac
from vtep_ofapp.values.rows import RemoteMac

from . import protocols
from .builders import MAC2, OWN
from .packets import IPV4, IPV6, Packet
from .reference import Expected, Place, Reference, Tunnel, Wire
from .routed_fabric import Plan
from .routing_rule import Arrival, Fabric, Fate, Outcome
from .running import Running
from .walk import Frame, Out, Result

SRC = source_mac(OWN)
FOREIGN = "06:00:00:00:00:03"


def next_hop(fields: Mapping[str, MatchValue]) -> str:
    """Return the next hop that a flow matches."""
    parts = []
    for number in range(12, 16):
        part = fields.get(f"reg{number}", 0)
        assert isinstance(part, int)
        parts.append(part.to_bytes(4, "big"))
    is_ipv4 = fields["eth_type"] == IPV4
    return str(IPv4Address(parts[0]) if is_ipv4 else IPv6Address(b"".join(parts)))


def is_setting(action: Action, field: str) -> TypeGuard[SetField]:
    return isinstance(action, SetField) and action.field == field


def is_answered(flow: Flow) -> bool:
    return flow.key.table == Table.NEXT_HOPS and flow.idle_timeout > 0


class RoutedRunning(Running):
    """Routers as the NVC planned them, and frames of hosts, which are judged."""

    POLICY = replace(Running.POLICY, suppress_arp=False)

    def __init__(self) -> None:
        super().__init__()
        self.plans: dict[str, Plan] = {}

    def teardown(self) -> None:
        """Let next hops go that answered: at rest minutes pass, and nobody answers again."""
        for _ in range(10):
            self.come_to_rest()
            if not any(map(is_answered, self.switch.flows.values())):
                break
        super().teardown()

    def mac_of(self, whom: str, of: UUID) -> str | None:
        """Return the MAC address that a frame is for; None for all."""
        routers = [derived_mac(plan.name) for plan in self.plans.values() if of in plan.joined]
        return {
            "router": routers[0] if routers else None,
            "own": SRC,
            "foreign": FOREIGN,
            "host": MAC2,
        }.get(whom)

    # The model

    def logical_switch_at(self, place: Place, reference: Reference | None = None) -> UUID | None:
        """Return the logical switch that a frame from a place gets into."""
        if self.physical is None:
            return None
        reference = reference or self.reference()
        if isinstance(place, Tunnel):
            return reference.let_in("br0", place)
        return reference.bindings("br0").get((place.port, place.tag or 0))

    def fabric(self) -> Fabric:
        rows = self.vtep.rows.values()
        foreign = {row.mac for row in rows if isinstance(row, ArpSource) and row.address != OWN}
        reference, entries = self.reference(), self.entries()
        routers = [
            plan.router(derived_mac(plan.name), entries)
            for plan in self.plans.values()
            if reference.is_present("br0", next(iter(plan.joined)))
        ]
        return Fabric(routers, SRC, frozenset(foreign), self.known_addresses())

    def entries(self) -> dict[UUID, list[AclEntry]]:
        """Return the entries of each access list."""
        rows = self.vtep.rows
        lists = [row for row in rows.values() if isinstance(row, Acl)]
        return {
            row.uuid: [each for key in row.entries if isinstance(each := rows[key], AclEntry)]
            for row in lists
        }

    def known_addresses(self) -> dict[tuple[UUID, str], str]:
        """Return who has an address: the NVC's word is worth more than that of hosts."""
        found = dict(self.known_pairs())
        told: dict[tuple[UUID, str], set[str]] = {}
        for row in self.vtep.rows.values():
            if isinstance(row, RemoteMac) and row.ip:
                told.setdefault((row.logical_switch, row.ip), set()).add(row.mac)
        found |= {key: min(macs) for key, macs in told.items() if len(macs) == 1}
        return found

    def known_pairs(self) -> Iterator[tuple[tuple[UUID, str], str]]:
        """Yield the pairs of addresses that the switch knows of hosts."""
        numbers = self.numbers()
        for key, flow in self.switch.flows.items():
            fields = dict(key.match)
            if key.table == Table.SNOOPING and flow.idle_timeout:
                address = fields.get("arp_spa") or fields["ipv6_src"]
                number = fields["metadata"]
                assert isinstance(number, int)
                yield (numbers[number], str(address)), str(fields["eth_src"])
        for key, flow in self.switch.flows.items():
            if is_answered(flow):
                fields = dict(key.match)
                number = fields["metadata"]
                assert isinstance(number, int)
                macs = [each.value for each in flow.actions if is_setting(each, "eth_dst")]
                if macs:
                    yield (numbers[number], next_hop(fields)), str(macs[0])

    # Frames

    def judge(
        self, place: Place, src: str, dst: str, said: Packet, send: Callable[[Frame], Result]
    ) -> None:
        """Compare what becomes of a frame with what the models say."""
        self.judge_by(self.fabric(), self.reference(), place, src, dst, said, send)

    def judge_by(
        self,
        fabric: Fabric,
        reference: Reference,
        place: Place,
        src: str,
        dst: str,
        said: Packet,
        send: Callable[[Frame], Result],
    ) -> None:
        """Compare what becomes of a frame with what these models say."""
        frame, of = self.frame(place, src, dst, said), self.logical_switch_at(place, reference)
        if frame is None or of is None:
            return
        arrival = Arrival(
            of, src, dst, said, said.fields().get("nw_ttl", 0), isinstance(place, Tunnel)
        )
        outcome = fabric.outcome(arrival)
        if outcome.fate is Fate.SWITCHED and {src, dst} & {fabric.own, *fabric.foreign}:
            return  # no router, no promise of what becomes of their MAC addresses
        there = self.openvswitch.bridge()
        result = send(frame)
        arrived = [self.place(there, out) for out in result.outputs]
        expected = self.expected(reference, outcome, place, arrival)
        assert expected.is_met_by(arrived), f"{outcome}: {expected} and not {arrived}"
        for out in result.outputs:
            self.check_frame(
                fabric, outcome, arrival, out, isinstance(self.place(there, out), Tunnel)
            )
        self.check_shown(outcome, result)

    def expected(
        self, reference: Reference, outcome: Outcome, place: Place, arrival: Arrival
    ) -> Expected:
        """Return where a frame has to arrive."""
        if outcome.fate is Fate.SWITCHED:
            return reference.expected("br0", place, arrival.src, arrival.dst, set())
        if outcome.fate is Fate.ANSWERED and isinstance(place, Wire):
            return Expected({place})
        if outcome.fate is Fate.PASSED_ON:
            return Expected(self.towards_source(reference, arrival.logical_switch))
        if outcome.fate in (Fate.ROUTED, Fate.ECHOED, Fate.ANSWERED):
            assert outcome.logical_switch is not None
            return reference.routed("br0", outcome.logical_switch, outcome.dst)
        return Expected()

    def towards_source(self, reference: Reference, of: UUID) -> set[Place]:
        """Return the way to the VTEP that has the foreign ARP source."""
        rows = [row for row in self.vtep.rows.values() if isinstance(row, ArpSource)]
        (address,) = (row.address for row in rows if row.mac == FOREIGN)
        vni = reference.vni("br0", of, address)
        return {Tunnel(address, vni)} if vni and address in reference.ways_out("br0") else set()

    def check_frame(
        self, fabric: Fabric, outcome: Outcome, arrival: Arrival, out: Out, is_tunnel: bool
    ) -> None:
        """Check the addresses and the TTL of a copy."""
        fields = out.fields
        if outcome.fate in (Fate.SWITCHED, Fate.PASSED_ON):
            assert fields["eth_src"] == protocols.number(arrival.src)
            assert fields.get("nw_ttl", 0) == arrival.ttl
            return
        hides = is_tunnel and not fabric.serves_tunnels
        src = fabric.own if hides else outcome.src
        assert (fields["eth_src"], fields["eth_dst"]) == (
            protocols.number(src),
            protocols.number(outcome.dst),
        )
        if outcome.fate is not Fate.ANSWERED:
            assert fields["nw_ttl"] == outcome.ttl
        if outcome.fate is Fate.ECHOED:
            name = "icmpv6_type" if fields["eth_type"] == IPV6 else "icmpv4_type"
            assert fields[name] == (129 if fields["eth_type"] == IPV6 else 0)
            family = "ipv6" if fields["eth_type"] == IPV6 else "ipv4"
            assert fields[f"{family}_src"] == protocols.number(arrival.packet.dest or "")
            assert fields[f"{family}_dst"] == protocols.number(arrival.packet.source or "")

    def check_shown(self, outcome: Outcome, result: Result) -> None:
        """Check that the application gets what only it can answer, and nothing else of routing."""
        producers = Counter(producer_of(each.cookie) for each in result.shown)
        is_error = outcome.fate in (Fate.EXPIRED, Fate.UNROUTED, Fate.UNSERVED)
        assert producers[Cookie.ROUTING] == int(is_error), outcome
        most = int(outcome.fate in (Fate.UNRESOLVED, Fate.TAKEN))
        assert producers[Cookie.NEXT_HOPS] <= most, outcome
        assert not result.too_deep or outcome.fate is Fate.DROPPED

    def frame(self, place: Place, src: str, dst: str, said: Packet) -> Frame | None:
        """Return the frame as it comes in, None if there is no port for it."""
        ports = self.openvswitch.ports.values()
        if isinstance(place, Tunnel):
            numbers = [each.number for each in ports if each.remote == place.address]
            tags, vni = [], place.vni
        else:
            numbers = [each.number for each in ports if each.name == place.port]
            tags, vni = [place.tag] if place.tag else [], 0
        for number in filter(None, numbers):
            return Frame(number, src, dst, tuple(tags), vni, packet=said)
        return None
