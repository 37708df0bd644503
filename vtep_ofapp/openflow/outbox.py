"""The queue of messages for one switch, and their xids."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from os_ken.lib import hub

from ..values.counters import Traffic
from ..values.packets import PacketOut
from .encoding import packet_out

LOG = logging.getLogger("vtep_ofapp.switch")

MAX_PACKET_OUTS = 1024
"""Packet-outs that wait for one switch. Those beyond are dropped, as a full queue drops frames."""
_WRITE_SIZE = 1 << 16
"""Bytes of messages handed to the socket at a time, so that a large bundle lets others run."""
_XIDS = 1 << 32


class Outbox:
    """Sends messages by a green thread of its own: a slow switch delays nobody but itself."""

    def __init__(self, datapath: Any, traffic: Traffic) -> None:
        """Send to the datapath; ``traffic`` counts the packet-outs."""
        self._datapath = datapath
        self._traffic = traffic
        self._queue: Any = hub.Queue()
        self._packet_outs = 0
        self._sender = hub.spawn(self._send_loop)

    def end(self) -> None:
        """End the sending thread, after the datapath was closed."""
        hub.kill(self._sender)

    def next_xid(self) -> int:
        """Return the number for the next message."""
        self._datapath.xid = (self._datapath.xid + 1) % _XIDS
        return int(self._datapath.xid)

    def number(self, message: Any) -> int:
        """Give a message of os-ken the next number, and return it."""
        return int(self._datapath.set_xid(message))

    def put(self, *messages: Any) -> None:
        """Send messages of os-ken, after all that was put before."""
        for message in messages:
            message.serialize()
        self.put_bytes(bytes(message.buf) for message in messages)

    def put_bytes(self, messages: Iterable[bytes]) -> None:
        """Send messages, each of them made when its turn comes."""
        self._queue.put(messages)

    def put_packet_outs(self, packets: Sequence[PacketOut]) -> None:
        """Send frames. Those that find too many waiting are dropped, and counted."""
        room = MAX_PACKET_OUTS - self._packet_outs
        taken = packets[: max(0, room)]
        self._traffic.packet_outs += len(taken)
        self._traffic.packet_outs_dropped += len(packets) - len(taken)
        if taken:
            self._packet_outs += len(taken)
            self.put_bytes(self._encoded(taken))

    def _encoded(self, packets: Iterable[PacketOut]) -> Iterator[bytes]:
        for packet in packets:
            self._packet_outs -= 1
            try:
                message = packet_out(self.next_xid(), packet)
            except ValueError as error:  # a bug, or a frame that is too long; the rest goes on
                LOG.error("there is no message for %.200s: %s", packet, error)
            else:
                yield message

    def _send_loop(self) -> None:
        try:
            while True:
                self._send(self._queue.get())
        finally:
            self._datapath.close()

    def _send(self, messages: Iterable[bytes]) -> None:
        buffer = bytearray()
        for message in messages:
            buffer += message
            if len(buffer) >= _WRITE_SIZE:
                self._datapath.send(bytes(buffer))
                buffer.clear()
                hub.sleep(0)
        self._datapath.send(bytes(buffer))
