"""What the NVC is told: local stations, unknown-dst, ports and faults, and nothing twice."""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pytest

from vtep_ofapp.engine.feature import Feature
from vtep_ofapp.engine.report import FaultColumn, ManagedSwitches
from vtep_ofapp.features import local_macs
from vtep_ofapp.features.local_mcast_macs import LocalGroup
from vtep_ofapp.features.registry import FEATURES
from vtep_ofapp.values.addresses import UNKNOWN_DST
from vtep_ofapp.values.events import VtepInSync
from vtep_ofapp.values.faults import FaultRow, FaultTable, FaultWord, of_port, of_switch
from vtep_ofapp.values.rows import Gone, LocalMcastMac, PhysicalPort
from vtep_ofapp.values.writes import (
    PutFaultStatus,
    PutLocalMac,
    PutLocalMcastMac,
    PutPhysicalPort,
    RemovePhysicalPort,
)

from .builders import (
    BLUE,
    MAC1,
    MAC2,
    MULTICAST,
    OWN,
    RED,
    SWITCH,
    fault,
    local_mac,
    local_unknown_dst,
    physical_port,
    uuid,
)
from .publisher_bench import OTHER, Bench


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.manage("br0", physical_port("p0"))
    return bench


def bound(**more: Any) -> PhysicalPort:
    return physical_port("p0", {0: RED}, **more)


# Stations


def test_a_learned_station_is_reported_behind_the_tunnel_ip(bench: Bench) -> None:
    bench.learn(MAC1)
    assert bench.writes() == [PutLocalMac(RED, MAC1, OWN)]


def test_a_station_that_is_reported_already_is_not_written_again(bench: Bench) -> None:
    bench.tell(local_mac(MAC1, OWN))
    bench.learn(MAC1)
    assert bench.writes() == []


def test_a_row_at_another_address_is_replaced(bench: Bench) -> None:
    bench.tell(local_mac(MAC1, "10.0.0.99"))
    bench.learn(MAC1)
    assert bench.writes() == [PutLocalMac(RED, MAC1, OWN, rows=(uuid(0x3000),))]


def test_a_station_that_is_forgotten_loses_its_row(bench: Bench) -> None:
    bench.tell(local_mac(MAC1, OWN))
    bench.learn(MAC1)
    bench.world.macs.forget(RED, MAC1)
    bench.turn()
    assert bench.writes() == [PutLocalMac(RED, MAC1, None, rows=(uuid(0x3000),))]
    bench.tell(Gone(uuid(0x3000)))
    assert bench.writes() == []


def test_a_row_that_nobody_learned_is_left_over_from_the_past(bench: Bench) -> None:
    bench.tell(local_mac(MAC1, OWN))
    assert bench.writes() == [PutLocalMac(RED, MAC1, None, rows=(uuid(0x3000),))]


def test_two_rows_for_a_station_become_one(bench: Bench) -> None:
    bench.tell(local_mac(MAC1, OWN, row=uuid(0x3001)))
    bench.tell(local_mac(MAC1, OWN, row=uuid(0x3000)))
    bench.learn(MAC1)
    assert bench.writes() == [PutLocalMac(RED, MAC1, OWN, rows=(uuid(0x3000), uuid(0x3001)))]
    bench.tell(Gone(uuid(0x3001)))
    assert bench.writes() == []


def test_a_row_may_become_that_of_another_station(bench: Bench) -> None:
    bench.tell(local_mac(MAC1, OWN))
    bench.tell(local_mac(MAC2, OWN))
    bench.learn(MAC2)
    assert bench.writes() == []


def test_rows_that_are_missing_after_a_resync_are_gone(bench: Bench) -> None:
    bench.tell(local_mac(MAC1, OWN), local_mac(MAC2, OWN, row=uuid(0x3001)))
    bench.publisher.handlers[VtepInSync](VtepInSync(frozenset({uuid(0x3001)})))
    assert bench.writes() == [PutLocalMac(RED, MAC2, None, rows=(uuid(0x3001),))]


def test_a_new_tunnel_ip_moves_all_stations(bench: Bench) -> None:
    bench.tell(local_mac(MAC1, OWN))
    bench.learn(MAC1)
    bench.manage("br0", physical_port("p0"), tunnel_ip="10.7.0.1")
    assert bench.writes() == [PutLocalMac(RED, MAC1, "10.7.0.1", rows=(uuid(0x3000),))]


