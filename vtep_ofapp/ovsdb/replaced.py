"""Replaces two module-level logs of the ovs library.

All other changes are subclasses: session.Session, replica.Replica and json_stream.Connection.
tests/contracts/ checks that the library still uses each of them.
"""

import ovs.jsonrpc
from ovs.db import idl

from .idl_errors import CONNECTIONS, RowsLog


def install() -> None:
    """Replace the logs; the application calls this once, before it reads a database."""
    idl.vlog = RowsLog()
    ovs.jsonrpc.vlog = CONNECTIONS
