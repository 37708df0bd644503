"""The IPv4 addresses of one network, each given once."""

from __future__ import annotations

import itertools
from ipaddress import AddressValueError, IPv4Address, IPv4Network


class Addresses:
    """The addresses of a network that are in use, each with who has it."""

    def __init__(self, network: IPv4Network) -> None:
        """Begin with all addresses free."""
        self.network = network
        self._owners: dict[IPv4Address, str] = {}

    def take(self, owner: str, ip: str | None, first: int = 1) -> str:
        """Return an address for an owner: `ip`, or the next one that is free from `first` on.

        Raises ValueError if it is outside of the network, or in use, or none is free.
        """
        address = self._free(first) if ip is None else self._given(ip)
        if address in self._owners:
            raise ValueError(f"{address} is the address of {self._owners[address]}")
        self._owners[address] = owner
        return str(address)

    def _given(self, ip: str) -> IPv4Address:
        try:
            address = IPv4Address(ip)
        except AddressValueError:
            raise ValueError(f"{ip!r} is no IPv4 address") from None
        ends = self.network.network_address, self.network.broadcast_address
        if address not in self.network or address in ends:
            raise ValueError(f"{ip} is no address of a host in {self.network}")
        return address

    def _free(self, first: int) -> IPv4Address:
        end = self.network.num_addresses - 1
        for number in itertools.chain(range(first, end), range(1, min(first, end))):
            if (address := self.network[number]) not in self._owners:
                return address
        raise ValueError(f"{self.network} has no free address")
