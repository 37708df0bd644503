"""docs/architecture.md names every module, and its rules about imports hold."""

from __future__ import annotations

from graphlib import TopologicalSorter

from tests.docs.imports import files_of, imports_within, without_packages
from tests.docs.pages import ROOT, code, table

PAGE = ROOT / "docs" / "architecture.md"
PACKAGE = ROOT / "vtep_ofapp"
VALUES = {"values"}


FILES = files_of(PACKAGE)


def part_of(module: str) -> str:
    """Return the folder of a module, or the module's own name if it is in none."""
    return [*module.split("."), "__init__"][1]


def importers_of(library: str) -> set[str]:
    return {
        part_of(module)
        for module, imported in imports_within(PACKAGE).items()
        if any(each.split(".")[0] == library for each in imported)
    }


def ours(module: str) -> set[str]:
    return {each for each in imports_within(PACKAGE)[module] if each in FILES}


def test_every_module_has_a_line_and_every_line_a_module() -> None:
    named = [name for row in table(PAGE, "Modules") for name in code(row["file"])]
    there = {path.relative_to(PACKAGE).as_posix() for path in FILES.values()}
    folders = {name for name in there if name.endswith("/__init__.py")}
    assert sorted(named) == sorted(there - folders)


def test_imports_are_found() -> None:
    """The tests below would all pass if nothing were found."""
    imports = imports_within(PACKAGE)
    assert "vtep_ofapp.pipeline.layout" in imports["vtep_ofapp.pipeline.egress"]
    assert "vtep_ofapp.loop.loop" in imports["vtep_ofapp.app"]
    assert importers_of("os_ken") >= {"openflow"}


def test_os_ken_is_imported_by_few() -> None:
    assert importers_of("os_ken") <= {"openflow", "process", "cli", "app"}


def test_ovs_is_imported_by_few() -> None:
    assert importers_of("ovs") == {"control", "ovsdb"}


def test_eventlet_is_imported_by_few() -> None:
    assert importers_of("eventlet") <= {"control", "ovsdb", "loop", "cli", "app"}


def test_openflow_and_ovsdb_are_imported_by_the_application_class_alone() -> None:
    for module in FILES:
        parts = {part_of(each) for each in ours(module)} - {part_of(module)}
        if module == "vtep_ofapp.control.server":
            assert ours(module) & {each for each in FILES if part_of(each) == "ovsdb"} == {
                "vtep_ofapp.ovsdb.poller"
            }
        elif parts & {"openflow", "ovsdb"}:
            assert module == "vtep_ofapp.app"


def test_pipeline_imports_values_and_itself() -> None:
    for module in FILES:
        if part_of(module) == "pipeline":
            parts = {part_of(each) for each in ours(module)}
            assert parts <= {"pipeline", *VALUES}, module


def test_values_import_only_each_other() -> None:
    for module in FILES:
        if part_of(module) in VALUES:
            assert {part_of(each) for each in ours(module)} <= VALUES, module


def test_openflow_imports_values_the_pipeline_and_itself() -> None:
    for module in FILES:
        if part_of(module) == "openflow":
            parts = {part_of(each) for each in ours(module)}
            assert parts <= {"openflow", "pipeline", *VALUES}, module


def test_web_imports_itself_and_the_client_of_control_sockets() -> None:
    for module in FILES:
        if part_of(module) == "web":
            others = {each for each in ours(module) if part_of(each) != "web"}
            allowed = {"vtep_ofapp.process.unixctl_client", "vtep_ofapp.version"}
            assert others <= allowed, module


def test_there_are_no_circles() -> None:
    graph = {module: without_packages(module, ours(module)) for module in FILES}
    order = list(TopologicalSorter(graph).static_order())
    assert order.index("vtep_ofapp.loop.loop") < order.index("vtep_ofapp.app")


def test_the_parts_that_the_rules_name_are_there() -> None:
    parts = {part_of(module) for module in FILES}
    assert parts >= {"openflow", "ovsdb", "pipeline", "loop", "process", *VALUES}


def test_there_are_no_circles_of_folders() -> None:
    graph: dict[str, set[str]] = {}
    for module in FILES:
        others = {part_of(each) for each in ours(module)} - {part_of(module)}
        graph.setdefault(part_of(module), set()).update(others)
    order = list(TopologicalSorter(graph).static_order())
    assert order.index("values") < order.index("engine") < order.index("features")
    assert order.index("features") < order.index("loop")
