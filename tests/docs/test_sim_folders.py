"""docs/architecture.md names the folders of sim/ and their commands; imports point one way."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from importlib import import_module

from tests.docs.imports import files_of, imports_within, without_packages
from tests.docs.pages import ROOT, code, table

PAGE = ROOT / "docs" / "architecture.md"
PACKAGE = ROOT / "sim"
FOLDERS = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
FILES = files_of(PACKAGE)
LINES = table(PAGE, "Labs")


def ours() -> dict[str, set[str]]:
    """Return, for each module of sim/, the modules of sim/ that it imports."""
    return {
        module: without_packages(module, imported & FILES.keys())
        for module, imported in imports_within(PACKAGE).items()
    }


def folder_of(module: str) -> str:
    """Return the folder of a module, or a file's own name."""
    return [*module.split("."), "__init__"][1]


def test_every_folder_has_a_line_and_every_line_a_folder() -> None:
    assert sorted(name for row in LINES for name in code(row["folder"])) == sorted(FOLDERS)


def test_the_line_of_a_folder_names_its_commands() -> None:
    for row in LINES:
        [folder] = code(row["folder"])
        declared = []
        if f"sim.{folder}.commands" in FILES:
            declared = import_module(f"sim.{folder}.commands").COMMANDS
        assert code(row["commands"]) == [command.name for command in declared], folder


def test_modules_make_no_circle() -> None:
    order = list(TopologicalSorter(ours()).static_order())
    assert order[-1] == "sim.__main__"


def test_a_folder_imports_only_those_above_it_in_the_table() -> None:
    above = {"progress", "waiting", "command"}
    for row in LINES:
        [folder] = code(row["folder"])
        above.add(folder)
        for module, imported in ours().items():
            if folder_of(module) == folder:
                assert {folder_of(each) for each in imported} <= above, module


def test_the_application_is_never_imported() -> None:
    for module, imported in imports_within(PACKAGE).items():
        assert not {each for each in imported if each.split(".")[0] == "vtep_ofapp"}, module


def test_messages_are_cut_from_streams_by_the_wire_alone() -> None:
    framing = "sim.wire.framing"
    importers = {folder_of(module) for module, imported in ours().items() if framing in imported}
    assert importers == {"wire"}


def test_files_functions_and_classes_are_short() -> None:
    for module, path in FILES.items():
        text = path.read_text()
        assert len(text.splitlines()) <= 400, module
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                assert lines <= (50 if isinstance(node, ast.FunctionDef) else 200), node.name
