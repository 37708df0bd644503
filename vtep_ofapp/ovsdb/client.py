"""A connection to one OVSDB database, in a green thread of its own."""

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import eventlet
import ovs.poller
import ovs.stream

from ..values.events import Away, Committed, Event, LockIs, ServerConnection
from . import idl_errors, schemas
from .errors import Malformed, Unusable
from .poller import Waiter
from .reader import Reader
from .replica import Replica
from .server_search import PAUSE, ServerSearch
from .tables import Tables
from .writer import Writer

LOG = logging.getLogger("vtep_ofapp.databases")

_PROBE_INTERVAL, _PROBE_INTERVAL_OF_SEVERAL = 30_000, 10_000
"""Milliseconds of silence before an inactivity probe, and then for the reply.

A server is silent for seconds while it processes a large transaction. With several servers the
interval is shorter, because another one may have become the leader.
"""


def use_tls(key: str, certificate: str, ca: str) -> None:
    """Use these PEM files for all ssl: remotes: our key, our certificate and the servers' CA."""
    ovs.stream.Stream.ssl_set_private_key_file(key)
    ovs.stream.Stream.ssl_set_certificate_file(certificate)
    ovs.stream.Stream.ssl_set_ca_cert_file(ca)


class Database:
    """Reads a database into events for ``post`` and commits one transaction at a time.

    ``name`` is its name in events and in the log; ``remotes`` are the OVSDB remotes of its servers.
    With a ``lock``, it is written only while this process holds the OVSDB lock of that name
    (RFC 7047, 4.1.8); LockIs events report that. An Away event follows the loss of the connection.
    """

    def __init__(
        self,
        name: str,
        remotes: str,
        tables: Tables,
        post: Callable[[Event], None],
        lock: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        servers = remotes.split(",")
        self._name = name
        self._lock = lock
        self._is_locked: bool | None = None
        self._probe_interval = _PROBE_INTERVAL if len(servers) == 1 else _PROBE_INTERVAL_OF_SEVERAL
        self._tables = tables
        self._post = post
        self._search = ServerSearch(name, servers, tables)
        self._reader = Reader(tables, post)
        self._writer = Writer(name, tables, self._ended)
        self._replica: Replica | None = None
        self._schema: Any = None
        self._wake_up = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._clock = clock
        self._connection: ServerConnection | None = None

    def start(self) -> None:
        """Start the green thread, which connects and reconnects without end."""
        eventlet.spawn(self.run)

    @property
    def connection(self) -> ServerConnection | None:
        """The connection to the server in use, None while the database is away."""
        return self._connection

    @property
    def unusable(self) -> Mapping[str, str]:
        """Why servers cannot be used, by their remotes, while none is in use."""
        return self._search.reasons

    def takes(self, write: Any) -> bool:
        """Return whether the schema has the columns of a write: an old one may lack them."""
        return self._tables.takes(write)

    @property
    def is_writing(self) -> bool:
        """Whether a transaction is in flight: a Committed will follow."""
        return self._writer.is_busy

    def commit(self, writes: Sequence[Any]) -> None:
        """Perform the writes in one transaction, one at a time; a Committed follows.

        It does not wait until a long message is received: that has not changed any rows yet.
        """
        self._writer.put(writes)
        if not self._reader.is_in_sync:
            self._writer.give_up("it is away")
        elif self._replica is not None and self._replica.session.is_receiving:
            self._writer.advance(self._replica)
        os.eventfd_write(self._wake_up, 1)

    def _ended(self, error: str | None) -> None:
        self._post(Committed(self._name, error))

    # The green thread

    def run(self) -> None:
        """Connect, read and write, without end."""
        while True:
            replica = self._connect()
            is_sound = self._serve(replica)
            was_read = self._lose(replica)
            if not (is_sound and was_read):
                eventlet.sleep(PAUSE)

    def _connect(self) -> Replica:
        """Wait for a usable server, and return a replica that connects to it.

        The replica has the server's schema, reduced to our columns.
        """
        server = self._search.find()
        if self._replica is not None and server.schema == self._schema:
            self._replica.connect(server.address)
            return self._replica
        missing = schemas.missing(server.schema, self._tables.columns)
        helper = schemas.helper_for(server.schema, self._tables.columns)
        self._replica = Replica(server.address, helper, self._reader, self._probe_interval)
        self._schema = server.schema
        if missing:
            version, lacks = server.schema.get("version"), schemas.text_of(missing)
            LOG.warning("%s: its schema %s lacks %s", self._name, version, lacks)
        self._tables.attach(schemas.tables_of(self._replica, missing), missing)
        return self._replica

    def _serve(self, replica: Replica) -> bool:
        """Read and write until the connection ends; return whether all messages were valid."""
        try:
            self._work_with(replica)
        except Unusable as reason:
            LOG.warning("%s: %s", self._name, reason)
        except Malformed as malformed:
            LOG.warning("%s: %s; reading everything again", self._name, malformed)
        except Exception:
            LOG.exception("%s: a bug; reading everything again", self._name)
        else:
            return True
        replica.forget()
        return False

    def _work_with(self, replica: Replica) -> None:
        while True:
            self._advance(replica)
            if replica.is_over:
                return
            waiter = Waiter()
            waiter.fd_wait(self._wake_up, ovs.poller.POLLIN)
            replica.wait(waiter)
            if self._reader.is_behind:
                waiter.immediate_wake()
            waiter.block()
            self._clear_wake_up()

    def _advance(self, replica: Replica) -> None:
        """Read and write; after the initial rows request the lock from this server."""
        if self._reader.read_on(replica):
            replica.set_lock(self._lock)
        if replica.is_connected and self._connection is None:
            self._connection = ServerConnection(replica.session.address, self._clock())
            LOG.info("%s: connected", self._name)
        self._tell_of_lock(replica)
        self._writer.advance(replica)

    def _tell_of_lock(self, replica: Replica) -> None:
        """Post whether we hold the lock, if the server has answered and the answer changed."""
        if replica.has_lock or replica.is_lock_contended:
            is_locked = bool(replica.has_lock)
            if is_locked != self._is_locked:
                self._is_locked = is_locked
                self._post(LockIs(is_locked))

    def _lose(self, replica: Replica) -> bool:
        """Handle the end of a connection; return whether it had read all rows."""
        replica.close()
        if reason := idl_errors.nonsense(replica.session.address):
            LOG.warning("%s: %s: %s", self._name, replica.session.address, reason)
        self._is_locked = None
        if self._connection is not None:
            self._connection = None
            LOG.info("%s: connection lost", self._name)
        was_in_sync = self._reader.finish()
        if was_in_sync:
            self._post(Away(self._name))
        self._writer.give_up("the connection ended")
        return was_in_sync

    def _clear_wake_up(self) -> None:
        try:
            os.eventfd_read(self._wake_up)
        except BlockingIOError:
            return  # the database woke us up