def test_a_station_that_moves_between_our_switches_has_one_row(bench: Bench) -> None:
    bench.manage("br1", tunnel_ip=OTHER, there=())
    bench.tell(local_mac(MAC1, OWN))
    bench.learn(MAC1)
    bench.learn(MAC1, "br1")
    assert bench.writes() == [PutLocalMac(RED, MAC1, OTHER, rows=(uuid(0x3000),))]


# Unknown destinations


def test_a_bound_logical_switch_floods_to_us() -> None:
    bench = Bench()
    bench.manage("br0", bound())
    assert bench.writes() == [PutLocalMcastMac(RED, UNKNOWN_DST, frozenset({OWN}))]
    bench.tell(local_unknown_dst(OWN))
    assert bench.writes() == []


def test_a_logical_switch_that_is_bound_no_more_does_not(bench: Bench) -> None:
    bench.manage("br0", bound())
    bench.tell(local_unknown_dst(OWN))
    bench.manage("br0", physical_port("p0"))
    assert bench.writes() == [PutLocalMcastMac(RED, UNKNOWN_DST, frozenset(), rows=(uuid(0x4001),))]


def test_all_our_switches_with_a_binding_are_in_one_row() -> None:
    bench = Bench()
    bench.manage("br0", bound())
    bench.manage("br1", bound(uuid=uuid(0x6999)), tunnel_ip=OTHER)
    bench.tell(local_unknown_dst(OWN))
    assert bench.writes() == [
        PutLocalMcastMac(RED, UNKNOWN_DST, frozenset({OWN, OTHER}), rows=(uuid(0x4001),))
    ]


def test_a_row_of_ours_for_another_address_goes(bench: Bench) -> None:
    group = LocalMcastMac(uuid(0x4002), MULTICAST, RED, frozenset({OWN}))
    bench.tell(group)
    assert bench.writes() == [PutLocalMcastMac(RED, MULTICAST, frozenset(), rows=(group.uuid,))]
    bench.tell(Gone(group.uuid))
    assert bench.writes() == []


# Groups of features


GROUP = LocalGroup(RED, MULTICAST)


def group_row(*addresses: str, ip: str = "224.0.0.5") -> LocalMcastMac:
    return LocalMcastMac(uuid(0x4002), MULTICAST, RED, frozenset(addresses), ip)


def desire(bench: Bench, ip: str | None, name: str = "br0") -> None:
    """Let an owner of a switch desire the row of a group, with its IP address."""
    bench.world.switches[name].rows[LocalGroup].want(GROUP, None)
    bench.world.switches[name].rows[LocalGroup].want(GROUP, ip)


def put_group(*addresses: str, ip: str | None = None, has_row: bool = True) -> PutLocalMcastMac:
    rows = (uuid(0x4002),) if has_row else ()
    return PutLocalMcastMac(RED, MULTICAST, frozenset(addresses), rows, ip)


def test_a_group_of_a_feature_has_a_row_beside_unknown_dst() -> None:
    bench = Bench()
    bench.manage("br0", bound())
    desire(bench, "224.0.0.5")
    assert bench.writes() == [
        PutLocalMcastMac(RED, UNKNOWN_DST, frozenset({OWN})),
        put_group(OWN, ip="224.0.0.5", has_row=False),
    ]
    bench.tell(local_unknown_dst(OWN), group_row(OWN))
    assert bench.writes() == []
    desire(bench, None)
    assert bench.writes() == [put_group()]
    bench.tell(Gone(uuid(0x4002)))
    assert bench.writes() == []


def test_the_ip_address_of_a_group_is_ours_and_that_of_unknown_dst_is_not() -> None:
    bench = Bench()
    bench.manage("br0", bound())
    desire(bench, "224.0.0.5")
    bench.tell(replace(local_unknown_dst(OWN), ip="10.9.9.9"), group_row(OWN, ip="10.9.9.9"))
    assert bench.writes() == [put_group(OWN, ip="224.0.0.5")]


