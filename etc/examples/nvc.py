"""A small NVC: it configures one VTEP by its hardware_vtep database, and tells what that learns.

usage: nvc.py REMOTE    such as unix:/var/run/openvswitch/db.sock or tcp:192.0.2.11:6640
"""

import logging
import signal
import sys

from ovsdbapp.backend.ovs_idl import connection, event
from ovsdbapp.event import RowEventHandler
from ovsdbapp.schema.hardware_vtep.impl_idl import HwVtepApiIdlImpl

SWITCH = "br0"  # the Physical_Switch, which has the name of the bridge
NETWORK, VNI = "ls0", 33  # the logical switch
BINDINGS = {"p0": 0, "p1": 0}  # ports, with the VLAN that belongs to it; 0 is for untagged frames
STATIONS = {"00:11:22:33:44:55": "10.2.2.3"}  # who is behind which remote VTEP
FLOOD_TO = ["10.2.2.2", "10.2.2.3"]  # who gets broadcast, and what is for unknown stations


class Learned(event.RowEvent):
    """Tells of each station that the VTEP learns or forgets."""

    def __init__(self):
        super().__init__((self.ROW_CREATE, self.ROW_DELETE), "Ucast_Macs_Local", None)

    def run(self, event, row, old):
        """Tell of one."""
        print("learned" if event == self.ROW_CREATE else "forgotten", row.MAC, flush=True)


class Idl(connection.OvsdbIdl):
    """The copy of the database."""

    handler = RowEventHandler()

    def notify(self, event, row, updates=None):
        """Pass a change of a row on to those that watch it."""
        self.handler.notify(event, row, updates)


def configure(nvc):
    """Make the database say what is above. A second time changes nothing."""
    network = nvc.add_ls(NETWORK, may_exist=True).execute(check_error=True).uuid
    with nvc.transaction(check_error=True) as change:  # for the VTEP it is one change, or none
        settings = ("tunnel_key", VNI), ("replication_mode", "source_node")
        change.add(nvc.db_set("Logical_Switch", NETWORK, *settings))
        for port, vlan in BINDINGS.items():
            change.add(nvc.bind_ls(SWITCH, port, vlan, NETWORK))
        change.add(nvc.clear_remote_macs(NETWORK))
        at = {each: locator(nvc, change, each) for each in {*STATIONS.values(), *FLOOD_TO}}
        for mac, vtep in STATIONS.items():
            row = {"MAC": mac, "logical_switch": network, "locator": at[vtep]}
            change.add(nvc.db_create("Ucast_Macs_Remote", **row))
        everyone = nvc.db_create("Physical_Locator_Set", locators=[at[each] for each in FLOOD_TO])
        row = {"MAC": "unknown-dst", "logical_switch": network, "locator_set": change.add(everyone)}
        change.add(nvc.db_create("Mcast_Macs_Remote", **row))


def locator(nvc, change, vtep):
    """Return the row of a remote VTEP. There can be one only, so it is looked up first."""
    found = nvc.db_find_rows("Physical_Locator", ("dst_ip", "=", vtep)).execute(check_error=True)
    row = {"dst_ip": vtep, "encapsulation_type": "vxlan_over_ipv4"}
    return found[0].uuid if found else change.add(nvc.db_create("Physical_Locator", **row))


def main(remote):
    """Configure the VTEP and watch it. What cannot be done is said in one line."""
    logging.disable()  # ovsdbapp logs what it raises
    try:
        idl = Idl.from_server(remote, "hardware_vtep")
        idl.handler.watch_event(Learned())
        configure(HwVtepApiIdlImpl(connection.Connection(idl, timeout=10)))
    except Exception as error:
        sys.exit(f"nvc.py: {error}")
    signal.pause()  # the connection has a thread of its own


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it without a traceback
    main(sys.argv[1]) if len(sys.argv) == 2 else sys.exit(__doc__)
