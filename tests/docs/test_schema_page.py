"""docs/schema.md has every layer-2 column and every fault, and the tests that it names exist."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, code, raised_words, section, table
from vtep_ofapp.values.faults import FaultTable

PAGE = ROOT / "docs" / "schema.md"
SCHEMA = json.loads(Path("/usr/share/openvswitch/vtep.ovsschema").read_text())
LEFT_OUT: set[str] = set()
OF_SWITCH = {word.value for word in FaultTable.PHYSICAL_SWITCH.words}
OF_PORT = {word.value for word in FaultTable.PHYSICAL_PORT.words}
OF_ACL = {word.value for word in FaultTable.ACL.words}
OF_ENTRY = {word.value for word in FaultTable.ACL_ENTRY.words}


def columns_of_layer_2() -> set[str]:
    return {
        f"{name}.{column}"
        for name, content in SCHEMA["tables"].items()
        if name not in LEFT_OUT
        for column in content["columns"]
    }


def test_every_column_of_layer_2_is_there_once() -> None:
    named = [code(row["column"]) for row in table(PAGE, "Columns")]
    assert sorted(named) == sorted([column] for column in columns_of_layer_2())


def test_the_rest_of_the_schema_is_named_as_left_out() -> None:
    assert set(code(section(PAGE, "Left out"))) >= LEFT_OUT
    assert SCHEMA["tables"].keys() >= LEFT_OUT


@pytest.mark.parametrize("heading", ["Columns", "Faults"])
def test_no_cell_is_empty(heading: str) -> None:
    for row in table(PAGE, heading):
        assert all(row.values()), row


def test_every_fault_that_is_raised_is_there_and_every_other_is_left_out() -> None:
    rows = [(code(row["entry"])[0], row["of the"]) for row in table(PAGE, "Faults")]
    assert {entry for entry, of in rows if of == "switch"} <= OF_SWITCH
    assert {entry for entry, of in rows if of == "port"} <= OF_PORT
    assert {entry for entry, of in rows if of == "access list"} <= OF_ACL
    assert {entry for entry, of in rows if of == "entry"} <= OF_ENTRY
    raised = {entry for entry, _ in rows}
    assert raised == raised_words()
    assert (OF_SWITCH | OF_PORT) - raised <= set(code(section(PAGE, "Left out")))


def test_every_test_that_is_named_exists() -> None:
    named = {
        test
        for heading in ("Columns", "Faults")
        for row in table(PAGE, heading)
        for test in code(row["shown by"])
    }
    for test in named:
        path, _, name = test.partition("::")
        defined = {
            node.name
            for node in ast.parse((ROOT / path).read_text()).body
            if isinstance(node, ast.FunctionDef)
        }
        assert name.startswith("test_"), test
        assert name in defined, test


def test_the_fault_columns_are_those_of_the_schema() -> None:
    columns = {
        (name, column)
        for name, content in SCHEMA["tables"].items()
        for column in content["columns"]
        if column.endswith("_fault_status")
    }
    assert {(each.value, each.column) for each in FaultTable} == columns
