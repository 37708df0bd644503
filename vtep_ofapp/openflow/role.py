"""Our role at one switch, master or slave (OpenFlow 1.3.5, 6.3.4 and 6.3.5)."""

from collections.abc import Callable
from typing import Any

from os_ken.ofproto import ofproto_v1_3 as ofp
from os_ken.ofproto import ofproto_v1_3_parser as parser

_GENERATIONS = 1 << 64
_UNKNOWN = _GENERATIONS - 1
"""The generation that Open vSwitch reports while no controller has set one."""


class Role:
    """Requests a role from one switch, and handles the replies.

    A switch refuses a generation_id older than the one that it has. A controller that takes over
    first asks the switch for its generation_id, so it needs neither a clock nor a file.
    """

    def __init__(self, datapath: Any, send: Callable[[Any], None]) -> None:
        """Send requests by ``send``, numbered by the datapath."""
        self._datapath = datapath
        self._send = send
        self._wanted = ofp.OFPCR_ROLE_EQUAL
        self._question: int | None = None
        self._request: int | None = None

    def lead(self, generation: int | None) -> None:
        """Request the role master with a generation_id, None for the one after the switch's."""
        self._wanted = ofp.OFPCR_ROLE_MASTER
        if generation is None:
            self._ask()
        else:
            self._claim(generation)

    def stand_by(self) -> None:
        """Request the role slave."""
        self._wanted = ofp.OFPCR_ROLE_SLAVE
        self._ask()

    def reply(self, message: Any) -> int | None:
        """Handle an OFPRoleReply; return its generation_id if it makes us master, or None."""
        leads = self._wanted == ofp.OFPCR_ROLE_MASTER
        if message.xid == self._question:
            known = message.generation_id != _UNKNOWN
            # The first generation is 1, so that 0 is free while the switch has had no master.
            self._claim((message.generation_id + leads) % _GENERATIONS if known else int(leads))
        elif message.xid == self._request and leads:
            return int(message.generation_id)
        return None

    def is_refused(self, message: Any) -> bool:
        """Whether an OFPErrorMsg says that we are not master, although we asked for it."""
        return self._wanted == ofp.OFPCR_ROLE_MASTER and (
            _is_slave(message) or message.xid == self._request
        )

    def is_late(self, message: Any) -> bool:
        """Whether an OFPErrorMsg refuses what we sent as master, before we began to stand by.

        The switch had a new master before it received that.
        """
        return self._wanted == ofp.OFPCR_ROLE_SLAVE and _is_slave(message)

    def is_overtaken(self, message: Any) -> bool:
        """Whether an OFPErrorMsg refuses our request to be a slave because of a new master.

        The master's generation_id is newer than the one that the switch had just sent us.
        """
        is_stale = (message.type, message.code) == (
            ofp.OFPET_ROLE_REQUEST_FAILED,
            ofp.OFPRRFC_STALE,
        )
        return self._wanted == ofp.OFPCR_ROLE_SLAVE and is_stale and message.xid == self._request

    def _ask(self) -> None:
        self._request = None
        self._question = self._put(ofp.OFPCR_ROLE_NOCHANGE, 0)

    def _claim(self, generation: int) -> None:
        self._question = None
        self._request = self._put(self._wanted, generation)

    def _put(self, role: int, generation: int) -> int:
        message = parser.OFPRoleRequest(self._datapath, role, generation)
        xid = int(self._datapath.set_xid(message))
        self._send(message)
        return xid


def _is_slave(message: Any) -> bool:
    return (message.type, message.code) == (ofp.OFPET_BAD_REQUEST, ofp.OFPBRC_IS_SLAVE)
