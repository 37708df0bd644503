"""A connection to one OVSDB database, in a green thread of its own."""

import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Protocol
from uuid import UUID

import eventlet
import ovs.db.schema
import ovs.jsonrpc
import ovs.ovsuuid
import ovs.poller
import ovs.stream
from ovs.db import error, idl

from ..events import Committed, Event, LockIs
from . import messages, strict
from .bulk import Malformed, RemoteMacs
from .waiting import Waiter

LOG = logging.getLogger("vtep_ofapp.databases")

messages.install()
strict.install()

_ROWS_AT_A_TIME = 250
"""Rows handled before other green threads get their turn: some ten milliseconds of work."""
_LONGEST_CHANGE = 5.0
"""Seconds for which transactions join those whose rows wait; then what waits is told first."""
_PROBE_INTERVAL = 30_000
"""Milliseconds; ovsdb-server is silent for seconds while it works on a large transaction."""
_BACKOFF = 1000
"""Milliseconds between attempts to connect; ovs.reconnect would wait up to 8 seconds."""
_PATIENCE = 10.0
"""Seconds for a server to say which schema it has."""

_NOTHING_READ = str(UUID(int=0))
"""What the IDL says of the last change that it has, where it has none."""


def use_tls(key: str, certificate: str, ca: str) -> None:
    """Use these PEM files for all ssl: remotes: our key and certificate, and whom to trust."""
    ovs.stream.Stream.ssl_set_private_key_file(key)
    ovs.stream.Stream.ssl_set_certificate_file(certificate)
    ovs.stream.Stream.ssl_set_ca_cert_file(ca)


class Tables(Protocol):
    """What a Database is used for: which columns are read, what rows mean, how writes are done.

    ``bulk`` are the tables whose rows the IDL is not to see.
    """

    schema: ClassVar[str]
    columns: ClassVar[Mapping[str, Sequence[str]]]
    bulk: Mapping[str, RemoteMacs]

    def attach(self, tables: Mapping[str, Any]) -> None:
        """Take the IDL's tables, before any row is there."""

    def notice(self, table: str, row: Any, gone: bool) -> None:
        """Take note of a row that is new, changed or gone."""

    def take(self, more: bool) -> Iterable[Event]:
        """Return the events that the noticed rows amount to, and some of those in bulk.

        They are the next part of a change, the last one unless rows in bulk are left. ``more``
        says that in_sync() comes after these.
        """

    def in_sync(self) -> Event:
        """Return the event that says that everything there is was told; it ends a change."""

    def perform(self, transaction: Any, writes: Sequence[Any]) -> None:
        """Change rows within the transaction so that the writes are fulfilled."""


class _NoSchema(Exception):
    """A server did not say which schema its database has; the text says why."""


class _Idl(idl.Idl):  # type: ignore[misc]
    """An IDL that tells its owner about rows, and about being filled anew."""

    last_id: str

    def __init__(self, remotes: str, helper: Any, owner: "Database") -> None:
        self._owner = owner
        self.is_refilled = False
        self.is_damaged = False
        super().__init__(remotes, helper, probe_interval=_PROBE_INTERVAL)
        self._session.reconnect.set_backoff(_BACKOFF, _BACKOFF)
        self.is_receiving = False
        self._receive = self._session.recv
        self._session.recv = self._receive_patiently

    def _receive_patiently(self) -> Any:
        """Receive a message; while a long one comes in, other green threads have their turn."""
        self.is_receiving = True
        try:
            return self._receive()
        finally:
            self.is_receiving = False

    def restart_fsm(self) -> None:
        self.is_refilled = True
        if not ovs.ovsuuid.is_valid_string(self.last_id):
            self.last_id = _NOTHING_READ  # a server would not take it, and the IDL wait for ever
        super().restart_fsm()

    def notify(self, event: str, row: Any, updates: Any = None) -> None:
        self._owner.noticed(row, event == idl.ROW_DELETE)

    def cooperative_yield(self) -> None:
        self._owner.worked()

    def handle_monitor_canceled(self, msg: Any) -> bool:
        if msg.method == "monitor_canceled" and not msg.params:
            raise Malformed("monitor_canceled does not say which")
        return bool(super().handle_monitor_canceled(msg))

    def is_connected(self) -> bool:
        return bool(self._session.is_connected())

    def start_over(self) -> None:
        """Connect again after a pause, and read all rows again, whatever is known of them.

        Until then what is known may be half of a transaction, and is not told.
        """
        self.is_damaged = True
        self.last_id = _NOTHING_READ
        for table in self._owner.bulk.values():
            table.clear()
        self._session.force_reconnect()

    # The two ways by which all rows reach the library's Idl. Python gives methods that begin with
    # two underscores the class's own name, less its first underscores; so these are Idl's, too.

    def __clear(self) -> None:
        for table in self._owner.bulk.values():
            table.clear()
        self.is_damaged = False
        super().__clear()

    def __parse_update(self, updates: Any, version: Any, tables: Any = None) -> None:
        """Take rows in bulk out of what the server tells, whatever the version of the update.

        They come last, so that all that they refer to is known by then.
        """
        bulk = {}
        if tables is None and isinstance(updates, dict):
            bulk = {name: updates.pop(name) for name in self._owner.bulk if name in updates}
        try:
            self.__do_parse_update(updates, version, tables or self.tables)
        except error.Error as reason:
            raise Malformed(str(reason)) from reason
        for name, rows in bulk.items():
            self._owner.bulk[name].add(rows)


