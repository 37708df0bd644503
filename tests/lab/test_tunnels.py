"""Tunnels: made when a row needs them, gone when none does, one VNI for each logical switch."""

from __future__ import annotations

import pytest

from tests.lab.control import Control
from tests.lab.trial import Overlay, TrialLab
from tests.lab.wire import Wire

LOCAL = {"vm1": ["untagged"], "vm2": ["untagged"], "vm3": ["untagged"]}
OTHERS = {"vm2": ["untagged"], "vm3": ["untagged"]}
THIRD = "10.2.2.4"
FAR = "02:78:00:00:00:01"
FARTHER = "02:78:00:00:00:02"


def test_a_tunnel_is_made_for_the_first_row_that_needs_it_and_removed_after_the_last(
    lab: TrialLab, nvc: Control, wire: Wire, plain_ls0: Overlay
) -> None:
    assert THIRD not in nvc.tunnels()
    nvc.do(f"add-ucast-remote ls0 {FAR} {THIRD}")
    wire.frame(lab.vm1, dst=FAR).arrives({"third": ["vni 33"]})
    tunnel = nvc.tunnels()[THIRD]
    assert (tunnel["local_ip"], tunnel["key"]) == ("10.2.2.1", "flow")

    nvc.do(f"add-mcast-remote ls0 unknown-dst {THIRD}", f"del-ucast-remote ls0 {FAR}")
    nvc.do(f"add-ucast-remote ls0 {FARTHER} {THIRD}")
    wire.frame(lab.vm1, dst=FARTHER).arrives({"third": ["vni 33"]})
    assert nvc.tunnels()[THIRD] == tunnel
    nvc.do(f"del-ucast-remote ls0 {FARTHER}")
    wire.vxlan(lab.third, 33).arrives(LOCAL)
    assert nvc.tunnels()[THIRD] == tunnel

    nvc.do(f"del-mcast-remote ls0 unknown-dst {THIRD}")
    nvc.wait(lambda: THIRD not in nvc.tunnels(), f"the end of the tunnel to {THIRD}")
    wire.vxlan(lab.third, 33).is_dropped()
    wire.frame(lab.vm1, dst=FAR).arrives(*plain_ls0.flooded(OTHERS))


def test_a_row_of_a_logical_switch_that_is_not_bound_makes_no_tunnel_until_it_is(
    lab: TrialLab, nvc: Control, wire: Wire
) -> None:
    nvc.do(
        "add-ls ls0",
        "set Logical_Switch ls0 tunnel_key=33",
        f"add-ucast-remote ls0 {FAR} {THIRD}",
        "add-ls ls1",
        "bind-ls br0 p1 0 ls1",
        "bind-ls br0 p2 0 ls1",
    )
    wire.frame(lab.vm2).arrives({"vm3": ["untagged"]})
    assert THIRD not in nvc.tunnels()
    nvc.do("bind-ls br0 p0 0 ls0")
    wire.frame(lab.vm1, dst=FAR).arrives({"third": ["vni 33"]})
    nvc.do("unbind-ls br0 p0 0")
    nvc.wait(lambda: THIRD not in nvc.tunnels(), f"the end of the tunnel to {THIRD}")


def test_tunnel_ports_are_marked_as_ours_and_are_no_physical_ports(
    lab: TrialLab, nvc: Control, wire: Wire, plain_ls0: Overlay
) -> None:
    nvc.do(f"add-ucast-remote ls0 {FAR} {THIRD}")
    wire.frame(lab.vm1, dst=FAR).arrives({"third": ["vni 33"]})
    tunnels = nvc.tunnels()
    assert sorted(tunnels) == ["10.2.2.2", "10.2.2.3", THIRD]
    for tunnel in tunnels.values():
        assert lab.vtep.ovs_vsctl("get", "Port", tunnel["name"], "external_ids") != "{}"
    assert lab.vtep.port_rows("br0") == ["p0", "p1", "p2"]


