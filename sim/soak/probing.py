"""Single frames from everywhere to everywhere, and whether each arrived exactly as it should."""

from __future__ import annotations

import bisect
import contextlib
import time
from collections.abc import Mapping, Sequence

from scapy.layers.inet import IPerror

from sim.lab.capture import Capture
from sim.lab.delivery import LATE, QUIET, Delivery, wait_for_quiet
from sim.lab.hosts import VxlanEndpoint
from sim.soak.shots import Shot, shots
from sim.soak.stage import PATIENCE, Stage
from sim.wire import frames

_MARK_BEGIN, _MARK_LENGTH = b"probe ", 22


def frames_arrive_as_they_should(stage: Stage) -> int:
    """Send what the world's shots say until all is right, and once more; return their number.

    Raises AssertionError with the frames that went elsewhere, too often or not at all.
    """
    sent = list(shots(stage.world))
    deadline = time.monotonic() + PATIENCE
    while wrong := _wrong(stage, sent):
        if time.monotonic() > deadline:
            raise AssertionError(f"for {PATIENCE:g} s:\n" + "\n".join(wrong))
    if wrong := _wrong(stage, sent):
        raise AssertionError("it was right before:\n" + "\n".join(wrong))
    return len(sent)


def _wrong(stage: Stage, sent: Sequence[Shot]) -> list[str]:
    """Send one frame for each shot and return those that did not arrive as they should."""
    probes = [_probe(shot) for shot in sent]
    with contextlib.ExitStack() as stack:
        captures = {host.name: stack.enter_context(host.watch()) for host in stage.hosts.values()}
        for shot, probe in zip(sent, probes, strict=True):
            _send(stage, shot, probe)
            time.sleep(0.001)
        for patience in (QUIET, LATE):
            wait_for_quiet(list(captures.values()), patience)
            copies = _copies(captures)
            wrong = [
                f"{shot}: arrived as {delivery}, not as {' or '.join(map(str, shot.allowed))}"
                for shot, probe in zip(sent, probes, strict=True)
                if (delivery := copies.get(probe.mark, {})) not in shot.allowed
            ]
            if not wrong:
                break
    return wrong


def _probe(shot: Shot) -> frames.Probe:
    tags = shot.binding.tags if shot.binding else ()
    if shot.asked:
        return frames.arp_probe(shot.src, shot.asked, tags)
    if shot.header.dst_ip:
        return frames.ip_probe(shot.src, shot.dst, shot.header.dst_ip, tags)
    return frames.probe(shot.src, shot.dst, tags)


def _send(stage: Stage, shot: Shot, probe: frames.Probe) -> None:
    if shot.binding:
        stage.host(shot.binding.port).send(probe.frame)
        return
    endpoint = stage.hosts[shot.endpoint]
    assert isinstance(endpoint, VxlanEndpoint)
    endpoint.send_vxlan(shot.vni, probe.frame)


def _copies(captures: Mapping[str, Capture]) -> dict[bytes, Delivery]:
    """Return, by the mark of a probe, how its copies arrived at which host."""
    copies: dict[bytes, Delivery] = {}
    for host, capture in captures.items():
        for frame in capture.frames:
            place = frame.data.find(_MARK_BEGIN)
            # An ICMP error quotes the frame; it is no copy.
            if place >= 0 and IPerror not in frame.packet:
                mark = frame.data[place : place + _MARK_LENGTH]
                labels = copies.setdefault(mark, {}).setdefault(host, [])
                bisect.insort(labels, frame.label)
    return copies
