"""Faults of logical routers: which rows and keys they name, what to type, and where they show."""

import itertools
from dataclasses import replace
from typing import Any

import pytest

from vtep_ofapp.features.routers.here import RoutersHere
from vtep_ofapp.process.settings import Settings
from vtep_ofapp.values.faults import Fault, FaultTable
from vtep_ofapp.values.routers import LogicalRouter
from vtep_ofapp.values.rows import Gone

from .builders import (
    BLUE,
    GREEN,
    RED,
    logical_switch,
    physical_port,
    physical_switch,
    port,
    uuid,
    word_of,
)
from .test_routers_here import BINDINGS, R1, R2, router
from .world import World

R3 = uuid(0x9003)


def new_world(**settings: Any) -> World:
    """Return a switch that binds red; blue and green have names."""
    world = World(settings=Settings(**settings))
    world.tell(*(logical_switch(each, 5000 + each.int) for each in (RED, BLUE, GREEN)))
    world.bridge(port("p0", 1))
    world.physical(physical_switch(physical_port("p0", {0: RED})))
    return world


def faults(world: World) -> dict[str, set[str]]:
    """Return the words at the switch by the text of each fault, without the name of its table."""
    world.settle()
    found: dict[str, set[str]] = {}
    for fault in world.faults():
        word = word_of(fault)
        if word and fault.entry and fault.entry.row.table is FaultTable.PHYSICAL_SWITCH:
            text = str(fault).removeprefix("Logical_Router ")
            found.setdefault(text, set()).add(word)
    return found


def of(*rows: LogicalRouter, **settings: Any) -> dict[str, set[str]]:
    """Return the faults of these rows."""
    world = new_world(**settings)
    world.tell(*rows)
    return faults(world)


def test_a_good_router_has_no_fault() -> None:
    assert of(router(routes={"10.0.0.0/8": "192.168.2.50", "0.0.0.0/0": "192.168.1.9"})) == {}


def test_a_bad_key_of_switch_binding_is_named_and_harms_nothing_else() -> None:
    world = new_world()
    world.tell(router({**BINDINGS, "192.168.9.1": BLUE}))
    assert faults(world) == {
        "r1: switch_binding 192.168.9.1: it has no prefix length, as 192.168.1.1/24 has; to remove "
        "it: vtep-ctl remove Logical_Router r1 switch_binding '\"192.168.9.1\"'": {
            "lr_switch_bindings_fault"
        }
    }
    assert len(world.switch.view[RoutersHere].interfaces(R1)) == 2
    world.tell(router())
    assert faults(world) == {}


def test_the_column_of_the_router_says_that_the_words_are_about_it() -> None:
    world = new_world()
    world.tell(router({**BINDINGS, "192.168.9.1": BLUE}))
    world.settle()
    shown = {(each.entry.row.table.value, word_of(each)) for each in world.faults() if each.entry}
    assert shown == {
        ("Physical_Switch", "lr_switch_bindings_fault"),
        ("Logical_Router", "unspecified_fault"),
    }


@pytest.mark.parametrize(
    ("bindings", "key", "reason"),
    [
        (
            {"192.168.1.1/24": RED, "192.168.1.2/24": BLUE},
            "192.168.1.2/24",
            "192.168.1.1/24 binds 192.168.1.0/24 to another logical switch",
        ),
        (
            {"192.168.1.1/24": RED, "192.168.1.1/16": RED},
            "192.168.1.1/24",
            "192.168.1.1 is also the address of 192.168.1.1/16",
        ),
        (
            {"2001:db8::1/64": RED, "2001:DB8::1/64": RED},
            "2001:db8::1/64",
            "2001:db8::1 is also the address of 2001:DB8::1/64",
        ),
        (
            {"10.0.0.0/8": RED, "fe80::1/64": BLUE},
            "fe80::1/64",
            "it is link-local, and its interface has no other address",
        ),
        (
            {"10.0.0.0/8": RED, "fe80::1/64": RED, "11.0.0.0/8": BLUE, "fe80::1/10": BLUE},
            "fe80::1/64",
            "fe80::1 is also the address of fe80::1/10",
        ),
        (
            {"10.0.0.1/8": RED, "127.0.0.1/8": RED},
            "127.0.0.1/8",
            "127.0.0.1 is not the address of one",
        ),
    ],
)
def test_keys_that_contradict_each_other(bindings: Any, key: str, reason: str) -> None:
    for each in itertools.permutations(bindings.items()):
        (text,) = of(router(dict(each)))
        assert text.startswith(f"r1: switch_binding {key}: {reason}")


