"""Sessions that were dropped, from the logs of both ends."""

from __future__ import annotations

import re
from pathlib import Path

from sim.lab.vtep import Vtep

_DROPPED = re.compile(
    r"connection lost|no response to inactivity probe|<->tcp:.*connection (?:closed|dropped|reset)"
)


class Sessions:
    """The OpenFlow and OVSDB sessions of a VTEP's application, from now on."""

    def __init__(self, vtep: Vtep) -> None:
        """Begin to count."""
        logs = (vtep.app.log, vtep.ovsdb_server.log, vtep.ovs_vswitchd.log)
        self._begin = {log: len(_text(log)) for log in logs}

    def dropped(self) -> int:
        """Return how many lines of the logs since then report a lost session."""
        return sum(len(_DROPPED.findall(_text(log)[begin:])) for log, begin in self._begin.items())


def _text(log: Path) -> str:
    return log.read_text(errors="replace")
