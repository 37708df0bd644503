#!/usr/bin/python3
"""Three VTEPs in Mininet, each with an Open vSwitch and a vtep_ofapp of its own.

Each VTEP has a host of the logical switch red and one of blue. The tunnels lead through u0, a
network of their own. The script is the NVC: it writes to the VTEP databases with vtep-ctl. The
Open vSwitch of this machine is not used. See docs/mininet.md.
"""

import shlex
import shutil
import sys

from mininet.cli import CLI
from mininet.log import setLogLevel
from mininet.net import Mininet
from mininet.node import Host, Switch
from mininet.topo import Topo

LOGICAL_SWITCHES = {"red": 5001, "blue": 5002}
"""The VNI of each logical switch."""
VTEPS = {"s1": "10.2.2.1", "s2": "10.2.2.2", "s3": "10.2.2.3"}
"""The tunnel IP of each VTEP."""
MTU = 1450
"""Bytes of a host's packets: VXLAN adds 50, and the network of the tunnels has 1500."""
TOOLS = ("ethtool", "ovs-vswitchd", "vtep-ctl", "vtep-ofapp")

DATABASES_AND_BRIDGE = """
ip link set lo up
ovsdb-tool create /etc/openvswitch/ovs.db /usr/share/openvswitch/vswitch.ovsschema
ovsdb-tool create /etc/openvswitch/vtep.db /usr/share/openvswitch/vtep.ovsschema
ovsdb-server --detach --pidfile --log-file --remote=punix:/run/openvswitch/db.sock \
    /etc/openvswitch/ovs.db /etc/openvswitch/vtep.db
ovs-vswitchd --detach --pidfile --log-file unix:/run/openvswitch/db.sock
ovs-vsctl add-br {vtep} -- set bridge {vtep} datapath_type=netdev
vtep-ctl add-ps {vtep} -- set Physical_Switch {vtep} tunnel_ips={tunnel_ip}
"""
# The MAC of br-phy is not that of its port, and the kernel answers ARP for br-phy alone: else it
# would take what Open vSwitch takes from the port, too, and refuse each packet by ICMP.
TUNNEL_ADDRESS = """
sysctl -q net.ipv4.conf.all.arp_ignore=1
ovs-vsctl add-br br-phy -- set bridge br-phy datapath_type=netdev \
    other_config:hwaddr=02:00:00:00:10:0{number} -- add-port br-phy {vtep}-up
ip addr add {tunnel_ip}/24 dev br-phy
ip link set br-phy up
"""
APPLICATION = "vtep-ofapp --detach --log-file /var/log/openvswitch/vtep_ofapp.log"


def run(node, commands):
    """Run commands on a node, one a line. Raises SystemExit if one fails."""
    for command in commands.strip().splitlines():
        out, err, code = node.pexec(shlex.split(command))
        if code != 0:
            raise SystemExit(f"{node.name}: {command}: {(err or out).strip()}")


class TenantHost(Host):
    """A host that finishes its checksums, as the userspace datapath needs, with a smaller MTU."""

    def config(self, **params):
        """Configure the host as Mininet does, then its offloading and MTU."""
        super().config(**params)
        interface = self.defaultIntf().name
        run(self, f"ethtool -K {interface} tx off")
        run(self, f"ip link set {interface} mtu {MTU}")


class Underlay(Switch):
    """The network between the VTEPs: a bridge of the kernel."""

    controlIntf = None  # Mininet asks each switch for it

    def start(self, controllers):
        """Make the bridge."""
        run(self, "ip link add bridge type bridge")
        run(self, "ip link set bridge up")
        for interface in self.intfNames():
            run(self, f"ethtool -K {interface} tx off")
            run(self, f"ip link set {interface} master bridge")


