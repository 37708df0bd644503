"""The outages of docs/operating.md: each is made, found and mended as the page says.

``WRITE_PAGES=1`` in the environment writes the answers of this run into the page.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.switch.dummy import DummySwitch
from tests.switch.operating import outages, rewrite, shown, wait_for_answer
from tests.switch.test_accept_from import arrive, receive_at_underlay
from tests.switch.typed import run, settled

STATION = "00:00:00:00:00:99"


def forget_the_controller(vtep: DummySwitch) -> None:
    vtep.ovs_vsctl("del-controller", "br0")
    vtep.app.wait_to_say("its bridge has no controller")


def send_unnamed(vtep: DummySwitch) -> None:
    receive_at_underlay(vtep)
    arrive(vtep, "10.2.2.4", 33, count=7)
    vtep.app.wait_to_say("no row of ls0 names their sender")


def leave_a_foreign_tunnel(vtep: DummySwitch) -> None:
    vtep.place(STATION, "10.2.2.3")
    vtep.tunnel_port("10.2.2.3")
    vtep.ovs_vsctl(
        "add-br", "br9", "--", "set", "bridge", "br9", "datapath_type=dummy",
        "--", "add-port", "br9", "vx9", "--", "set", "interface", "vx9", "type=vxlan",
        "options:remote_ip=10.2.2.3", "options:key=33",
    )  # fmt: skip
    vtep.app.wait_to_say("takes the packets with key 33")


def share_a_key(vtep: DummySwitch) -> None:
    vtep.place(STATION, "10.2.2.3")
    vtep.tunnel_port("10.2.2.3")
    vtep.vtep_ctl(
        "add-ls", "ls1", "--", "set", "Logical_Switch", "ls1", "tunnel_key=33",
        "--", "bind-ls", "br0", "p1", "20", "ls1",
    )  # fmt: skip
    vtep.app.wait_to_say("its tunnel key is also that of")


def take_the_ends_of_a_tunnel(vtep: DummySwitch) -> None:
    vtep.ovs_vsctl(
        "add-br", "br9", "--", "set", "bridge", "br9", "datapath_type=dummy",
        "--", "add-port", "br9", "vx9", "--", "set", "interface", "vx9", "type=vxlan",
        "options:remote_ip=10.2.2.3", "options:local_ip=127.0.0.1", "options:key=flow",
    )  # fmt: skip
    vtep.place(STATION, "10.2.2.3")
    vtep.app.wait_to_say("Open vSwitch cannot make the tunnel to 10.2.2.3")


OUTAGES: dict[str, Callable[[DummySwitch], None]] = {
    "Nothing is forwarded at all": forget_the_controller,
    "Frames from one hypervisor do not arrive": send_unnamed,
    "Frames from a VTEP that is named do not arrive": leave_a_foreign_tunnel,
    "A logical switch is cut off from its tunnels": share_a_key,
    "One remote VTEP cannot be reached": take_the_ends_of_a_tunnel,
}


def test_the_page_has_these_outages() -> None:
    assert list(outages()) == list(OUTAGES)


@pytest.mark.parametrize("heading", OUTAGES)
def test_an_outage_is_found_and_mended(joined: DummySwitch, heading: str) -> None:
    joined.replicate(("10.2.2.2",))
    OUTAGES[heading](joined)
    text = outages()[heading]
    examples = list(shown(text))
    assert {example.asked is None for example in examples} == {True, False}
    assert examples[-1].asked is not None
    if os.environ.get("WRITE_PAGES"):
        rewrite(text, lambda example: settled(joined, example))
        return
    for example in examples:
        if example.asked is None:
            run(joined, example)
        else:
            wait_for_answer(joined, example, lambda example: run(joined, example))
