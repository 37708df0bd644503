"""The network of the access lists' tests: two logical switches, and stations with IP addresses."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sim.lab.delivery import Delivery
from tests.access_lists import AccessLists, Entry, entry
from tests.lab.control import Control
from tests.lab.packets import Packets, Station
from tests.lab.trial import TrialLab
from tests.lab.wire import Shot, Wire, new_mac

R2, R3 = "10.2.2.2", "10.2.2.3"
EVERY_TUNNEL = {"service-node": ["vni 5001"], "hypervisor": ["vni 5001"]}


class Network:
    """The logical switches ls-a and ls-b, their stations, and the access lists of the ports."""

    def __init__(self, lab: TrialLab) -> None:
        self.lab = lab
        nvc = self.nvc = Control(lab.vtep)
        wire = self.wire = Wire(lab, nvc)
        self.acls = AccessLists(lab.vtep)
        self._verdicts: list[tuple[Shot, Delivery]] = []
        self.a = Station(lab.vm1, "192.168.1.11", "2001:db8:1::11")
        self.b = Station(lab.vm2, "192.168.2.11", "2001:db8:2::11")
        self.a2 = Station(lab.vm3, "192.168.1.12", "2001:db8:1::12", 10)
        self.b2 = Station(lab.vm3, "192.168.2.12", "2001:db8:2::12", 20)
        nvc.do(
            *(
                order
                for name, key in (("ls-a", 5001), ("ls-b", 5002))
                for order in (
                    f"add-ls {name}",
                    f"set Logical_Switch {name} tunnel_key={key}",
                    f"set-replication-mode {name} source_node",
                    f"add-mcast-remote {name} unknown-dst {R2}",
                    f"add-mcast-remote {name} unknown-dst {R3}",
                )
            ),
            "bind-ls br0 p0 0 ls-a",
            "bind-ls br0 p1 0 ls-b",
            "bind-ls br0 p2 10 ls-a",
            "bind-ls br0 p2 20 ls-b",
        )
        for station, name in ((self.a, "ls-a"), (self.b, "ls-b"), (self.a2, "ls-a")):
            self.learn(station, name)
        wire.learned(lab.vm3, (20,), mac=self.b2.mac, logical_switch="ls-b")

    def close(self) -> None:
        self.wire.close()

    def learn(self, station: Station, logical_switch: str) -> None:
        self.wire.learned(station.host, station.vlans, station.mac, logical_switch)

    @property
    def there(self) -> Packets:
        """Packets from hA to hA2."""
        return Packets(self.wire, self.a, self.a2)

    @property
    def back(self) -> Packets:
        """Packets from hA2 to hA."""
        return Packets(self.wire, self.a2, self.a)

    def bind(self, port: str, *entries: Entry, vlan: int = 0) -> None:
        """Let a port name one access list, x, with these entries."""
        self._verdicts.clear()
        self.acls.put("x", *entries)
        self.acls.bind(port, {vlan: "x"})

    def unbind(self, port: str) -> None:
        """Let a port name no access list."""
        self._verdicts.clear()
        self.acls.bind(port, {})

    def change(self, number: int, **columns: Any) -> None:
        """Set columns of an entry of x, by its number in the order of sequences."""
        self._verdicts.clear()
        self.acls.change("x", number, **columns)

    def judges(self, to: Delivery, passed: Sequence[Shot], dropped: Sequence[Shot]) -> None:
        """Wait until frames are dropped and others arrive; so it stays after a restart, too."""
        for shot in dropped:
            shot.arrives({})
        for shot in passed:
            shot.arrives(to)
        self._verdicts += [(shot, {}) for shot in dropped]
        self._verdicts += [(shot, to) for shot in passed]

    def judges_after_a_restart(self) -> None:
        """Restart the application; what the last access list has judged is judged the same."""
        if not self._verdicts:
            return
        self.restart()
        for shot, to in self._verdicts:
            shot.arrives_at_once(to)
        self._verdicts.clear()

    def restart(self) -> None:
        """Kill the application and start it: no flow of an access list is sent again."""
        before = self.ages()
        self.start_again()
        after = self.ages()
        younger = [flow for flow, age in before.items() if after.get(flow, -1.0) < age]
        assert not younger, f"flows that were sent again, or are gone: {younger}"

    def start_with(self, options: Mapping[str, str]) -> None:
        """Kill the application and start it with these options."""
        self.lab.app.options = dict(options)
        self.start_again()

    def start_again(self) -> None:
        """Kill the application and start it."""
        self.lab.app.kill()
        self.lab.app.start()
        self.follows()

    def follows(self) -> None:
        """Return when a new row has had its effect, which takes an application in control."""
        station = new_mac()
        self.nvc.do(f"add-ucast-remote ls-b {station} {R3}")
        shot = self.wire.frame(self.lab.vm2, dst=station)
        shot.arrives({"hypervisor": ["vni 5002"]})

    def ages(self) -> dict[str, float]:
        """Return since when each flow of an access list is there, in seconds."""
        lines = self.lab.vtep.ofctl("--no-names", "dump-flows", "br0").splitlines()[1:]
        figures = r"(duration|n_packets|n_bytes|idle_age|hard_age)=[\d.]+s?,? ?"
        return {
            re.sub(figures, "", line): float(line.split("duration=")[1].split("s,")[0])
            for line in lines
            if "cookie=0x76746570a" in line
        }

    def faults(self, *words: str, ports: Sequence[str] = ("p0",)) -> None:
        """Wait until the columns of x, its entries and these ports hold these words alone."""
        seen = lambda: self.acls.faults("x", *ports) == set(words)  # noqa: E731
        self.nvc.wait(seen, f"the faults {words}")


TO_A2: Delivery = {"vm3": ["vlan 10"]}
TO_A: Delivery = {"vm1": ["untagged"]}


def deny(sequence: int = 10, direction: str = "in", **columns: Any) -> Entry:
    return entry(sequence, direction, "deny", **columns)


def permit(sequence: int, direction: str = "in", **columns: Any) -> Entry:
    return entry(sequence, direction, "permit", **columns)


TCP: dict[str, Any] = {"protocol": 6}
UDP: dict[str, Any] = {"protocol": 17}
ICMP: dict[str, Any] = {"protocol": 1}


def to_port(first: int, last: int | None = None) -> dict[str, Any]:
    return {"dest_port_min": first, "dest_port_max": first if last is None else last}
