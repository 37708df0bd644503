"""What goes into one bundle, and where very many changes are cut."""

from collections.abc import Iterable, Sequence

from hypothesis import given
from hypothesis import strategies as st

from vtep_ofapp.pipeline import learning, tunnels, unicast
from vtep_ofapp.pipeline.layout import LOGICAL_SWITCH, Table
from vtep_ofapp.values.flow_changes import Change, FlowChange, GroupChange, in_one_bundle
from vtep_ofapp.values.flows import FlowKey, Group

from .builders import FAR, MULTICAST


def of_station(number: int, is_there: bool) -> list[FlowChange]:
    """Return what a station asks for: two flows, or none any more."""
    mac = f"02:00:00:00:00:{number:02x}"
    flows = learning.known(0x1000, 7, mac, 300), unicast.local(0x1000, 7, mac)
    return [FlowChange(flow.key, flow if is_there else None) for flow in flows]


def changes(
    new_groups: Sequence[int] = (),
    new: Sequence[int] = (),
    stations: Iterable[tuple[int, bool]] = (),
    gone: Sequence[int] = (),
    gone_groups: Sequence[int] = (),
) -> list[Change]:
    """Return changes in the order in which a session names them."""
    flows = [tunnels.outgoing(FAR, number) for number in (*new, *gone)]
    assert len(new) + len(gone) <= 1
    return [
        *(GroupChange(number, Group(number, ()), exists=False) for number in new_groups),
        *(FlowChange(flow.key, flow if new else None) for flow in flows),
        *(change for station in stations for change in of_station(*station)),
        *(GroupChange(number, None, exists=True) for number in gone_groups),
    ]


def bundles(every: Iterable[Change], most: int) -> list[list[Change]]:
    """Return all bundles that it takes."""
    rest, found = list(every), []
    while rest:
        found.append(in_one_bundle(rest, most))
        assert found[-1]
        rest = [change for change in rest if change not in found[-1]]
    return found


def test_all_is_one_bundle_in_the_given_order() -> None:
    every = changes([1], [9], [(1, False), (2, True)], gone_groups=[2])
    assert in_one_bundle(every, len(every)) == every
    assert in_one_bundle([], 1) == []


def test_what_is_new_comes_first_and_what_goes_comes_last() -> None:
    every = changes([1], [], [(1, False), (2, True)], [9], [2])
    assert bundles(every, 3) == [
        [every[0], *of_station(2, True)],
        [*of_station(1, False), every[1]],
        [every[-1]],
    ]


def test_what_is_about_a_station_is_not_cut() -> None:
    for most in (1, 2, 3):
        assert bundles(changes(stations=[(1, True), (2, True)]), most) == [
            of_station(1, True),
            of_station(2, True),
        ]


def test_a_group_of_stations_is_none() -> None:
    flow = unicast.local(0x1000, 7, MULTICAST)
    first = FlowChange(flow.key, flow)
    assert bundles([*of_station(1, True), first], 2) == [[first], of_station(1, True)]


@given(
    groups=st.integers(0, 5),
    stations=st.dictionaries(st.integers(0, 30), st.booleans()),
    gone=st.integers(0, 5),
    most=st.integers(1, 12),
)
def test_every_change_is_made_once_and_no_bundle_is_too_large(
    groups: int, stations: dict[int, bool], gone: int, most: int
) -> None:
    every = changes(range(groups), [9], stations.items(), gone_groups=range(100, 100 + gone))
    found = bundles(every, most)
    assert sorted(map(str, every)) == sorted(str(each) for bundle in found for each in bundle)
    assert all(len(bundle) <= max(most, 2) for bundle in found)


def whole_of(key: FlowKey) -> object:
    """Return the logical switch of a flow of UNICAST, whose flows are not to be cut."""
    fields = dict(key.match)
    return fields.get(LOGICAL_SWITCH) if key.table == Table.UNICAST else None


def test_wholes_are_not_cut_and_come_before_what_relies_on_them_and_go_after_it() -> None:
    begun, ended = (
        [unicast.remote(number, f"02:00:00:00:01:{host:02x}", FAR) for host in range(4)]
        for number in (1, 2)
    )
    new, old = tunnels.outgoing(FAR, 9), tunnels.incoming(FAR, 9)
    every: list[Change] = [
        GroupChange(1, Group(1, ()), exists=False),
        FlowChange(new.key, new),
        FlowChange(old.key, None),
        *(FlowChange(flow.key, None) for flow in ended),
        *(FlowChange(flow.key, flow) for flow in begun[1:]),
        FlowChange(begun[0].key, None),
    ]
    rest, found = every, []
    while rest:
        found.append(in_one_bundle(rest, 2, whole_of))
        rest = [change for change in rest if change not in found[-1]]
    assert found == [every[7:], every[:2], [every[2]], every[3:7]]
