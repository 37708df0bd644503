"""Next hops of logical routers: who says their MAC, what is asked, and what waits for it."""

from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP, IPerror
from scapy.layers.l2 import Ether

from vtep_ofapp.engine.topics import ContentsRead
from vtep_ofapp.features.acls.rows import Acls
from vtep_ofapp.features.next_hops.answers import Answers, NextHop
from vtep_ofapp.features.next_hops.owners import IDLE
from vtep_ofapp.features.next_hops.places import HOLD, MOST_USELESS, QuietPlace
from vtep_ofapp.features.next_hops.state import NextHops
from vtep_ofapp.features.next_hops.upkeep import REFRESH
from vtep_ofapp.pipeline import next_hops
from vtep_ofapp.pipeline.layout import (
    LOGICAL_SWITCH,
    NEXT_HOP,
    SOURCE_BINDING,
    Table,
)
from vtep_ofapp.values.acls import Acl, AclEntry
from vtep_ofapp.values.addresses import ip_number
from vtep_ofapp.values.flows import Flow, SetField, match
from vtep_ofapp.values.routers import derived_mac, parse_interface
from vtep_ofapp.values.rows import Gone

from .builders import (
    BLUE,
    BROADCAST,
    FAR,
    FURTHER,
    MAC1,
    MAC2,
    MAC3,
    RED,
    arp_header,
    logical_router,
    remote_mac,
    stated,
    uuid,
)
from .routed_worlds import GATEWAY, LR, X6, Routed, X, Y, requests

NOBODY = "00:00:00:00:00:00"


@pytest.fixture
def world() -> Routed:
    return Routed()


ASKED = (BROADCAST, "10.0.2.1", X)


def test_the_word_of_the_nvc_beats_that_of_a_station_and_that_beats_an_answer(
    world: Routed,
) -> None:
    world.unresolved(X)
    world.answer(X, MAC3)
    assert world.mac(X) == MAC3
    world.state(X, MAC2)
    assert world.mac(X) == MAC2
    world.tell(remote_mac(MAC1, FAR, of=BLUE, ip=X))
    world.calm_down()
    assert world.mac(X) == MAC1
    world.tell(remote_mac(MAC3, FAR, of=BLUE, ip=X, row=uuid(0x1001)))
    world.calm_down()
    assert world.mac(X) == MAC2, "an ambiguous row is not used"
    world.macs.forget(BLUE, MAC2)
    world.tell(Gone(uuid(0x1001)), Gone(uuid(0x1000)))
    world.calm_down()
    assert world.hops(X) == [], "an answer that was not used is forgotten"


def test_a_station_that_the_nvc_places_behind_a_tunnel_stays_a_next_hop(world: Routed) -> None:
    """Its MAC address is the same there: no packet waits. It is asked like others that answered."""
    for ip in (X, Y):
        world.state(ip, MAC2)
    world.sent()
    world.tell(remote_mac(MAC2, FAR, of=BLUE))
    world.macs.forget(BLUE, MAC2)
    world.calm_down()
    assert [world.mac(ip) for ip in (X, Y)] == [MAC2, MAC2]
    assert [flow.idle_timeout for flow in world.hops(X)] == [IDLE]
    assert world.sent() == []
    world.state(X, MAC2)
    assert [flow.idle_timeout for flow in world.hops(X)] == [0], "it is back"
    world.pass_time(REFRESH + 3)
    assert world.hops(Y) == [], "nobody answered"


def test_a_station_that_is_gone_is_no_next_hop(world: Routed) -> None:
    world.state(X, MAC2)
    world.macs.forget(BLUE, MAC2)
    world.calm_down()
    assert world.hops(X) == []


def test_the_address_of_a_router_is_its_own_whatever_a_row_says(world: Routed) -> None:
    """It is a next hop only where there is another router, whose packets go to it."""
    world.tell(remote_mac(MAC1, FAR, of=BLUE, ip="10.0.2.1"))
    world.calm_down()
    assert world.mac("10.0.2.1") is None
    second = {BLUE: (parse_interface("10.0.2.2/24"),)}
    world.tell(logical_router(row=uuid(0x9001), name="lr1", interfaces=second))
    world.calm_down()
    assert world.mac("10.0.2.1") == GATEWAY
    assert world.mac("10.0.2.2") == derived_mac("lr1")
    world.tell(Gone(uuid(0x9001)))
    world.calm_down()
    assert world.mac("10.0.2.1") is None


