"""The flows of access lists do what their rows say, which acl_rule.py reads by itself."""

from collections.abc import Collection
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtep_ofapp.pipeline import acls
from vtep_ofapp.pipeline.acls import (
    blocks,
    cost,
    flows,
    headers,
    misses,
    priorities,
    refuse_all,
    refuse_cut,
)
from vtep_ofapp.pipeline.layout import ACL, Cookie, Table, counted
from vtep_ofapp.values.acls import AclEntry, AclMatch, Refusal
from vtep_ofapp.values.flows import Flow

from . import acl_rule, packets
from .acl_examples import ENTRIES, MACS, PACKETS
from .builders import MAC1, MAC2, uuid
from .packets import ICMP, IPV4, IPV6, SCTP, TCP, UDP, Packet
from .reading import lines, read_flow, read_flows
from .walk import Frame, Pipeline

NUMBER = 0xABC
"""The number of the access list in question."""
OTHER = 0xDEF
"""The number of one that is there as well."""
A, B = "192.0.2.1", "192.0.2.2"
TABLES = [*acls.INGRESS, *acls.EGRESS]


def entry(
    sequence: int = 10,
    *,
    permits: bool = False,
    is_egress: bool = False,
    row: int = 0xE1,
    **fields: Any,
) -> AclEntry:
    return AclEntry(uuid(row), sequence, is_egress, permits, AclMatch(**fields))


def shown(wanted: AclEntry, table: Table = Table.ACL_INGRESS) -> set[str]:
    return read_flows(flows(NUMBER, wanted, 100, table))


def listed(number: int, entries: Collection[AclEntry], table: Table) -> list[Flow]:
    """Return the flows of a list of entries in one direction."""
    ranked = priorities(entries)
    assert ranked is not None
    made = [flow for each in entries for flow in flows(number, each, ranked[each.uuid], table)]
    cut = {header for each in entries for header in headers(each)}
    return [*made, *(refuse_cut(number, header, table) for header in cut)]


# What an entry looks like


def test_an_entry_without_fields_matches_every_frame() -> None:
    assert shown(entry()) == {"ACL_INGRESS DEFAULT reg7=0xabc: drop"}
    assert shown(entry(permits=True)) == {"ACL_INGRESS DEFAULT reg7=0xabc: goto LEARNING"}


def test_each_table_matches_the_register_that_is_carried_to_it_and_goes_on() -> None:
    permit = entry(permits=True)
    assert shown(permit, Table.ACL_INGRESS_PORT) == {
        "ACL_INGRESS_PORT DEFAULT reg8=0xabc: goto ACL_INGRESS"
    }
    assert shown(permit, Table.ACL_EGRESS_PORT) == {
        "ACL_EGRESS_PORT DEFAULT reg8=0xabc: goto ACL_EGRESS"
    }
    assert shown(permit, Table.ACL_EGRESS) == {"ACL_EGRESS DEFAULT reg7=0xabc: goto DELIVERY"}


def test_addresses_have_their_masks() -> None:
    fields: dict[str, Any] = {
        "source": ("192.168.1.5", "255.255.255.0"),
        "destination": ("192.168.0.7", "255.0.0.255"),
    }
    assert shown(entry(**fields)) == lines("""
        ACL_INGRESS DEFAULT eth_type=0x800,nw_dst=192.0.0.7/255.0.0.255,
            nw_src=192.168.1.0/255.255.255.0,reg7=0xabc: drop
    """)


def test_a_mask_of_all_bits_is_none_and_one_of_no_bits_means_the_family() -> None:
    every = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
    fields: dict[str, Any] = {
        "source": ("2001:db8::1", every),
        "destination": ("2001:db8::2", "::"),
    }
    assert shown(entry(**fields)) == {
        "ACL_INGRESS DEFAULT eth_type=0x86dd,ipv6_src=2001:db8::1,reg7=0xabc: drop"
    }


