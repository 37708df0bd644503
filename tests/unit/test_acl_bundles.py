"""No bundle has a part of an access list, or leads frames to one that is not there as a whole."""

import pytest

from vtep_ofapp.loop import bundles
from vtep_ofapp.loop.fault_log import FaultLog
from vtep_ofapp.loop.measures import Measures
from vtep_ofapp.loop.switch_driver import SwitchDriver
from vtep_ofapp.pipeline.layout import ACL, Cookie, Priority, Table, producer_of
from vtep_ofapp.values.acls import Acl, AclEntry, AclMatch
from vtep_ofapp.values.flow_changes import Change, FlowChange
from vtep_ofapp.values.flows import Flow, FlowKey, SetField

from .builders import (
    RED,
    logical_switch,
    physical_port,
    physical_switch,
    port,
    remote_mac,
    to_anyone,
    uuid,
)
from .doubles import ConnectionDouble, TimeDouble
from .world import World

X = uuid(0xAC1)
ENTRIES = 40


def rows(first: int) -> list[AclEntry | Acl]:
    """Return an access list with entries in both directions; ``first`` makes them others."""
    entries = [
        AclEntry(uuid(0xE00 + number), first + number, number % 2 == 1, False, AclMatch(protocol=6))
        for number in range(ENTRIES)
    ]
    return [*entries, Acl(X, "x", frozenset(each.uuid for each in entries))]


class Bench:
    """br0 with p0 in red, and all flows that it has after each bundle."""

    def __init__(self) -> None:
        self.world = World()
        self.world.tell(logical_switch(RED), *rows(0))
        self.bind({})
        self.world.bridge(port("p0", 1), to_anyone())
        self.world.settle()
        timers = TimeDouble().timers()
        self.driver = SwitchDriver(self.world.switch, timers, FaultLog(timers), Measures())
        self.connection = ConnectionDouble()
        self.driver.connect(self.connection, leads=True)
        self.driver.role_is(self.connection.leading())
        list(self.driver.handle(self.connection.reading()))
        self.driver.open()
        self.seen: list[dict[FlowKey, Flow]] = []
        self.turns()

    def bind(self, acls: dict[int, object]) -> None:
        row = physical_port("p0", {0: RED}, acl_bindings=acls)
        self.world.physical(physical_switch(row))

    def turns(self, refused: Change | None = None) -> None:
        """Send bundle after bundle until all is done; the first may be refused."""
        self.world.settle()
        self.driver.apply()
        while "apply" in self.connection.take():
            if refused is not None:
                list(self.driver.handle(self.connection.refused(refused)))
                refused = None
            else:
                list(self.driver.handle(self.connection.done()))
                self.seen.append(dict(self.connection.switch.flows))
            self.driver.apply()


def judging(flows: dict[FlowKey, Flow], table: Table) -> set[FlowKey]:
    """Return the flows of a table that an access list has there, but for the miss flow."""
    return {key for key in flows if key.table == table and key.priority != Priority.MISS}


def leads_to(flows: dict[FlowKey, Flow], table: Table) -> bool:
    """Whether a flow before the tables of access lists sets the number of one."""
    return any(
        isinstance(action, SetField) and action.field == ACL and action.value
        for flow in flows.values()
        if flow.key.table == table
        for action in flow.actions
    )


@pytest.fixture(params=["at once", "in parts", "after a refusal"])
def bench(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Bench:
    bench = Bench()
    if request.param != "at once":
        monkeypatch.setattr(bundles, "MAX_CHANGES", 7)
    if request.param == "after a refusal":
        monkeypatch.setattr(bundles, "MAX_AFTER_REFUSAL", 7)
        bench.world.tell(remote_mac())
        bench.world.calm_down()
        bench.driver.apply()
        bad = next(each for each in bench.connection.bundles[-1] if isinstance(each, FlowChange))
        list(bench.driver.handle(bench.connection.refused(bad)))
    bench.seen.clear()
    return bench


def test_no_frame_is_judged_by_a_part_of_it(bench: Bench) -> None:
    whole: list[set[FlowKey]] = [set()]

    def settle() -> None:
        bench.turns()
        whole.append(judging(bench.world.switch.flows.wanted, Table.ACL_INGRESS))

    bench.bind({0: X})
    settle()
    bench.world.tell(*rows(ENTRIES))
    settle()
    bench.world.tell(*rows(7))
    settle()
    bench.bind({})
    settle()
    assert [len(each) for each in whole] == [0, ENTRIES, ENTRIES, ENTRIES, 0]
    assert len(bench.seen) >= 4
    for flows in bench.seen:
        ingress = judging(flows, Table.ACL_INGRESS)
        assert ingress in whole
        assert ingress or not leads_to(flows, Table.ADMISSION)
        assert judging(flows, Table.ACL_EGRESS) or not leads_to(flows, Table.EGRESS)
        misses = {key.table for key in flows if key.priority == Priority.MISS}
        assert Table.ACL_INGRESS in misses or not leads_to(flows, Table.ADMISSION)
        assert Table.ACL_EGRESS in misses or not leads_to(flows, Table.EGRESS)
    kept = [producer_of(flow.cookie) for flow in bench.seen[-1].values()]
    assert Cookie.ACLS not in kept
