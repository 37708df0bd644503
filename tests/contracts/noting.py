"""An application of os-ken that takes connections and messages as ours does, and notes each.

Our listener has the port OUR_PORT; os-ken is told another one, by ofp_tcp_listen_port.
"""

from __future__ import annotations

import os
from typing import Any

from os_ken.base.app_manager import OSKenApp
from os_ken.controller import ofp_event
from os_ken.controller.handler import DEAD_DISPATCHER, MAIN_DISPATCHER, set_ev_cls
from os_ken.ofproto import ofproto_v1_3

from vtep_ofapp.openflow import replaced
from vtep_ofapp.openflow.listening import tcp
from vtep_ofapp.openflow.server import Listener

PORT = "OUR_PORT"
"""The variable with the port of our listener."""


class Noting(OSKenApp):  # type: ignore[misc]  # os-ken has no types
    """Prints what os-ken tells it: the class of a message, and which bytes of it there are."""

    OFP_VERSIONS = (ofproto_v1_3.OFP_VERSION,)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        replaced.install(Listener([tcp("127.0.0.1", int(os.environ[PORT]), PORT, None)]))

    @set_ev_cls(ofp_event.EventOFPStateChange, [MAIN_DISPATCHER, DEAD_DISPATCHER])
    def state_changed(self, event: Any) -> None:
        print("NOTED state", event.state, flush=True)

    @set_ev_cls(
        [
            ofp_event.EventOFPPacketIn,
            ofp_event.EventOFPEchoReply,
            ofp_event.EventOFPFlowRemoved,
            ofp_event.EventOFPFlowStatsReply,
            ofp_event.EventOFPGroupDescStatsReply,
            ofp_event.EventOFPPortStatsReply,
            ofp_event.EventOFPExperimenterStatsReply,
            ofp_event.EventOFPGetConfigReply,
        ],
        MAIN_DISPATCHER,
    )
    def received(self, event: Any) -> None:
        kind = type(event.msg)
        print("NOTED", f"{kind.__module__}.{kind.__name__}", event.msg.xid, flush=True)
