"""Ask the kernel for the interfaces and addresses of this host, without privileges."""

import array
import errno
import fcntl
import socket
import struct
import sys
from typing import Protocol

_SIOCGIFCONF, _SIOCGIFMTU, _SIOCGIFHWADDR = 0x8912, 0x8921, 0x8927
"""Requests of netdevice(7): addresses of all interfaces, and MTU and MAC address of one."""
_MAX_ADDRESSES = 4096
_IFREQ = 40
"""Bytes of a struct ifreq."""


class Host(Protocol):
    """The host of the bridges, as the loop asks about it; this module is one."""

    def has_interface(self, name: str, number: int, mac: str) -> bool:
        """Whether this process is in the network namespace of an interface."""

    def has_address(self, address: str) -> bool:
        """Whether an IPv4 address is local."""


def has_interface(name: str, number: int, mac: str) -> bool:
    """Whether this process is in the network namespace of an interface.

    ``number`` and ``mac`` are the index and the MAC address that Open vSwitch has for it.
    """
    try:
        if socket.if_nametoindex(name) != number:
            return False
        answer = _ask(_SIOCGIFHWADDR, name)
    except OSError:
        return False
    return answer[18:24].hex(":") == mac


def mtu(interface: str) -> int | None:
    """Return the MTU of an interface in bytes, None if this host has none of that name."""
    try:
        answer = _ask(_SIOCGIFMTU, interface)
    except OSError:
        return None
    return int.from_bytes(answer[16:20], sys.byteorder)


def _ask(request: int, interface: str) -> bytes:
    """Return the struct ifreq that answers a request about an interface. Raises OSError."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        return fcntl.ioctl(any_socket, request, struct.pack(f"{_IFREQ}s", interface.encode()))


def has_address(address: str) -> bool:
    """Whether an IPv4 address is local: on an interface, also of a VRF, or by a local route."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError as error:
            return error.errno != errno.EADDRNOTAVAIL or address in addresses(probe)
    return True


def addresses(any_socket: socket.socket) -> set[str]:
    """Return the IPv4 addresses of the interfaces, as SIOCGIFCONF lists them."""
    buffer = array.array("B", bytes(_MAX_ADDRESSES * _IFREQ))
    request = struct.pack("iL", len(buffer), buffer.buffer_info()[0])
    length = struct.unpack("iL", fcntl.ioctl(any_socket, _SIOCGIFCONF, request))[0]
    found = buffer.tobytes()[:length]
    return {socket.inet_ntoa(found[start + 20 : start + 24]) for start in range(0, length, _IFREQ)}
