"""Reports on labs of any size, made up."""

from __future__ import annotations

from dataclasses import replace

from sim.status.values import (
    FORMAT,
    Application,
    Binding,
    Database,
    End,
    Fault,
    Host,
    Interface,
    Kind,
    Lab,
    Link,
    LocalMac,
    LogicalSwitch,
    Manager,
    Peer,
    Port,
    Process,
    State,
    Switch,
    Tunnel,
    Vtep,
)

NAMES = ("blue", "green")


def a_lab(vteps: int = 2, hosts: int = 2, switches: tuple[str, ...] = NAMES) -> Lab:
    """Return a report on VTEPs with a full mesh of tunnels, a peer and an endpoint of the kernel.

    Every second tunnel is down, seen from one end. Every port is bound to all logical switches.
    """
    numbers = range(1, vteps + 1)
    ends = [*(f"10.2.2.{number}" for number in numbers), "10.2.2.101", "10.2.2.201"]
    machines = [
        a_machine(f"vm{number}-{place}", f"vtep{number}", f"p{place}")
        for number in numbers
        for place in range(hosts)
    ]
    nodes = [a_node(number, hosts) for number in numbers]
    others = [
        Host("underlay", Kind.SEGMENT, "x-underlay", True, (), ()),
        an_endpoint("service-node", Kind.PEER, ends[-2]),
        an_endpoint("hypervisor", Kind.ENDPOINT, ends[-1]),
        a_machine("nvc", "management", "nvc", Kind.NVC),
    ]
    peer = Peer("service-node", (a_database("Open_vSwitch"),), tuple(tunnels(ends[-2], ends)))
    return Lab(
        FORMAT,
        "made",
        State.UP,
        "/run/vtep-sim/made",
        (*others, *nodes, *machines),
        tuple(links((*others, *nodes, *machines))),
        tuple(a_vtep(number, hosts, switches, ends) for number in numbers),
        (peer,),
        (),
    )


def with_faults(lab: Lab, *texts: str) -> Lab:
    """Return the lab with these faults of its first VTEP."""
    first, *others = lab.vteps
    faults = tuple(Fault(text, "unspecified_fault", False) for text in texts)
    return replace(lab, vteps=(replace(first, faults=faults), *others))


def a_node(number: int, hosts: int) -> Host:
    name = f"vtep{number}"
    return Host(
        name,
        Kind.VTEP,
        f"x-{name}",
        True,
        (
            an_interface("eth0", End("management", name), addresses=(f"10.1.1.{number}/24",)),
            an_interface("eth1", End("underlay", name), bridge="br-phy"),
            an_interface("br-phy", None, addresses=(f"10.2.2.{number}/24",), bridge="br-phy"),
            *(
                an_interface(f"p{place}", End(f"vm{number}-{place}", "eth0"), bridge="br0")
                for place in range(hosts)
            ),
        ),
        (Process(100 + number, "ovs-vswitchd", "ovs-vswitchd"),),
    )


def a_machine(name: str, host: str, interface: str, kind: Kind = Kind.HOST) -> Host:
    eth0 = an_interface("eth0", End(host, interface), addresses=("192.168.33.101/24",))
    return Host(name, kind, f"x-{name}", True, (eth0,), ())


def an_endpoint(name: str, kind: Kind, address: str) -> Host:
    eth0 = an_interface("eth0", End("underlay", name), addresses=(f"{address}/24",))
    vxlan = replace(an_interface("vxlan33", None, kind="vxlan"), vni=1, parent="eth0")
    return Host(
        name, kind, f"x-{name}", True, (eth0, vxlan) if kind is Kind.ENDPOINT else (eth0,), ()
    )


def an_interface(
    name: str,
    plugged_into: End | None,
    *,
    addresses: tuple[str, ...] = (),
    bridge: str | None = None,
    kind: str = "veth",
) -> Interface:
    return Interface(
        name,
        kind,
        "02:00:00:00:00:01",
        addresses,
        1500,
        True,
        bridge=bridge,
        plugged_into=plugged_into,
    )


def a_vtep(number: int, hosts: int, switches: tuple[str, ...], ends: list[str]) -> Vtep:
    own = f"10.2.2.{number}"
    bindings = tuple(Binding(vlan, name) for vlan, name in enumerate(switches))
    ports = tuple(Port(f"p{place}", bindings, ()) for place in range(hosts))
    return Vtep(
        f"vtep{number}",
        (a_database("Open_vSwitch"), a_database("hardware_vtep")),
        (Manager("ptcp:6640:10.1.1.1", True),),
        (Application("vtep_ofapp", 200 + number, "/run/x.ctl", "in charge of br0", True),),
        (Switch("br0", (own,), ports, tuple(tunnels(own, ends)), ()),),
        tuple(LogicalSwitch(name, vni, "source_node") for vni, name in enumerate(switches, 1)),
        (LocalMac(switches[0], "02:00:00:00:00:01", own, "p0", 0),),
        (),
        (),
        (),
    )


def a_database(name: str) -> Database:
    return Database(name, "unix:/run/x.sock", True)


def tunnels(own: str, ends: list[str]) -> list[Tunnel]:
    return [
        Tunnel(own, end, "down" if place % 2 else "up", not place % 2)
        for place, end in enumerate(ends)
        if end != own
    ]


def links(hosts: tuple[Host, ...]) -> list[Link]:
    return [
        Link((End(host.name, each.name), each.plugged_into), True)
        for host in hosts
        for each in host.interfaces
        if each.plugged_into
    ]
