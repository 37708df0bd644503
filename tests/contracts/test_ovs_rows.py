"""The ovs library tells of rows where we listen, and says of damaged ones what we look for."""

import logging
from typing import Any
from uuid import UUID

import pytest
from ovs.db import idl

from tests.unit.ovsdb_server import LEADER, LOCATION, TRANSACTION, ServerDouble
from vtep_ofapp.ovsdb import idl_errors, replaced
from vtep_ofapp.ovsdb.committed import members, only
from vtep_ofapp.ovsdb.errors import Malformed
from vtep_ofapp.ovsdb.json_stream import Connection
from vtep_ofapp.ovsdb.replica import Replica

MONITORS = ["monitor", "monitor_cond_since"]
"""The two ways to ask for rows that the library uses: of RFC 7047, and of ovsdb-server(7)."""
ONE, OTHER = (f"00000000-0000-4000-8000-00000000000{number}" for number in (1, 2))
NOTHING = "00000000-0000-0000-0000-000000000000"
"""The transaction before all others."""
SCHEMA = {
    "name": "hardware_vtep",
    "version": "1.0.0",
    "tables": {
        "Manager": {"columns": {"target": {"type": "string"}}},
        "Global": {
            "columns": {
                "managers": {"type": {"key": {"type": "uuid", "refTable": "Manager"}, "min": 0}}
            }
        },
    },
}


class Bulk(list[Any]):
    """A table whose rows the library does not get: the updates of it."""

    def add(self, updates: Any) -> None:
        self.append(updates)


class Listener:
    """Takes notes of what a replica tells."""

    def __init__(self) -> None:
        self.bulk = {"Ucast_Macs_Remote": Bulk()}
        self.told: list[tuple[str, str, bool]] = []
        self.cleared_before: list[int] = []
        self.work = 0

    def noticed(self, table: str, row: Any, gone: bool) -> None:
        self.told.append((table, row.target if table == "Manager" else "", gone))

    def cleared(self) -> None:
        self.cleared_before.append(len(self.told))

    def worked(self) -> None:
        self.work += 1


class Conversation:
    """A replica and a server that knows one of the ways to ask for rows."""

    def __init__(self, monitor: str) -> None:
        replaced.install()
        self.listener = Listener()
        helper = idl.SchemaHelper(None, SCHEMA)
        helper.register_all()
        self.replica = Replica(LOCATION, helper, self.listener)
        about = {**LEADER, "schema": "{}", "index": 7} if monitor != "monitor" else None
        self.server = ServerDouble(self.replica.session, monitor, about)
        self._is_first_version = monitor == "monitor"

    def go_on(self) -> None:
        self.replica.run()
        while self.server.has_more:
            self.replica.run()

    def since(self) -> list[str]:
        """Return the transactions since which the server was asked for changes."""
        requests = (each for each in self.server.asked if each.method == "monitor_cond_since")
        return [each.params[3] for each in requests]

    def rows(self, **targets: str) -> dict[str, Any]:
        """Return the table updates that tell of new rows, and of one in bulk."""
        kind = "new" if self._is_first_version else "initial"
        rows = {
            ONE if name == "one" else OTHER: {kind: {"target": targets[name]}} for name in targets
        }
        return {"Ucast_Macs_Remote": {ONE: {kind: {}}}, "Manager": rows}

    def update(self, former: str | None, target: str | None) -> dict[str, Any]:
        """Return the update of a row."""
        if self._is_first_version:
            told = {"old": former, "new": target}
            return {key: {"target": value} for key, value in told.items() if value is not None}
        if target is None:
            return {"delete": None}
        return {"modify" if former is not None else "insert": {"target": target}}

    def tell(self, former: str | None, target: str | None) -> None:
        self.server.tell({"Manager": {ONE: self.update(former, target)}})
        self.go_on()


@pytest.fixture(params=MONITORS)
def conversation(request: pytest.FixtureRequest) -> Conversation:
    return Conversation(request.param)


@pytest.fixture
def newest() -> Conversation:
    return Conversation(MONITORS[-1])