def test_a_port_without_a_protocol_is_one_of_tcp_udp_and_sctp_in_both_families() -> None:
    made = flows(NUMBER, entry(dest_ports=(5000, 5000)), 100, Table.ACL_INGRESS)
    assert [dict(flow.key.match) for flow in made] == [
        {ACL: NUMBER, "eth_type": family, "ip_proto": number, "ip_frag": (0, 2), port: 5000}
        for family in (IPV4, IPV6)
        for number, port in ((TCP, "tcp_dst"), (UDP, "udp_dst"), (SCTP, "sctp_dst"))
    ]


def test_icmp_without_a_family_is_that_of_each_family() -> None:
    assert shown(entry(icmp_type=3, icmp_code=4)) == lines("""
        ACL_INGRESS DEFAULT eth_type=0x800,icmp_code=0x4,icmp_type=0x3,nw_frag=not_later,
            ip_proto=0x1,reg7=0xabc: drop
        ACL_INGRESS DEFAULT eth_type=0x86dd,icmpv6_code=0x4,icmpv6_type=0x3,nw_frag=not_later,
            ip_proto=0x3a,reg7=0xabc: drop
    """)


def test_flags_imply_tcp() -> None:
    address = ("192.0.2.1", "255.255.255.255")
    assert shown(entry(source=address, tcp_flags=(0x3, 0x12))) == lines("""
        ACL_INGRESS DEFAULT eth_type=0x800,nw_frag=not_later,ip_proto=0x6,nw_src=192.0.2.1,
            reg7=0xabc,tcp_flags=0x2/0x12: drop
    """)
    assert "tcp_flags=0x2:" in min(shown(entry(source=address, tcp_flags=(0x2, 0xFFF))))


def test_later_fragments_pass_by_what_permits_a_port() -> None:
    assert shown(entry(permits=True, protocol=TCP, dest_ports=(443, 443))) == lines("""
        ACL_INGRESS DEFAULT eth_type=0x800,nw_frag=not_later,ip_proto=0x6,reg7=0xabc,tcp_dst=0x1bb:
            goto LEARNING
        ACL_INGRESS DEFAULT eth_type=0x800,nw_frag=later,ip_proto=0x6,reg7=0xabc: goto LEARNING
        ACL_INGRESS DEFAULT eth_type=0x86dd,nw_frag=not_later,ip_proto=0x6,reg7=0xabc,tcp_dst=0x1bb:
            goto LEARNING
        ACL_INGRESS DEFAULT eth_type=0x86dd,nw_frag=later,reg7=0xabc: goto LEARNING
    """)


def test_what_denies_an_address_denies_its_fragments_as_well() -> None:
    (flow,) = flows(NUMBER, entry(source=("192.0.2.1", "255.255.255.255")), 100, Table.ACL_EGRESS)
    assert "ip_frag" not in dict(flow.key.match)


def test_ranges_on_both_sides_are_clauses_where_this_is_less() -> None:
    fields: dict[str, Any] = {
        "ethertype": IPV4,
        "protocol": UDP,
        "source_ports": (1, 3),
        "dest_ports": (5, 13),
    }
    common = "eth_type=0x800,nw_frag=not_later,ip_proto=0x11,reg7=0xabc"
    assert shown(entry(**fields)) == {
        f"ACL_INGRESS DEFAULT {common},udp_src=0x1: conjunction(0x64,1/2)",
        f"ACL_INGRESS DEFAULT {common},udp_src=0x2/0xfffe: conjunction(0x64,1/2)",
        f"ACL_INGRESS DEFAULT {common},udp_dst=0x5: conjunction(0x64,2/2)",
        f"ACL_INGRESS DEFAULT {common},udp_dst=0x6/0xfffe: conjunction(0x64,2/2)",
        f"ACL_INGRESS DEFAULT {common},udp_dst=0x8/0xfffc: conjunction(0x64,2/2)",
        f"ACL_INGRESS DEFAULT {common},udp_dst=0xc/0xfffe: conjunction(0x64,2/2)",
        "ACL_INGRESS DEFAULT conj_id=0x64,reg7=0xabc: drop",
    }


