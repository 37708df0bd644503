"""A feature whose flows the switch refuses may want others in their place."""

from collections.abc import Iterable
from dataclasses import dataclass

import pytest

from vtep_ofapp.engine.desired import Desired
from vtep_ofapp.engine.feature import Feature, Owner
from vtep_ofapp.engine.topics import FlowsRefused, SwitchReplaced, Topic
from vtep_ofapp.engine.view import View
from vtep_ofapp.features.registry import FEATURES
from vtep_ofapp.loop.fault_log import FaultLog
from vtep_ofapp.loop.measures import Measures
from vtep_ofapp.loop.switch_driver import SwitchDriver
from vtep_ofapp.pipeline.layout import LOGICAL_SWITCH, Cookie, Priority, Table, flow
from vtep_ofapp.values.flow_changes import FlowChange
from vtep_ofapp.values.flows import Flow, match

from .builders import physical_port, physical_switch, port, to_anyone
from .doubles import ConnectionDouble, TimeDouble
from .world import World


@dataclass(frozen=True, slots=True)
class Careful:
    """The owner of flows for three addresses, or of one for all."""


class Given:
    """Whether the switch refused one of the three."""

    def __init__(self, view: View) -> None:
        self.up = False


def made(address: str) -> Flow:
    fields = match({LOGICAL_SWITCH: 7, "eth_dst": address})
    return flow(Table.UNICAST, Priority.FORBIDDEN, fields, producer=Cookie.UNICAST)


THREE = tuple(made(f"02:00:00:00:00:{number:02x}") for number in (1, 2, 3))
ONE = made("ff:ff:ff:ff:ff:ff")


def refused(topic: FlowsRefused, view: View) -> Iterable[Topic]:
    view[Given].up |= not topic.flows.isdisjoint(each.key for each in THREE)
    return [Careful()]


CAREFUL = Feature(
    states=(Given,),
    owners=(
        Owner(
            Careful, lambda key, view: Desired((ONE,) if view[Given].up else THREE), lambda *_: ()
        ),
    ),
    invalidated_by={FlowsRefused: refused, SwitchReplaced: lambda *_: [Careful()]},
)


@pytest.mark.parametrize("is_full", [False, True])
def test_what_it_wants_no_longer_is_neither_sent_nor_a_fault(is_full: bool) -> None:
    world = World(features=(*FEATURES, CAREFUL))
    world.physical(physical_switch(physical_port("p0")))
    world.bridge(port("p0", 1), to_anyone())
    world.settle()
    time = TimeDouble()
    timers = time.timers()
    faults, connection = FaultLog(timers), ConnectionDouble()
    driver = SwitchDriver(world.switch, timers, faults, Measures())
    driver.connect(connection, leads=True)
    driver.role_is(connection.leading())
    list(driver.handle(connection.reading()))
    driver.open()
    driver.apply()
    first = FlowChange(THREE[0].key, THREE[0])
    list(driver.handle(connection.refused(first, is_full=is_full)))
    world.settle()
    driver.apply()
    keys = {each.key for each in connection.bundles[1] if isinstance(each, FlowChange)}
    assert ONE.key in keys
    assert keys.isdisjoint(each.key for each in THREE)
    assert set(connection.bundles[0]) - set(connection.bundles[1]) == {
        FlowChange(each.key, each) for each in THREE
    }
    list(driver.handle(connection.done()))
    assert driver.is_settled()
    assert not faults.lasting()
    time.wait(100)
    driver.apply()
    assert len(connection.bundles) == 2
