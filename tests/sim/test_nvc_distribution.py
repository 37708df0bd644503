from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from sim.nvc.acls import Acl, AclBinding
from sim.nvc.distribution import Bfd, Report, claimed, rows
from sim.nvc.plan import Binding, LogicalSwitch, Plan, Station

EAST, WEST, NORTH = "10.2.2.1", "10.2.2.2", "10.2.2.3"
FAR = "10.2.2.201"
X, Y = "02:00:00:00:00:01", "02:00:00:00:00:02"
BLUE_X, BLUE_Y = ("blue", X), ("blue", Y)

StationKey = tuple[str, str]
Claims = Mapping[StationKey, tuple[str, ...]]

ON = {"enable": "true"}

PLAN = Plan(
    {"east": "unix:east", "west": "unix:west", "north": "unix:north"},
    {
        "blue": LogicalSwitch("blue", 33, "service_node", ("10.2.2.101", "10.2.2.102")),
        "green": LogicalSwitch("green", 44, "source_node"),
    },
    (
        Binding("east", "br0", "p0", 0, "blue"),
        Binding("east", "br0", "p0", 10, "green"),
        Binding("west", "br0", "p0", 0, "blue"),
        Binding("west", "br0", "p1", 10, "green"),
        Binding("north", "br0", "p0", 10, "green"),
    ),
    (Station("green", Y, FAR),),
    ON,
)


def report(
    address: str,
    *stations: StationKey,
    members: Iterable[str] = ("blue", "green"),
    **more: Any,
) -> Report:
    return Report(
        dict.fromkeys(stations, address), {name: frozenset({address}) for name in members}, **more
    )


def everybody(**changes: Report) -> dict[str, Report]:
    return {
        "east": report(EAST),
        "west": report(WEST),
        "north": report(NORTH, members=("green",)),
        **changes,
    }


def claims_of(reports: dict[str, Report]) -> Claims:
    claims: Claims = {}
    for vtep, each in reports.items():
        claims = claimed(claims, vtep, each.stations)
    return claims


# Claims


def test_the_latest_claim_is_the_place() -> None:
    claims = claimed({}, "east", {BLUE_X})
    claims = claimed(claims, "west", {BLUE_X, BLUE_Y})
    assert claims == {BLUE_X: ("east", "west"), BLUE_Y: ("west",)}


def test_a_claim_that_stays_keeps_its_place_in_the_order() -> None:
    claims = claimed({BLUE_X: ("east", "west")}, "east", {BLUE_X, BLUE_Y})
    assert claims[BLUE_X] == ("east", "west")


def test_a_claim_that_is_made_again_is_the_latest() -> None:
    claims: Claims = {BLUE_X: ("east", "west")}
    claims = claimed(claims, "east", set())
    assert claims == {BLUE_X: ("west",)}
    assert claimed(claims, "east", {BLUE_X})[BLUE_X] == ("west", "east")


def test_when_the_latest_claim_is_taken_back_the_one_before_counts() -> None:
    assert claimed({BLUE_X: ("east", "west")}, "west", set()) == {BLUE_X: ("east",)}


def test_of_a_station_that_nobody_claims_nothing_is_kept() -> None:
    assert claimed({BLUE_X: ("east",)}, "east", set()) == {}


@pytest.mark.parametrize("order", [("east", "west"), ("west", "east")])
def test_after_a_new_start_the_word_of_the_run_before_decides(order: tuple[str, ...]) -> None:
    # East was overruled: its database says that X is at west.
    outdated: dict[str, set[StationKey]] = {"east": {BLUE_X}, "west": set()}
    claims: Claims = {}
    for vtep in order:
        claims = claimed(claims, vtep, {BLUE_X}, outdated[vtep])
    assert claims[BLUE_X] == ("east", "west")


# Stations


def test_a_station_is_told_to_all_others_where_its_logical_switch_is_bound() -> None:
    reports = everybody(east=report(EAST, BLUE_X))
    claims = claims_of(reports)
    assert rows(PLAN, "west", reports, claims).stations[BLUE_X] == EAST
    assert BLUE_X not in rows(PLAN, "east", reports, claims).stations
    assert BLUE_X not in rows(PLAN, "north", reports, claims).stations


