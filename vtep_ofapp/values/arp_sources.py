"""The rows of Arp_Sources_Local and Arp_Sources_Remote, and the MAC address of an ARP source.

An ARP source is the MAC address that a VTEP sends from in place of a logical router, which has the
same MAC address at all VTEPs: answers to it reach the VTEP that asked (vtep(5), Arp_Sources_Local).
"""

from dataclasses import dataclass
from uuid import UUID

from .addresses import ip_number, ip_text
from .rows import Locator
from .writes import VtepWrite

_PREFIX = "06:76"
"""Locally administered, one station; 0x76 is a v as in VTEP."""


@dataclass(frozen=True, slots=True)
class ArpSource:
    """A row of Arp_Sources_Remote, or of Arp_Sources_Local: answers to the MAC go to the locator.

    ``mac`` is "" and ``locator`` None where the column cannot be used; ``refused`` is the reason.
    """

    uuid: UUID
    mac: str
    locator: Locator | None
    is_local: bool = False
    refused: str = ""

    @property
    def subject(self) -> str:
        """The row's name in messages."""
        return " ".join(filter(None, (self.table, self.mac, f"(row {self.uuid})")))

    @property
    def table(self) -> str:
        """The name of the row's table."""
        return "Arp_Sources_Local" if self.is_local else "Arp_Sources_Remote"

    @property
    def address(self) -> str:
        """The address that the locator names, "" if it cannot be used."""
        return self.locator.address if self.locator else ""


def source_mac(tunnel_ip: str) -> str:
    """Return the MAC address that a VTEP of ours with this tunnel IP has as an ARP source."""
    digits = f"{ip_number(tunnel_ip):08x}"
    return ":".join((_PREFIX, *(digits[each : each + 2] for each in range(0, 8, 2))))


def source_address(mac: str) -> str | None:
    """Return the tunnel IP for which source_mac() returns this canonical MAC, None if none."""
    prefix, digits = mac[: len(_PREFIX)], mac[len(_PREFIX) :].replace(":", "")
    return ip_text(int(digits, 16), is_ipv6=False) if prefix == _PREFIX else None


@dataclass(frozen=True, slots=True)
class PutArpSource(VtepWrite):
    """Have one Arp_Sources_Local row with this MAC at this locator, in place of ``rows``.

    With an ``address`` of None there is to be none.
    """

    mac: str
    address: str | None
    rows: tuple[UUID, ...] = ()
