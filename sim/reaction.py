"""How fast a VTEP reacts: from the NVC's row to the frame, and from a host's frame to the row.

Each controller gets a lab of its own, one after the other, with the same picture and the same
rows. Frames carry the kernel's time of arrival; rows are written and watched over connections of
our own, so that no tool's start is in the figures.
"""

from __future__ import annotations

import itertools
import json
import os
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from sim import links
from sim.app import App, Controller, Emulator
from sim.capture import Capture
from sim.frames import Captured, probe
from sim.hosts import Host
from sim.lab import VNI, Lab
from sim.waiting import WaitFailed, wait_until

PATIENCE = 30.0
"""Seconds after which a reaction counts as missing."""

REPEAT = 20
MOST = 100
"""Each measurement towards a new address takes one of the underlay's."""

ROW_TO_FRAME = "row of Ucast_Macs_Remote written: first frame through its tunnel"
NEW_TUNNEL = "the same, towards a new address: the tunnel has to be made first"
ROW_GONE = "that row deleted: first frame that goes elsewhere"
FRAME_TO_ROW = "first frame of a new host: its row in Ucast_Macs_Local"

REACTIONS = (ROW_TO_FRAME, NEW_TUNNEL, ROW_GONE, FRAME_TO_ROW)

Samples = dict[str, list[float]]
"""For each of REACTIONS, what was measured, in milliseconds."""

CONTROLLERS: tuple[type[Controller], ...] = (App, Emulator)

_PROBES_EVERY = 0.0005
_SETTLED = 20
"""Frames in a row at the right place, after which a change has had its effect."""


class Rows:
    """A connection to the hardware_vtep database, with the time at which each message came."""

    def __init__(self, path: Path) -> None:
        """Connect to a server's Unix socket."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(str(path))
        self._ids = itertools.count(1)
        self._replies: dict[int, Any] = {}
        self._appeared: dict[str, float] = {}
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, name="rows", daemon=True)
        self._reader.start()

    def __enter__(self) -> Rows:
        """Return the connection."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._reader.join()
        self._socket.close()

    def transact(self, *operations: Mapping[str, Any]) -> list[Any]:
        """Return the results of a transaction when it is committed. Raises RuntimeError."""
        results: list[Any] = self._call("transact", ["hardware_vtep", *operations])
        for result in results:
            if result and "error" in result:
                raise RuntimeError(f"{operations}: {result}")
        return results

    def watch_local_macs(self) -> None:
        """Note from now on when a row of Ucast_Macs_Local appears."""
        columns = {"Ucast_Macs_Local": {"columns": ["MAC"]}}
        self._call("monitor", ["hardware_vtep", None, columns])

    def appeared(self, mac: str) -> float:
        """Return when the row of an address came, in seconds since 1970. Raises WaitFailed."""
        with self._news:
            if not self._news.wait_for(lambda: mac in self._appeared, PATIENCE):
                raise WaitFailed(f"waited {PATIENCE:g} s in vain for {mac} in Ucast_Macs_Local")
            return self._appeared[mac]

    def _call(self, method: str, parameters: Sequence[Any]) -> Any:
        number = next(self._ids)
        self._send({"method": method, "params": parameters, "id": number})
        with self._news:
            if not self._news.wait_for(lambda: number in self._replies, PATIENCE):
                raise WaitFailed(f"waited {PATIENCE:g} s in vain for the answer to {method}")
            reply = self._replies.pop(number)
        if reply["error"]:
            raise RuntimeError(f"{method}: {reply['error']}")
        return reply["result"]

    def _send(self, message: Mapping[str, Any]) -> None:
        self._socket.sendall(json.dumps(message).encode())

    def _read(self) -> None:
        decoder = json.JSONDecoder()
        text = ""
        while received := self._socket.recv(65536):
            now = time.time()
            text += received.decode()
            while text:
                try:
                    message, end = decoder.raw_decode(text)
                except ValueError:
                    break  # the rest is still to come
                text = text[end:]
                self._take(message, now)

    def _take(self, message: Mapping[str, Any], now: float) -> None:
        if message.get("method") == "echo":
            self._send({"id": message["id"], "result": message["params"], "error": None})
            return
        with self._news:
            if message.get("method") == "update":
                for change in message["params"][1].get("Ucast_Macs_Local", {}).values():
                    if "new" in change:
                        self._appeared.setdefault(change["new"]["MAC"], now)
            elif isinstance(message.get("id"), int):
                self._replies[message["id"]] = message
            self._news.notify_all()


