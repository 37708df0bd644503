"""Leave a bridge to a process with another lock or database that manages it, too."""

from ..values.events import LockIs
from ..values.faults import Fault, of_switch
from ..values.rows import Bridge, Mark
from .dispatch import Handlers
from .fault_log import FaultLog
from .lock import Lock
from .switch_driver import SwitchDriver
from .switches import Switches


class Marks:
    """Leaves a bridge to another process whose mark has replaced ours.

    A mark of others that is older than ours is replaced: that process is gone, or was this one
    with other options. One that replaces ours is that of a running process. If we replaced it in
    turn, both would undo each other's marks, ports and flows without end. It may run and no longer
    control the bridge: if this process is the only controller, the mark is replaced.

    Only once after the lock has come back, a mark that replaces ours is replaced in turn. It may be
    a late write of the process that had the lock before us, with vtep_db spelled differently. That
    process stands by or has ended, and nobody would manage the bridge.
    """

    def __init__(self, switches: Switches, lock: Lock, faults: FaultLog) -> None:
        self.left: set[str] = set()
        """The names of the switches that are left to another process."""
        self._switches = switches
        self._lock = lock
        self._faults = faults
        self._marked: set[str] = set()
        self._late: set[str] = set()
        """The names of the switches on which a late mark of another process may replace ours."""
        self._is_lock_known = False
        self.handlers: Handlers = {LockIs: self._lock_is}

    def compare(self) -> None:
        """Leave the bridges on which our mark was replaced, and lead those that are free again.

        Without the lock nothing changes: the process that has it may have another mark.
        """
        drivers = self._switches.drivers
        self._marked &= drivers.keys()
        self._late &= drivers.keys()
        self.left &= drivers.keys()
        for name, driver in drivers.items():
            bridge = driver.switch.bridge
            if bridge is not None and self._lock.is_held:
                self._compare(driver, bridge)
            self._faults.find((name, "mark"), _faults_of(driver) if name in self.left else ())

    def _compare(self, driver: SwitchDriver, bridge: Bridge) -> None:
        name = driver.switch.name
        if bridge.mark is Mark.OURS:
            self._marked.add(name)
        is_replaced = bridge.mark is Mark.OTHERS and name in self._marked
        is_replaced &= not _is_only_controller(driver, bridge)
        if is_replaced and name in self._late:
            self._late.remove(name)
            self._marked.remove(name)  # as if it were older than ours
        elif is_replaced and name not in self.left:
            self.left.add(name)
            self._lock.leave(driver)
        elif name in self.left and not is_replaced:
            self.left.remove(name)
            self._lock.lead_again(driver)

    def _lock_is(self, _event: LockIs) -> None:
        """Begin again: the process that had the lock meanwhile may have another mark."""
        self._marked.clear()
        self.left.clear()
        self._late = set(self._switches.drivers) if self._is_lock_known else set()
        self._is_lock_known = True


def _is_only_controller(driver: SwitchDriver, bridge: Bridge) -> bool:
    """Whether the bridge is connected to us and cannot be connected to another process, too."""
    targets = [each.target for each in bridge.controllers]
    is_passive = any(target.startswith("p") for target in targets)  # ptcp, pssl, punix
    return driver.connection is not None and len(targets) == 1 and not is_passive


def _faults_of(driver: SwitchDriver) -> list[Fault]:
    """Return the fault of a switch that is left to another process."""
    physical = driver.switch.physical
    if physical is None:
        return []
    reason = (
        "a process with another lock or vtep_db manages its bridge, too, and this one leaves it "
        f"alone: vtep-ctl del-ps {physical.name}, or end the other one, which "
        "external_ids:vtep_ofapp of the bridge names, and "
        f"ovs-vsctl remove bridge {physical.name} external_ids vtep_ofapp"
    )
    return [Fault(f"Physical_Switch {physical.name}", reason, of_switch(physical.uuid))]
