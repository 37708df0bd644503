"""How fast a VTEP reacts: from the NVC's row to the frame, from a host's first frame to the row."""

from __future__ import annotations

import time

from sim.bench import rows
from sim.bench.floor import Floor
from sim.bench.overlay import Overlay
from sim.bench.traffic import Probes
from sim.bench.watcher import Watcher
from sim.wire.frames import probe
from sim.wire.ovsdb import PATIENCE, Operation

Place = tuple[rows.Reference, list[Operation]]
"""A locator, and the operations that make it if it is not there."""


def react(overlay: Overlay, repeat: int) -> tuple[list[float], list[float]]:
    """Return milliseconds from rows of Ucast_Macs_Remote to the first frames that follow them.

    The second list is from the deletion of each row to the first frame that goes elsewhere. The
    time of the transactions is part of both.
    """
    pairs = [_react(overlay, mac, (overlay.locator, [])) for mac in rows.macs(repeat, series=0xB0)]
    return [there for there, _ in pairs], [back for _, back in pairs]


def react_by_new_tunnel(overlay: Overlay, repeat: int) -> list[float]:
    """Return the same towards addresses that no tunnel leads to yet, by rows and locators."""
    samples = []
    addresses = overlay.new_addresses(repeat)
    for mac, address in zip(rows.macs(repeat, series=0xB2), addresses, strict=True):
        new = rows.named("new"), [rows.locator("new", address)]
        samples.append(_react(overlay, mac, new)[0])
    return samples


def learn(overlay: Overlay, repeat: int, known: int = 0) -> list[float]:
    """Return milliseconds from the first frame of a new host to its row in Ucast_Macs_Local.

    ``known`` is the number of hosts that were measured before.
    """
    vm = overlay.lab.vm1
    overlay.connection.watch_stations("Ucast_Macs_Local")
    samples = []
    for mac in rows.macs(known + repeat, series=0xB1)[known:]:
        frame = bytes(probe(mac, overlay.lab.vm2.mac).frame)
        sent = time.time()
        vm.send(frame)
        samples.append((overlay.connection.appeared(mac) - sent) * 1000)
    return samples


class Reactions:
    """Measures both reactions again and again, each time with new hosts."""

    def __init__(self, overlay: Overlay, repeat: int) -> None:
        """Measure each reaction so many times."""
        self._overlay = overlay
        self._repeat = repeat
        self._known = repeat  # those of learn()

    def measure(self) -> dict[str, list[float]]:
        """Return milliseconds of react() and of learn(), by their names."""
        learned = learn(self._overlay, self._repeat, self._known)
        self._known += self._repeat
        return {"react": react(self._overlay, self._repeat)[0], "learn": learned}


def react_floor(
    floor: Floor, switch: rows.Reference, far: rows.Reference, repeat: int
) -> list[float]:
    """Return milliseconds from such a row until another client knows it, and for one flow."""
    with floor.connect() as writer, floor.connect() as reader, floor.openflow() as bridge:
        reader.watch_stations("Ucast_Macs_Remote")
        samples = []
        for mac in rows.macs(repeat, series=0xB0):
            seen = _seen(writer, reader, mac, switch, far, "Ucast_Macs_Remote")
            begun = time.time()
            bridge.add(mac)
            samples.append((seen + time.time() - begun) * 1000)
    return samples


def learn_floor(
    floor: Floor, switch: rows.Reference, far: rows.Reference, repeat: int
) -> list[float]:
    """Return milliseconds until another client knows a row that a client writes."""
    with floor.connect() as writer, floor.connect() as reader:
        reader.watch_stations("Ucast_Macs_Local")
        return [
            _seen(writer, reader, mac, switch, far, "Ucast_Macs_Local") * 1000
            for mac in rows.macs(repeat, series=0xB1)
        ]


def _react(overlay: Overlay, mac: str, place: Place) -> tuple[float, float]:
    lab, connection = overlay.lab, overlay.connection
    locator, first_of_all = place
    with (
        lab.service_node.capture_underlay() as elsewhere,
        lab.hypervisor.capture_underlay() as there,
        Probes(lab.vm1, probe(lab.vm1.mac, mac)) as probes,
    ):
        probes.settle_at(elsewhere, 0, PATIENCE)
        insertion = rows.station(mac, overlay.switch, locator)
        written = time.time()
        result = connection.transact(*first_of_all, insertion)
        first = probes.first_at(there, written, PATIENCE)
        probes.settle_at(there, first, PATIENCE)
        deleted = time.time()
        connection.transact(rows.delete("Ucast_Macs_Remote", result[-1]["uuid"]))
        back = probes.first_at(elsewhere, deleted, PATIENCE)
    return (first - written) * 1000, (back - deleted) * 1000


def _seen(
    writer: Watcher,
    reader: Watcher,
    mac: str,
    switch: rows.Reference,
    far: rows.Reference,
    table: str,
) -> float:
    begun = time.time()
    writer.transact(rows.station(mac, switch, far, table))
    return reader.appeared(mac) - begun
