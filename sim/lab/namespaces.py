"""Network namespaces: made, entered, and taken down with every process in them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from pyroute2 import netns

from sim.waiting import wait_until

T = TypeVar("T")

FOLDER = Path(netns.NETNS_RUN_DIR)


class CommandFailed(RuntimeError):
    """A command of the lab ended with an exit code other than 0."""

    def __init__(self, argv: Sequence[str], code: int, output: str) -> None:
        """Say the command, its exit code and what it printed."""
        super().__init__(f"{' '.join(argv)}: exit code {code}: {output.strip()}")
        self.code = code


def run(
    argv: Sequence[str],
    *,
    prefix: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    check: bool = True,
    timeout: float = 30.0,
) -> str:
    """Run a command, behind a prefix such as `sudo`, and return what it wrote to standard output.

    `env` is added to this process's environment. Raises CommandFailed when the command ends with
    another exit code than 0 and `check` is set, and subprocess.TimeoutExpired after `timeout`
    seconds.
    """
    done = subprocess.run(
        [*prefix, *argv],
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    if check and done.returncode != 0:
        raise CommandFailed(argv, done.returncode, done.stderr or done.stdout)
    return done.stdout


class Namespace:
    """A named network namespace. Constructing one only names it; `create` makes it."""

    def __init__(self, name: str) -> None:
        """Name the namespace as `ip netns` knows it."""
        self.name = name
        self.path = FOLDER / name

    @property
    def exists(self) -> bool:
        """Whether the namespace has been made."""
        return self.path.exists()

    def create(self) -> None:
        """Make the namespace, with its loopback up and IPv6 off.

        IPv6 is off: its neighbour discovery would send frames that no test expects.
        """
        # Not pyroute2's netns.create, which forks: see sim.links.
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        for scope in ("all", "default"):
            self.set_kernel_option(f"net/ipv6/conf/{scope}/disable_ipv6", "1")
        self.run(["ip", "link", "set", "lo", "up"])

    def delete(self) -> None:
        """Kill every process in the namespace and remove it; nothing happens if it is gone."""
        if not self.exists:
            return
        self.kill_processes()
        netns.remove(self.name)

    def set_kernel_option(self, option: str, value: str) -> None:
        """Set one option below /proc/sys (a path such as net/ipv4/ip_forward) in here."""
        # The kernel shows /proc/sys/net of the namespace that the calling thread is in.
        self.call(lambda: Path("/proc/sys", option).write_text(value))

    def call(self, function: Callable[[], T]) -> T:
        """Return what `function` returns when a thread that is in this namespace calls it.

        A socket that it opens stays in the namespace.
        """
        results: list[T] = []
        errors: list[BaseException] = []

        def enter_and_call() -> None:
            try:
                netns.setns(self.name, flags=0)
                results.append(function())
            except BaseException as error:  # handed to the caller below
                errors.append(error)

        # The thread ends inside the namespace: the caller's own thread stays in its own.
        thread = threading.Thread(target=enter_and_call, name=f"in {self.name}")
        thread.start()
        thread.join()
        if errors:
            raise errors[0]
        return results[0]

    def command(self, argv: Sequence[str]) -> list[str]:
        """Return the command line that runs `argv` in this namespace."""
        return ["ip", "netns", "exec", self.name, *argv]

    def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        check: bool = True,
        timeout: float = 30.0,
    ) -> str:
        """Run a command in the namespace as `run` does, and return what it wrote."""
        return run(argv, prefix=self.command(()), env=env, check=check, timeout=timeout)

    def spawn(
        self, argv: Sequence[str], log: Path, *, env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a process that appends its output to `log`, and return it.

        It runs in the namespace, and in the folder of its log.
        """
        with log.open("ab") as output:
            return subprocess.Popen(
                self.command(argv),
                cwd=log.parent,
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # A Ctrl-C at the terminal is for the lab, which ends its processes in order.
                start_new_session=True,
            )

    def listens(self, port: int) -> bool:
        """Return whether a process in the namespace listens on that TCP port."""
        return bool(self.run(["ss", "--no-header", "-ltn", f"sport = :{port}"]).strip())

    def processes(self) -> list[int]:
        """Return the ids of the processes in the namespace."""
        if not self.exists:
            return []
        return sorted(filter(self.has, map(int, filter(str.isdigit, os.listdir("/proc")))))

    def has(self, pid: int) -> bool:
        """Return whether a process runs in the namespace."""
        # A process may end at any moment; one that has ended is in no namespace.
        with contextlib.suppress(OSError):
            return os.path.samestat(os.stat(self.path), os.stat(f"/proc/{pid}/ns/net"))
        return False

    def kill_processes(self, patience: float = 10.0) -> None:
        """Kill every process in the namespace. Raises WaitFailed if one outlives that."""
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_until(
            lambda: not self.processes(),
            f"the end of the processes in {self.name}",
            timeout=patience,
        )
