"""What the NVC placed behind tunnels, and replication of frames with no known place."""

from __future__ import annotations

import pytest

from sim.wire.frames import BROADCAST
from tests.lab.control import Control
from tests.lab.traffic import Traffic
from tests.lab.trial import Overlay, TrialLab
from tests.lab.wire import Wire, new_mac

LOCAL = {"vm1": ["untagged"], "vm2": ["untagged"], "vm3": ["untagged"]}
OTHERS = {"vm2": ["untagged"], "vm3": ["untagged"]}
SERVICE_NODE, HYPERVISOR, THIRD = "10.2.2.2", "10.2.2.3", "10.2.2.4"
ADDRESSES = {"service-node": SERVICE_NODE, "hypervisor": HYPERVISOR}
FLOODED = {
    "broadcast": BROADCAST,
    "unknown": "02:79:00:00:00:01",
    "multicast": "01:00:5e:01:02:03",
    "ipv6-multicast": "33:33:00:00:00:16",
}

flooded_kinds = pytest.mark.parametrize("dst", FLOODED.values(), ids=FLOODED)


@flooded_kinds
def test_a_frame_without_a_known_place_is_replicated_as_the_mode_says(
    lab: TrialLab, wire: Wire, ls0: Overlay, dst: str
) -> None:
    wire.frame(lab.vm1, dst=dst).arrives(*ls0.flooded(OTHERS))
    wire.frame(lab.vm3, dst=dst).arrives(*ls0.flooded({"vm1": ["untagged"], "vm2": ["untagged"]}))


@flooded_kinds
def test_a_frame_from_a_tunnel_reaches_local_bindings_only(
    lab: TrialLab, wire: Wire, ls0: Overlay, dst: str
) -> None:
    for endpoint in (lab.service_node, lab.hypervisor):
        wire.vxlan(endpoint, ls0.vni, dst=dst).arrives(LOCAL)


def test_a_frame_from_a_tunnel_to_a_station_behind_a_tunnel_enters_none(
    lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay
) -> None:
    far, near = new_mac(), new_mac()
    nvc.do(
        f"add-ucast-remote ls0 {far} {HYPERVISOR}", f"add-ucast-remote ls0 {near} {SERVICE_NODE}"
    )
    wire.frame(lab.vm1, dst=far).arrives({"hypervisor": ["vni 33"]})
    wire.frame(lab.vm1, dst=near).arrives({"service-node": ["vni 33"]})
    for dst in (far, near):
        copies = wire.vxlan(lab.service_node, ls0.vni, dst=dst).arrives({}, LOCAL)
        assert not copies.keys() & {"service-node", "hypervisor", "third"}


def test_a_station_of_the_nvc_is_reached_at_its_locator_alone(
    lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay
) -> None:
    station = new_mac()
    nvc.do(f"add-ucast-remote ls0 {station} {HYPERVISOR}")
    for vm in (lab.vm1, lab.vm2, lab.vm3):
        wire.frame(vm, dst=station).arrives({"hypervisor": ["vni 33"]})
    nvc.do(f"add-ucast-remote ls0 {station} {SERVICE_NODE}")
    wire.frame(lab.vm1, dst=station).arrives({"service-node": ["vni 33"]})
    nvc.do(f"add-ucast-remote ls0 {station} {THIRD}")
    wire.frame(lab.vm1, dst=station).arrives({"third": ["vni 33"]})
    nvc.do(f"del-ucast-remote ls0 {station}")
    wire.frame(lab.vm1, dst=station).arrives(*ls0.flooded(OTHERS))


def test_a_station_of_the_nvc_that_a_port_claims_stays_where_it_is_and_the_claim_is_reported(
    lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay
) -> None:
    station = new_mac()
    nvc.do(f"add-ucast-remote ls0 {station} {HYPERVISOR}")
    wire.frame(lab.vm1, dst=station).arrives({"hypervisor": ["vni 33"]})
    wire.learned(lab.vm2, mac=station)
    for vm in (lab.vm1, lab.vm3):
        wire.frame(vm, dst=station).arrives_at_once({"hypervisor": ["vni 33"]})
    assert nvc.wait_for_local(station).addresses == ("10.2.2.1",)
    nvc.do(f"del-ucast-remote ls0 {station}")
    wire.frame(lab.vm1, dst=station).arrives({"vm2": ["untagged"]})


