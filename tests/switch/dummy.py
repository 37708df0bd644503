"""Real Open vSwitch with dummy ports, and the application, without privileges or namespaces."""

from __future__ import annotations

import functools
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from sim.lab.app import App
from sim.lab.namespaces import Namespace, run
from sim.lab.openvswitch import Daemon, OpenVSwitch
from sim.waiting import wait_until
from tests import prefork
from tests.ports import held_port

T = TypeVar("T")

BROADCAST = "ff:ff:ff:ff:ff:ff"

PATIENCE = 60.0
"""Seconds that a test waits for a condition; an idle machine needs a few."""

_ACTION = re.compile(
    r"push_vlan\(vid=(\d+)[^)]*\)"
    r"|(pop_vlan)"
    r"|(?:clone\()?tnl_push\(.*?,dst=([0-9.]+),.*?,vni=(0x[0-9a-f]+)\)\),out_port\(\d+\)\),\d+\)?"
    r"|userspace\(.*?\)\)"
    r"|(?:^|(?<=,))(\d+)(?=,|$)"
)
"""An action of the datapath that matters to where a frame leaves, or hides what does not."""


_ESTABLISHED, _LISTENS = 1, 10
"""States of TCP in /proc/net/tcp."""


class Here(Namespace):
    """The machine itself in the place of a namespace."""

    def __init__(self) -> None:
        super().__init__("here")
        self.path = Path("/proc/self/ns/net")  # processes() leaves out those that have ended

    def call(self, function: Callable[[], T]) -> T:
        return function()

    def command(self, argv: Sequence[str]) -> list[str]:
        return list(argv)

    def listens(self, port: int) -> bool:
        """Return whether a process listens on that TCP port."""
        return _LISTENS in sockets(port)

    def spawn(
        self, argv: Sequence[str], log: Path, *, env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a process as everywhere, but osken-manager with its libraries imported."""
        special = {
            name: value for name, value in (env or {}).items() if name[:4] not in ("OVS_", "OVN_")
        }
        if Path(argv[0]).name == "osken-manager" and special == prefork.ENVIRONMENT:
            return prefork.spawn(argv, log, {**os.environ, **(env or {})})
        return super().spawn(argv, log, env=env)


def sockets(local_port: int) -> set[int]:
    """Return the states of the TCP sockets of IPv4 with a local port, as the kernel numbers them.

    Looking costs less than a start of ss.
    """
    # That of the thread: a function that Namespace.call calls sees the sockets of the namespace.
    table = Path("/proc/thread-self/net/tcp").read_text()
    lines = [line.split() for line in table.splitlines()[1:]]
    return {int(line[3], 16) for line in lines if line[1].endswith(f":{local_port:04X}")}


class DummyApp(App):
    """The application on a port of its own, so that tests run beside each other."""

    def __init__(self, switch: OpenVSwitch, name: str = App.NAME) -> None:
        super().__init__(switch, name)
        self.variables: dict[str, str] = {}
        self.port = held_port()
        self._logs = 0

    def environment(self) -> dict[str, str]:
        """Return the variables of the application, and further ones."""
        return {**super().environment(), **self.variables}

    def give(self, option: str, *values: str) -> None:
        """Set an option of [vtep], as many times as there are values."""
        self.options[option] = f"\n{option} = ".join(values)

    def is_connected(self) -> bool:
        """Return whether a bridge is connected to the application; the kernel knows at once."""
        return _ESTABLISHED in self.vtep.namespace.call(lambda: sockets(self.port))

    def wait_to_say(self, text: str, after: int = 0) -> None:
        """Wait until it has said something, after so many characters of its log."""
        wait_until(
            lambda: text in self.log_text[after:],
            f"{text!r} from {self.NAME}",
            timeout=PATIENCE,
            evidence=lambda: f"{self.vtep.evidence()}\n--- {self.NAME}\n{self.log_text}",
        )

    def begin_log(self) -> None:
        """Let the next start begin with an empty log; what was logged so far stays beside it."""
        self._logs += 1
        if self.log.exists():
            self.log.rename(f"{self.log}.{self._logs}")


class DummySwitch(OpenVSwitch):
    """Open vSwitch whose ports are dummies: the real pipeline, and no packets but those we make.

    Tunnel ports are real. Their packets leave by br-phy, if add_underlay() made one.
    """

    def __init__(self, folder: Path, namespace: Namespace | None = None) -> None:
        super().__init__(namespace or Here(), folder, ("ovs", "vtep"))
        self.ovs_vswitchd = Daemon(
            self, "ovs-vswitchd", ["--enable-dummy", "--disable-system", self.db]
        )
        self.app = DummyApp(self)

    def create_databases(self) -> None:
        """Create empty databases."""
        for database, schema in self.databases.items():
            database.write_bytes(_empty(schema))

    def start(self) -> None:
        """Start both daemons with empty databases."""
        self.create_databases()
        self.ovsdb_server.start()
        self.transact(_insert("Open_vSwitch", {}), database="Open_vSwitch")
        self.ovs_vswitchd.start()

    def add_bridge(self, name: str = "br0", ports: tuple[str, ...] = ("p0", "p1")) -> None:
        """Make a bridge with dummy ports, numbered from 1 in their order."""
        steps = ["add-br", name, "--", "set", "bridge", name, "datapath_type=dummy"]
        for number, port in enumerate(ports, 1):
            steps += ["--", *_adding(port, number, name)]
        self.ovs_vsctl(*steps)
        if name == self.bridge:
            self.ports += ports

    def add_port(self, port: str, number: int, bridge: str = "br0") -> None:
        """Make a dummy port with this OpenFlow port number."""
        self.ovs_vsctl(*_adding(port, number, bridge))
        if bridge == self.bridge:
            self.ports.append(port)

    def add_underlay(self, *remotes: str) -> None:
        """Make br-phy, by which tunnels to these addresses leave."""
        self.ovs_vsctl(
            "add-br", "br-phy", "--", "set", "bridge", "br-phy", "datapath_type=dummy",
            "--", "add-port", "br-phy", "wire", "--", "set", "interface", "wire", "type=dummy",
        )  # fmt: skip
        self.appctl("netdev-dummy/ip4addr", "br-phy", "10.2.2.254/24")
        self.appctl("ovs/route/add", "10.2.2.0/24", "br-phy")
        for number, remote in enumerate(remotes, 1):
            self.appctl("tnl/neigh/set", "br-phy", remote, f"aa:55:aa:55:00:{number:02x}")

    def set_link(self, interface: str, state: str) -> None:
        """Take the link of a dummy interface up or down."""
        self.appctl("netdev-dummy/set-admin-state", interface, state)

    def manage(self, **options: str) -> None:
        """Make br0 with p0 and p1 and ls0 with VNI 33, and let the application manage them."""
        self.add_bridge()
        self.add_physical_switch()
        self.vtep_ctl("add-ls", "ls0", "--", "set", "Logical_Switch", "ls0", "tunnel_key=33")
        self.app.options.update(options)
        self.app.take_over()
        self.wait(lambda: self.port_rows("br0") == ["p0", "p1"], "the physical ports")

    def join(self) -> None:
        """Bind p0, and VLAN 10 of p1, to ls0, and make the way to 10.2.2.2, .3, .4 and .5."""
        self.add_underlay(*(f"10.2.2.{number}" for number in range(2, 6)))
        self.vtep_ctl("bind-ls", "br0", "p0", "0", "ls0", "--", "bind-ls", "br0", "p1", "10", "ls0")
        self.wait(lambda: "dl_vlan=10" in "\n".join(self.flows()), "both bindings")

    def restart_app(self) -> None:
        """Kill the application, and start it with an empty log."""
        self.app.kill()
        self.app.begin_log()
        self.app.start()
        self.wait_for_log("br0 is managed")

    def come_to_rest(self, by: str = "p0", logical_switch: str = "ls0") -> None:
        """Return when the application has done whatever it had to do by now.

        What is asked for last is done last: flows for a new binding of the port, and a fault for
        another.
        """
        port = self.row("Physical_Port", name=by)["_uuid"]
        for vlan in ("4001", "4095"):
            self.vtep_ctl("bind-ls", "br0", by, vlan, logical_switch)
        status = lambda: self.column("Physical_Port", "port_fault_status", str(port))  # noqa: E731
        bound = lambda: "dl_vlan=4001" in "\n".join(self.flows())  # noqa: E731
        self.wait(lambda: bound() and "invalid_vlan_map" in status(), "the marks")
        for vlan in ("4001", "4095"):
            self.vtep_ctl("unbind-ls", "br0", by, vlan)
        self.wait(lambda: not bound() and "invalid_vlan_map" not in status(), "their end")

    def point_at_app(self, bridge: str = "br0") -> None:
        """Make the application the bridge's controller, without waiting."""
        self.ovs_vsctl("set-controller", bridge, self.app.target)

    def add_physical_switch(self, name: str = "br0", tunnel_ip: str = "127.0.0.1") -> None:
        """Make a Physical_Switch row."""
        setting = f"tunnel_ips={tunnel_ip}"
        self.vtep_ctl("add-ps", name, "--", "set", "Physical_Switch", name, setting)

    def flows(self, bridge: str = "br0", ports: str = "--no-names") -> list[str]:
        """Return the bridge's flows, sorted, without the figures that change by themselves."""
        # Without figures there is no first line that says what follows.
        return sorted(self.ofctl("--no-stats", ports, "dump-flows", bridge).splitlines())

    def groups(self, bridge: str = "br0", ports: str = "--no-names") -> list[str]:
        """Return the bridge's groups, sorted."""
        return sorted(self.ofctl(ports, "dump-groups", bridge).splitlines()[1:])

    def ages(self, bridge: str = "br0") -> dict[str, float]:
        """Return how long each flow is there, in seconds: a flow that was sent again is young."""
        ages = {}
        for line in self.ofctl("--no-names", "dump-flows", bridge).splitlines()[1:]:
            duration = line.split("duration=")[1].split("s,")[0]
            ages[line.split("priority=")[1]] = float(duration)
        return ages

    def receive(
        self,
        port: str,
        source: str,
        destination: str,
        vlan: int | None = None,
        length: int | None = None,
    ) -> None:
        """Let a frame come in by a dummy port; ``length`` is that of the whole frame."""
        tag = "eth_type(0x8100),vlan(vid={},pcp=0),encap(eth_type(0x1234))"
        kind = "eth_type(0x1234)" if vlan is None else tag.format(vlan)
        frame = f"in_port(1),eth(src={source},dst={destination}),{kind}"
        self.appctl(
            "netdev-dummy/receive", port, frame, *(("--len", str(length)) if length else ())
        )

    def learns(
        self, mac: str, port: str = "p0", vlan: int | None = None, *, timeout: float = PATIENCE
    ) -> None:
        """Let a host send until the application has written its row."""

        def is_learned() -> bool:
            self.receive(port, mac, BROADCAST, vlan)
            return mac in self.local_macs()

        self.wait(is_learned, f"{mac} to be learned", timeout)

    def trace(self, flow: str, bridge: str = "br0") -> str:
        """Return the datapath actions that ofproto/trace finds for a frame."""
        last = self.appctl("ofproto/trace", bridge, flow).strip().splitlines()[-1]
        return last.removeprefix("Datapath actions: ")

    def sends(
        self,
        port: str,
        destination: str,
        vlan: int | None = None,
        *,
        source: str = "00:00:00:00:00:01",
        bridge: str = "br0",
    ) -> list[str]:
        """Return where a frame that comes in by an interface of the bridge leaves, sorted.

        Each is the name of an interface with the tag that the frame has there, as "p1" or
        "p1 vlan 10", or the address of a remote VTEP with the VNI, as "10.2.2.2 vni 33".
        """
        number = self.ovs_vsctl("get", "interface", port, "ofport")
        tag = "" if vlan is None else f"dl_vlan={vlan},"
        addresses = f"dl_src={source},dl_dst={destination}"
        return self._leaves(self.trace(f"in_port={number},{tag}{addresses}", bridge))

    def delivers(
        self, remote: str, vni: int, destination: str, local: str = "127.0.0.1", bridge: str = "br0"
    ) -> list[str]:
        """Return where a frame that comes in from a remote VTEP leaves, as sends() does."""
        port = self.ports_to_anyone(bridge)[local]
        if (remote, local) in self.tunnel_ports(bridge):
            port = self.tunnel_port(remote, local, bridge)
        number = self.ovs_vsctl("get", "interface", port, "ofport")
        tunnel = f"in_port={number},tun_id={vni},tun_src={remote},tun_dst={local}"
        addresses = f"dl_src=00:00:00:00:00:99,dl_dst={destination}"
        return self._leaves(self.trace(f"{tunnel},{addresses}", bridge))

    def goes(self, flow: str, bridge: str = "br0") -> list[str]:
        """Return where a frame leaves that ofproto/trace is told of, as sends() does."""
        return self._leaves(self.trace(flow, bridge))

    def _leaves(self, actions: str) -> list[str]:
        shown = re.findall(r"^    (.+) \d+/(\d+): ", self.appctl("dpif/show"), re.MULTILINE)
        names = {number: name for name, number in shown}
        leaves, vlan = [], ""
        for tag, no_tag, remote, vni, number in _ACTION.findall(actions):
            if tag or no_tag:
                vlan = f" vlan {tag}" if tag else ""
            elif remote:
                leaves.append(f"{remote} vni {int(vni, 16)}")
            elif number:
                leaves.append(f"{names[number]}{vlan}")
        return sorted(leaves)

    def tunnel_ports(self, bridge: str = "br0") -> dict[tuple[str, str], str]:
        """Return the names of the tunnel ports of a bridge by remote and local address.

        Those for VTEPs that no row names are left out; see ports_to_anyone().
        """
        ports = self._vxlan_ports(bridge)
        return {ends: name for ends, name in ports.items() if ends[0] != "flow"}

    def ports_to_anyone(self, bridge: str = "br0") -> dict[str, str]:
        """Return the names of the ports for VTEPs that no row names, by local address."""
        ports = self._vxlan_ports(bridge)
        return {local: name for (remote, local), name in ports.items() if remote == "flow"}

    def _vxlan_ports(self, bridge: str) -> dict[tuple[str, str], str]:
        names = set(self.ovs_vsctl("list-ports", bridge).split())
        return {
            (row["options"]["remote_ip"], row["options"]["local_ip"]): row["name"]
            for row in self.rows("Interface", "Open_vSwitch")
            if row["name"] in names and row["type"] == "vxlan"
        }

    def tunnel_port(self, remote: str, local: str = "127.0.0.1", bridge: str = "br0") -> str:
        """Return the name of a tunnel port, once Open vSwitch has numbered it."""

        def name() -> str:
            name = self.tunnel_ports(bridge).get((remote, local), "")
            numbers = {row["name"]: row["ofport"] for row in self.rows("Interface", "Open_vSwitch")}
            return name if numbers.get(name, ()) not in ((), -1) else ""

        return self.wait(name, f"the tunnel port from {local} to {remote}")

    def local_macs(self, logical_switch: str = "ls0") -> dict[str, str]:
        """Return Ucast_Macs_Local of a logical switch: MAC address to tunnel IP."""
        lines = self.vtep_ctl("list-local-macs", logical_switch).splitlines()
        rows = [line.split() for line in lines if "->" in line and "unknown-dst" not in line]
        return {row[0]: row[2].removeprefix("vxlan_over_ipv4/") for row in rows}

    def column(self, table: str, column: str, record: str) -> str:
        """Return one column of a row of hardware_vtep, as vtep-ctl prints it."""
        return self.vtep_ctl("get", table, record, column)

    # hardware_vtep past vtep-ctl, which knows neither keys of locators nor all that NVCs write

    def snapshot(
        self, *tables: str, database: str = "hardware_vtep"
    ) -> dict[str, list[dict[str, Any]]]:
        """Return the rows of tables at one moment, with sets, maps and UUIDs as Python has them."""
        selects = [{"op": "select", "table": table, "where": []} for table in tables]
        results = self.transact(*selects, database=database)
        return {
            table: [
                {column: _from_json(value) for column, value in row.items()}
                for row in result["rows"]
            ]
            for table, result in zip(tables, results, strict=True)
        }

    def rows(self, table: str, database: str = "hardware_vtep") -> list[dict[str, Any]]:
        """Return the rows of a table."""
        return self.snapshot(table, database=database)[table]

    def row(self, table: str, **values: Any) -> dict[str, Any]:
        """Return the one row of a table with these values."""
        (row,) = (row for row in self.rows(table) if values.items() <= row.items())
        return row

    def place(self, mac: str, *locator: str | int, logical_switch: str = "ls0") -> None:
        """Place a station behind a locator: an address, or an address and a key."""
        inserts, names = self._locators([locator])
        row = {
            "MAC": mac,
            "locator": names[0],
            "logical_switch": self.logical_switch(logical_switch),
        }
        self.transact(*inserts, _insert("Ucast_Macs_Remote", row))

    def replicate(
        self,
        *locators: tuple[str | int, ...],
        mac: str = "unknown-dst",
        logical_switch: str = "ls0",
    ) -> None:
        """Give an address of Mcast_Macs_Remote a new set of locators, or none at all."""
        switch = self.logical_switch(logical_switch)
        where = [["MAC", "==", mac], ["logical_switch", "==", switch]]
        delete = {"op": "delete", "table": "Mcast_Macs_Remote", "where": where}
        if not locators:
            self.transact(delete)
            return
        inserts, names = self._locators(locators)
        locator_set = _insert("Physical_Locator_Set", {"locators": ["set", names]}, "all")
        row = {"MAC": mac, "locator_set": ["named-uuid", "all"], "logical_switch": switch}
        self.transact(delete, *inserts, locator_set, _insert("Mcast_Macs_Remote", row))

    def logical_switch(self, name: str) -> list[str]:
        """Return a reference to the row of a logical switch, as OVSDB's JSON has it."""
        return ["uuid", str(self.row("Logical_Switch", name=name)["_uuid"])]

    def _locators(self, locators: Any) -> tuple[list[dict[str, Any]], list[list[str]]]:
        """Return what inserts the locators that are not there, and references to all of them."""
        there = {(row["dst_ip"], row["tunnel_key"]): row for row in self.rows("Physical_Locator")}
        inserts, names = [], []
        for number, (address, *key) in enumerate(locators):
            if row := there.get((address, key[0] if key else ())):
                names.append(["uuid", str(row["_uuid"])])
                continue
            columns = {"encapsulation_type": "vxlan_over_ipv4", "dst_ip": address}
            columns |= {"tunnel_key": key[0]} if key else {}
            inserts.append(_insert("Physical_Locator", columns, f"l{number}"))
            names.append(["named-uuid", f"l{number}"])
        return inserts, names

    def wait(self, condition: Callable[[], T | None], what: str, timeout: float = PATIENCE) -> T:
        """Wait for a condition; show flows, groups, rows and logs if it does not come true."""
        result = wait_until(condition, what, timeout=timeout, evidence=self.evidence)
        assert result is not None
        return result

    def wait_for_log(self, text: str) -> None:
        """Wait until the application has said something."""
        self.wait(lambda: text in self.app.log_text, f"{text!r} in the log")

    def evidence(self) -> str:
        return f"{super().evidence()}\n--- application\n{self.app.log_text[-6000:]}"

    def stop(self) -> None:
        """Kill the application and both daemons: nothing of theirs is kept."""
        self.app.kill()
        super().stop()


@functools.cache
def _empty(schema: Path) -> bytes:
    """Return the file of an empty database; ovsdb-tool makes it once for all tests here."""
    with tempfile.TemporaryDirectory() as folder:
        run(["ovsdb-tool", "create", f"{folder}/db", str(schema)])
        return Path(folder, "db").read_bytes()


def _adding(port: str, number: int, bridge: str) -> list[str]:
    """Return the words by which ovs-vsctl makes a dummy port with this OpenFlow port number."""
    settings = ["type=dummy", f"ofport_request={number}"]
    return ["add-port", bridge, port, "--", "set", "interface", port, *settings]


def _insert(table: str, row: Mapping[str, Any], name: str | None = None) -> dict[str, Any]:
    operation = {"op": "insert", "table": table, "row": row}
    return {**operation, "uuid-name": name} if name else operation


def several(value: Any) -> tuple[Any, ...]:
    """Return a set column as a tuple: OVSDB writes a set of one as the one."""
    return value if isinstance(value, tuple) else (value,)


def _from_json(value: Any) -> Any:
    """Return a value of RFC 7047 as a tuple, a dictionary, a UUID or what it is."""
    if not isinstance(value, list):
        return value
    kind, content = value
    if kind == "set":
        return tuple(map(_from_json, content))
    if kind == "map":
        return {_from_json(key): _from_json(each) for key, each in content}
    return UUID(content)