def test_a_tunnel_port_of_somebody_else_is_left_alone(
    lab: TrialLab, nvc: Control, wire: Wire, plain_ls0: Overlay
) -> None:
    lab.vtep.ovs_vsctl(
        "add-port", "br0", "vxother", "--", "set", "interface", "vxother", "type=vxlan",
        "options:remote_ip=10.2.2.99", "options:local_ip=10.2.2.1", "options:key=99",
    )  # fmt: skip
    try:
        nvc.do(f"add-ucast-remote ls0 {FAR} {THIRD}")
        wire.frame(lab.vm1, dst=FAR).arrives({"third": ["vni 33"]})
        nvc.do(f"del-ucast-remote ls0 {FAR}")
        nvc.wait(lambda: THIRD not in nvc.tunnels(), f"the end of the tunnel to {THIRD}")
        assert nvc.tunnels()["10.2.2.99"]["name"] == "vxother"
    finally:
        lab.vtep.ovs_vsctl("del-port", "br0", "vxother")


@pytest.mark.parametrize("vni", [0, 1, 32, 34, 0x210000, 0xFFFFFF])
def test_a_frame_with_another_vni_is_dropped(
    lab: TrialLab, wire: Wire, ls0: Overlay, vni: int
) -> None:
    wire.vxlan(lab.hypervisor, ls0.vni).arrives(LOCAL)
    wire.vxlan(lab.hypervisor, vni).is_dropped()


def test_a_frame_from_an_address_that_no_row_names_is_dropped(
    lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay
) -> None:
    wire.vxlan(lab.hypervisor, ls0.vni).arrives(LOCAL)
    wire.vxlan(lab.third, ls0.vni).is_dropped()
    wire.vxlan(lab.hypervisor, ls0.vni, forged="10.2.2.99").is_dropped()
    nvc.do(f"add-ucast-remote ls0 {FAR} {THIRD}")
    wire.vxlan(lab.third, ls0.vni).arrives(LOCAL)
    nvc.do(f"del-ucast-remote ls0 {FAR}")
    wire.vxlan(lab.third, ls0.vni).arrives({})


def test_an_address_is_let_in_only_to_the_logical_switches_that_name_it(
    lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay
) -> None:
    nvc.do(
        "add-ls ls1",
        "set Logical_Switch ls1 tunnel_key=44",
        "bind-ls br0 p0 10 ls1",
        "bind-ls br0 p1 10 ls1",
        f"add-ucast-remote ls1 {FAR} {THIRD}",
    )
    wire.vxlan(lab.third, 44).arrives({"vm1": ["vlan 10"], "vm2": ["vlan 10"]})
    wire.vxlan(lab.third, ls0.vni).is_dropped()
    wire.vxlan(lab.hypervisor, 44).is_dropped()
    wire.vxlan(lab.hypervisor, ls0.vni).arrives(LOCAL)


def test_two_logical_switches_share_a_tunnel_port_with_a_vni_each(
    lab: TrialLab, nvc: Control, wire: Wire, plain_ls0: Overlay
) -> None:
    nvc.do(
        "add-ls ls1",
        "set Logical_Switch ls1 tunnel_key=16777215",
        "bind-ls br0 p0 10 ls1",
        f"add-ucast-remote ls0 {FAR} {THIRD}",
        f"add-ucast-remote ls1 {FAR} {THIRD}",
    )
    wire.frame(lab.vm1, dst=FAR).arrives({"third": ["vni 33"]})
    wire.frame(lab.vm1, dst=FAR, vlans=(10,)).arrives({"third": ["vni 16777215"]})
    wire.vxlan(lab.third, 0xFFFFFF).arrives({"vm1": ["vlan 10"]})
    nvc.do(f"del-ucast-remote ls0 {FAR}")
    wire.vxlan(lab.third, 33).arrives({})
    wire.frame(lab.vm1, dst=FAR, vlans=(10,)).arrives({"third": ["vni 16777215"]})


