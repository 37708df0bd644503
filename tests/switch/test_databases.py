"""hardware_vtep as it is in the field: away, empty, restored, older, in the wrong place."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from sim.lab.openvswitch import SCHEMA_FILES, Daemon, OpenVSwitch
from tests.ports import held_port
from tests.switch.conftest import a_switch, described
from tests.switch.dummy import PATIENCE, DummySwitch, Here
from tests.switch.state import account

HOST, FAR, NEXT = "00:00:00:00:00:01", "00:00:00:00:00:99", "00:00:00:00:00:98"
EMPTY = "hardware_vtep came back without any Physical_Switch: br0 keeps its flows"
NO_DATABASE = (
    "it has no database {}; to give it one: ovs-appctl -t ovsdb-server ovsdb-server/add-db"
)


class Server(OpenVSwitch):
    """A server of hardware_vtep alone, beside the one of Open_vSwitch."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        folder.mkdir()
        super().__init__(Here(), folder, ("vtep",))
        self.file = folder / "vtep.db"
        self.ovsdb_server = Daemon(
            self, "ovsdb-server", [f"--remote=punix:{folder}/db.sock", *arguments]
        )

    def create(self, schema: Path = SCHEMA_FILES["vtep"]) -> None:
        """Make an empty database of a schema, in the place of the one that was there."""
        self.file.unlink(missing_ok=True)
        self.do("ovsdb-tool", "create", str(self.file), str(schema))

    def control(self, *command: str) -> str:
        """Send a command to the server."""
        return self.run(["ovs-appctl", "-t", "ovsdb-server", *command])


class Apart(DummySwitch):
    """br0 whose hardware_vtep is on servers of its own."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.servers: list[Server] = []
        self.asked = 0
        """Which of them vtep-ctl works with."""

    def serve(self, *arguments: str) -> Server:
        """Add a server, which is not started yet; the database's file is among the arguments."""
        folder = self.folder / f"s{len(self.servers)}"
        self.servers.append(Server(folder, *arguments))
        return self.servers[-1]

    def vtep_ctl(self, *arguments: str) -> str:
        remote = self.servers[self.asked].db
        return self.run(["vtep-ctl", "--timeout=10", f"--db={remote}", *arguments]).rstrip("\n")

    def socket(self, database: str) -> str:
        server = self.servers[self.asked] if database == "hardware_vtep" else self
        return server.db.removeprefix("unix:")

    def reaches(self, mac: str, address: str) -> None:
        """Place a station; wait until its frames go there."""
        self.vtep_ctl("add-ucast-remote", "ls0", mac, address)
        self.wait(lambda: self.sends("p0", mac) == [f"{address} vni 33"], f"the way to {mac}")

    def has(self, mac: str) -> bool:
        """Return whether there is a row for a station that was learned."""
        return mac in self.vtep_ctl("list-local-macs", "ls0")

    def learns(
        self, mac: str, port: str = "p0", vlan: int | None = None, *, timeout: float = PATIENCE
    ) -> None:
        def is_learned() -> bool:
            self.receive(port, mac, "ff:ff:ff:ff:ff:ff", vlan)
            return self.has(mac)

        self.wait(is_learned, f"{mac} to be learned", timeout)

    def stop(self) -> None:
        for server in self.servers:
            server.ovsdb_server.kill()
        super().stop()


@pytest.fixture
def apart() -> Iterator[DummySwitch]:
    with described(Apart) as switch:
        switch.start()
        yield switch


def one_server(apart: Apart, schema: Path = SCHEMA_FILES["vtep"], **options: str) -> Server:
    """Let the application manage br0 by one server of hardware_vtep, and bind ls0."""
    server = apart.serve("vtep.db")
    server.ovsdb_server.command[-1] = str(server.file)
    server.create(schema)
    server.ovsdb_server.start()
    apart.manage(vtep_db=server.db, **options)
    apart.join()
    return server


def restart_with(server: Server, file: Path | None) -> None:
    """Start a server again with another file in the place of its database, or an empty one."""
    server.ovsdb_server.stop()
    if file is None:
        server.create()
    else:
        shutil.copy(file, server.file)
    server.ovsdb_server.start()


# It goes, and comes back


