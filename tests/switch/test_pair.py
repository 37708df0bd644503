"""Two processes for one switch: one acts, the other stands by, and takes over."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from scapy.layers.l2 import ARP, Ether

from sim.waiting import wait_until
from sim.wire.ovsdb import OvsdbFramer
from sim.wire.proxy import Proxy
from tests.multicast_frames import ALL_ROUTERS, LEAVE, V2_REPORT, igmp_v2
from tests.switch.conftest import described
from tests.switch.dummy import BROADCAST, PATIENCE, DummyApp, DummySwitch

HOST, GUEST, FAR = "00:00:00:00:00:01", "00:00:00:00:00:02", "00:00:00:00:00:99"
NUMBERS = iter(range(256))
IN_CHARGE, STANDING_BY = "it is in charge", "standing by"


class Way:
    """An application's own way to hardware_vtep, which can be cut and mended."""

    def __init__(self, switch: DummySwitch, app: DummyApp) -> None:
        self._path = switch.folder / f"{app.NAME}.proxy"
        self._server = switch.db.removeprefix("unix:")
        self._proxy: Proxy | None = None
        app.options["vtep_db"] = f"unix:{self._path}"
        self.mend()

    def cut(self) -> None:
        """Cut the connection; there is nobody at its end until it is mended."""
        if self._proxy is not None:
            self._proxy.close()
            self._path.unlink()
            self._proxy = None

    def mend(self) -> None:
        """Let the application connect again."""
        if self._proxy is None:
            self._proxy = Proxy(OvsdbFramer, self._server, str(self._path))


