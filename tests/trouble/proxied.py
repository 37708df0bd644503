"""Open vSwitch with dummy ports, and a proxy on each way between it and the application."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from sim.lab.namespaces import Namespace
from sim.wire.openflow import OpenFlowFramer
from sim.wire.ovsdb import OvsdbFramer
from sim.wire.proxy import Proxy
from tests.switch.dummy import DummySwitch


class ProxiedSwitch(DummySwitch):
    """br0 with p0 and p1, and proxies for its connection and for those to both databases."""

    def __init__(self, folder: Path, namespace: Namespace | None = None) -> None:
        super().__init__(folder, namespace)
        server = self.db.removeprefix("unix:")
        self.openflow = Proxy(
            OpenFlowFramer, ("127.0.0.1", self.app.port), opener=self.namespace.call
        )
        self.vtep_db = Proxy(OvsdbFramer, server, str(folder / "vtep.proxy"))
        self.ovs_db = Proxy(OvsdbFramer, server, str(folder / "ovs.proxy"))
        self.app.proxy_port = self.openflow.port
        self.app.options.update(
            vtep_db=f"unix:{folder}/vtep.proxy",
            ovs_db=f"unix:{folder}/ovs.proxy",
            stats_interval="0",
        )

    def start(self) -> None:
        """Start everything, with two logical switches that are not bound yet."""
        super().start()
        self.add_bridge()
        self.add_physical_switch()
        self.add_underlay(*(f"10.2.2.{number}" for number in range(2, 6)))
        self.do_all(
            "add-ls ls0",
            "set Logical_Switch ls0 tunnel_key=33",
            "add-ls ls1",
            "set Logical_Switch ls1 tunnel_key=44",
            "set-replication-mode ls1 source_node",
        )
        self.app.take_over()

    def stop(self) -> None:
        for proxy in (self.openflow, self.vtep_db, self.ovs_db):
            proxy.close()
        super().stop()

    def do_all(self, *commands: str) -> None:
        """Run commands of vtep-ctl, all in one transaction."""
        self.vtep_ctl(*" -- ".join(commands).split())

    def picture(self) -> dict[str, list[Any]]:
        """Return flows, groups, ports and rows, without numbers that differ from time to time.

        Rows are told by what they say: a reference stands for the row that it leads to.
        """
        vtep = self.snapshot(*TABLES)
        rows = {row["_uuid"]: row for table in vtep.values() for row in table}
        interfaces = self.rows("Interface", "Open_vSwitch")
        return {
            "flows": self.flows(ports="--names"),
            "groups": self.groups(ports="--names"),
            "interfaces": sorted((row["name"], str(row["options"])) for row in interfaces),
            **{
                name: sorted(str(_unfolded(row, rows)) for row in table)
                for name, table in vtep.items()
            },
        }


TABLES = (
    "Physical_Switch",
    "Physical_Port",
    "Logical_Switch",
    "Tunnel",
    "Ucast_Macs_Local",
    "Mcast_Macs_Local",
    "Ucast_Macs_Remote",
    "Mcast_Macs_Remote",
    "Physical_Locator",
    "Physical_Locator_Set",
)


def _unfolded(value: Any, rows: Mapping[UUID, Any]) -> Any:
    """Return a value with the content of rows in the place of their ids."""
    if isinstance(value, UUID):
        return _unfolded(rows[value], rows)
    if isinstance(value, tuple):
        return sorted((_unfolded(each, rows) for each in value), key=str)
    if isinstance(value, dict):
        columns = {key: value[key] for key in sorted(value) if key not in ("_uuid", "_version")}
        return {key: _unfolded(each, rows) for key, each in columns.items()}
    return value


@contextlib.contextmanager
def proxied_switches(number: int) -> Iterator[list[ProxiedSwitch]]:
    """Start that many switches, each with an application of its own, and end them."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(proxied_switch()) for _ in range(number)]


@contextlib.contextmanager
def proxied_switch(namespace: Namespace | None = None) -> Iterator[ProxiedSwitch]:
    """Start a switch, with an application of its own, and end it."""
    folder = Path(tempfile.mkdtemp(prefix="vtep-"))
    switch = ProxiedSwitch(folder, namespace)
    try:
        switch.start()
        yield switch
    finally:
        switch.stop()
        shutil.rmtree(folder)


@contextlib.contextmanager
def small_buffers() -> Iterator[Namespace]:
    """Make a namespace where the kernel keeps only a little of what is sent and not read."""
    namespace = Namespace(f"t{os.getpid()}small")
    namespace.create()
    try:
        for option in ("tcp_wmem", "tcp_rmem"):
            namespace.set_kernel_option(f"net/ipv4/{option}", "4096 8192 8192")
        yield namespace
    finally:
        namespace.delete()
