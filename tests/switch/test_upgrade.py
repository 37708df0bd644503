"""Flood lists of very many VTEPs, in parts, pass from a former version to this one and back."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from tests.former import FormerApp, check_out
from tests.switch.dummy import DummyApp, DummySwitch
from tests.switch.state import everything, wait_until_equal

FIRST, MANY = IPv4Address("10.3.0.1"), 520
"""More remote VTEPs than are reached together with the bindings."""
GROUP = "01:00:5e:00:00:07"

OF_A_VERSION = {"flows of br0", "groups of br0"}
"""What may differ between two versions: nothing else is written again."""


class FormerDummyApp(FormerApp, DummyApp):
    """The former version on a port of its own."""


@pytest.fixture
def former(switch: DummySwitch, tmp_path: Path) -> Iterator[DummyApp]:
    former = FormerDummyApp(switch, check_out(tmp_path))
    yield former
    former.kill()


def take_over(switch: DummySwitch, app: DummyApp) -> dict[str, Any]:
    """Let another application manage br0; return what there is then."""
    switch.app.stop()
    switch.app = app
    app.take_over()
    switch.come_to_rest()
    return everything(switch, ("br0",))


def test_parts_of_flood_lists_pass_to_this_version_and_back(
    switch: DummySwitch, former: DummyApp
) -> None:
    this, switch.app = switch.app, former
    switch.manage()
    switch.add_underlay("10.2.2.2")
    switch.vtep_ctl("bind-ls", "br0", "p0", "0", "ls0")
    switch.vtep_ctl("set-replication-mode", "ls0", "source_node")
    addresses = [str(FIRST + number) for number in range(MANY)]
    for mac in ("unknown-dst", GROUP):
        rows = (["--", "add-mcast-remote", "ls0", mac, each] for each in addresses)
        switch.vtep_ctl(*chain.from_iterable(rows))
    switch.wait(lambda: len(switch.tunnel_ports()) == MANY, "the tunnels", 120)
    targets = lambda: switch.ofctl("dump-groups", "br0").count("resubmit(,90)")  # noqa: E731
    switch.wait(lambda: targets() == 2 * MANY, "all tunnels in the groups", 120)
    switch.come_to_rest()
    by_former = everything(switch, ("br0",))
    by_this = take_over(switch, this)
    for each in by_former.keys() - OF_A_VERSION:
        assert by_this[each] == by_former[each]
    take_over(switch, former)
    wait_until_equal(switch, lambda: everything(switch, ("br0",)), by_former)
    take_over(switch, this)
    wait_until_equal(switch, lambda: everything(switch, ("br0",)), by_this)
    this.kill()
    for what in ("del-flows", "del-groups"):
        switch.ofctl(what, "br0")
    this.take_over()
    switch.come_to_rest()
    wait_until_equal(switch, lambda: everything(switch, ("br0",)), by_this)
