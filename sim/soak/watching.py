"""Known traffic during a stretch of a soak run: every frame has to arrive, once, where it should.

The streams are those of a logical switch that stays as it is. Other bindings of the same ports, and
other flood lists with the same tunnels, change all the time.

While links of its namespace come, change or go, Open vSwitch itself loses frames to and from
tunnels now and then, with or without a controller: it reads its routes again. So there are no
streams through tunnels while ports are moved, and what of broadcasts gets there does not count.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sim.lab.capture import Capture
from sim.lab.delivery import LATE, wait_for_quiet
from sim.lab.hosts import Host
from sim.lab.streams import Stream, account
from sim.soak.stage import Stage
from sim.soak.world import STRANGE_VLAN
from sim.wire.frames import BROADCAST

RATE = 100
"""Frames per second of each stream: a busy machine may stop for a second and lose none."""


@dataclass
class Traffic:
    """What became of the frames of all stretches."""

    sent: int = 0
    lost: int = 0
    duplicated: int = 0
    astray: int = 0
    """Copies that arrived where they should not."""

    def __str__(self) -> str:
        """Say the account in one line."""
        return (
            f"{self.sent} frames sent, {self.lost} lost, {self.duplicated} duplicated, "
            f"{self.astray} astray"
        )


@dataclass
class _Watched:
    """A stream, and the names of the hosts where each of its frames has to arrive, or may."""

    stream: Stream
    arrives_at: set[str] = field(default_factory=set)
    may_arrive_at: set[str] = field(default_factory=set)


@contextlib.contextmanager
def known_traffic(stage: Stage, total: Traffic, *, tunnels: bool) -> Iterator[None]:
    """Send while the block runs, and add to `total`. Raises AssertionError for what went wrong.

    Without `tunnels`, virtual machines alone send to each other.
    """
    watched = _between_vms(stage, tunnels)
    if tunnels:
        watched += [_between(stage.vm1, stage.hypervisor), _between(stage.hypervisor, stage.vm1)]
    with contextlib.ExitStack() as watching:
        captures = {
            host.name: watching.enter_context(host.watch()) for host in stage.hosts.values()
        }
        with contextlib.ExitStack() as sending:
            for each in watched:
                sending.enter_context(each.stream)
            yield
        if not all(_has_arrived(each, captures) for each in watched):
            wait_for_quiet(list(captures.values()), LATE)
        problems = [
            problem
            for each in watched
            for name, capture in captures.items()
            if (problem := _judge(each, name, capture, total))
        ]
    total.sent += sum(each.stream.sent for each in watched)
    if problems:
        raise AssertionError("\n".join(problems))


def _between_vms(stage: Stage, tunnels: bool) -> list[_Watched]:
    vm1, vm2 = stage.vm1, stage.vm2
    flooded = {stage.hypervisor.name, stage.service_node.name}
    return [
        _between(vm1, vm2),
        _between(vm2, vm1),
        _Watched(
            vm1.stream(vm2, RATE, dst=BROADCAST),
            {vm2.name, *(flooded if tunnels else ())},
            flooded,
        ),
        _Watched(vm2.stream(vm1, RATE, vlans=(STRANGE_VLAN,), dst=BROADCAST)),
    ]


def _between(sender: Host, receiver: Host) -> _Watched:
    return _Watched(sender.stream(receiver, RATE), {receiver.name})


def _has_arrived(watched: _Watched, captures: Mapping[str, Capture]) -> bool:
    """Return whether each frame of a stream has arrived wherever it has to."""
    stream = watched.stream
    return all(
        len({number for _, number in stream.seen_by(captures[name])}) == stream.sent
        for name in watched.arrives_at
    )


def _judge(watched: _Watched, host: str, capture: Capture, total: Traffic) -> str:
    """Count what a host has seen of a stream; return what is wrong with it, if anything is."""
    stream = watched.stream
    arrivals = stream.seen_by(capture)
    way = f"{stream.sender.name} > {stream.dst} at {host}"
    if host not in watched.arrives_at | watched.may_arrive_at:
        total.astray += len(arrivals)
        return f"{way}: {len(arrivals)} frames that should not be there" if arrivals else ""
    result = account(stream.sent, arrivals)
    lost = result.lost if host in watched.arrives_at else ()
    total.lost += len(lost)
    total.duplicated += len(result.duplicated)
    if not lost and not result.duplicated:
        return ""
    return f"{way}: {result}; lost {_few(lost)}, duplicated {_few(result.duplicated)}"


def _few(numbers: tuple[int, ...]) -> str:
    shown = ", ".join(map(str, numbers[:8]))
    return f"{shown}, ..." if len(numbers) > 8 else shown or "none"