def test_every_flow_of_a_list_counts_for_its_number() -> None:
    made = (*flows(NUMBER, entry(permits=True, tcp_flags=(2, 2)), 7, Table.ACL_EGRESS),)
    assert {counted(flow.cookie) for flow in made} == {(Cookie.ACLS, NUMBER)}
    assert f"{made[0].cookie:#x}" == "0x76746570a0000abc"


def test_a_list_that_cannot_be_used_drops_everything() -> None:
    assert read_flow(refuse_all(NUMBER, Table.ACL_INGRESS)) == (
        "ACL_INGRESS ACL_CLOSED reg7=0xabc: drop"
    )
    assert read_flow(refuse_all(NUMBER, Table.ACL_EGRESS_PORT)) == (
        "ACL_EGRESS_PORT ACL_CLOSED reg8=0xabc: drop"
    )


def test_first_fragments_without_all_of_a_header_are_dropped() -> None:
    """RFC 1858: else a fragment of 8 bytes hides the flags of TCP, and for the switch its ports."""
    ssh = entry(protocol=TCP, dest_ports=(22, 22))
    assert read_flows([refuse_cut(NUMBER, each, Table.ACL_INGRESS) for each in headers(ssh)]) == {
        f"ACL_INGRESS ACL_CLOSED eth_type={family},nw_frag=first,ip_proto=0x6,reg7=0xabc,"
        "tcp_dst=0x0,tcp_src=0x0: drop"
        for family in ("0x800", "0x86dd")
    }
    syn = packets.tcp(A, B, 1, 22, 2)
    assert permitted([ssh], syn, syn.cut_fragment(), syn.later_fragment()) == [False, False, True]
    lower = [entry(permits=True, dest_ports=(0, 1023)), entry(20, row=2, permits=True)]
    assert permitted(lower, syn.cut_fragment(), packets.udp(A, B, 0, 0).first_fragment()) == [
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({}, set()),
        ({"protocol": TCP, "source": (A, "255.255.255.255")}, set()),
        ({"protocol": UDP, "dest_ports": (53, 53)}, set()),
        ({"icmp_type": 8}, set()),
        ({"tcp_flags": (2, 2), "ethertype": IPV6}, {(IPV6, TCP)}),
        ({"dest_ports": (5, 9), "source": (A, "255.0.0.0")}, {(IPV4, TCP), (IPV4, SCTP)}),
    ],
    ids=str,
)
def test_the_headers_that_an_entry_looks_at(fields: dict[str, Any], found: set[Any]) -> None:
    assert set(headers(entry(**fields))) == found
    assert not set(headers(replace(entry(**fields), match=None)))


def test_what_no_entry_matches_goes_on() -> None:
    assert read_flows(misses()) == lines("""
        ACL_INGRESS_PORT MISS any: goto ACL_INGRESS
        ACL_INGRESS MISS any: goto LEARNING
        ACL_EGRESS_PORT MISS any: goto ACL_EGRESS
        ACL_EGRESS MISS any: goto DELIVERY
    """)
    assert read_flows(acls.misses_of_routers()) == lines("""
        ACL_ROUTER_INGRESS MISS any: goto TERMINATION
        ACL_ROUTER_EGRESS MISS any: goto UNICAST
    """)


def test_an_entry_that_cannot_be_used_has_no_flows() -> None:
    bad = replace(
        entry(), match=None, refused=(Refusal("its mask has no address", "source_ip=VALUE"),)
    )
    assert (flows(NUMBER, bad, 100, Table.ACL_INGRESS), cost(bad)) == ((), 0)


# Ranges


