"""The control socket of the application, which ovs-appctl and vtep-ofapp ask."""

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

LOG = logging.getLogger("vtep_ofapp.control")

_MOST_CLIENTS = 32
_PATIENCE = 60.0
"""Seconds for which a client may leave an answer unread."""
_SLICE = 0.002
"""Seconds of work on an answer before other green threads run."""
_FORMAT = "set-options"
"""The command by which ovs-appctl 3.4 and later ask for JSON, before the one that they are for."""


class CannotListen(Exception):
    """The control socket cannot be made; the text says why."""


class ControlServer(ovs.unixctl.server.UnixctlServer):  # type: ignore[misc]
    """Answers commands: a green thread has the socket, and each command has one of its own."""

    def __init__(self, path: str, commands: Iterable[Command], running: Running) -> None:
        """Listen on a Unix socket; raises CannotListen."""
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
        self._unread: dict[Any, tuple[int, float]] = {}
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
            self._drop_clients()
            waiter = Waiter()
            waiter.fd_wait(self._wake_up, ovs.poller.POLLIN)
            self.wait(waiter)
            if self._unread:
                waiter.timer_wait(int(_PATIENCE * 1000))
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
        eventlet.spawn(self._reply, client, words, command)

    def _reply(self, client: Any, words: Sequence[str], command: Command) -> None:
        """Work out the answer, with pauses for other green threads, and send it."""
        failed, text = True, "a bug, which is in the log"
        try:
            answer = answering.begin(command, words, self._running, client in self._with_json)
            failed, text = answer.failed, self._gather(answer.parts)
        except WrongWords as error:
            text = str(error)
        except Exception:
            LOG.exception("a command failed: %s %.200s", command.name, words)
        # It may have gone meanwhile, or have sent two requests at once with the id 0.
        if client in self._conns and client._request_id is not None:
            send = client.reply_error if failed else client.reply
            send(text)
            os.eventfd_write(self._wake_up, 1)

    def _gather(self, parts: Iterable[str]) -> str:
        gathered, end = [], time.monotonic() + _SLICE
        for part in parts:
            gathered.append(part)
            if time.monotonic() >= end:
                eventlet.sleep(0)
                end = time.monotonic() + _SLICE
        return "".join(gathered)

    def _drop_clients(self) -> None:
        """Close the oldest connections beyond a limit, and those that do not read their answer."""
        now = time.monotonic()
        unread: dict[Any, tuple[int, float]] = {}
        for client in self._conns:
            if backlog := client._rpc.get_backlog():
                former, since = self._unread.get(client, (0, now))
                unread[client] = (backlog, since if backlog == former else now)
        self._unread = unread
        slow = {client for client, (_, since) in unread.items() if now - since >= _PATIENCE}
        for client in [*self._conns[:-_MOST_CLIENTS], *slow]:
            client._close()
            self._conns.remove(client)
            self._unread.pop(client, None)
        self._with_json.intersection_update(self._conns)
