"""An application of os-ken that becomes master of each switch and sends it FRAMES."""

from __future__ import annotations

from typing import Any

from os_ken.base.app_manager import OSKenApp
from os_ken.controller import ofp_event
from os_ken.controller.handler import DEAD_DISPATCHER, MAIN_DISPATCHER, set_ev_cls
from os_ken.ofproto import ofproto_v1_3

from vtep_ofapp.openflow.connections import Connections
from vtep_ofapp.values.events import Connected, Event, RoleIs
from vtep_ofapp.values.flows import Output, Resubmit, SetField
from vtep_ofapp.values.packets import PacketOut

TABLE, LOGICAL_SWITCH, BINDING, NO_PORT = 60, 0xA, 0x1000, 0xFFFFFE00


def frame(number: int) -> bytes:
    """Return a frame of 60 bytes that ends with the number."""
    addresses = bytes.fromhex("ffffffffffff" + "020000000001")
    return addresses + b"\x12\x34" + number.to_bytes(46, "big")


INTO_TABLE = SetField("metadata", LOGICAL_SWITCH), SetField("reg0", BINDING), Resubmit(TABLE)
FRAMES = [
    PacketOut(frame(1), (Output(1),)),
    PacketOut(frame(2), INTO_TABLE),
    PacketOut(frame(3), (Output(NO_PORT),)),
    PacketOut(frame(4), (*INTO_TABLE, Output(1))),
    PacketOut(frame(5), (SetField("metadata", LOGICAL_SWITCH + 1), Resubmit(TABLE))),
    PacketOut(frame(6), (Resubmit(0),), in_port=1),
    PacketOut(frame(7), (Output(1), Output(2))),
]


class Sender(OSKenApp):  # type: ignore[misc]
    """Passes on what os-ken tells of switches, and answers their events."""

    OFP_VERSIONS = (ofproto_v1_3.OFP_VERSION,)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.connections = Connections(self.happened)

    def happened(self, event: Event) -> None:
        if isinstance(event, Connected):
            event.connection.lead(None)
        elif isinstance(event, RoleIs):
            event.connection.send(FRAMES)

    @set_ev_cls(ofp_event.EventOFPStateChange, [MAIN_DISPATCHER, DEAD_DISPATCHER])
    def state_changed(self, event: Any) -> None:
        self.connections.state_changed(event.datapath, event.state)

    @set_ev_cls([ofp_event.EventOFPRoleReply, ofp_event.EventOFPErrorMsg], MAIN_DISPATCHER)
    def received(self, event: Any) -> None:
        self.connections.received(event.msg)
