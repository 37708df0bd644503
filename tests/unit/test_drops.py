"""Why frames are dropped, and how many."""

import pytest
from hypothesis import given

from vtep_ofapp.features.drops import Dropped, Drops
from vtep_ofapp.pipeline import (
    admission,
    drops,
    egress,
    learning,
    next_hops,
    routing,
    snooping,
    tunnels,
)
from vtep_ofapp.pipeline.drops import Reason, reason
from vtep_ofapp.pipeline.layout import DROPPING, Cookie, Table, producer_of
from vtep_ofapp.values.counters import Counter
from vtep_ofapp.values.flows import Flow

from .builders import FAR, MAC1, binding
from .produced import FLOWS

BOUND = binding("p0", ofport=1, vlan=0)
(UNBOUND,) = (flow for flow in drops.misses() if flow.key.table == Table.ADMISSION)
TAGS = tunnels.inner_tags()


def read(of: Drops, **counts: int) -> None:
    """Let the flows of the bridge have counted frames of 60 bytes; names are those of FLOWS_OF."""
    found = {}
    for name, packets in counts.items():
        flow = FLOWS_OF[name]
        found[flow.key] = Counter(flow.cookie, packets, 60 * packets)
    of.count(found)


FLOWS_OF = {
    "unbound": UNBOUND,
    "tag": TAGS[0],
    "other_tag": TAGS[1],
    "unnamed": tunnels.unnamed(33),
    "bound": admission.bound(BOUND, 7)[0],
}


def packets(of: Drops) -> dict[Reason, int]:
    return {why: dropped.packets for why, dropped in of.by_reason.items() if dropped.packets}


@given(FLOWS)
def test_a_flow_without_actions_has_a_reason_and_a_cookie_for_it(flow: Flow) -> None:
    has_reason = reason(flow.key, flow.cookie) is not None
    assert has_reason == (producer_of(flow.cookie) in DROPPING)
    if has_reason:
        assert not flow.actions
    elif not flow.actions:
        # Other copies have been made, or it is one for the controller.
        is_end = flow.key.table in (Table.REMOTE_FLOODING, Table.SHOWING)
        is_of_list = producer_of(flow.cookie) is Cookie.ACLS  # it counts for its list
        assert (
            is_end or is_of_list or {field for field, _ in flow.key.match} == {"reg0", "reg1"}
        )  # split horizon


def test_every_reason_has_a_flow() -> None:
    flows = (
        *drops.misses(),
        *TAGS,
        *learning.unlearnable(),
        admission.link_local(),
        *routing.tables(),
        *routing.interface(3, 7, MAC1, serves_tunnels=False),
        *routing.broadcasts(3, [FAR]),
        *snooping.claims(7, FAR),
        next_hops.pending(7, FAR),
        tunnels.unnamed(33),
        tunnels.decapsulation_of_contested(FAR, 33),
    )
    assert {reason(flow.key, flow.cookie) for flow in flows} - {None} == set(Reason)


@pytest.mark.parametrize("flow", [learning.unknown(), *egress.bound(BOUND, 7)])
def test_other_flows_have_none(flow: Flow) -> None:
    assert reason(flow.key, flow.cookie) is None


def test_frames_are_counted_by_their_reason() -> None:
    of = Drops()
    assert packets(of) == {}
    read(of, unbound=3, tag=1, other_tag=2, unnamed=0, bound=7)
    assert packets(of) == {Reason.NOT_BOUND: 3, Reason.INNER_TAG: 3}
    assert of.by_reason[Reason.NOT_BOUND] == Dropped(3, 180)
    read(of, unbound=5, tag=1, other_tag=3, unnamed=4, bound=8)
    assert packets(of) == {Reason.NOT_BOUND: 5, Reason.INNER_TAG: 4, Reason.UNKNOWN_SENDER: 4}


def test_the_sums_never_decrease() -> None:
    of = Drops()
    read(of, unbound=5, unnamed=4)
    read(of, unbound=5)  # the logical switch of that VNI is bound no longer
    assert packets(of) == {Reason.NOT_BOUND: 5, Reason.UNKNOWN_SENDER: 4}
    read(of, unbound=2, unnamed=1)  # the switch has restarted
    assert packets(of) == {Reason.NOT_BOUND: 7, Reason.UNKNOWN_SENDER: 5}
    of.put(UNBOUND.key)  # the flow was put back
    read(of, unbound=2, unnamed=1)
    assert packets(of) == {Reason.NOT_BOUND: 9, Reason.UNKNOWN_SENDER: 5}