class Pair(DummySwitch):
    """br0 with two controllers: the application, and a second one called `other`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.other = DummyApp(self, "other")
        self.ways = {app.NAME: Way(self, app) for app in (self.app, self.other)}

    def manage_by_both(self) -> None:
        """Let the first application manage br0, and the other one stand by."""
        self.manage()
        self.join()
        self.other.start()
        self.other.wait_to_say(STANDING_BY)
        self.ovs_vsctl("set-controller", "br0", self.app.target, self.other.target)
        self.wait(self.other.is_connected, "the connection of the other")

    def roles(self) -> list[str]:
        """Return the roles of the controllers that are connected."""
        rows = self.rows("Controller", "Open_vSwitch")
        return [row["role"] for row in rows if row["is_connected"]]

    def one_leads(self, *apps: DummyApp) -> None:
        """Wait until one of the applications is master, and learns.

        Stations are shown to a master alone, and written by who has the lock alone: the server
        checks that in each transaction.
        """
        self.learns(new_mac())
        targets = {app.target for app in apps}
        one = lambda: len(self.masters()) == 1 and targets.issuperset(self.masters())  # noqa: E731
        self.wait(one, "one master")
        self.learns(new_mac())

    def masters(self) -> list[str]:
        """Return the controllers that are connected and master."""
        rows = self.rows("Controller", "Open_vSwitch")
        return [row["target"] for row in rows if row["is_connected"] and row["role"] == "master"]

    def local_rows(self) -> dict[str, str]:
        """Return the stations of Ucast_Macs_Local with the rows that name them."""
        return {row["MAC"]: str(row["_uuid"]) for row in self.rows("Ucast_Macs_Local")}

    def reported(self) -> dict[str, str]:
        """Return the addresses of stations in Ucast_Macs_Local."""
        return {row["MAC"]: row["ipaddr"] for row in self.rows("Ucast_Macs_Local")}

    def stop(self) -> None:
        self.other.kill()
        super().stop()
        for way in self.ways.values():
            way.cut()


def new_mac() -> str:
    """Return an address that no other station has."""
    return f"00:00:00:01:{next(NUMBERS):02x}:01"


@pytest.fixture
def pair() -> Iterator[DummySwitch]:
    with described(Pair) as pair:
        pair.start()
        pair.manage_by_both()
        yield pair


def test_the_other_takes_over_and_leaves_all_as_it_is(pair: Pair) -> None:
    request = Ether(src=HOST, dst=BROADCAST) / ARP(hwsrc=HOST, psrc="192.0.2.1", pdst="192.0.2.2")
    pair.appctl("netdev-dummy/receive", "p0", bytes(request).hex())
    pair.place(FAR, "10.2.2.3")
    pair.wait(lambda: pair.local_macs() == {HOST: "127.0.0.1"}, "the host's row")
    pair.wait(lambda: pair.reported() == {HOST: "192.0.2.1"}, "its address")
    pair.wait(lambda: pair.sends("p0", FAR) == ["10.2.2.3 vni 33"], "the way to the far host")
    pair.come_to_rest()
    pair.wait(lambda: sorted(pair.roles()) == ["master", "slave"], "master and slave")
    rows, flows, ages = pair.local_rows(), pair.flows(), pair.ages()
    (row,) = pair.rows("Ucast_Macs_Local")
    pair.app.kill()
    pair.other.wait_to_say(IN_CHARGE)
    pair.learns(GUEST)
    later = pair.ages()
    assert rows.items() <= pair.local_rows().items()
    assert row in pair.rows("Ucast_Macs_Local")
    assert set(flows) <= set(pair.flows())
    assert all(later[flow] >= age for flow, age in ages.items())


def test_what_changed_while_nobody_was_in_charge_is_made_good(pair: Pair) -> None:
    pair.place(FAR, "10.2.2.3")
    pair.wait(lambda: pair.sends("p0", FAR) == ["10.2.2.3 vni 33"], "the way to the far host")
    pair.other.kill()
    pair.app.kill()
    pair.vtep_ctl("del-ucast-remote", "ls0", FAR)
    pair.place(GUEST, "10.2.2.4")
    pair.other.start()
    pair.wait(lambda: pair.sends("p0", GUEST) == ["10.2.2.4 vni 33"], "the way to the new host")
    pair.wait(lambda: set(pair.tunnel_ports()) == {("10.2.2.4", "127.0.0.1")}, "one tunnel")


def test_one_that_comes_back_stands_by(pair: Pair) -> None:
    pair.app.kill()
    pair.other.wait_to_say(IN_CHARGE)
    pair.app.begin_log()
    pair.app.start()
    pair.app.wait_to_say(STANDING_BY)
    pair.wait(pair.app.is_connected, "its connection")
    pair.other.kill()
    pair.app.wait_to_say(IN_CHARGE)
    pair.learns(GUEST)


def test_one_of_them_acts_after_the_database_was_away(pair: Pair) -> None:
    pair.learns(HOST)
    rows = pair.local_rows()
    pair.ovsdb_server.kill()
    pair.ovsdb_server.start()
    pair.learns(GUEST, "p1", vlan=10)
    assert pair.local_rows()[HOST] == rows[HOST]


def test_the_process_with_the_lock_is_master_after_cuts_and_kills(pair: Pair) -> None:
    """The first one is cut off from hardware_vtep alone; the other one leads, and dies."""
    pair.place(FAR, "10.2.2.3")
    pair.learns(HOST)
    pair.ways[pair.app.NAME].cut()
    pair.other.wait_to_say(IN_CHARGE)
    pair.learns(GUEST)
    # A row without the flow of its station is removed by the next one in charge.
    pair.wait(lambda: f"dl_src={GUEST}" in "\n".join(pair.flows()), "the flow of the guest")
    pair.other.kill()
    said = len(pair.app.log_text)
    pair.ways[pair.app.NAME].mend()
    pair.app.wait_to_say(IN_CHARGE, said)
    pair.app.wait_to_say("br0 is managed", said)
    pair.one_leads(pair.app)
    pair.place("00:00:00:00:00:98", "10.2.2.4")
    way = lambda: pair.sends("p0", "00:00:00:00:00:98")  # noqa: E731
    pair.wait(lambda: way() == ["10.2.2.4 vni 33"], "the way to a new host")
    assert {HOST, GUEST} <= pair.local_rows().keys()


def test_a_group_that_its_members_left_while_the_other_led_does_not_come_back() -> None:
    with described(Pair) as pair:
        pair.start()
        for app in (pair.app, pair.other):
            app.options["multicast_snooping"] = "true"
        pair.manage_by_both()

        def says(kind: int, to: str = "") -> None:
            frame = igmp_v2(HOST, "192.0.2.1", kind, "239.1.1.1", to)
            pair.appctl("netdev-dummy/receive", "p0", frame.hex())

        def groups() -> list[str]:
            return [row["ipaddr"] for row in pair.rows("Mcast_Macs_Local") if row["ipaddr"]]

        says(V2_REPORT)
        pair.wait(lambda: groups() == ["239.1.1.1"], "the group")
        pair.ways[pair.app.NAME].cut()
        pair.other.wait_to_say("br0 is managed")
        says(LEAVE, ALL_ROUTERS)
        pair.wait(lambda: groups() == [], "its end")
        pair.come_to_rest()
        said, flows = len(pair.app.log_text), pair.flows()
        pair.other.kill()
        pair.ways[pair.app.NAME].mend()
        pair.app.wait_to_say("br0 is managed", said)
        pair.come_to_rest()
        assert (groups(), pair.flows()) == ([], flows)


def test_a_cut_of_hardware_vtep_alone_disturbs_nothing(pair: Pair) -> None:
    pair.learns(HOST)
    pair.other.kill()
    pair.come_to_rest()
    rows, ages = pair.local_rows(), pair.ages()
    way = pair.ways[pair.app.NAME]
    way.cut()
    pair.app.wait_to_say("hardware_vtep: connection lost")
    said = len(pair.app.log_text)
    way.mend()
    pair.app.wait_to_say("br0 is managed", said)
    pair.come_to_rest()
    later = pair.ages()
    assert all(later[flow] >= age for flow, age in ages.items())
    assert pair.local_rows() == rows


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_process_with_the_lock_is_master_after_anything(pair: Pair, seed: int) -> None:
    """Cuts, kills and restarts at random; in the end all are there, and one leads."""
    chance = random.Random(seed)
    apps = pair.app, pair.other

    def restart(app: DummyApp) -> None:
        app.kill()
        app.start()

    things = [
        *(pair.ways[app.NAME].cut for app in apps),
        *(pair.ways[app.NAME].mend for app in apps),
        *(lambda app=app: app.kill() for app in apps),
        *(lambda app=app: restart(app) for app in apps),
        pair.ovsdb_server.restart,
        pair.ovs_vswitchd.restart,
    ]
    for _ in range(10):
        chance.choice(things)()
        time.sleep(chance.uniform(0.0, 1.5))
    for app in apps:
        pair.ways[app.NAME].mend()
        if not app.running:
            app.start()
    pair.one_leads(*apps)


def test_processes_with_locks_of_different_names_know_nothing_of_each_other(
    switch: DummySwitch,
) -> None:
    switch.manage()
    other = DummyApp(switch, "other")
    other.options["lock"] = "another"
    try:
        other.start()
        wait_until(lambda: IN_CHARGE in other.log_text, "the other's lock", timeout=PATIENCE)
    finally:
        other.kill()
