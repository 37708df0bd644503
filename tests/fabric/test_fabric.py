"""The tour of `python -m sim fabric` with three VTEPs, and what else a fabric is to stand."""

from __future__ import annotations

import pytest

from sim.fabric_tour import TOUR


@pytest.mark.parametrize("step", TOUR.steps, ids=lambda step: step.title)
def test_the_tour(fabric, step):
    """One step after the other; each stands on those before it."""
    step.do(fabric)
    print(step.prove(fabric))