def test_all_our_switches_with_a_group_are_in_one_row_with_its_lowest_ip_address() -> None:
    bench = Bench()
    bench.manage("br0", physical_port("p0"))
    bench.manage("br1", tunnel_ip=OTHER, there=())
    desire(bench, "239.0.0.5")
    desire(bench, "224.0.0.5", "br1")
    assert bench.writes() == [put_group(OWN, OTHER, ip="224.0.0.5", has_row=False)]
    bench.tell(group_row(OWN, OTHER))
    desire(bench, None, "br1")
    assert bench.writes() == [put_group(OWN, ip="239.0.0.5")]


def test_the_row_of_a_group_follows_the_tunnel_ip_and_the_end_of_its_switch(bench: Bench) -> None:
    desire(bench, "224.0.0.5")
    bench.tell(group_row(OWN))
    assert bench.writes() == []
    bench.manage("br0", physical_port("p0"), tunnel_ip="10.7.0.1")
    assert bench.writes() == [put_group("10.7.0.1", ip="224.0.0.5")]
    bench.ready.clear()
    bench.turn()
    assert bench.writes() == [put_group()]


# Rows of others


def test_rows_of_switches_that_are_not_managed_here_stay(bench: Bench) -> None:
    bench.know("br1", tunnel_ip=OTHER)
    bench.turn()
    bench.tell(local_mac(MAC1, OTHER))
    bench.tell(local_unknown_dst(OTHER, of=BLUE))
    assert bench.writes() == []


def test_they_stay_even_beside_our_own(bench: Bench) -> None:
    bench.know("br1", tunnel_ip=OTHER)
    bench.turn()
    bench.tell(local_mac(MAC1, OTHER, row=uuid(0x3001)))
    bench.learn(MAC1)
    assert bench.writes() == [PutLocalMac(RED, MAC1, OWN)]
    bench.tell(local_mac(MAC1, OWN))
    assert bench.writes() == []


def test_our_rows_are_ours_even_if_another_switch_has_the_same_address(bench: Bench) -> None:
    bench.know("br1", tunnel_ip=OWN)
    bench.learn(MAC1)
    assert bench.writes() == [PutLocalMac(RED, MAC1, OWN)]
    bench.tell(local_mac(MAC1, OWN))
    assert bench.writes() == []


def test_a_switch_that_becomes_ready_takes_over_its_rows(bench: Bench) -> None:
    bench.know("br1", tunnel_ip=OTHER)
    bench.turn()
    bench.tell(local_mac(MAC1, OTHER))
    bench.manage("br1", tunnel_ip=OTHER, there=())
    assert bench.writes() == [PutLocalMac(RED, MAC1, None, rows=(uuid(0x3000),))]


# Ports


def test_ports_of_the_bridge_have_rows(bench: Bench) -> None:
    bench.manage("br0", physical_port("p0"), there=("p0", "p1"))
    assert bench.writes() == [PutPhysicalPort(SWITCH, "p1")]


def test_a_row_without_a_port_goes_when_it_has_no_grace(bench: Bench) -> None:
    bench.manage("br0", physical_port("p0"), there=())
    assert bench.writes() == [RemovePhysicalPort(SWITCH, "p0")]


def test_a_row_waits_for_its_port_for_some_time() -> None:
    bench = Bench(grace=3.0)
    bench.manage("br0", physical_port("p0"))
    bench.manage("br0", physical_port("p0"), there=())
    assert bench.writes() == []
    bench.time.wait(2.0)
    assert bench.writes() == []
    bench.time.wait(1.0)
    assert bench.writes() == [RemovePhysicalPort(SWITCH, "p0")]


def test_a_port_that_comes_back_in_time_has_its_whole_grace_again() -> None:
    bench = Bench(grace=3.0)
    bench.manage("br0", physical_port("p0"))
    bench.manage("br0", physical_port("p0"), there=())
    bench.time.wait(2.0)
    bench.manage("br0", physical_port("p0"))
    bench.manage("br0", physical_port("p0"), there=())
    bench.time.wait(2.0)
    assert bench.writes() == []


def test_a_row_with_bindings_waits_longer_wherever_the_port_is() -> None:
    bench = Bench(grace=3.0, bound_grace=600.0)
    bench.manage("br0", bound(), there=())
    bench.time.wait(599.0)
    assert bench.writes(PutPhysicalPort, RemovePhysicalPort) == []
    bench.time.wait(1.0)
    assert bench.writes(PutPhysicalPort, RemovePhysicalPort) == [RemovePhysicalPort(SWITCH, "p0")]


