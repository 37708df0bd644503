"""A connection to one OVSDB database, in a green thread of its own."""

import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain, repeat
from typing import Any, ClassVar, Protocol
from uuid import UUID

import eventlet
import ovs.jsonrpc
import ovs.ovsuuid
import ovs.poller
import ovs.stream
from eventlet.event import Event as Found
from ovs.db import error, idl

from ..values.events import Away, Committed, Event, LockIs
from . import idl_errors, json_stream, schemas
from .bulk import Malformed, RemoteMacs
from .poller import Waiter
from .server import Server, Unusable, ask

LOG = logging.getLogger("vtep_ofapp.databases")

json_stream.install()
idl_errors.install()

_ROWS_AT_A_TIME = 250
"""Rows handled before other green threads get their turn: some ten milliseconds of work."""
_LONGEST_CHANGE = 5.0
"""Seconds for which transactions join those whose rows wait; then what waits is told first."""
_PROBE_INTERVAL, _PROBE_INTERVAL_OF_SEVERAL = 30_000, 10_000
"""Milliseconds until a silent server is asked whether it is there, and for its answer.

It is silent for seconds while it works on a large transaction. Where there are several servers,
another one may be in charge by then.
"""
_FIRST_PAUSE, _PAUSE = 0.2, 1.0
"""Seconds after the first attempt to reach a server, and after each further one."""
_PATIENCE = 10.0
"""Seconds for a server to say what it has."""

_NOTHING_READ = str(UUID(int=0))
"""What the IDL says of the last change that it has, where it has none."""


def use_tls(key: str, certificate: str, ca: str) -> None:
    """Use these PEM files for all ssl: remotes: our key and certificate, and whom to trust."""
    ovs.stream.Stream.ssl_set_private_key_file(key)
    ovs.stream.Stream.ssl_set_certificate_file(certificate)
    ovs.stream.Stream.ssl_set_ca_cert_file(ca)


class Tables(Protocol):
    """What a Database is used for: which columns are read, what rows mean, how writes are done.

    ``optional`` are those columns that a schema may lack, with the types of the values that they
    have then. ``bulk`` are the tables whose rows the IDL is not to see.
    """

    schema: ClassVar[str]
    columns: ClassVar[schemas.Columns]
    optional: ClassVar[schemas.Optional]
    bulk: Mapping[str, RemoteMacs]

    def attach(self, tables: Mapping[str, Any], missing: schemas.Columns) -> None:
        """Take the IDL's tables, before any row is there, and the columns that the schema lacks."""

    def forget(self) -> None:
        """Forget all rows: those that there are will be told again, before the next in_sync()."""

    def notice(self, table: str, row: Any, gone: bool) -> None:
        """Take note of a row that is new, changed or gone."""

    def take(self, more: bool) -> Iterable[Event]:
        """Return the events that the noticed rows amount to, and some of those in bulk.

        They are the next part of a change, the last one unless rows in bulk are left. ``more``
        says that in_sync() comes after these.
        """

    def in_sync(self) -> Event:
        """Return the event that says that everything there is was told; it ends a change."""

    def takes(self, write: Any) -> bool:
        """Return whether the schema has the columns that a write is about."""

    def perform(self, transaction: Any, writes: Sequence[Any]) -> None:
        """Change rows within the transaction so that the writes are fulfilled."""


