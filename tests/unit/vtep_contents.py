"""Rows of hardware_vtep as transactions of an NVC make them, and what a server tells of these."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from .builders import FAR, FURTHER, MAC1, MAC2, MAC3, OWN, uuid

Tables = dict[str, dict[str, dict[str, Any]]]
"""Rows as JSON by table and UUID."""


@dataclass
class Contents:
    """The NVC's rows, from which each transaction makes others. UUIDs are used only once."""

    switches: dict[str, tuple[UUID, int | None]] = field(default_factory=dict)
    macs: dict[int, tuple[UUID, str, str, str]] = field(default_factory=dict)
    floods: dict[int, tuple[UUID, UUID, str, frozenset[str]]] = field(default_factory=dict)
    bindings: dict[int, str] = field(default_factory=dict)
    lists: dict[str, tuple[UUID, dict[int, UUID]]] = field(default_factory=dict)
    """Access lists by name, each with an entry for each TCP port that it denies."""
    list_bindings: dict[int, str] = field(default_factory=dict)
    locators: dict[str, UUID] = field(default_factory=dict)
    last: int = 0x100

    def new(self) -> UUID:
        self.last += 1
        return uuid(self.last * 7919 % 10007 << 32 | self.last)  # in no order

    def put_switch(self, name: str, key: int | None) -> None:
        row = self.switches[name][0] if name in self.switches else self.new()
        self.switches[name] = row, key

    def drop_switch(self, name: str) -> None:
        self.switches.pop(name, None)
        self.macs = {slot: row for slot, row in self.macs.items() if row[2] != name}
        self.floods = {slot: row for slot, row in self.floods.items() if row[2] != name}
        self.bindings = {vlan: of for vlan, of in self.bindings.items() if of != name}

    def replace_switch(self, name: str) -> None:
        """Delete a logical switch with all that it has, and make all of it again."""
        if name not in self.switches:
            return
        key, bindings = self.switches[name][1], dict(self.bindings)
        macs, floods = dict(self.macs), dict(self.floods)
        self.drop_switch(name)
        self.put_switch(name, key)
        self.macs = {
            slot: row if slot in self.macs else (self.new(), *row[1:]) for slot, row in macs.items()
        }
        self.floods = {
            slot: row if slot in self.floods else (self.new(), self.new(), *row[2:])
            for slot, row in floods.items()
        }
        self.bindings = bindings

    def put_mac(self, slot: int, mac: str, of: str, address: str) -> None:
        if of in self.switches:
            row = self.macs[slot][0] if slot in self.macs else self.new()
            self.macs[slot] = row, mac, of, address

    def replace_mac(self, slot: int) -> None:
        if slot in self.macs:
            self.macs[slot] = self.new(), *self.macs[slot][1:]

    def drop_mac(self, slot: int) -> None:
        self.macs.pop(slot, None)

    def put_flood(self, slot: int, of: str, addresses: frozenset[str]) -> None:
        if of in self.switches:
            self.floods[slot] = self.new(), self.new(), of, addresses

    def replace_flood(self, slot: int) -> None:
        if slot in self.floods:
            self.floods[slot] = self.new(), self.new(), *self.floods[slot][2:]

    def drop_flood(self, slot: int) -> None:
        self.floods.pop(slot, None)

    def bind(self, vlan: int, of: str | None) -> None:
        self.bindings.pop(vlan, None)
        if of in self.switches:
            self.bindings[vlan] = str(of)

    def put_list(self, name: str, denied: frozenset[int]) -> None:
        """Insert an access list, or change its entries: those for the same port stay."""
        row, entries = self.lists.get(name) or (self.new(), {})
        self.lists[name] = row, {each: entries.get(each) or self.new() for each in sorted(denied)}

    def replace_list(self, name: str) -> None:
        """Delete an access list with all that it has, and make all of it again."""
        if name in self.lists:
            entries = {each: self.new() for each in self.lists[name][1]}
            self.lists[name] = self.new(), entries

    def bind_list(self, vlan: int, name: str | None) -> None:
        self.list_bindings.pop(vlan, None)
        if name in self.lists:
            self.list_bindings[vlan] = str(name)

    def tables(self) -> Tables:
        """Return all rows; a locator is there for as long as a row names it."""
        named = {row[3] for row in self.macs.values()} | {OWN, FAR}
        named |= {address for row in self.floods.values() for address in row[3]}
        self.locators = {each: self.locators.get(each) or self.new() for each in sorted(named)}
        found: Tables = {
            "Logical_Switch": {
                str(row): {"name": name, "tunnel_key": _set([]) if key is None else key}
                for name, (row, key) in self.switches.items()
            },
            "Physical_Locator": {
                str(row): {"encapsulation_type": "vxlan_over_ipv4", "dst_ip": address}
                for address, row in self.locators.items()
            },
            "Physical_Locator_Set": {
                str(row): {"locators": _set(_ref(self.locators[each]) for each in addresses)}
                for _, row, _, addresses in self.floods.values()
            },
            "Mcast_Macs_Remote": {
                str(row): {"MAC": "unknown-dst", **self.of(of), "locator_set": _ref(locators)}
                for row, locators, of, _ in self.floods.values()
            },
            "Ucast_Macs_Remote": {
                str(row): {"MAC": mac, **self.of(of), "locator": _ref(self.locators[address])}
                for row, mac, of, address in self.macs.values()
            },
            "Physical_Switch": {
                str(uuid(0x51)): {
                    "name": "br0",
                    "tunnel_ips": OWN,
                    "management_ips": "192.0.2.1",
                    "description": "a switch",
                    "ports": _ref(uuid(0x52)),
                    "tunnels": _ref(uuid(0x53)),
                }
            },
            "Physical_Port": {
                str(uuid(0x52)): {
                    "name": "p0",
                    "vlan_bindings": [
                        "map",
                        [[vlan, _ref(self.switches[of][0])] for vlan, of in self.bindings.items()],
                    ],
                    "acl_bindings": self.acl_bindings(),
                }
            },
            **self.access_lists(),
            "Tunnel": {
                str(uuid(0x53)): {
                    "local": _ref(self.locators[OWN]),
                    "remote": _ref(self.locators[FAR]),
                    "bfd_params": ["map", [["enable", "false"]]],
                }
            },
        }
        return found

    def access_lists(self) -> Tables:
        entries = {
            str(entry): {
                "sequence": port,
                "direction": "ingress",
                "action": "deny",
                "protocol": 6,
                "dest_port_min": port,
                "dest_port_max": port,
            }
            for _, entries in self.lists.values()
            for port, entry in entries.items()
        }
        lists = {
            str(row): {"acl_name": name, "acl_entries": _set(map(_ref, entries.values()))}
            for name, (row, entries) in self.lists.items()
        }
        return {"ACL": lists, "ACL_entry": entries}

    def acl_bindings(self) -> list[Any]:
        return ["map", [[vlan, _ref(self.lists[of][0])] for vlan, of in self.list_bindings.items()]]

    def of(self, name: str) -> dict[str, Any]:
        return {"logical_switch": _ref(self.switches[name][0])}


def _ref(row: UUID) -> list[str]:
    return ["uuid", str(row)]


def _set(members: Any) -> list[Any]:
    return ["set", list(members)]


def updates(before: Tables, after: Tables) -> dict[str, Any]:
    """Return the table updates from one to the other, as the first version tells them."""
    found: dict[str, Any] = {}
    for table in after:
        old, new = before.get(table, {}), after[table]
        rows = {
            row: {
                **({"old": old[row]} if row in old else {}),
                **({"new": new[row]} if row in new else {}),
            }
            for row in old.keys() | new.keys()
            if old.get(row) != new.get(row)
        }
        if rows:
            found[table] = rows
    return found


def begin() -> Contents:
    """A network that works, with more rows than fit into a part."""
    contents = Contents()
    contents.put_switch("red", 5001)
    contents.put_switch("blue", 5002)
    contents.bind(0, "red")
    contents.bind(10, "blue")
    contents.put_flood(0, "red", frozenset({FAR}))
    for slot, mac in enumerate([MAC1, MAC2, MAC3]):
        contents.put_mac(slot, mac, "red", FURTHER)
    return contents
