"""The connections of all datapaths, from the handshake to the end."""

from collections.abc import Callable
from typing import Any

from os_ken.controller.handler import MAIN_DISPATCHER
from os_ken.ofproto import ofproto_v1_3 as ofp

from ..values.events import Connected, Disconnected, Event
from .connection import SwitchConnection

_LOCAL = ofp.OFPP_LOCAL
"""The port of the bridge itself."""


class Connections:
    """The SwitchConnection of every datapath; dispatches messages to it."""

    def __init__(self, post: Callable[[Event], None]) -> None:
        self._post = post
        self._of: dict[Any, SwitchConnection] = {}

    def state_changed(self, datapath: Any, state: str) -> None:
        """Handle a new state of a datapath: MAIN after the handshake, DEAD at the end."""
        if state == MAIN_DISPATCHER and datapath.id is None:
            # The ports were described before the features reply: this is no switch.
            datapath.close()
        elif state == MAIN_DISPATCHER:
            connection = self._of[datapath] = SwitchConnection(datapath, self._post)
            self._post(Connected(datapath.id, connection, _name(datapath)))
        elif datapath in self._of:
            connection = self._of.pop(datapath)
            connection.end()
            self._post(Disconnected(connection))

    def received(self, message: Any) -> None:
        """Dispatch a message of a datapath; messages after its end are dropped."""
        connection = self._of.get(message.datapath)
        if connection is not None:
            connection.received(message)


def _name(datapath: Any) -> str | None:
    """Return the name of the port LOCAL, from the port description of the handshake."""
    port = datapath.ports.get(_LOCAL)
    if port is None:
        return None
    name = port.name
    return name.decode(errors="replace") if isinstance(name, bytes) else str(name)
