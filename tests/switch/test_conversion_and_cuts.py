"""A schema is converted, and the connection is cut again while it comes back.

Below the lowest version of the ovs library, rows were lost in this; `make matrix` runs the lowest.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sim.lab.openvswitch import SCHEMA_FILES
from sim.wire.ovsdb import OvsdbFramer
from sim.wire.proxy import Proxy, Way
from tests.ports import held_port
from tests.switch.conftest import described
from tests.switch.test_databases import FAR, HOST, OF_2_4, Apart, old_schema


class Proxied(Apart):
    """br0, the application, and a proxy between it and hardware_vtep."""

    proxy: Proxy


@pytest.fixture
def proxied() -> Iterator[Proxied]:
    """br0, the application, and a proxy between it and hardware_vtep."""
    with described(Proxied) as switch:
        switch.start()
        server = switch.serve("vtep.db")
        server.ovsdb_server.command[-1] = str(server.file)
        schema = str(old_schema(switch.folder, *OF_2_4))
        raft = f"tcp:127.0.0.1:{held_port()}"  # so that the server remembers what we know
        server.do("ovsdb-tool", "create-cluster", str(server.file), schema, raft)
        server.ovsdb_server.start()
        proxy = f"{switch.folder}/proxy"
        with Proxy(OvsdbFramer, server.db.removeprefix("unix:"), proxy) as switch.proxy:
            switch.manage(vtep_db=f"unix:{proxy}")
            switch.join()
            yield switch


def test_a_conversion_and_cuts_while_it_comes_back(proxied: Proxied) -> None:
    proxied.learns(HOST)
    (server,) = proxied.servers
    server.run(["ovsdb-client", "convert", server.db, str(SCHEMA_FILES["vtep"])])
    proxied.vtep_ctl("set-replication-mode", "ls0", "source_node")
    for address in ("10.2.2.3", "10.2.2.4"):
        proxied.vtep_ctl("add-mcast-remote", "ls0", "unknown-dst", address)
    flood = lambda: proxied.sends("p0", "ff:ff:ff:ff:ff:ff")  # noqa: E731
    proxied.wait(lambda: len(flood()) == 3, "both service nodes")
    proxied.reaches(FAR, "10.2.2.5")  # so that its locator stays
    for number in range(1, 9):
        mac = f"00:00:00:00:03:{number:02x}"
        proxied.reaches(mac, "10.2.2.5")
        proxied.proxy.stop_reading(Way.FROM_SERVER)
        proxied.proxy.cut()
        proxied.vtep_ctl("del-ucast-remote", "ls0", mac)
        trap = proxied.proxy.after(Way.FROM_SERVER, lambda link: link.cut(), messages=number)
        proxied.proxy.read_on()
        proxied.wait(trap.sprung.is_set, "the second cut")
        way = lambda: proxied.sends("p0", mac)  # noqa: E731, B023
        proxied.wait(lambda: "10.2.2.5 vni 33" not in way(), "no flow")  # noqa: B023
    proxied.learns("00:00:00:00:00:02")
    assert proxied.has(HOST)
