"""What a routed frame costs ovs-vswitchd, beside a switched one."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from ipaddress import IPv4Address

from sim.bench import rows
from sim.bench.datapath import Pairs, send
from sim.bench.floor import Floor
from sim.bench.measure import OURS
from sim.bench.routed_rows import ROUTER_MAC
from sim.bench.scenario import Scenario
from sim.bench.watcher import Watcher
from sim.lab.guide import Lab
from sim.lab.hosts import Host
from sim.waiting import wait_until
from sim.wire.frames import arp_request, routed_frame
from sim.wire.ovsdb import Operation

_TURNS = 5
_GATEWAYS = "10.1.0.1", "10.2.0.1"
"""The router's addresses where the senders are, and where the receivers are."""


class RoutedFrames(Scenario):
    """As many pairs of hosts as the size: in one logical switch, or in two that a router joins."""

    KINDS = ("frame-routed",)

    @property
    def sizes(self) -> Sequence[int]:
        """The sizes of the plan."""
        return self.plan.pairs

    @property
    def emulator_most(self) -> int:
        """It has no routers."""
        return 0

    def measure(self, lab: Lab, size: int) -> None:
        """Send the same frames, but for the MAC that they are for, switched and routed in turn."""
        run = _Run(lab, Pairs(lab, size, self.plan.frames))
        with Watcher(lab.vtep.folder / "db.sock") as connection:
            run.configure(connection)
            for _ in range(_TURNS):
                switched = run.cost(connection, is_routed=False)
                self.results.add("frame-routed", OURS, size, run.cost(connection, True) / switched)

    def measure_floor(self, floor: Floor, size: int) -> None:
        """It is a ratio of two figures of ours."""


class _Run:
    """The pairs of a lab. The port of the receivers is in one logical switch, then in another."""

    def __init__(self, lab: Lab, pairs: Pairs) -> None:
        self._lab = lab
        self._pairs = pairs
        self._ips = {
            mac: str(IPv4Address(gateway) + 1 + number)
            for gateway, macs in zip(_GATEWAYS, (pairs.here, pairs.there), strict=True)
            for number, mac in enumerate(macs)
        }
        self._frames = {
            is_routed: [
                bytes(
                    routed_frame(
                        src,
                        ROUTER_MAC if is_routed else dst,
                        self._ips[src],
                        self._ips[dst],
                        bytes(22),
                    )
                )
                for src, dst in pairs.pairs
            ]
            for is_routed in (False, True)
        }

    def configure(self, connection: Watcher) -> None:
        """Make the two logical switches and the router between them."""
        bindings = [[f"{each}/16", rows.named(f"ls{n}")] for n, each in enumerate(_GATEWAYS)]
        results = connection.transact(
            *(
                rows.insert("Logical_Switch", f"ls{n}", name=f"ls{n}", tunnel_key=n + 1)
                for n in (0, 1)
            ),
            rows.insert(
                "Logical_Router",
                name="r",
                other_config=["map", [["router_mac", ROUTER_MAC]]],
                switch_binding=["map", bindings],
            ),
            _bound("p0", rows.named("ls0")),
        )
        self._switches = [result["uuid"] for result in results[:2]]

    def cost(self, connection: Watcher, is_routed: bool) -> float:
        """Return microseconds for a frame whose flow is cached."""
        there = self._switches[is_routed]
        connection.transact(_bound("p1", there))
        for host, macs, switch, gateway in (
            (self._lab.vm1, self._pairs.here, self._switches[0], _GATEWAYS[0]),
            (self._lab.vm2, self._pairs.there, there, _GATEWAYS[is_routed]),
        ):
            frames = [bytes(arp_request(mac, self._ips[mac], gateway)) for mac in macs]
            wait_until(
                functools.partial(_introduced, connection, switch, macs, host, frames),
                f"the addresses of {len(macs)} hosts in Ucast_Macs_Local",
            )
        self._require_arrival(self._frames[is_routed][-1])
        return self._pairs.cost(self._frames[is_routed])[1]

    def _require_arrival(self, frame: bytes) -> None:
        """Return when a frame of the last pair has arrived: one that is dropped costs less."""
        receiver = bytes.fromhex(self._pairs.pairs[-1][1].replace(":", ""))
        with self._lab.vm2.capture() as there:
            self._lab.vm1.send(frame)
            there.wait_for(1, lambda arrived: arrived.data.startswith(receiver))


def _bound(port: str, switch: rows.Reference) -> Operation:
    return rows.update("Physical_Port", "name", port, vlan_bindings=["map", [[0, switch]]])


def _introduced(
    connection: Watcher,
    switch: rows.Reference,
    macs: Sequence[str],
    host: Host,
    frames: Sequence[bytes],
) -> bool:
    """Return whether rows say the addresses of all these stations; let them speak if not.

    What is sent before the binding is in effect is lost.
    """
    query = {
        "op": "select",
        "table": "Ucast_Macs_Local",
        "where": [["logical_switch", "==", switch]],
        "columns": ["MAC", "ipaddr"],
    }
    known = {row["MAC"] for row in connection.transact(query)[0]["rows"] if row["ipaddr"]}
    if known >= set(macs):
        return True
    send(host, frames, 1)
    return False