def test_a_tunnel_key_that_is_set_late_changed_or_emptied_is_followed(
    lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay
) -> None:
    nvc.do(f"add-ucast-remote ls0 {FAR} 10.2.2.3")

    def uses(vni: int | None) -> None:
        if vni is None:
            wire.frame(lab.vm1).arrives(OTHERS)
            wire.frame(lab.vm1, dst=FAR).arrives({})
        else:
            ls0.vni = vni
            wire.frame(lab.vm1).arrives(*ls0.flooded(OTHERS))
            wire.frame(lab.vm1, dst=FAR).arrives({"hypervisor": [f"vni {vni}"]})
            wire.vxlan(lab.hypervisor, vni).arrives(LOCAL)
        for other in {0, 33, 34} - {vni}:
            wire.vxlan(lab.hypervisor, other).arrives({})

    uses(33)
    nvc.do("clear Logical_Switch ls0 tunnel_key")
    uses(None)
    nvc.do("set Logical_Switch ls0 tunnel_key=34")
    uses(34)
    nvc.do("set Logical_Switch ls0 tunnel_key=33")
    uses(33)


def test_without_a_tunnel_key_a_logical_switch_works_locally_until_it_has_one(
    lab: TrialLab, nvc: Control, wire: Wire
) -> None:
    nvc.do(
        "add-ls ls0",
        *(f"bind-ls br0 {port} 0 ls0" for port in lab.vtep.ports),
        "add-mcast-remote ls0 unknown-dst 10.2.2.2",
    )
    wire.frame(lab.vm1).arrives(OTHERS)
    station = wire.learned(lab.vm2)
    wire.frame(lab.vm1, dst=station).arrives({"vm2": ["untagged"]})
    nvc.do("set Logical_Switch ls0 tunnel_key=33")
    wire.frame(lab.vm1).arrives({**OTHERS, "service-node": ["vni 33"]})
    wire.vxlan(lab.service_node, 33).arrives(LOCAL)


def test_two_logical_switches_swap_their_keys_in_one_transaction(
    lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay
) -> None:
    nvc.do(
        "add-ls ls1",
        "set Logical_Switch ls1 tunnel_key=44",
        "bind-ls br0 p0 10 ls1",
        "add-mcast-remote ls1 unknown-dst 10.2.2.3",
    )
    wire.frame(lab.vm1, vlans=(10,)).arrives({"hypervisor": ["vni 44"]})
    nvc.do("set Logical_Switch ls0 tunnel_key=44", "set Logical_Switch ls1 tunnel_key=33")
    ls0.vni = 44
    wire.frame(lab.vm1).arrives(*ls0.flooded(OTHERS))
    wire.frame(lab.vm1, vlans=(10,)).arrives({"hypervisor": ["vni 33"]})
    wire.vxlan(lab.hypervisor, 44).arrives(LOCAL)
    wire.vxlan(lab.hypervisor, 33).arrives({"vm1": ["vlan 10"]})


def test_of_two_logical_switches_with_one_key_none_uses_it_until_they_differ(
    lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay
) -> None:
    nvc.do(
        "add-ls ls1",
        "set Logical_Switch ls1 tunnel_key=33",
        "bind-ls br0 p0 10 ls1",
        "bind-ls br0 p1 10 ls1",
    )
    wire.frame(lab.vm1).arrives(OTHERS)
    wire.frame(lab.vm1, vlans=(10,)).arrives({"vm2": ["vlan 10"]})
    wire.vxlan(lab.hypervisor, 33).arrives({})
    nvc.do("set Logical_Switch ls1 tunnel_key=44")
    wire.frame(lab.vm1).arrives(*ls0.flooded(OTHERS))
    wire.vxlan(lab.hypervisor, 33).arrives(LOCAL)


def test_hosts_talk_through_the_tunnel_to_a_kernel_endpoint(
    lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay
) -> None:
    # ARP is flooded: to the one service node there is, in either mode.
    nvc.do(
        "del-mcast-remote ls0 unknown-dst 10.2.2.2",
        f"add-ucast-remote ls0 {lab.hypervisor.mac} 10.2.2.3",
    )
    wire.frame(lab.vm1).arrives({**OTHERS, "hypervisor": ["vni 33"]})
    wire.frame(lab.vm1, dst=lab.hypervisor.mac).arrives({"hypervisor": ["vni 33"]})
    assert lab.vm1.ping(lab.hypervisor.ip) == 3
    assert lab.hypervisor.ping(lab.vm2.ip) == 3
