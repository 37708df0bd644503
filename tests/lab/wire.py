"""Single frames: who receives one, how often, with which tags or VNI.

That a frame does not arrive is proved by markers, not by waiting: a frame of the logical switch
`marks` follows it on the same path, and arrives at every endpoint. Open vSwitch forwards in the
order of arrival; so when the marker is there, nothing of the frame is still to come.
"""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from scapy.packet import Packet

from sim.lab.delivery import Delivery
from sim.lab.guide import Lab
from sim.lab.hosts import Host, VxlanEndpoint
from sim.waiting import WaitFailed
from sim.wire.frames import BROADCAST, Captured, Probe, probe
from tests.lab.control import MARK_VLANS, MARK_VNI, MARKER, PATIENCE, Control

_numbers = itertools.count(1)

Moment = Mapping[str, int]
"""How many frames had arrived at each host."""


def new_mac() -> str:
    """Return a unicast address that no host had before."""
    return "02:77:" + next(_numbers).to_bytes(4, "big").hex(":")


class Wire:
    """Every interface of the lab under watch, for as long as one test lasts."""

    def __init__(self, lab: Lab, control: Control) -> None:
        self.lab = lab
        self._control = control
        self._vms = [host for host in lab.hosts.values() if not isinstance(host, VxlanEndpoint)]
        self._captures = {
            host.name: host.capture_underlay()
            if isinstance(host, VxlanEndpoint)
            else host.capture()
            for host in lab.hosts.values()
        }

    def close(self) -> None:
        for capture in self._captures.values():
            capture.close()

    def frame(
        self, vm: Host, dst: str = BROADCAST, src: str | None = None, vlans: Sequence[int] = ()
    ) -> Shot:
        """Return a frame that a virtual machine is to send, from an address of its own if asked."""
        return Shot(self, vm, vm.send, src or new_mac(), dst, vlans)

    def vxlan(
        self,
        endpoint: VxlanEndpoint,
        vni: int,
        dst: str = BROADCAST,
        src: str | None = None,
        vlans: Sequence[int] = (),
        forged: str | None = None,
    ) -> Shot:
        """Return a frame that an endpoint is to send through its tunnel to us."""

        def send(inner: Packet | bytes) -> None:
            endpoint.send_vxlan(vni, inner, src=forged)

        return Shot(self, endpoint, send, src or new_mac(), dst, vlans)

    def learned(
        self,
        vm: Host,
        vlans: Sequence[int] = (),
        mac: str | None = None,
        logical_switch: str = "ls0",
    ) -> str:
        """Send frames of a station until its row is there; return the station's address.

        More than one frame, because the binding itself may be too new to be in force.
        """
        shot = self.frame(vm, src=mac, vlans=vlans)

        def is_learned() -> bool:
            shot.send()
            return self._control.local(shot.src, logical_switch) is not None

        self._control.wait(is_learned, f"{shot.src} learned behind {vm.name}")
        return shot.src

    def now(self) -> Moment:
        """Return this moment, as `copies` takes it."""
        return {name: len(capture.frames) for name, capture in self._captures.items()}

    def copies(self, mark: bytes, since: Moment) -> Delivery:
        """Return every copy that arrived after a moment, by the host that received it."""
        return {
            name: sorted(frame.label for frame in frames)
            for name, frames in self.carrying(mark, since).items()
        }

    def carrying(self, mark: bytes, since: Moment | None = None) -> dict[str, list[Captured]]:
        """Return the frames with the mark that arrived, after a moment or at all, by the host."""
        first = since or dict.fromkeys(self._captures, 0)
        found = {
            name: [frame for frame in capture.since(first[name]) if mark in frame.data]
            for name, capture in self._captures.items()
        }
        return {name: frames for name, frames in found.items() if frames}

    def sweep(self, origin: Host) -> None:
        """Return when all that the host sent before has arrived wherever it goes."""
        if isinstance(origin, VxlanEndpoint):
            # A third endpoint has no part in `marks`; the way from eth1 on is the same.
            marked = origin if origin in self._marked() else self.lab.service_node
            mark = probe(f"{MARKER}:00:00:01:01", BROADCAST)
            begin = self.now()
            marked.send_vxlan(MARK_VNI, mark.frame)
            self._await(mark, {vm.name: 2 for vm in self._vms}, begin)
            origin = self._vms[0]
        number = self._vms.index(origin)
        mark = probe(f"{MARKER}:00:00:00:{number:02x}", BROADCAST, MARK_VLANS[:1])
        begin = self.now()
        origin.send(mark.frame)
        expected = {vm.name: 1 if vm is origin else 2 for vm in self._vms}
        expected |= {endpoint.name: 1 for endpoint in self._marked()}
        self._await(mark, expected, begin)

    def _marked(self) -> list[VxlanEndpoint]:
        return [self.lab.service_node, self.lab.hypervisor]

    def _await(self, mark: Probe, expected: Mapping[str, int], since: Moment) -> None:
        deadline = time.monotonic() + PATIENCE
        copies: Counter[str] = Counter()
        seen = dict(since)
        while True:
            for name, capture in self._captures.items():
                arrived = capture.since(seen[name])
                seen[name] += len(arrived)
                copies[name] += sum(mark.mark in frame.data for frame in arrived)
            if +copies == expected:
                return
            if time.monotonic() >= deadline:
                raise WaitFailed(
                    f"a marker arrived as {dict(copies)} and not as {expected}", self.lab.evidence()
                )
            time.sleep(0.001)


