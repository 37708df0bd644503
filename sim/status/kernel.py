"""What the kernel has of a lab: namespaces, interfaces, where they are plugged in, processes."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sim.lab.namespaces import Namespace, run
from sim.status.values import End, Interface, Link, Process

Device = Mapping[str, Any]
"""An interface as ip(8) writes it in JSON."""

_OWN = ("lo", "ovs-netdev")
"""Interfaces that are everywhere, or that Open vSwitch makes for itself."""

_EVERYONE = "00:00:00:00:00:00"
"""The entry of a VXLAN device's table that has unknown destinations."""


@dataclass(frozen=True)
class Network:
    """What ip(8) and bridge(8) say of one namespace."""

    devices: tuple[Device, ...] = ()
    neighbours: Mapping[int, str] = field(default_factory=dict)
    """The names of the other namespaces, by the numbers that this one has for them."""
    flooding: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Where VXLAN devices send unknown destinations."""


def read(namespace: Namespace) -> Network:
    """Return what is in a namespace. Raises CommandFailed, as when it has just been removed."""
    devices = _json(["ip", "-n", namespace.name, "-details", "-json", "address"])
    kept = tuple(each for each in devices if each.get("ifname") not in _OWN)
    ids = _json(["ip", "-n", namespace.name, "-json", "netns", "list-id"])
    neighbours = {each["nsid"]: each["name"] for each in ids if "name" in each}
    flooding: dict[str, tuple[str, ...]] = {}
    if any(_kind(each) == "vxlan" for each in kept):
        for entry in _json(["bridge", "-n", namespace.name, "-json", "fdb"]):
            if entry["mac"] == _EVERYONE and "dst" in entry:
                flooding[entry["ifname"]] = (*flooding.get(entry["ifname"], ()), entry["dst"])
    return Network(kept, neighbours, flooding)


def interfaces(
    host: str, networks: Mapping[str, Network], namespaces: Mapping[str, str]
) -> Iterator[Interface]:
    """Yield the interfaces of a host; the hosts are known by the names of their namespaces."""
    network = networks[host]
    names = {each["ifname"] for each in network.devices}
    for device in network.devices:
        kind, data = _kind(device), device.get("linkinfo", {}).get("info_data", {})
        parent, vlan = _vlan(device, names)
        yield Interface(
            name=device["ifname"],
            kind=kind,
            mac=device.get("address", ""),
            addresses=tuple(
                f"{each['local']}/{each['prefixlen']}" for each in device.get("addr_info", ())
            ),
            mtu=device["mtu"],
            is_up={"UP", "LOWER_UP"} <= set(device["flags"]),
            parent=data.get("link") if kind == "vxlan" else parent,
            vlan=vlan,
            vni=data["id"] if kind == "vxlan" else None,
            floods_to=network.flooding.get(device["ifname"], ()),
            bridge=device.get("master"),
            plugged_into=_other_end(device, network, networks, namespaces),
        )


def links(by_host: Mapping[str, Iterable[Interface]]) -> Iterator[Link]:
    """Yield each veth pair once, in the order of the hosts."""
    is_up = {End(host, each.name): each.is_up for host, all_ in by_host.items() for each in all_}
    seen: set[End] = set()
    for host, each in ((host, each) for host, all_ in by_host.items() for each in all_):
        end, other = End(host, each.name), each.plugged_into
        if other is not None and end not in seen:
            seen |= {end, other}
            yield Link((end, other), is_up[end] and is_up.get(other, False))


def processes(namespaces: Mapping[str, Namespace]) -> dict[str, tuple[Process, ...]]:
    """Return the processes in the namespace of each host."""
    hosts: dict[tuple[int, int], str] = {}
    for host, namespace in namespaces.items():
        with contextlib.suppress(FileNotFoundError):
            hosts[_identity(namespace.path)] = host
    found: dict[str, list[Process]] = {host: [] for host in namespaces}
    for pid in sorted(map(int, filter(str.isdigit, os.listdir("/proc")))):
        # A process may end at any moment.
        with contextlib.suppress(OSError):
            if inside := hosts.get(_identity(Path(f"/proc/{pid}/ns/net"))):
                argv = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")
                found[inside].append(Process(pid, program(argv), " ".join(argv).rstrip()))
    return {host: tuple(each) for host, each in found.items()}


def program(argv: Iterable[str]) -> str:
    """Return the name of the program of a command line, without the interpreter's."""
    names = [Path(word).name for word in argv if word]
    if len(names) > 1 and names[0].startswith("python"):
        return " ".join(names[2:4]) if names[1] == "-m" else names[1]
    return names[0] if names else "ended"


def _other_end(
    device: Device,
    network: Network,
    networks: Mapping[str, Network],
    namespaces: Mapping[str, str],
) -> End | None:
    """Return where the other end of a veth pair is, None if it is outside of the lab."""
    host = namespaces.get(network.neighbours.get(device.get("link_netnsid", -1), ""))
    if _kind(device) != "veth" or host is None:
        return None
    for other in networks[host].devices:
        if other["ifindex"] == device.get("link_index"):
            return End(host, other["ifname"])
    return None


def _vlan(device: Device, names: Collection[str]) -> tuple[str | None, int | None]:
    """Return the parent and the VLAN of a VLAN device.

    One of `sim.lab.tagging` is a tap device to the kernel, and its name says what it is.
    """
    if _kind(device) == "vlan":
        return device.get("link"), device["linkinfo"]["info_data"]["id"]
    parent, _, number = device["ifname"].rpartition(".")
    if _kind(device) == "tun" and parent in names and number.isdigit():
        return parent, int(number)
    return None, None


def _kind(device: Device) -> str:
    return str(device.get("linkinfo", {}).get("info_kind", device.get("link_type", "")))


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _json(argv: list[str]) -> list[Any]:
    """Return what a command writes in JSON, which is nothing where there is nothing."""
    written: list[Any] = json.loads(run(argv) or "[]")
    return written
