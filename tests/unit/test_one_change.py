"""A transaction is one change: no state between two of them is ever acted on.

Random transactions go through the real reader of hardware_vtep into the loop, as messages of a
server, cut at any place. At any time the switch, the faults and what is written are those of a new
reader that gets all rows as they were between two transactions.
"""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vtep_ofapp.ovsdb import replaced

from .builders import BROADCAST, FAR, FURTHER, MAC1, MAC2, MAC3
from .one_change import ADDRESSES, Application, Flood, Storm, cut_anywhere, whole
from .vtep_contents import begin


@pytest.fixture(autouse=True, scope="module")
def damaged_rows_are_errors() -> None:
    replaced.install()


NAMES = st.sampled_from(["red", "red", "blue"])
SLOTS = st.integers(0, 5)
MACS = st.sampled_from([MAC1, MAC1, MAC2, MAC3, "bad"])
OF = st.sampled_from(ADDRESSES)
KEYS = st.sampled_from([5001, 5001, 5002, None])
OPERATIONS = st.one_of(
    st.tuples(st.just("replace_flood"), SLOTS.map(lambda slot: slot % 2)),
    st.tuples(st.just("replace_mac"), SLOTS),
    st.tuples(st.just("replace_switch"), NAMES),
    st.tuples(
        st.just("put_flood"), SLOTS.map(lambda slot: slot % 2), NAMES, st.frozensets(OF, min_size=1)
    ),
    st.tuples(st.just("put_mac"), SLOTS, MACS, NAMES, OF),
    st.tuples(st.just("bind"), st.sampled_from([0, 10]), NAMES | st.none()),
    st.tuples(st.just("drop_mac"), SLOTS),
    st.tuples(st.just("drop_flood"), SLOTS.map(lambda slot: slot % 2)),
    st.tuples(st.just("put_switch"), NAMES, KEYS),
    st.tuples(st.just("drop_switch"), NAMES),
)
LISTS = st.sampled_from(["web", "mail"])
DENIED = st.frozensets(st.sampled_from([22, 25, 80, 443]), min_size=1)
OF_LISTS = st.one_of(
    st.tuples(st.just("put_list"), LISTS, DENIED),
    st.tuples(st.just("replace_list"), LISTS),
    st.tuples(st.just("bind_list"), st.sampled_from([0, 10]), LISTS | st.none()),
)
OPERATIONS |= OF_LISTS | OF_LISTS
TRANSACTIONS = st.lists(OPERATIONS, min_size=1, max_size=6)
SIZES = st.tuples(*[st.integers(1, 3)] * 5)
WAYS = st.sampled_from(["told", "told", "told", "at once", "reconnect", "malformed"])


@given(
    script=st.lists(st.tuples(WAYS, TRANSACTIONS), min_size=1, max_size=6),
    seed=st.integers(0, 1 << 32),
    sizes=SIZES,
)
@settings(max_examples=settings().max_examples // 2)
def test_no_state_between_two_transactions_is_acted_on(
    script: list[tuple[Any, Any]], seed: int, sizes: tuple[int, ...]
) -> None:
    contents = begin()
    tables = contents.tables()
    states = [whole(tables)]
    application = Application()
    application.start(tables)
    storm = Storm(application, states, random.Random(seed))
    with cut_anywhere(sizes, storm.let_others_run):
        for way, operations in script:
            former = tables
            for name, *arguments in operations:
                getattr(contents, name)(*arguments)
            tables = contents.tables()
            states.append(whole(tables))
            storm.happen(way, former, tables)
        storm.calm_down()
    final = states[-1]
    assert application.state() == (final.flows, final.groups, final.faults)


FLOODED = st.one_of(
    st.tuples(st.just("replace_flood"), st.just(0)),
    st.tuples(st.just("put_flood"), st.just(0), st.just("red"), st.frozensets(OF, min_size=1)),
    st.tuples(st.just("replace_mac"), st.just(0)),
    st.tuples(st.just("put_mac"), st.just(0), st.just(MAC1), st.just("red"), OF),
    st.tuples(st.just("replace_switch"), st.just("blue")),
    st.tuples(st.just("put_mac"), st.integers(1, 5), st.just(MAC2), NAMES, OF),
    st.tuples(st.just("drop_mac"), st.integers(1, 5)),
)


@given(
    script=st.lists(
        st.tuples(WAYS, st.lists(FLOODED, min_size=1, max_size=6)), min_size=1, max_size=6
    ),
    seed=st.integers(0, 1 << 32),
    sizes=SIZES,
)
@settings(max_examples=settings().max_examples // 2)
def test_what_always_has_somewhere_to_go_goes_there_while_tunnels_come_and_go(
    script: list[tuple[Any, Any]], seed: int, sizes: tuple[int, ...]
) -> None:
    """Whatever is replaced by what: frames to all and to a station leave by one tunnel each."""
    contents = begin()
    tables = contents.tables()
    application = Application()
    application.start(tables, {FAR, FURTHER})
    storm = Flood(application, contents, random.Random(seed))
    with cut_anywhere(sizes, storm.let_others_run):
        for way, operations in script:
            former = tables
            for name, *arguments in operations:
                getattr(contents, name)(*arguments)
            tables = contents.tables()
            storm.named(contents)
            storm.happen(way, former, tables)
        storm.calm_down()
    assert storm.places(MAC1) == {contents.macs[0][3]}
    assert storm.places(BROADCAST) <= contents.floods[0][3]
