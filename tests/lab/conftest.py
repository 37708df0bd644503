"""One lab for each module, and each test leaves the lab as it found it."""

from __future__ import annotations

import itertools
import os

import pytest

from sim.lab.delivery import Delivery
from sim.lab.guide import Lab
from tests.lab.control import Control
from tests.lab.wire import Wire, new_mac

MODES = ("service_node", "source_node")

_labs = itertools.count(1)


def new_lab_name() -> str:
    """Return a lab name that no other test run on this machine has."""
    return f"t{os.getpid()}lab{next(_labs)}"


class Overlay:
    """The logical switch ls0: untagged on every port, VNI 33, two service nodes, in one mode."""

    vni = 33

    def __init__(self, mode: str) -> None:
        self.mode = mode

    def flooded(self, local: Delivery, tags: str = "") -> list[Delivery]:
        """Return the ways in which a flooded frame from a binding may arrive.

        `local` is where it arrives on bindings; `tags` are in the tunnelled frame.
        """
        label = [f"vni {self.vni} {tags}".rstrip()]
        if self.mode == "source_node":
            return [{**local, "service-node": label, "hypervisor": label}]
        return [{**local, "service-node": label}, {**local, "hypervisor": label}]


@pytest.fixture(scope="module")
def lab(request):
    """Three VMs, three remote endpoints, the application with the module's OPTIONS."""
    with Lab(new_lab_name()) as lab:
        lab.vm3 = lab.add_vm("vm3", port="p2", ip="192.168.33.3")
        lab.third = lab.add_remote("third", "10.2.2.4", ip="192.168.33.104")
        lab.app.options.update(getattr(request.module, "OPTIONS", {}))
        lab.start()
        control = Control(lab.vtep)
        control.add_marks(lab.service_node.underlay_ip, lab.hypervisor.underlay_ip)
        everywhere = {"vm2": ["vlan 4000", "vlan 4001"], "vm3": ["vlan 4000", "vlan 4001"]}
        everywhere |= {"service-node": ["vni 4000"], "hypervisor": ["vni 4000"]}
        lab.expect_delivery(
            lab.vm1.send, {"vm1": ["vlan 4001"], **everywhere}, src=new_mac(), vlans=(4000,)
        )
        lab.picture = settled_picture(control)
        yield lab


def settled_picture(control: Control) -> dict[str, list[str]]:
    """Return the picture without what was learned in the lab's first moments."""
    picture = control.picture()
    picture["flows"] = [flow for flow in picture["flows"] if "02:77:" not in flow]
    picture["local rows"] = [row for row in picture["local rows"] if "02:77:" not in row]
    return picture


@pytest.fixture
def nvc(lab):
    """The NVC's part. Afterwards all is taken back, and then nothing of it must be left."""
    control = Control(lab.vtep)
    yield control
    control.wipe()
    control.wait(
        lambda: settled_picture(control) == lab.picture,
        f"flows, groups, ports and rows as they were before the test: {lab.picture}",
    )


@pytest.fixture
def wire(lab, nvc):
    """Single frames."""
    wire = Wire(lab, nvc)
    yield wire
    wire.close()


@pytest.fixture(params=MODES)
def ls0(request, lab, nvc):
    """The logical switch ls0, in both replication modes."""
    return add_ls0(lab, nvc, request.param)


@pytest.fixture
def plain_ls0(lab, nvc):
    """The logical switch ls0 where the mode makes no difference."""
    return add_ls0(lab, nvc, "service_node")


def add_ls0(lab: Lab, nvc: Control, mode: str) -> Overlay:
    nvc.do(
        "add-ls ls0",
        "set Logical_Switch ls0 tunnel_key=33",
        f"set-replication-mode ls0 {mode}",
        *(f"bind-ls br0 {port} 0 ls0" for port in lab.vtep.ports),
        f"add-mcast-remote ls0 unknown-dst {lab.service_node.underlay_ip}",
        f"add-mcast-remote ls0 unknown-dst {lab.hypervisor.underlay_ip}",
    )
    return Overlay(mode)
