"""How a database is reached again; what it is read for is tested with real ones."""

import errno
from typing import ClassVar

from ovs.db import idl

from vtep_ofapp.databases import database
from vtep_ofapp.databases.vtep import VtepTables

SCHEMA = {"name": "hardware_vtep", "version": "1.0.0", "tables": {}}


def test_a_database_that_stays_away_is_tried_again_every_second():
    helper = idl.SchemaHelper(None, SCHEMA)
    helper.register_all()
    reconnect = database._Idl("unix:/nonexistent", helper, owner=None)._session.reconnect
    for now in range(0, 10_000, 1000):
        reconnect.connecting(now)
        reconnect.connect_failed(now, errno.ECONNREFUSED)
        assert reconnect.timeout(now) == 1000


class Session:
    """A session in which a long message comes in, and what was sent meanwhile."""

    def __init__(self, meanwhile) -> None:
        self._meanwhile = meanwhile
        self.sent = []

    def recv(self):
        self._meanwhile()

    def is_connected(self):
        return True

    def send(self, message):
        self.sent.append(message)


class Tables:
    """One table, into which rows are written."""

    schema = "hardware_vtep"
    bulk: ClassVar[dict] = {}

    def __init__(self, tables) -> None:
        self._tables = tables

    def perform(self, transaction, writes):
        for write in writes:
            transaction.insert(self._tables["Manager"]).target = write


def test_a_transaction_does_not_wait_for_a_long_message_that_comes_in():
    column = {"target": {"type": "string"}}
    helper = idl.SchemaHelper(None, {**SCHEMA, "tables": {"Manager": {"columns": column}}})
    helper.register_all()
    owner = database.Database("hardware_vtep", "unix:/nonexistent", Tables({}), lambda event: None)
    owner._idl = database._Idl("unix:/nonexistent", helper, owner)
    owner._idl.state = idl.Idl.IDL_S_MONITORING
    owner._tables = Tables(owner._idl.tables)
    session = Session(lambda: owner.commit(["tcp:192.0.2.1"]))
    owner._idl._session, owner._idl._receive = session, session.recv
    owner._idl._receive_patiently()
    (message,) = session.sent
    assert message.method == "transact"
    assert "tcp:192.0.2.1" in str(message.params)


def test_a_transaction_waits_for_the_database_to_be_read_otherwise():
    owner = database.Database("hardware_vtep", "unix:/nonexistent", Tables({}), lambda event: None)
    helper = idl.SchemaHelper(None, SCHEMA)
    helper.register_all()
    owner._idl = database._Idl("unix:/nonexistent", helper, owner)
    owner._idl._session = session = Session(lambda: None)
    owner.commit(["tcp:192.0.2.1"])
    assert session.sent == []


def test_transactions_join_those_whose_rows_wait_but_not_for_long(monkeypatch):
    now = 100.0
    monkeypatch.setattr(database.time, "monotonic", lambda: now)
    tables = VtepTables()
    owner = database.Database("hardware_vtep", "unix:/nonexistent", tables, lambda event: None)
    (waiting,) = tables.bulk.values()
    assert owner._may_read_on()
    waiting.add({"some": "row"})
    assert owner._may_read_on()
    now += database._LONGEST_CHANGE
    assert not owner._may_read_on()
    waiting.clear()
    assert owner._may_read_on()
    waiting.add({"some": "row"})
    assert owner._may_read_on()
