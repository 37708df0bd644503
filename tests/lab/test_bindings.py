"""Bindings: which frames enter a logical switch, and how they leave it."""

from __future__ import annotations

import pytest

from sim.lab.capture import Predicate
from tests.lab.control import Control
from tests.lab.trial import Overlay, TrialLab
from tests.lab.wire import Wire, new_mac


def test_an_untagged_frame_leaves_untagged_and_once_at_every_other_binding(
    lab: TrialLab, wire: Wire, ls0: Overlay
) -> None:
    wire.frame(lab.vm1).arrives(*ls0.flooded({"vm2": ["untagged"], "vm3": ["untagged"]}))


def test_a_priority_tag_counts_as_untagged(lab: TrialLab, wire: Wire, ls0: Overlay) -> None:
    wire.frame(lab.vm1, vlans=(0,)).arrives(
        *ls0.flooded({"vm2": ["untagged"], "vm3": ["untagged"]})
    )


def test_a_tag_is_popped_on_the_way_in_and_pushed_on_the_way_out(
    lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay
) -> None:
    nvc.do(
        "unbind-ls br0 p0 0", "bind-ls br0 p0 10 ls0", "unbind-ls br0 p1 0", "bind-ls br0 p1 20 ls0"
    )
    wire.frame(lab.vm1, vlans=(10,)).arrives(
        *ls0.flooded({"vm2": ["vlan 20"], "vm3": ["untagged"]})
    )
    wire.frame(lab.vm2, vlans=(20,)).arrives(
        *ls0.flooded({"vm1": ["vlan 10"], "vm3": ["untagged"]})
    )
    wire.frame(lab.vm3).arrives(*ls0.flooded({"vm1": ["vlan 10"], "vm2": ["vlan 20"]}))
    wire.vxlan(lab.hypervisor, ls0.vni).arrives(
        {"vm1": ["vlan 10"], "vm2": ["vlan 20"], "vm3": ["untagged"]}
    )


def test_known_stations_behind_tagged_and_untagged_bindings_reach_each_other(
    lab: TrialLab, nvc: Control, wire: Wire, plain_ls0: Overlay
) -> None:
    nvc.do("unbind-ls br0 p0 0", "bind-ls br0 p0 10 ls0")
    tagged, untagged = wire.learned(lab.vm1, (10,)), wire.learned(lab.vm2)
    wire.frame(lab.vm1, src=tagged, dst=untagged, vlans=(10,)).arrives({"vm2": ["untagged"]})
    wire.frame(lab.vm2, src=untagged, dst=tagged).arrives({"vm1": ["vlan 10"]})
    wire.vxlan(lab.hypervisor, 33, dst=tagged).arrives({"vm1": ["vlan 10"]})
    wire.vxlan(lab.hypervisor, 33, dst=untagged).arrives({"vm2": ["untagged"]})


def test_tagged_and_untagged_bindings_share_a_port_and_stay_apart(
    lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay
) -> None:
    nvc.do(
        "add-ls ls1",
        "set Logical_Switch ls1 tunnel_key=44",
        "bind-ls br0 p0 10 ls1",
        "bind-ls br0 p1 20 ls1",
    )
    wire.frame(lab.vm1, vlans=(10,)).arrives({"vm2": ["vlan 20"]})
    wire.frame(lab.vm2, vlans=(20,)).arrives({"vm1": ["vlan 10"]})
    wire.frame(lab.vm1).arrives(*ls0.flooded({"vm2": ["untagged"], "vm3": ["untagged"]}))
    wire.frame(lab.vm2).arrives(*ls0.flooded({"vm1": ["untagged"], "vm3": ["untagged"]}))


def test_a_vlan_that_is_not_bound_is_dropped(
    lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay
) -> None:
    nvc.do("bind-ls br0 p0 10 ls0")
    wire.frame(lab.vm1, vlans=(10,)).arrives(
        *ls0.flooded({"vm1": ["untagged"], "vm2": ["untagged"], "vm3": ["untagged"]})
    )
    for vlan in (1, 9, 11, 4094):
        wire.frame(lab.vm1, vlans=(vlan,)).is_dropped()
    wire.frame(lab.vm2, vlans=(10,)).is_dropped()


def test_an_untagged_frame_is_dropped_where_only_vlans_are_bound(
    lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay
) -> None:
    nvc.do("unbind-ls br0 p0 0", "bind-ls br0 p0 10 ls0")
    wire.frame(lab.vm1, vlans=(10,)).arrives(
        *ls0.flooded({"vm2": ["untagged"], "vm3": ["untagged"]})
    )
    wire.frame(lab.vm1).is_dropped()
    wire.frame(lab.vm1, vlans=(0,)).is_dropped()


