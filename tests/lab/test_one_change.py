"""A transaction of the NVC is one change: nothing in between is seen on the wire, or in rows."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from sim.wire.frames import BROADCAST, lab_frame
from sim.wire.ovsdb import Operation, OvsdbConnection
from tests.lab.control import Control, Row
from tests.lab.traffic import Traffic
from tests.lab.trial import TrialLab
from tests.lab.wire import Wire, new_mac

THIRD = "10.2.2.4"
BFD_PARAMS = {"enable": "false", "min_rx": "700"}
REPLACEMENTS = 2000


class Storm:
    """An NVC that replaces rows as fast as the server lets it. A context manager.

    Each transaction deletes the row for unknown destinations and inserts it again, as OVN does at
    every change, and does the same with some remote MACs.
    """

    MACS = tuple(f"02:79:00:00:00:{number:02x}" for number in range(20))

    def __init__(self, remote: str, logical_switch: str, locator: str) -> None:
        self.replaced = 0
        self._connection = OvsdbConnection(remote.removeprefix("unix:"))
        self._switch, self._locator = ["uuid", logical_switch], ["uuid", locator]
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._error: Exception | None = None

    def __enter__(self) -> Storm:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()
        self._connection.close()
        if self._error:
            raise self._error

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._transact()
                self.replaced += 1
        except Exception as error:
            self._error = error

    def _transact(self) -> None:
        operations = [
            *self._replace("Mcast_Macs_Remote", "unknown-dst", locator_set=["named-uuid", "set"]),
            {
                "op": "insert",
                "table": "Physical_Locator_Set",
                "uuid-name": "set",
                "row": {"locators": self._locator},
            },
        ]
        for mac in self.MACS:
            operations += self._replace("Ucast_Macs_Remote", mac, locator=self._locator)
        self._connection.transact(*operations)

    def _replace(self, table: str, mac: str, **row: Any) -> list[Operation]:
        of = ["logical_switch", "==", self._switch]
        row |= {"MAC": mac, "logical_switch": self._switch}
        return [
            {"op": "delete", "table": table, "where": [["MAC", "==", mac], of]},
            {"op": "insert", "table": table, "row": row},
        ]


@pytest.fixture
def alone(lab: TrialLab, nvc: Control) -> str:
    """ls0 floods to one VTEP that nothing else names, over a tunnel with the NVC's bfd_params."""
    nvc.do(
        "add-ls ls0",
        "set Logical_Switch ls0 tunnel_key=33",
        *(f"bind-ls br0 {port} 0 ls0" for port in lab.vtep.ports),
        f"add-mcast-remote ls0 unknown-dst {THIRD}",
    )
    locator = nvc.wait(lambda: locator_of(nvc, THIRD), "the locator")
    assert locator is not None
    nvc.wait(lambda: has_tunnel_row(nvc, locator), "its Tunnel row")
    row = tunnel_row(nvc, locator)
    params = " ".join(f"bfd_params:{key}={value}" for key, value in BFD_PARAMS.items())
    nvc.do(f"set Tunnel {row['_uuid']} {params}")
    return locator


def locator_of(nvc: Control, address: str) -> str | None:
    rows = nvc.rows("Physical_Locator")
    return next((row["_uuid"] for row in rows if row["dst_ip"] == address), None)


def has_tunnel_row(nvc: Control, locator: str) -> bool:
    return any(row["remote"] == locator for row in nvc.rows("Tunnel"))


def tunnel_row(nvc: Control, locator: str) -> Row:
    return next(row for row in nvc.rows("Tunnel") if row["remote"] == locator)


def tunnel_port(lab: TrialLab, nvc: Control) -> tuple[str, str]:
    """Return the UUID and the OpenFlow port of the tunnel to the one VTEP."""
    name = nvc.tunnels()[THIRD]["name"]
    uuid, number = lab.vtep.ovs_vsctl("get", "Interface", name, "_uuid", "ofport").split()
    return uuid, number


def test_a_storm_of_replacements_loses_no_frame_and_keeps_the_tunnel(
    lab: TrialLab, nvc: Control, wire: Wire, alone: str
) -> None:
    everywhere = {"vm2": ["untagged"], "vm3": ["untagged"], "third": ["vni 33"]}
    sender, station, far = new_mac(), new_mac(), Storm.MACS[-1]
    wire.learned(lab.vm1, mac=sender)
    wire.frame(lab.vm1, src=sender).arrives(everywhere)
    row, port = tunnel_row(nvc, alone), tunnel_port(lab, nvc)
    assert row["bfd_params"] == BFD_PARAMS
    nvc.do(f"add-ucast-remote ls0 {far} {THIRD}")
    wire.frame(lab.vm1, dst=far, src=sender).arrives({"third": ["vni 33"]})
    (switch,) = (each["_uuid"] for each in nvc.rows("Logical_Switch") if each["name"] == "ls0")
    with (
        Traffic(wire, lab.vm1, BROADCAST, src=sender, rate=300) as flooded,
        Traffic(wire, lab.vm1, far, src=sender, rate=300) as placed,
        Storm(lab.vtep.db, switch, alone) as storm,
    ):
        nvc.wait(lambda: storm.replaced >= REPLACEMENTS // 2, "half of the replacements")
        lab.vm3.send(lab_frame(station, BROADCAST, b""))
        nvc.wait_for_local(station)
        nvc.wait(lambda: storm.replaced >= REPLACEMENTS, "all replacements")
    flooded.arrived_as(dict.fromkeys(everywhere, 1))
    placed.arrived_as({"third": 1})
    assert tunnel_row(nvc, alone) == row
    assert tunnel_port(lab, nvc) == port
