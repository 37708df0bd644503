"""The steps of `python -m sim demo --routing`, on one VTEP and on two."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sim.demo.routed import RoutedLab
from sim.demo.routing_tour import ALONE, DISTRIBUTED
from sim.demo.steps import Step
from tests.lab.trial import ForkedApp, new_lab_name, standing


@pytest.fixture(scope="module")
def routed() -> Iterator[RoutedLab]:
    with standing(RoutedLab(new_lab_name(), ForkedApp)) as lab:
        yield lab


@pytest.mark.parametrize(
    "step", [*ALONE.steps, *DISTRIBUTED.steps], ids=lambda step: str(step.title)
)
def test_the_steps(routed: RoutedLab, step: Step[RoutedLab]) -> None:
    """One step after the other; each stands on those before it."""
    step.do(routed)
    print(step.prove(routed))