def test_each_of_many_servers_that_cannot_be_used_is_named(switch: DummySwitch) -> None:
    remotes = [f"unix:{switch.folder}/server{number}.sock" for number in range(7)]
    switch.app.options["vtep_db"] = ",".join(remotes)
    switch.app.start()
    for remote in remotes:
        switch.wait_for_log(f"hardware_vtep: {remote}: No such file or directory")


def greet(server: socket.socket, greeting: bytes, came: list[object]) -> None:
    """Say the same to everyone who connects, until the socket is closed; note who came."""
    while True:
        try:
            client, address = server.accept()
        except OSError:
            return
        came.append(address)
        with client:
            client.sendall(greeting)
            client.recv(4096)


@pytest.mark.parametrize(
    ("greeting", "reason"),
    [
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", "error parsing stream: "),
        (b'{"hello": "world"}', "received bad JSON-RPC message: "),
    ],
)
def test_what_is_no_database_server_is_said_once(
    switch: DummySwitch, greeting: bytes, reason: str
) -> None:
    came: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=greet, args=(server, greeting, came), daemon=True).start()
        remote = f"tcp:127.0.0.1:{server.getsockname()[1]}"
        switch.app.options["vtep_db"] = remote
        switch.app.start()
        said = f"hardware_vtep: {remote}: what answers is no OVSDB server: {reason}"
        switch.wait_for_log(said)
        attempts = len(came)
        switch.wait(lambda: len(came) > attempts + 3, "three more attempts, and their end")
        assert sum(remote in line for line in switch.app.log_text.splitlines()) == 1
        server.shutdown(socket.SHUT_RDWR)


def test_a_database_that_is_away_is_said_once(apart: Apart) -> None:
    server = one_server(apart)
    server.ovsdb_server.kill()
    apart.wait_for_log("hardware_vtep: connection lost")
    time.sleep(4.5)  # four attempts, which nothing of the server shows
    begin = f"hardware_vtep: {server.db}: "
    why = [line.split(begin)[1] for line in apart.app.log_text.splitlines() if begin in line]
    assert why[-1] == "Connection refused"
    assert len(why) == len(set(why)) <= 2  # the first attempt may meet the end of the server
    assert "trying again" not in apart.app.log_text
    server.ovsdb_server.start()
    apart.learns(HOST)


def test_a_transaction_in_flight_ends_with_the_server(apart: Apart) -> None:
    server = one_server(apart)
    pid = server.ovsdb_server.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)  # it gets the row, and does not answer
    apart.receive("p0", HOST, "ff:ff:ff:ff:ff:ff")
    apart.wait(lambda: f"dl_src={HOST}" in "\n".join(apart.flows()), "the flow of the host")
    server.ovsdb_server.kill()
    apart.wait_for_log("hardware_vtep: connection lost")
    server.ovsdb_server.start()
    apart.wait(lambda: apart.has(HOST), "the row of the host")
    assert "trying again" not in apart.app.log_text


def test_an_empty_database_and_then_its_copy_again(apart: Apart) -> None:
    """As the issue has it: empty, started, stopped, the copy put back, started."""
    server = one_server(apart)
    apart.learns(HOST)
    apart.reaches(FAR, "10.2.2.3")
    flows = apart.flows()
    copy = apart.folder / "copy.db"
    server.ovsdb_server.stop()
    shutil.copy(server.file, copy)
    restart_with(server, None)
    apart.wait_for_log(EMPTY)
    assert apart.flows() == flows
    restart_with(server, copy)
    apart.wait_for_log("hardware_vtep has a Physical_Switch again")
    apart.reaches(NEXT, "10.2.2.4")
    assert set(flows) <= set(apart.flows())
    assert apart.has(HOST)
    assert "br0 is no longer managed" not in apart.app.log_text


def test_a_database_that_stays_empty_is_believed_after_the_grace(apart: Apart) -> None:
    server = one_server(apart, empty_db_grace="2")
    apart.reaches(FAR, "10.2.2.3")
    begin = time.monotonic()
    restart_with(server, None)
    apart.wait(lambda: apart.flows() == [] and apart.groups() == [], "an empty bridge")
    assert time.monotonic() - begin >= 2
    apart.wait(lambda: apart.tunnel_ports() == {}, "no tunnel port")
    apart.wait_for_log("br0 is no longer managed")


