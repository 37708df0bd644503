"""ARP and ND suppression: what stations state of their addresses, and answers for remote ones."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from vtep_ofapp.features.neighbours.claims import Claim, asked_for, claim
from vtep_ofapp.features.neighbours.limits import HOLD, USELESS_AT_PORT, USELESS_OF_STATION
from vtep_ofapp.features.neighbours.pairs import Pair, Pairs
from vtep_ofapp.features.neighbours.responders import Responder
from vtep_ofapp.openflow import decoding
from vtep_ofapp.pipeline import learning, resolution, snooping
from vtep_ofapp.pipeline.layout import LOGICAL_SWITCH, SOURCE_BINDING, Table
from vtep_ofapp.process.settings import Settings
from vtep_ofapp.values.addresses import parse_ip
from vtep_ofapp.values.flows import match
from vtep_ofapp.values.rows import Gone, RemoteMac

from . import osken
from .builders import (
    FAR,
    FURTHER,
    IP1,
    IP2,
    IP6,
    MAC1,
    MAC2,
    MAC3,
    RED,
    arp_header,
    logical_switch,
    neighbor_header,
    number_of,
    physical_port,
    physical_switch,
    port,
    remote_mac,
    stated,
    uuid,
)
from .doubles import TimeDouble
from .world import World

NUMBER = number_of(RED)
REMOTE_IP, REMOTE_IP6, LINK_LOCAL = "192.168.1.99", "2001:db8:1::99", "fe80::99"


@pytest.mark.parametrize("text", ["::ffff:1.2.3.4", "::1.2.3.4", "2001:DB8:0::1", IP1])
def test_the_flows_of_an_address_are_read_back_as_they_were_sent(text: str) -> None:
    ip = parse_ip(text)
    flows = [resolution.responder(NUMBER, ip, MAC3), snooping.known(0x1000, NUMBER, MAC1, ip, 60)]
    for flow in flows:
        (read,) = decoding.flows(osken.flow_reply(flow))
        assert read.key == flow.key


# What a frame states


AT1, AT2 = (b"\x01\x01" + bytes.fromhex(mac.replace(":", "")) for mac in (MAC1, MAC2))
"""Options with the link-layer address of the source."""
NONCE = b"\x0e\x01noncee"


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (arp_header(MAC1, IP1), Claim(IP1)),
        (arp_header(MAC1, IP1, sha=MAC2), None),
        (arp_header(MAC1, "0.0.0.0"), None),
        (arp_header(MAC1, "224.0.0.5"), None),
        (arp_header(MAC1, "127.0.0.1"), None),
        (arp_header(MAC1, "255.255.255.255"), None),
        (arp_header(MAC1, IP1)[:30], None),
        (neighbor_header(MAC1, IP6, REMOTE_IP6), Claim(IP6)),
        (neighbor_header(MAC1, "::", IP6), None),
        (neighbor_header(MAC1, LINK_LOCAL, REMOTE_IP6), None),
        (neighbor_header(MAC1, "ff02::1", REMOTE_IP6), None),
        (neighbor_header(MAC1, IP6, REMOTE_IP6, hops=254), None),
        (neighbor_header(MAC1, IP6, IP6, kind=136), Claim(IP6)),
        (neighbor_header(MAC1, LINK_LOCAL, IP6, kind=136), Claim(IP6, is_from_it=False)),
        (neighbor_header(MAC1, IP6, IP6, kind=134), None),
        (neighbor_header(MAC1, IP6, IP6, kind=136, flags=0x20), Claim(IP6)),
        (neighbor_header(MAC1, IP6, IP6, kind=136, flags=0x40), None),
        (neighbor_header(MAC1, IP6, IP6, kind=136, flags=0x40, dest=REMOTE_IP6), Claim(IP6)),
        (neighbor_header(MAC1, IP6, "ff02::1"), None),
        (neighbor_header(MAC1, IP6, REMOTE_IP6, code=1), None),
        (neighbor_header(MAC1, IP6, REMOTE_IP6, error=1), None),
        (neighbor_header(MAC1, IP6, IP6, kind=136, error=0x8000), None),
        (neighbor_header(MAC1, IP6, REMOTE_IP6)[:-1], None),
        (neighbor_header(MAC1, IP6, REMOTE_IP6) + b"the rest", Claim(IP6)),
        (neighbor_header(MAC1, IP6, REMOTE_IP6, options=b""), Claim(IP6)),
        (neighbor_header(MAC1, IP6, REMOTE_IP6, options=AT1), Claim(IP6)),
        (neighbor_header(MAC1, IP6, REMOTE_IP6, options=AT2), None),
        (neighbor_header(MAC1, IP6, REMOTE_IP6, options=NONCE + AT1), Claim(IP6)),
        (neighbor_header(MAC1, IP6, REMOTE_IP6, options=NONCE + AT2), None),
        (neighbor_header(MAC1, IP6, REMOTE_IP6, options=AT1 + bytes(8)), None),
        (neighbor_header(MAC1, IP6, REMOTE_IP6, options=AT1 + NONCE[:4]), Claim(IP6)),
        (neighbor_header(MAC1, IP6, REMOTE_IP6, options=AT1 + b"\x0e"), Claim(IP6)),
        (neighbor_header(MAC1, IP6, REMOTE_IP6, options=AT1[:1] + b"\x02" + AT1[2:]), None),
        (bytes.fromhex(MAC1.replace(":", "")), None),
    ],
)
def test_what_a_frame_states_of_its_sender(header: bytes, found: Claim | None) -> None:
    assert claim(header) == found


FOR_IP6 = "ff02::1:ff00:11"


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (neighbor_header(MAC1, "::", IP6, dest=FOR_IP6, options=b""), IP6),
        (neighbor_header(MAC1, "::", IP6, dest=FOR_IP6, options=NONCE), IP6),
        (neighbor_header(MAC1, "::", IP6, dest=FOR_IP6, options=b"", error=1), None),
        (neighbor_header(MAC1, "::", IP6, dest=FOR_IP6, options=b"", hops=64), None),
        (neighbor_header(MAC1, "::", IP6, dest=FOR_IP6, options=AT1), None),
        (neighbor_header(MAC1, "::", IP6, dest=FOR_IP6, options=bytes(8)), None),
        (neighbor_header(MAC1, "::", IP6, dest="ff02::1", options=b""), None),
        (neighbor_header(MAC1, LINK_LOCAL, IP6, dest=FOR_IP6, options=b""), None),
        (neighbor_header(MAC1, "::", IP6, kind=136, dest=FOR_IP6, options=b""), None),
        (arp_header(MAC1, "0.0.0.0"), None),
    ],
)
def test_which_address_a_host_asks_for_before_it_takes_it(header: bytes, found: str | None) -> None:
    assert asked_for(header) == found


# The table of pairs


def test_an_address_moves_to_the_mac_that_states_it_last() -> None:
    pairs = Pairs(TimeDouble().clock)
    assert pairs.learn(Pair(RED, IP1), MAC1)
    assert not pairs.learn(Pair(RED, IP1), MAC1)
    assert pairs.learn(Pair(RED, IP1), MAC2)
    assert pairs.mac(Pair(RED, IP1)) == MAC2
    assert (pairs.ips((RED, MAC1)), pairs.ips((RED, MAC2))) == ((), (IP1,))


def test_the_latest_ipv4_address_is_reported_before_any_of_ipv6() -> None:
    pairs = Pairs(TimeDouble().clock)
    for ip in (IP6, IP1, IP2, "2001:db8:1::12"):
        pairs.learn(Pair(RED, ip), MAC1)
    assert pairs.reported((RED, MAC1)) == (IP2,)
    pairs.forget(Pair(RED, IP2))
    assert pairs.reported((RED, MAC1)) == (IP1,)
    pairs.forget(Pair(RED, IP1))
    assert pairs.reported((RED, MAC1))[-1] == "2001:db8:1::12"


def test_which_of_the_addresses_that_were_read_back_is_the_latest_is_open() -> None:
    pairs = Pairs(TimeDouble().clock)
    for ip in (IP1, IP2, IP6):
        pairs.find(Pair(RED, ip), MAC1)
    assert set(pairs.reported((RED, MAC1))) == {IP1, IP2}
    pairs.learn(Pair(RED, "192.168.1.13"), MAC1)
    assert pairs.reported((RED, MAC1)) == ("192.168.1.13",)


def test_the_addresses_of_a_station_are_forgotten_together() -> None:
    pairs = Pairs(TimeDouble().clock)
    for ip in (IP1, IP6):
        pairs.learn(Pair(RED, ip), MAC1)
    pairs.forget_station((RED, MAC1))
    assert list(pairs.all()) == []
    assert pairs.ips((RED, MAC1)) == ()


# On a switch


class Told(World):
    """br0 with p0 and p1 in red; stations state addresses."""

    def __init__(self, **options: object) -> None:
        self.time = TimeDouble()
        super().__init__(settings=Settings(**options), clock=self.time.clock)  # type: ignore[arg-type]
        self.tell(logical_switch(RED, 5001))
        ports = physical_port("p0", {0: RED}), physical_port("p1", {0: RED})
        self.physical(physical_switch(*ports))
        self.bridge(port("p0", 1), port("p1", 2))
        self.calm_down()

    def hear(self, header: bytes, port: int = 1) -> None:
        """A frame that the switch shows came in by a port."""
        fields = match({SOURCE_BINDING: port << 12, LOGICAL_SWITCH: NUMBER})
        self.switch.packet_in(stated(fields, header))
        self.calm_down()

    def of(self, *tables: str) -> set[str]:
        """Return the flows of tables, but for those that are there without addresses."""
        return {
            flow
            for flow in super().flows()
            if flow.split()[0] in tables
            and flow.split()[1] not in ("MISS", "FALLBACK", "PREFERRED")
        }


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def placed(told: Told) -> Told:
    """The same with a remote station that has an address."""
    told.tell(remote_mac(MAC3, FAR, ip=REMOTE_IP))
    told.calm_down()
    return told


def known(mac: str = MAC1, ip: str = IP1, port: int = 1) -> str:
    return (
        f"SNOOPING LIMIT_EXCEPT arp_sha={mac},arp_spa={ip},eth_src={mac},eth_type=0x806,"
        f"metadata=red,reg0={port << 12:#x}: set_field:0x2->reg11,goto RESOLUTION (idle 1200)"
    )


def test_a_new_host_is_learned_with_its_address_by_one_frame(told: Told) -> None:
    told.hear(arp_header(MAC1, IP1))
    assert told.of("SNOOPING") == {known()}
    assert told.macs.place(RED, MAC1) is not None


def test_a_pair_follows_its_station_and_goes_with_it(told: Told) -> None:
    told.hear(arp_header(MAC1, IP1))
    told.see(MAC1, "p1")
    told.calm_down()
    assert told.of("SNOOPING") == {known(port=2)}
    told.macs.forget(RED, MAC1)
    told.calm_down()
    assert told.of("SNOOPING") == set()
    assert told.model[Pairs].mac(Pair(RED, IP1)) is None


def test_what_is_forged_teaches_nothing_and_is_not_shown_again_and_again(told: Told) -> None:
    told.see(MAC1, "p0")
    for _ in range(USELESS_OF_STATION):
        assert told.of("SNOOPING") == set()
        told.hear(arp_header(MAC1, IP1, sha=MAC2))
    quiet = f"SNOOPING LIMIT eth_src={MAC1},metadata=red: goto RESOLUTION"
    assert told.of("SNOOPING") == {quiet}
    told.time.now += HOLD
    told.switch.due()
    told.calm_down()
    assert told.of("SNOOPING") == set()
    told.hear(arp_header(MAC1, IP1))
    assert told.of("SNOOPING") == {known()}


def test_a_station_that_is_quiet_has_no_flow_once_it_is_gone(told: Told) -> None:
    told.see(MAC1, "p0")
    for _ in range(USELESS_OF_STATION):
        told.hear(arp_header(MAC1, IP1, sha=MAC2))
    assert told.of("SNOOPING")
    told.macs.forget(RED, MAC1)
    told.calm_down()
    assert told.of("SNOOPING") == set()


def test_many_stations_that_forge_make_their_port_quiet(told: Told) -> None:
    for number in range(USELESS_AT_PORT):
        mac = f"02:00:00:00:01:{number:02x}"
        told.hear(arp_header(mac, IP1, sha=MAC2))
    assert "SNOOPING LIMIT reg0=0x1000: goto RESOLUTION" in told.of("SNOOPING")
    told.hear(arp_header(MAC1, IP1), port=2)
    assert known(port=2) in told.of("SNOOPING")


def test_a_mac_has_a_limit_of_addresses_and_makes_room_again() -> None:
    told = Told(max_ips_per_mac=2)
    for ip in (IP1, IP2, "192.168.1.13"):
        told.hear(arp_header(MAC1, ip))
    quiet = f"SNOOPING LIMIT eth_src={MAC1},metadata=red: goto RESOLUTION"
    assert told.of("SNOOPING") == {known(), known(ip=IP2), quiet}
    told.hear(arp_header(MAC2, IP2))
    assert told.of("SNOOPING") == {known(), known(MAC2, IP2)}


def test_a_mac_whose_addresses_end_together_makes_room_again() -> None:
    told = Told(max_ips_per_mac=3)
    for ip in (IP1, IP2, "192.168.1.13"):
        told.hear(arp_header(MAC1, ip))
    for key in [key for key in told.switch.flows.wanted if snooping.pair(key)]:
        told.switch.flows.have(key, None)
        told.switch.flows.ended(key)
    told.calm_down()
    assert told.of("SNOOPING") == set()
    told.hear(arp_header(MAC1, IP1))
    assert told.of("SNOOPING") == {known()}


def test_an_address_that_two_macs_state_again_and_again_is_held(told: Told) -> None:
    for turn in range(20):
        told.hear(arp_header((MAC1, MAC2)[turn % 2], IP1))
    held = f"SNOOPING LIMIT arp_spa={IP1},eth_type=0x806,metadata=red: goto RESOLUTION"
    assert held in told.of("SNOOPING")
    assert len(told.of("SNOOPING")) == 2
    told.time.now += HOLD
    told.switch.due()
    told.calm_down()
    assert held not in told.of("SNOOPING")


def test_requests_for_a_remote_address_are_answered(placed: Told) -> None:
    assert placed.of("RESOLUTION") == {
        "RESOLUTION DEFAULT arp_op=0x1,arp_tpa=192.168.1.99,eth_dst=ff:ff:ff:ff:ff:ff,"
        "eth_type=0x806,metadata=red,reg11=0x2: "
        f"set_field:{MAC3}->eth_dst,goto ANSWERING"
    }
    assert len(placed.of("ANSWERING")) == 2
    placed.tell(Gone(uuid(0x1000)))
    placed.calm_down()
    assert placed.of("RESOLUTION", "ANSWERING") == set()


def rows() -> Iterator[RemoteMac]:
    yield remote_mac(MAC3, FAR, ip=LINK_LOCAL)
    yield remote_mac(MAC3, "10.0.0.1", ip=REMOTE_IP)


@pytest.mark.parametrize("row", list(rows()), ids=["link-local", "at this switch"])
def test_some_addresses_are_not_answered(told: Told, row: RemoteMac) -> None:
    told.tell(row)
    told.calm_down()
    assert told.of("RESOLUTION") == set()
    assert list(told.switch.because(Responder(RED, row.ip)))


def test_without_the_option_no_address_is_answered() -> None:
    told = Told(suppress_arp=False)
    told.tell(remote_mac(MAC3, FAR, ip=REMOTE_IP))
    told.tell(remote_mac(MAC2, FAR, ip=REMOTE_IP, row=uuid(0x1001)))
    told.calm_down()
    assert told.of("RESOLUTION", "ANSWERING") == told.complaints() == set()


def test_the_answer_is_withheld_while_the_mac_is_learned_here(placed: Told) -> None:
    placed.see(MAC3, "p0")
    placed.calm_down()
    assert placed.of("RESOLUTION") == set()
    placed.macs.forget(RED, MAC3)
    placed.calm_down()
    assert len(placed.of("RESOLUTION")) == 1


def test_the_answer_of_a_row_that_is_not_used_is_withheld_as_well(placed: Told) -> None:
    placed.tell(remote_mac(MAC3, FURTHER, row=uuid(0xFFF)))
    placed.see(MAC3, "p0")
    placed.calm_down()
    assert placed.of("RESOLUTION") == set()
    placed.macs.forget(RED, MAC3)
    placed.calm_down()
    assert placed.summary() == placed.restarted_and_settled().summary()
    assert len(placed.of("RESOLUTION")) == 1


def test_the_answer_is_withheld_while_a_local_station_claims_the_address(placed: Told) -> None:
    placed.hear(arp_header(MAC1, REMOTE_IP))
    assert placed.of("RESOLUTION") == set()
    placed.macs.forget(RED, MAC1)
    placed.calm_down()
    assert len(placed.of("RESOLUTION")) == 1


def test_an_address_of_two_macs_is_a_fault_and_flooded(placed: Told) -> None:
    placed.tell(remote_mac(MAC2, FURTHER, ip=REMOTE_IP, row=uuid(0x1001)))
    placed.calm_down()
    assert placed.of("RESOLUTION") == set()
    (complaint,) = placed.complaints()
    assert complaint.startswith(
        f"address {REMOTE_IP} in Logical_Switch red: it is the ipaddr of {MAC3}"
    )
    assert complaint.endswith(
        "to mend one of them: vtep-ctl set Ucast_Macs_Remote ROW 'ipaddr=\"VALUE\"'"
    )
    (fault,) = (each for each in placed.faults() if str(each) == complaint)
    assert fault.entry is not None
    placed.tell(Gone(uuid(0x1001)))
    placed.calm_down()
    assert (len(placed.of("RESOLUTION")), placed.complaints()) == (1, set())


def test_rows_with_several_addresses_of_a_station_are_no_rivals(placed: Told) -> None:
    placed.tell(remote_mac(MAC3, FAR, ip=REMOTE_IP6, row=uuid(0x1001)))
    placed.tell(remote_mac(MAC3, FAR, row=uuid(0x1002)))
    placed.calm_down()
    assert placed.complaints() == set()
    assert len(placed.of("RESOLUTION")) == 2
    placed.tell(remote_mac(MAC3, FAR, ip=REMOTE_IP6, row=uuid(0x1003)))
    placed.calm_down()
    assert len(placed.complaints()) == 1
    placed.tell(Gone(uuid(0x1003)), remote_mac(MAC3, FURTHER, ip=IP2, row=uuid(0x1004)))
    placed.calm_down()
    assert len(placed.complaints()) == 1


def test_an_ipaddr_that_is_none_is_a_fault_and_the_mac_is_used(told: Told) -> None:
    row = remote_mac(MAC3, FAR, invalid_ip="10.0.0")
    command = f"; to mend it: vtep-ctl set Ucast_Macs_Remote {row.uuid} 'ipaddr="
    for text, meant in (
        ("10.0.0.5/8", "10.0.0.5"),
        ("2001:DB8::7/64", "2001:db8::7"),
        ("10.0.0", ""),
    ):
        told.tell(replace(row, invalid_ip=text))
        told.calm_down()
        (complaint,) = told.complaints()
        reason = f"ipaddr is not used: '{text}' is not an IP address"
        assert complaint.endswith(f"""{reason}{command}"{meant or "VALUE"}"'""")
    assert any(MAC3 in flow for flow in told.flows("UNICAST"))
    told.tell(replace(row, invalid_ip=""))
    told.calm_down()
    assert told.complaints() == set()


