"""Packet-outs: frames that we send, out of a port or through the pipeline of a switch."""

from dataclasses import dataclass

from .flows import Action


@dataclass(frozen=True, slots=True)
class PacketOut:
    """A frame, and the actions that the switch applies to it.

    The last action is an output or a resubmit to a table; a GoTo is not allowed. ``in_port`` is the
    port that the frame appears to come in by, None for the controller.
    """

    frame: bytes
    actions: tuple[Action, ...]
    in_port: int | None = None

    def __str__(self) -> str:
        actions = ",".join(map(str, self.actions))
        where = "controller" if self.in_port is None else str(self.in_port)
        return f"packet-out in_port={where},{len(self.frame)} bytes actions={actions}"
