"""Access lists of a soak run as plain data, and whether a frame passes one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_LAB = 0x0806, 0x0800, 0x88B5
UDP = 17

INGRESS, EGRESS = "ingress", "egress"
PERMIT, DENY = "permit", "deny"


@dataclass(frozen=True)
class Header:
    """What access lists see of a frame; a UDP packet has an address and a port."""

    src: str
    dst: str
    ethertype: int = ETHERTYPE_LAB
    dst_ip: str = ""
    dst_port: int = 0


@dataclass(frozen=True)
class Entry:
    """An entry, with those columns that a soak run uses; what is None matches everything."""

    sequence: int
    direction: str
    action: str
    source_mac: str | None = None
    dest_mac: str | None = None
    ethertype: int | None = None
    dest_net: str | None = None
    """An IPv4 network."""
    dest_ports: tuple[int, int] | None = None
    """The least and the greatest port of UDP."""

    def matches(self, header: Header) -> bool:
        """Return whether the entry is about a frame."""
        return (
            self.source_mac in (None, header.src)
            and self.dest_mac in (None, header.dst)
            and self.ethertype in (None, header.ethertype)
            and (self.dest_net is None or _is_within(header.dst_ip, self.dest_net))
            and (self.dest_ports is None or _is_between(header, self.dest_ports))
        )

    @property
    def columns(self) -> dict[str, str | int]:
        """The columns of ACL_entry that have a value."""
        found: dict[str, str | int] = {
            "sequence": self.sequence,
            "direction": self.direction,
            "action": self.action,
        }
        for column in ("source_mac", "dest_mac"):
            if (mac := getattr(self, column)) is not None:
                found[column] = mac
        if self.ethertype is not None:
            found["ethertype"] = f"0x{self.ethertype:04X}"
        if self.dest_net is not None:
            network = ip_network(self.dest_net)
            found["dest_ip"] = str(network.network_address)
            found["dest_mask"] = str(network.netmask)
        if self.dest_ports is not None:
            found["protocol"] = UDP
            found["dest_port_min"], found["dest_port_max"] = self.dest_ports
        return found


def permits(entries: Collection[Entry], direction: str, header: Header) -> bool:
    """Return whether a frame passes: the first entry that matches decides, and none permits.

    Of entries with the same sequence those that deny are first.
    """
    matching = [each for each in entries if each.direction == direction and each.matches(header)]
    first = min(matching, key=lambda each: (each.sequence, each.action != DENY), default=None)
    return first is None or first.action == PERMIT


def _is_within(ip: str, network: str) -> bool:
    return bool(ip) and ip_address(ip) in ip_network(network)


def _is_between(header: Header, ports: tuple[int, int]) -> bool:
    return header.dst_port > 0 and ports[0] <= header.dst_port <= ports[1]
