"""What a lab leaves on the machine: its state folder, its namespaces, the processes in them."""

from __future__ import annotations

import re
import shutil
import socket
from pathlib import Path

from sim.lab.namespaces import Namespace

ROOT = Path("/run/vtep-sim")

_NAME = re.compile(r"[a-z0-9]{1,24}")


class LabBusy(RuntimeError):
    """The lab belongs to a process that is running, or is up already."""


class LabState:
    """The record of one lab, by which another process finds it and takes it down.

    Namespaces are written down before they are made, so that a lab that died at any moment can
    be removed, and nothing else with it.
    """

    def __init__(self, name: str) -> None:
        """Look at the lab of that name. Raises ValueError for an invalid name."""
        # Without a dash, no namespace of one lab can have the name of another lab's.
        if not _NAME.fullmatch(name):
            raise ValueError(f"lab name {name!r} is not 1 to 24 lower-case letters and digits")
        self.name = name
        self.folder = ROOT / name
        self._record = self.folder / "namespaces"
        self._ready = self.folder / "ready"
        self._claimed_name = f"vtep-sim/{name}"
        self._claim: socket.socket | None = None

    @property
    def exists(self) -> bool:
        """Whether there is a lab, complete or in part."""
        return self.folder.exists()

    @property
    def is_ready(self) -> bool:
        """Whether the lab was built to its end, and stays."""
        return self._ready.exists()

    @property
    def is_up(self) -> bool:
        """Whether the lab was built to its end and has processes that run."""
        return self.is_ready and any(space.processes() for space in self.namespaces())

    @property
    def is_claimed(self) -> bool:
        """Whether the lab belongs to a process: it builds, tests or removes it."""
        sockets = Path("/proc/net/unix").read_text().splitlines()
        return any(line.endswith(f" @{self._claimed_name}") for line in sockets)

    def claim(self) -> None:
        """Claim the lab for this process, until `release` or its end. Raises LabBusy."""
        # An abstract socket belongs to one process and vanishes with it, killed or not.
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            claim.bind(f"\0{self._claimed_name}")
        except OSError as error:
            claim.close()
            raise LabBusy(
                f"lab {self.name} belongs to another process (a demo, a test run, "
                "another `up` or `down`): end that first, or use another --name"
            ) from error
        self._claim = claim

    def release(self) -> None:
        """Release the claim."""
        if self._claim:
            self._claim.close()
            self._claim = None

    def create(self) -> None:
        """Make the state folder."""
        self.folder.mkdir(parents=True)

    def mark_ready(self) -> None:
        """Mark the lab as complete: it stays when this process ends."""
        self._ready.touch()

    def namespace(self, host: str) -> Namespace:
        """Return the namespace of one host of the lab, made or not."""
        return Namespace(f"{self.name}-{host}")

    def create_namespace(self, host: str) -> Namespace:
        """Make the namespace of one host and return it. Raises FileExistsError."""
        namespace = self.namespace(host)
        if namespace.exists:
            raise FileExistsError(
                f"there is a network namespace {namespace.name} that this lab did not make; "
                f"`ip netns del {namespace.name}` removes it"
            )
        with self._record.open("a") as record:
            record.write(f"{host}\n")
        namespace.create()
        return namespace

    def hosts(self) -> list[str]:
        """Return the hosts whose namespaces this lab has made, in that order."""
        return self._record.read_text().split() if self._record.exists() else []

    def namespaces(self) -> list[Namespace]:
        """Return the namespaces of the lab that exist."""
        found = [self.namespace(host) for host in self.hosts()]
        return [namespace for namespace in found if namespace.exists]

    def remove(self) -> None:
        """End the lab's processes, delete its namespaces and its folder; missing parts are fine."""
        for namespace in self.namespaces():
            namespace.delete()
        if self.exists:
            shutil.rmtree(self.folder)
