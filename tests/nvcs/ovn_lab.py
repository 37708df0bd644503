"""The lab of docs/ovn.md, with what the tests ask of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from sim.lab.hosts import Host
from sim.lab.vtep import Vtep
from sim.ovn.lab import OvnLab
from sim.waiting import wait_until
from tests.lab.trial import ForkedApp
from tests.lab.wire import new_mac
from tests.nvcs.ovn_page import Shown, run

ROUTER_IN_SW0, ROUTER_IN_SW1 = "02:00:00:00:f0:01", "02:00:00:00:f0:02"
ROUTER = (ROUTER_IN_SW0, ROUTER_IN_SW1)
HV1, HV2, VTEP, VTEP2 = "10.2.2.11", "10.2.2.12", "10.2.2.1", "10.2.2.2"
REMOTE, LOCAL = "Ucast_Macs_Remote", "Ucast_Macs_Local"


class ConfiguredLab(OvnLab):
    """The lab of docs/ovn.md, with what the tests ask of it."""

    def wait(self, condition: Callable[[], Any], what: str, timeout: float = 60.0) -> None:
        """Wait for a condition; show all there is to see if it does not come true."""
        wait_until(condition, what, timeout=timeout, evidence=self.evidence)

    def await_ping(self, a: Host, b: Host | str) -> None:
        """Wait until one host reaches another one, or an address."""
        ip = b if isinstance(b, str) else b.ip
        self.wait(lambda: a.ping(ip, count=1), f"{a.name} reaches {ip}")

    def await_silence(self, a: Host, b: Host | str) -> None:
        """Wait until one host no longer reaches another one, or an address."""
        ip = b if isinstance(b, str) else b.ip
        self.wait(lambda: not pings(a, ip), f"{a.name} no longer reaches {ip}")

    def await_remote(self, vtep: Vtep, expected: dict[tuple[str, str], str]) -> None:
        """Wait until a VTEP has exactly these remote MACs."""
        what = f"{REMOTE} of {vtep.name} to be {expected}"
        self.wait(lambda: vtep.stations(REMOTE) == expected, what)

    def await_change(self, vtep: Vtep) -> None:
        """Wait until a change in OVN has arrived at a VTEP: a further MAC of vm1, and its end."""
        further, own = new_mac(), f"{self.vm1.mac} {self.vm1.ip}"
        self.central.nbctl("lsp-set-addresses", "vm1", own, further)
        self.wait(lambda: ("ls0", further) in vtep.stations(REMOTE), f"{further} at {vtep.name}")
        self.central.nbctl("lsp-set-addresses", "vm1", own)
        self.wait(
            lambda: ("ls0", further) not in vtep.stations(REMOTE),
            f"{further} no longer at {vtep.name}",
        )

    def await_flooding(self, logical_switch: str, expected: list[str]) -> None:
        """Wait until the VTEP's unknown-dst of a logical switch has exactly these addresses."""
        self.wait(
            lambda: self.vtep.flooding().get(logical_switch) == sorted(expected),
            f"unknown-dst of {logical_switch} to be {expected}",
        )

    def await_answer(self, example: Shown) -> None:
        """Wait until a command has the answer of the page: what it tells of may be under way."""
        self.wait(
            lambda: example.is_answered_by(run(self, example.where, example.command)),
            f"{example.command} to answer {example.answer}",
        )

    def remote(self, *, vm2: str = HV2) -> dict[tuple[str, str], str]:
        """Return the remote MACs of the VTEP as the page leaves them; `vm2` says where that is."""
        rows = {
            ("ls0", self.vm1.mac): HV1,
            ("ls0", self.vm2.mac): vm2,
            ("ls0", ROUTER_IN_SW0): HV1,
            ("ls1", ROUTER_IN_SW1): HV1,
        }
        return rows | ({("ls0", self.host3.mac): VTEP2} if self.spreads else {})

    @property
    def spreads(self) -> bool:
        """Whether this version of OVN tells each VTEP of the stations of the others.

        That came after 26.03, where versions on the way to the next one begin with 26.03.90.
        """
        return self.version >= (26, 3, 90)

    @property
    def version(self) -> tuple[int, ...]:
        """The version of OVN."""
        said = self.vtep.run(["ovn-controller-vtep", "--version"])
        numbers = re.search(r"ovn-controller-vtep (\d+)\.(\d+)\.(\d+)", said)
        assert numbers, said
        return tuple(map(int, numbers.groups()))

    def chassis_of(self, port: str) -> str | None:
        """Return the name of the chassis that a port of OVN is bound to."""
        names = {row["_uuid"]: row["name"] for row in self.central.rows("Chassis")}
        (of,) = (
            row["chassis"]
            for row in self.central.rows("Port_Binding")
            if row["logical_port"] == port
        )
        return names[of] if of else None

    @property
    def app(self) -> ForkedApp:
        """The application at the first VTEP."""
        assert isinstance(self.vtep.app, ForkedApp)
        return self.vtep.app

    def restart_app(self, options: Mapping[str, str]) -> None:
        """Restart the application with other options."""
        self.app.stop()
        self.app.options.clear()
        self.app.options.update(options)
        self.app.start()
        self.app.wait_until_ready()


def pings(host: Host, ip: str) -> int:
    """Return how many of three echo requests are answered at once; `Host.ping` is patient."""
    output = host.run(["ping", "-c", "3", "-i", "0.3", "-W", "1", ip], check=False)
    answered = re.search(r"(\d+) received", output)
    return int(answered[1]) if answered else 0