class Probes:
    """Frames from one host to one address, every half a millisecond while the block runs."""

    def __init__(self, sender: Host, destination: str) -> None:
        """Prepare the frames."""
        marked = probe(sender.mac, destination)
        self.mark = marked.mark
        self._frame = bytes(marked.frame)
        self._sender = sender
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._send, name="probes")

    def __enter__(self) -> Probes:
        """Start to send."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop to send."""
        self._stopping.set()
        self._thread.join()

    def first_at(self, place: Capture, since: float) -> float:
        """Return when the first of the frames came there after a moment. Raises WaitFailed."""
        found = place.wait_for(1, self._arrived(since), PATIENCE)
        return found[0].time

    def settle_at(self, place: Capture, since: float) -> None:
        """Return when enough of the frames have come there after a moment. Raises WaitFailed."""
        place.wait_for(_SETTLED, self._arrived(since), PATIENCE)

    def _arrived(self, since: float) -> Callable[[Captured], bool]:
        return lambda frame: frame.time > since and self.mark in frame.data

    def _send(self) -> None:
        while not self._stopping.wait(_PROBES_EVERY):
            self._sender.send(self._frame)


class Measurement:
    """One controller in one lab, measured."""

    def __init__(self, lab: Lab, repeat: int) -> None:
        """Take a lab whose controller has the bridge; every reaction is measured `repeat` times."""
        self._lab = lab
        self._repeat = repeat
        self._numbers = itertools.count(1)
        self._socket = lab.vtep.folder / "db.sock"

    def run(self) -> Samples:
        """Configure the logical switch and measure everything. Raises WaitFailed."""
        self._configure()
        with Rows(self._socket) as rows:
            result = rows.transact(_select("Logical_Switch", ["name", "==", "ls0"]))
            logical_switch = ["uuid", result[0]["rows"][0]["_uuid"][1]]
            samples: Samples = {reaction: [] for reaction in REACTIONS}
            known = itertools.repeat(self._lab.hypervisor.underlay_ip)
            for reaction, addresses in (
                (ROW_TO_FRAME, known),
                (NEW_TUNNEL, self._new_addresses()),
            ):
                for address in itertools.islice(addresses, self._repeat):
                    appearing, vanishing = self._remote(rows, logical_switch, address)
                    samples[reaction].append(appearing)
                    if reaction == ROW_TO_FRAME:
                        samples[ROW_GONE].append(vanishing)
            rows.watch_local_macs()
            samples[FRAME_TO_ROW] = [self._local(rows) for _ in range(self._repeat)]
        return samples

    def _configure(self) -> None:
        """Bind both VMs; unknown frames go to the service node, and the hypervisor is in use."""
        vtep, hypervisor = self._lab.vtep, self._lab.hypervisor
        for command in (
            "add-ls ls0",
            f"set Logical_Switch ls0 tunnel_key={VNI}",
            f"bind-ls {vtep.bridge} p0 0 ls0",
            f"bind-ls {vtep.bridge} p1 0 ls0",
            f"add-mcast-remote ls0 unknown-dst {self._lab.service_node.underlay_ip}",
            f"add-ucast-remote ls0 {hypervisor.mac} {hypervisor.underlay_ip}",
        ):
            vtep.vtep_ctl(*command.split())
        service_node = {"service-node": [f"vni {VNI}"], "vm2": ["untagged"]}
        vm = self._lab.vm1
        self._lab.expect_delivery(vm.send, service_node, src=vm.mac, timeout=PATIENCE)
        self._lab.expect_delivery(
            vm.send,
            {hypervisor.name: [f"vni {VNI}"]},
            src=vm.mac,
            dst=hypervisor.mac,
            timeout=PATIENCE,
        )

    def _remote(self, rows: Rows, logical_switch: list[str], address: str) -> tuple[float, float]:
        """Write a row and delete it again; return how long the frames took to follow, in ms."""
        mac = self._new_mac()
        lab = self._lab
        with (
            lab.service_node.capture_underlay() as elsewhere,
            lab.hypervisor.capture_underlay() as there,
            Probes(lab.vm1, mac) as probes,
        ):
            probes.settle_at(elsewhere, 0)
            insertion = _insertion(rows, mac, logical_switch, address)
            written = time.time()
            rows.transact(*insertion)
            first = probes.first_at(there, written)
            probes.settle_at(there, first)
            deleted = time.time()
            rows.transact(
                {"op": "delete", "table": "Ucast_Macs_Remote", "where": [["MAC", "==", mac]]}
            )
            back = probes.first_at(elsewhere, deleted)
        return (first - written) * 1000, (back - deleted) * 1000

    def _new_addresses(self) -> Iterator[str]:
        """Yield further addresses of the hypervisor, which no tunnel leads to yet."""
        lab = self._lab
        for last in itertools.count(100):
            address = f"10.2.2.{last}"
            far = lab.hypervisor
            links.add_address(far.namespace, far.UNDERLAY_INTERFACE, address)
            lab.vtep.appctl("tnl/neigh/set", lab.vtep.UNDERLAY_BRIDGE, address, far.underlay_mac)
            yield address

    def _local(self, rows: Rows) -> float:
        """Let a new host send a frame; return how long its row took to appear, in ms."""
        marked = probe(self._new_mac(), self._lab.vm2.mac)
        frame = bytes(marked.frame)
        sent = time.time()
        self._lab.vm1.send(frame)
        return (rows.appeared(marked.frame.src) - sent) * 1000

    def _new_mac(self) -> str:
        return "02:be:" + next(self._numbers).to_bytes(4, "big").hex(":")


