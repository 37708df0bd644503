"""The floor: what Open vSwitch's own tools and daemons need for the same data.

It is measured in an Open vSwitch without a controller, in a namespace of its own.
"""

from __future__ import annotations

import re
import socket
import struct
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from sim.bench.rows import Reference, as_set, insert, locator, named
from sim.bench.watcher import Watcher
from sim.lab.lifetime import Lifetime
from sim.lab.openvswitch import OPENFLOW, OpenVSwitch
from sim.wire import openflow
from sim.wire.openflow import OpenFlowConnection
from sim.wire.ovsdb import transact_text

TIMEOUT = 600.0
"""Seconds after which one of the tools is given up."""

_LONGEST_NAME = 24
_SUFFIX = "floor"


class Floor(Lifetime):
    """An Open vSwitch with both databases and an empty bridge br0, while the block runs."""

    BRIDGE = "br0"

    def __init__(self, name: str) -> None:
        """Name it after the lab that it is compared with."""
        super().__init__(name[: _LONGEST_NAME - len(_SUFFIX)] + _SUFFIX)

    def connect(self) -> Watcher:
        """Return a connection to the hardware_vtep database."""
        return Watcher(self.socket)

    @property
    def socket(self) -> Path:
        """The Unix socket of ovsdb-server."""
        return self._switch.folder / "db.sock"

    def add_ground(self) -> tuple[Reference, Reference]:
        """Insert a logical switch and a locator, and return references to the two."""
        with self.connect() as connection:
            results = connection.transact(
                insert("Logical_Switch", "ls", name="ls0"),
                locator("far", "10.2.2.3"),
                # A locator that nothing refers to is collected at once.
                insert("Arp_Sources_Local", src_mac="00:11:22:33:44:55", locator=named("far")),
            )
        return results[0]["uuid"], results[1]["uuid"]

    def add_physical_ports(self, *names: str) -> None:
        """Insert a Physical_Switch with ports."""
        with self.connect() as connection:
            connection.transact(
                *(insert("Physical_Port", name, name=name) for name in names),
                insert("Physical_Switch", name=self.BRIDGE, ports=as_set(map(named, names))),
            )

    def transaction(self, text: bytes) -> float:
        """Return the seconds of ovsdb-server's own transaction."""
        return timed(lambda: transact_text(self.socket, text))

    def reading(self) -> float:
        """Return the seconds of `ovsdb-client dump` of the whole hardware_vtep database."""
        return self._run("ovsdb-client", "dump", self._switch.db, "hardware_vtep")

    def adding(self, flows: str, groups: str = "") -> float:
        """Return the seconds of `ovs-ofctl --bundle add-flows` of flows from `ovs-ofctl dump`.

        The groups that they name are there before, empty.
        """
        numbers = re.findall(r"group_id=(\d+)", groups)
        self._file("groups").write_text("".join(f"group_id={each},type=all\n" for each in numbers))
        self._ofctl("add-groups", self.BRIDGE, str(self._file("groups")))
        self._file("flows").write_text(flows)
        return self._ofctl("--bundle", "add-flows", self.BRIDGE, str(self._file("flows")))

    def dumping(self) -> float:
        """Return the seconds of `ovs-ofctl dump-flows`."""
        return self._ofctl("dump-flows", self.BRIDGE)

    def deleting(self) -> float:
        """Return the seconds of `ovs-ofctl del-flows`."""
        return self._ofctl("del-flows", self.BRIDGE)

    def plugging(self, addresses: Sequence[str]) -> float:
        """Return the seconds of one `ovs-vsctl` that makes a VXLAN port for each address."""
        command = ["ovs-vsctl"]
        for address in addresses:
            name = "vx" + bytes(map(int, address.split("."))).hex()
            command += ["--", "add-port", self.BRIDGE, name]
            command += ["--", "set", "Interface", name, "type=vxlan"]
            command += [f"options:remote_ip={address}", "options:key=flow"]
        return self._run(*command)

    def openflow(self) -> BareSwitch:
        """Return a connection to the bridge."""
        return BareSwitch(self._switch.folder / f"{self.BRIDGE}.mgmt")

    def _ofctl(self, *arguments: str) -> float:
        return self._run("ovs-ofctl", "-O", OPENFLOW, *arguments)

    def _run(self, *argv: str) -> float:
        return timed(lambda: self._switch.run(argv, timeout=TIMEOUT))

    def _file(self, name: str) -> Path:
        return self._switch.folder / name

    def _build(self) -> None:
        super()._build()
        namespace = self.state.create_namespace("switch")
        folder = self.state.folder / "switch"
        folder.mkdir()
        self._switch = OpenVSwitch(namespace, folder, ("ovs", "vtep"))
        self._switch.create_databases()
        self._switch.ovsdb_server.start()
        self._switch.ovs_vswitchd.start()
        self._switch.ovs_vsctl(
            "add-br", self.BRIDGE, "--", "set", "bridge", self.BRIDGE, "datapath_type=netdev"
        )


class BareSwitch(OpenFlowConnection):
    """An OpenFlow connection to a bridge that sends one flow at a time."""

    # cookie, mask, table, command, time-outs, priority, buffer, out port, out group, flags
    _BODY = struct.Struct("!QQBBHHHIIIH2x")
    # OFPMT_OXM with one field of OFPXMC_OPENFLOW_BASIC, eth_dst, and two bytes of padding
    _MATCH = struct.Struct("!HHHBB6s2x")
    _ETH_DST = 3

    def __init__(self, path: Path) -> None:
        """Connect to a bridge's socket."""
        connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connected.connect(str(path))
        super().__init__(connected)
        self.send(openflow.pack(openflow.HELLO))

    def add(self, mac: str) -> None:
        """Add a flow that drops frames to an address; return when the switch has it.

        Raises RuntimeError if the switch refuses.
        """
        anything = 0xFFFFFFFF
        body = self._BODY.pack(0, 0, 0, 0, 0, 0, 100, anything, anything, anything, 0)
        field = self._ETH_DST << 1
        match = self._MATCH.pack(1, 14, 0x8000, field, 6, bytes.fromhex(mac.replace(":", "")))
        self.send(openflow.pack(openflow.FLOW_MOD, body + match))
        self.send(openflow.pack(openflow.BARRIER_REQUEST))
        while (message := self.receive()) is not None:
            if message.kind == openflow.ERROR:
                raise RuntimeError(f"the switch refused a flow for {mac}")
            if message.kind == openflow.BARRIER_REPLY:
                return
        raise RuntimeError("the switch closed the connection")


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that some work takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