def test_an_address_that_another_router_has_there_is_not_used() -> None:
    first = router({"192.168.1.1/24": RED}, name="r1")
    then = router({"192.168.1.1/24": RED, "192.168.3.1/24": RED}, row=R2, name="r2")
    for rows in ((first, then), (then, first)):
        world = new_world()
        world.tell(*rows)
        assert faults(world) == {
            "r2: switch_binding 192.168.1.1/24: Logical_Router r1 has 192.168.1.1 in "
            "Logical_Switch red as well; to remove it: "
            "vtep-ctl remove Logical_Router r2 switch_binding '\"192.168.1.1/24\"'": {
                "lr_switch_bindings_fault"
            }
        }
        here = world.switch.view[RoutersHere]
        assert [str(each) for each in here.on(RED)[1].addresses] == ["192.168.3.1/24"]
        world.tell(Gone(R1))
        assert faults(world) == {}
        assert len(here.on(RED)[0].addresses) == 2


def test_an_interface_with_the_mac_of_another_router_there_is_not_used() -> None:
    world, mac = new_world(), "00:00:5e:00:01:01"
    world.tell(
        router({"192.168.1.1/24": RED}, mac=mac),
        router({"192.168.3.1/24": RED, "192.168.4.1/24": BLUE}, row=R2, name="r2", mac=mac),
    )
    (text,) = faults(world)
    assert text == (
        "r2: Logical_Router r1 has its MAC 00:00:5e:00:01:01 in Logical_Switch red as well, "
        "where it has no interface until that is mended: vtep-ctl set Logical_Router r2 "
        "'other_config:router_mac=\"MAC\"'"
    )
    used = world.switch.view[RoutersHere].interfaces(R2)
    assert [each.logical_switch for each in used] == [BLUE]


def test_a_router_mac_that_is_none_is_the_end_of_its_router() -> None:
    row = router(mac="", refused_mac="'x' is not a MAC address (xx:xx:xx:xx:xx:xx)")
    assert of(replace(row, name="a b")) == {
        "a b: other_config router_mac: 'x' is not a MAC address (xx:xx:xx:xx:xx:xx); "
        "nothing is routed by it until that is mended; to have 02:76:7f:aa:e4:7c: "
        f"vtep-ctl remove Logical_Router {R1} other_config router_mac": {"lr_creation_fault"}
    }


@pytest.mark.parametrize(
    ("routes", "text"),
    [
        (
            {"10.0.0.0/33": "192.168.1.9"},
            "10.0.0.0/33: its prefix length is outside of 0 to 32; to ",
        ),
        (
            {"fe80::1": "192.168.1.9"},
            "fe80::1: it has no prefix length, as 10.0.0.0/8 has; to remove",
        ),
        ({"10.0.0.0/8": "fe80::1"}, "10.0.0.0/8: fe80::1 is of another version of IP than 10.0"),
        (
            {"::/0": "fe80::1"},
            "::/0: fe80::1 is link-local: it does not say in which logical switch",
        ),
        (
            {"10.0.0.0/8": "172.16.0.1"},
            "10.0.0.0/8: its next hop 172.16.0.1 lies in no subnet of the router; to mend "
            'it: vtep-ctl set Logical_Router r1 \'static_routes:"10.0.0.0/8"="NEXT_HOP"\'',
        ),
        (
            {"10.0.0.0/8": "192.168.2.1"},
            "10.0.0.0/8: its next hop 192.168.2.1 is an address of the",
        ),
        (
            {"10.1.0.0/8": "192.168.2.255"},
            "10.1.0.0/8: its next hop 192.168.2.255 is not the address",
        ),
    ],
)
def test_a_route_that_leads_nowhere(routes: dict[str, str], text: str) -> None:
    good = {"10.9.0.0/16": "192.168.2.50"}
    found = of(router(routes={**routes, **good}))
    assert [*found.values()] == [{"lr_static_routes_fault"}]
    (said,) = found
    assert said.startswith(f"r1: static_routes {text}")


