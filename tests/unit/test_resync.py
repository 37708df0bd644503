"""A resync: what is wrong at the switch, or in our desired state, is mended; the rest stays."""

from vtep_ofapp.engine.desired import NOTHING
from vtep_ofapp.values.events import Disconnected, LockIs, ResyncWanted

from .app import App
from .asking import Asking


def test_a_switch_that_is_right_is_read_back_and_no_more(app: App) -> None:
    connection = app.start()
    app.written()
    app.turn(ResyncWanted("br0"))
    assert connection.take() == ["read back"]
    app.turn(connection.reading())
    assert connection.take() == []
    assert app.written() == []


def test_flows_that_others_changed_unseen_are_put_back(app: App) -> None:
    connection = app.start()
    before = dict(connection.switch.flows)
    connection.switch.flows.popitem()
    app.turn(ResyncWanted("br0"))
    app.turn(connection.reading())
    app.turn(connection.done())
    assert connection.switch.flows == before


def test_a_desired_state_that_went_wrong_is_computed_again(app: App) -> None:
    connection = app.start()
    before = dict(connection.switch.flows)
    state = app.components.switches.drivers["br0"].switch
    kind, owners = next((kind, each) for kind, each in state.owned.of.items() if each)
    for key, desired in owners.items():
        for flow in desired.flows:
            state.flows.want(flow.key, None)
        owners[key] = NOTHING._replace(uses=desired.uses)
    app.turn(ResyncWanted("br0"))
    app.turn(connection.reading())
    app.serve(connection)
    assert connection.switch.flows == before, kind


def test_an_unknown_switch_is_left_out(app: App) -> None:
    app.turn(ResyncWanted("br7"))
    assert Asking(app).fails("resync") is False


def test_the_command_waits_for_the_switch(app: App) -> None:
    connection = app.start()
    connection.switch.flows.popitem()
    app.time.now += 1.0
    answer = Asking(app).text_in_turns(["resync"], connection.reading, connection.done)
    heading, row = answer.splitlines()
    assert heading.split() == ["bridge", "flows", "groups", "differed", "problem", "is_settled"]
    assert row.split()[3:] == ["1", "-", "yes"]


def test_what_stands_in_its_way(app: App) -> None:
    connection = app.start()
    app.turn(LockIs(False))
    assert "this process is not its master" in Asking(app).text_in_turns(["resync"])
    app.turn(Disconnected(connection))
    assert "not connected" in Asking(app).text_in_turns(["resync"])
