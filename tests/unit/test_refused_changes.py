"""What a switch refused: left out for a while, and tried again."""

from vtep_ofapp.loop.refused_changes import LONGEST_PAUSE, Refusals, beyond
from vtep_ofapp.pipeline import learning, unicast
from vtep_ofapp.values.flow_changes import FlowChange, GroupChange
from vtep_ofapp.values.flows import Flow, Group

from .builders import FAR, MAC1, MAC2


def put(flow: Flow) -> FlowChange:
    return FlowChange(flow.key, flow)


ONE, TWO = put(unicast.remote(7, MAC1, FAR)), put(unicast.remote(7, MAC2, FAR))
OTHER = put(learning.unknown())
GROUPS = [GroupChange(id, Group(id, ()), exists=False) for id in (1, 2)]


def test_what_was_refused_is_left_out_until_it_is_tried_again() -> None:
    refusals = Refusals()
    assert ONE not in refusals
    assert not refusals
    refusals.add([ONE, GROUPS[0]])
    assert ONE in refusals
    assert TWO not in refusals
    assert refusals.where() == ["groups", "table 60 (UNICAST)"]
    assert refusals.numbers() == "1 of groups, 1 of table 60 (UNICAST)"
    assert refusals.take_pause() == 1
    refusals.begin_to_try([ONE, TWO])
    assert ONE not in refusals
    assert refusals.where() == ["table 60 (UNICAST)"]
    refusals.made([ONE])
    assert refusals.where() == []


def test_the_pause_grows_up_to_a_bound_and_begins_again_when_all_was_made() -> None:
    refusals = Refusals()
    pauses = []
    for _ in range(9):
        refusals.add([ONE])
        pauses.append(refusals.take_pause())
        refusals.begin_to_try([ONE])
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, LONGEST_PAUSE]
    refusals.made([ONE])
    refusals.add([ONE])
    assert refusals.take_pause() == 1


def test_what_nobody_wants_any_more_is_no_refusal() -> None:
    refusals = Refusals()
    refusals.add([ONE])
    refusals.begin_to_try([TWO])
    assert refusals.where() == []


def test_behind_a_flow_that_found_its_table_full_others_would_find_it_so() -> None:
    gone = FlowChange(TWO.key, None)
    assert beyond(ONE, [OTHER, ONE, TWO, gone, OTHER], known=[]) == [TWO]
    assert beyond(ONE, [TWO, ONE], known=[]) == []
    assert beyond(ONE, [ONE, TWO], known=[TWO.key]) == []
    assert beyond(GROUPS[0], [*GROUPS, ONE], known=[]) == [GROUPS[1]]
