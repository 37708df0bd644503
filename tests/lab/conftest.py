"""One lab for each module, and each test leaves the lab as it found it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.lab.acl_network import Network
from tests.lab.control import Control
from tests.lab.routed_network import RoutedNetwork
from tests.lab.trial import Overlay, TrialLab, add_ls0, standing
from tests.lab.wire import Wire, new_mac

MODES = ("service_node", "source_node")


@pytest.fixture(scope="module")
def lab(request: pytest.FixtureRequest) -> Iterator[TrialLab]:
    """Three VMs, three remote endpoints, the application with the module's OPTIONS."""
    with standing(TrialLab()) as lab:
        lab.app.options.update(getattr(request.module, "OPTIONS", {}))
        lab.start()
        control = Control(lab.vtep)
        control.add_marks(lab.service_node.underlay_ip, lab.hypervisor.underlay_ip)
        everywhere = {"vm2": ["vlan 4000", "vlan 4001"], "vm3": ["vlan 4000", "vlan 4001"]}
        everywhere |= {"service-node": ["vni 4000"], "hypervisor": ["vni 4000"]}
        lab.expect_delivery(
            lab.vm1.send, {"vm1": ["vlan 4001"], **everywhere}, src=new_mac(), vlans=(4000,)
        )
        yield lab


@pytest.fixture(scope="module")
def emptied(lab: TrialLab) -> dict[str, list[str]]:
    """The picture of the lab before the first test, and so after each."""
    return settled_picture(Control(lab.vtep))


def settled_picture(control: Control) -> dict[str, list[str]]:
    """Return the picture without what was learned in the lab's first moments."""
    picture = control.picture()
    picture["flows"] = [flow for flow in picture["flows"] if "02:77:" not in flow]
    picture["local rows"] = [row for row in picture["local rows"] if "02:77:" not in row]
    return picture


@pytest.fixture
def nvc(lab: TrialLab, emptied: dict[str, list[str]]) -> Iterator[Control]:
    """The NVC's part. Afterwards all is taken back, and then nothing of it must be left."""
    control = Control(lab.vtep)
    yield control
    control.wipe()
    control.wait(
        lambda: settled_picture(control) == emptied,
        f"flows, groups, ports and rows as they were before the test: {emptied}",
    )


@pytest.fixture
def wire(lab: TrialLab, nvc: Control) -> Iterator[Wire]:
    """Single frames."""
    wire = Wire(lab, nvc)
    yield wire
    wire.close()


@pytest.fixture(scope="module")
def network(lab: TrialLab) -> Iterator[Network]:
    """The network of the access lists' tests."""
    with closing(Network(lab)) as network:
        yield network


@pytest.fixture
def net(network: Network) -> Iterator[Network]:
    """The same; a test finds it without access lists, and leaves the application's options."""
    options = dict(network.lab.app.options)
    yield network
    network.judges_after_a_restart()
    network.acls.wipe()
    if network.lab.app.options != options:
        network.start_with(options)


@pytest.fixture(scope="module")
def routed_network(lab: TrialLab) -> Iterator[RoutedNetwork]:
    """The network of the routers' tests."""
    with closing(RoutedNetwork(lab)) as network:
        yield network


@pytest.fixture
def routed(routed_network: RoutedNetwork) -> Iterator[RoutedNetwork]:
    """The same; a test finds r1 alone, and what it says to hold is checked after a restart."""
    yield routed_network
    try:
        routed_network.holds_after_a_restart()
    finally:
        routed_network.reset()


@pytest.fixture(params=MODES)
def ls0(request: pytest.FixtureRequest, lab: TrialLab, nvc: Control) -> Overlay:
    """The logical switch ls0, in both replication modes."""
    return add_ls0(lab, nvc, request.param)


@pytest.fixture
def plain_ls0(lab: TrialLab, nvc: Control) -> Overlay:
    """The logical switch ls0 where the mode makes no difference."""
    return add_ls0(lab, nvc, "service_node")
