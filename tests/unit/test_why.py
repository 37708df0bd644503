"""why: the rows and events that caused the flows, groups and tunnel ports of something."""

from __future__ import annotations

from typing import Any

import pytest

from vtep_ofapp.commands.answer import WrongWords
from vtep_ofapp.engine.feature import Feature
from vtep_ofapp.engine.operator_view import ADDRESS, Concerned
from vtep_ofapp.features import registry
from vtep_ofapp.features.bindings.ports import VlanBinding
from vtep_ofapp.features.tunnels.ports import Tunnels
from vtep_ofapp.values.events import Bridges
from vtep_ofapp.values.flows import Flow
from vtep_ofapp.values.rows import Gone

from .app import App, tunnel_port
from .asking import Asking
from .builders import (
    BROADCAST,
    DATABASE,
    FAR,
    FURTHER,
    MAC1,
    MAC2,
    MULTICAST,
    SWITCH,
    bridge,
    port,
    remote_group,
    remote_mac,
    to_anyone,
    unknown_dst,
)

PLACED = f"the NVC places {MAC1} behind {FAR} in Logical_Switch red"
BOUND = "vlan_bindings of Physical_Port p0 of br0 bind VLAN 0 to Logical_Switch red"
FLOODING = "Logical_Switch red is bound here to p0 VLAN 0"
NAMED = f"1 row of Ucast_Macs_Remote and Mcast_Macs_Remote names {FAR} for Logical_Switch red"


@pytest.fixture
def asking(app: App) -> Asking:
    """Ask br0, with p0 in red, a station behind FAR, and unknown-dst at FURTHER."""
    connection = app.start(remote_mac(MAC1, FAR), unknown_dst(FURTHER))
    ports = [port("p0", 1), to_anyone()]
    for number, write in enumerate(app.openvswitch[DATABASE].take(), 10):
        if hasattr(write, "remote"):
            ports.append(tunnel_port(write, number))
    app.turn(Bridges(DATABASE, {"br0": bridge(*ports)}))
    app.serve(connection)
    return Asking(app)


def why(asking: Asking, *words: str) -> Any:
    return asking.json("why", *words)["why"]


def causes(asking: Asking, *words: str) -> list[str]:
    return [each["because"] for each in why(asking, *words)]


def test_a_placed_station(asking: Asking) -> None:
    placed, vni, peer, tunnel = why(asking, MAC1)
    assert placed["because"] == PLACED
    assert placed["rows"] == [f"Ucast_Macs_Remote {remote_mac().uuid}"]
    assert placed["is_installed"]
    (flow,) = placed["flows"]
    assert "table=UNICAST" in flow
    assert flow.endswith("goto_table:ENCAPSULATION")
    assert vni["because"] == "Logical_Switch red has tunnel_key 5001"
    assert peer["because"] == NAMED
    assert tunnel["because"] == NAMED
    (line,) = tunnel["tunnel_ports"]
    assert f"remote_ip={FAR}" in line
    assert causes(asking, MAC1, "br0") == causes(asking, MAC1.upper())


def test_text_has_a_title_for_each(asking: Asking) -> None:
    lines = asking.text("why", MAC1).splitlines()
    assert PLACED in lines
    assert f"    rows: Ucast_Macs_Remote {remote_mac().uuid}" in lines


def test_a_station_that_nobody_knows_is_flooded(asking: Asking) -> None:
    answer = asking.json("why", MAC2)
    assert answer["remark"] == f"{MAC2} is neither placed nor learned: frames for it are flooded"
    assert [each["because"] for each in answer["why"]] == causes(asking, BROADCAST)


def test_bum_frames(asking: Asking) -> None:
    local, remote = why(asking, BROADCAST)
    assert local["because"] == FLOODING
    assert f"the NVC sends frames for unknown-dst in Logical_Switch red to {FURTHER}" in str(remote)
    assert local["groups"]
    assert remote["groups"]
    assert causes(asking, "unknown-dst") == causes(asking, BROADCAST)


def test_a_group_with_rows_of_its_own(app: App, asking: Asking) -> None:
    app.tell(remote_group(MULTICAST, FAR))
    assert f"frames for {MULTICAST}" in causes(asking, MULTICAST)[1]


