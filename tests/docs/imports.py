"""Which module of a package imports which, as the code says it."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator, Mapping, Set
from importlib.util import resolve_name
from pathlib import Path

from tests.docs.pages import ROOT


def module_of(path: Path) -> str:
    """Return the full name of the module in a file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def files_of(package: Path) -> dict[str, Path]:
    """Return the files of a package, a folder, by the full names of their modules."""
    return {module_of(path): path for path in package.rglob("*.py")}


@functools.cache
def imports_within(package: Path) -> dict[str, set[str]]:
    """Return, for each module of a package, the full names of all modules that it imports."""
    files = files_of(package)
    return {module: set(_imports_of(module, files)) for module in files}


def without_packages(module: str, imported: Set[str]) -> set[str]:
    """Return imported modules without the packages that hold the module itself.

    A package is no part of a circle that its own modules make by naming it.
    """
    return {each for each in imported if not module.startswith(f"{each}.")}


def _imports_of(module: str, files: Mapping[str, Path]) -> Iterator[str]:
    path = files[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = resolve_name("." * node.level + (node.module or ""), package)
            for alias in node.names:
                inner = f"{source}.{alias.name}"
                yield inner if inner in files else source