class Vtep(Switch):
    """A VTEP. The tools on it find its own Open vSwitch: these folders are its own."""

    FOLDERS = ("/run/openvswitch", "/etc/openvswitch", "/var/log/openvswitch")

    controlIntf = None

    def __init__(self, name, tunnel_ip, **params):
        """Make a namespace; the tunnel IP is that of br-phy."""
        super().__init__(name, privateDirs=list(self.FOLDERS), **params)
        self.tunnel_ip = tunnel_ip
        self.app = None

    def start(self, controllers):
        """Start Open vSwitch, and begin to start the application."""
        words = {
            "vtep": self.name,
            "tunnel_ip": self.tunnel_ip,
            "number": self.tunnel_ip.rpartition(".")[2],
        }
        run(self, DATABASES_AND_BRIDGE.format(**words))
        for each in LOGICAL_SWITCHES:
            run(self, f"ovs-vsctl add-port {self.name} {self.name}-{each}")
        run(self, TUNNEL_ADDRESS.format(**words))
        self.app = self.popen(shlex.split(APPLICATION))

    def finish_start(self):
        """Point the bridge at the application, and wait until its ports are in the database.

        The other VTEPs run. Open vSwitch drops the first frame to one whose MAC it does not know.
        """
        for each in VTEPS.values():
            run(self, f"ping -c 1 -w 30 {each}")
        _, err = self.app.communicate()
        if self.app.returncode != 0:
            raise SystemExit(f"{self.name}: {err.decode().strip().splitlines()[-1]}")
        run(self, f"ovs-vsctl set-controller {self.name} tcp:127.0.0.1:6653")
        for each in LOGICAL_SWITCHES:
            run(self, f"vtep-ctl --timeout=60 wait-until Physical_Port {self.name}-{each}")

    def stop(self, deleteIntfs=True):
        """End the application and the daemons."""
        for daemon in ("vtep_ofapp", "ovs-vswitchd", "ovsdb-server"):
            self.cmd(f"ovs-appctl -t {daemon} exit")
        super().stop(deleteIntfs)


class ThreeVteps(Topo):
    """The VTEPs around u0, and a host of each logical switch behind each of them."""

    def build(self):
        """Make the nodes and links; ports of a VTEP have the name of what they lead to."""
        underlay = self.addSwitch("u0", cls=Underlay, inNamespace=True)
        for number, (name, tunnel_ip) in enumerate(VTEPS.items(), 1):
            vtep = self.addSwitch(name, cls=Vtep, inNamespace=True, tunnel_ip=tunnel_ip)
            self.addLink(underlay, vtep, intfName2=f"{name}-up")
            for each in LOGICAL_SWITCHES:
                host = self.addHost(f"{each}{number}", cls=TenantHost)
                self.addLink(host, vtep, intfName2=f"{name}-{each}")


def configure(net, vtep):
    """Be the NVC of a VTEP: bind its ports, and say behind which VTEP the other hosts are."""
    for each, vni in LOGICAL_SWITCHES.items():
        run(
            vtep,
            f"""
vtep-ctl add-ls {each} -- set Logical_Switch {each} tunnel_key={vni}
vtep-ctl bind-ls {vtep.name} {vtep.name}-{each} 0 {each}
vtep-ctl set-replication-mode {each} source_node
""",
        )
        for number, tunnel_ip in enumerate(VTEPS.values(), 1):
            if tunnel_ip != vtep.tunnel_ip:
                mac = net[f"{each}{number}"].MAC()
                run(vtep, f"vtep-ctl add-mcast-remote {each} unknown-dst {tunnel_ip}")
                run(vtep, f"vtep-ctl add-ucast-remote {each} {mac} {tunnel_ip}")


def main():
    """Build the network, and give the terminal to Mininet's prompt. Raises SystemExit."""
    if missing := [tool for tool in TOOLS if shutil.which(tool) is None]:
        raise SystemExit(f"{sys.argv[0]}: not found in PATH: {' '.join(missing)}")
    setLogLevel("info")
    net = Mininet(topo=ThreeVteps(), controller=None, autoSetMacs=True)
    try:
        net.start()
        vteps = [net[name] for name in VTEPS]
        for vtep in vteps:
            vtep.finish_start()
        for vtep in vteps:
            configure(net, vtep)
        CLI(net)
    finally:
        net.stop()


if __name__ == "__main__":
    main()
