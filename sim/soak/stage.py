"""The lab of a soak run, with two applications, and what the NVC writes there for the world."""

from __future__ import annotations

import shlex
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from sim.lab.app import App
from sim.lab.guide import Lab
from sim.lab.hosts import Host
from sim.lab.namespaces import CommandFailed
from sim.soak.world import HOSTS, MARKS, Binding, LogicalSwitch, World, station_ip
from sim.waiting import wait_until
from sim.wire.frames import advertisement, arp_request, igmp_leave, igmp_report

PATIENCE = 120.0
"""Seconds until a wait for a condition fails."""

MARK = Binding("p0", 4090)

OPTIONS = {
    "port_grace": "5.0",
    "bound_port_grace": "5.0",
    "stats_interval": "1.0",
    "multicast_snooping": "True",
}

T = TypeVar("T")


class Stage(Lab):
    """The guide's lab, two more hosts, two more VTEPs, and an application that stands by."""

    def __init__(self, name: str, world: World) -> None:
        """Name the lab; `world` is the state that it should have."""
        super().__init__(name)
        self.world = world
        self.apps: list[App] = []

    def start(self, *, controller: bool = True) -> None:
        """Start everything, with the logical switch of the known streams."""
        super().start(controller=False)
        first, second = self.vtep.app, App(self.vtep, "other", port=6654)
        assert isinstance(first, App)
        self.apps = [first, second]
        for app in self.apps:
            app.options.update(OPTIONS, record=str(self._record(app)))
        first.take_over()
        second.start()
        self.point_at_apps()
        for each in self.world.logical_switches.values():
            self.ask(*self.creation(each))

    def keep_records(self) -> list[Path]:
        """Copy the records of the applications to a folder that stays; return the copies."""
        folder = Path(tempfile.mkdtemp(prefix="soak-"))
        records = [each for each in map(self._record, self.apps) if each.exists()]
        return [Path(shutil.copy(each, folder)) for each in records]

    def _record(self, app: App) -> Path:
        return self.vtep.folder / f"{app.NAME}.record"

    def close(self) -> None:
        """Take everything down: processes, namespaces, files."""
        for app in self.apps:
            app.kill()
        super().close()

    def point_at_apps(self) -> None:
        """Make both applications the controllers of br0."""
        self.vtep.ovs_vsctl("set-controller", self.vtep.bridge, *(a.target for a in self.apps))

    def running_apps(self) -> list[App]:
        """Return the applications that run."""
        return [app for app in self.apps if app.running]

    def ask(self, *orders: str) -> None:
        """Run commands of vtep-ctl as an NVC would, all in one transaction, until it is accepted.

        Between vtep-ctl's read and its transaction the VTEP may delete a row that is the last one
        to name a locator, and the locator with it, or insert a row that names a logical switch.
        The database refuses the whole transaction then, and an NVC tries again. Raises
        CommandFailed if it was refused for another reason, and WaitFailed.
        """

        def is_accepted() -> bool:
            try:
                self.vtep.vtep_ctl(*shlex.split(" -- ".join(orders)))
            except CommandFailed as error:
                if "referential integrity violation" not in str(error):
                    raise
                return False
            return True

        self.wait(is_accepted, f"the database to accept {orders}")

    def wait(self, condition: Callable[[], T], what: str) -> T:
        """Return what the condition returns when it comes true. Raises WaitFailed."""
        return wait_until(condition, what, timeout=PATIENCE, interval=0.05, evidence=self.evidence)

    def creation(self, wanted: LogicalSwitch) -> list[str]:
        """Return the orders that make a logical switch."""
        name, bridge = wanted.name, self.vtep.bridge
        mode = "source_node" if wanted.source_node else "service_node"
        key = [] if wanted.vni is None else [f"set Logical_Switch {name} tunnel_key={wanted.vni}"]
        return [
            f"add-ls {name}",
            f"set-replication-mode {name} {mode}",
            *key,
            *(f"bind-ls {bridge} {each.port} {each.vlan} {name}" for each in wanted.bindings),
            *self.placing(wanted),
        ]

    def placing(self, wanted: LogicalSwitch) -> list[str]:
        """Return the orders that make its rows of remote MACs and groups."""
        name = wanted.name
        return [
            *(
                f"add-mcast-remote {name} {mac} {address}"
                for mac, addresses in wanted.groups.items()
                for address in addresses
            ),
            *(f"add-ucast-remote {name} {mac} {at}" for mac, at in wanted.remote.items()),
        ]

    def host(self, port: str) -> Host:
        """Return the virtual machine at a port of br0."""
        return self.hosts[HOSTS[port]]

    def announce(self, stations: Sequence[tuple[str, Binding]]) -> None:
        """Let stations say from behind their bindings which addresses they have, once each."""
        for paced, (mac, binding) in enumerate(stations):
            ip = station_ip(mac)
            frame = (
                advertisement(mac, ip, binding.tags)
                if ":" in ip
                else arp_request(mac, ip, ip, binding.tags)
            )
            self.host(binding.port).send(frame)
            if paced % 20 == 19:
                time.sleep(0.01)

    def report_groups(self, within: LogicalSwitch) -> None:
        """Let hosts say which groups they are members of, and which they have left.

        Those that have left and may not have been heard say it again, while they are bound.
        """
        for group, place in sorted(within.members):
            self.host(place.port).send(igmp_report(place.resident, group, place.tags))
        for group, place in sorted(within.former_members):
            if place in within.bindings:
                self.host(place.port).send(igmp_leave(place.resident, group, place.tags))

    def settle(self) -> None:
        """Start the applications that do not run; return when all requests have been handled.

        Raises WaitFailed if it never is.
        """
        for app in self.apps:
            if not app.running:
                app.start()
        self.come_to_rest()
        self.world.meet_again(self.vtep.stations("Ucast_Macs_Local").keys())
        self.announce([(mac, place) for (_, mac), place in self.world.stations().items()])
        self.wait(self._stations_are_known, "the local rows of exactly the stations that speak")
        for each in self.world.bound():
            self.report_groups(each)
        wanted = self.world.groups()
        self.wait(lambda: self.reported_groups() == wanted, "the rows of exactly the groups joined")
        self.come_to_rest()

    def come_to_rest(self) -> None:
        """Return when the master has handled every earlier change.

        Changes are handled in order, so the last one marks the end: a binding is added, its flows
        and its row come, and they go when it is removed.
        """
        bridge = self.vtep.bridge
        self.ask(f"bind-ls {bridge} {MARK.port} {MARK.vlan} {MARKS}")
        self.wait(lambda: self._marks() == (True, True), "the mark")
        self.ask(f"unbind-ls {bridge} {MARK.port} {MARK.vlan}")
        self.wait(lambda: self._marks() == (False, False), "the end of the mark")

    def _marks(self) -> tuple[bool, bool]:
        """Return whether the mark is among the flows, and among the rows."""
        flows = self.vtep.ofctl("dump-flows", self.vtep.bridge, "table=0")
        return f"dl_vlan={MARK.vlan}" in flows, MARKS in self.vtep.flooding("Mcast_Macs_Local")

    def _stations_are_known(self) -> bool:
        wanted = self.world.stations()
        if self.reported_ips() == self.world.reported_ips():
            return True
        self.announce([(mac, place) for (_, mac), place in wanted.items()])
        return False

    def reported_ips(self) -> dict[tuple[str, str], str]:
        """Return ipaddr of Ucast_Macs_Local, by logical switch and MAC."""
        rows, switches = self.vtep.tables("Ucast_Macs_Local", "Logical_Switch")
        names = {row["_uuid"]: row["name"] for row in switches}
        return {(names[row["logical_switch"]], row["MAC"]): row["ipaddr"] for row in rows}

    def reported_groups(self) -> dict[tuple[str, str], str]:
        """Return ipaddr of groups in Mcast_Macs_Local, by logical switch and MAC."""
        rows, switches = self.vtep.tables("Mcast_Macs_Local", "Logical_Switch")
        names = {row["_uuid"]: row["name"] for row in switches}
        return {
            (names[row["logical_switch"]], row["MAC"]): row["ipaddr"]
            for row in rows
            if row["MAC"] != "unknown-dst"
        }

    def _build(self) -> None:
        super()._build()
        self.add_vm("vm3", port="p2", ip="192.168.33.3")
        self.add_vm("vm4", port="p3", ip="192.168.33.4")
        self.add_remote("third", "10.2.2.4", ip="192.168.33.104")
        self.add_remote("fourth", "10.2.2.5", ip="192.168.33.105")
