"""What controls a VTEP's bridge: the application, or Open vSwitch's emulator in its place."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from sim.lab.openvswitch import SCHEMAS, OpenVSwitch, tail
from sim.lab.process import CHECKOUT, Process
from sim.waiting import WaitFailed, wait_until

ENVIRONMENT = {
    "PYTHONFAULTHANDLER": "1",
    "PYTHONPATH": str(CHECKOUT),
    "PYTHONUNBUFFERED": "1",
}
"""Variables of the application: it runs from this checkout, and SIGABRT makes it tell its stack."""


class Controller(Process):
    """A process in the VTEP's namespace that follows the VTEP database."""

    def __init__(self, vtep: OpenVSwitch) -> None:
        """Describe the process that is to control the VTEP's bridge."""
        super().__init__(vtep.namespace, vtep.folder)
        self.vtep = vtep

    def is_ready(self) -> bool:
        """Return whether the VTEP database has a row for each of the bridge's ports."""
        return set(self.vtep.ports) <= set(self.vtep.port_rows(self.vtep.bridge))

    def environment(self) -> dict[str, str]:
        """Return the variables that are set for the process."""
        return self.vtep.env

    def take_over(self) -> None:
        """Start the process and return when it controls the bridge. Raises WaitFailed."""
        self.start()
        self.wait_until_ready()

    def start(self) -> None:
        """Start the process, and do not wait for what it does."""
        self.vtep.on_command(self.command())
        super().start()

    def wait_until_ready(self, timeout: float = 60.0) -> None:
        """Return when the bridge is controlled. Raises WaitFailed, at once if the process ended."""
        self._wait_until(self.is_ready, f"in control of {self.vtep.bridge}", timeout)

    def _wait_until(self, condition: Callable[[], bool], what: str, timeout: float) -> None:
        wait_until(
            lambda: not self.running or condition(),
            f"{self.NAME} {what}",
            timeout=timeout,
            evidence=self.vtep.evidence,
        )
        if not self.running:
            reason = f"it does not run (exit code {self.exit_code})"
            raise WaitFailed(f"waited in vain for {self.NAME} {what}: {reason}", tail(self.log))


class App(Controller):
    """`osken-manager vtep_ofapp`, of this checkout, from the virtual environment that runs us."""

    NAME = "vtep_ofapp"

    def __init__(self, vtep: OpenVSwitch, name: str = NAME, port: int = 6653) -> None:
        """Describe the application; `options` are further ones of its group [vtep].

        A second application beside the first one needs another name and port.
        """
        self.NAME = name
        super().__init__(vtep)
        self.config = vtep.folder / f"{name}.conf"
        self.options: dict[str, str] = {}
        self.port = port
        self.proxy_port: int | None = None
        """Where bridges are to connect instead of `port`, if there is a proxy before it."""

    @property
    def target(self) -> str:
        """Where bridges find the application, as `ovs-vsctl set-controller` takes it."""
        return f"tcp:127.0.0.1:{self.proxy_port or self.port}"

    def command(self) -> list[str]:
        """Return the command line of osken-manager."""
        manager = Path(sys.executable).parent / "osken-manager"
        return [str(manager), "vtep_ofapp", "--config-file", str(self.config)]

    def environment(self) -> dict[str, str]:
        """Return the switch's variables, and the checkout as the place of vtep_ofapp."""
        # osken-manager does not look for modules in the current folder; worse, a folder there of
        # the module's name is taken for a file. `spawn` runs it elsewhere.
        return {**self.vtep.env, **ENVIRONMENT}

    def start(self) -> None:
        """Write the configuration file and start the application."""
        options = {
            "vtep_db": self.vtep.db,
            "ovs_db": self.vtep.db,
            **self.control(),
            **self.options,
        }
        lines = ["[DEFAULT]", "ofp_listen_host = 127.0.0.1", f"ofp_tcp_listen_port = {self.port}"]
        lines += ["[vtep]", *(f"{name} = {value}" for name, value in options.items())]
        self.config.write_text("\n".join(lines) + "\n")
        super().start()

    def control(self) -> dict[str, str]:
        """Return how ovs-appctl finds it by its name: a further one needs a pidfile of its own."""
        if self.NAME == App.NAME:
            return {}
        return {"pidfile": str(self.vtep.folder / f"{self.NAME}.pid")}

    def ask(self, *words: str) -> str:
        """Return its answer to a command. Raises CommandFailed."""
        return self.vtep.run(["ovs-appctl", "-t", self.NAME, *words])

    def take_over(self) -> None:
        """Start the application, point the bridge at it, wait until they are connected."""
        self.start()
        # A bridge whose connection is refused tries again after 1 second, then 2, then 4.
        self._wait_until(lambda: self.vtep.namespace.listens(self.port), "listening", timeout=60.0)
        self.vtep.do("ovs-vsctl", "set-controller", self.vtep.bridge, self.target)
        self.wait_until_ready()

    def is_ready(self) -> bool:
        """Return whether the bridge is connected as well."""
        return super().is_ready() and self.is_connected()  # to ask for rows costs less

    def is_connected(self) -> bool:
        """Return whether a bridge is connected to the application.

        Open vSwitch refreshes Controller.is_connected every 5 seconds only: it is still true when
        a killed application has just been started again. The kernel's list is current.
        """
        established = ["ss", "--no-header", "-tn", "state", "established"]
        return bool(self.vtep.run([*established, f"sport = :{self.port}"]).strip())


class Emulator(Controller):
    """Open vSwitch's own VTEP emulator, ovs-vtep, to compare the application with."""

    NAME = "ovs-vtep"

    def command(self) -> list[str]:
        """Return the command line of ovs-vtep, run by our Python, which has the ovs library."""
        script = SCHEMAS / "scripts" / "ovs-vtep"
        return [sys.executable, str(script), self.vtep.bridge]
