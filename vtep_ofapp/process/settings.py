"""The settings that shape a switch: each option once, with its default, bounds and help."""

from dataclasses import dataclass, field
from typing import Any

NAMED, ANY = "named", "any"
"""The VTEPs from which frames are accepted: those that rows name, or all."""

AUTO, ALWAYS, NEVER = "auto", "always", "never"
"""When packets to a router that come in by a tunnel are routed: while no other VTEP routes, ..."""


def _option(default: Any, help: str, **bounds: Any) -> Any:
    """Return a field of Settings; oslo.config checks its ``bounds``: min, max, choices."""
    return field(default=default, metadata={"help": help, **bounds})


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of [vtep] that shape a switch. Times are in seconds."""

    mac_aging: int = _option(
        300,
        "Seconds without a frame after which a learned MAC address is forgotten.",
        min=1,
        max=65535,
    )
    port_grace: float = _option(
        3.0,
        "Seconds for which a port may leave its bridge and keep its Physical_Port row, while "
        "the NVC bound nothing to it.",
        min=0.0,
    )
    bound_port_grace: float = _option(
        86400.0,
        "Seconds for which the row of a port that is not on its bridge stays while the NVC "
        "has bindings there, which would go with it.",
        min=0.0,
    )
    empty_db_grace: float = _option(
        60.0,
        "Seconds for which switches stay as they are when hardware_vtep comes back without "
        "any Physical_Switch, so that it can be restored.",
        min=0.0,
    )
    stats_interval: float = _option(
        10.0,
        "Seconds between updates of Logical_Binding_Stats; 0 for none.",
        min=0.0,
    )
    max_local_macs: int = _option(
        131072,
        "Stations that one logical switch may learn. Further ones are reached by flooding, "
        "and switch_fault_status shows mac_table_exhaustion.",
        min=1,
    )
    max_local_macs_per_port: int = _option(
        65536,
        "Stations that may be learned at one port, so that a flood of addresses there takes "
        "nothing from the others.",
        min=1,
    )
    suppress_arp: bool = _option(
        True,
        "Whether broadcast ARP requests and multicast neighbor solicitations of local stations "
        "are answered for the addresses in Ucast_Macs_Remote.ipaddr, in place of flooding.",
    )
    report_ip: bool = _option(
        True,
        "Whether the IP address of a local station, learned from its ARP packets and neighbor "
        "messages, is reported in Ucast_Macs_Local.ipaddr.",
    )
    ip_aging: int = _option(
        1200,
        "Seconds without an ARP packet or neighbor message from an IP address of a station after "
        "which the address is forgotten.",
        min=1,
        max=65535,
    )
    max_ips_per_mac: int = _option(
        8,
        "IP addresses that are learned of one MAC address. Requests from further ones are flooded.",
        min=1,
    )
    max_tunnels: int = _option(
        4096,
        "Remote VTEPs that one switch has tunnels to. Beyond them switch_fault_status shows "
        "tunnel_exhaustion.",
        min=0,
        max=4096,
    )
    flood_without_unknown_dst: bool = _option(
        False,
        "Whether a logical switch for which the NVC wrote no unknown-dst floods to every "
        "locator that its other rows name. For NVCs that never write one, such as "
        "networking-l2gw.",
    )
    routing: bool = _option(
        True,
        "Whether logical routers are in force. Otherwise switch_fault_status shows "
        "lr_support_fault for each that joins a bound logical switch.",
    )
    multicast_snooping: bool = _option(
        False,
        "Whether frames for a multicast group go only to those bindings that joined it, as hosts "
        "report by IGMP and MLD (RFC 4541), and to those with a multicast router. "
        "Mcast_Macs_Local then has a row for each such group.",
    )
    multicast_querier: bool = _option(
        True,
        "Whether the hosts of each logical switch are asked for their groups every 125 seconds "
        "while no multicast router asks them, if multicast_snooping is on.",
    )
    max_multicast_groups: int = _option(
        1024,
        "Multicast groups of one logical switch whose members are known. Frames for further ones "
        "are flooded, and switch_fault_status shows unspecified_fault.",
        min=1,
        max=65536,
    )
    accept_from: str = _option(
        NAMED,
        "From which VTEPs frames are accepted: named, those that rows of the logical switch "
        "name, or any, all that send with its tunnel key (RFC 7348, section 4.1). OVN needs any "
        "for what its hypervisors route. With any, every host that reaches UDP port 4789 of a "
        "tunnel IP can send into the logical switches.",
        choices=(NAMED, ANY),
    )
    gateway_for_tunnels: str = _option(
        AUTO,
        "Whether packets to the MAC address of a logical router are routed here also if they come "
        "from a tunnel, for VTEPs that do not route. auto: while no row of Arp_Sources_Remote or "
        "Arp_Sources_Local names another VTEP that routes, because several of them would make "
        "duplicates.",
        choices=(AUTO, ALWAYS, NEVER),
    )
    icmp_errors_per_second: int = _option(
        100,
        "ICMP errors that the logical routers of one switch send in a second, at most 10 of them "
        "to one host; 0 for none.",
        min=0,
        max=10000,
    )
    max_next_hops: int = _option(
        65536,
        "Next hops of logical routers whose MAC address one switch learns by asking for it. Those "
        "of Ucast_Macs_Remote.ipaddr and of local stations do not count. Packets to further ones "
        "are dropped.",
        min=0,
    )
    max_pending_next_hops: int = _option(
        1024,
        "Next hops of logical routers that one switch asks for at a time, with those that did not "
        "answer within the last 5 seconds. Packets to further ones are dropped.",
        min=0,
    )
    max_routers: int = _option(
        1024,
        "Logical routers that one switch may have. Of further ones, those with the last names, "
        "nothing is used, and switch_fault_status shows lr_creation_fault.",
        min=0,
    )
    max_interfaces: int = _option(
        4096,
        "Interfaces of all logical routers of one switch, one for each logical switch that a "
        "router joins. Beyond them switch_fault_status shows lr_switch_bindings_fault.",
        min=0,
    )
    max_routes: int = _option(
        32768,
        "Static routes of all logical routers of one switch. Beyond them switch_fault_status "
        "shows lr_static_routes_fault.",
        min=0,
    )
    max_acl_flows: int = _option(
        65536,
        "Flows of all access lists of one switch. An access list that does not fit drops all "
        "frames that it would judge, and acl_fault_status shows resource_shortage.",
        min=0,
    )
    acl_fails_open: bool = _option(
        False,
        "Whether an access list that cannot be used as a whole permits what it cannot judge: then "
        "invalid entries are left out, and one that is too large has no effect. Otherwise it drops "
        "all frames in the directions for which it has entries.",
    )
