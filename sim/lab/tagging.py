"""VLAN devices in user space: `python -m sim.lab.tagging INTERFACE VLAN...` runs them.

Each is a tap device, such as eth0.10. What is sent by it leaves by the interface with the VLAN's
tag, and what arrives there with that tag is received by it. The kernel has such devices only if it
has the module 8021q, and a small kernel has not.
"""

from __future__ import annotations

import errno
import fcntl
import os
import selectors
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# From linux/if_tun.h, if_packet.h and if_ether.h; Python does not name them.
_TUNSETIFF = 0x400454CA
_IFF_TAP, _IFF_NO_PI = 0x0002, 0x1000
_ETH_P_ALL = 0x0003
_ETHERTYPE = 0x8100
_SOL_PACKET = 263
_PACKET_AUXDATA = 8
_PACKET_IGNORE_OUTGOING = 23
_STATUS_VLAN_VALID = 0x10
_AUXDATA = struct.Struct("@IIIHHHH")

_MAX_FRAME = 65536
_ADDRESSES = 12
"""Bytes of a frame before its tag."""
_VID = 0x0FFF
_WIRE = {errno.ENETDOWN, errno.ENOBUFS, errno.EIO}
"""What a wire that is down or full answers: the frame is lost, as on any wire."""


def main(interface: str, *vlans: str) -> None:
    """Pass frames on until a signal ends the process."""
    link = _open_link(interface)
    taps = {int(vlan): _open_tap(f"{interface}.{vlan}") for vlan in vlans}
    with selectors.DefaultSelector() as selector:
        selector.register(link, selectors.EVENT_READ)
        for vlan, tap in taps.items():
            selector.register(tap, selectors.EVENT_READ, vlan)
        while True:
            for key, _ in selector.select():
                with _as_on_a_wire():
                    if key.data is None:
                        _receive(link, taps)
                    else:
                        _send(link, key.fd, key.data)


def _send(link: socket.socket, tap: int, vlan: int) -> None:
    frame = os.read(tap, _MAX_FRAME)
    tag = struct.pack("!HH", _ETHERTYPE, vlan)
    link.send(frame[:_ADDRESSES] + tag + frame[_ADDRESSES:])


def _receive(link: socket.socket, taps: dict[int, int]) -> None:
    frame, ancillary, _, _ = link.recvmsg(_MAX_FRAME, 256)
    # The kernel delivers the outermost tag beside the frame.
    for level, kind, value in ancillary:
        if (level, kind) == (_SOL_PACKET, _PACKET_AUXDATA):
            status, _, _, _, _, tci, _ = _AUXDATA.unpack(value[: _AUXDATA.size])
            if status & _STATUS_VLAN_VALID and (tap := taps.get(tci & _VID)) is not None:
                os.write(tap, frame)


def _open_link(interface: str) -> socket.socket:
    # Protocol 0 receives nothing until bind: no frame of another interface slips in.
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    link.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 1)
    link.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
    link.bind((interface, _ETH_P_ALL))
    return link


def _open_tap(name: str) -> int:
    tap = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tap, _TUNSETIFF, struct.pack("16sH", name.encode(), _IFF_TAP | _IFF_NO_PI))
    return tap


@contextmanager
def _as_on_a_wire() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _WIRE:
            raise


if __name__ == "__main__":
    main(*sys.argv[1:])