class _Idl(idl.Idl):  # type: ignore[misc]
    """An IDL that tells its owner about rows, and makes one connection each time it is asked to.

    Of the rows it keeps what it knows from one connection to the next.
    """

    last_id: str

    def __init__(
        self,
        address: str,
        helper: Any,
        owner: "Database",
        probe_interval: int = _PROBE_INTERVAL,
    ) -> None:
        self._owner = owner
        self._probe_interval = probe_interval
        self.is_damaged = False
        self.is_receiving = False
        super().__init__(address, helper)
        self.connect(address)

    def connect(self, address: str) -> None:
        """Begin to connect to a server, and believe nothing that another one said of itself.

        A database may be older than what we read: it was restored, or its cluster made again.
        A server at a Unix socket can stand still as well, so it is probed like any other.
        """
        self.address = address
        self._session = ovs.jsonrpc.Session.open_multiple([address])
        self._session.reconnect.set_probe_interval(self._probe_interval)
        self._session.reconnect.set_max_tries(1)
        self._receive = self._session.recv
        self._session.recv = self._receive_patiently
        self._last_seqno = None
        self._min_index = 0
        self.state = self.IDL_S_INITIAL
        self.lock_name, self.has_lock, self.is_lock_contended = None, False, False

    def _receive_patiently(self) -> Any:
        """Receive a message; while a long one comes in, other green threads have their turn."""
        self.is_receiving = True
        try:
            message = self._receive()
        finally:
            self.is_receiving = False
        if message is not None and message.type == message.T_ERROR:
            self._check_refusal(message)
        return message

    def _check_refusal(self, message: Any) -> None:
        """Raise Unusable where the server refuses what the library would wait for without end."""
        is_unknown = message.error == "unknown method"  # then the library asks in an older way
        if message.id == self._monitor_request_id and not is_unknown:
            raise Unusable(f"it does not show its rows: {message.error}")
        if message.id == self._lock_request_id:
            raise Unusable(f"it grants no locks: {message.error}")

    def restart_fsm(self) -> None:
        if not ovs.ovsuuid.is_valid_string(self.last_id):
            self.last_id = _NOTHING_READ  # a server would not take it, and the IDL wait for ever
        super().restart_fsm()

    def notify(self, event: str, row: Any, updates: Any = None) -> None:
        self._owner.noticed(row, event == idl.ROW_DELETE)

    def cooperative_yield(self) -> None:
        self._owner.worked()

    def handle_monitor_canceled(self, msg: Any) -> bool:
        """End the connection when the server stops to show rows: the schema was converted.

        It is read again with the next connection.
        """
        if msg.type != msg.T_NOTIFY or msg.method != "monitor_canceled":
            return False
        self.force_reconnect()
        return True

    def is_connected(self) -> bool:
        return bool(self._session.is_connected())

    def is_over(self) -> bool:
        """Return whether the connection ended, or did not come about."""
        return not self._session.is_alive()

    def forget(self) -> None:
        """Read all rows again with the next connection, whatever is known of them.

        Until then what is known may be half of a transaction, and is not told.
        """
        self.is_damaged = True
        self.last_id = _NOTHING_READ
        self._owner.cleared()

    # The two ways by which all rows reach the library's Idl. Python gives methods that begin with
    # two underscores the class's own name, less its first underscores; so these are Idl's, too.

    def __clear(self) -> None:
        self._owner.cleared()
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
    (RFC 7047, 4.1.8); LockIs events tell whether it does. An Away follows when it cannot be
    written any more.
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
        self._remotes = remotes.split(",")
        self._tables = tables
        self.bulk = tables.bulk
        self._post = post
        self._idl: _Idl | None = None
        self._schema: Any = None
        self._is_in_sync = False
        self._writes: Sequence[Any] = ()
        self._transaction: Any = None
        self._wake_up = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._work = 0
        self._behind_since: float | None = None
        self._was_connected = False
        self._reasons: dict[str, str] = {}

    def start(self) -> None:
        """Begin to connect, read and write; connections are tried again without end."""
        eventlet.spawn(self._run)

    def takes(self, write: Any) -> bool:
        """Return whether the database has columns for a write: an old schema may lack them."""
        return self._tables.takes(write)

    def commit(self, writes: Sequence[Any]) -> None:
        """Perform the writes in one transaction; a Committed follows. One at a time.

        It does not wait for a long message that is coming in: nothing is changed by that yet.
        """
        assert not self._writes
        self._writes = writes
        if not self._is_in_sync:
            self._end_transaction("it is away")
        elif self._idl is not None and self._idl.is_receiving:
            self._advance_transaction(self._idl)
        os.eventfd_write(self._wake_up, 1)

    # Called by the IDL

    def noticed(self, row: Any, gone: bool) -> None:
        """Take note of a row that the IDL tells of."""
        self._tables.notice(row._table.name, row, gone)
        self.worked()

    def cleared(self) -> None:
        """Take note that the IDL has forgotten all rows, of which it tells nothing."""
        self._tables.forget()

    def worked(self) -> None:
        """Let other green threads have their turn every now and then during a large update.

        It is in the middle of a transaction, of which nothing is told before all of it is read.
        """
        self._work += 1
        if self._work % _ROWS_AT_A_TIME == 0:
            eventlet.sleep(0)

    # The green thread

    def _run(self) -> None:
        while True:
            database = self._connect()
            is_sound = self._serve(database)
            was_read = self._lose(database)
            if not (is_sound and was_read):
                eventlet.sleep(_PAUSE)

    def _serve(self, database: _Idl) -> bool:
        """Read and write until the connection is over; return whether the server made sense."""
        try:
            self._work_with(database)
        except Unusable as reason:
            LOG.warning("%s: %s", self._name, reason)
        except Malformed as malformed:
            LOG.warning("%s: %s; reading everything again", self._name, malformed)
        except Exception:
            LOG.exception("%s: a bug; reading everything again", self._name)
        else:
            return True
        database.forget()
        return False

    def _work_with(self, database: _Idl) -> None:
        while True:
            self._advance(database)
            if database.is_over():
                return
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
        if database.is_connected() and not self._was_connected:
            self._was_connected = True
            LOG.info("%s: connected", self._name)
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
        """Tell what whole transactions changed, and after a full reading that this is all.

        Then the lock is asked for: only now is it known that this server leads.
        """
        is_read = not self._is_in_sync and database.state == database.IDL_S_MONITORING
        self._post_all(self._tables.take(is_read))
        if is_read and not self._is_behind():
            self._is_in_sync = True
            self._post(self._tables.in_sync())
            database.set_lock(self._lock)

    def _tell_of_lock(self, database: _Idl) -> None:
        """Tell who has the lock, once the server has answered; until then nothing changes."""
        if database.has_lock or database.is_lock_contended:
            is_locked = bool(database.has_lock)
            if is_locked != self._is_locked:
                self._is_locked = is_locked
                self._post(LockIs(is_locked))

    def _lose(self, database: _Idl) -> bool:
        """Take the end of a connection; return whether all rows were read by it.

        The rows stay as they are until there is another one.
        """
        database.close()
        if reason := idl_errors.nonsense(database.address):
            LOG.warning("%s: %s: %s", self._name, database.address, reason)
        was_in_sync, self._is_in_sync = self._is_in_sync, False
        self._is_locked = None
        if self._was_connected:
            self._was_connected = False
            LOG.info("%s: connection lost", self._name)
        while self._is_behind():  # of what was read to its end
            self._post_all(self._tables.take(more=False))
            eventlet.sleep(0)
        if was_in_sync:
            self._post(Away(self._name))
        if self._transaction is not None:
            self._transaction.abort()
        if self._writes:
            self._end_transaction("the connection ended")
        return was_in_sync

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

    # Finding a server

    def _connect(self) -> _Idl:
        """Return an IDL that connects to a server that can be used, once there is one.

        It has the server's own schema, with those of our columns that are in it.
        """
        while True:
            server = self._find_server()
            if self._idl is not None and server.schema == self._schema:
                self._idl.connect(server.address)
                return self._idl
            missing = schemas.missing(server.schema, self._tables.columns)
            helper = schemas.helper_for(server.schema, self._tables.columns, self._tables.optional)
            interval = _PROBE_INTERVAL if len(self._remotes) == 1 else _PROBE_INTERVAL_OF_SEVERAL
            self._idl = _Idl(server.address, helper, self, interval)
            self._schema = server.schema
            if missing:
                version, lacks = server.schema.get("version"), schemas.text_of(missing)
                LOG.warning("%s: its schema %s lacks %s", self._name, version, lacks)
            self._tables.attach(schemas.tables_of(self._idl, missing), missing)
            return self._idl

    def _find_server(self) -> Server:
        """Return the first server that can be used; all are asked at the same time."""
        found = Found()
        asking = [eventlet.spawn(self._keep_asking, remote, found) for remote in self._remotes]
        try:
            server: Server = found.wait()
        finally:
            for each in asking:
                each.kill()
        self._reasons.clear()
        return server

    def _keep_asking(self, remote: str, found: Found) -> None:
        for pause in chain((_FIRST_PAUSE,), repeat(_PAUSE)):
            try:
                with eventlet.Timeout(_PATIENCE):
                    server = ask(remote, self._tables.schema)
                    schemas.check(server.schema, self._tables.columns, self._tables.optional)
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
        """Say why a server cannot be used, once until there is another reason."""
        if self._reasons.get(remote) != reason:
            self._reasons[remote] = reason
            LOG.warning("%s: %s", f"{self._name}: {remote}", reason)  # its lines are its own
