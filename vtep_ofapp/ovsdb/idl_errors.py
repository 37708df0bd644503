"""What the ovs library says in its log, which goes nowhere unless someone sets it up.

After an update that it cannot read it keeps what it has: the rows would be wrong from then on, and
nobody would know. Why it leaves a server is no such damage: the leader of a cluster changed.
"""

import logging
from typing import Any

import ovs.jsonrpc
from ovs.db import idl

from .bulk import Malformed

LOG = logging.getLogger("vtep_ofapp.databases")


_LEAVES = "; trying another server"
"""How the IDL ends what it says of a server that it leaves."""


class _Quiet:
    """A log of the library's that says nothing, as it is by default."""

    def info(self, text: str) -> None:
        """Say nothing."""

    def dbg(self, text: str) -> None:
        """Say nothing."""

    def dbg_is_enabled(self) -> bool:
        """Whether dbg() says anything."""
        return False


class _Idl(_Quiet):
    """The log of the IDL: it warns of what breaks it, and of servers that it leaves."""

    def info(self, text: str) -> None:
        """Log why the IDL leaves a server."""
        if text.endswith(_LEAVES):
            LOG.info("%s", text.removesuffix(_LEAVES))

    def warn(self, text: str) -> None:
        """Raise Malformed, unless the IDL only leaves a server."""
        if not text.endswith(_LEAVES):
            raise Malformed(text)
        self.info(text)

    err = warn


class _Connections(_Quiet):
    """The log of connections, which end by themselves after what they warn of."""

    def __init__(self) -> None:
        self.reasons: dict[str, str] = {}

    def warn(self, text: str) -> None:
        """Keep what a remote sent wrongly, but no errors of the connection, which come out."""
        remote, _, reason = text.partition(": ")
        if not reason.startswith(("send error", "receive error")):
            self.reasons[remote] = reason


_CONNECTIONS = _Connections()


def nonsense(remote: str) -> str | None:
    """Return, once, what a remote sent that no server sends: its connection is over."""
    return _CONNECTIONS.reasons.pop(remote, None)


def install() -> None:
    """Take the library's complaints seriously."""
    modules: dict[Any, Any] = {idl: _Idl(), ovs.jsonrpc: _CONNECTIONS}
    for module, log in modules.items():
        module.vlog = log