def test_a_database_that_went_back_in_time_is_taken_as_it_is(apart: Apart) -> None:
    server = one_server(apart)
    apart.reaches(FAR, "10.2.2.3")
    server.ovsdb_server.stop()
    copy = apart.folder / "copy.db"
    shutil.copy(server.file, copy)
    server.ovsdb_server.start()
    apart.reaches(NEXT, "10.2.2.4")
    restart_with(server, copy)
    apart.wait(lambda: set(apart.tunnel_ports()) == {("10.2.2.3", "127.0.0.1")}, "one tunnel")
    apart.learns(HOST)


def test_a_cluster_that_was_made_again_from_its_own_copy(apart: Apart) -> None:
    server = apart.serve("vtep.db")
    server.ovsdb_server.command[-1] = str(server.file)
    make = ["ovsdb-tool", "create-cluster", str(server.file)]
    server.do(*make, str(SCHEMA_FILES["vtep"]), f"tcp:127.0.0.1:{held_port()}")
    server.ovsdb_server.start()
    apart.manage(vtep_db=server.db)
    apart.join()
    for number in range(10):  # so that its log is longer than the next one's
        apart.vtep_ctl("add-ls", f"more{number}")
    apart.reaches(FAR, "10.2.2.3")
    alone = apart.folder / "alone.db"
    server.ovsdb_server.stop()
    server.do("ovsdb-tool", "cluster-to-standalone", str(alone), str(server.file))
    restart_with(server, alone)
    apart.reaches(NEXT, "10.2.2.4")
    server.ovsdb_server.stop()
    server.file.unlink()
    server.do(*make, str(alone), f"tcp:127.0.0.1:{held_port()}")
    server.ovsdb_server.start()
    apart.learns(HOST)
    apart.vtep_ctl("del-ucast-remote", "ls0", FAR)
    apart.wait(lambda: apart.sends("p0", FAR) == ["p1 vlan 10"], "FAR to be unknown")


# Servers that cannot serve


def backed_up(apart: Apart) -> tuple[Server, Server]:
    """Start an active server and its backup (ovsdb(7))."""
    active, backup = apart.serve("vtep.db"), apart.serve("vtep.db")
    for server in (active, backup):
        server.ovsdb_server.command[-1] = str(server.file)
        server.create()
    backup.ovsdb_server.command.append(f"--sync-from={active.db}")
    active.ovsdb_server.start()
    backup.ovsdb_server.start()
    return active, backup


@pytest.mark.parametrize("first", ["active", "backup"])
def test_of_a_pair_the_active_server_is_used_and_after_a_failover_the_other(
    apart: Apart, first: str
) -> None:
    active, backup = backed_up(apart)
    both = [active.db, backup.db] if first == "active" else [backup.db, active.db]
    apart.manage(vtep_db=",".join(both))
    apart.join()
    apart.learns(HOST)
    active.ovsdb_server.kill()
    apart.asked = 1
    apart.wait_for_log(f"hardware_vtep: {backup.db}: it is read-only, as the backup of another")
    backup.control("ovsdb-server/disconnect-active-ovsdb-server")
    apart.reaches(FAR, "10.2.2.3")
    apart.learns(NEXT)
    assert "not locked" not in apart.app.log_text


def test_a_relay_is_not_used_and_the_log_says_why(apart: Apart) -> None:
    server = one_server(apart)
    relay = apart.serve(f"relay:hardware_vtep:{server.db}")
    relay.ovsdb_server.start()
    apart.app.kill()
    apart.app.begin_log()
    apart.app.options["vtep_db"] = relay.db
    apart.app.start()
    apart.wait_for_log(f"hardware_vtep: {relay.db}: it is a relay")
    apart.app.kill()
    apart.app.options["vtep_db"] = f"{relay.db},{server.db}"
    apart.app.start()
    apart.learns(HOST)


def test_a_server_that_lost_the_database_is_named_with_the_remedy(apart: Apart) -> None:
    server = one_server(apart)
    server.control("ovsdb-server/remove-db", "hardware_vtep")
    apart.wait_for_log(f"hardware_vtep: {server.db}: {NO_DATABASE.format('hardware_vtep')}")
    server.control("ovsdb-server/add-db", str(server.file))
    apart.reaches(FAR, "10.2.2.3")


