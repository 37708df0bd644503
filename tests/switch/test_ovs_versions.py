"""The lowest and the highest version of the ovs library that requirements.txt allows."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from sim.lab.openvswitch import SCHEMA_FILES
from sim.lab.process import CHECKOUT
from sim.wire.ovsdb import OvsdbFramer
from sim.wire.proxy import Proxy, Way
from tests.libraries import installed
from tests.ports import held_port
from tests.switch.conftest import described
from tests.switch.test_databases import FAR, HOST, OF_2_4, Apart, old_schema

pytestmark = pytest.mark.timeout(600)  # pip installs the library

((ALLOWED, LOWEST),) = re.findall(
    r"^ovs(>=([0-9.]+),<\d+)", (CHECKOUT / "requirements.txt").read_text(), re.M
)


class Proxied(Apart):
    """br0, an application with a library of its own, and a proxy between it and hardware_vtep."""

    proxy: Proxy


@pytest.fixture(params=["lowest", "highest"])
def versioned(request: pytest.FixtureRequest) -> Iterator[Proxied]:
    """br0, an application with such a library, and a proxy between it and hardware_vtep."""
    specifier = f"=={LOWEST}" if request.param == "lowest" else ALLOWED
    path = f"{installed(f'ovs{specifier}')}:{CHECKOUT}"
    with described(Proxied) as switch:
        switch.app.variables["PYTHONPATH"] = path
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
            version = [sys.executable, "-c", "import ovs.version; print(ovs.version.VERSION)"]
            used = subprocess.check_output(version, env={"PYTHONPATH": path}, text=True).strip()
            assert request.param == "highest" or used == LOWEST
            yield switch


def test_a_conversion_and_cuts_while_it_comes_back(versioned: Proxied) -> None:
    versioned.learns(HOST)
    (server,) = versioned.servers
    server.run(["ovsdb-client", "convert", server.db, str(SCHEMA_FILES["vtep"])])
    versioned.vtep_ctl("set-replication-mode", "ls0", "source_node")
    for address in ("10.2.2.3", "10.2.2.4"):
        versioned.vtep_ctl("add-mcast-remote", "ls0", "unknown-dst", address)
    flood = lambda: versioned.sends("p0", "ff:ff:ff:ff:ff:ff")  # noqa: E731
    versioned.wait(lambda: len(flood()) == 3, "both service nodes")
    versioned.reaches(FAR, "10.2.2.5")  # so that its locator stays
    for number in range(1, 9):
        mac = f"00:00:00:00:03:{number:02x}"
        versioned.reaches(mac, "10.2.2.5")
        versioned.proxy.stop_reading(Way.FROM_SERVER)
        versioned.proxy.cut()
        versioned.vtep_ctl("del-ucast-remote", "ls0", mac)
        trap = versioned.proxy.after(Way.FROM_SERVER, lambda link: link.cut(), messages=number)
        versioned.proxy.read_on()
        versioned.wait(trap.sprung.is_set, "the second cut")
        way = lambda: versioned.sends("p0", mac)  # noqa: E731, B023
        versioned.wait(lambda: "10.2.2.5 vni 33" not in way(), "no flow")  # noqa: B023
    versioned.learns("00:00:00:00:00:02")
    assert versioned.has(HOST)
