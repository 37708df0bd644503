"""Faults: a reason for people, and the word of vtep(5) for the fault column of a row.

A reason is worded where the fault is found: in a feature, or in a component of the loop.
"""

from dataclasses import dataclass
from enum import Enum
from uuid import UUID

from .texts import printable

PATIENCE = 5.0
"""Seconds before a missing row or tunnel is logged, as an NVC may configure it in steps."""
_LONGEST, _BEGINNING, _END = 1000, 600, 300
"""Characters of a subject or reason, and what is kept of one that is longer."""


class FaultWord(Enum):
    """The words that vtep(5) defines for fault columns."""

    MAC_TABLE_EXHAUSTION = "mac_table_exhaustion"
    TUNNEL_EXHAUSTION = "tunnel_exhaustion"
    LR_SWITCH_BINDINGS = "lr_switch_bindings_fault"
    LR_STATIC_ROUTES = "lr_static_routes_fault"
    LR_CREATION = "lr_creation_fault"
    LR_SUPPORT = "lr_support_fault"
    UNSUPPORTED_SOURCE_NODE_REPLICATION = "unsupported_source_node_replication"
    INVALID_VLAN_MAP = "invalid_vlan_map"
    INVALID_ACL_BINDING = "invalid_ACL_binding"
    INVALID_ACL = "invalid_acl"
    INVALID_ACL_ENTRY = "invalid_acl_entry"
    RESOURCE_SHORTAGE = "resource_shortage"
    UNSPECIFIED = "unspecified_fault"


class FaultTable(Enum):
    """The tables whose rows have a fault column, with the words that each may hold."""

    PHYSICAL_SWITCH = "Physical_Switch"
    PHYSICAL_PORT = "Physical_Port"
    LOGICAL_ROUTER = "Logical_Router"
    ACL = "ACL"
    ACL_ENTRY = "ACL_entry"

    @property
    def column(self) -> str:
        """The name of the fault column."""
        return _COLUMNS[self][0]

    @property
    def words(self) -> frozenset[FaultWord]:
        """The words that the fault column may hold."""
        return _COLUMNS[self][1]


_COLUMNS = {
    FaultTable.PHYSICAL_SWITCH: (
        "switch_fault_status",
        frozenset(
            {
                FaultWord.MAC_TABLE_EXHAUSTION,
                FaultWord.TUNNEL_EXHAUSTION,
                FaultWord.LR_SWITCH_BINDINGS,
                FaultWord.LR_STATIC_ROUTES,
                FaultWord.LR_CREATION,
                FaultWord.LR_SUPPORT,
                FaultWord.UNSUPPORTED_SOURCE_NODE_REPLICATION,
                FaultWord.UNSPECIFIED,
            }
        ),
    ),
    FaultTable.PHYSICAL_PORT: (
        "port_fault_status",
        frozenset(
            {FaultWord.INVALID_VLAN_MAP, FaultWord.INVALID_ACL_BINDING, FaultWord.UNSPECIFIED}
        ),
    ),
    FaultTable.LOGICAL_ROUTER: (
        "LR_fault_status",
        frozenset({FaultWord.INVALID_ACL_BINDING, FaultWord.UNSPECIFIED}),
    ),
    FaultTable.ACL: (
        "acl_fault_status",
        frozenset({FaultWord.INVALID_ACL, FaultWord.RESOURCE_SHORTAGE, FaultWord.UNSPECIFIED}),
    ),
    FaultTable.ACL_ENTRY: (
        "acle_fault_status",
        frozenset({FaultWord.INVALID_ACL_ENTRY, FaultWord.UNSPECIFIED}),
    ),
}


@dataclass(frozen=True, slots=True)
class FaultRow:
    """A row with a fault column."""

    table: FaultTable
    uuid: UUID

    def shows(self, word: FaultWord) -> "FaultEntry":
        """Return an entry with the word for the fault column of this row."""
        return FaultEntry(self, word)


@dataclass(frozen=True, slots=True)
class FaultEntry:
    """A word in the fault column of a row. Raises ValueError if vtep(5) has no such word there."""

    row: FaultRow
    word: FaultWord

    def __post_init__(self) -> None:
        if self.word not in self.row.table.words:
            raise ValueError(f"{self.row.table.column} has no {self.word.value}")


@dataclass(frozen=True, slots=True)
class Fault:
    """A configuration problem: logged once, and shown to the NVC in a fault column while it lasts.

    ``subject`` names the row for people. ``entry`` goes into the fault column; it is None if the
    NVC need not know. The fault is logged only if it lasts for ``patience`` seconds, because an
    NVC or an operator may configure things in several steps. ``is_information`` lowers the level
    of the log line, for a configuration that may well be intended.
    """

    subject: str
    reason: str
    entry: FaultEntry | None = None
    patience: float = 0.0
    is_information: bool = False

    def __str__(self) -> str:
        """Return one line, without the middle of a subject or reason that is very long."""
        return f"{_line(self.subject)}: {_line(self.reason)}"


def _line(text: str) -> str:
    """Return a text as a part of one line: names and other columns of rows may hold anything."""
    if len(text) > _LONGEST:
        text = f"{text[:_BEGINNING]} … {text[-_END:]}"
    return printable(text)


def of_switch(uuid: UUID, word: FaultWord = FaultWord.UNSPECIFIED) -> FaultEntry:
    """Return an entry for the fault column of a Physical_Switch row."""
    return FaultRow(FaultTable.PHYSICAL_SWITCH, uuid).shows(word)


def of_port(uuid: UUID, word: FaultWord = FaultWord.UNSPECIFIED) -> FaultEntry:
    """Return an entry for the fault column of a Physical_Port row."""
    return FaultRow(FaultTable.PHYSICAL_PORT, uuid).shows(word)
