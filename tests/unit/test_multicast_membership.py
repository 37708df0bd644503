"""Who is a member of which group, by a clock that a test moves on."""

import random
from weakref import WeakSet

from hypothesis import given
from hypothesis import strategies as st

from vtep_ofapp.features.multicast.deadlines import Deadlines
from vtep_ofapp.features.multicast.groups import group_mac
from vtep_ofapp.features.multicast.membership import (
    LAST_MEMBER_TIME,
    MAX_ADDRESSES,
    MAX_SOURCES,
    MEMBERSHIP_TIME,
    GroupMac,
    Membership,
)

from .builders import BLUE, MAC1, MAC2, MAC3, RED

P0, P1, P2 = 0x1000, 0x2000, 0x3000
ADDRESS, TWIN, OTHER = "239.1.1.1", "239.129.1.1", "239.1.1.2"
"""TWIN has the MAC address of ADDRESS."""
GROUP, OTHER_GROUP = GroupMac(RED, group_mac(ADDRESS)), GroupMac(RED, group_mac(OTHER))


def address(number: int) -> str:
    return f"239.1.{number // 250 + 2}.{number % 250}"


class Bench:
    """A Membership with a clock."""

    def __init__(self, limit: int = 1024) -> None:
        self.members = Membership(limit)
        self.now = 1000.0
        self.deaf: dict[int, float] = {}

    def join(self, binding: int = P0, group: str = ADDRESS, source: str = MAC1) -> list[GroupMac]:
        return self.members.join(RED, binding, group, source, self.now)

    def leave(self, binding: int = P0, group: str = ADDRESS, source: str = MAC1) -> bool:
        return self.members.leave(RED, binding, group, source, self.now)

    def passes(self, seconds: float) -> set[GroupMac]:
        self.now += seconds
        return self.members.end(self.now, self.deaf)

    def bindings(self, group: GroupMac = GROUP) -> set[int]:
        return set(self.members.bindings(group))


def test_a_member_stays_for_260_seconds_after_its_last_report() -> None:
    bench = Bench()
    assert bench.join() == [GROUP]
    assert bench.passes(200.0) == set()
    assert bench.join() == []
    assert bench.passes(MEMBERSHIP_TIME - 0.1) == set()
    assert bench.bindings() == {P0}
    assert bench.passes(0.1) == {GROUP}
    assert bench.bindings() == set()
    assert bench.members.groups(RED) == []
    assert bench.members.next_end() is None


def test_the_last_member_to_leave_ends_it_in_two_seconds() -> None:
    bench = Bench()
    bench.join()
    bench.join(source=MAC2)
    assert not bench.leave()
    assert bench.passes(LAST_MEMBER_TIME) == set()
    assert bench.leave(source=MAC2)
    assert bench.passes(LAST_MEMBER_TIME - 0.1) == set()
    assert bench.passes(0.1) == {GROUP}


def test_another_member_that_reports_after_the_leave_stays() -> None:
    bench = Bench()
    bench.join()
    assert bench.leave()
    bench.passes(1.0)
    bench.join(source=MAC3)
    assert bench.passes(1.0) == set()
    assert bench.passes(MEMBERSHIP_TIME - 1.1) == set()
    assert bench.passes(0.1) == {GROUP}


def test_a_host_that_was_silent_for_too_long_keeps_nothing() -> None:
    bench = Bench()
    bench.join()
    bench.passes(MEMBERSHIP_TIME - 1.0)
    bench.join(source=MAC2)
    bench.passes(1.0)
    assert bench.leave(source=MAC2)


def test_a_leave_of_a_binding_that_is_no_member_is_nothing() -> None:
    bench = Bench()
    bench.join()
    assert not bench.leave(P1)
    assert not bench.leave(group=OTHER)
    assert bench.passes(LAST_MEMBER_TIME) == set()


def test_a_second_leave_does_not_postpone_the_end() -> None:
    bench = Bench()
    bench.join()
    assert bench.leave()
    bench.passes(1.5)
    assert bench.leave()
    assert bench.passes(0.5) == {GROUP}


def test_a_group_with_several_addresses_lasts_as_long_as_one_of_them() -> None:
    bench = Bench()
    bench.join(group=TWIN)
    assert bench.join() == [GROUP]
    assert bench.members.addresses(GROUP) == [ADDRESS, TWIN]
    bench.leave()
    assert bench.passes(LAST_MEMBER_TIME) == {GROUP}
    assert (bench.bindings(), bench.members.addresses(GROUP)) == ({P0}, [TWIN])
    bench.leave(group=TWIN)
    assert bench.passes(LAST_MEMBER_TIME) == {GROUP}
    assert bench.bindings() == set()


def test_the_same_group_differs_between_logical_switches() -> None:
    bench = Bench()
    bench.join()
    bench.members.join(BLUE, P1, ADDRESS, MAC1, bench.now)
    assert bench.bindings() == {P0}
    assert bench.bindings(GroupMac(BLUE, GROUP.mac)) == {P1}
    assert bench.members.forget(BLUE) == [GroupMac(BLUE, GROUP.mac)]
    assert bench.bindings() == {P0}


def test_a_binding_that_is_gone_takes_its_members_along() -> None:
    bench = Bench()
    bench.join()
    bench.join(P1)
    bench.join(group=OTHER)
    assert set(bench.members.forget_binding(RED, P0)) == {GROUP, OTHER_GROUP}
    assert (bench.bindings(), bench.bindings(OTHER_GROUP)) == ({P1}, set())
    assert bench.members.forget_binding(RED, P0) == []


