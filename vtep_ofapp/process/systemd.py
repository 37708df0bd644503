"""Notifications to systemd, if it started this process (sd_notify(3))."""

import logging
import os
import socket
from collections.abc import Mapping

LOG = logging.getLogger("vtep_ofapp.service")

_MICROSECONDS = 1_000_000


class ServiceManager:
    """Notifies systemd of readiness and status; does nothing if systemd did not start us."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        """Read NOTIFY_SOCKET and WATCHDOG_USEC as systemd sets them for a service."""
        self._address = environment.get("NOTIFY_SOCKET", "")
        timeout = environment.get("WATCHDOG_USEC") or "0"
        if not timeout.isdecimal():
            LOG.warning("WATCHDOG_USEC: %r is not a number of microseconds", timeout)
            timeout = "0"
        self.watchdog_interval = int(timeout) / _MICROSECONDS / 3
        """Seconds between calls of alive(), 0 if systemd has no watchdog for us."""
        self._is_ready = False
        self._status = ""

    def alive(self) -> None:
        """Reset systemd's watchdog."""
        self._notify("WATCHDOG=1")

    def be(self, is_ready: bool, status: str) -> None:
        """Notify systemd that we are ready, once, and of the status line when it changes."""
        if is_ready and not self._is_ready:
            self._is_ready = True
            self._notify("READY=1")
        if status != self._status:
            self._status = status
            self._notify(f"STATUS={status}")

    def _notify(self, state: str) -> None:
        if not self._address:
            return
        # A leading @ stands for the zero byte of an abstract address.
        address = self._address.replace("@", "\0", 1)
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.setblocking(False)
                sender.sendto(state.encode(), address)
        except OSError as error:
            waits_no_longer = self._is_ready and not self.watchdog_interval
            if waits_no_longer and isinstance(error, ConnectionRefusedError):
                self._address = ""  # as after vtep-ofapp --detach, which waits for READY alone
            else:
                LOG.warning("cannot notify the service manager: %s", error)
