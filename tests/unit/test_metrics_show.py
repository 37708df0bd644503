"""The figures that a monitoring system scrapes."""

from vtep_ofapp.values.events import Disconnected, PauseIs

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
