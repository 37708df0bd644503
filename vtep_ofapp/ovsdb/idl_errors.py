"""What the ovs library says in its log: of damaged rows it must not say it in vain.

After an update that it cannot read, the library keeps the rows that it has and goes on: they would
be wrong from then on. Why it leaves a server, as when the leader of a cluster changed, is only
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
"""Messages after which rows, or what we write, are not what was said: an update that does not fit
the rows, a value that does not fit its column, a reply to a transaction that is none."""


class _Log:
    """A log of the library's that says nothing, as all of its logs are by default."""

    def info(self, text: str) -> None:
        """Say nothing."""

    def dbg(self, text: str) -> None:
        """Say nothing."""

    def dbg_is_enabled(self) -> bool:
        """Whether dbg() says anything."""
        return False


class RowsLog(_Log):
    """The log of ovs.db.idl, which keeps the rows of a database."""

    def info(self, text: str) -> None:
        """Log why the library leaves a server, and the like."""
        LOG.info("%s", text)

    def warn(self, text: str) -> None:
        """Raise Malformed for damage; log everything else for the reader."""
        if _DAMAGE.search(text):
            raise Malformed(text)
        self.info(text)

    err = warn


class ConnectionsLog(_Log):
    """The log of ovs.jsonrpc: connections, which end by themselves after what they warn of."""

    def __init__(self) -> None:
        self.reasons: dict[str, str] = {}

    def warn(self, text: str) -> None:
        """Keep what a remote sent wrongly, but no errors of the connection, which come out."""
        remote, _, reason = text.partition(": ")
        if not reason.startswith(("send error", "receive error")):
            self.reasons[remote] = reason


CONNECTIONS = ConnectionsLog()


def nonsense(remote: str) -> str | None:
    """Return, once, what a remote sent that no server sends: its connection is over."""
    return CONNECTIONS.reasons.pop(remote, None)
