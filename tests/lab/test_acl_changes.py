"""Changes of access lists under traffic, their faults, and what is counted."""

from __future__ import annotations

import time
from collections.abc import Mapping

from tests.access_lists import Entry
from tests.lab.acl_network import ICMP, TCP, TO_A, TO_A2, Network, deny, to_port
from tests.lab.packets import Packets
from tests.lab.traffic import Traffic
from tests.lab.wire import new_mac

OPTIONS = {"stats_interval": "1"}
COLUMNS = "invalid_acl_entry", "invalid_acl", "invalid_ACL_binding"
SHORTAGE = "resource_shortage", "invalid_ACL_binding"
INVALID = deny(10, source_mask="255.0.0.0")


def with_options(net: Network, **options: str) -> None:
    """Restart the application with options."""
    net.start_with({**OPTIONS, **options})


def test_an_invalid_entry_drops_frames_of_its_direction_until_it_is_mended(net: Network) -> None:
    """Case A18."""
    net.bind("p2", INVALID, deny(20, **TCP, **to_port(22)), vlan=10)
    net.faults(*COLUMNS, ports=["p2"])
    net.judges({}, [], [net.back.tcp(80), net.back.arp()])
    net.judges(TO_A2, [net.there.tcp(80)], [])
    net.judges_after_a_restart()
    with_options(net, acl_fails_open="True")
    net.judges(TO_A, [net.back.tcp(80)], [net.back.tcp(22)])
    with_options(net)
    net.back.tcp(80).arrives({})
    net.change(0, source_ip="10.0.0.1")
    net.judges(TO_A, [net.back.tcp(80)], [net.back.tcp(22)])
    net.faults(ports=["p2"])


def test_columns_stay_empty_while_no_managed_switch_uses_the_list(net: Network) -> None:
    """Case A19."""
    net.acls.put("x", INVALID)
    net.follows()
    net.faults()
    net.nvc.do("add-ps elsewhere", "add-port elsewhere q0")
    net.acls.bind("q0", {0: "x"})
    net.follows()
    assert net.acls.faults("x", "q0") == set()
    net.acls.bind("q0", {})
    net.nvc.do("del-ps elsewhere")


def counters(net: Network) -> Mapping[str, int]:
    """Return the statistics of VLAN 0 of p0."""
    rows = {row["_uuid"]: row for row in net.nvc.rows("Logical_Binding_Stats")}
    (port,) = (row for row in net.nvc.rows("Physical_Port") if row["name"] == "p0")
    row = rows[port["vlan_stats"][0]]
    return {name: row[name] for name in ("packets_from_local", "packets_to_local")}


def standing_counters(net: Network) -> Mapping[str, int]:
    """Return the statistics once all that was sent before has been counted."""
    counted, since = counters(net), time.monotonic()

    def stand() -> bool:
        nonlocal counted, since
        now = counters(net)
        if now != counted:
            counted, since = now, time.monotonic()
        return time.monotonic() - since > 3 * float(OPTIONS["stats_interval"])

    net.nvc.wait(stand, "statistics that stand still")
    return counted


def test_frames_that_are_denied_count_where_they_come_in_alone(net: Network) -> None:
    """Case A20."""
    net.bind("p0", deny(**TCP), deny(20, "out", **TCP))
    net.judges(TO_A, [net.back.icmp()], [net.there.tcp(80), net.back.tcp(80)])
    before = standing_counters(net)
    for _ in range(100):
        net.there.tcp(80).send()
        net.back.tcp(80).send()
    for _ in range(10):
        net.back.icmp().send()
    grown = {"packets_from_local": 100, "packets_to_local": 10}
    net.nvc.wait(
        lambda: {name: counters(net)[name] - before[name] for name in before} == grown,
        f"statistics that have grown by {grown}",
    )


def test_a_port_that_no_longer_names_a_list_is_open_and_others_stay(net: Network) -> None:
    """Case A21."""
    net.bind("p0", deny(**ICMP))
    net.acls.bind("p1", {0: "x"})
    from_b = Packets(net.wire, net.b, net.b2)
    net.judges({}, [], [net.there.icmp(), from_b.icmp()])
    net.unbind("p0")
    net.there.icmp().arrives(TO_A2)
    from_b.icmp().arrives_at_once({})


def test_a_list_is_replaced_under_traffic_without_a_frame_judged_by_half_of_it(
    net: Network,
) -> None:
    """Case A22."""
    denied, permitted = new_mac(), new_mac()
    few = [deny(10, source_mac=denied)]
    many = [
        deny(10 * number, source_mac=f"02:55:00:00:{number >> 8:02x}:{number & 255:02x}")
        for number in range(3000)
    ]
    many[1500] = deny(15000, source_mac=denied)
    net.bind("p0", *few)
    net.wire.frame(net.lab.vm1, src=denied).arrives({})
    net.wire.learned(net.lab.vm1, (), permitted, "ls-a")
    target = net.a2.mac
    with (
        Traffic(net.wire, net.lab.vm1, target, src=permitted) as passes,
        Traffic(net.wire, net.lab.vm1, target, src=denied) as dropped,
    ):
        for entries in (many, few, many, few):
            passes.run_on(300)
            net.acls.put("x", *entries)
            net.nvc.wait(lambda: len(net.ages()) == 4 + len(entries), "its flows")  # noqa: B023
        passes.run_on(300)
    passes.arrived_as({"vm3": 1})
    dropped.arrived_as({})
    assert passes.sent > 1000


def test_filtering_goes_on_without_the_application_and_a_start_sends_nothing(
    net: Network,
) -> None:
    """Case A23."""
    net.bind("p0", deny(**TCP, **to_port(22)))
    net.judges(TO_A2, [net.there.tcp(23)], [net.there.tcp(22)])
    net.lab.app.kill()
    net.there.tcp(22).arrives_at_once({})
    net.there.tcp(23).arrives_at_once(TO_A2)
    net.lab.app.start()
    net.follows()
    net.judges_after_a_restart()


def test_a_list_beyond_the_limit_drops_frames_until_it_is_smaller(net: Network) -> None:
    """Case A24."""
    with_options(net, max_acl_flows="100")
    entries: list[Entry] = [deny(each, source_mac=new_mac()) for each in range(120)]
    net.bind("p2", *entries, vlan=10)
    net.faults(*SHORTAGE, ports=["p2"])
    net.judges(TO_A2, [net.there.tcp(80)], [net.back.tcp(80)])
    with_options(net, max_acl_flows="100", acl_fails_open="True")
    net.back.tcp(80).arrives(TO_A)
    with_options(net, max_acl_flows="100")
    net.bind("p2", *entries[:90], vlan=10)
    net.judges(TO_A, [net.back.tcp(80)], [])
    net.judges_after_a_restart()
    net.faults(ports=["p2"])