def test_a_tag_inside_is_carried_from_one_tagged_binding_to_another_and_nowhere_else(
    lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay
) -> None:
    nvc.do(
        "bind-ls br0 p0 10 ls0",
        "unbind-ls br0 p1 0",
        "bind-ls br0 p1 20 ls0",
        f"add-ucast-remote ls0 {lab.hypervisor.mac} 10.2.2.3",
    )
    wire.frame(lab.vm1, vlans=(10,)).arrives(
        *ls0.flooded({"vm1": ["untagged"], "vm2": ["vlan 20"], "vm3": ["untagged"]})
    )
    wire.frame(lab.vm1, vlans=(10, 77)).arrives({"vm2": ["vlan 20 vlan 77"]})
    wire.frame(lab.vm1, vlans=(0, 77)).arrives(
        {"vm1": ["vlan 10 vlan 77"], "vm2": ["vlan 20 vlan 77"]}
    )
    wire.frame(lab.vm1, dst=lab.hypervisor.mac, vlans=(10,)).arrives({"hypervisor": ["vni 33"]})
    wire.frame(lab.vm1, dst=lab.hypervisor.mac, vlans=(10, 77)).is_dropped()


def test_a_frame_from_a_tunnel_with_a_tag_inside_is_dropped(
    lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay
) -> None:
    nvc.do("unbind-ls br0 p1 0", "bind-ls br0 p1 20 ls0")
    wire.vxlan(lab.hypervisor, ls0.vni).arrives(
        {"vm1": ["untagged"], "vm2": ["vlan 20"], "vm3": ["untagged"]}
    )
    for vlan in (0, 20, 77):
        wire.vxlan(lab.hypervisor, ls0.vni, vlans=(vlan,)).is_dropped()


def test_two_vlans_of_a_port_in_one_logical_switch_reach_each_other(
    lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay
) -> None:
    nvc.do("unbind-ls br0 p0 0", "bind-ls br0 p0 10 ls0", "bind-ls br0 p0 20 ls0")
    for own, other in ((10, 20), (20, 10)):
        wire.frame(lab.vm1, vlans=(own,)).arrives(
            *ls0.flooded({"vm1": [f"vlan {other}"], "vm2": ["untagged"], "vm3": ["untagged"]})
        )
    first, second = wire.learned(lab.vm1, (10,)), wire.learned(lab.vm1, (20,))
    wire.frame(lab.vm1, src=first, dst=second, vlans=(10,)).arrives({"vm1": ["vlan 20"]})
    wire.frame(lab.vm1, src=second, dst=first, vlans=(20,)).arrives({"vm1": ["vlan 10"]})


def test_an_untagged_and_a_tagged_binding_of_a_port_in_one_logical_switch_reach_each_other(
    lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay
) -> None:
    nvc.do("bind-ls br0 p0 10 ls0")
    others = {"vm2": ["untagged"], "vm3": ["untagged"]}
    wire.frame(lab.vm1).arrives(*ls0.flooded({"vm1": ["vlan 10"], **others}))
    wire.frame(lab.vm1, vlans=(10,)).arrives(*ls0.flooded({"vm1": ["untagged"], **others}))


@pytest.mark.parametrize("vlans", [(), (10,)], ids=["untagged", "tagged"])
def test_a_frame_never_returns_to_its_binding_even_if_its_destination_is_there(
    lab: TrialLab, nvc: Control, wire: Wire, plain_ls0: Overlay, vlans: tuple[int, ...]
) -> None:
    nvc.do("bind-ls br0 p0 10 ls0")
    here, also_here = wire.learned(lab.vm1, vlans), wire.learned(lab.vm1, vlans)
    wire.frame(lab.vm2, dst=also_here).arrives(
        {"vm1": [f"vlan {vlans[0]}" if vlans else "untagged"]}
    )
    wire.frame(lab.vm1, src=here, dst=also_here, vlans=vlans).arrives({})


