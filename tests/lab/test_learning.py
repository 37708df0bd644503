"""Learning: from bindings only, at once, one row for each station, for as long as it is there."""

from __future__ import annotations

import time
from signal import Signals

import pytest

from sim.wire.frames import BROADCAST
from tests.lab.control import Control
from tests.lab.traffic import Traffic
from tests.lab.trial import Overlay, TrialLab
from tests.lab.wire import Wire, new_mac

AGING = 3
OPTIONS = {"mac_aging": str(AGING)}

TUNNEL_IP = "10.2.2.1"


def test_the_first_frame_of_a_host_is_forwarded_even_while_the_application_stands_still(
    lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay
) -> None:
    known = wire.learned(lab.vm3)
    wire.frame(lab.vm1).arrives(*ls0.flooded({"vm2": ["untagged"], "vm3": ["untagged"]}))
    newcomer, other = new_mac(), new_mac()
    lab.app.signal(Signals.SIGSTOP)
    try:
        wire.frame(lab.vm1, src=newcomer).arrives_at_once(
            *ls0.flooded({"vm2": ["untagged"], "vm3": ["untagged"]})
        )
        wire.frame(lab.vm2, src=other, dst=known).arrives_at_once({"vm3": ["untagged"]})
        assert nvc.local(newcomer) is None
    finally:
        lab.app.signal(Signals.SIGCONT)
    nvc.wait_for_local(newcomer)
    nvc.wait_for_local(other)


def test_a_learned_station_is_one_row_with_the_tunnel_ip_and_is_reached_there_alone(
    lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay
) -> None:
    station = wire.learned(lab.vm1)
    row = nvc.wait_for_local(station)
    assert row.addresses == (TUNNEL_IP,)
    wire.frame(lab.vm2, dst=station).arrives({"vm1": ["untagged"]})
    wire.vxlan(lab.hypervisor, ls0.vni, dst=station).arrives({"vm1": ["untagged"]})
    for _ in range(5):
        wire.frame(lab.vm1, src=station, dst=new_mac()).send()
    wire.sweep(lab.vm1)
    assert nvc.local(station) == row


def test_nothing_is_learned_from_a_tunnel(
    lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay
) -> None:
    shot = wire.vxlan(lab.hypervisor, ls0.vni)
    shot.arrives({"vm1": ["untagged"], "vm2": ["untagged"], "vm3": ["untagged"]})
    wire.learned(lab.vm1)
    assert nvc.local(shot.src) is None
    wire.frame(lab.vm1, dst=shot.src).arrives(
        *ls0.flooded({"vm2": ["untagged"], "vm3": ["untagged"]})
    )


@pytest.mark.parametrize(
    "source", ["01:00:5e:00:00:01", "33:33:00:00:00:01", BROADCAST, "00:00:00:00:00:00"]
)
def test_nothing_is_learned_from_a_group_or_zero_address(
    lab: TrialLab, nvc: Control, wire: Wire, plain_ls0: Overlay, source: str
) -> None:
    wire.learned(lab.vm1)
    wire.frame(lab.vm1, src=source).is_dropped()
    wire.learned(lab.vm1)
    assert nvc.local(source) is None


def test_a_silent_station_ages_and_one_that_only_sends_stays(
    lab: TrialLab, nvc: Control, wire: Wire, plain_ls0: Overlay
) -> None:
    sender = lab.vm1
    with Traffic(wire, sender, new_mac(), src=(busy := new_mac()), rate=5):
        row = nvc.wait_for_local(busy)
        for _ in range(2):
            sent = time.monotonic()
            silent = wire.learned(lab.vm2)
            nvc.wait_for_no_local(silent)
            # Open vSwitch counts idle time from its statistics, which are half a second old.
            assert time.monotonic() - sent > AGING - 1
            assert nvc.local(busy) == row
            wire.frame(lab.vm3, dst=busy).arrives({"vm1": ["untagged"]})
    wire.frame(lab.vm3, dst=silent).arrives(
        {"vm1": ["untagged"], "vm2": ["untagged"], "service-node": ["vni 33"]},
        {"vm1": ["untagged"], "vm2": ["untagged"], "hypervisor": ["vni 33"]},
    )


def test_a_station_that_only_receives_is_forgotten(
    lab: TrialLab, nvc: Control, wire: Wire, plain_ls0: Overlay
) -> None:
    station = wire.learned(lab.vm1)
    with Traffic(wire, lab.vm2, station, rate=20):
        nvc.wait_for_no_local(station)


