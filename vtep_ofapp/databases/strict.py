"""What the ovs library complains of, where it would go on as if nothing had been.

Its log goes nowhere unless someone sets it up, and after an update that it cannot read it keeps
what it has: the rows would be wrong from then on, and nobody would know.
"""

import logging
from typing import Any

import ovs.jsonrpc
from ovs.db import idl

from .bulk import Malformed

LOG = logging.getLogger("vtep_ofapp.databases")


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
    """The log of the IDL: it warns of nothing but what breaks it."""

    def warn(self, text: str) -> None:
        """Raise Malformed."""
        raise Malformed(text)

    err = warn


class _Connections(_Quiet):
    """The log of connections, which end by themselves after what they warn of."""

    def warn(self, text: str) -> None:
        """Log the remote and what is wrong."""
        remote, _, reason = text.partition(": ")
        LOG.warning("%s: %s", remote, reason)


def install() -> None:
    """Take the library's complaints seriously."""
    modules: dict[Any, Any] = {idl: _Idl(), ovs.jsonrpc: _Connections()}
    for module, log in modules.items():
        module.vlog = log
