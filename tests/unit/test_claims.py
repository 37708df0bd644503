"""Which bridge a connection is of."""

from dataclasses import replace

import pytest

from vtep_ofapp.loop.claims import Claim, Refusal, judge, shared_ids

from .builders import bridge, uuid

BR0 = bridge()
BR1 = replace(BR0, name="br1", uuid=uuid(71), datapath_id=0xB1)
LONG = replace(BR0, name="a-name-that-is-too-long", datapath_id=0xB2)
NO_ID = replace(BR1, datapath_id=None)
MANAGED = {each.name: each for each in (BR0, BR1, LONG)}


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        (Claim(0xB0), "br0"),
        (Claim(0xB1, "br1"), "br1"),
        (Claim(0xB2, "a-name-that-is-"), LONG.name),
        (Claim(0xC0), Refusal("it is no bridge of a Physical_Switch")),
        (Claim(0xC0, "br7"), Refusal("it is no bridge of a Physical_Switch")),
        (Claim(0xC0, "br1"), None),
    ],
    ids=str,
)
def test_a_connection_is_of_the_bridge_with_its_id_and_name(
    claim: Claim, verdict: str | Refusal | None
) -> None:
    assert judge(claim, MANAGED, {}) == verdict


def test_a_bridge_with_another_name_is_refused_with_what_to_type() -> None:
    verdict = judge(Claim(0xB0, "br7"), MANAGED, {})
    assert isinstance(verdict, Refusal)
    assert verdict.reason.endswith(
        "ovs-vsctl set bridge br7 other-config:datapath-id=<16 other hex digits>"
    )


@pytest.mark.parametrize("name", [None, "br1"])
def test_who_may_be_a_bridge_without_an_id_waits(name: str | None) -> None:
    assert judge(Claim(0xB1, name), {"br0": BR0, "br1": NO_ID}, {}) is None


def test_an_id_is_shared_if_any_other_bridge_has_it() -> None:
    other = replace(BR1, datapath_id=0xB0)
    assert shared_ids([BR0, other], [BR0]) == {0xB0: ("br0", "br1")}
    assert shared_ids([BR0, BR1], [BR0, BR1]) == {}
    assert shared_ids([BR0, replace(BR0, uuid=uuid(72))], [BR0]) == {0xB0: ("br0", "br0")}
    assert shared_ids([BR0, BR1, replace(BR1, name="br2")], [BR0]) == {}
    assert shared_ids([NO_ID, replace(NO_ID, name="br2")], [NO_ID]) == {}
