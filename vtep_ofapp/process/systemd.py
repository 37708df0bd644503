"""The service manager that may have started us: systemd's notifications (sd_notify(3))."""

import logging
import os
import socket
from collections.abc import Mapping

LOG = logging.getLogger("vtep_ofapp.service")

_MICROSECONDS = 1_000_000


class ServiceManager:
    """Tells systemd how we are; tells nobody if it was not systemd that started us."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        """Read NOTIFY_SOCKET and WATCHDOG_USEC as systemd sets them for a service."""
        self._address = environment.get("NOTIFY_SOCKET", "")
        timeout = int(environment.get("WATCHDOG_USEC", "0")) / _MICROSECONDS
        self.watchdog_interval = timeout / 3
        """Seconds after which alive() is due again, 0 if nobody watches."""
        self._is_ready = False
        self._status = ""

    def alive(self) -> None:
        """Feed the watchdog."""
        self._notify("WATCHDOG=1")

    def be(self, is_ready: bool, status: str) -> None:
        """Tell that we are ready, once, and in a line for people what we do, when it changes."""
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
            LOG.warning("the service manager does not listen: %s", error)