def test_a_port(asking: Asking) -> None:
    binding, flooding = why(asking, "p0")
    assert binding["because"] == BOUND
    assert any("table=ADMISSION" in flow for flow in binding["flows"])
    assert any("table=EGRESS" in flow for flow in binding["flows"])
    assert flooding["because"] == FLOODING


def test_a_port_that_is_not_bound(app: App, asking: Asking) -> None:
    app.turn(Bridges(DATABASE, {"br0": bridge(port("p0", 1), port("p5", 5), to_anyone())}))
    assert asking.json("why", "p5") == {
        "role": "active",
        "remark": "no VLAN of p5 is bound",
        "why": [],
    }


def test_a_tunnel_by_its_address_and_by_its_port(app: App, asking: Asking) -> None:
    tunnel, peer = why(asking, FAR)
    assert (tunnel["because"], peer["because"]) == (NAMED, NAMED)
    *_, user = causes(asking, FURTHER)
    assert user.startswith("the NVC sends frames for unknown-dst")
    (switch,) = app.components.switches.states()
    name = switch.view[Tunnels].name(FAR, "10.0.0.1")
    assert why(asking, name) == why(asking, FAR)
    assert "frames from VTEPs that no row names" in causes(asking, to_anyone().name)[0]
    assert asking.json("why", "192.0.2.77")["remark"] == "no row names 192.0.2.77"
    remark = "no host here joined 239.1.1.1: frames for it are flooded"
    assert asking.json("why", "239.1.1.1")["remark"] == remark


def test_flows_by_their_cookie(asking: Asking) -> None:
    (flow,) = why(asking, MAC1)[0]["flows"]
    cookie = flow.split(",")[0]
    answer = asking.json("why", cookie)
    assert answer["producer"] == "UNICAST"
    found = {each["because"]: each for each in answer["why"]}
    assert found[PLACED]["flows"] == [flow]
    assert all(cookie in each for block in answer["why"] for each in block["flows"])


def test_a_flow_that_nobody_desires(app: App, asking: Asking) -> None:
    (switch,) = app.components.switches.states()
    (flow,) = (each for each in switch.flows.wanted.values() if MAC1 in str(each))
    stray = Flow(flow.key._replace(priority=7), *flow[1:])
    switch.flows.have(stray.key, stray)
    *_, last = why(asking, f"cookie={stray.cookie:#x}")
    assert last["because"] == "no owner: to be removed"
    assert "priority=7" in last["flows"][0]


def test_a_feature_names_what_concerns_something(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a kind that there is, and of a kind of its own."""
    tag = VlanBinding("p0", 0)
    subjects: dict[str, Concerned] = {
        ADDRESS: lambda name, view: [tag] if name == "2001:db8::1" else [],
        "letter": lambda name, view: [tag, tag] if name == "x" else [],
    }
    monkeypatch.setattr(registry, "FEATURES", (*registry.FEATURES, Feature(subjects=subjects)))
    app = App()
    app.start()
    asking = Asking(app)
    assert causes(asking, "2001:DB8:0::1") == [BOUND]
    assert causes(asking, "letter=x") == [BOUND]
    assert causes(asking, "port=p0") == causes(asking, "p0")
    assert asking.json("why", "letter=y")["remark"] == "there is no letter 'y' here"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ["p9"],
            "there is no MAC address, IP address, port, kind or cookie 'p9'; port: p0; kind: .*",
        ),
        (["cookie=0x5"], "cookie 0x5 is not ours"),
        (["cookie=x"], "there is no MAC address, IP address, port, kind or cookie 'cookie=x'"),
        ([MAC1, "brx"], "there is no bridge 'brx'; bridge: br0"),
        ([], r"usage: why MAC\|IP\|PORT"),
    ],
)
def test_wrong_words(asking: Asking, words: list[str], line: str) -> None:
    with pytest.raises(WrongWords, match=f"^{line}"):
        asking.text("why", *words)


def test_it_is_answered_without_a_switch_and_without_its_row(app: App, asking: Asking) -> None:
    app.tell(Gone(SWITCH))
    assert why(asking, MAC1) == []
    assert Asking(App()).json("why", MAC1)["why"] == []