def test_open_vswitch_may_be_lost_likewise(apart: Apart) -> None:
    one_server(apart)
    server = ["ovs-appctl", "-t", "ovsdb-server"]
    apart.run([*server, "ovsdb-server/remove-db", "Open_vSwitch"])
    apart.wait_for_log(f"Open_vSwitch: {apart.db}: {NO_DATABASE.format('Open_vSwitch')}")
    apart.run([*server, "ovsdb-server/add-db", str(apart.folder / "ovs.db")])
    apart.reaches(FAR, "10.2.2.3")


# Schemas


Lacks = Mapping[str, tuple[str, ...] | None]
"""The columns that tables of a schema are without, or None for a whole table."""


def old_schema(folder: Path, version: str, lacks: Lacks) -> Path:
    """Write a schema without some columns, or whole tables; return its file."""
    schema = json.loads(SCHEMA_FILES["vtep"].read_text())
    schema["version"] = version
    schema.pop("cksum", None)
    for table, columns in lacks.items():
        if columns is None:
            del schema["tables"][table]
            continue
        for column in columns:
            del schema["tables"][table]["columns"][column]
            indexes = schema["tables"][table].get("indexes", [])
            schema["tables"][table]["indexes"] = [
                [each for each in index if each != column] for index in indexes
            ]
    file = folder / f"{version}.ovsschema"
    file.write_text(json.dumps(schema))
    return file


SINCE_2_6: Lacks = {
    "Global": ("other_config",),
    "Physical_Switch": ("other_config",),
    "Physical_Port": ("other_config",),
    "Logical_Switch": ("other_config", "replication_mode"),
    "Logical_Router": ("other_config",),
    "Physical_Locator": ("tunnel_key",),
}
OF_2_5: tuple[str, Lacks] = "1.4.1", SINCE_2_6
OF_2_4: tuple[str, Lacks] = (
    "1.3.0",
    {
        **SINCE_2_6,
        "Physical_Port": ("other_config", "acl_bindings"),
        "Logical_Router": ("other_config", "acl_binding", "LR_fault_status"),
        "ACL": None,
        "ACL_entry": None,
    },
)
OF_2_2: tuple[str, Lacks] = (
    "1.2.0",
    {
        **OF_2_4[1],
        "Physical_Switch": ("other_config", "tunnels"),
        "Tunnel": None,
    },
)
BARE: tuple[str, Lacks] = (
    "0.1.0",
    {
        **OF_2_2[1],
        "Global": ("other_config", "managers"),
        "Manager": None,
        "Physical_Switch": (
            "other_config",
            "tunnels",
            "switch_fault_status",
            "management_ips",
            "description",
        ),
        "Physical_Port": ("other_config", "acl_bindings", "port_fault_status", "vlan_stats"),
        "Logical_Binding_Stats": None,
        "Logical_Router": None,
    },
)
"""What Open vSwitch 2.6 added to its schema 1.4.1, 2.5 to 1.3.0 and so on; and all of the rest."""


def await_statistics(switch: DummySwitch) -> None:
    """Wait until the counters of br0 are requested once more."""
    requests = lambda: account(switch)["br0"]["flow_stats_requests"]  # noqa: E731
    before = requests()
    switch.wait(lambda: requests() > before, "an update of the statistics")


@pytest.mark.parametrize(
    ("version", "lacks"), [OF_2_5, OF_2_4, OF_2_2, BARE], ids=lambda each: str(each)[:5]
)
def test_an_older_schema_is_worked_with_and_its_gaps_are_said_once(
    apart: Apart, version: str, lacks: Lacks
) -> None:
    one_server(apart, old_schema(apart.folder, version, lacks), stats_interval="0.5")
    apart.learns(HOST)
    apart.reaches(FAR, "10.2.2.3")
    apart.vtep_ctl("add-mcast-remote", "ls0", "unknown-dst", "10.2.2.4")
    flood = lambda: apart.sends("p0", "ff:ff:ff:ff:ff:ff")  # noqa: E731
    apart.wait(lambda: flood() == ["10.2.2.4 vni 33", "p1 vlan 10"], "the service node")
    apart.vtep_ctl("bind-ls", "br0", "p1", "4095", "ls0")  # a fault
    apart.wait_for_log("vlan_bindings")
    apart.vtep_ctl("unbind-ls", "br0", "p1", "4095")
    apart.learns(NEXT, "p1", 10)
    for _ in range(3):  # when the third one begins, two are over
        await_statistics(apart)
    text = apart.app.log_text
    assert text.count(f"hardware_vtep: its schema {version} lacks ") == 1
    assert "trying again" not in text


