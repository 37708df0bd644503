"""What a flow counted, and what went over the connection of a switch."""

from dataclasses import dataclass, fields
from typing import NamedTuple


class Counter(NamedTuple):
    """What a flow with this cookie counted since the switch has it."""

    cookie: int
    packets: int
    octets: int


@dataclass(slots=True)
class Traffic:
    """Messages since the connection stands; it begins anew with the next one."""

    flow_mods: int = 0
    group_mods: int = 0
    bundles_opened: int = 0
    bundles_committed: int = 0
    flow_stats_requests: int = 0
    packet_ins: int = 0
    packet_ins_dropped: int = 0
    """Those among packet_ins that nothing reads: of flows of others, or not from a station."""
    packet_outs: int = 0
    packet_outs_dropped: int = 0
    """Frames that found too many waiting and were not sent; they are not among packet_outs."""

    def __str__(self) -> str:
        counts = ((field.name, getattr(self, field.name)) for field in fields(self))
        return ", ".join(f"{name} {count}" for name, count in counts)
