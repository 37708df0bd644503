"""What each binding counted: exact, whatever happens to the flows that count."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtep_ofapp.features.bindings.ports import Ports
from vtep_ofapp.features.bindings.statistics import Statistics
from vtep_ofapp.pipeline.layout import Cookie, Table, cookie_of
from vtep_ofapp.values.counters import Counter
from vtep_ofapp.values.flows import FlowKey, match
from vtep_ofapp.values.rows import Binding, BindingStats, BridgePort

from .builders import BLUE, RED, physical_port, port

P0 = physical_port("p0").uuid
UNTAGGED, TAGGED = 0x1000, 0x100A


class Bench:
    """Statistics of p0, whose flows count as the test says."""

    def __init__(self, bindings: dict[int, UUID] | None = None, **row: Any) -> None:
        self.ports = Ports()
        self.statistics = Statistics()
        self.flows: dict[FlowKey, Counter] = {}
        self.match(bindings or {0: RED, 10: RED}, **row)

    def match(
        self, bindings: dict[int, UUID] | None, there: BridgePort | None = None, **row: Any
    ) -> None:
        rows = [physical_port("p0", bindings, **row)] if bindings is not None else []
        self.ports.match(rows, {"p0": there or port("p0", 1)})
        self.statistics.read_rows(self.ports)

    def pass_by(
        self, flow: FlowKey, producer: Cookie, binding: int, packets: int, octets: int
    ) -> None:
        last = self.flows.get(flow, Counter(0, 0, 0))
        cookie = cookie_of(producer, binding)
        self.flows[flow] = Counter(cookie, last.packets + packets, last.octets + octets)

    def come_in(
        self, packets: int = 1, octets: int = 60, binding: int = UNTAGGED, by: int = 1
    ) -> None:
        flow = FlowKey(Table.ADMISSION, 100, match({"in_port": by, "vlan_vid": binding & 0xFFF}))
        self.pass_by(flow, Cookie.ADMISSION, binding, packets, octets)

    def go_out(
        self, packets: int = 1, octets: int = 60, binding: int = UNTAGGED, tagged: int = 0
    ) -> None:
        producer = Cookie.EGRESS_FROM_TAGGED if tagged else Cookie.EGRESS
        flow = FlowKey(Table.EGRESS, 100, match({"reg1": binding, "reg4": tagged}))
        self.pass_by(flow, producer, binding, packets, octets)

    def read(self) -> None:
        self.statistics.count(dict(self.flows), self.ports)

    def told(self, vlan: int = 0) -> tuple[int, int, int, int] | None:
        """Return packets and bytes from the binding, then to it."""
        stats = self.statistics.rows.wanted.get((P0, vlan))
        if stats is None:
            return None
        return (
            stats.packets_from_local,
            stats.bytes_from_local,
            stats.packets_to_local,
            stats.bytes_to_local,
        )


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_what_comes_in_and_goes_out_is_counted_by_binding(bench: Bench) -> None:
    bench.come_in(3, 180)
    bench.go_out(2, 200)
    bench.come_in(1, 64, binding=TAGGED)
    bench.read()
    assert bench.told() == (3, 180, 2, 200)
    assert bench.told(10) == (1, 64, 0, 0)


def test_counters_of_others_are_of_no_binding(bench: Bench) -> None:
    """The number in a cookie is that of a binding for some producers only."""
    bench.pass_by(FlowKey(Table.UNICAST, 100, ()), Cookie.UNICAST, UNTAGGED, 5, 500)
    bench.come_in(3, 180)
    bench.read()
    assert bench.told() == (3, 180, 0, 0)


def test_only_counters_that_changed_are_added(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.come_in(3, 180)
    bench.come_in(1, 64, binding=TAGGED)
    bench.read()
    asked: list[int] = []
    found = bench.ports.numbered

    def asking(number: int) -> Binding | None:
        asked.append(number)
        return found(number)

    monkeypatch.setattr(bench.ports, "numbered", asking)
    bench.read()
    assert asked == []
    bench.come_in(1, 60)
    bench.read()
    assert asked == [UNTAGGED]
    assert bench.told() == (4, 240, 0, 0)
    assert bench.told(10) == (1, 64, 0, 0)


def test_a_binding_that_comes_back_is_counted_though_nothing_came_by(bench: Bench) -> None:
    bench.come_in(3, 180)
    bench.come_in(1, 64, binding=TAGGED)
    bench.read()
    bench.match({0: RED})
    bench.match({0: RED, 10: RED})
    bench.read()
    assert bench.told(10) == (1, 64, 0, 0)


def test_readings_do_not_add_up(bench: Bench) -> None:
    bench.come_in(3, 180)
    bench.read()
    bench.read()
    bench.come_in(1, 60)
    bench.read()
    assert bench.told() == (4, 240, 0, 0)


def test_several_flows_of_a_binding_count_together(bench: Bench) -> None:
    bench.come_in(1, 60, by=1)
    bench.come_in(2, 120, by=2)
    bench.go_out(1, 60)
    bench.go_out(1, 64, tagged=1)
    bench.read()
    assert bench.told() == (3, 180, 2, 120)


def test_bytes_are_those_on_the_wire_of_the_binding(bench: Bench) -> None:
    bench.go_out(1, 64, tagged=1)
    bench.go_out(1, 60, binding=TAGGED)
    bench.go_out(1, 64, binding=TAGGED, tagged=1)
    bench.read()
    assert bench.told() == (0, 0, 1, 60)
    assert bench.told(10) == (0, 0, 2, 128)


def test_a_switch_that_lost_its_flows_counts_on(bench: Bench) -> None:
    bench.come_in(3, 180)
    bench.go_out(1, 60)
    bench.read()
    bench.flows.clear()
    bench.statistics.reset()
    bench.come_in(2, 120)
    bench.read()
    assert bench.told() == (5, 300, 1, 60)


def test_a_flow_that_was_added_again_does_not_count_the_others_twice(bench: Bench) -> None:
    bench.come_in(10, 600)
    bench.go_out(10, 600)
    bench.read()
    (egress,) = (flow for flow in bench.flows if flow.table == Table.EGRESS)
    del bench.flows[egress]
    bench.go_out(1, 60)
    bench.read()
    assert bench.told() == (10, 600, 11, 660)


def test_a_member_that_leaves_a_bond_takes_nothing_along(bench: Bench) -> None:
    bench.come_in(6, 360, by=1)
    bench.come_in(4, 240, by=2)
    bench.read()
    (gone,) = (flow for flow in bench.flows if dict(flow.match)["in_port"] == 2)
    del bench.flows[gone]
    bench.come_in(1, 60, by=1)
    bench.read()
    assert bench.told() == (11, 660, 0, 0)


def test_a_flow_that_we_replaced_counts_from_zero_however_much_it_counts(bench: Bench) -> None:
    bench.come_in(10, 600)
    bench.read()
    (admission,) = bench.flows
    del bench.flows[admission]
    bench.statistics.replaced(admission)
    bench.come_in(15, 900)
    bench.read()
    assert bench.told() == (25, 1500, 0, 0)


def test_a_new_process_goes_on_with_what_the_flows_count() -> None:
    bench = Bench(vlan_stats={0: BindingStats(3, 180, 1, 60)})
    assert bench.told() == (3, 180, 1, 60)
    bench.come_in(4, 240)
    bench.go_out(1, 60)
    bench.read()
    assert bench.told() == (4, 240, 1, 60)


def test_a_new_process_tells_no_less_than_the_former_one_did() -> None:
    bench = Bench(vlan_stats={0: BindingStats(100, 6000, 1, 60)})
    bench.come_in(4, 240)
    bench.read()
    assert bench.told() == (100, 6000, 1, 60)
    bench.come_in(1, 60)
    bench.read()
    assert bench.told() == (101, 6060, 1, 60)


def test_a_new_logical_switch_of_a_vlan_begins_at_zero(bench: Bench) -> None:
    bench.come_in(3, 180)
    bench.read()
    bench.match({0: BLUE, 10: RED})
    bench.flows.clear()
    bench.come_in(2, 120)
    bench.read()
    assert bench.told() == (2, 120, 0, 0)


def test_a_binding_that_goes_takes_its_row_along(bench: Bench) -> None:
    bench.come_in(3, 180)
    bench.come_in(1, 60, binding=TAGGED)
    bench.read()
    bench.match({10: RED})
    assert bench.told() is None
    assert bench.told(10) == (1, 60, 0, 0)
    bench.match(None)
    assert bench.told(10) is None


def test_a_row_that_says_so_already_is_not_written(bench: Bench) -> None:
    bench.come_in(3, 180)
    bench.read()
    assert len(list(bench.statistics.rows.differences())) == 1
    bench.match({0: RED, 10: RED}, vlan_stats={0: BindingStats(3, 180, 0, 0)})
    bench.read()
    assert bench.statistics.rows.settled()


def test_rows_of_bindings_that_are_no_more_are_removed() -> None:
    bench = Bench({10: RED}, vlan_stats={0: BindingStats(3, 180, 0, 0)})
    assert [each.want for each in bench.statistics.rows.differences()] == [None]


def test_flows_of_unknown_bindings_do_not_count(bench: Bench) -> None:
    bench.come_in(3, 180, binding=0x7000)
    bench.read()
    assert bench.statistics.rows.wanted == {}


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("in"), st.integers(1, 2), st.sampled_from([UNTAGGED, TAGGED])),
        st.tuples(st.just("out"), st.integers(0, 1), st.sampled_from([UNTAGGED, TAGGED])),
        st.tuples(st.just("read")),
        st.tuples(st.just("replace"), st.integers(0, 3)),
        st.tuples(st.just("lose all")),
    )
)


@given(STEPS)
def test_nothing_is_lost_or_counted_twice_between_readings(steps: list[Any]) -> None:
    """Flows end in any way, between two readings without a frame."""
    bench = Bench()
    packets = {(way, binding): 0 for way in ("in", "out") for binding in (UNTAGGED, TAGGED)}
    for name, *arguments in steps:
        if name == "in":
            by, binding = arguments
            bench.come_in(binding=binding, by=by)
            packets["in", binding] += 1
        elif name == "out":
            tagged, binding = arguments
            bench.go_out(binding=binding, tagged=tagged)
            packets["out", binding] += 1
        else:
            bench.read()
        if name == "replace" and bench.flows:
            del bench.flows[list(bench.flows)[arguments[0] % len(bench.flows)]]
            bench.read()
        elif name == "lose all":
            bench.flows.clear()
            bench.statistics.reset()
    bench.read()
    for vlan, binding in ((0, UNTAGGED), (10, TAGGED)):
        told = bench.told(vlan) or (0, 0, 0, 0)
        assert (told[0], told[2]) == (packets["in", binding], packets["out", binding])
