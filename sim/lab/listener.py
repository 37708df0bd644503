"""A stand-in for the NVC in the guide: it listens, and monitors the VTEP that connects."""

from __future__ import annotations

import subprocess
from pathlib import Path

from sim.lab.namespaces import Namespace
from sim.waiting import wait_until


class Listener:
    """An OVSDB client that waits for a VTEP's database server to connect, and monitors it.

    It only reads: in the guide, `vtep-ctl` plays the NVC that writes. `sim.nvc` does both.
    """

    PORT = 6640

    def __init__(self, namespace: Namespace, ip: str, log: Path) -> None:
        """Describe the NVC; `ip` is its address on the management network."""
        self.namespace = namespace
        self.ip = ip
        self.log = log
        self.target = f"tcp:{ip}:{self.PORT}"
        """What a VTEP's manager is set to."""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Listen; once a VTEP has connected, write each change of its switches to the log.

        It listens when this returns. Raises WaitFailed.
        """
        self._process = self.namespace.spawn(
            [
                "ovsdb-client",
                "monitor",
                f"ptcp:{self.PORT}:{self.ip}",
                "hardware_vtep",
                "Physical_Switch",
                "name,tunnel_ips",
            ],
            self.log,
        )
        wait_until(
            lambda: self.namespace.listens(self.PORT),
            f"an NVC that listens on port {self.PORT}",
            evidence=lambda: self.seen,
        )

    @property
    def seen(self) -> str:
        """The updates from the VTEP so far, as ovsdb-client writes them."""
        return self.log.read_text() if self.log.exists() else ""

    def stop(self) -> None:
        """End the NVC."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