def test_without_reports_and_addresses_nothing_is_snooped() -> None:
    told = Told(report_ip=False)
    told.hear(arp_header(MAC1, IP1))
    assert [flow for flow in told.flow_values() if flow.key.table == Table.SNOOPING] == [
        flow for flow in told.flow_values() if flow.key.table == Table.SNOOPING and not flow.key[2]
    ]
    assert list(told.model[Pairs].all()) == []
    told.tell(remote_mac(MAC3, FAR, ip=REMOTE_IP))
    told.calm_down()
    told.hear(arp_header(MAC1, IP1))
    assert known() in told.of("SNOOPING")
    told.tell(Gone(uuid(0x1000)))
    told.calm_down()
    assert told.of("SNOOPING") == set()
    assert list(told.model[Pairs].all()) == []


def test_pairs_are_read_back_from_the_flows(placed: Told) -> None:
    placed.hear(arp_header(MAC1, IP1))
    placed.hear(neighbor_header(MAC2, IP6, REMOTE_IP6), port=2)
    flows = dict(placed.switch.flows.wanted)
    new = Told()
    new.tell(remote_mac(MAC3, FAR, ip=REMOTE_IP))
    new.read_back(flows, {})
    new.calm_down()
    assert new.model[Pairs].mac(Pair(RED, IP1)) == MAC1
    assert new.model[Pairs].mac(Pair(RED, IP6)) == MAC2
    assert {key: flow for key, flow in flows.items() if key.table == Table.SNOOPING} == {
        key: flow for key, flow in new.switch.flows.wanted.items() if key.table == Table.SNOOPING
    }


