"""Real Open vSwitch with dummy ports, and the application, without privileges or namespaces."""

from __future__ import annotations

import socket
from pathlib import Path

from sim.app import App
from sim.namespaces import Namespace
from sim.openvswitch import Daemon, OpenVSwitch
from sim.waiting import wait_until


class Here(Namespace):
    """The machine itself in the place of a namespace."""

    def __init__(self) -> None:
        super().__init__("here")

    def command(self, argv):
        return list(argv)

    def processes(self):
        return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


class DummyApp(App):
    """The application on a port of its own, so that tests run beside each other."""

    def __init__(self, switch: OpenVSwitch) -> None:
        super().__init__(switch)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]


class DummySwitch(OpenVSwitch):
    """Open vSwitch whose ports are dummies: the real pipeline, and no packets but those we make."""

    def __init__(self, folder: Path) -> None:
        super().__init__(Here(), folder)
        self.bridge = "br0"
        self.ports: list[str] = []
        self.ovs_vswitchd = Daemon(
            self, "ovs-vswitchd", ["--enable-dummy=override", "--disable-system", self.db]
        )
        self.app = DummyApp(self)

    def start(self) -> None:
        """Start both daemons with empty databases."""
        self.create_databases()
        self.ovsdb_server.start()
        self.ovs_vsctl("--no-wait", "init")
        self.ovs_vswitchd.start()

    def add_bridge(self, name: str = "br0", ports: tuple[str, ...] = ("p0", "p1")) -> None:
        """Make a bridge with dummy ports, numbered from 1 in their order."""
        self.ovs_vsctl("add-br", name, "--", "set", "bridge", name, "datapath_type=dummy")
        for number, port in enumerate(ports, 1):
            self.add_port(port, number, name)

    def add_port(self, port: str, number: int, bridge: str = "br0") -> None:
        """Make a dummy port with this OpenFlow port number."""
        self.ovs_vsctl(
            "add-port", bridge, port,
            "--", "set", "interface", port, "type=dummy", f"ofport_request={number}",
        )  # fmt: skip
        if bridge == self.bridge:
            self.ports.append(port)

    def point_at_app(self, bridge: str = "br0") -> None:
        """Make the application the bridge's controller, without waiting."""
        self.ovs_vsctl("set-controller", bridge, self.app.target)

    def add_physical_switch(self, name: str = "br0", tunnel_ip: str = "127.0.0.1") -> None:
        """Make a Physical_Switch row."""
        self.vtep_ctl("add-ps", name)
        self.vtep_ctl("set", "Physical_Switch", name, f"tunnel_ips={tunnel_ip}")

    def flows(self, bridge: str = "br0") -> list[str]:
        """Return the bridge's flows, sorted, without the figures that change by themselves."""
        return sorted(self.ofctl("--no-stats", "--no-names", "dump-flows", bridge).splitlines()[1:])

    def groups(self, bridge: str = "br0") -> list[str]:
        """Return the bridge's groups, sorted."""
        return sorted(self.ofctl("--no-names", "dump-groups", bridge).splitlines()[1:])

    def ages(self, bridge: str = "br0") -> dict[str, float]:
        """Return how long each flow is there, in seconds: a flow that was sent again is young."""
        ages = {}
        for line in self.ofctl("--no-names", "dump-flows", bridge).splitlines()[1:]:
            duration = line.split("duration=")[1].split("s,")[0]
            ages[line.split("priority=")[1]] = float(duration)
        return ages

    def receive(self, port: str, source: str, destination: str, vlan: int | None = None) -> None:
        """Let a frame come in by a dummy port."""
        tag = "eth_type(0x8100),vlan(vid={},pcp=0),encap(eth_type(0x1234))"
        kind = "eth_type(0x1234)" if vlan is None else tag.format(vlan)
        frame = f"in_port(1),eth(src={source},dst={destination}),{kind}"
        self.appctl("netdev-dummy/receive", port, frame)

    def trace(self, flow: str, bridge: str = "br0") -> str:
        """Return the datapath actions that ofproto/trace finds for a frame."""
        last = self.appctl("ofproto/trace", bridge, flow).strip().splitlines()[-1]
        return last.removeprefix("Datapath actions: ")

    def local_macs(self, logical_switch: str = "ls0") -> dict[str, str]:
        """Return Ucast_Macs_Local of a logical switch: MAC address to tunnel IP."""
        lines = self.vtep_ctl("list-local-macs", logical_switch).splitlines()
        rows = [line.split() for line in lines if "->" in line and "unknown-dst" not in line]
        return {row[0]: row[2].removeprefix("vxlan_over_ipv4/") for row in rows}

    def column(self, table: str, column: str, record: str) -> str:
        """Return one column of a row of hardware_vtep, as vtep-ctl prints it."""
        return self.vtep_ctl("get", table, record, column)

    def wait(self, condition, what: str, timeout: float = 15.0):
        """Wait for a condition; show flows, groups, rows and logs if it does not come true."""
        return wait_until(condition, what, timeout=timeout, evidence=self.evidence)

    def wait_for_log(self, text: str) -> None:
        """Wait until the application has said something."""
        self.wait(lambda: text in self.app.log_text, f"{text!r} in the log")

    def evidence(self) -> str:
        return f"{super().evidence()}\n--- application\n{self.app.log_text[-6000:]}"

    def stop(self) -> None:
        """End the application and both daemons."""
        self.app.stop()
        super().stop()
