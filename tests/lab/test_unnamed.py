"""Packets of a VTEP that no row names, and a tunnel IP that the host does not have."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sim.lab.namespaces import CommandFailed
from sim.waiting import wait_until
from tests.lab.control import Control
from tests.lab.trial import Overlay, TrialLab, add_ls0
from tests.lab.wire import Wire

OPTIONS = {"stats_interval": "1"}
LOCAL = {"vm1": ["untagged"], "vm2": ["untagged"], "vm3": ["untagged"]}
BR_PHY = "br-phy"
LINE = "no interface of this host has the tunnel IP 10.2.2.1"


@pytest.fixture
def said(lab: TrialLab) -> Callable[[str], object]:
    """Return a function that waits for a line of the application's log."""
    return lambda line: wait_until(
        lambda: line in lab.app.log_text, f"{line!r} in the log", timeout=60, evidence=lab.evidence
    )


def test_by_default_packets_of_a_vtep_that_no_row_names_are_dropped_and_said(
    lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay, said: Callable[[str], object]
) -> None:
    wire.vxlan(lab.hypervisor, ls0.vni).arrives(LOCAL)
    for _ in range(3):
        wire.vxlan(lab.third, ls0.vni).is_dropped()
    wire.vxlan(lab.hypervisor, ls0.vni).arrives(LOCAL)
    said("frames with VNI 33 were dropped: no row of ls0 names their sender")
    nvc.do("add-ucast-remote ls0 02:78:00:00:00:01 10.2.2.4")
    wire.vxlan(lab.third, ls0.vni).arrives(LOCAL)


def test_where_any_may_send_the_vni_and_the_inner_destination_decide(
    lab: TrialLab, nvc: Control
) -> None:
    lab.app.stop()
    lab.app.options["accept_from"] = "any"
    lab.app.start()
    wire = Wire(lab, nvc)
    try:
        ls0 = add_ls0(lab, nvc, "source_node")
        wire.vxlan(lab.third, ls0.vni).arrives(LOCAL)
        wire.vxlan(lab.third, 34).is_dropped()
        station = wire.learned(lab.vm2)
        wire.vxlan(lab.third, ls0.vni, dst=station).arrives({"vm2": ["untagged"]})
        # Nothing is learned from it, so that the reply floods.
        far = "02:78:00:00:00:09"
        wire.vxlan(lab.third, ls0.vni, src=far).arrives(LOCAL)
        others = {"vm2": ["untagged"], "vm3": ["untagged"]}
        wire.frame(lab.vm1, dst=far).arrives(*ls0.flooded(others))
    finally:
        wire.close()
        lab.app.stop()
        del lab.app.options["accept_from"]
        lab.app.start()


def test_a_tunnel_ip_without_an_interface_is_said_with_its_command(
    lab: TrialLab, nvc: Control, wire: Wire, plain_ls0: Overlay, said: Callable[[str], object]
) -> None:
    wire.vxlan(lab.hypervisor, plain_ls0.vni).arrives(LOCAL)
    assert LINE not in lab.app.log_text
    # There still is a way to the other VTEPs, from another address.
    address, other = (f"10.2.2.1/24 dev {BR_PHY}".split(), f"10.2.2.99/24 dev {BR_PHY}".split())
    lab.vtep.run(["ip", "addr", "del", *address])
    lab.vtep.run(["ip", "addr", "add", *other])
    try:
        said(f"{LINE}, and Open vSwitch sends nothing from it: ip addr add 10.2.2.1/PREFIX dev")
        with pytest.raises(CommandFailed, match=r"FAIL +br0 +tunnel_ips +this host lacks 10.2.2.1"):
            lab.app.ask("check")
    finally:
        lab.vtep.run(["ip", "addr", "del", *other])
        lab.vtep.run(["ip", "addr", "add", *address])
    said(f"resolved: Physical_Switch br0: {LINE}")
    checked = lab.app.ask("check")
    assert "this host has 10.2.2.1" in checked
    assert "frames of p0 (MTU 1500) need 1550 bytes in a tunnel, and br-phy has 1500" in checked