def test_pairs_are_not_read_back_once_the_options_are_off(placed: Told) -> None:
    placed.hear(arp_header(MAC1, IP1))
    new = Told(report_ip=False, suppress_arp=False)
    new.read_back(dict(placed.switch.flows.wanted), {})
    new.calm_down()
    assert list(new.model[Pairs].all()) == []


def test_pairs_read_back_before_there_are_rows_have_flows_once_there_are(placed: Told) -> None:
    placed.hear(arp_header(MAC1, IP1))
    flows = dict(placed.switch.flows.wanted)
    new = Told(report_ip=False)
    new.read_back(flows, {})
    new.calm_down()
    new.tell(remote_mac(MAC3, FAR, ip=REMOTE_IP))
    new.calm_down()
    new.hear(arp_header(MAC1, IP1))
    assert known() in new.of("SNOOPING")


def test_a_pair_whose_station_is_not_there_any_more_is_not_read_back(placed: Told) -> None:
    placed.hear(arp_header(MAC1, IP1))
    flows = {
        key: flow
        for key, flow in placed.switch.flows.wanted.items()
        if learning.station(key) is None
    }
    new = Told()
    new.read_back(flows, {})
    new.calm_down()
    assert list(new.model[Pairs].all()) == []
    assert new.of("SNOOPING") == set()


