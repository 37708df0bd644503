"""mcast/show, and what why, trace, check and metrics/show tell of multicast groups."""

from __future__ import annotations

from typing import Any

import pytest

from tests import multicast_frames as frames
from vtep_ofapp.engine.operator_view import Passage
from vtep_ofapp.features.multicast import telling
from vtep_ofapp.features.multicast.membership import GroupMac
from vtep_ofapp.pipeline.layout import LOGICAL_SWITCH, SOURCE_BINDING, Cookie, Table
from vtep_ofapp.process.settings import Settings
from vtep_ofapp.values.events import PacketIn
from vtep_ofapp.values.flows import FlowKey, match

from .app import App
from .asking import Asking
from .builders import MAC1, MAC2, MAC3, RED, number_of
from .doubles import ConnectionDouble

GROUP, MAC, BINDING = "239.1.1.1", "01:00:5e:01:01:01", 0x1000
HOST_IP, ROUTER, FAR_ROUTER = "192.168.1.11", "192.168.1.1", "192.168.1.2"


def hear(app: App, connection: ConnectionDouble, frame: bytes, binding: int = BINDING) -> None:
    """Let a frame be shown that came in by a binding; 0 for a tunnel."""
    source = {SOURCE_BINDING: binding} if binding else {}
    fields = match({LOGICAL_SWITCH: number_of(RED), **source})
    app.turn(PacketIn(connection, Cookie.MULTICAST, Table.SHOWING, fields, frame))


@pytest.fixture
def snooped() -> App:
    """Let two hosts at p0 be members of a group, and routers be there and behind a tunnel."""
    app = App(settings=Settings(multicast_snooping=True, max_multicast_groups=2))
    connection = app.start()
    for host in (MAC2, MAC1):
        hear(app, connection, frames.igmp_v2(host, HOST_IP, frames.V2_REPORT, GROUP))
    hear(app, connection, frames.pim_hello(MAC3, ROUTER))
    hear(app, connection, frames.igmp_v3_query(MAC3, FAR_ROUTER), binding=0)
    app.wait(10)
    return app


def test_groups_members_and_routers(snooped: App) -> None:
    shown = Asking(snooped).json("mcast/show")
    assert shown["snooping"] is True
    of_red: dict[str, Any] = {"bridge": "br0", "logical_switch": "red"}
    assert shown["groups"] == [
        {**of_red, "mac": MAC, "groups": [GROUP], "members": ["p0 VLAN 0"], "problem": None}
    ]
    member = {"group": GROUP, "port": "p0", "vlan": 0, "hosts": [MAC1, MAC2], "ends_in_s": 250}
    assert shown["members"] == [{**of_red, **member}]
    near, far = shown["routers"]
    assert (near["port"], near["vlan"], near["remote_vtep"]) == ("p0", 0, None)
    assert near["ends_in_s"] == 245
    assert (far["port"], far["remote_vtep"]) == (None, FAR_ROUTER)
    assert {each["querier"] for each in shown["queriers"]} == {"this process"}


def test_with_the_option_off_there_is_nothing(app: App) -> None:
    app.start()
    shown = Asking(app).json("mcast/show")
    assert (shown["snooping"], shown["groups"], shown["queriers"]) == (False, [], [])


def test_a_querier_of_others(snooped: App) -> None:
    (driver,) = snooped.components.switches.drivers.values()
    assert isinstance(driver.connection, ConnectionDouble)
    hear(snooped, driver.connection, frames.igmp_v3_query(MAC3, ROUTER))
    queriers = {
        each["family"]: each["querier"] for each in Asking(snooped).json("mcast/show")["queriers"]
    }
    assert queriers.pop("IGMP") == "a router"
    assert set(queriers.values()) == {"this process"}


def test_why(snooped: App) -> None:
    asking = Asking(snooped)
    for word in (MAC, GROUP, f"address={GROUP}", f"group={MAC}"):
        causes = [each["because"] for each in asking.json("why", word)["why"]]
        assert any(f"joined {MAC} ({GROUP})" in each for each in causes), word


def test_the_words_of_trace_the_figures_and_the_limit(snooped: App) -> None:
    (switch,) = snooped.components.switches.states()
    passage = Passage(FlowKey(Table.FLOODING, 200, ()), GroupMac(RED, MAC), {})
    said = telling.VERDICTS[GroupMac](passage, switch.view)
    assert said == f"of the bindings, only members of {GROUP} and routers get it: p0 VLAN 0"
    figures = Asking(snooped).json("metrics/show")["switches"][0]
    assert (figures["multicast_groups"], figures["multicast_members"]) == (1, 1)
    assert figures["multicast_routers"] == 1
    (driver,) = snooped.components.switches.drivers.values()
    assert isinstance(driver.connection, ConnectionDouble)
    hear(snooped, driver.connection, frames.igmp_v2(MAC1, HOST_IP, frames.V2_REPORT, "239.1.1.2"))
    lines = {each["check"]: each["text"] for each in Asking(snooped).json("check")["checks"]}
    assert lines["limits"].startswith("2 multicast groups of Logical_Switch red reach")