def test_a_local_station_that_the_nvc_places_elsewhere_is_forgotten_and_reported_when_it_speaks(
    lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay
) -> None:
    station = wire.learned(lab.vm2)
    wire.frame(lab.vm1, dst=station).arrives({"vm2": ["untagged"]})
    nvc.do(f"add-ucast-remote ls0 {station} {HYPERVISOR}")
    wire.frame(lab.vm1, dst=station).arrives({"hypervisor": ["vni 33"]})
    nvc.wait_for_no_local(station)
    wire.learned(lab.vm2, mac=station)
    wire.frame(lab.vm1, dst=station).arrives_at_once({"hypervisor": ["vni 33"]})


def test_without_unknown_dst_nothing_unknown_leaves_for_a_tunnel(
    lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay
) -> None:
    station = new_mac()
    nvc.do(
        f"del-mcast-remote ls0 unknown-dst {SERVICE_NODE}",
        f"del-mcast-remote ls0 unknown-dst {HYPERVISOR}",
        f"add-ucast-remote ls0 {station} {HYPERVISOR}",
    )
    wire.frame(lab.vm1).arrives(OTHERS)
    wire.frame(lab.vm1, dst=station).arrives({"hypervisor": ["vni 33"]})
    wire.vxlan(lab.hypervisor, 33).arrives(LOCAL)
    nvc.do(f"add-mcast-remote ls0 unknown-dst {SERVICE_NODE}")
    wire.frame(lab.vm1).arrives({**OTHERS, "service-node": ["vni 33"]})


def test_service_node_is_the_mode_of_a_logical_switch_that_names_none(
    lab: TrialLab, nvc: Control, wire: Wire, plain_ls0: Overlay
) -> None:
    nvc.do("clear Logical_Switch ls0 replication_mode")
    used = wire.frame(lab.vm1).arrives(*plain_ls0.flooded(OTHERS))
    for _ in range(5):
        wire.frame(lab.vm1).arrives_at_once(used)


def test_our_own_address_in_the_set_is_no_target(
    lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay
) -> None:
    nvc.do("add-mcast-remote ls0 unknown-dst 10.2.2.1")
    wire.frame(lab.vm1).arrives(*ls0.flooded(OTHERS))
    assert "10.2.2.1" not in nvc.tunnels()


# Under a stream of broadcasts: from one frame to the next, every endpoint gets what is new.


class Broadcasts(Traffic):
    """Numbered broadcasts of VM1, from a station that is known."""

    def __init__(self, lab: TrialLab, wire: Wire) -> None:
        super().__init__(wire, lab.vm1, BROADCAST, src=wire.learned(lab.vm1), rate=1000)


def copies(*endpoints: str) -> dict[str, int]:
    """Return one copy at each of the other VMs and of these endpoints."""
    return dict.fromkeys(sorted(("vm2", "vm3", *endpoints)), 1)


def test_a_change_of_mode_under_traffic_makes_no_duplicate_and_no_gap(
    lab: TrialLab, nvc: Control, wire: Wire, plain_ls0: Overlay
) -> None:
    used = wire.frame(lab.vm1).arrives(*plain_ls0.flooded(OTHERS))
    (one,) = used.keys() - OTHERS.keys()
    with Broadcasts(lab, wire) as stream:
        stream.run_on()
        plain_ls0.mode = "source_node"
        nvc.do("set-replication-mode ls0 source_node")
        wire.frame(lab.vm2).arrives(*plain_ls0.flooded({"vm1": ["untagged"], "vm3": ["untagged"]}))
        stream.run_on()
        plain_ls0.mode = "service_node"
        nvc.do("set-replication-mode ls0 service_node")
        wire.frame(lab.vm2).arrives(*plain_ls0.flooded({"vm1": ["untagged"], "vm3": ["untagged"]}))
        stream.run_on()
    stream.arrived_as(copies(one), copies("service-node", "hypervisor"), copies(one))


def test_a_change_of_the_set_under_traffic_makes_no_duplicate_and_no_gap(
    lab: TrialLab, nvc: Control, wire: Wire, plain_ls0: Overlay
) -> None:
    nvc.do("set-replication-mode ls0 source_node")
    plain_ls0.mode = "source_node"
    wire.frame(lab.vm1).arrives(*plain_ls0.flooded(OTHERS))
    every = ("service-node", "hypervisor", "third")

    def reaches(*endpoints: str) -> None:
        expected = {name: ["vni 33"] for name in endpoints}
        wire.frame(lab.vm2).arrives({"vm1": ["untagged"], "vm3": ["untagged"], **expected})

    with Broadcasts(lab, wire) as stream:
        stream.run_on()
        nvc.do(f"add-mcast-remote ls0 unknown-dst {THIRD}")
        reaches(*every)
        stream.run_on()
        nvc.do(f"del-mcast-remote ls0 unknown-dst {HYPERVISOR}")
        reaches("service-node", "third")
        stream.run_on()
    stream.arrived_as(
        copies("service-node", "hypervisor"), copies(*every), copies("service-node", "third")
    )