def test_an_unknown_next_hop_is_asked_and_the_packet_goes_to_who_answers(world: Routed) -> None:
    """R6: the flow may not be there when the packet is sent on."""
    frame = world.unresolved(X)
    (ask,) = world.sent()
    assert requests([ask]) == [ASKED]
    assert world.is_dropped(X)
    world.state(X)
    (on,) = world.sent()
    assert on == next_hops.send_on(frame, world.number(BLUE), (), MAC2)
    assert world.mac(X) == MAC2
    assert not world.is_dropped(X)
    assert world.pass_time(100) == []


def test_an_answer_from_a_tunnel_is_kept_while_it_is_used(world: Routed) -> None:
    """R7."""
    for ip in (X, X6):
        frame = world.unresolved(ip)
        world.sent()
        world.answer(ip)
        assert [each.frame for each in world.sent()] == [frame]
        (flow,) = world.hops(ip)
        assert (next_hops.mac(flow), flow.idle_timeout, flow.watched) == (MAC3, IDLE, True)
        world.switch.flows.have(flow.key, None)
        world.switch.flows.ended(flow.key)
        world.calm_down()
        assert world.hops(ip) == []


def test_nobody_answers(world: Routed) -> None:
    """R11."""
    world.unresolved(X)
    assert requests(world.sent()) == [ASKED]
    assert requests(world.pass_time(2.9)) == [ASKED] * 2
    (error,) = [Ether(each.frame) for each in world.pass_time(5)]
    assert (error[ICMP].type, error[ICMP].code, error[IP].src) == (3, 1, "10.0.1.1")
    assert (error[IP].dst, error[IPerror].dst, error[IPerror].ttl) == ("10.0.1.11", X, 64)
    assert world.is_dropped(X)
    world.unresolved(X, 2)
    assert requests(world.sent()) == []
    world.pass_time(0.2)
    assert not world.is_dropped(X)
    world.unresolved(X, 3)
    assert requests(world.sent()) == [ASKED]


def test_four_distinct_packets_wait(world: Routed) -> None:
    frames = [world.unresolved(X, number) for number in range(6)]
    world.sent()
    world.answer(X)
    assert [each.frame for each in world.sent()] == frames[:4]


def test_a_packet_that_waits_is_judged_by_the_list_that_its_interface_has_now(
    world: Routed,
) -> None:
    world.unresolved(X)
    world.sent()
    acl, entry = uuid(0xAC1), uuid(0xE01)
    world.tell(AclEntry(entry, 10, is_egress=True, permits=False))
    world.tell(Acl(acl, "strict", frozenset({entry})))
    world.tell(logical_router(RED, BLUE, acls={"10.0.2.1": acl}))
    world.settle()
    world.answer(X)
    (on,) = world.sent()
    number = world.switch.view[Acls].number(acl)
    assert number is not None
    assert SetField("reg8", number) in on.actions


def test_an_answer_that_nobody_asked_for_teaches_nothing(world: Routed) -> None:
    world.answer(X)
    world.unresolved(Y)
    world.answer(X)
    world.answer("10.0.2.1", MAC3)
    assert world.hops(X) == []
    assert world.mac("10.0.2.1") is None
    world.answer(Y, GATEWAY)
    assert world.is_dropped(Y)


@pytest.mark.parametrize("mac", ["ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", NOBODY, GATEWAY])
def test_an_answer_from_an_address_that_is_not_one_stations_teaches_nothing(
    world: Routed, mac: str
) -> None:
    """A routed packet leaves once: it is not to be flooded, and not to come back to its router."""
    for ip in (X, X6):
        world.unresolved(ip)
        world.answer(ip, mac)
        assert (world.mac(ip), world.is_dropped(ip)) == (None, True)
        world.answer(ip)
        world.answer(ip, mac)
        assert world.mac(ip) == MAC3


def test_who_answers_in_vain_again_and_again_is_not_looked_at_for_a_while(
    world: Routed, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3 * MOST_USELESS):
        world.answer(X, remote=FURTHER)
    quiet = QuietPlace(FURTHER)
    assert world.switch.owned.get(quiet) is not None
    assert len(caplog.messages) == 1
    assert FURTHER in caplog.text
    world.unresolved(Y)
    world.answer(Y, remote=FAR)
    assert world.mac(Y) == MAC3
    world.pass_time(HOLD)
    assert world.switch.owned.get(quiet) is None