def test_an_earlier_process_left_members_that_have_to_report_again() -> None:
    bench = Bench()
    assert bench.members.adopt(GROUP, [P0, P1], ADDRESS, bench.now)
    assert not bench.members.adopt(GROUP, [P0, P1], ADDRESS, bench.now)
    assert bench.bindings() == {P0, P1}
    bench.passes(100.0)
    assert bench.join() == []
    assert bench.passes(160.0) == {GROUP}
    assert bench.bindings() == {P0}


def test_members_that_reported_to_another_process_meanwhile_have_time_to_report() -> None:
    bench = Bench()
    bench.join(P0)
    bench.join(P0, group=TWIN)
    bench.join(P1, group=OTHER)
    bench.passes(MEMBERSHIP_TIME - 1.0)
    assert bench.members.adopt(GROUP, [P0, P2], "", bench.now)
    assert bench.passes(1.0) == {OTHER_GROUP}
    assert bench.bindings() == {P0, P2}
    assert bench.members.addresses(GROUP) == [ADDRESS, TWIN]
    assert bench.passes(MEMBERSHIP_TIME - 1.0) == {GROUP}
    assert bench.bindings() == set()


def test_the_first_report_tells_the_address_that_was_not_known() -> None:
    bench = Bench()
    bench.members.adopt(GROUP, [P0], "", bench.now)
    assert bench.members.addresses(GROUP) == []
    assert bench.join(group=TWIN) == [GROUP]
    assert bench.members.addresses(GROUP) == [TWIN]
    bench.leave(group=TWIN)
    assert bench.passes(LAST_MEMBER_TIME) == {GROUP}
    assert bench.bindings() == set()


def test_members_at_a_binding_that_is_not_heard_stay() -> None:
    bench = Bench()
    bench.join()
    bench.join(P1)
    bench.deaf[P0] = bench.now + MEMBERSHIP_TIME + 10.0
    assert bench.passes(MEMBERSHIP_TIME) == {GROUP}
    assert bench.bindings() == {P0}
    bench.deaf.clear()
    assert bench.passes(MEMBERSHIP_TIME + 10.0) == {GROUP}


# Limits


def test_a_group_beyond_the_limit_is_refused_until_there_is_room() -> None:
    bench = Bench(limit=2)
    bench.join(P0, address(0))
    bench.join(P1, address(1))
    assert not bench.members.is_full(RED)
    assert bench.join(P2, ADDRESS) == []
    assert bench.join(P0, ADDRESS) == []
    assert bench.members.is_full(RED)
    assert bench.join(P2, address(0)) == [GroupMac(RED, group_mac(address(0)))]
    bench.leave(P1, address(1))
    bench.passes(LAST_MEMBER_TIME)
    assert not bench.members.is_full(RED)
    assert bench.join() == [GROUP]
    assert bench.members.is_full(RED)
    bench.passes(100.0)
    bench.join(P0, address(0))
    bench.join(P0)
    bench.passes(MEMBERSHIP_TIME - 100.0)
    assert not bench.members.is_full(RED)


def test_a_binding_with_very_many_groups_leaves_room_for_the_others() -> None:
    bench = Bench(limit=100)
    for number in range(50_000):
        bench.join(P0, address(number))
    assert len(bench.members.groups(RED)) == 100
    bench.join(P1, address(7))
    for number in range(10):
        changed = bench.join(P1, f"239.2.0.{number}")
        assert len(changed) == 2
        assert bench.bindings(changed[1]) == {P1}
        assert bench.bindings(changed[0]) == set()
    assert len(bench.members.groups(RED)) == 100
    assert bench.bindings(GroupMac(RED, group_mac(address(7)))) == {P0, P1}


def test_two_bindings_that_want_all_share_it() -> None:
    bench = Bench(limit=10)
    for number in range(100):
        bench.join(P0, address(number))
        bench.join(P1, address(1000 + number))
    shares = [
        sum(binding in bench.bindings(each) for each in bench.members.groups(RED))
        for binding in (P0, P1)
    ]
    assert shares == [5, 5]


def test_what_is_kept_of_one_group_has_a_bound() -> None:
    bench = Bench()
    for number in range(1000):
        bench.join(source=f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}")
        bench.join(P1, f"ff05:{number:x}::1:1")
    ((_, hosts, _),) = bench.members.seats(GROUP)
    assert len(hosts) == MAX_SOURCES
    wide = GroupMac(RED, group_mac("ff05::1:1"))
    assert len(bench.members.addresses(wide)) == MAX_ADDRESSES
    assert bench.bindings(wide) == {P1}


# Deadlines


@given(st.integers(0, 1 << 32))
def test_deadlines_end_when_they_were_last_set_to(seed: int) -> None:
    chance, deadlines, model = random.Random(seed), Deadlines[int](), dict[int, float]()
    now = 0.0
    for _ in range(100):
        key, end = chance.randrange(5), now + chance.randrange(20)
        if chance.random() < 0.7:
            deadlines.set(key, end)
            model[key] = end
        elif chance.random() < 0.3:
            deadlines.remove(key)
            model.pop(key, None)
        first = deadlines.next()
        assert not model or (first is not None and first <= min(model.values()))
        now += chance.randrange(4)
        ended = {key for key, end in model.items() if end <= now}
        assert set(deadlines.take(now)) == ended
        for key in ended:
            del model[key]
        assert deadlines.ends == model


def test_deadlines_forget_keys_that_were_removed_long_before_their_end() -> None:
    """As of hosts that join and leave again and again."""

    class Key:
        pass

    deadlines, alive, kept = Deadlines[Key](), WeakSet[Key](), Key()
    deadlines.set(kept, 260.0)
    for _ in range(10_000):
        key = Key()
        alive.add(key)
        deadlines.set(key, 250.0)
        deadlines.remove(key)
    assert len(alive) < 2000
    assert deadlines.take(300.0) == [kept]