def test_rows_are_told_one_by_one(conversation: Conversation) -> None:
    conversation.server.rows = conversation.rows(one="a")
    conversation.go_on()
    conversation.tell("a", "b")
    conversation.tell("b", None)
    listener = conversation.listener
    assert listener.told == [
        ("Manager", each, each == "b" and n == 2) for n, each in enumerate("abb")
    ]
    assert listener.work >= 3
    assert conversation.replica.is_monitoring


def test_what_is_looked_up_for_each_row_is_an_attribute(newest: Conversation) -> None:
    """The library has it elsewhere, and searches twice for it: a third of the time of a row."""
    for table in newest.replica.tables.values():
        assert "name" in vars(table)
        assert all({"name", "type"} <= vars(each).keys() for each in table.columns.values())


def test_columns_are_read_as_the_server_sent_them(conversation: Conversation) -> None:
    manager = {"Manager": {ONE: conversation.update(None, "a")}}
    conversation.server.rows = {
        **manager,
        "Global": {OTHER: _with_managers(conversation, ["set", [["uuid", ONE]]])},
    }
    conversation.go_on()
    tables = conversation.replica.tables
    row, named = tables["Global"].rows[UUID(OTHER)], tables["Manager"].rows[UUID(ONE)]
    assert members(row, "managers") == [named.uuid] == [each.uuid for each in row.managers]
    assert only(named, "target") == named.target == "a"


def test_columns_that_were_not_sent_are_empty(newest: Conversation) -> None:
    newest.server.rows = {"Global": {ONE: {"insert": {}}}}
    newest.go_on()
    row = newest.replica.tables["Global"].rows[UUID(ONE)]
    assert (members(row, "managers"), only(row, "managers")) == ([], None)
    assert row.managers == []


def _with_managers(conversation: Conversation, managers: Any) -> dict[str, Any]:
    update = conversation.update(None, "a")
    return {kind: {"managers": managers} for kind in update}


def test_rows_in_bulk_are_ours_alone(conversation: Conversation) -> None:
    """The library would call the table unknown, because its schema does not have it."""
    conversation.server.rows = conversation.rows(one="a")
    conversation.go_on()
    conversation.server.tell(conversation.rows(other="b"))
    conversation.go_on()
    (bulk,) = conversation.listener.bulk.values()
    assert [list(updates) for updates in bulk] == [[ONE], [ONE]]
    assert [target for _, target, _ in conversation.listener.told] == ["a", "b"]


def test_the_end_of_what_was_known_is_told_before_the_rows(conversation: Conversation) -> None:
    conversation.server.rows = conversation.rows(one="a")
    for _ in range(2):
        conversation.server.connect()
        conversation.go_on()
    assert conversation.listener.cleared_before == [0, 1]
    assert set(map(str, conversation.replica.tables["Manager"].rows)) == {ONE}


def test_what_changed_while_we_were_away_is_told_alone(newest: Conversation) -> None:
    newest.server.rows = newest.rows(one="a")
    newest.go_on()
    assert newest.replica.last_id == TRANSACTION
    newest.server.knows_what_was_told = True
    newest.server.rows = {"Manager": {OTHER: {"insert": {"target": "b"}}}}
    newest.server.connect()
    newest.go_on()
    assert newest.listener.cleared_before == [0]
    assert set(map(str, newest.replica.tables["Manager"].rows)) == {ONE, OTHER}
    assert newest.since() == [NOTHING, TRANSACTION]


def test_a_restored_database_is_read(newest: Conversation) -> None:
    """Its index is lower than before; the library does not hear of it."""
    newest.go_on()
    assert newest.replica.is_monitoring
    requests = [each for each in newest.server.asked if "_Server" in (each.params or [])[:1]]
    (columns,) = (
        table["columns"]
        for each in requests
        if each.method != "get_schema"
        for (table,) in each.params[2].values()
    )
    assert {"name", "model", "leader"} <= set(columns)
    assert "index" not in columns