def test_a_binding_that_is_added_or_removed_is_followed_at_once(
    lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay
) -> None:
    everyone = {"vm2": ["untagged"], "vm3": ["untagged"]}
    wire.frame(lab.vm1).arrives(*ls0.flooded(everyone))
    nvc.do("bind-ls br0 p2 30 ls0")
    wire.frame(lab.vm1).arrives(*ls0.flooded({"vm2": ["untagged"], "vm3": ["untagged", "vlan 30"]}))
    wire.frame(lab.vm3, vlans=(30,)).arrives(
        *ls0.flooded({"vm1": ["untagged"], "vm2": ["untagged"], "vm3": ["untagged"]})
    )
    nvc.do("unbind-ls br0 p2 30", "unbind-ls br0 p2 0")
    wire.frame(lab.vm1).arrives(*ls0.flooded({"vm2": ["untagged"]}))
    wire.frame(lab.vm3).is_dropped()
    wire.frame(lab.vm3, vlans=(30,)).is_dropped()
    wire.vxlan(lab.hypervisor, ls0.vni).arrives({"vm1": ["untagged"], "vm2": ["untagged"]})


def test_a_binding_moves_to_another_logical_switch_in_one_transaction(
    lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay
) -> None:
    nvc.do("add-ls ls1", "set Logical_Switch ls1 tunnel_key=44", "bind-ls br0 p2 30 ls1")
    station = wire.learned(lab.vm2)
    nvc.do("unbind-ls br0 p1 0", "bind-ls br0 p1 0 ls1")
    wire.frame(lab.vm1).arrives(*ls0.flooded({"vm3": ["untagged"]}))
    wire.frame(lab.vm2).arrives({"vm3": ["vlan 30"]})
    wire.frame(lab.vm3, vlans=(30,)).arrives({"vm2": ["untagged"]})
    nvc.wait_for_no_local(station)
    wire.frame(lab.vm1, dst=station).arrives(*ls0.flooded({"vm3": ["untagged"]}))


def test_two_logical_switches_never_leak_into_each_other_even_with_the_same_addresses(
    lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay
) -> None:
    nvc.do(
        "add-ls ls1",
        "set Logical_Switch ls1 tunnel_key=44",
        "set-replication-mode ls1 source_node",
        *(f"bind-ls br0 {port} 40 ls1" for port in lab.vtep.ports),
        "add-mcast-remote ls1 unknown-dst 10.2.2.2",
        "add-mcast-remote ls1 unknown-dst 10.2.2.3",
    )
    local, remote = new_mac(), new_mac()
    nvc.do(f"add-ucast-remote ls0 {remote} 10.2.2.2", f"add-ucast-remote ls1 {remote} 10.2.2.3")
    wire.learned(lab.vm1, mac=local)
    wire.learned(lab.vm2, (40,), mac=local, logical_switch="ls1")
    wire.frame(lab.vm3, dst=local).arrives({"vm1": ["untagged"]})
    wire.frame(lab.vm3, dst=local, vlans=(40,)).arrives({"vm2": ["vlan 40"]})
    wire.frame(lab.vm3, dst=remote).arrives({"service-node": ["vni 33"]})
    wire.frame(lab.vm3, dst=remote, vlans=(40,)).arrives({"hypervisor": ["vni 44"]})
    wire.frame(lab.vm3).arrives(*ls0.flooded({"vm1": ["untagged"], "vm2": ["untagged"]}))
    wire.frame(lab.vm3, vlans=(40,)).arrives(
        {
            "vm1": ["vlan 40"],
            "vm2": ["vlan 40"],
            "service-node": ["vni 44"],
            "hypervisor": ["vni 44"],
        }
    )
    wire.vxlan(lab.hypervisor, 33, dst=local).arrives({"vm1": ["untagged"]})
    wire.vxlan(lab.hypervisor, 44, dst=local).arrives({"vm2": ["vlan 40"]})
    wire.vxlan(lab.hypervisor, 44).arrives(
        {"vm1": ["vlan 40"], "vm2": ["vlan 40"], "vm3": ["vlan 40"]}
    )


def carries(frame: bytes) -> Predicate:
    """Return whether what arrived is this frame."""
    return lambda captured: captured.data == frame


def test_a_frame_of_full_size_and_one_of_the_smallest_pass(
    lab: TrialLab, nvc: Control, wire: Wire, plain_ls0: Overlay
) -> None:
    nvc.do("add-ucast-remote ls0 00:11:22:33:44:55 10.2.2.3")
    for payload in (46, 1500):
        frame = bytes.fromhex("001122334455") + bytes.fromhex("027700fffffe") + b"\x88\xb5"
        frame += payload.to_bytes(2, "big") * (payload // 2)
        wire.frame(lab.vm1, dst=lab.hypervisor.mac).arrives({"hypervisor": ["vni 33"]})
        with lab.hypervisor.capture() as capture:
            lab.vm1.send(frame)
            capture.wait_for(1, carries(frame))
