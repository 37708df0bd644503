"""The VTEP database as a cluster of three servers (ovsdb(7))."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sim.lab.namespaces import CommandFailed
from sim.lab.openvswitch import SCHEMA_FILES, Daemon, OpenVSwitch
from tests.ports import held_port
from tests.switch.conftest import described
from tests.switch.dummy import DummyApp, DummySwitch, Here

HOST, GUEST, FAR = "00:00:00:00:00:01", "00:00:00:00:00:02", "00:00:00:00:00:99"


class Member(OpenVSwitch):
    """One of the servers, with a folder of its own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        super().__init__(Here(), folder, ())
        self.raft = f"tcp:127.0.0.1:{held_port()}"
        self.database = folder / "vtep.db"
        remote = f"--remote=punix:{folder}/db.sock"
        self.ovsdb_server = Daemon(self, "ovsdb-server", [remote, str(self.database)])

    def begin(self, first: Member | None = None) -> None:
        """Make a cluster, or join the one of the first server, and start."""
        tool = ["ovsdb-tool"]
        if first is None:
            schema = str(SCHEMA_FILES["vtep"])
            self.do(*tool, "create-cluster", str(self.database), schema, self.raft)
        else:
            name = "hardware_vtep"
            self.do(*tool, "join-cluster", str(self.database), name, self.raft, first.raft)
        self.join()

    def join(self) -> None:
        """Start, and return once the server takes part in the cluster."""
        self.ovsdb_server.start()
        self.run(["ovsdb-client", "wait", self.db, "hardware_vtep", "connected"])

    def is_leader(self) -> bool:
        """Return whether this server runs, answers and leads the others."""
        if not self.ovsdb_server.running:
            return False
        ask = ["ovs-appctl", "--timeout=2", "-t", "ovsdb-server", "cluster/status", "hardware_vtep"]
        return "Role: leader" in self.run(ask, check=False)


