"""How large and how often: what one run measures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MAX_REPEATS = 100
"""Each measurement towards a new address takes one of the underlay's."""

MAX_MACS = 1_000_000


@dataclass(frozen=True)
class Plan:
    """Sizes and numbers of a run; the defaults are those of the targets."""

    sizes: Sequence[int] = (100, 1_000, 10_000, 100_000)
    """Remote MACs in one logical switch."""
    emulator_most: int = 1_000
    """Of these sizes, the largest one that the emulator gets: it takes it ten seconds."""
    repeat: int = 20
    """How often each reaction is measured."""
    restarts: int = 3
    """How often the application starts with observers, and as often without."""
    hosts: Sequence[int] = (100, 10_000)
    """New hosts that send their first frames at once."""
    host_rate: int = 5_000
    """How many of them do in a second."""
    switches: Sequence[int] = (16, 4_096)
    """Logical switches made by one transaction."""
    vteps: Sequence[int] = (16, 2_000)
    """Remote VTEPs that one logical switch floods to."""
    entries: Sequence[int] = (100, 10_000)
    """Entries of an access list, each of them one flow."""
    stations: Sequence[int] = (50_000,)
    """Remote MACs with an IP address each, and as many without."""
    pairs: Sequence[int] = (1_000,)
    """Pairs of hosts whose frames are forwarded, with an access list of as many entries."""
    frames: int = 10_000
    """Frames of these pairs in each measurement of what a frame costs."""
    speakers: Sequence[int] = (1_000,)
    """New hosts that send an ARP request each at once."""
    routers: Sequence[int] = (16, 1_024)
    """Routers with 4 interfaces, 32 static routes and 64 next hops each."""
    routes: Sequence[int] = (32, 32_768)
    """Static routes of one router."""
    idle: float = 20.0
    """Seconds for which nothing is to happen."""
    stats_interval: float = 10.0
    """The application's option of that name."""


QUICK = Plan(
    sizes=(20, 200),
    emulator_most=20,
    repeat=3,
    restarts=1,
    hosts=(50,),
    switches=(8,),
    vteps=(4,),
    entries=(20,),
    stations=(50,),
    pairs=(20,),
    frames=200,
    speakers=(20,),
    routers=(3,),
    routes=(8,),
    idle=2.0,
    stats_interval=1.0,
)
"""Small enough for a test: it shows that everything can be measured, not how fast anything is."""
