"""Finds the first usable server of a database; all are checked at the same time."""

import logging
from collections.abc import Sequence
from itertools import chain, repeat

import eventlet
from eventlet.event import Event as Found

from . import schemas
from .errors import Unusable
from .server import Server, ask
from .tables import Tables

LOG = logging.getLogger("vtep_ofapp.databases")

_FIRST_PAUSE, PAUSE = 0.2, 1.0
"""Seconds after the first attempt to reach a server, and after each further one."""
_PATIENCE = 10.0
"""Seconds for the check of a server."""


class ServerSearch:
    """Finds a usable server among OVSDB remotes, and logs once why others cannot be used."""

    def __init__(self, name: str, remotes: Sequence[str], tables: Tables) -> None:
        self._name = name
        self._remotes = remotes
        self._tables = tables
        self.reasons: dict[str, str] = {}
        """Why servers cannot be used, by their remotes, while none is in use."""

    def find(self) -> Server:
        """Wait for a usable server, and return it."""
        found = Found()
        asking = [eventlet.spawn(self._keep_asking, remote, found) for remote in self._remotes]
        try:
            server: Server = found.wait()
        finally:
            for each in asking:
                each.kill()
        self.reasons.clear()
        return server

    def _keep_asking(self, remote: str, found: Found) -> None:
        for pause in chain((_FIRST_PAUSE,), repeat(PAUSE)):
            try:
                with eventlet.Timeout(_PATIENCE):
                    server = ask(remote, self._tables.schema)
                    schemas.check(server.schema, self._tables.columns)
            except eventlet.Timeout:
                self._tell_why_not(remote, f"no answer within {_PATIENCE:g} s")
            except Unusable as reason:
                self._tell_why_not(remote, str(reason))
            else:
                if not found.ready():
                    found.send(server)
                return
            eventlet.sleep(pause)

    def _tell_why_not(self, remote: str, reason: str) -> None:
        """Log why a server cannot be used, unless the reason is the same as before."""
        if self.reasons.get(remote) != reason:
            self.reasons[remote] = reason
            LOG.warning("%s: %s", f"{self._name}: {remote}", reason)  # a rate limit for each remote