class Shot:
    """A frame from somewhere to somewhere, to be sent as often as needed to see where it goes."""

    def __init__(
        self,
        wire: Wire,
        origin: Host,
        send: Callable[..., None],
        src: str,
        dst: str,
        vlans: Sequence[int],
    ) -> None:
        self.src = src
        self._wire = wire
        self._origin = origin
        self._send = send
        self._dst = dst
        self._vlans = vlans

    def __str__(self) -> str:
        tags = "".join(f" vlan {vlan}" for vlan in self._vlans)
        return f"{self._origin.name}: {self.src} > {self._dst}{tags}"

    def send(self) -> None:
        """Send the frame and let it go."""
        self._send(self.probe().frame)

    def probe(self) -> Probe:
        """Return the frame with a new mark."""
        return probe(self.src, self._dst, self._vlans)

    def delivery(self, *expected: Delivery) -> Delivery:
        """Send the frame once and return every copy of it.

        If that is not as expected, look again after a second marker: between namespaces, the
        kernel of a busy machine may let a later frame overtake.
        """
        shot = self.probe()
        begin = self._wire.now()
        self._send(shot.frame)
        self._wire.sweep(self._origin)
        copies = self._wire.copies(shot.mark, begin)
        if copies not in expected:
            self._wire.sweep(self._origin)
            copies = self._wire.copies(shot.mark, begin)
        return copies

    def arrives_at_once(self, *expected: Delivery) -> None:
        """Send the frame once; it has to arrive as expected. No host not named receives any."""
        allowed = [_tidy(each) for each in expected]
        copies = self.delivery(*allowed)
        if copies not in allowed:
            raise WaitFailed(
                f"{self}: arrived as {copies}, not as {_either(allowed)}", self._wire.lab.evidence()
            )

    def arrives(self, *expected: Delivery, timeout: float = PATIENCE) -> Delivery:
        """Send the frame until it arrives as expected, and then as expected three times more.

        For a change that the application has yet to follow. Several expectations are
        alternatives. Returns the last delivery.
        """
        allowed = [_tidy(each) for each in expected]
        deadline = time.monotonic() + timeout
        while (copies := self.delivery(*allowed)) not in allowed:
            if time.monotonic() >= deadline:
                raise WaitFailed(
                    f"{self}: in {timeout:g} s it never arrived as {_either(allowed)}, "
                    f"in the end as {copies}",
                    self._wire.lab.evidence(),
                )
            time.sleep(0.005)
        for _ in range(3):
            self.arrives_at_once(*allowed)
        return copies

    def is_dropped(self) -> None:
        """Send the frame three times; it must arrive nowhere, from the first on."""
        for _ in range(3):
            self.arrives_at_once({})


def _tidy(delivery: Mapping[str, Sequence[str]]) -> Delivery:
    return {host: sorted(labels) for host, labels in delivery.items() if labels}


def _either(deliveries: Sequence[Delivery]) -> str:
    return " or ".join(map(str, deliveries))
