"""Counters of flows, and of the messages on an OpenFlow connection."""

from dataclasses import dataclass, fields
from typing import NamedTuple


class Counter(NamedTuple):
    """The counters of a flow with this cookie, since it was added."""

    cookie: int
    packets: int
    octets: int


class PortCounter(NamedTuple):
    """The counters of a port since it was created, in the order of OpenFlow 1.3 (7.3.5.6).

    What the port does not count is None; tunnels of Open vSwitch count packets and bytes only.
    """

    rx_packets: int | None
    tx_packets: int | None
    rx_bytes: int | None
    tx_bytes: int | None
    rx_dropped: int | None
    tx_dropped: int | None
    rx_errors: int | None
    tx_errors: int | None


@dataclass(slots=True)
class PacketIns:
    """Packet-ins that reached the loop's inbox since this process started."""

    taken: int = 0
    repeated: int = 0
    """Those that were waiting already, and were ignored."""
    dropped: int = 0
    """Those that were dropped because a queue was full."""


@dataclass(slots=True)
class Traffic:
    """Messages on one connection since the switch connected."""

    flow_mods: int = 0
    group_mods: int = 0
    bundles_opened: int = 0
    bundles_committed: int = 0
    flow_stats_requests: int = 0
    packet_ins: int = 0
    packet_ins_dropped: int = 0
    """Packet-ins that were ignored: from flows of others, or not from a station."""
    packet_outs: int = 0
    packet_outs_dropped: int = 0
    """Packet-outs that were not sent because the queue was full; packet_outs excludes them."""

    def __str__(self) -> str:
        counts = ((field.name, getattr(self, field.name)) for field in fields(self))
        return ", ".join(f"{name} {count}" for name, count in counts)
