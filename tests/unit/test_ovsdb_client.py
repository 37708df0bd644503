"""How a database is reached again; what it is read for is tested with real ones."""

from typing import ClassVar

import ovs.jsonrpc
import pytest
from ovs.db import idl

from vtep_ofapp.ovsdb import client
from vtep_ofapp.ovsdb.hardware_vtep import VtepTables
from vtep_ofapp.ovsdb.server import Unusable
from vtep_ofapp.values.events import Committed

SCHEMA = {"name": "hardware_vtep", "version": "1.0.0", "tables": {}}


def test_an_idl_makes_one_connection_each_time_it_is_asked_to():
    helper = idl.SchemaHelper(None, SCHEMA)
    helper.register_all()
    one = client._Idl("unix:/nonexistent", helper, owner=None)
    for _ in range(2):
        assert not one.is_over()
        one.run()
        assert one.is_over()
        one.connect("unix:/nonexistent")


@pytest.mark.parametrize("request_id", ["_monitor_request_id", "_lock_request_id"])
def test_a_request_that_the_server_refuses_is_not_waited_for(request_id):
    helper = idl.SchemaHelper(None, SCHEMA)
    helper.register_all()
    one = client._Idl("unix:/nonexistent", helper, owner=None)
    setattr(one, request_id, 7)
    one._receive = lambda: ovs.jsonrpc.Message.create_error({"error": "no"}, 7)
    with pytest.raises(Unusable, match="'error': 'no'"):
        one._receive_patiently()


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

    def takes(self, write):
        return True

    def perform(self, transaction, writes):
        for write in writes:
            transaction.insert(self._tables["Manager"]).target = write


def test_a_transaction_does_not_wait_for_a_long_message_that_comes_in():
    column = {"target": {"type": "string"}}
    helper = idl.SchemaHelper(None, {**SCHEMA, "tables": {"Manager": {"columns": column}}})
    helper.register_all()
    owner = client.Database("hardware_vtep", "unix:/nonexistent", Tables({}), lambda event: None)
    owner._idl = client._Idl("unix:/nonexistent", helper, owner)
    owner._idl.state = idl.Idl.IDL_S_MONITORING
    owner._is_in_sync = True
    owner._tables = Tables(owner._idl.tables)
    session = Session(lambda: owner.commit(["tcp:192.0.2.1"]))
    owner._idl._session, owner._idl._receive = session, session.recv
    owner._idl._receive_patiently()
    (message,) = session.sent
    assert message.method == "transact"
    assert "tcp:192.0.2.1" in str(message.params)


def test_a_transaction_fails_while_the_database_is_away():
    posted = []
    owner = client.Database("hardware_vtep", "unix:/nonexistent", Tables({}), posted.append)
    owner.commit(["tcp:192.0.2.1"])
    assert posted == [Committed("hardware_vtep", "it is away")]


def test_transactions_join_those_whose_rows_wait_but_not_for_long(monkeypatch):
    now = 100.0
    monkeypatch.setattr(client.time, "monotonic", lambda: now)
    tables = VtepTables()
    owner = client.Database("hardware_vtep", "unix:/nonexistent", tables, lambda event: None)
    (waiting,) = tables.bulk.values()
    assert owner._may_read_on()
    waiting.add({"some": "row"})
    assert owner._may_read_on()
    now += client._LONGEST_CHANGE
    assert not owner._may_read_on()
    waiting.clear()
    assert owner._may_read_on()
    waiting.add({"some": "row"})
    assert owner._may_read_on()
