"""Checks whether a server of a database can be used.

The check has a connection of its own, before the IDL's: the IDL requests a lock and reads rows
before it knows the server's role, and does not report why it moves to the next server.
"""

import errno
import os
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import ovs.jsonrpc
import ovs.stream
from eventlet import patcher, tpool

from .errors import Unusable
from .idl_errors import nonsense
from .json_stream import Connection

_ABOUT = ("name", "model", "connected", "leader")
"""Columns of the table Database of _Server (ovsdb-server(5))."""

_ENDED = (
    *(ssl.SSL_ERROR_EOF, ssl.SSL_ERROR_ZERO_RETURN, ssl.SSL_ERROR_SYSCALL),
    *(errno.ENOTCONN, errno.ECONNRESET, errno.EPIPE),
)
"""What a handshake fails with when the server ends the connection; it depends on Python's version,
and on when the end is seen."""
_NO_CHANGE = {"op": "commit", "durable": False}, {"op": "abort"}
"""Operations of a transaction that change nothing; a server that is read-only refuses the first."""


@dataclass(frozen=True)
class Server:
    """A usable server: its remote with a numeric address, and its database's schema."""

    address: str
    schema: Any


def ask(remote: str, database: str) -> Server:
    """Return the server at a remote, if it has the database and can write it.

    A host name is resolved, and each of its addresses tried. Raises Unusable.
    """
    reasons = []
    for address in addresses(remote):
        try:
            return _ask(address, database)
        except Unusable as reason:
            reasons.append(str(reason))
    raise Unusable("; ".join(dict.fromkeys(reasons)))


def addresses(remote: str) -> Sequence[str]:
    """Return a remote with each of the addresses that its host name has. Raises Unusable.

    The library resolves no names if it lacks an optional package. This uses the system's resolver
    in a thread, so that no green thread blocks on a name server.
    """
    method, _, rest = remote.partition(":")
    host, _, port = rest.rpartition(":")
    if method == "unix" or host.startswith("[") or _is_ipv4(host):
        return (remote,)
    resolve = patcher.original("socket").getaddrinfo
    try:
        found = tpool.execute(resolve, host, int(port), type=socket.SOCK_STREAM)
    except OSError as error:
        raise Unusable(f"the name {host} has no address: {error.strerror}") from None
    hosts = (f"[{each[4][0]}]" if each[0] == socket.AF_INET6 else each[4][0] for each in found)
    return tuple(dict.fromkeys(f"{method}:{each}:{port}" for each in hosts))


def reason_against(about: Mapping[str, Any]) -> str | None:
    """Return why a server cannot be used, from its row of the table Database; None if it can be.

    Each server has locks of its own (RFC 7047, 4.1.8), so a lock excludes other writers only at the
    server that all of them use: the leader of a cluster, not its followers and relays.
    """
    match about:
        case {"model": "relay"}:
            return "it is a relay, whose locks bind nobody else; name the servers behind it"
        case {"model": "clustered", "connected": False}:
            return "it has no contact with most of the servers of its cluster"
        case {"model": "clustered", "leader": False}:
            return "it does not lead its cluster; name all servers of the cluster"
        case {"connected": False}:
            return "it says that it has no contact with its database"
    return None


def _is_ipv4(host: str) -> bool:
    try:
        socket.inet_pton(socket.AF_INET, host)
    except OSError:
        return False
    return True


def _ask(address: str, database: str) -> Server:
    try:
        failure, stream = ovs.stream.Stream.open_block(ovs.stream.Stream.open(address))
    except OSError as error:  # a key or certificate that cannot be read
        raise Unusable(str(error)) from None
    if failure:
        raise Unusable(_why_not_connected(address, failure))
    connection = Connection(stream)
    try:
        schema = _schema(connection, database)
        reason = reason_against(_about(connection, database)) or _refusal(connection, database)
    finally:
        connection.close()
    if reason:
        raise Unusable(reason)
    return Server(address, schema)


def _why_not_connected(address: str, failure: int) -> str:
    """Return why a connection failed; the library returns OpenSSL's error numbers as errno, too."""
    is_tls = address.startswith("ssl:")
    if is_tls and failure == ssl.SSL_ERROR_SSL:
        return "no TLS: one end does not accept the other's certificate, or does not speak TLS"
    if is_tls and failure in _ENDED:
        return "no TLS: the server ended the connection; has it a key and a certificate?"
    return os.strerror(failure)


def _schema(connection: Any, database: str) -> Any:
    reply = _request(connection, "get_schema", [database])
    match reply.error:
        case None:
            return reply.result
        case {"error": "unknown database"}:
            raise Unusable(
                f"it has no database {database}; to give it one: "
                "ovs-appctl -t ovsdb-server ovsdb-server/add-db FILE"
            )
    raise Unusable(f"no schema: {reply.error}")


def _about(connection: Any, database: str) -> Mapping[str, Any]:
    """Return the server's row of the table Database; an empty one before OVS 2.9."""
    select = {
        "op": "select",
        "table": "Database",
        "where": [["name", "==", database]],
        "columns": list(_ABOUT),
    }
    match _request(connection, "transact", ["_Server", select]).result:
        case [{"rows": [dict(about)]}]:
            return about
    return {}


def _refusal(connection: Any, database: str) -> str | None:
    """Return why the server grants no locks or lets nobody write, None if it does both.

    It requests a lock with a random name, which ends with the connection, and sends a transaction
    without an effect. A backup server of Open vSwitch 3.1 refuses the lock, one of 3.5 the other.
    """
    error = _request(connection, "lock", [f"probe_{uuid4().hex}"]).error
    if error is None:
        match _request(connection, "transact", [database, *_NO_CHANGE]).result:
            case [{"error": "not allowed", "details": details}, *_]:
                error = details
    if error is None:
        return None
    if "read only" in str(error):
        return "it is read-only, as the backup of another server is; name the active one, too"
    return f"it grants no locks: {error}"


def _request(connection: Any, method: str, params: list[Any]) -> Any:
    request = ovs.jsonrpc.Message.create_request(method, params)
    failure, reply = connection.transact_block(request)
    if failure:
        if reason := nonsense(connection.name):
            raise Unusable(f"what answers is no OVSDB server: {reason}")
        ended = (
            "the server ended the connection; with TLS, its CA may not have signed our certificate"
        )
        is_ended = failure < 0 or failure == errno.ENOTCONN
        raise Unusable(f"no answer: {ended if is_ended else os.strerror(failure)}")
    return reply