def test_of_two_rows_with_one_name_the_bindings_of_either_count() -> None:
    bench = Bench(grace=3.0, bound_grace=600.0)
    bench.manage("br0", bound(), physical_port("p0", uuid=uuid(0x6999)), there=())
    bench.time.wait(5.0)
    assert bench.writes(PutPhysicalPort, RemovePhysicalPort) == []


def test_ports_of_switches_that_are_not_managed_here_stay(bench: Bench) -> None:
    bench.know("br1", physical_port("p9"), tunnel_ip=OTHER)
    bench.turn()
    assert bench.writes() == []


# Faults

LOST = fault("it is lost", entry=of_switch(SWITCH))


def test_faults_are_shown_in_their_column_and_cleared(bench: Bench) -> None:
    bench.faults.put("someone", [LOST])
    bench.turn()
    assert bench.writes() == [
        PutFaultStatus(of_switch(SWITCH).row, frozenset({"unspecified_fault"}))
    ]
    bench.manage("br0", physical_port("p0"), fault_status=frozenset({"unspecified_fault"}))
    assert bench.writes() == []
    bench.faults.put("someone", [])
    bench.turn()
    assert bench.writes() == [PutFaultStatus(of_switch(SWITCH).row, frozenset())]


def test_faults_of_a_port_are_shown_at_the_port(bench: Bench) -> None:
    row = physical_port("p0").uuid
    bench.faults.put("someone", [fault(entry=of_port(row, FaultWord.INVALID_VLAN_MAP))])
    bench.turn()
    assert bench.writes() == [PutFaultStatus(of_port(row).row, frozenset({"invalid_vlan_map"}))]


def test_faults_of_a_port_are_cleared_when_its_bridge_is_gone(bench: Bench) -> None:
    shown = frozenset({"invalid_ACL_binding"})
    port = of_port(physical_port("p0").uuid, FaultWord.INVALID_ACL_BINDING)
    bench.faults.put("someone", [fault(entry=port)])
    bench.manage("br0", physical_port("p0", fault_status=shown))
    assert bench.writes() == []
    bench.faults.put("someone", [])
    bench.ready.clear()
    bench.turn()
    assert bench.writes() == [PutFaultStatus(port.row, frozenset())]


def test_faults_of_a_former_process_are_cleared() -> None:
    bench = Bench()
    bench.manage("br0", physical_port("p0"), fault_status=frozenset({"tunnel_exhaustion"}))
    assert bench.writes() == [PutFaultStatus(of_switch(SWITCH).row, frozenset())]


def test_faults_of_switches_that_are_not_managed_here_stay(bench: Bench) -> None:
    bench.know("br1", tunnel_ip=OTHER, fault_status=frozenset({"tunnel_exhaustion"}))
    bench.turn()
    assert bench.writes() == []


def test_a_row_that_is_gone_has_no_column(bench: Bench) -> None:
    bench.faults.put("someone", [fault(entry=of_port(uuid(0x6999)))])
    bench.turn()
    assert bench.writes() == []


# Fault columns of a feature's own rows


@dataclass(frozen=True, slots=True)
class AccessList:
    """A row of ACL, as far as a made-up feature looks at it."""

    uuid: UUID
    fault_status: frozenset[str] = frozenset()


def is_of_br0(row: AccessList, managed: ManagedSwitches) -> bool:
    return "br0" in managed.with_bridge()


ACLS = Feature(
    fault_columns=(FaultColumn(FaultTable.ACL, AccessList, is_of_br0, is_cleared_after_use=True),)
)
ACL = FaultRow(FaultTable.ACL, uuid(0xAC1))
INVALID = frozenset({"invalid_acl"})


@pytest.fixture
def with_acls() -> Bench:
    bench = Bench(features=(*FEATURES, ACLS))
    bench.manage("br0", physical_port("p0"))
    bench.tell(AccessList(ACL.uuid))
    bench.faults.put("someone", [fault(entry=ACL.shows(FaultWord.INVALID_ACL))])
    bench.turn()
    return bench