def test_a_station_that_moves_has_one_place_in_each_database() -> None:
    reports = everybody(east=report(EAST, BLUE_X), west=report(WEST, BLUE_X))
    claims = claims_of(reports)
    assert rows(PLAN, "east", reports, claims).stations[BLUE_X] == WEST
    assert BLUE_X not in rows(PLAN, "west", reports, claims).stations


def test_a_station_of_the_plan_stays_there_if_a_vtep_claims_it() -> None:
    reports = everybody(east=report(EAST, ("green", Y)))
    for vtep in reports:
        assert rows(PLAN, vtep, reports, claims_of(reports)).stations[("green", Y)] == FAR


def test_the_same_address_in_another_logical_switch_is_another_station() -> None:
    reports = everybody(east=report(EAST, ("blue", Y)))
    found = rows(PLAN, "west", reports, claims_of(reports)).stations
    assert found == {("blue", Y): EAST, ("green", Y): FAR}


def test_a_router_makes_a_vtep_take_part_in_what_is_not_bound_there() -> None:
    reports = everybody(east=report(EAST, BLUE_X))
    assert "blue" not in rows(PLAN, "north", reports, claims_of(reports)).logical_switches
    reports["north"] = report(NORTH, members=("blue", "green", "of somebody else"))
    found = rows(PLAN, "north", reports, claims_of(reports))
    assert found.logical_switches.keys() == {"blue", "green"}
    assert found.stations[BLUE_X] == EAST
    assert found.flooding["blue"] == {"10.2.2.101", "10.2.2.102"}


# Flooding


def test_in_service_node_mode_the_service_nodes_get_what_has_no_known_place() -> None:
    for reports in ({}, everybody()):
        flooding = rows(PLAN, "east", reports, {}).flooding
        assert flooding["blue"] == {"10.2.2.101", "10.2.2.102"}


def test_in_source_node_mode_all_other_members_and_endpoints_get_it() -> None:
    reports = everybody()
    assert rows(PLAN, "east", reports, {}).flooding["green"] == {WEST, NORTH, FAR}
    assert rows(PLAN, "north", reports, {}).flooding == {"green": {EAST, WEST, FAR}}


def test_the_list_follows_membership() -> None:
    reports = everybody(west=report(WEST, members=()))
    assert rows(PLAN, "east", reports, {}).flooding["green"] == {NORTH, FAR}


def test_two_switches_of_one_database_flood_to_each_other() -> None:
    both = Report(members={"green": frozenset({EAST, "10.2.2.11"})})
    reports = everybody(east=both)
    found = rows(PLAN, "east", reports, {}).flooding["green"]
    assert found == {EAST, "10.2.2.11", WEST, NORTH, FAR}


# What a database holds


def test_a_database_has_what_is_bound_there_and_no_more() -> None:
    found = rows(PLAN, "north", everybody(), {})
    assert set(found.logical_switches) == {"green"}
    assert found.bindings == {("br0", "p0"): {10: "green"}}
    assert rows(PLAN, "east", {}, {}).bindings == {("br0", "p0"): {0: "blue", 10: "green"}}


def test_bfd_of_two_vteps_is_addressed_as_the_other_end_expects_it() -> None:
    expected = {"bfd_dst_mac": "00:23:20:00:00:01", "bfd_dst_ip": "169.254.1.0"}
    tunnels = {(EAST, WEST): {"bfd_dst_ip": "10.0.0.1"}, (EAST, FAR): {}}
    reports = everybody(
        east=report(EAST, bfd_expected=tunnels),
        west=report(WEST, bfd_expected={(WEST, EAST): expected}),
    )
    assert rows(PLAN, "east", reports, {}).bfd == {
        (EAST, WEST): Bfd(ON, expected),
        (EAST, FAR): Bfd(ON, {}),
    }
    assert rows(PLAN, "west", reports, {}).bfd == {
        (WEST, EAST): Bfd(ON, {"bfd_dst_ip": "10.0.0.1"})
    }


def test_bfd_of_two_vteps_waits_for_both_ends() -> None:
    reports = everybody(east=report(EAST, bfd_expected={(EAST, WEST): {}, (EAST, FAR): {}}))
    assert rows(PLAN, "east", reports, {}).bfd == {
        (EAST, WEST): Bfd({}, {}),
        (EAST, FAR): Bfd(ON, {}),
    }


