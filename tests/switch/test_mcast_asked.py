"""mcast/show, trace and why about multicast groups, in the real pipeline."""

from __future__ import annotations

import json
from typing import Any

from tests import multicast_frames as frames
from tests.multicast_frames import mac_of
from tests.switch.dummy import DummySwitch
from tests.switch.test_multicast_snooping import GROUP, HOST, P0, P1, REMOTE, ROUTER, Snooping


def test_a_group_is_shown_and_its_frames_are_traced(switch: DummySwitch) -> None:
    snooping = Snooping(switch)

    def asked(*words: str) -> Any:
        return json.loads(switch.app.ask(*words, "--json"))

    assert (asked("mcast/show")["snooping"], asked("mcast/show")["groups"]) == (True, [])
    snooping.joins(P0)
    snooping.wait_for(GROUP, P0, REMOTE, place=P1)
    (member,) = asked("mcast/show", "ls0")["members"]
    assert (member["group"], member["port"], member["vlan"]) == (GROUP, "p0", 0)
    assert member["hosts"] == [HOST]
    assert 200 < member["ends_in_s"] <= 260
    words = ("br0", "p1", "vlan=10", "02:00:00:00:00:02", mac_of(GROUP), "udp", f"nw_dst={GROUP}")
    answer = asked("trace", *words)
    (sentence,) = answer["verdict"]
    only = f"of the bindings, only members of {GROUP} and routers get it: p0 VLAN 0"
    assert f"; {only}; leaves by p0 untagged and by the tunnel to 10.2.2.2" in sentence
    assert any(f"joined {mac_of(GROUP)} ({GROUP})" in each["because"] for each in answer["steps"])
    (why, *_) = asked("why", GROUP)["why"]
    assert f"joined {mac_of(GROUP)} ({GROUP})" in why["because"]
    assert why["is_installed"]


def test_trace_says_who_gets_a_report(switch: DummySwitch) -> None:
    snooping = Snooping(switch)
    switch.learns(HOST)

    def sentence(to: str) -> str:
        words = ("br0", "p0", HOST, mac_of(to), "ip", "nw_proto=2", f"nw_dst={to}", "--json")
        said: str = json.loads(switch.app.ask("trace", *words))["verdict"][0]
        return said

    shown = "the controller is shown it, as all IGMP and MLD messages and PIM hellos"
    routers = "of the bindings, only those of multicast routers get it: "
    assert f"; {shown}; {routers}there are none; leaves by the tunnel " in sentence(GROUP)
    assert "is not known there" not in sentence(GROUP)
    assert f"; {shown}; leaves by p1 with VLAN 10 and " in sentence(frames.ALL_HOSTS)
    snooping.receives(P1, frames.pim_hello(ROUTER, "192.168.1.1"))
    switch.wait(lambda: f"; {routers}p1 VLAN 10; leaves by p1 " in sentence(GROUP), "the router")