def test_a_scan_is_bounded_said_once_and_harms_nobody_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = Routed(max_pending_next_hops=20)
    for number in range(500):
        world.unresolved(f"10.0.2.{number % 250 + 2}", number, "10.0.1.66")
    assert len(requests(world.sent())) == 20
    assert len(caplog.messages) == 1
    assert "max_pending_next_hops" in caplog.text
    assert world.switch.owned.get(QuietPlace(0x1000)) is not None
    world.unresolved("10.0.2.255", reg0=0x2000)
    assert requests(world.sent()) == [(BROADCAST, "10.0.2.1", "10.0.2.255")]
    assert sum(each.key.priority == 50 for each in world.hops()) == 20
    assert len(requests(world.pass_time(8))) == 2 * 20
    assert [each for each in world.hops() if not each.actions] == []


def test_an_answer_is_asked_for_again_and_forgotten_without_one(world: Routed) -> None:
    world.unresolved(X)
    world.answer(X)
    world.sent()
    assert requests(world.pass_time(REFRESH + 0.5)) == [(MAC3, "10.0.2.1", X)]
    world.answer(X)
    assert requests(world.pass_time(REFRESH + 2.5)) == [(MAC3, "10.0.2.1", X)] * 3
    assert world.mac(X) == MAC3
    world.pass_time(1)
    assert world.hops(X) == []


def test_a_takeover_in_a_tunnel_is_followed_at_once(world: Routed) -> None:
    world.unresolved(X)
    world.answer(X, MAC3)
    flows = [each for each in world.flow_values() if ("arp_spa", X) in each.key.match]
    assert len(flows) == 2
    world.answer(X, MAC1, FURTHER)
    assert world.mac(X) == MAC1
    for each in range(10):
        world.answer(X, (MAC1, MAC3)[each % 2])
    assert not [each for each in world.flow_values() if ("arp_spa", X) in each.key.match]
    world.pass_time(10)
    assert len([each for each in world.flow_values() if ("arp_spa", X) in each.key.match]) == 2


def test_a_station_with_as_many_addresses_as_allowed_is_reached_at_further_ones() -> None:
    world = Routed(max_ips_per_mac=1)
    world.state("10.0.2.50")
    frame = world.unresolved(X)
    world.sent()
    world.state(X)
    assert [each.frame for each in world.sent()] == [frame]
    (flow,) = world.hops(X)
    assert (next_hops.mac(flow), flow.idle_timeout) == (MAC2, IDLE)


def test_forged_statements_about_a_pending_next_hop_are_not_listened_to_for_long(
    world: Routed,
) -> None:
    world.unresolved(X)
    assert [each for each in world.flow_values() if awaits(each, X)]
    fields = match({SOURCE_BINDING: 0x2000, LOGICAL_SWITCH: world.number(BLUE)})
    for _ in range(4):
        world.switch.packet_in(stated(fields, arp_header(MAC2, X, sha=MAC1)))
    world.calm_down()
    assert not [each for each in world.flow_values() if awaits(each, X)]
    assert world.is_dropped(X)


def awaits(flow: Flow, ip: str) -> bool:
    return flow.key.table == Table.SNOOPING and dict(flow.key.match).get("arp_spa") == ip


def test_an_idle_pair_is_asked_before_it_is_forgotten(world: Routed) -> None:
    world.state(X)
    world.sent()
    for is_there in (True, False):
        known = [each.key for each in world.flow_values() if awaits(each, X) and each.idle_timeout]
        assert len(known) == 1
        world.switch.flows.have(known[0], None)
        world.switch.flows.ended(known[0])
        world.calm_down()
        assert requests(world.pass_time(0)) == [(MAC2, "10.0.2.1", X)]
        assert world.mac(X) == MAC2
        if is_there:
            world.state(X)
        assert world.pass_time(4) == []
        assert world.mac(X) == (MAC2 if is_there else None)


def test_addresses_are_snooped_where_a_router_is_used() -> None:
    world = Routed(report_ip=False, suppress_arp=False)
    world.state(X)
    assert world.mac(X) == MAC2
    world.tell(Gone(LR))
    world.calm_down()
    assert world.hops() == []
    assert not [each for each in world.flow_values() if awaits(each, X)]
    world.state(X)
    world.tell(world.router())
    world.calm_down()
    assert world.mac(X) is None


