"""mcast/show, trace and why about multicast groups, in the real pipeline."""

from __future__ import annotations

import json
from typing import Any

from tests.multicast_frames import mac_of
from tests.switch.dummy import DummySwitch
from tests.switch.test_multicast_snooping import GROUP, HOST, P0, P1, REMOTE, Snooping


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