def test_a_member_that_is_exchanged_under_traffic_disturbs_no_other(
    lab: TrialLab, nvc: Control, wire: Wire, plain_ls0: Overlay
) -> None:
    nvc.do("set-replication-mode ls0 source_node")
    plain_ls0.mode = "source_node"
    wire.frame(lab.vm1).arrives(*plain_ls0.flooded(OTHERS))
    with Broadcasts(lab, wire) as stream:
        stream.run_on()
        nvc.do(
            f"del-mcast-remote ls0 unknown-dst {HYPERVISOR}",
            f"add-mcast-remote ls0 unknown-dst {THIRD}",
        )
        wire.frame(lab.vm2).arrives(
            {
                "vm1": ["untagged"],
                "vm3": ["untagged"],
                "service-node": ["vni 33"],
                "third": ["vni 33"],
            }
        )
        stream.run_on()
    phases = [phase for phase, _ in stream.phases()]
    before, after = copies("service-node", "hypervisor"), copies("service-node", "third")
    assert phases in ([before, after], [before, copies("service-node"), after]), stream.phases()


def test_the_service_node_in_use_goes_under_traffic_and_another_takes_over_without_a_gap(
    lab: TrialLab, nvc: Control, wire: Wire, plain_ls0: Overlay
) -> None:
    used = wire.frame(lab.vm1).arrives(*plain_ls0.flooded(OTHERS))
    (one,) = used.keys() - OTHERS.keys()
    (other,) = {"service-node", "hypervisor"} - {one}
    with Broadcasts(lab, wire) as stream:
        stream.run_on()
        nvc.do(f"del-mcast-remote ls0 unknown-dst {ADDRESSES[one]}")
        wire.frame(lab.vm2).arrives({"vm1": ["untagged"], "vm3": ["untagged"], other: ["vni 33"]})
        stream.run_on()
    stream.arrived_as(copies(one), copies(other))


def test_a_service_node_is_replaced_by_a_new_one_under_traffic_without_a_gap_or_a_duplicate(
    lab: TrialLab, nvc: Control, wire: Wire, plain_ls0: Overlay
) -> None:
    nvc.do(f"del-mcast-remote ls0 unknown-dst {HYPERVISOR}")
    wire.frame(lab.vm1).arrives({**OTHERS, "service-node": ["vni 33"]})
    with Broadcasts(lab, wire) as stream:
        stream.run_on()
        nvc.do(
            f"del-mcast-remote ls0 unknown-dst {SERVICE_NODE}",
            f"add-mcast-remote ls0 unknown-dst {THIRD}",
        )
        wire.frame(lab.vm2).arrives({"vm1": ["untagged"], "vm3": ["untagged"], "third": ["vni 33"]})
        stream.run_on()
    stream.arrived_as(copies("service-node"), copies("third"))


def test_the_locator_of_a_station_is_replaced_by_a_new_one_under_traffic_without_a_gap(
    lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay
) -> None:
    station = new_mac()
    nvc.do(f"add-ucast-remote ls0 {station} {HYPERVISOR}")
    wire.frame(lab.vm2, dst=station).arrives({"hypervisor": ["vni 33"]})
    with Traffic(wire, lab.vm1, station, src=wire.learned(lab.vm1)) as stream:
        stream.run_on()
        nvc.do(f"add-ucast-remote ls0 {station} {THIRD}")
        wire.frame(lab.vm2, dst=station).arrives({"third": ["vni 33"]})
        stream.run_on()
        nvc.do(f"add-ucast-remote ls0 {station} {HYPERVISOR}")
        wire.frame(lab.vm2, dst=station).arrives({"hypervisor": ["vni 33"]})
        stream.run_on()
    stream.arrived_as({"hypervisor": 1}, {"third": 1}, {"hypervisor": 1})


def test_the_row_of_a_station_is_replaced_by_another_row_under_traffic_without_a_gap(
    lab: TrialLab, nvc: Control, wire: Wire, plain_ls0: Overlay
) -> None:
    station = new_mac()
    nvc.do(f"add-ucast-remote ls0 {station} {HYPERVISOR}")
    wire.frame(lab.vm2, dst=station).arrives({"hypervisor": ["vni 33"]})
    with Traffic(wire, lab.vm1, station, src=wire.learned(lab.vm1)) as stream:
        stream.run_on()
        nvc.do(f"del-ucast-remote ls0 {station}", f"add-ucast-remote ls0 {station} {THIRD}")
        wire.frame(lab.vm2, dst=station).arrives({"third": ["vni 33"]})
        stream.run_on()
    stream.arrived_as({"hypervisor": 1}, {"third": 1})