class Clustered(DummySwitch):
    """br0 whose VTEP database is a cluster; its own server has the Open_vSwitch database."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.members = [Member(folder / str(number)) for number in range(3)]

    def begin(self) -> None:
        first, *others = self.members
        first.begin()
        for member in others:
            member.begin(first)
        self.start()
        self.app.options["vtep_db"] = self.vtep_db

    def transfer_leadership(self) -> None:
        """Let the leader pass its leadership on, as it does before it makes a snapshot."""
        self.leader().run(
            ["ovs-appctl", "-t", "ovsdb-server", "cluster/failure-test", "transfer-leadership"]
        )

    @property
    def vtep_db(self) -> str:
        """The OVSDB remotes of all servers."""
        return ",".join(member.db for member in self.members)

    def vtep_ctl(self, *arguments: str) -> str:
        return self.run(["vtep-ctl", f"--db={self.vtep_db}", *arguments]).rstrip("\n")

    def port_rows(self, switch: str) -> list[str]:
        return self.vtep_ctl("list-ports", switch).split()

    def leader(self) -> Member:
        """Return the server that leads, once there is one."""
        leads = lambda: next((each for each in self.members if each.is_leader()), None)  # noqa: E731
        return self.wait(leads, "a leader")

    def local_macs(self, logical_switch: str = "ls0") -> dict[str, str]:
        """Return the rows of Ucast_Macs_Local by MAC address, as the leader has them, if any."""
        leader = next((each for each in self.members if each.is_leader()), None)
        if leader is None:
            return {}
        select = {"op": "select", "table": "Ucast_Macs_Local", "where": []}
        query = json.dumps(["hardware_vtep", select])
        argv = ["ovsdb-client", "--timeout=5", "query", leader.db, query]
        try:
            (answer,) = json.loads(self.run(argv))
        except CommandFailed:
            return {}  # it is no longer the leader
        return {row["MAC"]: row["_uuid"][1] for row in answer["rows"]}

    def stop(self) -> None:
        for member in self.members:
            member.ovsdb_server.kill()
        super().stop()


@pytest.fixture(scope="module")
def cluster() -> Iterator[DummySwitch]:
    with described(Clustered) as switch:
        switch.begin()
        switch.manage()
        switch.join()
        yield switch


def test_the_application_follows_the_leader_of_the_database(cluster: Clustered) -> None:
    cluster.learns(HOST)
    row = cluster.local_macs()[HOST]
    former = cluster.leader()
    former.ovsdb_server.kill()
    cluster.learns(GUEST)
    assert cluster.leader() is not former
    assert cluster.local_macs()[HOST] == row
    cluster.vtep_ctl("add-ucast-remote", "ls0", FAR, "10.2.2.3")
    cluster.wait(lambda: cluster.sends("p0", FAR) == ["10.2.2.3 vni 33"], "the way to the far host")
    former.ovsdb_server.start()


def test_a_leader_that_stands_still_is_left_for_the_new_one(cluster: Clustered) -> None:
    cluster.learns(HOST)
    former = cluster.leader()
    with former.ovsdb_server.stopped():
        cluster.wait(lambda: cluster.leader() is not former, "another leader")
        cluster.learns("00:00:00:00:00:04", timeout=40)
    cluster.learns("00:00:00:00:00:05")


def test_without_most_of_its_servers_forwarding_goes_on(cluster: Clustered) -> None:
    cluster.learns(HOST)
    flows = cluster.flows()
    two = cluster.members[:2]
    for member in two:
        member.ovsdb_server.kill()
    assert cluster.sends("p1", HOST, vlan=10) == ["p0"]
    assert set(flows) <= set(cluster.flows())
    for member in two:
        member.ovsdb_server.start()
    cluster.learns("00:00:00:00:00:03")
    assert set(flows) <= set(cluster.flows())


def test_the_process_with_the_leaders_lock_is_master_after_each_transfer(
    cluster: Clustered,
) -> None:
    other = DummyApp(cluster, "other")
    other.options["vtep_db"] = cluster.vtep_db
    apps = cluster.app, other

    def masters() -> list[str]:
        rows = cluster.rows("Controller", "Open_vSwitch")
        return [row["target"] for row in rows if row["is_connected"] and row["role"] == "master"]

    try:
        other.start()
        cluster.wait(lambda: "standing by" in other.log_text, "the other one to stand by")
        cluster.ovs_vsctl("set-controller", "br0", *(app.target for app in apps))
        cluster.wait(other.is_connected, "the connection of the other")
        for number in range(10):
            former = cluster.leader()
            cluster.transfer_leadership()
            cluster.wait(lambda: not former.is_leader(), "another leader")  # noqa: B023
            # A station is shown to the master alone, and written by who has the lock alone.
            cluster.learns(f"00:00:00:00:01:{number:02x}")
        cluster.wait(lambda: len(masters()) == 1, "one master")
        cluster.learns("00:00:00:00:01:ff")
    finally:
        other.kill()
        cluster.ovs_vsctl("set-controller", "br0", cluster.app.target)


def test_a_follower_alone_is_not_used_and_the_log_says_why(cluster: Clustered) -> None:
    leader = cluster.leader()
    follower = next(each for each in cluster.members if each is not leader)
    cluster.app.kill()
    cluster.app.begin_log()
    cluster.app.options["vtep_db"] = follower.db
    cluster.app.start()
    cluster.wait_for_log(f"hardware_vtep: {follower.db}: it does not lead its cluster")
    assert "hardware_vtep: connected" not in cluster.app.log_text
    leader.ovsdb_server.kill()
    _let_lead(cluster, follower, leader)
    cluster.learns("00:00:00:00:02:01")


def _let_lead(cluster: Clustered, member: Member, killed: Member) -> None:
    """Kill each other server that is elected, and start the one killed before it.

    Of two servers either may win an election.
    """
    for _ in range(16):
        leader = cluster.leader()
        if leader is member:
            return
        killed.join()
        leader.ovsdb_server.kill()
        killed = leader
    raise AssertionError(f"{member.db} lost every election")
