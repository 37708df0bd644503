"""Values as a record has them: they come back as they were, and nothing else does."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, get_args
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vtep_ofapp.process.tls_files import Tls
from vtep_ofapp.recording.codec import Decoder, Encoder, Unreadable, classes, names_of
from vtep_ofapp.recording.contents import UNIONS, BundleAnswered, Header
from vtep_ofapp.values.events import Applied, Connection, Event, ReadBack, VtepRows
from vtep_ofapp.values.flows import Flow, Group
from vtep_ofapp.values.rows import Gone, LogicalSwitch, VtepRow

from .builders import RED, logical_switch
from .doubles import ConnectionDouble

CONNECTIONS = [ConnectionDouble(), ConnectionDouble()]
NAMES = {kind.__name__: names_of(kind) for kind in classes(Event, UNIONS)}


def sequences(hint: Any) -> st.SearchStrategy[Any]:
    return st.lists(st.from_type(get_args(hint)[0]), max_size=3).map(tuple)


def mappings(hint: Any) -> st.SearchStrategy[Any]:
    return st.dictionaries(*map(st.from_type, get_args(hint)), max_size=3)


def rows(hint: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(UNIONS[VtepRow]).flatmap(st.from_type)


st.register_type_strategy(Sequence, sequences)
st.register_type_strategy(Mapping, mappings)
st.register_type_strategy(VtepRow, rows)
st.register_type_strategy(Connection, st.sampled_from(CONNECTIONS))
st.register_type_strategy(
    ReadBack,
    st.builds(
        ReadBack,
        flows=st.lists(st.from_type(Flow)).map(lambda flows: {flow.key: flow for flow in flows}),
        groups=st.dictionaries(st.integers(), st.from_type(Group)),
    ),
)


def encoder(pause: Callable[[], None] = lambda: None) -> Encoder:
    return Encoder(CONNECTIONS.index, pause)


def decoded(line: str, hint: Any = Event, names: Mapping[str, Sequence[str]] = NAMES) -> Any:
    return Decoder(UNIONS, CONNECTIONS.__getitem__, names).of(hint)(json.loads(line))


@pytest.mark.parametrize("kind", UNIONS[Event], ids=lambda kind: kind.__name__)
@given(data=st.data())
@settings(max_examples=max(10, settings().max_examples // 4))
def test_an_event_comes_back_as_it_was(kind: type, data: st.DataObject) -> None:
    event = data.draw(st.from_type(kind))
    line = encoder().line(event)
    assert "\n" not in line
    assert decoded(line) == event


def test_no_type_of_event_is_forgotten() -> None:
    kinds = {each.__name__ for each in Event.__subclasses__()} - {Applied.__name__}
    assert {each.__name__ for each in UNIONS[Event]} == kinds | {BundleAnswered.__name__}


def test_nothing_of_tls_is_in_a_record() -> None:
    found = classes(Event, UNIONS) | classes(Header, UNIONS)
    assert Tls not in found
    names = {name for kind in found for name in names_of(kind)}
    assert not {name for name in names if "ssl" in name or "cert" in name or "private" in name}


def test_very_many_values_are_encoded_with_pauses() -> None:
    pauses = []
    rows = [Gone(UUID(int=number)) for number in range(10_000)]
    encoder(lambda: pauses.append(1)).line(VtepRows(rows))
    assert len(pauses) >= 4


def test_what_is_no_value_is_not_encoded() -> None:
    with pytest.raises(TypeError, match="function cannot be recorded"):
        encoder().line({"events": [encoder]})


DAMAGED: list[Any] = [
    None,
    7,
    [],
    {},
    "LockIs",
    [["LockIs", True]],
    ["LockIs"],
    ["LockIs", 1],
    ["LockIs", True, True],
    ["Event"],
    ["VtepInSync", ["no UUID"]],
    ["VtepInSync", {}],
    ["VtepRows", [["LockIs", True]], False],
    ["VtepRows", [["Gone", 5]], False],
    ["Bridges", "", {"br0": ["Gone", ""]}, False],
    ["Bridges", "", [], False],
    ["Connected", 1, True, None],
    ["PacketIn", 0, 1, 1, [["reg0", [1, "a"]]], ""],
    ["PacketIn", 0, 1, 1, [], "no digits"],
    ["ReadBack", 0, [], [[1]]],
    ["Popen", ["sh"]],
    ["os.system", "sh"],
]


@pytest.mark.parametrize("value", DAMAGED, ids=json.dumps)
def test_what_is_no_event_is_refused(value: Any) -> None:
    with pytest.raises(Unreadable):
        decoded(json.dumps(value))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(sorted(NAMES)),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(), inner, max_size=2),
)


@given(kind=st.sampled_from(UNIONS[Event]), fields=st.lists(JSON, max_size=6))
def test_any_json_is_an_event_or_is_refused(kind: type, fields: list[Any]) -> None:
    with suppress(Unreadable):
        assert type(decoded(json.dumps([kind.__name__, *fields]))) is kind


def test_fields_are_found_by_their_names() -> None:
    names = {**NAMES, "LogicalSwitch": ["name", "source_node_replication", "uuid", "tunnel_key"]}
    line = json.dumps(["LogicalSwitch", "red", False, RED.hex, 5001])
    assert decoded(line, LogicalSwitch, names) == logical_switch(RED, 5001, name="red")


def test_a_field_that_this_version_does_not_know_is_named() -> None:
    names = {**NAMES, "LockIs": ["held", "since"]}
    with pytest.raises(Unreadable, match="this version knows no since of LockIs"):
        decoded('["LockIs", true, 5]', names=names)


def test_a_field_that_the_record_lacks_has_its_default() -> None:
    assert decoded('["VtepRows", []]', names={**NAMES, "VtepRows": ["rows"]}) == VtepRows(())
    with pytest.raises(Unreadable, match="the record lacks fields of LockIs"):
        decoded('["LockIs"]', names={**NAMES, "LockIs": []})