def test_an_idle_flow_ends_its_pair_alone(told: Told) -> None:
    told.hear(arp_header(MAC1, IP1))
    told.hear(arp_header(MAC1, IP2))
    (key,) = (
        key
        for key in told.switch.flows.wanted
        if key.table == Table.SNOOPING and ("arp_spa", IP1) in key.match
    )
    told.switch.flows.have(key, None)
    told.switch.flows.ended(key)
    told.calm_down()
    assert told.of("SNOOPING") == {known(ip=IP2)}


def two_switches() -> World:
    """Return br0 and br1, each with a port in red."""
    world = World(["br0", "br1"])
    world.tell(logical_switch(RED, 5001))
    for number, name in enumerate(world.switches, 1):
        at = physical_port(f"p{number}", {0: RED})
        row = physical_switch(
            at, name=name, row=uuid(0xB0 + number), tunnel_ips=[f"10.0.0.{number}"]
        )
        world.physical(row, name)
        world.bridge(port(at.name, 1), name=name)
    world.calm_down()
    return world


def hear_at(world: World, name: str, header: bytes) -> None:
    """A frame that a switch shows came in by its first port."""
    fields = match({SOURCE_BINDING: 1 << 12, LOGICAL_SWITCH: NUMBER})
    world.switches[name].packet_in(stated(fields, header))
    world.calm_down()


def test_switches_of_one_process_share_what_they_hear() -> None:
    world = two_switches()
    hear_at(world, "br0", arp_header(MAC1, IP1))
    hear_at(world, "br1", arp_header(MAC2, IP1))
    assert known() not in world.flows(name="br0")
    assert known(MAC2) in world.flows(name="br1")


def test_an_address_that_is_held_is_not_shown_where_its_station_is_not() -> None:
    world = two_switches()
    held = f"SNOOPING LIMIT arp_spa={IP1},eth_type=0x806,metadata=red: goto RESOLUTION"
    for turn in range(12):
        assert held not in world.flows(name="br1")
        hear_at(world, ("br0", "br1")[turn % 2], arp_header((MAC1, MAC2)[turn % 2], IP1))
    assert known() in world.flows(name="br0"), "it stays there"
    assert held in world.flows(name="br1")
    assert held not in world.flows(name="br0")