@pytest.mark.parametrize(
    ("ports", "number"),
    [
        ((80, 80), 1),
        ((0, 65535), 1),
        ((0, 1023), 1),
        ((1024, 65535), 6),
        ((80, 443), 8),
        ((1000, 1999), 7),
        ((1, 65535), 16),
        ((1, 65534), 30),
    ],
)
def test_a_range_is_few_blocks(ports: tuple[int, int], number: int) -> None:
    assert len(blocks(ports)) == number
    assert cost(entry(ethertype=IPV4, protocol=TCP, dest_ports=ports)) == number


@given(st.tuples(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF)).map(sorted))
def test_blocks_are_the_ports_of_a_range_and_each_is_in_one(pair: list[int]) -> None:
    first_port, last_port = pair
    found = blocks((first_port, last_port))
    assert all(value & mask == value for value, mask in found)
    covered = sorted((value, value | mask ^ 0xFFFF) for value, mask in found)
    assert covered[0][0] == first_port
    assert covered[-1][1] == last_port
    assert all(one[1] + 1 == two[0] for one, two in pairwise(covered))
    assert len(found) <= 30


def test_the_worst_ranges_are_clauses_and_not_pairs() -> None:
    ports: dict[str, Any] = {"source_ports": (1, 65534), "dest_ports": (1, 65534)}
    assert cost(entry(ethertype=IPV4, protocol=TCP, **ports)) == 61
    assert cost(entry(**ports)) == 2 * 3 * 60 + 1
    assert cost(entry(permits=True, **ports)) == 2 * 3 * 60 + 1 + 3 + 1


@pytest.mark.parametrize(
    ("fields", "number"),
    [
        ({}, 1),
        ({"source_mac": MAC1, "ethertype": 0x0806}, 1),
        ({"source": ("192.0.2.1", "255.255.255.0")}, 1),
        ({"protocol": ICMP}, 2),
        ({"icmp_type": 8}, 2),
        ({"protocol": ICMP, "icmp_type": 8}, 1),
        ({"protocol": UDP, "dest_ports": (53, 53)}, 2),
        ({"dest_ports": (80, 80)}, 6),
        ({"ethertype": IPV4, "tcp_flags": (2, 2), "dest_ports": (1024, 65535)}, 6),
        ({"permits": True, "ethertype": IPV4, "protocol": UDP}, 1),
        ({"permits": True, "ethertype": IPV6, "protocol": UDP}, 2),
        ({"permits": True, "ethertype": IPV6, "protocol": 44}, 1),
        ({"permits": True, "dest_ports": (80, 80)}, 10),
    ],
)
def test_the_cost_of_an_entry(fields: dict[str, Any], number: int) -> None:
    assert cost(entry(**fields)) == number


@given(ENTRIES, st.sampled_from(TABLES))
def test_the_cost_is_the_number_of_flows(wanted: AclEntry, table: Table) -> None:
    assert cost(wanted) == len(flows(NUMBER, wanted, 100, table))


# Priorities


def test_sequences_of_their_own_are_priorities() -> None:
    few = [entry(59999, row=1), entry(0, row=2), entry(10, row=3)]
    assert priorities(few) == {uuid(1): 1, uuid(2): 60000, uuid(3): 59990}
    more = [*few, entry(11, row=4)]
    assert priorities(more) == {**(priorities(few) or {}), uuid(4): 59989}


@pytest.mark.parametrize(
    ("odd", "places"),
    [
        (10, {3: 10, 1: 11, 2: 20}),
        (-1, {3: 0, 1: 10, 2: 20}),
        (60000, {1: 10, 2: 20, 3: 59999}),
        (1 << 62, {1: 10, 2: 20, 3: 59999}),
    ],
)
def test_a_sequence_that_is_taken_or_out_of_range_has_the_next_place(
    odd: int, places: dict[int, int]
) -> None:
    rows = [entry(10, row=1, permits=True), entry(20, row=2), entry(odd, row=3)]
    assert priorities(rows) == {uuid(row): 60000 - place for row, place in places.items()}


