"""The labs of the tests: names of their own, a quick start of the application, watched logs."""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from sim.lab.app import App
from sim.lab.delivery import Delivery
from sim.lab.guide import Lab
from sim.lab.network import EmptyLab
from tests import prefork
from tests.lab.control import Control
from tests.logs import watched

AnyLab = TypeVar("AnyLab", bound=EmptyLab)

_labs = itertools.count(1)


def new_lab_name() -> str:
    """Return a lab name that no other test run on this machine has."""
    return f"t{os.getpid()}lab{next(_labs)}"


class ForkedApp(App):
    """The application, which begins as a copy of a process that has its libraries."""

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start the command in the namespace and return its process."""
        environment = {**os.environ, **self.environment()}
        return prefork.spawn(self.command(), self.log, environment, self.vtep.namespace.path)


class TrialLab(Lab):
    """The guide's lab with a third virtual machine, and a third endpoint that no row names."""

    def __init__(self) -> None:
        super().__init__(new_lab_name(), ForkedApp)

    @property
    def app(self) -> App:
        """The application."""
        app = self.vtep.app
        assert isinstance(app, App)
        return app

    def _build(self) -> None:
        super()._build()
        self.vm3 = self.add_vm("vm3", port="p2", ip="192.168.33.3")
        self.third = self.add_remote("third", "10.2.2.4", ip="192.168.33.104")


@contextmanager
def standing(lab: AnyLab) -> Iterator[AnyLab]:
    """Build a lab and take it down; meanwhile none of its logs may hold a traceback."""
    with lab, watched(lab.state.folder):
        yield lab


class Overlay:
    """The logical switch ls0: untagged on every port, two service nodes, in one mode."""

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.vni = 33

    def flooded(self, local: Delivery, tags: str = "") -> list[Delivery]:
        """Return the ways in which a flooded frame from a binding may arrive.

        `local` is where it arrives on bindings; `tags` are in the tunnelled frame.
        """
        label = [f"vni {self.vni} {tags}".rstrip()]
        if self.mode == "source_node":
            return [{**local, "service-node": label, "hypervisor": label}]
        return [{**local, "service-node": label}, {**local, "hypervisor": label}]


def add_ls0(lab: Lab, nvc: Control, mode: str) -> Overlay:
    """Let the NVC make ls0, and return it."""
    nvc.do(
        "add-ls ls0",
        "set Logical_Switch ls0 tunnel_key=33",
        f"set-replication-mode ls0 {mode}",
        *(f"bind-ls br0 {port} 0 ls0" for port in lab.vtep.ports),
        f"add-mcast-remote ls0 unknown-dst {lab.service_node.underlay_ip}",
        f"add-mcast-remote ls0 unknown-dst {lab.hypervisor.underlay_ip}",
    )
    return Overlay(mode)
