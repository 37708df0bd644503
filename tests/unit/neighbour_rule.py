"""Which addresses stations have, and whose requests are answered for whom: by the rows alone.

Written from layer 3 of the specification and the RFCs that it names, for one switch whose rows and
flows are at rest whenever a frame comes.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from uuid import UUID

from vtep_ofapp.process.settings import Settings
from vtep_ofapp.values.rows import RemoteMac, VtepRow

from .builders import BROADCAST
from .packets import ARP, IPV6
from .protocols import ADVERTISEMENT, REPLY, REQUEST, SOLICITATION, Message, number

Station = tuple[UUID, str]
"""A logical switch, and a MAC address in it."""
_NOBODY = ("0.0.0.0", "::")


@dataclass(frozen=True)
class Statement:
    """An ARP packet or a neighbour message, as the one who sends it means it.

    ``op`` is that of ARP, or the type of ICMPv6; ``sender`` and ``target`` are IP addresses, and
    ``mac`` is the sender's as the packet has it.
    """

    op: int
    mac: str
    sender: str
    target: str
    packet: Message

    @property
    def claimed(self) -> str | None:
        """The address that the sender says to have, None for none that is of use."""
        address = self.target if self.op == ADVERTISEMENT else self.sender
        is_host = address not in _NOBODY and not is_link_local(address)
        return address if is_host else None

    @property
    def is_request(self) -> bool:
        return self.op in (REQUEST, SOLICITATION)


class Neighbours:
    """The addresses of the stations of one switch, as they said; the latest one last."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.pairs: dict[tuple[UUID, str], str] = {}
        self._latest_known: set[tuple[UUID, str]] = set()

    def hear(self, of: UUID, src: str, said: Statement) -> None:
        """Take that a station, which is learned by now, sent this to a binding."""
        claimed = said.claimed
        if claimed is None or said.mac != src or self.pairs.get((of, claimed)) == src:
            return
        if len(self.addresses((of, src))) < self._settings.max_ips_per_mac:
            self.forget(of, claimed)
            self.pairs[of, claimed] = src
            self._latest_known.add((of, claimed))

    def forget(self, of: UUID, ip: str) -> None:
        self.pairs.pop((of, ip), None)
        self._latest_known.discard((of, ip))

    def keep(self, stations: Collection[Station]) -> None:
        """Forget the addresses of all other stations."""
        for (of, ip), mac in list(self.pairs.items()):
            if (of, mac) not in stations:
                self.forget(of, ip)

    def begin(self, pairs: Mapping[tuple[UUID, str], str]) -> None:
        """Take what the switch has, as a new process does: nobody knows which is the latest."""
        self.pairs = dict(pairs)
        self._latest_known.clear()

    def addresses(self, station: Station) -> list[str]:
        return [ip for (of, ip), mac in self.pairs.items() if (of, mac) == station]

    def reported(self, station: Station) -> set[str]:
        """Return the addresses of which one has to be in the row of a station."""
        found = self.addresses(station)
        of_family = [ip for ip in found if ":" not in ip] or found
        known = [ip for ip in of_family if (station[0], ip) in self._latest_known]
        return {known[-1]} if known else set(of_family) or {""}

    def knows(self, of: UUID, src: str, said: Statement) -> bool:
        """Whether an address of the sender, which it states, is known already."""
        return said.mac == src and self.pairs.get((of, said.claimed or "")) == src

    def answer(
        self,
        rows: Iterable[VtepRow],
        of: UUID,
        src: str,
        dst: str,
        said: Statement,
        here: Mapping[str, int],
        binding: int,
    ) -> str | None:
        """Return the MAC by which a request from a binding is answered, None if it is flooded.

        ``here`` are the stations of the logical switch that are at bindings, with the binding of
        each.
        """
        if not (self._settings.suppress_arp and said.is_request):
            return None
        is_probe = said.op == REQUEST and said.sender == _NOBODY[0]
        is_known = is_probe or self.knows(of, src, said)
        is_here = here.get(src) == binding
        is_to_all = dst == BROADCAST if said.op == REQUEST else dst.startswith("33:33:ff:")
        if not (is_to_all and is_here and is_known) or is_link_local(said.target):
            return None
        macs = {
            row.mac
            for row in rows
            if isinstance(row, RemoteMac) and (row.logical_switch, row.ip) == (of, said.target)
        }
        if len(macs) != 1 or macs & here.keys() or (of, said.target) in self.pairs:
            return None
        return macs.pop()


def check_answer(src: str, said: Statement, mac: str, fields: Mapping[str, int]) -> None:
    """Check an answer that says that a MAC has the address which was asked for."""
    wanted = {"eth_src": mac, "eth_dst": src}
    if said.op == REQUEST:
        wanted |= {"arp_sha": mac, "arp_spa": said.target}
        wanted |= {"arp_tha": said.mac, "arp_tpa": said.sender}
        kind = {"eth_type": ARP, "arp_op": REPLY}
    else:
        wanted |= {"ipv6_src": said.target, "ipv6_dst": said.sender}
        wanted |= {"ipv6_nd_target": said.target, "ipv6_nd_tll": mac}
        kind = {"eth_type": IPV6, "icmpv6_type": ADVERTISEMENT, "nw_ttl": 255}
        kind |= {"nd_options_type": 2, "nd_reserved": 0x60000000}
    wanted_numbers = kind | {name: number(value) for name, value in wanted.items()}
    assert {name: fields[name] for name in wanted_numbers} == wanted_numbers


def is_link_local(address: str) -> bool:
    return ":" in address and ip_address(address).is_link_local
