"""OpenFlow connections: each goes to the driver of its bridge, waits for one, or is refused."""

import logging
from collections.abc import Sequence
from typing import Any

import eventlet

from ..values.events import Alive, Connected, Connection, Disconnected
from ..values.faults import Fault, of_switch
from .claims import Claim, Refusal, Shared, judge, remedy, shared_ids
from .dispatch import Handlers
from .fault_log import FaultLog
from .hosts import Hosts
from .lock import Lock
from .marks import Marks
from .switch_driver import SWITCH_HANDLERS, SwitchDriver
from .switches import Switches
from .timers import Timers

LOG = logging.getLogger("vtep_ofapp.loop")
REFUSED = logging.getLogger("vtep_ofapp.refused")

CLAIM_TIME = 10.0
"""Seconds for which a connection may wait until its bridge's datapath id is in the database."""
ANSWER_TIME = 1.0
"""Seconds for a switch to answer on its connection after it opened a second one."""
MAX_UNCLAIMED = 100
"""Datapaths that wait until the databases are read; one more disconnects the oldest."""
MAX_REFUSED = 1000
"""Datapaths whose reason for refusal is remembered, so that it is logged once."""


class Connections:
    """All open connections: of a driver, waiting for one, or the second one of a driver."""

    def __init__(
        self,
        switches: Switches,
        hosts: Hosts,
        lock: Lock,
        marks: Marks,
        faults: FaultLog,
        timers: Timers,
    ) -> None:
        self._switches = switches
        self._hosts = hosts
        self._lock = lock
        self._marks = marks
        self._faults = faults
        self._unclaimed: dict[Connection, Claim] = {}
        self._rivals: dict[Connection, tuple[SwitchDriver, Claim]] = {}
        self._shared: Shared = {}
        self._refused: dict[int, str] = {}
        self._clock = timers.clock
        self._claim = timers.timer("claim", self._claim_is_old)
        self._answer = timers.timer("answer", self._answer_is_due)
        self.handlers: Handlers = {
            Connected: self._connected,
            Disconnected: self._disconnected,
            Alive: self._alive,
            **dict.fromkeys(SWITCH_HANDLERS, self._pass_on),
        }

    # In a turn

    def compare_ids(self) -> None:
        """Close connections whose datapath id now belongs to another bridge, or to several."""
        self._shared = shared_ids(self._hosts.bridges(), self._switches.bridges().values())
        for name, driver in self._switches.drivers.items():
            bridge, claim = driver.switch.bridge, driver.claim
            id = bridge.datapath_id if bridge else None
            is_shared = id is not None and id in self._shared
            self._faults.find((name, "datapath id"), _faults_of_id(driver, id, self._shared))
            is_former = claim is not None and id is not None and claim.datapath_id != id
            if driver.connection is not None and (is_shared or is_former):
                driver.connection.disconnect()

    def blocked(self) -> Sequence[str]:
        """Return the names of bridges that cannot be managed because they share a datapath id."""
        return [name for names in self._shared.values() for name in names]

    def forget_refusals(self) -> None:
        """Log reasons for refusal again: the set of switches has changed."""
        self._refused.clear()

    def claim(self) -> None:
        """Give each new connection to the driver of its bridge, keep it waiting, or refuse it."""
        unclaimed, self._unclaimed = self._unclaimed, {}
        managed = self._switches.bridges() if unclaimed else {}
        for connection, claim in unclaimed.items():
            verdict = judge(claim, managed, self._shared, is_all_read=not self._hosts.unread)
            if verdict is None:
                self._unclaimed[connection] = claim
                self._claim.start(CLAIM_TIME, connection)
            elif isinstance(verdict, Refusal):
                self._refuse(connection, claim, verdict.reason)
            else:
                self._give(connection, claim, self._switches.drivers[verdict])

    def _give(self, connection: Connection, claim: Claim, driver: SwitchDriver) -> None:
        """Give a driver its connection; if it has one already, check whether that is alive."""
        if driver.connection is None:
            leads = bool(self._lock.leads) and driver.switch.name not in self._marks.left
            driver.connect(connection, leads, claim, self._lock.is_held)
            self._switches.attach(connection, driver)
        elif any(driver is rival for rival, _ in self._rivals.values()):
            self._refuse_second(connection, claim, driver)
        else:
            self._rivals[connection] = driver, claim
            driver.connection.ask()
            self._answer.start(ANSWER_TIME, connection)

    def _refuse_second(self, connection: Connection, claim: Claim, driver: SwitchDriver) -> None:
        self._refuse(connection, claim, f"{driver.switch.name} is already connected")

    def _refuse(self, connection: Connection, claim: Claim, reason: str) -> None:
        """Close a connection; if the switch keeps trying, each reason is logged once."""
        known = self._refused.get(claim.datapath_id) == reason
        level = logging.DEBUG if known else logging.WARNING
        REFUSED.log(level, "datapath %016x is refused: %s", claim.datapath_id, reason)
        if len(self._refused) >= MAX_REFUSED:
            self._refused.clear()
        self._refused[claim.datapath_id] = reason
        connection.disconnect()

    # Events

    def _connected(self, event: Connected) -> None:
        self._unclaimed[event.connection] = Claim(event.datapath_id, event.name, self._clock())
        self._switches.changed()
        if len(self._unclaimed) > MAX_UNCLAIMED:
            oldest = next(iter(self._unclaimed))
            del self._unclaimed[oldest]
            oldest.disconnect()

    def _disconnected(self, event: Disconnected) -> None:
        self._unclaimed.pop(event.connection, None)
        self._claim.stop(event.connection)
        self._rivals.pop(event.connection, None)
        driver = self._switches.detach(event.connection)
        if driver is not None:
            LOG.warning("%s: connection lost", driver.switch.name)

    def _claim_is_old(self, connection: Connection) -> None:
        claim = self._unclaimed.pop(connection, None)
        if claim is not None:
            reason = f"Open vSwitch's database has no bridge with that id within {CLAIM_TIME:g} s"
            self._refuse(connection, claim, reason)

    def _alive(self, event: Alive) -> None:
        """Handle an echo reply: refuse the second connection, as the first one is alive."""
        driver = self._switches.of(event.connection)
        for connection, (wanted, claim) in list(self._rivals.items()):
            if wanted is driver:
                del self._rivals[connection]
                self._refuse_second(connection, claim, wanted)

    def _answer_is_due(self, connection: Connection) -> None:
        """Replace a connection that died silently by the second connection of the switch."""
        rival = self._rivals.pop(connection, None)
        if rival is None:
            return
        driver, claim = rival
        self._unclaimed[connection] = claim
        former = driver.connection
        if former is not None and self._switches.detach(former) is not None:
            what = "%s: no answer within %g s from %s; a newer connection takes its place"
            LOG.warning(what, driver.switch.name, ANSWER_TIME, former.peer)
            former.disconnect()

    def _pass_on(self, event: Any) -> None:
        """Pass an event to the driver of its connection; let others run while it handles it."""
        driver = self._switches.of(event.connection)
        if driver is not None:
            for _ in driver.handle(event):
                eventlet.sleep(0)


def _faults_of_id(driver: SwitchDriver, id: int | None, shared: Shared) -> list[Fault]:
    """Return the fault of a switch whose datapath id is also that of other bridges."""
    physical = driver.switch.physical
    if id is None or id not in shared or physical is None:
        return []
    reason = remedy(id, shared[id])
    return [Fault(f"Physical_Switch {physical.name}", reason, of_switch(physical.uuid))]