def test_of_equal_sequences_those_that_deny_come_first_then_the_least_row() -> None:
    rows = [entry(permits=number % 2 == 0, row=number) for number in (4, 3, 2, 1)]
    expected = {uuid(row): 59990 - rank for rank, row in enumerate((1, 3, 2, 4))}
    assert priorities(rows) == expected


def test_entries_move_only_as_far_as_there_is_no_room() -> None:
    rows = [entry(sequence, row=sequence) for sequence in (1, 2, 3, 5, 10)]
    moved = priorities([*rows, entry(1, row=99)]) or {}
    assert [60000 - moved[uuid(row)] for row in (1, 99, 2, 3, 5, 10)] == [1, 2, 3, 4, 5, 10]


def test_entries_beyond_the_last_place_are_before_it() -> None:
    rows = [entry(sequence, row=sequence) for sequence in (59998, 59999, 60001, 1 << 62)]
    assert [60000 - each for each in (priorities(rows) or {}).values()] == [*range(59996, 60000)]


@given(st.lists(ENTRIES, max_size=30, unique_by=lambda each: each.uuid))
def test_priorities_differ_and_have_the_order_of_the_entries(rows: list[AclEntry]) -> None:
    ranked = priorities(rows) or {}
    ordered = sorted(rows, key=lambda each: (each.sequence, each.permits, each.uuid))
    found = [ranked[each.uuid] for each in ordered]
    assert found == sorted(set(found), reverse=True)
    assert all(1 <= each <= 60000 for each in found)


def test_a_list_has_as_many_entries_as_there_are_priorities() -> None:
    most = [entry(number % 7, row=number) for number in range(acls.MOST_ENTRIES)]
    ranked = priorities(most)
    assert ranked is not None
    assert (min(ranked.values()), len(set(ranked.values()))) == (2, len(most))
    assert priorities([*most, entry(row=99_999)]) is None


# What becomes of packets

MISSES = *misses(), *acls.misses_of_routers()
LISTS = st.lists(ENTRIES, max_size=6, unique_by=lambda each: each.uuid)
FRAMES = st.lists(
    st.builds(Frame, st.just(1), st.sampled_from(MACS[:2]), st.sampled_from(MACS), packet=PACKETS),
    min_size=1,
    max_size=20,
)


BEHIND = {
    **dict.fromkeys(acls.INGRESS, Table.LEARNING),
    **dict.fromkeys(acls.EGRESS, Table.DELIVERY),
    Table.ACL_ROUTER_INGRESS: Table.TERMINATION,
    Table.ACL_ROUTER_EGRESS: Table.UNICAST,
}
"""The table that frames reach which the lists of a table, and those behind it, permit."""


def passes(pipeline: Pipeline, frame: Frame, table: Table) -> bool:
    """Whether a frame gets through a table; none has a flow behind the last one of the lists."""
    result = pipeline.send(frame, table, {acls.REGISTER[table]: NUMBER})
    assert result.unmatched in (set(), {BEHIND[table]})
    return bool(result.unmatched)


@given(LISTS, LISTS, FRAMES, st.sampled_from(TABLES))
def test_a_list_judges_packets_as_its_rows_say(
    rows: list[AclEntry], others: list[AclEntry], frames: list[Frame], table: Table
) -> None:
    is_egress = table in acls.EGRESS
    mine = [row for row in rows if row.is_egress is is_egress]
    judged, other = listed(NUMBER, mine, table), listed(OTHER, others, table)
    assert len({flow.key for flow in judged}) == len(judged)
    pipeline = Pipeline([*MISSES, *judged, *other], [])
    for frame in frames:
        expected = acl_rule.permits(rows, frame.src, frame.dst, frame.packet, is_egress=is_egress)
        assert passes(pipeline, frame, table) is expected, frame