def test_several_next_hops_of_one_prefix() -> None:
    world = new_world()
    keys = {"10.1.0.0/8": "192.168.2.9", "10.0.0.0/8": "192.168.1.200"}
    world.tell(router(routes=keys))
    assert list(faults(world)) == [
        "r1: static_routes 10.0.0.0/8 and 10.1.0.0/8: they are one prefix, 10.0.0.0/8; "
        "192.168.1.200 is used; to remove one: "
        "vtep-ctl remove Logical_Router r1 static_routes '\"10.1.0.0/8\"'"
    ]
    world.tell(router(routes={**keys, "10.0.0.0/8": "172.16.0.1"}))
    (said,) = faults(world)
    assert "; 192.168.2.9 is used; " in said
    world.tell(router(routes=dict.fromkeys(keys, "192.168.2.9")))
    assert faults(world) == {}


def test_only_some_of_very_many_keys_are_listed() -> None:
    routes = {f"10.{each}.0.0/16": "172.16.0.1" for each in range(30)}
    found = of(router(routes={**routes, **{f"x{each}": "" for each in range(30)}}))
    assert sum("172.16.0.1 lies in no subnet" in each for each in found) == 10
    assert sum("it has no prefix length" in each for each in found) == 10
    assert "r1: static_routes: more keys than 10 cannot be used" in found
    assert "r1: static_routes: the next hops of more keys than 10 lie elsewhere" in found
    assert len(found) == 22


# Limits


def test_the_routers_with_the_last_names_are_beyond_the_limit() -> None:
    world = new_world(max_routers=2)
    here = world.switch.view[RoutersHere]
    rows = [
        router({f"192.168.{each.int & 0xFF}.1/24": RED}, row=each, name=name)
        for each, name in ((R1, "c"), (R2, "b"), (R3, "a"))
    ]
    world.tell(*rows)
    text = "c: br0 has no room for it within max_routers (2)"
    assert faults(world) == {text: {"lr_creation_fault"}}
    assert [each.name for each in here.on(RED)] == ["a", "b"]
    assert set(here.routers()) == {R1, R2, R3}
    assert list(here.interfaces(R1)) == []
    world.tell(Gone(R3))
    assert faults(world) == {}
    assert [each.name for each in here.on(RED)] == ["b", "c"]


def test_interfaces_and_routes_are_used_up_to_the_limit() -> None:
    world = new_world(max_interfaces=1, max_routes=1)
    here = world.switch.view[RoutersHere]
    routes = {"10.0.0.0/8": "192.168.1.9", "10.1.0.0/16": "192.168.1.9"}
    world.tell(router(routes=routes))
    assert faults(world) == {
        "r1: br0 has no room for all of its interfaces within max_interfaces (1)": {
            "lr_switch_bindings_fault"
        },
        "r1: br0 has no room for all of its static routes within max_routes (1)": {
            "lr_static_routes_fault"
        },
    }
    assert [each.logical_switch for each in here.interfaces(R1)] == [RED]
    assert sorted(map(str, (each.prefix for each in here.routes(R1)))) == [
        "10.0.0.0/8",
        "192.168.1.0/24",
        "2001:db8:1::/64",
    ]
    assert str(here.lookup(R1, "10.1.0.1") and here.lookup(R1, "10.1.0.1").prefix) == "10.0.0.0/8"  # type: ignore[union-attr]
    world.tell(router({"192.168.1.1/24": RED}, {"10.0.0.0/8": "192.168.1.9"}))
    assert faults(world) == {}


# Where faults show


def test_a_router_that_is_not_present_has_no_fault() -> None:
    world = new_world()
    world.tell(router({"192.168.9.1": GREEN}))
    assert faults(world) == {}
    world.physical(physical_switch(physical_port("p0", {0: GREEN})))
    assert len(faults(world)) == 1
    world.physical(physical_switch(physical_port("p0", {0: BLUE})))
    assert faults(world) == {}


def test_a_logical_switch_that_is_renamed_is_named_anew() -> None:
    world = new_world()
    for row, name in ((R1, "r1"), (R2, "r2")):
        world.tell(router({"192.168.1.1/24": RED}, row=row, name=name))
    world.tell(replace(logical_switch(RED, 5001), name="crimson"))
    (said,) = faults(world)
    assert "in Logical_Switch crimson as well" in said
    world.tell(router({"192.168.1.1/24": RED}, name="r0"))
    (said,) = faults(world)
    assert "Logical_Router r0 has 192.168.1.1" in said


def test_no_fault_is_too_long_for_a_line() -> None:
    (said,) = of(router({"192.168.1.1/24": RED, "x\n" * 5000 + "/9": RED}))
    assert "\n" not in said
    assert len(said) < 2100
    assert isinstance(Fault("a", "b"), Fault)
