"""A server's schema, reduced to our columns, with empty ones for those that it lacks."""

from collections.abc import Mapping, Sequence
from typing import Any

import ovs.db.schema
from ovs.db import error, idl

from .errors import Unusable

NEEDED = None
"""In place of a type: a column that every schema must have."""
SET: Mapping[str, Any] = {"key": "string", "min": 0, "max": "unlimited"}
MAP: Mapping[str, Any] = {"key": "string", "value": "string", "min": 0, "max": "unlimited"}
TEXT, NUMBER = "string", "integer"
"""Types for columns that a schema may lack: an empty set, an empty map, no text, or 0."""

Columns = Mapping[str, Mapping[str, Any]]
"""Our columns by tables and names, each with NEEDED or its type where a schema lacks it."""
Missing = Mapping[str, Sequence[str]]
"""Names of columns by their tables."""


class NoTable:
    """A table that the schema lacks: it has no rows."""

    def __init__(self) -> None:
        self.rows: dict[Any, Any] = {}


def missing(schema: Any, columns: Columns) -> dict[str, tuple[str, ...]]:
    """Return those of the columns that a valid schema lacks."""
    lacks, tables = {}, schema["tables"]
    for table, names in columns.items():
        present = tables[table]["columns"] if table in tables else ()
        absent = tuple(name for name in names if name not in present)
        if absent:
            lacks[table] = absent
    return lacks


def check(schema: Any, columns: Columns) -> None:
    """Raise Unusable for an invalid schema, and for one that lacks a column that is needed."""
    try:
        ovs.db.schema.DbSchema.from_json(schema)
    except (error.Error, LookupError, TypeError, AttributeError, ValueError) as reason:
        raise Unusable(f"no schema: {reason}") from None
    needed = {
        table: tuple(name for name in names if columns[table][name] is NEEDED)
        for table, names in missing(schema, columns).items()
    }
    if any(needed.values()):
        version = schema.get("version", "without a version")
        raise Unusable(f"its schema {version} is too old for us: no {text_of(needed)}")


def helper_for(schema: Any, columns: Columns) -> Any:
    """Return a helper for the IDL with our columns of a schema that passed check().

    Columns that it lacks always have the empty value of their type, because the IDL does not
    request columns that are declared read-only.
    """
    lacks = missing(schema, columns)
    tables = dict(schema["tables"])
    for table, names in lacks.items():
        if table in tables:
            empty = {name: {"type": columns[table][name]} for name in names}
            tables[table] = {**tables[table], "columns": {**tables[table]["columns"], **empty}}
    helper = idl.SchemaHelper(None, {**schema, "tables": tables})
    for table in columns.keys() & tables.keys():
        helper.register_columns(table, list(columns[table]), list(lacks.get(table, ())))
    return helper


def tables_of(database: idl.Idl, missing: Missing) -> dict[str, Any]:
    """Return the tables of an IDL, and empty ones in place of those that the schema lacks."""
    return {**{table: NoTable() for table in missing}, **database.tables}


def text_of(columns: Missing) -> str:
    """Return the names of columns for a message."""
    names = (f"{table}.{name}" for table in columns for name in columns[table])
    return ", ".join(sorted(names))
