"""The hardware_vtep database of one VTEP: read as a report, written as rows. Talks OVSDB."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import ovs.poller
from ovs.db import idl

from sim.lab.openvswitch import SCHEMA_FILES
from sim.nvc import acl_rows
from sim.nvc.acl_rows import AclWriter
from sim.nvc.bindings import put_bindings
from sim.nvc.distribution import Ends, Key, Report, Rows

LOG = logging.getLogger("nvc")

UNKNOWN_DST = "unknown-dst"

_ENCAPSULATION = "vxlan_over_ipv4"
_MARK = {"owner": "sim.nvc"}
"""In other_config of the logical switches that we made."""
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "Global": ("other_config",),
    "Physical_Switch": ("name", "ports", "tunnels"),
    "Physical_Port": ("name", "vlan_bindings", "acl_bindings"),
    "ACL": ("acl_name", "acl_entries"),
    "ACL_entry": (*acl_rows.ALWAYS, *acl_rows.MATCHED),
    "Tunnel": ("local", "remote", "bfd_params", "bfd_config_local", "bfd_config_remote"),
    "Logical_Switch": ("name", "tunnel_key", "replication_mode", "other_config"),
    "Physical_Locator": ("encapsulation_type", "dst_ip", "tunnel_key"),
    "Physical_Locator_Set": ("locators",),
    "Ucast_Macs_Local": ("MAC", "logical_switch", "locator", "ipaddr"),
    "Mcast_Macs_Local": ("MAC", "logical_switch", "locator_set"),
    "Ucast_Macs_Remote": ("MAC", "logical_switch", "locator", "ipaddr"),
    "Mcast_Macs_Remote": ("MAC", "logical_switch", "locator_set"),
    "Arp_Sources_Local": ("src_mac", "locator"),
    "Arp_Sources_Remote": ("src_mac", "locator"),
}
_SOONEST, _LATEST = 0.01, 1.0
"""Seconds after which a transaction that failed is tried again, at first and in the end."""
_BACKOFF = 1000
"""Milliseconds between attempts to connect; the library allows no less."""


class Database:
    """A connection that is made again whenever it ends, and one transaction at a time.

    `run` and `put` never block; `wait` registers what they wait for. What others wrote stays:
    logical switches of other names, with all that belongs to them, and bindings to them.
    """

    def __init__(self, name: str, remote: str) -> None:
        """Begin to connect when `run` is called."""
        self.name = name
        helper = idl.SchemaHelper(str(SCHEMA_FILES["vtep"]))
        for table, columns in _COLUMNS.items():
            helper.register_columns(table, list(columns))
        self._idl = idl.Idl(remote, helper, leader_only=False)
        self._idl._session.reconnect.set_backoff(_BACKOFF, _BACKOFF)
        self._tables: Mapping[str, Any] = self._idl.tables
        self._seqno = -1
        self._transaction: Any = None
        self._failures = 0
        self._retry_at: float | None = None
        self._warned_of: set[str] = set()
        self._is_connected = False

    def run(self) -> bool:
        """Handle what has come; return whether there may be something new to report or to put.

        That is never so before the database was read, and while the connection is lost.
        """
        self._idl.run()
        self._note_connection()
        is_over = self._transaction is not None and self._advance()
        is_new = self._seqno != self._idl.change_seqno
        is_due = self._retry_at is not None and time.monotonic() >= self._retry_at
        if not self._is_connected:
            self._retry_at = None
            return False
        self._seqno = self._idl.change_seqno
        return is_new or is_over or is_due

    def report(self) -> Report:
        """Return the report of what is in the database."""
        return Report(
            self._stations("Ucast_Macs_Local"),
            self._groups("Mcast_Macs_Local"),
            self._stations("Ucast_Macs_Remote"),
            self._groups("Mcast_Macs_Remote"),
            {_ends(row): row.bfd_config_local for row in self._tables["Tunnel"].rows.values()},
            self._ips("Ucast_Macs_Local"),
            self._ips("Ucast_Macs_Remote"),
            self._sources("Arp_Sources_Local"),
            self._sources("Arp_Sources_Remote"),
        )

    def put(self, rows: Rows) -> None:
        """Begin to write what differs; nothing happens while an earlier transaction is under way.

        `run` returns True when that is over: call again then.
        """
        if self._transaction is not None or not self._is_connected:
            return
        self._retry_at = None
        self._transaction = idl.Transaction(self._idl)
        _Writer(self._tables, self._transaction, self._warn).write(rows)
        self._advance()

    def wait(self, poller: ovs.poller.Poller) -> None:
        """Let the poller wake up when `run` has something to do."""
        self._idl.wait(poller)
        if self._retry_at is not None:
            poller.timer_wait(max(0, round((self._retry_at - time.monotonic()) * 1000)))

    def close(self) -> None:
        """Close the connection."""
        self._idl.close()

    def _advance(self) -> bool:
        """Carry the transaction on; return whether it is over and may be followed by another."""
        status = self._transaction.commit()
        if status == idl.Transaction.INCOMPLETE:
            return False
        transaction, self._transaction = self._transaction, None
        if status == idl.Transaction.UNCHANGED:
            self._failures = 0
            return False
        if status == idl.Transaction.SUCCESS:
            self._failures = 0
            return True
        # Another client may have changed the same rows: try again, after a growing pause.
        if status != idl.Transaction.TRY_AGAIN:
            LOG.warning("%s: %s: %s", self.name, status, transaction.get_error())
        pause = min(_LATEST, _SOONEST * 2**self._failures)
        self._failures += 1
        self._retry_at = time.monotonic() + pause
        return False

    def _note_connection(self) -> None:
        is_connected = self._idl.state == idl.Idl.IDL_S_MONITORING
        if is_connected != self._is_connected:
            self._is_connected = is_connected
            self._seqno = -1
            LOG.info("%s: %s", self.name, "connected" if is_connected else "connection lost")

    def _warn(self, problem: str) -> None:
        if problem not in self._warned_of:
            self._warned_of.add(problem)
            LOG.warning("%s: %s", self.name, problem)

    def _stations(self, table: str) -> dict[Key, str]:
        return {
            (row.logical_switch.name, row.MAC): row.locator.dst_ip
            for row in self._tables[table].rows.values()
        }

    def _ips(self, table: str) -> dict[Key, frozenset[str]]:
        found: dict[Key, set[str]] = {}
        for row in self._tables[table].rows.values():
            if row.ipaddr:
                found.setdefault((row.logical_switch.name, row.MAC), set()).add(row.ipaddr)
        return {key: frozenset(ips) for key, ips in found.items()}

    def _sources(self, table: str) -> dict[str, str]:
        return {row.src_mac: row.locator.dst_ip for row in self._tables[table].rows.values()}

    def _groups(self, table: str) -> dict[str, frozenset[str]]:
        return {
            row.logical_switch.name: _addresses(row)
            for row in self._tables[table].rows.values()
            if row.MAC == UNKNOWN_DST
        }


class _Writer:
    """Writes what the rows of a database should be, within one transaction."""

    def __init__(
        self, tables: Mapping[str, Any], transaction: Any, warn: Callable[[str], None]
    ) -> None:
        self._tables = tables
        self._transaction = transaction
        self._warn = warn
        self._locators = {
            row.dst_ip: row for row in self._rows("Physical_Locator") if not row.tunnel_key
        }

    def write(self, rows: Rows) -> None:
        """Write what differs, and nothing else."""
        switches = self._put_logical_switches(rows)
        ours = {
            row.name: row
            for row in self._rows("Logical_Switch")
            if row.name in rows.logical_switches or _is_marked(row)
        }
        self._put_bindings(rows, switches, ours)
        self._put_stations(rows, switches, ours)
        self._put_flooding(rows, switches, ours)
        self._put_sources(rows)
        self._remove_logical_switches(rows, ours)
        self._put_bfd(rows)
        AclWriter(self._tables, self._insert, self._warn).write(rows)

    def _put_logical_switches(self, rows: Rows) -> dict[str, Any]:
        there = {row.name: row for row in self._rows("Logical_Switch")}
        switches = {}
        for name, wanted in rows.logical_switches.items():
            row = there.get(name)
            if row is None:
                row = self._insert("Logical_Switch", name=name, other_config=_MARK)
            _set(row, "tunnel_key", [wanted.vni])
            _set(row, "replication_mode", [wanted.replication])
            switches[name] = row
        return switches

    def _put_bindings(
        self, rows: Rows, switches: Mapping[str, Any], ours: Mapping[str, Any]
    ) -> None:
        physical, name = self._rows("Physical_Switch"), lambda row: str(row.name)
        wanted = rows.bindings
        for problem in put_bindings(physical, "vlan_bindings", wanted, switches, ours, name):
            self._warn(problem)

    def _put_stations(
        self, rows: Rows, switches: Mapping[str, Any], ours: Mapping[str, Any]
    ) -> None:
        """Place stations, each with a row for each of its own addresses, or one without any.

        One that moves keeps its rows, so that it always has one locator; one whose address changes
        keeps its row as well.
        """
        missing = {key: set(rows.ips.get(key, ("",))) for key in rows.stations}
        left = []
        for row in list(self._rows("Ucast_Macs_Remote")):
            key = row.logical_switch.name, row.MAC
            if key[0] not in ours:
                continue
            if row.ipaddr in missing.get(key, ()):
                missing[key].remove(row.ipaddr)
                self._place(row, rows.stations[key])
            else:
                left.append((key, row))
        for key, row in left:
            if missing.get(key):
                row.ipaddr = missing[key].pop()
                self._place(row, rows.stations[key])
            else:
                row.delete()
        for (name, mac), ips in missing.items():
            for ip in ips:
                self._insert(
                    "Ucast_Macs_Remote",
                    MAC=mac,
                    logical_switch=switches[name],
                    locator=self._locator(rows.stations[name, mac]),
                    ipaddr=ip,
                )

    def _place(self, row: Any, address: str) -> None:
        if row.locator.dst_ip != address:
            row.locator = self._locator(address)

    def _put_flooding(
        self, rows: Rows, switches: Mapping[str, Any], ours: Mapping[str, Any]
    ) -> None:
        missing = dict(rows.flooding)
        for row in list(self._rows("Mcast_Macs_Remote")):
            name = row.logical_switch.name
            if name not in ours or row.MAC != UNKNOWN_DST:
                continue
            addresses = missing.pop(name, None)
            if addresses is None:
                row.delete()
            elif _addresses(row) != addresses:
                row.locator_set = self._locator_set(addresses)
        for name, addresses in missing.items():
            self._insert(
                "Mcast_Macs_Remote",
                MAC=UNKNOWN_DST,
                logical_switch=switches[name],
                locator_set=self._locator_set(addresses),
            )

    def _put_sources(self, rows: Rows) -> None:
        missing = dict(rows.sources)
        for row in list(self._rows("Arp_Sources_Remote")):
            address = missing.pop(row.src_mac, None)
            if address is None:
                row.delete()
            elif row.locator.dst_ip != address:
                row.locator = self._locator(address)
        for mac, address in missing.items():
            self._insert("Arp_Sources_Remote", src_mac=mac, locator=self._locator(address))

    def _put_bfd(self, rows: Rows) -> None:
        for physical in self._rows("Physical_Switch"):
            for tunnel in physical.tunnels:
                wanted = rows.bfd.get(_ends(tunnel))
                if wanted is not None:
                    _set(tunnel, "bfd_params", dict(wanted.params))
                    _set(tunnel, "bfd_config_remote", dict(wanted.config_remote))

    def _remove_logical_switches(self, rows: Rows, ours: Mapping[str, Any]) -> None:
        """Remove those that we made and that the plan no longer names.

        One that local MACs refer to has to stay, until the VTEP removes these because nothing is
        bound.
        """
        tables = ("Ucast_Macs_Local", "Mcast_Macs_Local")
        reported = {row.logical_switch.name for table in tables for row in self._rows(table)}
        for name in ours.keys() - rows.logical_switches.keys() - reported:
            ours[name].delete()

    def _locator_set(self, addresses: Iterable[str]) -> Any:
        # A set cannot be changed; one that no row uses any more goes by itself, like a locator.
        locators = [self._locator(each) for each in sorted(addresses)]
        return self._insert("Physical_Locator_Set", locators=locators)

    def _locator(self, address: str) -> Any:
        """Return the locator of an address, ours or one that another client wrote."""
        if address not in self._locators:
            self._locators[address] = self._insert(
                "Physical_Locator", encapsulation_type=_ENCAPSULATION, dst_ip=address
            )
        return self._locators[address]

    def _rows(self, table: str) -> Iterator[Any]:
        return iter(self._tables[table].rows.values())

    def _insert(self, table: str, **columns: Any) -> Any:
        row = self._transaction.insert(self._tables[table])
        for column, value in columns.items():
            setattr(row, column, value)
        return row


def _set(row: Any, column: str, value: Any) -> None:
    """Set a column that may be right already: a row that says the same is not written again."""
    if getattr(row, column, None) != value:
        setattr(row, column, value)


def _is_marked(switch: Any) -> bool:
    return all(switch.other_config.get(key) == value for key, value in _MARK.items())


def _ends(tunnel: Any) -> Ends:
    return tunnel.local.dst_ip, tunnel.remote.dst_ip


def _addresses(row: Any) -> frozenset[str]:
    return frozenset(each.dst_ip for each in row.locator_set.locators)
