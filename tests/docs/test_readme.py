"""README.md names commands that there are, and its picture is readable."""

from __future__ import annotations

import re

from tests.docs.pages import ROOT, targets_named, targets_there

README = ROOT / "README.md"


def test_targets_of_make() -> None:
    assert {"demo", "test"} <= targets_named(README) <= targets_there()


def test_the_picture_is_readable_in_light_and_in_dark() -> None:
    picture = (ROOT / "docs" / "vtep.svg").read_text()
    light, dark = picture.split("@media (prefers-color-scheme: dark)")
    colours = set(re.findall(r"^ +\.([a-z]+) \{.*#", light, re.MULTILINE))
    assert colours == set(re.findall(r"^ +\.([a-z]+) \{.*#", dark, re.MULTILINE))
