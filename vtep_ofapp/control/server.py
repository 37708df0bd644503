"""The control socket of the application, which ovs-appctl and vtep-ofapp ask."""

import errno
import json
import logging
import os
import time
from collections.abc import Iterable, Sequence
from typing import Any

import eventlet
import ovs.poller
import ovs.stream
import ovs.unixctl
import ovs.unixctl.server

from ..commands import answering
from ..commands.answer import WrongWords
from ..commands.command import Command, Running
from ..ovsdb.poller import Waiter
from ..values.texts import printable

LOG = logging.getLogger("vtep_ofapp.control")

_MOST_CLIENTS = 32
_PATIENCE = 60.0
"""Seconds for which a client may leave an answer unread."""
_AT_ONCE = 1 << 16
"""Bytes of an answer that are sent at once."""
_LONGEST_PATH = 107
"""Bytes of the path of a Unix socket (unix(7)). The library tries a longer one without end."""
_FORMAT = "set-options"
"""The command by which ovs-appctl 3.4 and later ask for JSON, before the one that they are for."""


class CannotListen(Exception):
    """The control socket cannot be made; the text says why."""


class _Left(Exception):
    """The client has gone, or does not read its answer."""


class ControlServer(ovs.unixctl.server.UnixctlServer):  # type: ignore[misc]
    """Answers commands: a green thread has the socket, and each command has one of its own.

    An answer is sent while it is worked out, as fast as the client reads it. The library would
    make one message of it, and 100,000 rows would block all green threads for half a second.
    """

    def __init__(self, path: str, commands: Iterable[Command], running: Running) -> None:
        """Listen on a Unix socket; raises CannotListen."""
        if len(os.fsencode(path)) > _LONGEST_PATH:
            raise CannotListen(f"{path}: {os.strerror(errno.ENAMETOOLONG)}")
        former = os.umask(0o077)
        try:
            error, listener = ovs.stream.PassiveStream.open(f"punix:{path}")
        finally:
            os.umask(former)
        if error:
            raise CannotListen(f"{path}: {os.strerror(error)}")
        super().__init__(listener)
        self._running = running
        self._wake_up = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._served: set[Any] = set()
        self._with_json: set[Any] = set()
        register = ovs.unixctl.command_register
        register(_FORMAT, "--format text|json", 2, 2, self._set_format, None)
        for command in commands:
            # One more for --json, whose place is free.
            most = answering.most_words(command)
            register(command.name, command.usage, 0, most, self._asked, command)

    def serve(self) -> None:
        """Answer clients without end."""
        while True:
            self.run()
            for client in self._conns[:-_MOST_CLIENTS]:
                self._drop(client)
            self._with_json.intersection_update(self._conns)
            waiter = Waiter()
            waiter.fd_wait(self._wake_up, ovs.poller.POLLIN)
            self.wait(waiter)
            waiter.block()
            try:
                os.eventfd_read(self._wake_up)
            except BlockingIOError:
                continue  # a client woke us up

    def _set_format(self, client: Any, words: Sequence[str], _command: None) -> None:
        if list(words) == ["--format", "json"]:
            self._with_json.add(client)
        client.reply(None)

    def _asked(self, client: Any, words: Sequence[str], command: Command) -> None:
        if client not in self._served:  # else it did not wait for its answer
            self._served.add(client)
            eventlet.spawn(self._reply, client, words, command)

    def _reply(self, client: Any, words: Sequence[str], command: Command) -> None:
        """Work out the answer and send it, with pauses for other green threads."""
        failed, parts = True, iter(["a bug, which is in the log"])
        try:
            answer = answering.begin(command, words, self._running, client in self._with_json)
            failed, parts = answer.failed, iter(answer.parts)
        except WrongWords as error:
            # With a line's end, as ovs-appctl writes a line of its own behind it.
            parts = iter([printable(str(error)), "\n"])
        except Exception:
            LOG.exception("a command failed: %s %.200s", command.name, words)
        try:
            self._send(client, failed, parts)
        except _Left:
            self._drop(client)
        except Exception:
            LOG.exception("a command failed: %s %.200s", command.name, words)
            self._drop(client)
        client._request_id = None
        self._served.discard(client)
        os.eventfd_write(self._wake_up, 1)

    def _send(self, client: Any, failed: bool, parts: Iterable[str]) -> None:
        """Send a JSON-RPC reply whose text comes in parts. Raises _Left."""
        null, text = ("result", "error") if failed else ("error", "result")
        id = json.dumps(client._request_id)
        output = bytearray(f'{{"id":{id},"{null}":null,"{text}":"'.encode())
        pause = self._running.components.turns.pacer()
        for part in parts:
            output += json.dumps(part)[1:-1].encode()
            if len(output) >= _AT_ONCE:
                self._send_bytes(client, output)
                output.clear()
            pause()
        self._send_bytes(client, output + b'"}')

    def _send_bytes(self, client: Any, output: bytearray) -> None:
        stream, sent = client._rpc.stream, 0
        end = time.monotonic() + _PATIENCE
        while sent < len(output):
            if client not in self._conns or time.monotonic() >= end:
                raise _Left
            result = stream.send(bytes(output[sent : sent + _AT_ONCE]))
            if result >= 0:
                sent += result
            elif result == -errno.EAGAIN:
                waiter = Waiter()
                stream.send_wait(waiter)
                waiter.timer_wait(int(_PATIENCE * 1000))
                waiter.block()
            else:
                raise _Left

    def _drop(self, client: Any) -> None:
        if client in self._conns:
            client._close()
            self._conns.remove(client)
