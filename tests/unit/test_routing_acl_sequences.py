"""Access lists of routers under any sequence of events.

A packet passes if, and only if, each list on its way permits it: where it comes to a router and
where it leaves one. The lists never see ARP or neighbour discovery.
"""

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import rule

from vtep_ofapp.values.acls import Acl, AclEntry, AclMatch
from vtep_ofapp.values.routers import derived_mac

from .builders import BLUE, MAC1, MAC2, RED, uuid
from .packets import ICMP, IPV4, IPV6, TCP, UDP
from .routed_fabric import LOGICAL_SWITCHES, NAMES, Plan, ip, is_usable
from .test_routing_sequences import RoutingSequences

EVERY_BIT = "255.255.255.255"
MATCHES = [
    AclMatch(),
    AclMatch(protocol=TCP, dest_ports=(22, 80)),
    AclMatch(protocol=UDP),
    AclMatch(protocol=ICMP, icmp_type=8),
    AclMatch(ethertype=IPV6),
    AclMatch(source=(ip(RED, 11), EVERY_BIT)),
    AclMatch(destination=(ip(BLUE, 0), "255.255.255.0")),
    AclMatch(dest_mac=MAC2),
    AclMatch(source_mac=MAC1),
    AclMatch(source_mac=derived_mac("r1")),
]
ENTRIES = st.builds(
    AclEntry,
    uuid=st.just(uuid(0)),
    sequence=st.integers(0, 3),
    is_egress=st.booleans(),
    permits=st.sampled_from([False, False, True]),
    match=st.sampled_from(MATCHES),
)
LISTS = st.integers(0, 1)
WHERE = st.tuples(st.sampled_from(LOGICAL_SWITCHES), st.sampled_from([IPV4, IPV4, IPV6]))


def list_row(number: int) -> UUID:
    return uuid(0xAC00 + number)


class RoutingAclSequences(RoutingSequences):
    """The same, and an NVC that gives lists to the interfaces of routers."""

    @rule(number=LISTS, entries=st.lists(ENTRIES, min_size=1, max_size=3))
    def put_list(self, number: int, entries: list[AclEntry]) -> None:
        rows = [
            replace(entry, uuid=uuid(0xE000 + 16 * number + place))
            for place, entry in enumerate(entries)
        ]
        acl = Acl(list_row(number), f"acl{number}", frozenset(each.uuid for each in rows))
        self.vtep.put(*rows, acl)

    @rule(name=st.sampled_from(NAMES), lists=st.dictionaries(WHERE, LISTS, max_size=3))
    def bind_lists(self, name: str, lists: Mapping[tuple[UUID, int], int]) -> None:
        plan = self.plans.get(name)
        if plan is not None:
            self.put_router(replace(plan, lists=self.usable(plan, lists)))

    def usable(
        self, plan: Plan, lists: Mapping[tuple[UUID, int], int]
    ) -> dict[tuple[UUID, int], UUID]:
        """Return the lists that are there, at interfaces that the router has."""
        return {
            where: list_row(number)
            for where, number in lists.items()
            if is_usable(plan, where) and list_row(number) in self.vtep.rows
        }


TestRoutingAclSequences = RoutingAclSequences.TestCase
TestRoutingAclSequences.settings = settings(
    max_examples=max(5, settings().max_examples // 4), stateful_step_count=30
)