def test_a_station_that_moves_is_one_row_all_the_time_and_reached_where_it_is(
    lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay
) -> None:
    station = wire.learned(lab.vm1)
    row = nvc.local(station)
    for vm, name in ((lab.vm2, "vm2"), (lab.vm1, "vm1"), (lab.vm2, "vm2")):
        # It goes on to speak: a busy machine may take longer than it takes to age.
        with Traffic(wire, vm, new_mac(), src=station, rate=5):
            wire.frame(lab.vm3, dst=station).arrives({name: ["untagged"]})
            assert nvc.local(station) == row
    # Where it was before, nothing ages that would take the row with it.
    with Traffic(wire, lab.vm2, new_mac(), src=station, rate=5):
        for _ in range(2):
            silent = wire.learned(lab.vm1)
            nvc.wait_for_no_local(silent)
        assert nvc.local(station) == row
        wire.frame(lab.vm3, dst=station).arrives({"vm2": ["untagged"]})


def test_a_station_moves_between_vlans_of_a_port(
    lab: TrialLab, nvc: Control, wire: Wire, plain_ls0: Overlay
) -> None:
    nvc.do("bind-ls br0 p0 10 ls0")
    station = wire.learned(lab.vm1)
    row = nvc.local(station)
    wire.frame(lab.vm1, src=station, vlans=(10,)).arrives(
        *plain_ls0.flooded({"vm1": ["untagged"], "vm2": ["untagged"], "vm3": ["untagged"]})
    )
    wire.frame(lab.vm3, dst=station).arrives({"vm1": ["vlan 10"]})
    assert nvc.local(station) == row


def test_a_station_goes_with_its_binding_and_others_stay(
    lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay
) -> None:
    here, there = wire.learned(lab.vm1), wire.learned(lab.vm2)
    with Traffic(wire, lab.vm2, new_mac(), src=there, rate=5):
        row = nvc.local(there)
        nvc.do("unbind-ls br0 p0 0")
        nvc.wait_for_no_local(here)
        wire.frame(lab.vm3, dst=here).arrives(*ls0.flooded({"vm2": ["untagged"]}))
        assert nvc.local(there) == row


def test_unknown_dst_is_reported_for_each_logical_switch_that_is_bound_and_no_other(
    nvc: Control,
) -> None:
    nvc.do("add-ls ls0", "set Logical_Switch ls0 tunnel_key=33", "add-ls ls1")
    nvc.do("bind-ls br0 p0 0 ls0")
    row = nvc.wait_for_local("unknown-dst", "ls0")
    assert row.addresses == (TUNNEL_IP,)
    assert nvc.local("unknown-dst", "ls1") is None
    nvc.do("bind-ls br0 p1 0 ls0", "bind-ls br0 p0 10 ls1")
    assert nvc.wait_for_local("unknown-dst", "ls1").addresses == (TUNNEL_IP,)
    nvc.do("unbind-ls br0 p0 0", "unbind-ls br0 p0 10")
    nvc.wait_for_no_local("unknown-dst", "ls1")
    assert nvc.local("unknown-dst", "ls0") == row
    nvc.do("unbind-ls br0 p1 0")
    nvc.wait_for_no_local("unknown-dst", "ls0")


def test_frames_to_link_local_addresses_are_not_forwarded_from_a_binding(
    lab: TrialLab, wire: Wire, ls0: Overlay
) -> None:
    everyone = ls0.flooded({"vm2": ["untagged"], "vm3": ["untagged"]})
    wire.frame(lab.vm1).arrives(*everyone)
    for last in range(0x10):
        wire.frame(lab.vm1, dst=f"01:80:c2:00:00:{last:02x}").arrives_at_once({})
    wire.frame(lab.vm1, dst="01:80:c2:00:00:10").arrives(*everyone)


def test_frames_to_link_local_addresses_are_not_forwarded_from_a_tunnel(
    lab: TrialLab, wire: Wire, ls0: Overlay
) -> None:
    everyone = {"vm1": ["untagged"], "vm2": ["untagged"], "vm3": ["untagged"]}
    wire.vxlan(lab.hypervisor, ls0.vni).arrives(everyone)
    for last in range(0x10):
        wire.vxlan(lab.hypervisor, ls0.vni, dst=f"01:80:c2:00:00:{last:02x}").arrives_at_once({})
    wire.vxlan(lab.hypervisor, ls0.vni, dst="01:80:c2:00:00:10").arrives(everyone)


def test_frames_to_link_local_addresses_are_not_forwarded_from_a_tagged_binding(
    lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay
) -> None:
    nvc.do("bind-ls br0 p0 10 ls0")
    everyone = {"vm1": ["untagged"], "vm2": ["untagged"], "vm3": ["untagged"]}
    wire.frame(lab.vm1, vlans=(10,)).arrives(*ls0.flooded(everyone))
    for last in range(0x10):
        wire.frame(lab.vm1, dst=f"01:80:c2:00:00:{last:02x}", vlans=(10,)).arrives_at_once({})
