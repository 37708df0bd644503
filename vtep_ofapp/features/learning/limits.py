"""The limits of learned stations of a switch: for each logical switch and each port."""

from uuid import UUID

from ...process.settings import Settings
from .stations import LearnedMacs


class Limits:
    """The limits of one switch."""

    def __init__(self, switch: str, macs: LearnedMacs, settings: Settings) -> None:
        self._switch = switch
        self._macs = macs
        self._settings = settings

    def is_full_port(self, port: str) -> bool:
        """Whether a port of the switch is at its limit of stations."""
        return self._macs.count_at(self._switch, port) >= self._settings.max_local_macs_per_port

    def is_full(self, logical_switch: UUID) -> bool:
        """Whether a logical switch is at its limit of stations."""
        return len(self._macs.stations(logical_switch)) >= self._settings.max_local_macs
