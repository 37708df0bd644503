"""docs/architecture.md names every module, and its rules about imports hold."""

from __future__ import annotations

from graphlib import TopologicalSorter

from tests.docs.imports import files_of, imports_within, without_packages
from tests.docs.pages import ROOT, code, table

PAGE = ROOT / "docs" / "architecture.md"
PACKAGE = ROOT / "vtep_ofapp"
VALUES = {"values"}


FILES = files_of(PACKAGE)
IMPORTS = imports_within(FILES)


def room_of(module: str) -> str:
    """Return the room of a module of ours: a folder, or a file's own name."""
    return [*module.split("."), "__init__"][1]


def importers_of(library: str) -> set[str]:
    return {
        room_of(module)
        for module, imported in IMPORTS.items()
        if any(each.split(".")[0] == library for each in imported)
    }


def ours(module: str) -> set[str]:
    return {each for each in IMPORTS[module] if each in FILES}


def test_every_module_has_a_line_and_every_line_a_module() -> None:
    named = [name for row in table(PAGE, "Rooms") for name in code(row["file"])]
    there = {path.relative_to(PACKAGE).as_posix() for path in FILES.values()}
    folders = {name for name in there if name.endswith("/__init__.py")}
    assert sorted(named) == sorted(there - folders)


def test_imports_are_found() -> None:
    """The tests below would all pass if nothing were found."""
    assert "vtep_ofapp.pipeline.layout" in IMPORTS["vtep_ofapp.pipeline.egress"]
    assert "vtep_ofapp.loop.loop" in IMPORTS["vtep_ofapp"]
    assert importers_of("os_ken") >= {"openflow"}


def test_os_ken_is_imported_by_few() -> None:
    assert importers_of("os_ken") <= {"openflow", "process", "__init__"}


def test_ovs_is_imported_by_the_ovsdb_room_alone() -> None:
    assert importers_of("ovs") == {"ovsdb"}


def test_eventlet_is_imported_by_few() -> None:
    assert importers_of("eventlet") <= {"ovsdb", "loop", "__init__"}


def test_openflow_and_ovsdb_are_imported_by_the_application_class_alone() -> None:
    for module in FILES:
        rooms = {room_of(each) for each in ours(module)} - {room_of(module)}
        if rooms & {"openflow", "ovsdb"}:
            assert module == "vtep_ofapp"


def test_pipeline_imports_values_and_itself() -> None:
    for module in FILES:
        if room_of(module) == "pipeline":
            rooms = {room_of(each) for each in ours(module)}
            assert rooms <= {"pipeline", *VALUES}, module


def test_values_import_only_each_other() -> None:
    for module in FILES:
        if room_of(module) in VALUES:
            assert {room_of(each) for each in ours(module)} <= VALUES, module


def test_openflow_imports_values_the_pipeline_and_itself() -> None:
    for module in FILES:
        if room_of(module) == "openflow":
            rooms = {room_of(each) for each in ours(module)}
            assert rooms <= {"openflow", "pipeline", *VALUES}, module


def test_there_are_no_circles() -> None:
    graph = {module: without_packages(module, ours(module)) for module in FILES}
    order = list(TopologicalSorter(graph).static_order())
    assert order[-1] == "vtep_ofapp"


def test_the_rooms_that_the_rules_name_are_there() -> None:
    rooms = {room_of(module) for module in FILES}
    assert rooms >= {"openflow", "ovsdb", "pipeline", "loop", "process", *VALUES}