class Database:
    """Reads a database into events for ``post`` and commits one transaction at a time.

    ``name`` is what events and the log call it; ``remotes`` are the OVSDB remotes of its servers.
    With a ``lock``, it is written to only while this process holds the OVSDB lock of that name
    (RFC 7047, 4.1.8); LockIs events tell whether it does.
    """

    def __init__(
        self,
        name: str,
        remotes: str,
        tables: Tables,
        post: Callable[[Event], None],
        lock: str | None = None,
    ) -> None:
        self._name = name
        self._lock = lock
        self._is_locked: bool | None = None
        self._remotes = remotes
        self._tables = tables
        self.bulk = tables.bulk
        self._post = post
        self._idl: _Idl | None = None
        self._writes: Sequence[Any] = ()
        self._transaction: Any = None
        self._wake_up = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._work = 0
        self._behind_since: float | None = None
        self._was_connected = False

    def start(self) -> None:
        """Begin to connect, read and write; connections are retried for ever."""
        eventlet.spawn(self._run)

    def commit(self, writes: Sequence[Any]) -> None:
        """Perform the writes in one transaction; a Committed follows. One at a time.

        It does not wait for a long message that is coming in: nothing is changed by that yet.
        """
        assert not self._writes
        self._writes = writes
        if self._idl is not None and self._idl.is_receiving:
            self._advance_transaction(self._idl)
        os.eventfd_write(self._wake_up, 1)

    # Called by the IDL

    def noticed(self, row: Any, gone: bool) -> None:
        """Take note of a row that the IDL tells of."""
        self._tables.notice(row._table.name, row, gone)
        self.worked()

    def worked(self) -> None:
        """Let other green threads have their turn every now and then during a large update.

        It is in the middle of a transaction, of which nothing is told before all of it is read.
        """
        self._work += 1
        if self._work % _ROWS_AT_A_TIME == 0:
            eventlet.sleep(0)

    # The green thread

    def _run(self) -> None:
        self._idl = database = self._prepare()
        self._tables.attach(database.tables)
        database.set_lock(self._lock)
        while True:
            try:
                self._advance(database)
            except Malformed as malformed:
                LOG.warning("%s: %s; reading everything again", self._name, malformed)
                database.start_over()
            except Exception:
                LOG.exception("%s: a bug; reading everything again", self._name)
                database.start_over()
            waiter = Waiter()
            waiter.fd_wait(self._wake_up, ovs.poller.POLLIN)
            database.wait(waiter)
            if self._is_behind():
                waiter.immediate_wake()
            waiter.block()
            self._clear_wake_up()

    def _advance(self, database: _Idl) -> None:
        if self._may_read_on():
            database.run()
        if not database.is_damaged:
            self._tell(database)
        is_connected = database.is_connected()
        if is_connected != self._was_connected:
            self._was_connected = is_connected
            state = "connected" if is_connected else "connection lost"
            LOG.info("%s: %s", self._name, state)
        self._tell_of_lock(database)
        self._advance_transaction(database)

    def _may_read_on(self) -> bool:
        """Whether there is time for more transactions: they join those whose rows wait.

        That is so for a while, because all that we write waits for its answer.
        """
        if not self._is_behind():
            self._behind_since = None
            return True
        now = time.monotonic()
        if self._behind_since is None:
            self._behind_since = now
        return now - self._behind_since < _LONGEST_CHANGE

    def _tell(self, database: _Idl) -> None:
        """Tell what whole transactions changed, and when all was read anew that this is all."""
        is_read = database.is_refilled and database.state == database.IDL_S_MONITORING
        self._post_all(self._tables.take(is_read))
        if is_read and not self._is_behind():
            database.is_refilled = False
            self._post(self._tables.in_sync())

    def _tell_of_lock(self, database: _Idl) -> None:
        """Tell who has the lock, once the server has answered; until then nothing changes."""
        if database.has_lock or database.is_lock_contended:
            is_locked = bool(database.has_lock)
            if is_locked != self._is_locked:
                self._is_locked = is_locked
                self._post(LockIs(is_locked))

    def _is_behind(self) -> bool:
        """Whether rows in bulk wait; they are taken some at a time, between everything else."""
        return any(table.is_behind for table in self.bulk.values())

    def _post_all(self, events: Iterable[Event]) -> None:
        for event in events:
            self._post(event)

    def _clear_wake_up(self) -> None:
        try:
            os.eventfd_read(self._wake_up)
        except BlockingIOError:
            return  # it was the database that woke us up

    def _advance_transaction(self, database: _Idl) -> None:
        if self._transaction is None:
            if not self._writes:
                return
            self._transaction = idl.Transaction(database)
            try:
                self._tables.perform(self._transaction, self._writes)
            except Exception as bug:
                LOG.exception("%s: a bug in these writes: %.2000s", self._name, self._writes)
                self._transaction.abort()
                self._end_transaction(str(bug))
                return
        status = self._transaction.commit()
        if status == idl.Transaction.INCOMPLETE:
            return
        error = None
        if status not in (idl.Transaction.SUCCESS, idl.Transaction.UNCHANGED):
            error = self._transaction.get_error() or status
        self._end_transaction(error)

    def _end_transaction(self, error: str | None) -> None:
        self._transaction, self._writes = None, ()
        self._post(Committed(self._name, error))

    def _prepare(self) -> _Idl:
        """Return an IDL for the server's own schema, with the columns that it has."""
        while True:
            for remote in self._remotes.split(","):
                try:
                    with eventlet.Timeout(_PATIENCE):
                        schema = self._select_columns(self._ask_for_schema(remote))
                    return _Idl(self._remotes, schema, self)
                except eventlet.Timeout:
                    LOG.warning("%s: %s: no answer within %g s", self._name, remote, _PATIENCE)
                except _NoSchema as reason:
                    LOG.warning("%s: %s: %s", self._name, remote, reason)
            eventlet.sleep(_BACKOFF / 1000)

    def _ask_for_schema(self, remote: str) -> Any:
        try:
            failure, stream = ovs.stream.Stream.open_block(ovs.stream.Stream.open(remote))
        except OSError as reason:  # a key or certificate that cannot be read
            raise _NoSchema(str(reason)) from None
        if failure:
            raise _NoSchema(os.strerror(failure))
        connection = ovs.jsonrpc.Connection(stream)
        request = ovs.jsonrpc.Message.create_request("get_schema", [self._tables.schema])
        try:
            failure, reply = connection.transact_block(request)
        finally:
            connection.close()
        if failure:
            ended = "the server ended the connection"
            raise _NoSchema(f"no schema: {ended if failure < 0 else os.strerror(failure)}")
        if reply.error:
            raise _NoSchema(f"no schema: {reply.error}")
        return reply.result

    def _select_columns(self, schema: Any) -> Any:
        """Return a helper for those of our columns that a schema has."""
        try:
            known = ovs.db.schema.DbSchema.from_json(schema).tables
        except (error.Error, LookupError, TypeError, AttributeError, ValueError) as reason:
            raise _NoSchema(f"no schema: {reason}") from None
        helper = idl.SchemaHelper(None, schema)
        for table, columns in self._tables.columns.items():
            present = [name for name in columns if table in known and name in known[table].columns]
            if present:
                helper.register_columns(table, present)
        return helper
