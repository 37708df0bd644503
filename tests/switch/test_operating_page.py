"""docs/operating.md shows what the commands answer.

``WRITE_PAGES=1`` in the environment writes the answers of this run into the page.
"""

from __future__ import annotations

import os

import pytest

from tests.access_lists import AccessLists, entry
from tests.routers import Routers
from tests.switch.dummy import DummySwitch
from tests.switch.operating import Shown, everyday, rewrite, shown, wait_for_answer

HOST, GUEST, FAR = "00:00:00:00:00:01", "00:00:00:00:00:02", "00:00:00:00:00:99"


@pytest.fixture
def scene(joined: DummySwitch) -> DummySwitch:
    """What the page describes: two logical switches and a router, a list, two hosts, two VTEPs."""
    joined.vtep_ctl("add-ls", "ls1", "--", "bind-ls", "br0", "p1", "20", "ls1")
    joined.vtep_ctl("set-replication-mode", "ls0", "source_node")
    joined.replicate(("10.2.2.2",))
    joined.place(FAR, "10.2.2.3")
    for address in ("10.2.2.2", "10.2.2.3"):
        joined.tunnel_port(address)
    lists = AccessLists(joined)
    lists.put("web", entry(10, "in", "deny", protocol=6, dest_port_min=22, dest_port_max=22))
    lists.bind("p0", {0: "web"})
    lists.put_columns("Ucast_Macs_Remote", ["MAC", FAR], ipaddr="192.168.1.99")
    bindings = {"192.168.1.1/24": "ls0", "192.168.2.1/24": "ls1"}
    Routers(joined).put("r1", bindings, {"0.0.0.0/0": "192.168.1.99"})
    joined.learns(HOST)
    joined.learns(GUEST, "p1", 10)
    joined.app.wait_to_say("it has no tunnel key yet")
    joined.wait(lambda: "settled: yes" in joined.app.ask("show"), "all flows to be there")
    return joined


def test_answers_are_those_of_the_page(scene: DummySwitch) -> None:
    def ask(example: Shown) -> str:
        return scene.app.ask(*(example.asked or ()))

    examples = list(shown(everyday()))
    assert len(examples) > 3
    if os.environ.get("WRITE_PAGES"):
        rewrite(everyday(), ask)
        return
    for example in examples:
        wait_for_answer(scene, example, ask)
