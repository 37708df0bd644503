"""The figures that a monitoring system scrapes."""

import pytest

from vtep_ofapp.engine.feature import Feature
from vtep_ofapp.engine.operator_view import Figure
from vtep_ofapp.engine.view import View
from vtep_ofapp.features import registry
from vtep_ofapp.values.events import Disconnected, PauseIs
from vtep_ofapp.web.metrics import of_features

from .app import App
from .asking import Asking


def test_they_are_those_of_the_switches_and_of_the_work(app: App) -> None:
    asking = Asking(app)
    empty = asking.json("metrics/show")
    assert (empty["is_ready"], empty["switches"]) == (False, [])
    connection = app.start()
    app.wait(1.0)
    shown = asking.json("metrics/show")
    switch = shown["switches"][0]
    assert shown["is_ready"]
    assert not shown["is_paused"]
    assert switch["is_connected"]
    assert (switch["connections"], switch["ports"], switch["bindings"]) == (1, 1, 1)
    assert switch["flows"] > 10
    assert switch["is_settled"]
    assert switch["dropped_frames"]["unknown-sender"] == 0
    works = {each["work"]: each["counts"] for each in shown["durations"]}
    assert works["read_back"][-1] == 1
    for counts in works.values():
        assert counts == sorted(counts)
        assert len(counts) == len(shown["bounds_s"]) + 1
    app.turn(PauseIs(paused=True))
    assert asking.json("metrics/show")["is_paused"]
    app.turn(Disconnected(connection))
    assert not asking.json("metrics/show")["switches"][0]["is_connected"]


def test_a_feature_adds_a_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its metric is made from the answer alone: the process of the metrics imports no feature."""
    made_up = Feature(figures=(Figure("made_up_total", "Letters of its name.", _letters),))
    monkeypatch.setattr(registry, "FEATURES", (*registry.FEATURES, made_up))
    app = App()
    app.start()
    shown = Asking(app).json("metrics/show")
    assert shown["switches"][0]["made_up_total"] == 3
    *others, last = (figure.metric(shown) for figure in of_features(shown))
    assert (last.type, last.documentation) == ("counter", "Letters of its name.")
    (sample,) = last.samples
    assert (sample.name, sample.labels, sample.value) == (
        "vtep_ofapp_bridge_made_up_total",
        {"bridge": "br0"},
        3.0,
    )
    assert ("vtep_ofapp_bridge_ports", 1.0) in {
        (sample.name, sample.value) for metric in others for sample in metric.samples
    }


def _letters(view: View) -> int:
    return len(view.name)
