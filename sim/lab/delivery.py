"""Which hosts receive a frame, how often, and with which tags or VNI."""

from __future__ import annotations

import contextlib
import select
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from scapy.layers.inet import IPerror
from scapy.packet import Packet

from sim.lab.capture import Capture
from sim.waiting import Evidence, WaitFailed
from sim.wire.frames import Captured, Probe, probe

Delivery = dict[str, list[str]]
"""For each host that got the frame, one label per copy: {"vm2": ["untagged"]}."""

Send = Callable[[Packet], None]


class Receiver(Protocol):
    """A host or peer that may receive frames of the lab."""

    name: str

    def watch(self) -> Capture:
        """Return a capture that has every copy of a frame for it."""
        ...


QUIET = 0.2
"""Seconds without a further copy after which a frame is taken to have arrived everywhere.

A copy takes less than a millisecond through the user-space datapath.
"""
LATE = 2.0
"""Seconds without any frame after which one that is missing counts as lost: on a busy machine Open
vSwitch may not run for a while."""


def deliver(
    send: Send, hosts: Iterable[Receiver], marked: Probe, patience: float = QUIET
) -> Delivery:
    """Send a probe and return every copy of it that any of the hosts received.

    `patience` is how many seconds the first copy may take.
    """
    with contextlib.ExitStack() as stack:
        captures = {host.name: stack.enter_context(host.watch()) for host in hosts}
        send(marked.frame)
        delivery = _copies(captures, marked.mark)
        deadline = time.monotonic() + patience
        while (left := deadline - time.monotonic()) > 0:
            select.select(list(captures.values()), [], [], left)
            if (now := _copies(captures, marked.mark)) != delivery:
                delivery, deadline = now, time.monotonic() + QUIET
    return delivery


def wait_for_quiet(captures: Sequence[Capture], seconds: float) -> None:
    """Return when nothing has arrived at any of the captures for so many seconds."""
    seen, deadline = 0, time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        select.select(captures, [], [], left)
        if (now := sum(len(capture.frames) for capture in captures)) != seen:
            seen, deadline = now, time.monotonic() + seconds


def expect_delivery(
    send: Send,
    hosts: Sequence[Receiver],
    expected: Mapping[str, Sequence[str]],
    *,
    src: str,
    dst: str,
    vlans: Sequence[int] = (),
    timeout: float = 30.0,
    evidence: Evidence | None = None,
) -> float:
    """Send probes until one is delivered exactly as expected; return the seconds that it took.

    Hosts that `expected` leaves out are to receive nothing. Raises WaitFailed with the last
    delivery when none was right in `timeout` seconds.
    """
    wanted = {host: sorted(labels) for host, labels in expected.items() if labels}
    started = time.monotonic()
    while True:
        sent = time.monotonic()
        delivery = deliver(send, hosts, probe(src, dst, vlans))
        if delivery == wanted:
            return sent - started
        if time.monotonic() - started >= timeout:
            raise WaitFailed(
                f"{timeout:g} s in vain for a frame {src} > {dst} to arrive as {wanted}: "
                f"the last one arrived as {delivery}",
                evidence() if evidence else "",
            )


def _copies(captures: Mapping[str, Capture], mark: bytes) -> Delivery:
    copies = {
        name: sorted(frame.label for frame in capture.matching(lambda f: _is_copy(f, mark)))
        for name, capture in captures.items()
    }
    return {name: labels for name, labels in copies.items() if labels}


def _is_copy(frame: Captured, mark: bytes) -> bool:
    # A VTEP without any tunnel answers VXLAN by an ICMP error, which quotes the frame.
    return mark in frame.data and IPerror not in frame.packet
