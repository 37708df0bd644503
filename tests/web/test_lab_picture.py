"""The picture of a lab in a browser: the texts are as wide as its layout takes them to be."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from sim.picture.cards import scene
from sim.picture.layout import draw
from sim.picture.svg import write
from sim.status.values import Lab
from tests.sim.reports import a_lab, with_faults
from tests.web.browser import a_browser, prefer

BOXES = """
return [...document.querySelectorAll("text")].map(each => {
    const box = each.getBBox();
    return [each.firstChild.textContent, box.x, box.y, box.x + box.width, box.y + box.height];
});
"""
PAPER = 'return getComputedStyle(document.querySelector(".paper")).fill'

LABS = {
    "twenty": a_lab(20),
    "long names": with_faults(a_lab(2, 2, ("long " * 50, "longer " * 50)), "a fault " * 50),
}


@pytest.mark.parametrize("name", LABS)
def test_no_two_texts_overlap(name: str, tmp_path: Path) -> None:
    boxes = shown(LABS[name], tmp_path)
    assert len(boxes) > 30
    overlapping = [
        (one[0], other[0])
        for one, other in itertools.combinations(boxes, 2)
        if one[1] < other[3] and other[1] < one[3] and one[2] < other[4] and other[2] < one[4]
    ]
    assert overlapping == []


def shown(lab: Lab, folder: Path) -> list[tuple[Any, ...]]:
    """Return each text of the picture, with the left, top, right and bottom of what is drawn."""
    picture = folder / "lab.svg"
    picture.write_text(write(draw(scene(lab))))
    with a_browser(folder) as browser:
        browser.get(picture.as_uri())
        boxes: list[tuple[Any, ...]] = browser.execute_script(BOXES)
        papers = []
        for scheme in ("light", "dark"):
            prefer(browser, scheme)
            papers.append(browser.execute_script(PAPER))
    assert papers == ["rgb(255, 255, 255)", "rgb(13, 17, 23)"]
    return boxes