def test_a_plan_without_bfd_leaves_tunnels_alone() -> None:
    reports = everybody(east=report(EAST, bfd_expected={(EAST, FAR): {}}))
    assert rows(replace(PLAN, bfd_params=None), "east", reports, {}).bfd == {}


# Own addresses of stations, and access lists


def test_the_address_that_a_vtep_reports_is_told_to_the_others() -> None:
    ips = {BLUE_X: frozenset({"192.168.33.9"})}
    reports = everybody(east=report(EAST, BLUE_X, BLUE_Y, ips=ips))
    claims = claims_of(reports)
    assert rows(PLAN, "west", reports, claims).ips == ips
    assert rows(PLAN, "east", reports, claims).ips == {}


def test_the_word_of_the_plan_on_an_address_counts_more() -> None:
    placed = Station("green", Y, FAR, ("192.168.44.9", "fd00::9"))
    reports = everybody(east=report(EAST, ("green", Y), ips={("green", Y): frozenset({"fd00::1"})}))
    found = rows(replace(PLAN, stations=(placed,)), "west", reports, claims_of(reports))
    assert found.ips == {("green", Y): {"192.168.44.9", "fd00::9"}}
    assert rows(PLAN, "west", reports, claims_of(reports)).ips == {}


def test_a_database_has_the_access_lists_that_are_bound_there() -> None:
    lists = {name: Acl(name, ({"sequence": 1},)) for name in ("web", "db", "idle")}
    places = (
        AclBinding("east", "br0", "p0", 0, "web"),
        AclBinding("east", "br0", "p0", 10, "db"),
        AclBinding("west", "br0", "p1", 0, "db"),
    )
    plan = replace(PLAN, acls=lists, acl_bindings=places)
    found = {vtep: rows(plan, vtep, {}, {}) for vtep in PLAN.vteps}
    assert found["east"].acl_bindings == {("br0", "p0"): {0: "web", 10: "db"}}
    names = {vtep: set(each.acls) for vtep, each in found.items()}
    assert names == {"east": {"web", "db"}, "west": {"db"}, "north": set()}


# While not every VTEP was heard


def former(**more: Any) -> Report:
    ips = {BLUE_X: frozenset({"192.168.33.9"})}
    return report(EAST, remote_stations={BLUE_X: WEST}, remote_ips=ips, **more)


def test_what_may_be_about_a_vtep_that_was_not_heard_stays() -> None:
    reports = {"east": former(flooding={"green": frozenset({WEST, NORTH})})}
    found = rows(PLAN, "east", reports, {})
    assert found.stations[BLUE_X] == WEST
    assert found.flooding["green"] == {WEST, NORTH, FAR}
    assert found.ips == {BLUE_X: {"192.168.33.9"}}


def test_it_goes_when_the_vtep_was_heard_and_says_otherwise() -> None:
    reports = {"east": former(), "west": report(WEST)}
    assert BLUE_X not in rows(PLAN, "east", reports, {}).stations


def test_it_goes_when_all_were_heard() -> None:
    reports = everybody(east=report(EAST, remote_stations={BLUE_X: "10.2.2.99"}))
    assert BLUE_X not in rows(PLAN, "east", reports, {}).stations


def test_a_claim_counts_more_than_what_earlier_runs_wrote() -> None:
    reports = {"east": report(EAST, BLUE_X, remote_stations={BLUE_X: WEST})}
    assert BLUE_X not in rows(PLAN, "east", reports, claims_of(reports)).stations


# VTEPs that route


def test_each_vtep_is_told_of_the_others_that_route() -> None:
    reports = everybody(east=report(EAST, sources={X: EAST}), west=report(WEST, sources={Y: WEST}))
    assert rows(PLAN, "east", reports, {}).sources == {Y: WEST}
    assert rows(PLAN, "north", reports, {}).sources == {X: EAST, Y: WEST}


def test_what_was_written_of_a_vtep_stays_until_all_have_reported() -> None:
    reports = everybody(east=report(EAST, remote_sources={Y: WEST}))
    assert rows(PLAN, "east", reports, {}).sources == {}
    del reports["west"]
    assert rows(PLAN, "east", reports, {}).sources == {Y: WEST}