def permitted(rows: Collection[AclEntry], *seen: Packet) -> list[bool]:
    """Return for each packet whether it passes, and check that the rule says so as well."""
    pipeline = Pipeline([*misses(), *listed(NUMBER, rows, Table.ACL_INGRESS)], [])
    frames = [Frame(1, MAC1, MAC2, packet=packet) for packet in seen]
    for frame in frames:
        expected = acl_rule.permits(rows, MAC1, MAC2, frame.packet, is_egress=False)
        assert passes(pipeline, frame, Table.ACL_INGRESS) is expected
    return [passes(pipeline, frame, Table.ACL_INGRESS) for frame in frames]


A6, B6 = "2001:db8::1", "2001:db8::2"


def test_ranges_of_both_sides_are_met_together() -> None:
    rows = [entry(protocol=TCP, source_ports=(1024, 65535), dest_ports=(80, 443))]
    ports = [(1023, 80), (1024, 79), (1024, 444), (1024, 80), (65535, 443), (3000, 256)]
    seen = [packets.tcp(A, B, *pair) for pair in ports]
    assert permitted(rows, *seen) == [True, True, True, False, False, False]


def test_two_lists_with_clauses_at_one_priority_stay_apart() -> None:
    one = entry(protocol=TCP, source_ports=(1, 6), dest_ports=(1, 6))
    two = entry(protocol=TCP, source_ports=(9, 14), dest_ports=(9, 14))
    table = Table.ACL_INGRESS
    both = [*misses(), *listed(NUMBER, [one], table), *listed(OTHER, [two], table)]
    pipeline = Pipeline(both, [])
    seen = [packets.tcp(A, B, *pair) for pair in [(1, 9), (9, 1), (9, 9), (1, 1)]]
    assert [passes(pipeline, Frame(1, MAC1, MAC2, packet=each), table) for each in seen] == [
        True,
        True,
        True,
        False,
    ]


def test_flags_with_a_mask_leave_the_others_open() -> None:
    rows = [entry(tcp_flags=(0x02, 0x12))]
    seen = [packets.tcp(A, B, 1, 2, flags) for flags in (0x02, 0x12, 0x10, 0x04, 0x52, 0x42)]
    assert permitted(rows, *seen) == [False, True, True, True, True, False]
    assert permitted([entry(tcp_flags=(2, 0xFFF))], *seen) == [False, *[True] * 5]


@pytest.mark.parametrize(("source", "dest"), [(A, B), (A6, B6)])
def test_first_fragments_have_ports_and_later_ones_follow_what_permits(
    source: str, dest: str
) -> None:
    low = packets.udp(source, dest, 5000, 53)
    high = packets.udp(source, dest, 5000, 8080)
    seen = [low.first_fragment(), low.later_fragment(), high.first_fragment()]
    assert permitted([entry(dest_ports=(0, 1023))], *seen) == [False, True, True]
    only = [entry(10, permits=True, dest_ports=(53, 53)), entry(20, row=2)]
    assert permitted(only, *seen) == [True, True, False]


def test_a_denied_protocol_of_ipv6_lacks_its_first_fragment() -> None:
    seen = [packets.udp(A6, B6, 1, 2).first_fragment(), packets.udp(A6, B6, 1, 2).later_fragment()]
    assert permitted([entry(protocol=UDP)], *seen) == [False, True]
    assert permitted([entry(protocol=44)], *seen) == [True, False]
    assert permitted([entry(ethertype=IPV6)], *seen) == [False, False]


def test_what_is_behind_a_further_tag_is_not_seen() -> None:
    table = Table.ACL_INGRESS
    flows_of = listed(NUMBER, [entry(source=(A, "255.255.255.255"))], table)
    frame = Frame(1, MAC1, MAC2, packet=packets.tcp(A, B, 1, 2))
    assert not passes(Pipeline([*misses(), *flows_of], []), frame, table)
    hidden = replace(frame, tags=(7,))
    assert passes(Pipeline([*misses(), *flows_of], [], vlan_limit=0), hidden, table)