def test_a_feature_shows_faults_in_rows_of_its_own(with_acls: Bench) -> None:
    assert (ACL.table.value, ACL.table.column) == ("ACL", "acl_fault_status")
    assert with_acls.writes() == [PutFaultStatus(ACL, INVALID)]
    with_acls.tell(AccessList(ACL.uuid, INVALID))
    assert with_acls.writes() == []
    with_acls.faults.put("someone", [])
    with_acls.turn()
    assert with_acls.writes() == [PutFaultStatus(ACL, frozenset())]


def test_a_row_of_a_feature_that_is_gone_has_no_column(with_acls: Bench) -> None:
    assert with_acls.writes() == [PutFaultStatus(ACL, INVALID)]
    with_acls.tell(Gone(ACL.uuid))
    assert with_acls.writes() == []


def test_what_is_shown_in_a_row_is_cleared_when_no_switch_uses_it(with_acls: Bench) -> None:
    with_acls.tell(AccessList(ACL.uuid, INVALID))
    assert with_acls.writes() == []
    with_acls.faults.put("someone", [])
    with_acls.ready.clear()
    with_acls.turn()
    assert with_acls.writes() == [PutFaultStatus(ACL, frozenset())]
    with_acls.tell(AccessList(ACL.uuid))
    assert with_acls.writes() == []
    with_acls.tell(AccessList(ACL.uuid, INVALID))
    assert with_acls.writes() == []


def test_of_very_many_rows_those_without_faults_are_not_compared_again() -> None:
    compared = []

    def is_ours(row: AccessList, managed: ManagedSwitches) -> bool:
        compared.append(row.uuid)
        return "br0" in managed.with_bridge()

    column = FaultColumn(FaultTable.ACL, AccessList, is_ours, is_cleared_after_use=True)
    bench = Bench(features=(*FEATURES, Feature(fault_columns=(column,))))
    bench.manage("br0", physical_port("p0"))
    bench.tell(AccessList(uuid(0xAC2)), AccessList(ACL.uuid))
    assert bench.writes() == []
    bench.faults.put("someone", [fault(entry=ACL.shows(FaultWord.INVALID_ACL))])
    bench.turn()
    assert bench.writes() == [PutFaultStatus(ACL, INVALID)]
    compared.clear()
    bench.turn()
    assert bench.writes() == [PutFaultStatus(ACL, INVALID)]
    assert compared == [ACL.uuid]
    bench.ready.clear()
    bench.turn()
    bench.tell(AccessList(uuid(0xAC2), INVALID))
    assert bench.writes() == [], "another process wrote this"


# What nobody told it


def test_before_any_switch_is_ready_nothing_is_written() -> None:
    bench = Bench()
    bench.know("br0", bound())
    bench.learn(MAC1)
    bench.tell(local_mac(MAC2, OWN), local_unknown_dst(OWN))
    assert bench.writes() == []


def test_very_many_new_stations_are_reported_some_at_a_time(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_macs, "MAX_NEW", 3)
    bench.manage("br0", physical_port("p0", {0: RED}))
    for number in range(5):
        bench.learn(f"02:00:00:00:00:{number:02x}")
    assert len(list(bench.publisher.new_station_rows())) == 3
    assert len(bench.writes(PutLocalMac)) == 3
    rows = [
        local_mac(write.mac, OWN, row=uuid(0x3100 + n))
        for n, write in enumerate(bench.writes(PutLocalMac))
    ]
    for row in rows:
        bench.tell(row)
    assert len(bench.writes(PutLocalMac)) == 2
    for number in range(5):
        bench.world.macs.forget(RED, f"02:00:00:00:00:{number:02x}")
    bench.turn()
    assert len(bench.writes(PutLocalMac)) == 3


def test_new_stations_of_one_port_do_not_delay_those_of_another(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_macs, "MAX_NEW", 3)
    both = physical_port("p0", {0: RED}), physical_port("p1", {0: RED})
    bench.manage("br0", *both, there=("p0", "p1"))
    many = [f"02:00:00:00:00:{number:02x}" for number in range(5)]
    for mac in many:
        bench.learn(mac)
    bench.learn(other := "02:00:00:00:01:00", port="p1")
    bench.tell(local_mac(many[0], OWN))
    first = [PutLocalMac(RED, mac, OWN) for mac in (other, many[1], many[2])]
    assert list(bench.publisher.new_station_rows()) == first
    assert bench.writes(PutLocalMac) == first
