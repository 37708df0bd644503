"""The rows of access lists as values, see vtep(5)."""

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias
from uuid import UUID

MaskedAddress: TypeAlias = tuple[str, str]
"""A canonical IPv4 or IPv6 address with its mask, both as text; the mask is of the same family."""
PortRange: TypeAlias = tuple[int, int]
"""The lowest and the highest port, both included."""
TCP_FLAGS = "fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns", "[200]", "[400]", "[800]"
"""The flags that Open vSwitch can match, from bit 0 on, as ovs-fields(7) names them."""
ALL_FLAGS = (1 << len(TCP_FLAGS)) - 1
EVERY_BIT = {4: "255.255.255.255", 6: "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}
"""The mask of one address, by the version of IP."""


@dataclass(frozen=True, slots=True)
class AclMatch:
    """What an entry matches; a field that is None matches everything.

    ``source`` and ``destination`` belong to one family, ``ethertype`` agrees with it, and ports,
    flags and ICMP agree with ``protocol``. ``tcp_flags`` are flags with their mask.
    """

    source_mac: str | None = None
    dest_mac: str | None = None
    ethertype: int | None = None
    source: MaskedAddress | None = None
    destination: MaskedAddress | None = None
    protocol: int | None = None
    source_ports: PortRange | None = None
    dest_ports: PortRange | None = None
    tcp_flags: tuple[int, int] | None = None
    icmp_type: int | None = None
    icmp_code: int | None = None


class Refusal(NamedTuple):
    """Why an entry cannot be used, beginning with the name of a column, and what mends it.

    ``columns`` are words of vtep-ctl(8): values to set, as ``protocol=6``; or if it ``clears``, the
    columns to clear. VALUE stands for what only the NVC knows.
    """

    reason: str
    columns: str
    clears: bool = False


@dataclass(frozen=True, slots=True)
class AclEntry:
    """An ACL_entry row. ``match`` is None if the row cannot be used, for the reasons ``refused``.

    It is for frames toward the logical switch, or for those that leave it: ``is_egress``.
    """

    uuid: UUID
    sequence: int
    is_egress: bool
    permits: bool
    match: AclMatch | None = AclMatch()
    refused: tuple[Refusal, ...] = ()
    fault_status: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Acl:
    """An ACL row with the rows of its entries."""

    uuid: UUID
    name: str
    entries: frozenset[UUID]
    fault_status: frozenset[str] = frozenset()
