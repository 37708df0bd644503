"""Frames that we send into the pipeline of a switch."""

from dataclasses import dataclass

from .flows import Action


@dataclass(frozen=True, slots=True)
class PacketOut:
    """A frame, and the actions by which the switch treats it.

    The actions end with an output, or with a resubmit into a table; there is no GoTo among them.
    ``in_port`` is the port that the frame seems to come from, None for the controller.
    """

    frame: bytes
    actions: tuple[Action, ...]
    in_port: int | None = None

    def __str__(self) -> str:
        actions = ",".join(map(str, self.actions))
        where = "controller" if self.in_port is None else str(self.in_port)
        return f"packet-out in_port={where},{len(self.frame)} bytes actions={actions}"
