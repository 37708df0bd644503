"""How many stations a switch learns: for each logical switch, and at each port."""

from uuid import UUID

from ...process.settings import Settings
from .stations import LearnedMacs


class Limits:
    """Whether there is room for one more station."""

    def __init__(self, switch: str, macs: LearnedMacs, settings: Settings) -> None:
        self._switch = switch
        self._macs = macs
        self._settings = settings

    def is_full_port(self, port: str) -> bool:
        """Whether a port of the switch has its share of stations."""
        return self._macs.count_at(self._switch, port) >= self._settings.max_local_macs_per_port

    def is_full(self, logical_switch: UUID) -> bool:
        """Whether a logical switch has its share of stations."""
        return len(self._macs.stations(logical_switch)) >= self._settings.max_local_macs
