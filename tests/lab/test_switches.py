"""Which bridges are managed: those of Physical_Switch rows, whenever and in any order they come.

Each test begins with Open vSwitch running and no bridge of ours, and with the application up.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest

from sim.lab import links
from sim.lab.delivery import Send
from sim.waiting import wait_until
from tests.lab.trial import TrialLab, standing

PORTS = ("p0", "p1")
UNTAGGED = {"vm2": ["untagged"]}
OPTIONS = {"port_grace": "1", "bound_port_grace": "1"}


@pytest.fixture(scope="module")
def bare() -> Iterator[TrialLab]:
    """A lab without br0 and without rows, and the application beside it."""
    with standing(TrialLab()) as lab:
        lab.app.options.update(OPTIONS)
        lab.vtep.create_databases()
        lab.vtep.ovsdb_server.start()
        lab.vtep.ovs_vswitchd.start()
        lab.vtep.connect_underlay()
        lab.app.start()
        wait_until(lambda: lab.vtep.namespace.listens(lab.app.port), "the application", timeout=30)
        yield lab


@pytest.fixture
def lab(bare: TrialLab) -> Iterator[TrialLab]:
    """The lab; afterwards it is bare again."""
    yield bare
    vtep = bare.vtep
    for name in vtep.vtep_ctl("list-ps").split():
        vtep.vtep_ctl("del-ps", name)
    wait_until(
        lambda: not vtep.vtep_ctl("list", "Mcast_Macs_Local"),
        "the end of the rows of what is no longer managed",
        timeout=20,
        evidence=bare.evidence,
    )
    for bridge in vtep.ovs_vsctl("list-br").split():
        if bridge != vtep.UNDERLAY_BRIDGE:
            vtep.ovs_vsctl("del-br", bridge)
    for logical_switch in vtep.vtep_ctl("list-ls").split():
        vtep.vtep_ctl("clear-remote-macs", logical_switch, "--", "del-ls", logical_switch)


def add_bridge(lab: TrialLab, name: str = "br0", ports: tuple[str, ...] = PORTS) -> None:
    lab.vtep.ovs_vsctl(
        "add-br", name, "--", "set", "bridge", name, "datapath_type=netdev",
        *(word for port in ports for word in ("--", "add-port", name, port)),
    )  # fmt: skip


def point_at_application(lab: TrialLab, name: str = "br0") -> None:
    lab.vtep.ovs_vsctl("set-controller", name, lab.app.target)


def add_row(lab: TrialLab, name: str = "br0", tunnel_ip: str = "10.2.2.1") -> None:
    lab.vtep.vtep_ctl(
        "add-ps", name, "--", "set", "Physical_Switch", name, f"tunnel_ips={tunnel_ip}"
    )


def bind(lab: TrialLab, name: str = "br0", ports: tuple[str, ...] = PORTS, ls: str = "ls0") -> None:
    """Bind the ports, once they are reported, to a logical switch, which is new."""
    vni = 33 if ls == "ls0" else 44
    wait_until(
        lambda: set(ports) <= set(lab.vtep.port_rows(name)),
        f"the Physical_Port rows of {name}",
        timeout=20,
        evidence=lab.evidence,
    )
    lab.vtep.vtep_ctl(
        "add-ls", ls, "--", "set", "Logical_Switch", ls, f"tunnel_key={vni}",
        *(word for port in ports for word in ("--", "bind-ls", name, port, "0", ls)),
        "--", "add-mcast-remote", ls, "unknown-dst", "10.2.2.3",
    )  # fmt: skip


def works(lab: TrialLab) -> None:
    lab.expect_delivery(
        lab.vm1.send, {**UNTAGGED, "hypervisor": ["vni 33"]}, src=lab.vm1.mac, timeout=30
    )


@pytest.mark.parametrize("first", ["row", "bridge"])
def test_a_row_and_its_bridge_come_in_any_order(lab: TrialLab, first: str) -> None:
    steps: dict[str, Callable[[TrialLab], None]] = {"row": add_row, "bridge": add_bridge}
    for step in sorted(steps, key=lambda step: step != first):
        steps[step](lab)
    point_at_application(lab)
    bind(lab)
    works(lab)


def test_a_bridge_that_is_connected_already_is_managed_as_soon_as_it_has_a_row(
    lab: TrialLab,
) -> None:
    add_bridge(lab)
    point_at_application(lab)
    wait_for_refusal(lab, "br0")
    add_row(lab)
    bind(lab)
    works(lab)


def test_rows_and_bridges_from_before_the_start_are_managed(lab: TrialLab) -> None:
    lab.app.kill()
    add_row(lab)
    add_bridge(lab)
    point_at_application(lab)
    lab.app.start()
    bind(lab)
    works(lab)


def test_a_bridge_goes_and_comes_back(lab: TrialLab) -> None:
    add_row(lab)
    add_bridge(lab)
    point_at_application(lab)
    bind(lab)
    works(lab)
    lab.vtep.ovs_vsctl("del-br", "br0")
    lab.expect_delivery(lab.vm1.send, {}, src=lab.vm1.mac)
    add_bridge(lab)
    point_at_application(lab)
    works(lab)


def test_a_bridge_whose_row_goes_is_given_up_without_a_trace_and_can_come_back(
    lab: TrialLab,
) -> None:
    add_row(lab)
    add_bridge(lab)
    point_at_application(lab)
    bind(lab)
    works(lab)
    lab.vtep.vtep_ctl("del-ps", "br0")
    wait_until(
        lambda: (
            len(lab.vtep.ofctl("dump-flows", "br0").splitlines()) == 1
            and set(lab.vtep.ovs_vsctl("list-ports", "br0").split()) == set(PORTS)
        ),
        "the end of our flows and tunnel ports",
        timeout=20,
        evidence=lab.evidence,
    )
    assert len(lab.vtep.ofctl("dump-groups", "br0").splitlines()) == 1
    wait_until(
        lambda: "unknown-dst" not in lab.vtep.vtep_ctl("list-local-macs", "ls0"),
        "the end of our rows",
        timeout=20,
        evidence=lab.evidence,
    )
    lab.expect_delivery(lab.vm1.send, {}, src=lab.vm1.mac)
    add_row(lab)
    wait_until(
        lambda: lab.vtep.port_rows("br0") == list(PORTS),
        "the Physical_Port rows",
        timeout=20,
        evidence=lab.evidence,
    )
    lab.vtep.vtep_ctl("bind-ls", "br0", "p0", "0", "ls0", "--", "bind-ls", "br0", "p1", "0", "ls0")
    works(lab)


def wait_for_refusal(lab: TrialLab, bridge: str) -> None:
    datapath = lab.vtep.ovs_vsctl("get", "Bridge", bridge, "datapath_id").strip('"')
    wait_until(
        lambda: any(
            datapath in line and "refused" in line for line in lab.app.log_text.splitlines()
        ),
        f"the refusal of datapath {datapath} ({bridge}) in the log",
        timeout=20,
        evidence=lab.evidence,
    )


def test_a_bridge_without_a_row_is_left_alone_and_its_datapath_is_refused(lab: TrialLab) -> None:
    # The operator's own bridge: what it does stays as it is, connected to us or not.
    add_bridge(lab, "br1")
    lab.vtep.ovs_vsctl("set-fail-mode", "br1", "secure")
    point_at_application(lab, "br1")  # Open vSwitch deletes all flows at the first controller
    lab.vtep.ofctl("add-flow", "br1", "cookie=0x77,actions=NORMAL")
    add_bridge(lab, "br0", ())
    add_row(lab)
    point_at_application(lab)
    wait_for_refusal(lab, "br1")
    lab.expect_delivery(lab.vm1.send, UNTAGGED, src=lab.vm1.mac)
    lab.expect_delivery(lab.vm1.send, {"vm2": ["vlan 10"]}, src=lab.vm1.mac, vlans=(10,))
    flows = lab.vtep.ofctl("--no-stats", "dump-flows", "br1").splitlines()
    assert len(flows) == 1, flows
    assert "cookie=0x77" in flows[0], flows
    assert "actions=NORMAL" in flows[0], flows
    assert lab.vtep.ovs_vsctl("list-ports", "br1").split() == list(PORTS)


def test_a_managed_bridge_is_kept_in_fail_mode_secure(lab: TrialLab) -> None:
    add_row(lab)
    add_bridge(lab)
    point_at_application(lab)
    bind(lab)
    works(lab)

    def is_secure() -> bool:
        return lab.vtep.ovs_vsctl("get-fail-mode", "br0") == "secure"

    wait_until(is_secure, "fail mode secure", timeout=20, evidence=lab.evidence)
    for command in (("set-fail-mode", "br0", "standalone"), ("del-fail-mode", "br0")):
        lab.vtep.ovs_vsctl(*command)
        wait_until(
            is_secure, f"fail mode secure after {command}", timeout=20, evidence=lab.evidence
        )
    works(lab)


def test_two_bridges_have_tunnels_of_their_own_to_the_same_endpoint(lab: TrialLab) -> None:
    links.add_address(lab.vtep.namespace, lab.vtep.UNDERLAY_BRIDGE, "10.2.2.11")
    for bridge, port, address, ls in (
        ("br0", "p0", "10.2.2.1", "ls0"),
        ("br1", "p1", "10.2.2.11", "ls1"),
    ):
        add_row(lab, bridge, address)
        add_bridge(lab, bridge, (port,))
        point_at_application(lab, bridge)
        bind(lab, bridge, (port,), ls)
    lab.expect_delivery(lab.vm1.send, {"hypervisor": ["vni 33"]}, src=lab.vm1.mac, timeout=30)
    lab.expect_delivery(lab.vm2.send, {"hypervisor": ["vni 44"]}, src=lab.vm2.mac, timeout=30)

    def to(address: str, vni: int) -> Send:
        return lambda frame: lab.hypervisor.send_vxlan(vni, frame, to=address)

    far = lab.hypervisor.mac
    lab.expect_delivery(to("10.2.2.1", 33), {"vm1": ["untagged"]}, src=far)
    lab.expect_delivery(to("10.2.2.11", 44), {"vm2": ["untagged"]}, src=far)
    lab.expect_delivery(to("10.2.2.1", 44), {}, src=far)
    lab.expect_delivery(to("10.2.2.11", 33), {}, src=far)


def test_physical_port_rows_follow_the_ports_of_the_bridge(lab: TrialLab) -> None:
    add_row(lab)
    add_bridge(lab)
    point_at_application(lab)
    bind(lab)
    works(lab)

    def wait_for_ports(*ports: str) -> None:
        wait_until(
            lambda: lab.vtep.port_rows("br0") == list(ports),
            f"the Physical_Port rows {ports}",
            timeout=20,
            evidence=lab.evidence,
        )

    wait_for_ports("p0", "p1")
    lab.vtep.ovs_vsctl("del-port", "br0", "p1")
    lab.expect_delivery(lab.vm1.send, {"hypervisor": ["vni 33"]}, src=lab.vm1.mac)
    wait_for_ports("p0")
    lab.vtep.ovs_vsctl("add-port", "br0", "p1")
    wait_for_ports("p0", "p1")
    lab.expect_delivery(lab.vm1.send, {"hypervisor": ["vni 33"]}, src=lab.vm1.mac)
    lab.vtep.vtep_ctl("bind-ls", "br0", "p1", "0", "ls0")
    works(lab)


def test_a_port_that_is_away_for_a_moment_keeps_its_bindings(lab: TrialLab) -> None:
    add_row(lab)
    add_bridge(lab)
    point_at_application(lab)
    bind(lab)
    works(lab)
    with contextlib.ExitStack() as back:
        back.callback(works, lab)
        back.callback(lab.vtep.ovs_vsctl, "add-port", "br0", "p1")
        lab.vtep.ovs_vsctl("del-port", "br0", "p1")
    assert lab.vtep.vtep_ctl("list-bindings", "br0", "p1").split() == ["0000", "ls0"]