def test_a_canceled_monitor_ends_the_connection(conversation: Conversation) -> None:
    conversation.go_on()
    conversation.server.notify("monitor_canceled", "x")
    conversation.go_on()
    conversation.replica.run()
    assert conversation.replica.session.rpc is None


def test_a_server_is_not_asked_for_changes_since_nothing(newest: Conversation) -> None:
    newest.go_on()
    newest.replica.last_id = None  # type: ignore[assignment]  # as a malformed update sets it
    newest.server.connect()
    newest.go_on()
    assert newest.since() == [NOTHING, NOTHING]


# What the library says


DAMAGED = {
    "no object": 5,
    "no rows": {"Manager": 5},
    "no table of ours": {"Another": {ONE: {}}},
    "no UUID": {"Manager": {"x": {}}},
    "no update": {"Manager": {ONE: 5}},
    "nothing in it": {"Manager": {ONE: {}}},
}


@pytest.mark.parametrize("updates", DAMAGED.values(), ids=DAMAGED)
def test_updates_that_are_none_are_damage(conversation: Conversation, updates: Any) -> None:
    conversation.go_on()
    conversation.server.tell(updates)
    with pytest.raises(Malformed):
        conversation.go_on()


@pytest.mark.parametrize(
    "changes",
    [[("a", "b")], [("a", None)], [(None, "a"), (None, "b")]],
    ids=["new", "gone", "twice"],
)
def test_updates_that_do_not_fit_the_rows_are_damage(
    conversation: Conversation, changes: list[tuple[str | None, str | None]]
) -> None:
    conversation.go_on()
    *before, last = changes
    for each in before:
        conversation.tell(*each)
    with pytest.raises(Malformed):
        conversation.tell(*last)


@pytest.mark.parametrize("former", [None, "a"])
@pytest.mark.parametrize(
    "row", [{"another": 5}, {"target": ["set", [1, 2]]}], ids=["name", "value"]
)
def test_columns_that_cannot_be_read_are_damage(
    conversation: Conversation, former: str | None, row: dict[str, Any]
) -> None:
    conversation.go_on()
    if former:
        conversation.tell(None, former)
    update = conversation.update(former, "b")
    update = {key: row if value == {"target": "b"} else value for key, value in update.items()}
    conversation.server.tell({"Manager": {ONE: update}})
    with pytest.raises(Malformed):
        conversation.go_on()


def test_a_value_that_does_not_fit_its_column_is_not_written(newest: Conversation) -> None:
    newest.go_on()
    transaction = idl.Transaction(newest.replica)
    row = transaction.insert(newest.replica.tables["Manager"])
    with pytest.raises(Malformed):
        row.target = 5


def test_a_reply_to_a_transaction_that_is_none_is_damage(newest: Conversation) -> None:
    newest.go_on()
    transaction = idl.Transaction(newest.replica)
    transaction.insert(newest.replica.tables["Manager"]).target = "a"
    assert transaction.commit() == idl.Transaction.INCOMPLETE
    newest.server.reply(newest.server.asked[-1], "done")
    with pytest.raises(Malformed):
        newest.go_on()


@pytest.mark.parametrize(
    ("about", "reason"),
    [({"leader": False}, "is not cluster leader"), ({"connected": False}, "is disconnected")],
)
def test_a_failover_is_said_and_is_no_damage(
    newest: Conversation,
    caplog: pytest.LogCaptureFixture,
    about: dict[str, Any],
    reason: str,
) -> None:
    newest.go_on()
    with caplog.at_level(logging.INFO, "vtep_ofapp.databases"):
        newest.server.tell_of_itself(about)
        newest.go_on()
        newest.replica.run()
    (record,) = (each for each in caplog.records if reason in each.getMessage())
    assert record.levelno == logging.INFO
    assert newest.replica.session.rpc is None


def test_what_a_connection_got_wrongly_is_kept() -> None:
    replaced.install()

    class Stream:
        name = "pieces"

        def recv(self, size: int) -> tuple[int, bytes]:
            return 0, b"nonsense"

        def close(self) -> None: ...

    connection = Connection(Stream())
    connection.recv()
    assert "error parsing stream" in str(idl_errors.nonsense("pieces"))
