"""What others do to flows and groups of ours is noticed within 10 s, put back, and said once."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.switch.conftest import a_switch
from tests.switch.dummy import BROADCAST, DummySwitch

HOST, STATION, GROUP = "00:00:00:00:00:01", "00:00:00:00:00:99", "01:00:5e:00:00:fb"
OURS = "0x7674657030000000"
ALIVE = 0xA0000000
"""The group that buckets of service nodes watch."""


@pytest.fixture(scope="module")
def busy() -> Iterator[DummySwitch]:
    """One switch for all, with something in each table."""
    with a_switch() as switch:
        switch.manage()
        switch.join()
        switch.place(STATION, "10.2.2.3")
        switch.replicate(("10.2.2.2",), ("10.2.2.3",))
        switch.replicate(("10.2.2.4",), mac=GROUP)
        switch.wait(lambda: len(switch.tunnel_ports()) == 3, "the tunnels")
        switch.receive("p0", HOST, BROADCAST)
        switch.wait(lambda: HOST in switch.local_macs(), "the host")
        switch.come_to_rest()
        yield switch


def lines(switch: DummySwitch) -> int:
    return switch.app.log_text.count("they are put back")


def test_it_is_said_once(busy: DummySwitch) -> None:
    """It comes first: such a line is logged five times a minute."""
    number = sum("table=60" in flow for flow in busy.flows())
    busy.ofctl("del-flows", "br0", "table=60")
    busy.wait_for_log(
        f"br0: someone changed {number} flows and 0 groups of ours; they are put back"
    )
    busy.come_to_rest()
    assert lines(busy) == 1


def test_flows_of_others_stay_and_are_no_news(busy: DummySwitch) -> None:
    said = lines(busy)
    foreign = "cookie=0x7,table=60,priority=1234,dl_dst=02:09:09:09:09:09,actions=drop"
    busy.ofctl("add-flow", "br0", foreign)
    busy.ofctl("add-flow", "br0", "cookie=0x7,table=200,actions=drop")
    busy.ofctl("del-flows", "br0", "table=200")
    busy.come_to_rest()
    assert any("02:09:09:09:09:09" in flow for flow in busy.flows())
    assert lines(busy) == said
    busy.ofctl("del-flows", "br0", "cookie=0x7/-1")


def test_what_we_change_ourselves_is_no_change_by_others(busy: DummySwitch) -> None:
    said, ages = lines(busy), busy.ages()
    busy.receive("p0", "00:00:00:00:00:02", BROADCAST)
    busy.wait(lambda: "00:00:00:00:00:02" in busy.local_macs(), "a further host")
    busy.place("00:00:00:00:00:98", "10.2.2.5")
    busy.come_to_rest()
    assert lines(busy) == said
    assert all(busy.ages().get(flow, 0) >= age for flow, age in ages.items())


@pytest.mark.parametrize(
    "command",
    [
        *(f"del-flows br0 table={table}" for table in (0, 10, 30, 31, 32, 60, 70, 90, 100, 110)),
        f"del-flows br0 table=60,dl_dst={STATION}",
        f"del-flows br0 table=30,dl_src={HOST}",
        "mod-flows br0 table=60,actions=drop",
        "del-flows br0",
        "del-groups br0",
        "mod-group br0 group_id={local},type=all",
        f"add-flow br0 cookie={OURS},table=60,priority=60000,actions=drop",
        "add-flow br0 table=60,priority=0,actions=drop",
        "add-flow br0 cookie=0x7,table=30,priority=0,actions=normal",
    ],
)
def test_it_is_put_back(busy: DummySwitch, command: str) -> None:
    flows, groups = busy.flows(), busy.groups()
    local = next(
        found[1] for each in groups if (found := re.search(r"group_id=(27\d+),type=all", each))
    )
    busy.ofctl(*command.format(local=local).split())
    busy.wait(lambda: (busy.flows(), busy.groups()) == (flows, groups), "all as before")
    assert HOST in busy.local_macs()


def test_a_group_that_no_flow_uses_is_put_back_each_time(busy: DummySwitch) -> None:
    """A group that is there after it was deleted is another one."""
    groups = busy.groups()
    assert any(f"group_id={ALIVE}," in group for group in groups)
    for _ in range(3):
        busy.ofctl("del-groups", "br0", f"group_id={ALIVE}")
        busy.wait(lambda: busy.groups() == groups, "all as before")
