"""A Python program in a namespace: how it is started and ended, and its log."""

from __future__ import annotations

import contextlib
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from signal import Signals

from sim.lab.namespaces import Namespace
from sim.lab.openvswitch import tail
from sim.waiting import WaitFailed

_LAST_WORDS = 20.0
"""Seconds for a process to write its stack."""

CHECKOUT = Path(__file__).resolve().parents[2]


class Process(ABC):
    """One process, which may be started again after its end; its output is appended to a log."""

    NAME: str

    def __init__(self, namespace: Namespace, folder: Path) -> None:
        """Describe the process; the log is in the folder."""
        self._namespace = namespace
        self.log = folder / f"{self.NAME}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """Return the command line."""

    def environment(self) -> Mapping[str, str]:
        """Return the variables that are set for the process."""
        return {}

    def start(self) -> None:
        """Start the process, and do not wait for what it does."""
        if self.running:
            raise RuntimeError(f"{self.NAME} runs already")
        self._process = self.spawn()

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start the command in the namespace and return its process."""
        return self._namespace.spawn(self.command(), self.log, env=self.environment())

    def stop(self, grace: float = 20.0) -> int | None:
        """End the process by SIGTERM and return its exit code; None if it was never started.

        Raises WaitFailed if it has not ended `grace` seconds later. It is killed then, by a signal
        on which the application writes to its log what it was doing.
        """
        if self._process is None:
            return None
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(Signals.SIGTERM)
        try:
            return self._process.wait(grace)
        except subprocess.TimeoutExpired:
            self._process.send_signal(Signals.SIGABRT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_LAST_WORDS)
            self.kill()
            raise WaitFailed(
                f"waited in vain for the end of {self.NAME} {grace:g} s after SIGTERM",
                tail(self.log),
            ) from None

    def kill(self) -> None:
        """End the process by SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def signal(self, number: Signals) -> None:
        """Send the process a signal. It must be running."""
        assert self._process is not None
        self._process.send_signal(number)

    def freeze(self, seconds: float) -> None:
        """Stop the process by SIGSTOP for some seconds. It must be running."""
        self.signal(Signals.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            self.signal(Signals.SIGCONT)

    @property
    def running(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """The process's id while it runs."""
        return self._process.pid if self._process is not None and self.running else None

    @property
    def exit_code(self) -> int | None:
        """The exit code of a process that has ended."""
        return self._process.poll() if self._process is not None else None

    @property
    def log_text(self) -> str:
        """What the process wrote so far, over all its starts."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""
