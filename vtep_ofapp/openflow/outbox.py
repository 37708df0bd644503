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
"""The length of the queue of packet-outs for one switch; further ones are dropped."""
_WRITE_SIZE = 1 << 16
"""Bytes of messages per write to the socket; other green threads run between writes."""
_XIDS = 1 << 32


class Outbox:
    """Sends messages in a green thread of its own, so that a slow switch delays only itself."""

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
        """Return the next xid."""
        self._datapath.xid = (self._datapath.xid + 1) % _XIDS
        return int(self._datapath.xid)

    def number(self, message: Any) -> int:
        """Set the next xid on a message of os-ken, and return the message."""
        return int(self._datapath.set_xid(message))

    def put(self, *messages: Any) -> None:
        """Queue messages of os-ken."""
        for message in messages:
            message.serialize()
        self.put_bytes(bytes(message.buf) for message in messages)

    def put_bytes(self, messages: Iterable[bytes]) -> None:
        """Queue messages, each encoded just before it is sent."""
        self._queue.put(messages)

    def put_packet_outs(self, packets: Sequence[PacketOut]) -> None:
        """Queue packet-outs; drop and count them if the queue is full."""
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
