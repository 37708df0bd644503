"""Roles: the lock on hardware_vtep, and the role that each switch grants."""

import logging

from ..values.events import Away, Connection, LockIs, RoleIs
from .databases import HARDWARE_VTEP, Databases
from .dispatch import Handlers
from .publisher import Publisher
from .switch_driver import Gate, Role, SwitchDriver
from .switches import Switches
from .timers import Timers

LOG = logging.getLogger("vtep_ofapp.loop")

ROLE_PAUSE = 1.0
"""Seconds after which a switch that refused us the role of master is asked again."""


class Lock:
    """Makes this process master of all switches while it has the lock, and slave otherwise.

    While the database is away no lock is known, and the roles stay as they are.
    """

    def __init__(
        self, switches: Switches, databases: Databases, publisher: Publisher, timers: Timers
    ) -> None:
        self.leads: bool | None = None
        """Whether this process is in charge; None until the database has answered."""
        self.is_held = False
        """Whether this process has the lock at this moment."""
        self._switches = switches
        self._vtep = databases.vtep
        self._publisher = publisher
        self._refusing: set[str] = set()
        self._role = timers.timer("role", self._role_is_due)
        self.handlers: Handlers = {LockIs: self._lock_is, Away: self._away, RoleIs: self._role_is}

    def lead_again(self, driver: SwitchDriver) -> None:
        """Take charge of a switch of which another process may have been master meanwhile."""
        self._publisher.disown(driver.switch.name)
        self._switches.changed()
        driver.lead()

    def leave(self, driver: SwitchDriver) -> None:
        """Leave a switch to a process with another lock or database; its rows stay as they are."""
        self._publisher.disown(driver.switch.name)
        self._switches.changed()
        driver.gate = Gate.NEVER_OPENED  # what is on the bridge is no longer ours to remove
        driver.stand_by()

    def _lock_is(self, event: LockIs) -> None:
        """Take charge of all switches, or leave them to the process that has the lock now.

        In either role the rows, ports and desired state are kept up to date, so that a failover
        takes no longer than reading the switches back. If the lock is granted again after the
        database was away, another process may have been master meanwhile: the generation id of
        each switch shows it.
        """
        led = self.leads
        self.leads = self.is_held = event.held
        self._switches.changed()
        if event.held:
            LOG.info("this process has the lock: it is in charge")
            self._publisher.disown()
            self._vtep.back()
        else:
            LOG.info("another process has the lock: standing by")
        for driver in self._switches.drivers.values():
            if not event.held:
                driver.stand_by()
            elif led:
                driver.confirm_role()
            else:
                driver.lead()

    def _away(self, event: Away) -> None:
        if event.database == HARDWARE_VTEP:
            self.is_held = False

    def _role_is(self, event: RoleIs) -> None:
        """Handle a role reply.

        A switch that refuses us is asked again while we have the lock, because its master has lost
        it. Without the lock, its master is the process that has the lock now.
        """
        driver = self._switches.of(event.connection)
        if driver is None or not self.leads or driver.role is Role.SLAVE:
            return
        is_outdated = driver.role_is(event)
        name = driver.switch.name
        if driver.role is Role.MASTER:
            self._refusing.discard(name)
            return
        if not self.is_held:
            if name not in self._refusing:
                what = "%s has another master; leaving it alone while hardware_vtep is away"
                LOG.warning(what, name)
        elif is_outdated:
            self.lead_again(driver)
        else:
            self._role.start(ROLE_PAUSE, event.connection)
        self._refusing.add(name)

    def _role_is_due(self, connection: Connection) -> None:
        driver = self._switches.of(connection)
        if driver is not None and self.is_held and driver.role is Role.REFUSED:
            LOG.warning(
                "%s has another master, and this process has the lock; asking again",
                driver.switch.name,
            )
            self.lead_again(driver)
