"""One logical switch of the lab, with any number of remote stations behind the hypervisor."""

from __future__ import annotations

from collections.abc import Sequence

from sim.bench import rows
from sim.bench.traffic import Destinations
from sim.bench.watcher import Watcher
from sim.lab import links
from sim.lab.guide import Lab
from sim.lab.network import VNI
from sim.wire.ovsdb import Operation

PATIENCE = 60.0

SAMPLES = 32
"""Of many stations, how many are probed."""


class Overlay:
    """Logical switch ls0: both virtual machines, the service node for what is unknown."""

    def __init__(self, lab: Lab, connection: Watcher) -> None:
        """Configure it, and return when frames for a first remote station take the tunnel."""
        self.lab = lab
        self.connection = connection
        vtep, hypervisor = lab.vtep, lab.hypervisor
        for command in (
            "add-ls ls0",
            f"set Logical_Switch ls0 tunnel_key={VNI}",
            f"bind-ls {vtep.bridge} p0 0 ls0",
            f"bind-ls {vtep.bridge} p1 0 ls0",
            f"add-mcast-remote ls0 unknown-dst {lab.service_node.underlay_ip}",
            f"add-ucast-remote ls0 {hypervisor.mac} {hypervisor.underlay_ip}",
        ):
            vtep.vtep_ctl(*command.split())
        vm = lab.vm1
        flooded = {"service-node": [f"vni {VNI}"], "vm2": ["untagged"]}
        lab.expect_delivery(vm.send, flooded, src=vm.mac, timeout=PATIENCE)
        lab.expect_delivery(
            vm.send,
            {hypervisor.name: [f"vni {VNI}"]},
            src=vm.mac,
            dst=hypervisor.mac,
            timeout=PATIENCE,
        )
        self._addresses = 0
        self.switch = self._row("Logical_Switch", "name", "ls0")
        self.locator = self._row("Physical_Locator", "dst_ip", hypervisor.underlay_ip)

    def new_addresses(self, number: int) -> list[str]:
        """Return further tunnel addresses of the hypervisor, which no tunnel leads to yet."""
        far = self.lab.hypervisor
        first = 100 + self._addresses
        self._addresses += number
        addresses = [f"10.2.2.{last}" for last in range(first, first + number)]
        add_addresses(self.lab, addresses)
        for address in addresses:
            links.add_address(far.namespace, far.UNDERLAY_INTERFACE, address)
        return addresses

    def _row(self, table: str, column: str, value: str) -> rows.Reference:
        found = rows.find(self.connection, table, column, value)
        if found is None:
            raise RuntimeError(f"no row of {table} with {column} {value}")
        return found


def placed(
    macs: Sequence[str],
    switch: rows.Reference,
    locator: rows.Reference,
    ips: Sequence[str] | None = None,
) -> list[Operation]:
    """Return the operations that place stations behind a locator, each with an IP if there are."""
    pairs = zip(macs, ips or [""] * len(macs), strict=True)
    return [rows.station(mac, switch, locator, ip=ip) for mac, ip in pairs]


def samples_of(macs: list[str]) -> Destinations:
    """Return some of many stations, evenly spread, with the first and the last."""
    return [(mac, ()) for mac in spread(macs)]


def spread(addresses: Sequence[str]) -> list[str]:
    """Return some of many addresses, evenly spread, with the first and the last."""
    number = min(SAMPLES, len(addresses))
    last = len(addresses) - 1
    places = {round(each * last / max(1, number - 1)) for each in range(number)} | {last}
    return [addresses[place] for place in sorted(places)]


def add_addresses(lab: Lab, addresses: list[str]) -> None:
    """Let the VTEP's Open vSwitch find these addresses of the underlay at the hypervisor."""
    for address in addresses:
        lab.vtep.appctl(
            "tnl/neigh/set", lab.vtep.UNDERLAY_BRIDGE, address, lab.hypervisor.underlay_mac
        )
