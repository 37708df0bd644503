"""What is replaced in the ovs library: two logs, which it has at module level.

Everything else that is ours reaches the library by its classes: session.Session, replica.Replica
and json_stream.Connection are subclasses. tests/contracts/ drives the library's own way to each.
"""

import ovs.jsonrpc
from ovs.db import idl

from .idl_errors import CONNECTIONS, RowsLog


def install() -> None:
    """Replace the logs; the application does it once, before it reads a database."""
    idl.vlog = RowsLog()
    ovs.jsonrpc.vlog = CONNECTIONS
