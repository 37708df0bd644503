"""Very many rows of Ucast_Macs_Remote on a real ovsdb-server, alone or in a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import eventlet
import pytest
from eventlet.greenthread import GreenThread

from sim.lab.openvswitch import SCHEMA_FILES
from tests.switch.conftest import described
from tests.switch.dummy import DummySwitch
from vtep_ofapp.ovsdb.client import Database
from vtep_ofapp.ovsdb.hardware_vtep.tables import VtepTables
from vtep_ofapp.values.events import Committed, Event, VtepInSync, VtepRows
from vtep_ofapp.values.rows import Gone, PhysicalSwitch, Refused, RemoteMac
from vtep_ofapp.values.writes import PutPhysicalPort

MANY = 3000
LOCATORS = {"red": "10.2.2.2", "blue": "10.2.2.3"}
SEVEN = "02:00:00:00:00:07"


_readers: list[GreenThread] = []


@pytest.fixture(autouse=True)
def no_reader_is_left() -> Iterator[None]:
    """End the readers of a test: they would ask for their server in all later tests."""
    yield
    while _readers:
        _readers.pop().kill()


class Reader:
    """What the loop would be told of the database, put together."""

    def __init__(self, remote: str) -> None:
        self.rows: dict[UUID, Any] = {}
        self.syncs: list[VtepInSync] = []
        self.events: list[Event] = []
        self.on_event: Callable[[Event], None] = lambda event: None
        """Called with each event that was taken in."""
        self.database = Database("hardware_vtep", remote, VtepTables(), self.post)
        _readers.append(eventlet.spawn(self.database.run))

    def post(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, VtepInSync):
            self.syncs.append(event)
            assert self.rows.keys() >= self.macs().keys() & event.rows
            self.rows = {uuid: row for uuid, row in self.rows.items() if uuid in event.rows}
        for row in event.rows if isinstance(event, VtepRows) else ():
            self.rows.pop(row.uuid, None)
            if not isinstance(row, Gone):
                self.rows[row.uuid] = row
        self.on_event(event)

    def macs(self) -> dict[UUID, RemoteMac]:
        return {uuid: row for uuid, row in self.rows.items() if isinstance(row, RemoteMac)}

    def wait(self, condition: Callable[[], object]) -> None:
        with eventlet.Timeout(30):
            while not condition():
                eventlet.sleep(0.01)


class Server(DummySwitch):
    """An ovsdb-server with two logical switches and two locators; nothing else runs."""

    def begin(self) -> None:
        self.ovsdb_server.start()
        self.run(["ovsdb-client", "wait", self.db, "hardware_vtep", "connected"])
        self.vtep_ctl("add-ps", "br0", "--", "add-ls", "red", "--", "add-ls", "blue")
        self.place("00:00:00:00:00:01", LOCATORS["red"], 7, logical_switch="red")
        self.place("00:00:00:00:00:01", LOCATORS["blue"], logical_switch="blue")

    def insert(self, many: int, logical_switch: str = "red") -> None:
        """Place very many stations in a logical switch."""
        switch = self.row("Logical_Switch", name=logical_switch)["_uuid"]
        locator = self.row("Physical_Locator", dst_ip=LOCATORS[logical_switch])["_uuid"]
        for start in range(0, many, 500):
            self.transact(
                *(
                    {
                        "op": "insert",
                        "table": "Ucast_Macs_Remote",
                        "row": {
                            "MAC": f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}",
                            "logical_switch": ["uuid", str(switch)],
                            "locator": ["uuid", str(locator)],
                        },
                    }
                    for number in range(start, min(start + 500, many))
                )
            )

    def remotes(self) -> list[dict[str, Any]]:
        return self.rows("Ucast_Macs_Remote")

    def expected(self) -> dict[UUID, tuple[Any, ...]]:
        """Return what the rows say: MAC address, logical switch, address and key."""
        tables = self.snapshot("Ucast_Macs_Remote", "Physical_Locator")
        locators = {row["_uuid"]: row for row in tables["Physical_Locator"]}
        return {
            row["_uuid"]: (
                row["MAC"],
                row["logical_switch"],
                locators[row["locator"]]["dst_ip"],
                locators[row["locator"]]["tunnel_key"] or None,
            )
            for row in tables["Ucast_Macs_Remote"]
        }


@contextmanager
def a_server(cluster: bool) -> Iterator[Server]:
    with described(Server) as server:
        folder = server.folder
        database = str(folder / "vtep.db")
        server.create_databases()
        if cluster:
            Path(database).unlink()
            schema = str(SCHEMA_FILES["vtep"])
            tool = ["ovsdb-tool", "create-cluster", database, schema, f"unix:{folder}/raft"]
            server.do(*tool)
        server.begin()
        yield server


@pytest.fixture(params=["alone", "cluster"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with a_server(cluster=request.param == "cluster") as server:
        yield server


def agrees(reader: Reader, server: Server) -> bool:
    told = {
        uuid: (row.mac, row.logical_switch, row.locator.address, row.locator.tunnel_key)
        for uuid, row in reader.macs().items()
    }
    return told == server.expected()


def test_rows_that_are_there_that_change_and_that_go(server: Server) -> None:
    server.insert(MANY)
    reader = Reader(server.db)
    reader.wait(lambda: reader.syncs)
    assert len(reader.macs()) == MANY + 2
    assert agrees(reader, server)
    red, blue = (
        ["uuid", str(server.row("Logical_Switch", name=name)["_uuid"])] for name in ("red", "blue")
    )
    locator = ["uuid", str(server.row("Physical_Locator", dst_ip="10.2.2.3")["_uuid"])]
    change = {"op": "update", "table": "Ucast_Macs_Remote"}
    server.transact(
        {**change, "where": [["MAC", "==", SEVEN]], "row": {"MAC": "x"}},
        {**change, "where": [["MAC", "==", "02:00:00:00:00:08"]], "row": {"logical_switch": blue}},
        {**change, "where": [["MAC", "==", "02:00:00:00:00:09"]], "row": {"locator": locator}},
    )
    reader.wait(lambda: any(isinstance(row, Refused) for row in reader.rows.values()))
    (bad,) = (row for row in reader.rows.values() if isinstance(row, Refused))
    assert bad.reason == "'x' is not a MAC address (xx:xx:xx:xx:xx:xx)"
    assert bad.subject == f"Ucast_Macs_Remote x (row {bad.uuid})"
    server.transact({**change, "where": [["MAC", "==", "x"]], "row": {"MAC": SEVEN}})
    server.insert(100, "blue")
    reader.wait(lambda: agrees(reader, server))
    delete = {"op": "delete", "table": "Ucast_Macs_Remote"}
    server.transact({**delete, "where": [["logical_switch", "==", red]]})
    reader.wait(lambda: len(reader.macs()) == len(server.remotes()) and agrees(reader, server))
    assert len(reader.macs()) == 102


def test_a_key_of_a_locator_is_that_of_its_rows(server: Server) -> None:
    server.insert(MANY)
    reader = Reader(server.db)
    reader.wait(lambda: reader.syncs)
    where = [["dst_ip", "==", "10.2.2.2"]]
    for key, wanted in ((9, 9), (["set", []], None)):
        change = {"op": "update", "table": "Physical_Locator", "where": where}
        server.transact({**change, "row": {"tunnel_key": key}})
        reader.wait(lambda: agrees(reader, server))
        keys = {row.locator.tunnel_key for row in reader.macs().values()}
        assert keys == {wanted, None}


def test_the_server_comes_back(server: Server) -> None:
    server.insert(MANY)
    reader = Reader(server.db)
    reader.wait(lambda: reader.syncs)
    server.run(["ovs-appctl", "-t", "ovsdb-server", "ovsdb-server/reconnect"])
    server.transact({"op": "delete", "table": "Ucast_Macs_Remote", "where": [["MAC", "==", SEVEN]]})
    server.insert(10, "blue")
    reader.wait(lambda: len(reader.syncs) == 2)
    reader.wait(lambda: agrees(reader, server))
    first = reader.database.connection
    assert first is not None
    assert first.remote == server.db
    server.ovsdb_server.stop()
    reader.wait(lambda: reader.database.connection is None)
    server.ovsdb_server.start()
    reader.wait(lambda: len(reader.syncs) == 3)
    assert reader.database.connection is not None
    assert reader.database.connection.since > first.since
    assert len(reader.macs()) == MANY - 1 + 10 + 2
    assert agrees(reader, server)
    assert reader.syncs[-1].rows >= reader.macs().keys()
    server.insert(20, "blue")
    reader.wait(lambda: agrees(reader, server))


def test_writes_do_not_wait_until_all_rows_are_taken() -> None:
    with a_server(cluster=False) as server:
        server.insert(MANY)
        reader = Reader(server.db)
        reader.wait(lambda: any(isinstance(row, PhysicalSwitch) for row in reader.rows.values()))
        switch = server.row("Physical_Switch", name="br0")["_uuid"]
        pending: list[PutPhysicalPort] = []

        def commit(event: Event) -> None:
            """Commit something when the first of the new rows come, and be slow with them."""
            if isinstance(event, Committed):
                pending.clear()
            if isinstance(event, VtepRows):
                if not pending:
                    pending.append(PutPhysicalPort(switch, "p0"))
                    reader.database.commit(pending[:])
                eventlet.sleep(0.05)

        reader.wait(lambda: reader.syncs)
        reader.on_event = commit
        red = ["uuid", str(server.row("Logical_Switch", name="red")["_uuid"])]
        delete = {"op": "delete", "table": "Ucast_Macs_Remote"}
        del reader.events[:]
        server.transact({**delete, "where": [["logical_switch", "==", red]]})
        reader.wait(lambda: len(reader.macs()) == 1)
        kinds = [type(event) for event in reader.events]
        assert Committed in kinds[: len(kinds) - kinds[::-1].index(VtepRows)]
