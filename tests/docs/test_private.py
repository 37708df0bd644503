"""Tests look at what they test from outside: they reach into nothing that is private."""

import ast
from collections.abc import Iterator

from tests.docs.pages import ROOT

PUBLIC = {"_asdict", "_exit", "_fields", "_make", "_replace"}
"""Names that begin like private ones and are none: those of named tuples, and os._exit()."""


def own(tree: ast.AST) -> set[str]:
    """Return the private names that a file itself gives to something."""
    functions = (each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef))
    attributes = (
        each.attr
        for each in ast.walk(tree)
        if isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store)
        if isinstance(each.value, ast.Name) and each.value.id in ("self", "cls")
    )
    return {*functions, *attributes}


def private(tree: ast.AST) -> Iterator[ast.Attribute]:
    """Yield where a file reaches into something private of another one."""
    known = own(tree) | PUBLIC
    for each in ast.walk(tree):
        if isinstance(each, ast.Attribute) and each.attr.startswith("_"):
            is_own = isinstance(each.value, ast.Name) and each.value.id in ("self", "cls")
            if not is_own and not each.attr.startswith("__") and each.attr not in known:
                yield each


def test_tests_reach_into_nothing_private() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{each.lineno}: {ast.unparse(each)}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for each in private(ast.parse(path.read_text()))
    ]
    assert not found


def test_what_is_private_is_found() -> None:
    (found,) = private(ast.parse("self._own = other._theirs\nmatch = key._replace(x=self._own)"))
    assert found.attr == "_theirs"
