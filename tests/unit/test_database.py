"""How a database is reached again; what it is read for is tested with real ones."""

import errno

from ovs.db import idl

from vtep_ofapp.databases import database

SCHEMA = {"name": "hardware_vtep", "version": "1.0.0", "tables": {}}


def test_a_database_that_stays_away_is_tried_again_every_second():
    helper = idl.SchemaHelper(None, SCHEMA)
    helper.register_all()
    reconnect = database._Idl("unix:/nonexistent", helper, owner=None)._session.reconnect
    for now in range(0, 10_000, 1000):
        reconnect.connecting(now)
        reconnect.connect_failed(now, errno.ECONNREFUSED)
        assert reconnect.timeout(now) == 1000
