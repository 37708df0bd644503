"""How a database is read and written; real servers are in other tests."""

import errno
import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from uuid import UUID

import pytest
from ovs.db import idl

from vtep_ofapp.ovsdb import reader, replaced
from vtep_ofapp.ovsdb.bulk import Bulk
from vtep_ofapp.ovsdb.client import Database
from vtep_ofapp.ovsdb.errors import Malformed, Unusable
from vtep_ofapp.ovsdb.hardware_vtep.remote_macs import RemoteMacs
from vtep_ofapp.ovsdb.reader import Reader
from vtep_ofapp.ovsdb.replica import Replica
from vtep_ofapp.ovsdb.schemas import NEEDED, Columns, Missing
from vtep_ofapp.ovsdb.writer import Writer
from vtep_ofapp.values.events import Committed, Event, VtepInSync

from .builders import uuid
from .ovsdb_server import LOCATION, ServerDouble

IN_SYNC = VtepInSync(frozenset())
TARGET = "tcp:192.0.2.1"
SCHEMA = {
    "name": "hardware_vtep",
    "version": "1.0.0",
    "tables": {"Manager": {"columns": {"target": {"type": "string"}}}},
}


class Tables:
    """One table, of whose rows the values are kept."""

    schema: ClassVar[str] = "hardware_vtep"
    columns: ClassVar[Columns] = {"Manager": {"target": NEEDED}}

    def __init__(self) -> None:
        self.bulk: Bulk = {"Ucast_Macs_Remote": RemoteMacs({})}
        self.targets: dict[UUID, tuple[str, str]] = {}

    def attach(self, tables: Mapping[str, Any], missing: Missing) -> None:
        self.tables = tables

    def forget(self) -> None:
        self.targets.clear()
        self.bulk["Ucast_Macs_Remote"].clear()

    def notice(self, table: str, row: Any, gone: bool) -> None:
        self.targets.pop(row.uuid, None)
        if not gone:
            self.targets[row.uuid] = table, row.target

    def take(self, more: bool) -> tuple[()]:
        return ()

    def in_sync(self) -> VtepInSync:
        return IN_SYNC

    def takes(self, write: object) -> bool:
        return True

    def perform(self, transaction: Any, writes: Sequence[Any]) -> None:
        for write in writes:
            transaction.insert(self.tables["Manager"]).target = write


