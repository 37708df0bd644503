"""The guide's numbered steps, each with what it does and what proves it."""

from __future__ import annotations

import shlex
from collections.abc import Callable

from sim.demo import proofs
from sim.demo.steps import Part, Step
from sim.lab.guide import Lab


def _commands(*lines: str) -> Callable[[Lab], None]:
    """Return the act of running these command lines on the VTEP."""

    def run(lab: Lab) -> None:
        for line in lines:
            lab.vtep.do(*shlex.split(line))

    return run


def _start_switch(lab: Lab) -> None:
    lab.vtep.ovs_vswitchd.start()
    lab.vtep.connect_underlay()


def _connect_manager(lab: Lab) -> None:
    lab.nvc.start()
    lab.vtep.do("vtep-ctl", "set-manager", lab.nvc.target)


STARTUP = Part[Lab](
    "Startup",
    (
        Step(
            "Create the initial OVS and VTEP schemas",
            lambda lab: lab.vtep.create_databases(),
            proofs.databases_exist,
        ),
        Step(
            "Start ovsdb-server and have it handle both databases",
            lambda lab: lab.vtep.ovsdb_server.start(),
            proofs.server_serves_both,
        ),
        Step("Start ovs-vswitchd", _start_switch, proofs.switch_answers),
        Step(
            'Create a "physical" switch and its ports in OVS',
            lambda lab: lab.vtep.add_bridge(*lab.vtep.ports),
            proofs.switch_forwards,
        ),
        Step(
            "Configure the physical switch in the VTEP database",
            lambda lab: lab.vtep.add_physical_switch(),
            proofs.tunnel_address_answers,
        ),
        Step(
            "Start vtep_ofapp, in the VTEP emulator's place",
            lambda lab: lab.app.take_over(),
            proofs.controller_reports_ports,
        ),
        Step(
            "Configure the VTEP database's manager to point at an NVC",
            _connect_manager,
            proofs.nvc_reads_the_switch,
        ),
    ),
)

# The guide binds p0 alone, and names the hypervisor only in its last step. Binding p1 and adding
# the hypervisor to unknown-dst make VM2 and the replication modes visible.
NVC = Part[Lab](
    "Simulating an NVC",
    (
        Step(
            "Create a logical switch",
            _commands("vtep-ctl add-ls ls0"),
            proofs.logical_switch_is_alone,
        ),
        Step(
            "Bind the logical switch to a port (and to VM2's, too)",
            _commands(
                "vtep-ctl bind-ls br0 p0 0 ls0",
                "vtep-ctl set Logical_Switch ls0 tunnel_key=33",
                "vtep-ctl bind-ls br0 p1 0 ls0",
            ),
            proofs.bound_ports_learn,
        ),
        Step(
            "Direct unknown destinations out a tunnel",
            _commands("vtep-ctl add-mcast-remote ls0 unknown-dst 10.2.2.2"),
            proofs.service_node_gets_unknown,
        ),
        Step(
            "Change the replication mode to source_node (with a second tunnel in the set)",
            _commands(
                "vtep-ctl add-mcast-remote ls0 unknown-dst 10.2.2.3",
                "vtep-ctl set-replication-mode ls0 source_node",
            ),
            proofs.source_node_replicates,
        ),
        Step(
            "Direct unicast destinations out a different tunnel",
            _commands("vtep-ctl add-ucast-remote ls0 00:11:22:33:44:55 10.2.2.3"),
            proofs.unicast_takes_its_tunnel,
        ),
    ),
)
