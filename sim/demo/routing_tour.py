"""A router step by step, each with what it does and what proves it: on one VTEP, and on two."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping

from sim.demo import routing_proofs as proofs
from sim.demo.routed import (
    BLUE,
    BLUE_VNI,
    BRANCH_NETWORK,
    DENIED_PORT,
    IPV4,
    IPV6,
    OFFICE_IP,
    RED,
    RoutedLab,
)
from sim.demo.steps import Part, Step
from sim.lab.network import VNI

ROUTER = "r1"


def _joined(prefixes: Mapping[str, str], length: int) -> str:
    """Return what gives the router an address in red and in blue, as vtep-ctl takes it."""
    names = [f"--id=@{name} get Logical_Switch {name}" for name in prefixes]
    keys = [f"""'switch_binding:"{begin}1/{length}"=@{name}'""" for name, begin in prefixes.items()]
    return f"{' -- '.join(names)} -- set Logical_Router {ROUTER} {' '.join(keys)}"


ADD_ROUTER = f"vtep-ctl add-lr {ROUTER} -- {_joined(IPV4, 24)}"
ADD_IPV6 = f"vtep-ctl -- {_joined(IPV6, 64)}"
ADD_ROUTE = (
    f"vtep-ctl set Logical_Router {ROUTER} "
    f"""'static_routes:"{BRANCH_NETWORK}"="{OFFICE_IP}"'"""
)

ADD_ACL = (
    "vtep-ctl -- --id=@e create ACL_entry sequence=10 direction=ingress action=deny protocol=6 "
    f"dest_port_min={DENIED_PORT} dest_port_max={DENIED_PORT} "
    "-- --id=@a create ACL acl_name=no-ssh acl_entries=@e "
    f"""-- set Logical_Router {ROUTER} 'acl_binding:"{IPV4[RED]}1"=@a'"""
)


def _commands(vtep: str, *lines: str) -> Callable[[RoutedLab], None]:
    """Return the act of running these command lines on a VTEP."""

    def run(lab: RoutedLab) -> None:
        for line in lines:
            lab.vteps[vtep].do(*shlex.split(line))

    return run


def _start_one(lab: RoutedLab) -> None:
    lab.vteps["vtep1"].start()
    _commands(
        "vtep1",
        f"vtep-ctl add-ls {RED} -- set Logical_Switch {RED} tunnel_key={VNI}",
        f"vtep-ctl add-ls {BLUE} -- set Logical_Switch {BLUE} tunnel_key={BLUE_VNI}",
        f"vtep-ctl bind-ls br0 p0 0 {RED}",
        f"vtep-ctl bind-ls br0 p1 0 {BLUE} -- bind-ls br0 p2 0 {BLUE}",
    )(lab)


ALONE = Part[RoutedLab](
    "One VTEP",
    (
        Step(
            "Start a VTEP, and bind its ports to two logical switches",
            _start_one,
            proofs.switches_are_apart,
        ),
        Step("Join the two by a router", _commands("vtep1", ADD_ROUTER), proofs.hosts_meet),
        Step("Give it IPv6 addresses", _commands("vtep1", ADD_IPV6), proofs.ipv6_is_routed),
        Step("Add a route to the branch", _commands("vtep1", ADD_ROUTE), proofs.route_is_followed),
        Step(
            "Deny SSH from red, by an access list of the router",
            _commands("vtep1", ADD_ACL),
            proofs.list_is_obeyed,
        ),
        Step("Stop and start the application", None, proofs.restart_loses_nothing),
    ),
)

DISTRIBUTED = Part[RoutedLab](
    "Two VTEPs",
    (
        Step(
            "Start a second VTEP, and the NVC, which writes the rows of both but those of the "
            "router",
            lambda lab: lab.start(),
            proofs.one_routes_for_all,
        ),
        Step(
            "Add the router at the second VTEP as well",
            _commands("vtep2", ADD_ROUTER, ADD_IPV6, ADD_ROUTE),
            proofs.sources_are_distributed,
        ),
        Step("Send from host to host", None, proofs.each_routes_its_own),
        Step("Ping", None, proofs.all_meet),
        Step("Move a host to the other VTEP", None, proofs.host_is_followed),
    ),
)