class Conversation:
    """A reader of one table and its server."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.tables = Tables()
        self.reader = Reader(self.tables, self.events.append)
        helper = idl.SchemaHelper(None, SCHEMA)
        helper.register_all()
        self.replica = Replica(LOCATION, helper, self.reader)
        self.tables.attach(self.replica.tables, {})
        self.server = ServerDouble(self.replica.session)

    def go_on(self) -> None:
        self.reader.read_on(self.replica)
        while self.server.has_more:
            self.reader.read_on(self.replica)

    def manager(self, target: str = TARGET) -> dict[str, Any]:
        return {"Manager": {str(uuid(1)): {"new": {"target": target}}}}


@pytest.fixture
def conversation() -> Conversation:
    replaced.install()
    return Conversation()


def test_a_replica_makes_one_connection_each_time_it_is_asked_to() -> None:
    replica = Conversation().replica
    for _ in range(2):
        replica.connect(LOCATION)
        assert not replica.is_over
        replica.run()
        assert replica.is_over


def test_rows_are_told_when_all_are_read(conversation: Conversation) -> None:
    conversation.server.rows = conversation.manager()
    conversation.go_on()
    assert conversation.tables.targets == {uuid(1): ("Manager", TARGET)}
    assert conversation.events == [IN_SYNC]


def test_rows_in_bulk_are_not_the_replicas(conversation: Conversation) -> None:
    row: dict[str, Any] = {str(uuid(2)): {"new": {}}}
    conversation.server.rows = {**conversation.manager(), "Ucast_Macs_Remote": row}
    conversation.go_on()
    assert conversation.reader.is_behind
    assert conversation.tables.targets
    assert not conversation.events


def test_rows_of_a_new_connection_replace_those_of_the_former_one(
    conversation: Conversation,
) -> None:
    conversation.server.rows = conversation.manager()
    conversation.go_on()
    conversation.reader.finish()
    conversation.server.rows = {}
    conversation.server.connect()
    conversation.go_on()
    assert not conversation.tables.targets
    assert conversation.events == [IN_SYNC, IN_SYNC]


@pytest.mark.parametrize(
    "update",
    [
        {"Manager": 5},
        {"Manager": {"no UUID": {}}},
        {"Manager": {str(uuid(1)): {"new": {"target": ["set", [1, 2]]}}}},
        {"Manager": {str(uuid(1)): {"old": {"target": "x"}}}},
        {"Another": {str(uuid(1)): {"new": {"target": "x"}}}},
        {"Ucast_Macs_Remote": 5},
    ],
)
def test_damaged_rows_are_all_read_again(
    conversation: Conversation, update: dict[str, Any]
) -> None:
    conversation.go_on()
    conversation.server.tell(update)
    with pytest.raises(Malformed):
        conversation.go_on()
    conversation.replica.forget()
    conversation.server.tell(conversation.manager())
    conversation.go_on()
    assert conversation.events == [IN_SYNC]
    conversation.reader.finish()
    conversation.server.rows = conversation.manager()
    conversation.server.connect()
    conversation.go_on()
    assert conversation.tables.targets == {uuid(1): ("Manager", TARGET)}
    assert conversation.events == [IN_SYNC, IN_SYNC]


@pytest.mark.parametrize("rows", [5, [], "rows"])
def test_an_answer_without_rows_is_malformed(conversation: Conversation, rows: object) -> None:
    conversation.server.rows = rows
    with pytest.raises(Malformed):
        conversation.go_on()


@pytest.mark.parametrize("method", ["monitor", "lock"])
def test_a_request_that_the_server_refuses_is_not_waited_for(
    conversation: Conversation, method: str
) -> None:
    conversation.go_on()
    conversation.server.refuses = {method}
    conversation.replica.set_lock("vtep_ofapp")
    conversation.server.connect()
    with pytest.raises(Unusable, match="'error': 'no'"):
        conversation.go_on()


def test_a_transaction_does_not_wait_for_a_long_message_that_comes_in(
    conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation.go_on()
    ended: list[str | None] = []
    writer = Writer("hardware_vtep", conversation.tables, ended.append)
    session, server = conversation.replica.session, conversation.server
    receive = server.recv

    def receive_slowly() -> object:
        """Let others have their turn in the middle of a message."""
        assert session.is_receiving
        writer.put([TARGET])
        writer.advance(conversation.replica)
        return receive()

    monkeypatch.setattr(server, "recv", receive_slowly)
    session.recv()
    assert not session.is_receiving
    assert server.asked[-1].method == "transact"
    assert TARGET in str(server.asked[-1].params)
    assert not ended


def test_a_transaction_that_cannot_be_sent_ends_with_the_connection() -> None:
    """The server ended since we read last, and writing shows it first."""
    ended: list[str | None] = []
    conversation = Conversation()
    conversation.go_on()
    assert conversation.replica.is_monitoring
    writer = Writer("hardware_vtep", conversation.tables, ended.append)
    conversation.server.error_number = errno.EPIPE
    writer.put([TARGET])
    writer.advance(conversation.replica)
    assert conversation.replica.is_over
    assert (ended, writer.is_busy) == ([], True)
    writer.give_up("the connection ended")
    assert (ended, writer.is_busy) == (["the connection ended"], False)


def test_a_transaction_fails_while_the_database_is_away() -> None:
    posted: list[Event] = []
    database = Database("hardware_vtep", LOCATION, Tables(), posted.append)
    database.commit([TARGET])
    assert posted == [Committed("hardware_vtep", "it is away")]
    assert not database.is_writing


def test_transactions_join_those_whose_rows_wait_but_not_for_long(
    conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    (waiting,) = conversation.tables.bulk.values()
    assert conversation.reader.may_read_on()
    waiting.add({"some": "row"})
    assert conversation.reader.may_read_on()
    now += reader.MAX_CHANGE
    assert not conversation.reader.may_read_on()
    waiting.clear()
    assert conversation.reader.may_read_on()
    waiting.add({"some": "row"})
    assert conversation.reader.may_read_on()
