"""docs/schema.md has every layer-2 column and every fault, and the tests that it names exist."""

import ast
import json
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, code, section, table

PAGE = ROOT / "docs" / "schema.md"
SCHEMA = json.loads(Path("/usr/share/openvswitch/vtep.ovsschema").read_text())
LEFT_OUT = {"Logical_Router", "Arp_Sources_Local", "Arp_Sources_Remote", "ACL", "ACL_entry"}
OF_SWITCH = {
    "mac_table_exhaustion",
    "tunnel_exhaustion",
    "lr_switch_bindings_fault",
    "lr_static_routes_fault",
    "lr_creation_fault",
    "lr_support_fault",
    "unspecified_fault",
    "unsupported_source_node_replication",
}
OF_PORT = {"invalid_vlan_map", "invalid_ACL_binding", "unspecified_fault"}


def columns_of_layer_2():
    return {
        f"{name}.{column}"
        for name, content in SCHEMA["tables"].items()
        if name not in LEFT_OUT
        for column in content["columns"]
    }


def test_every_column_of_layer_2_is_there_once():
    named = [code(row["column"]) for row in table(PAGE, "Columns")]
    assert sorted(named) == sorted([column] for column in columns_of_layer_2())


def test_the_rest_of_the_schema_is_named_as_left_out():
    assert set(code(section(PAGE, "Left out"))) >= LEFT_OUT
    assert SCHEMA["tables"].keys() >= LEFT_OUT


@pytest.mark.parametrize("heading", ["Columns", "Faults"])
def test_no_cell_is_empty(heading):
    for row in table(PAGE, heading):
        assert all(row.values()), row


def strings_of_the_code():
    """Return every string in the application's code."""
    for path in (ROOT / "vtep_ofapp").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_every_fault_that_is_raised_is_there_and_every_other_is_left_out():
    rows = [(code(row["entry"])[0], row["of the"]) for row in table(PAGE, "Faults")]
    assert {entry for entry, of in rows if of == "switch"} <= OF_SWITCH
    assert {entry for entry, of in rows if of == "port"} <= OF_PORT
    raised = {entry for entry, _ in rows}
    assert raised == (OF_SWITCH | OF_PORT) & set(strings_of_the_code())
    assert (OF_SWITCH | OF_PORT) - raised <= set(code(section(PAGE, "Left out")))


def test_every_test_that_is_named_exists():
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