def test_a_schema_that_is_converted_while_we_run_is_noticed(apart: Apart) -> None:
    server = one_server(apart, old_schema(apart.folder, *OF_2_4))
    apart.learns(HOST)
    for address in ("10.2.2.3", "10.2.2.4"):
        apart.vtep_ctl("add-mcast-remote", "ls0", "unknown-dst", address)
    flood = lambda: apart.sends("p0", "ff:ff:ff:ff:ff:ff")  # noqa: E731
    apart.wait(lambda: len(flood()) == 2, "one of the service nodes")
    server.run(["ovsdb-client", "convert", server.db, str(SCHEMA_FILES["vtep"])])
    apart.vtep_ctl("set-replication-mode", "ls0", "source_node")
    apart.wait(lambda: len(flood()) == 3, "both service nodes")
    assert apart.has(HOST)


def test_a_schema_that_was_converted_while_its_server_was_away_is_noticed(apart: Apart) -> None:
    server = one_server(apart, old_schema(apart.folder, *OF_2_5))
    server.ovsdb_server.stop()
    server.do("ovsdb-tool", "convert", str(server.file), str(SCHEMA_FILES["vtep"]))
    server.ovsdb_server.start()
    apart.vtep_ctl("set-replication-mode", "ls0", "source_node")
    for address in ("10.2.2.3", "10.2.2.4"):
        apart.vtep_ctl("add-mcast-remote", "ls0", "unknown-dst", address)
    flood = lambda: apart.sends("p0", "ff:ff:ff:ff:ff:ff")  # noqa: E731
    apart.wait(lambda: len(flood()) == 3, "both service nodes")


def test_a_schema_without_what_we_need_is_refused_with_the_column(apart: Apart) -> None:
    server = apart.serve("vtep.db")
    server.ovsdb_server.command[-1] = str(server.file)
    server.create(old_schema(apart.folder, "0.0.1", {"Physical_Switch": ("tunnel_ips",)}))
    server.ovsdb_server.start()
    apart.app.options["vtep_db"] = server.db
    apart.app.start()
    apart.wait_for_log("its schema 0.0.1 is too old for us: no Physical_Switch.tunnel_ips")


# Names of hosts


@pytest.mark.parametrize(
    ("listen", "remote"),
    [
        ("ptcp:{}:127.0.0.1", "tcp:localhost:{}"),
        ("ptcp:{}:[::1]", "tcp:[::1]:{}"),
    ],
)
def test_a_remote_may_have_the_name_of_a_host(listen: str, remote: str) -> None:
    port = held_port()
    with a_switch() as switch:
        switch.ovsdb_server.stop()
        switch.ovsdb_server.command.append(f"--remote={listen.format(port)}")
        switch.ovsdb_server.start()
        here = remote.format(port)
        switch.manage(vtep_db=here, ovs_db=here)
        switch.wait_for_log("br0 is managed")
        switch.ovsdb_server.restart()
        switch.join()


def test_a_name_without_an_address_is_said_once(switch: DummySwitch) -> None:
    remote = "tcp:nothing.invalid:6640"
    switch.app.options["vtep_db"] = remote
    switch.app.start()
    switch.wait_for_log(f"hardware_vtep: {remote}: the name nothing.invalid has no address: ")


# Versions of Open vSwitch


def test_an_open_vswitch_below_the_lowest_is_one_line(switch: DummySwitch) -> None:
    """Its start script writes the version; tests start it without."""
    too_old = "Open_vSwitch: Open vSwitch 2.11.8 is too old; vtep_ofapp needs 2.12 or later"
    switch.ovs_vsctl("set", "Open_vSwitch", ".", "ovs_version=2.12.0")
    switch.manage()
    assert "too old" not in switch.app.log_text
    switch.ovs_vsctl("set", "Open_vSwitch", ".", "ovs_version=2.11.8")
    switch.wait_for_log(too_old)
    switch.add_bridge("br1", ())  # the rows are read again
    switch.restart_app()
    switch.wait_for_log(too_old)
    switch.add_bridge("br2", ())
    switch.come_to_rest()
    assert switch.app.log_text.count("too old") == 1
