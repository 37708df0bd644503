"""Which keys the logical switches that are bound at one switch can use, and who is in the way."""

import time
from collections.abc import Iterable
from uuid import UUID

import pytest

from vtep_ofapp.engine.model import Model
from vtep_ofapp.engine.switch_state import SwitchState
from vtep_ofapp.features.bindings.ports import Ports
from vtep_ofapp.features.logical_switches.rows import LogicalSwitchChanged, LogicalSwitches
from vtep_ofapp.features.logical_switches.vni_mapping import VniMapping
from vtep_ofapp.features.peers import Peer, PeerChanged, PeersHere
from vtep_ofapp.features.registry import FEATURES
from vtep_ofapp.process.settings import Settings
from vtep_ofapp.values.rows import Gone, VtepRow

from .builders import (
    BLUE,
    FAR,
    FURTHER,
    GREEN,
    MAC1,
    MAC2,
    RED,
    logical_switch,
    physical_port,
    remote_mac,
    uuid,
)

RED_AT, BLUE_AT = Peer(RED, FAR), Peer(BLUE, FAR)


class Bound:
    """The logical switches that are present at a switch without routers: those that are bound."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    def __contains__(self, logical_switch: object) -> bool:
        return logical_switch in set(self._ports.bound())


class Switch:
    """A switch that binds logical switches, and what it is told of rows."""

    def __init__(self, *rows: VtepRow, bound: Iterable[UUID] = (RED, BLUE, GREEN)) -> None:
        self.model, self.ports = Model(FEATURES), Ports()
        view = SwitchState("br0", self.model, Settings(), time.monotonic).view
        self.peers = view[PeersHere]
        self.keys = VniMapping(self.model[LogicalSwitches], self.peers, Bound(self.ports))
        self.tell(*rows)
        self.bind(*bound)

    def tell(self, *rows: VtepRow) -> set[UUID]:
        """Take rows; return the others that are concerned."""
        others: set[UUID] = set()
        for row in rows:
            for topic in self.model.update(row):
                if isinstance(topic, LogicalSwitchChanged):
                    others |= self.keys.update(topic.logical_switch)
                    for peer in self.peers.of(topic.logical_switch):
                        others |= self.keys.update_at(peer)
                elif isinstance(topic, PeerChanged):
                    others |= self.keys.update_at(topic.peer)
        return others

    def bind(self, *logical_switches: UUID) -> set[UUID]:
        """Bind these logical switches and no others; return the others that are concerned."""
        row = physical_port("p0", dict(enumerate(logical_switches)))
        others: set[UUID] = set()
        for each in self.ports.match([row], {}).turned:
            others |= self.keys.update(each)
            for peer in self.peers.of(each):
                others |= self.keys.update_at(peer)
        return others

    def vnis(self) -> list[int | None]:
        return [self.keys.vni(each) for each in (RED, BLUE, GREEN)]


def test_a_key_of_one_is_its_vni() -> None:
    switch = Switch(logical_switch(RED, 5001), logical_switch(BLUE, None))
    assert switch.vnis() == [5001, None, None]


def test_two_with_one_key_have_none() -> None:
    switch = Switch(logical_switch(RED, 5001), remote_mac(MAC1, FAR))
    assert switch.keys.vni_towards(RED_AT) == 5001
    assert switch.tell(logical_switch(BLUE, 5001)) == {RED}
    assert switch.vnis() == [None, None, None]
    assert switch.keys.vni_towards(RED_AT) is None
    assert (switch.keys.sharing(RED), switch.keys.sharing(BLUE)) == (["blue"], ["red"])
    assert switch.keys.sharing(GREEN) == []


@pytest.mark.parametrize(
    "change", [Gone(BLUE), logical_switch(BLUE, 5002), logical_switch(BLUE, None)], ids=str
)
def test_a_key_that_is_no_longer_shared_is_used_again(change: VtepRow) -> None:
    switch = Switch(logical_switch(RED, 5001), logical_switch(BLUE, 5001))
    assert switch.tell(change) == {RED}
    assert switch.keys.vni(RED) == 5001
    assert switch.keys.sharing(RED) == []


def test_three_with_one_key() -> None:
    switch = Switch(*(logical_switch(each, 5001) for each in (RED, BLUE, GREEN)))
    assert switch.keys.sharing(RED) == ["blue", "green"]
    assert switch.tell(Gone(GREEN)) == {RED, BLUE}
    assert switch.vnis() == [None, None, None]
    assert switch.keys.sharing(RED) == ["blue"]


def test_many_may_have_no_key_yet() -> None:
    switch = Switch(logical_switch(RED, None), logical_switch(BLUE, None))
    assert switch.keys.sharing(RED) == []
    assert switch.tell(logical_switch(RED, 5001)) == set()


def test_one_that_is_not_bound_here_competes_with_nobody_until_it_is() -> None:
    switch = Switch(
        logical_switch(RED, 5001),
        logical_switch(BLUE, 5001),
        remote_mac(MAC1, FAR, row=uuid(100)),
        remote_mac(MAC1, FAR, of=BLUE, row=uuid(101)),
        bound=[RED],
    )
    assert switch.vnis() == [5001, None, None]
    assert switch.keys.vni_towards(RED_AT) == 5001
    assert switch.keys.vni_towards(BLUE_AT) is None
    assert switch.keys.sharing(RED) == switch.keys.sharing_at(RED_AT) == []
    assert switch.bind(RED, BLUE) == {RED}
    assert switch.vnis() == [None, None, None]
    assert switch.keys.sharing_at(RED_AT) == ["blue"]
    assert switch.bind(BLUE) == {BLUE}
    assert switch.vnis() == [None, 5001, None]
    assert switch.keys.vni_towards(BLUE_AT) == 5001


def test_nor_does_the_key_of_its_locator() -> None:
    switch = Switch(
        logical_switch(RED, 5001),
        logical_switch(BLUE, None),
        remote_mac(MAC1, FAR, row=uuid(100)),
        remote_mac(MAC1, FAR, of=BLUE, key=5001, row=uuid(101)),
        bound=[RED],
    )
    assert switch.keys.vni_towards(RED_AT) == 5001
    assert switch.bind(RED, BLUE) == {RED}
    assert switch.keys.vni_towards(RED_AT) is None
    assert switch.bind(RED) == {RED}
    assert switch.keys.vni_towards(RED_AT) == 5001


# The key towards a VTEP, also where other logical switches have the same one


def test_the_key_of_a_logical_switch_holds_towards_every_vtep() -> None:
    keys = Switch(logical_switch(RED, 5001), remote_mac(MAC1, FAR)).keys
    assert keys.key(RED_AT) == 5001
    assert keys.key(Peer(RED, FURTHER)) is None
    assert Switch().keys.key(RED_AT) is None


def test_it_comes_before_that_of_a_locator() -> None:
    keys = Switch(logical_switch(RED, 5001), remote_mac(MAC1, FAR, key=7001)).keys
    assert keys.key(RED_AT) == 5001


def test_of_several_keys_of_locators_the_least_holds() -> None:
    switch = Switch(
        logical_switch(RED, None),
        remote_mac(MAC1, FAR, key=7002, row=uuid(100)),
        remote_mac(MAC2, FAR, key=7001, row=uuid(101)),
    )
    assert switch.keys.key(RED_AT) == 7001
    switch.tell(Gone(uuid(101)))
    assert switch.keys.key(RED_AT) == 7002


def test_a_locator_whose_key_changes_is_another_locator() -> None:
    switch = Switch(logical_switch(RED, None), remote_mac(MAC1, FAR, key=7001))
    switch.tell(remote_mac(MAC1, FAR, key=7002))
    assert switch.keys.vni_towards(RED_AT) == 7002
    assert {each.tunnel_key for each in switch.peers.locators(RED_AT)} == {7002}


# Keys of locators


def test_without_a_key_of_its_own_that_of_the_locator_holds() -> None:
    switch = Switch(logical_switch(RED, None), remote_mac(MAC1, FAR, key=7001))
    assert switch.keys.vni_towards(RED_AT) == 7001
    assert switch.keys.vni(RED) is None


def test_two_may_share_a_vtep_with_different_keys_or_a_key_at_different_vteps() -> None:
    switch = Switch(
        logical_switch(RED, None),
        logical_switch(BLUE, None),
        logical_switch(GREEN, None),
        remote_mac(MAC1, FAR, key=7001, row=uuid(100)),
        remote_mac(MAC1, FAR, key=7002, of=BLUE, row=uuid(101)),
        remote_mac(MAC1, FURTHER, key=7001, of=GREEN, row=uuid(102)),
    )
    peers = (RED_AT, BLUE_AT, Peer(GREEN, FURTHER))
    assert [switch.keys.vni_towards(each) for each in peers] == [7001, 7002, 7001]


@pytest.mark.parametrize("blue_key", [None, 7001])
def test_the_same_key_at_one_vtep_is_used_by_none(blue_key: int | None) -> None:
    switch = Switch(
        logical_switch(RED, None),
        logical_switch(BLUE, blue_key),
        remote_mac(MAC1, FAR, key=7001, row=uuid(100)),
    )
    assert switch.tell(remote_mac(MAC1, FAR, key=7001, of=BLUE, row=uuid(101))) == {RED}
    assert [switch.keys.vni_towards(each) for each in (RED_AT, BLUE_AT)] == [None, None]
    assert switch.keys.sharing_at(RED_AT) == ["blue"]
    assert switch.keys.sharing_at(BLUE_AT) == ["red"]
    assert switch.tell(Gone(uuid(101))) == {RED}
    assert switch.keys.vni_towards(RED_AT) == 7001
    assert switch.keys.sharing_at(RED_AT) == []