@dataclass(frozen=True)
class Summary:
    """The samples of one reaction, in milliseconds."""

    median: float
    least: float
    most: float
    number: int

    @classmethod
    def of(cls, samples: Sequence[float]) -> Summary:
        """Summarise samples, at least one."""
        return cls(statistics.median(samples), min(samples), max(samples), len(samples))

    def __str__(self) -> str:
        """Say the median and the spread."""
        return f"{self.median:8.1f}  ({self.least:.1f} to {self.most:.1f}, n={self.number})"


def measure(name: str, repeat: int = REPEAT) -> dict[str, Samples]:
    """Return the samples of every controller, by its name; labs of that name come and go.

    Raises LabBusy and WaitFailed.
    """
    measured = {}
    for controller in CONTROLLERS:
        with Lab(name, controller) as lab:
            lab.start()
            wait_until(lab.app.is_ready, f"{controller.NAME} in control", timeout=PATIENCE)
            measured[controller.NAME] = Measurement(lab, repeat).run()
    return measured


def table(measured: Mapping[str, Samples]) -> str:
    """Return the medians and spreads of two controllers side by side, and how many times less."""
    (ours, our_samples), (theirs, their_samples) = measured.items()
    lines = ["Milliseconds: median (least to most, number of measurements)", ""]
    for reaction in REACTIONS:
        mine, other = Summary.of(our_samples[reaction]), Summary.of(their_samples[reaction])
        lines += [
            reaction,
            f"    {ours:<12}{mine}",
            f"    {theirs:<12}{other}",
            f"    ratio       {other.median / mine.median:8.0f}",
        ]
    return "\n".join(lines)


def bench(name: str, repeat: int, file: Path | None) -> None:
    """Measure, print the table, and write every sample as JSON if a file is named."""
    load = [os.getloadavg()[0]]
    measured = measure(name, repeat)
    load.append(os.getloadavg()[0])
    print(table(measured))
    before, after = load
    print(f"\nLoad average of the machine: {before:.1f} before, {after:.1f} after")
    if file:
        record = {"unit": "ms", "load": load, "samples": measured}
        file.write_text(json.dumps(record, indent=2) + "\n")


def _select(table: str, *conditions: Sequence[str]) -> dict[str, Any]:
    return {"op": "select", "table": table, "where": conditions}


def _insertion(
    rows: Rows, mac: str, logical_switch: list[str], address: str
) -> list[dict[str, Any]]:
    """Return the operations that place a station; a locator that is there already is used."""
    found = rows.transact(_select("Physical_Locator", ["dst_ip", "==", address]))[0]["rows"]
    row = {"MAC": mac, "logical_switch": logical_switch}
    if found:
        return [_insert("Ucast_Macs_Remote", {**row, "locator": found[0]["_uuid"]})]
    locator = {"encapsulation_type": "vxlan_over_ipv4", "dst_ip": address}
    return [
        {**_insert("Physical_Locator", locator), "uuid-name": "locator"},
        _insert("Ucast_Macs_Remote", {**row, "locator": ["named-uuid", "locator"]}),
    ]


def _insert(table: str, row: Mapping[str, Any]) -> dict[str, Any]:
    return {"op": "insert", "table": table, "row": row}
