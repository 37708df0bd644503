"""An atomic bundle of changes (ONF EXT-230): its messages, and the change of each xid."""

import logging
from collections.abc import Iterator, Sequence
from typing import Any

from os_ken.ofproto import ofproto_v1_3 as ofp
from os_ken.ofproto import ofproto_v1_3_parser as parser

from ..values.flow_changes import Change
from .encoding import ATOMIC_IN_ORDER, bundled

LOG = logging.getLogger("vtep_ofapp.switch")

_XIDS = 1 << 32
_FULL = {
    (ofp.OFPET_FLOW_MOD_FAILED, ofp.OFPFMFC_TABLE_FULL),
    (ofp.OFPET_GROUP_MOD_FAILED, ofp.OFPGMFC_OUT_OF_GROUPS),
}
"""The errors for a full table and for too many groups."""


class Bundle:
    """A bundle in flight. Its messages have consecutive xids, so that an xid identifies a change.

    ``rejected`` are the changes that the switch refused. ``is_broken`` means that the switch
    expired the bundle before it was complete, ``is_full`` that a table is full, or that there are
    too many groups.
    """

    def __init__(self, datapath: Any, id: int, changes: Sequence[Change]) -> None:
        """Reserve the next xids of the datapath."""
        self.changes = changes
        self.rejected: list[Change] = []
        self.is_broken = False
        self.is_full = False
        self._datapath = datapath
        self._id = id
        self._first_xid = int(datapath.xid + 1) % _XIDS
        self._last_xid = datapath.xid = (self._first_xid + len(changes) + 1) % _XIDS

    def messages(self) -> Iterator[bytes]:
        """Yield the messages, each encoded just before it is sent.

        The last one discards the bundle if a change has no message or the bundle is broken.
        """
        yield self._control(self._first_xid, ofp.ONF_BCT_OPEN_REQUEST)
        for number, change in enumerate(self.changes, self._first_xid + 1):
            try:
                message = bundled(self._id, number % _XIDS, change)
            except Exception as error:  # a bug, or a group that is too large; the rest goes on
                LOG.error("there is no message for %.200s: %s", change, error)
                self.rejected.append(change)
            else:
                yield message
        is_good = not self.rejected and not self.is_broken
        end = ofp.ONF_BCT_COMMIT_REQUEST if is_good else ofp.ONF_BCT_DISCARD_REQUEST
        yield self._control(self._last_xid, end)

    def is_first(self, message: Any) -> bool:
        """Whether a message of the switch answers the bundle's open request."""
        return bool(message.xid == self._first_xid)

    def is_last(self, message: Any) -> bool:
        """Whether a message of the switch answers the bundle's commit or discard request."""
        return bool(message.xid == self._last_xid)

    def change_of(self, message: Any) -> "Change | None":
        """Return the change that a message of the switch answers, None for other messages."""
        index = (message.xid - self._first_xid) % _XIDS - 1
        return self.changes[index] if 0 <= index < len(self.changes) else None

    def refuse(self, message: Any, why: str) -> bool:
        """Handle an error message of the switch; return whether it is about this bundle.

        There may be several errors for one change.
        """
        change = self.change_of(message)
        if self.is_last(message):
            if not self.rejected:
                LOG.error("the switch did not commit %d changes: %s", len(self.changes), why)
        elif self.is_first(message):
            # The bundle expired. To the switch, the messages that follow are a new bundle.
            self.is_broken = True
            LOG.error("the switch refused to begin a bundle: %s", why)
        elif change is not None:
            LOG.error("the switch refused %s: %s", change, why)
            self.is_full = (message.type, message.code) in _FULL
            if change not in self.rejected:
                self.rejected.append(change)
        else:
            return False
        return True

    def _control(self, xid: int, kind: int) -> bytes:
        message = parser.ONFBundleCtrlMsg(self._datapath, self._id, kind, ATOMIC_IN_ORDER, [])
        message.set_xid(xid)
        message.serialize()
        return bytes(message.buf)
