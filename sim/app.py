"""What controls a VTEP's bridge: the application, or Open vSwitch's emulator in its place."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from abc import ABC, abstractmethod
from pathlib import Path

from sim.openvswitch import SCHEMAS, OpenVSwitch, tail
from sim.waiting import WaitFailed, wait_until

CHECKOUT = Path(__file__).resolve().parent.parent


class Controller(ABC):
    """A process in the VTEP's namespace that follows the VTEP database."""

    def __init__(self, switch: OpenVSwitch, bridge: str) -> None:
        """Describe the process that is to control `bridge` of `switch`."""
        self.switch = switch
        self.bridge = bridge
        self.log = switch.folder / "controller.log"
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """Return the command line."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Return whether it has taken the bridge over."""

    def environment(self) -> dict[str, str]:
        """Return the variables that are set for the process."""
        return self.switch.env

    def take_over(self) -> None:
        """Start the process and return when it has the bridge. Raises WaitFailed."""
        self.start()
        self.wait_until_ready()

    def start(self) -> None:
        """Start the process, and do not wait for what it does."""
        if self.running:
            raise RuntimeError(f"{self.command()[0]} runs already")
        command = self.command()
        self.switch.on_command(command)
        self._process = self.switch.namespace.spawn(command, self.log, env=self.environment())

    def stop(self, grace: float = 5.0) -> int | None:
        """End the process by SIGTERM and return its exit code; None if it was never started.

        Raises WaitFailed if it has not ended `grace` seconds later; it is killed then.
        """
        if self._process is None:
            return None
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(grace)
        except subprocess.TimeoutExpired:
            self.kill()
            raise WaitFailed(
                f"the end of the controller {grace:g} s after SIGTERM", tail(self.log)
            ) from None

    def kill(self) -> None:
        """End the process by SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @property
    def running(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """The process's id while it runs."""
        return self._process.pid if self._process is not None and self.running else None

    @property
    def log_text(self) -> str:
        """What the process wrote so far, over all its starts."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def wait_until_ready(self, timeout: float = 20.0) -> None:
        """Return when the bridge is taken over. Raises WaitFailed, at once if the process ends."""

        def ready_or_ended() -> bool:
            return not self.running or self.is_ready()

        what = f"{Path(self.command()[0]).name} in control of {self.bridge}"
        wait_until(ready_or_ended, what, timeout=timeout, evidence=self.switch.evidence)
        if not self.running:
            code = self._process.returncode if self._process else None
            raise WaitFailed(f"{what}: it ended with exit code {code}", tail(self.log))


class App(Controller):
    """`osken-manager vtep_ofapp`, of this checkout, from the virtual environment that runs us."""

    TARGET = "tcp:127.0.0.1:6653"

    def __init__(self, switch: OpenVSwitch, bridge: str) -> None:
        """Describe the application; `options` are further ones of its group [vtep]."""
        super().__init__(switch, bridge)
        self.config = switch.folder / "vtep_ofapp.conf"
        self.options: dict[str, str] = {}

    def command(self) -> list[str]:
        """Return the command line of osken-manager."""
        manager = Path(sys.executable).parent / "osken-manager"
        return [str(manager), "vtep_ofapp", "--config-file", str(self.config)]

    def environment(self) -> dict[str, str]:
        """Return the switch's variables, and the checkout as the place of vtep_ofapp."""
        # osken-manager does not look into the current folder for what it loads.
        return {**self.switch.env, "PYTHONPATH": str(CHECKOUT), "PYTHONUNBUFFERED": "1"}

    def start(self) -> None:
        """Write the configuration file and start the application."""
        options = {"vtep_db": self.switch.db, "ovs_db": self.switch.db, **self.options}
        lines = ["[DEFAULT]", "ofp_listen_host = 127.0.0.1", "ofp_tcp_listen_port = 6653"]
        lines += ["[vtep]", *(f"{name} = {value}" for name, value in options.items())]
        self.config.write_text("\n".join(lines) + "\n")
        super().start()

    def take_over(self) -> None:
        """Start the application, point the bridge at it, wait until they are connected."""
        self.start()
        self.switch.do("ovs-vsctl", "set-controller", self.bridge, self.TARGET)
        self.wait_until_ready()

    def is_ready(self) -> bool:
        """Return whether the bridge is connected to the application."""
        return self.switch.ovs_vsctl("get", "controller", self.bridge, "is_connected") == "true"


class Emulator(Controller):
    """Open vSwitch's own VTEP emulator, ovs-vtep, to compare the application with."""

    def command(self) -> list[str]:
        """Return the command line of ovs-vtep, run by our Python, which has the ovs library."""
        script = SCHEMAS / "scripts" / "ovs-vtep"
        log = self.switch.folder / "ovs-vtep.log"
        return [sys.executable, str(script), f"--log-file={log}", self.bridge]

    def is_ready(self) -> bool:
        """Return whether it has reported the bridge's ports to the VTEP database."""
        return bool(self.switch.vtep_ctl("list-ports", self.bridge))
