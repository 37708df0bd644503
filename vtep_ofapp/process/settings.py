"""What an operator may decide: the options that shape the switch, with their defaults."""

from dataclasses import dataclass

NAMED, ANY = "named", "any"
"""From which VTEPs frames are let in: those that rows name, or all of them."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Times are in seconds. ``etc/vtep_ofapp.conf`` says what each option means."""

    mac_aging: int = 300
    port_grace: float = 3.0
    bound_port_grace: float = 86400.0
    empty_db_grace: float = 60.0
    stats_interval: float = 10.0
    max_local_macs: int = 131072
    max_local_macs_per_port: int = 65536
    max_tunnels: int = 4096
    flood_without_unknown_dst: bool = False
    accept_from: str = NAMED