def test_without_a_router_nothing_is_left(world: Routed) -> None:
    for ip in (X, X6):
        world.unresolved(ip)
    world.answer(X6)
    world.state(Y)
    world.tell(remote_mac(MAC1, FAR, of=BLUE, ip="10.0.2.70"))
    world.calm_down()
    assert len({next_hops.next_hop(each.key) for each in world.hops()}) > 3
    world.tell(Gone(LR))
    world.calm_down()
    assert world.hops() == []
    world.sent()
    assert world.pass_time(300) == []
    assert world.model[Answers].count("br0") == 0
    world.tell(world.router())
    world.calm_down()
    assert [world.mac(ip) for ip in (X, X6, Y, "10.0.2.70")] == [None, None, MAC2, MAC1]


def test_what_answered_is_read_back_and_no_flow_changes(world: Routed) -> None:
    for ip in (X, X6):
        world.unresolved(ip)
        world.answer(ip)
    world.unresolved(Y)
    flows = {flow.key: flow for flow in world.flow_values()}
    other = world.restarted()
    other.read_back(flows, {group.id: group for group in world.group_values()})
    other.calm_down()
    after = {flow.key: flow for flow in other.flow_values()}
    assert flows.keys() ^ after.keys() == {key for key, flow in flows.items() if is_of(key, Y)}
    assert all(flows[key] == flow for key, flow in after.items())


@pytest.mark.parametrize("is_here", [True, False])
def test_a_station_whose_address_aged_while_nobody_could_ask_is_kept_if_it_is_here(
    world: Routed, is_here: bool
) -> None:
    """Its pair of addresses ended without a process, and its next hop did not: nothing is lost."""
    world.state(X)
    flows = {each.key: each for each in world.flow_values() if not awaits(each, X)}
    assert len(flows) == len(world.flow_values()) - 1
    if not is_here:
        world.macs.forget(BLUE, MAC2)
        flows = {key: each for key, each in flows.items() if ("eth_src", MAC2) not in key.match}
    other = world.restarted()
    other.read_back(flows, {})
    other.switch.invalidate(ContentsRead(flows, {}, is_after_another=True))
    other.calm_down()
    kept = [each for each in other.flow_values() if is_of(each.key, X) and is_hop(each)]
    assert [next_hops.mac(each) for each in kept] == [MAC2] * is_here
    assert other.model[Answers].count("br0") == is_here
    assert (other.switch.view[NextHops].upkeep.next_end() is not None) == is_here


def is_hop(flow: Flow) -> bool:
    return flow.key.table == Table.NEXT_HOPS


def is_of(key: Any, ip: str) -> bool:
    fields = dict(key.match)
    return ip in fields.values() or fields.get(NEXT_HOP) == ip_number(ip)


def test_of_two_processes_the_later_one_knows_better(world: Routed) -> None:
    world.unresolved(X)
    world.answer(X, MAC3)
    (flow,) = world.hops(X)
    newer = next_hops.answered(world.number(BLUE), X, MAC1, IDLE)
    flows = {each.key: each for each in world.flow_values()} | {flow.key: newer}
    world.switch.invalidate(ContentsRead(flows, {}))
    world.calm_down()
    assert world.mac(X) == MAC3
    world.switch.invalidate(ContentsRead(flows, {}, is_after_another=True))
    world.calm_down()
    assert world.mac(X) == MAC1


def test_no_more_answers_are_kept_than_the_option_allows(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = Routed(max_next_hops=1)
    for ip in (X, Y):
        world.unresolved(ip)
        world.answer(ip)
    assert (world.mac(X), world.mac(Y)) == (MAC3, None)
    assert "max_next_hops" in caplog.text


@pytest.mark.parametrize("key", [NextHop(BLUE, X), QuietPlace(FAR)])
def test_nothing_is_caused_by_nothing(world: Routed, key: object) -> None:
    assert world.switch.because(key) == ()


def test_why(world: Routed) -> None:
    key = NextHop(BLUE, X)

    def why() -> list[str]:
        return [each.text for each in world.switch.because(key)]

    world.unresolved(X)
    assert why() == [f"routers ask for the MAC address of {X} in Logical_Switch blue"]
    world.pass_time(4)
    assert why() == [f"{X} in Logical_Switch blue did not answer: it is not asked for a while"]
    world.answer(X)
    assert why() == [
        f"packets to {X} in Logical_Switch blue go to {MAC3}: it answered a request of ours"
    ]
