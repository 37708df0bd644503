"""Turns messages in the ovs library's log into errors, if rows are damaged.

After an update that it cannot decode, the library keeps its rows and goes on: they would be wrong
from then on. The reasons why it disconnects, as after a change of the cluster's leader, are only
logged.
"""

import logging
import re

from .errors import Malformed

LOG = logging.getLogger("vtep_ofapp.databases")

_DAMAGE = re.compile(
    r"cannot (?:delete|add|modify) (?:missing|existing) row "
    r"|unknown column |error parsing |parse error |error receiving server schema"
    r'|reply to "transact" is |operation reply is '
    r"|attempting to (?:write|delete) "
)
"""Messages after which rows or writes are wrong: an update that does not match the rows, a value
that does not match its column, an invalid reply to a transaction."""


class _Log:
    """A silent log of the library, as all of its logs are by default."""

    def info(self, text: str) -> None:
        """Ignore a message."""

    def dbg(self, text: str) -> None:
        """Ignore a message."""

    def dbg_is_enabled(self) -> bool:
        """Whether dbg() logs messages."""
        return False


class RowsLog(_Log):
    """The log of ovs.db.idl, which keeps the rows of a database."""

    def info(self, text: str) -> None:
        """Log a message, such as the reason of a disconnect."""
        LOG.info("%s", text)

    def warn(self, text: str) -> None:
        """Raise Malformed for damage; log other messages."""
        if _DAMAGE.search(text):
            raise Malformed(text)
        self.info(text)

    err = warn


class ConnectionsLog(_Log):
    """The log of ovs.jsonrpc. A connection ends by itself after each warning."""

    def __init__(self) -> None:
        self.reasons: dict[str, str] = {}

    def warn(self, text: str) -> None:
        """Keep the reason if a remote sent an invalid message; other errors are reported anyway."""
        remote, _, reason = text.partition(": ")
        if not reason.startswith(("send error", "receive error")):
            self.reasons[remote] = reason


CONNECTIONS = ConnectionsLog()


def nonsense(remote: str) -> str | None:
    """Return, once, why the messages of a remote were invalid, None if they were not."""
    return CONNECTIONS.reasons.pop(remote, None)
