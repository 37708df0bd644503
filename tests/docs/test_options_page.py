"""docs/options.md has each option with its default."""

from __future__ import annotations

from os_ken import cfg

from tests.docs.pages import ROOT, code, table
from vtep_ofapp.process.options import OPTIONS

PAGE = ROOT / "docs" / "options.md"


def test_each_option_is_there() -> None:
    said = {code(row["option"])[0]: row["default"].strip("`") for row in table(PAGE, "Our own")}
    there = {option.name: default_of(option) for option in OPTIONS}
    assert said == there


def default_of(option: cfg.Opt) -> str:
    """Return what the table says of an option: the sample has examples where there is none."""
    if option.default is None:
        return "none"
    return str(option.default if option.sample_default is None else option.sample_default)
