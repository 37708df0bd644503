"""Access lists of routers under any sequence of events, beside those of ports.

Packets are sent into the tables of a router's lists: after each bundle these judge as the rows say
that the application had read when it made the bundle. Which of the tables packets pass is compared
when all has come to rest.
"""

from dataclasses import replace
from itertools import product

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import rule

from vtep_ofapp.engine.stable_ids import StableIds
from vtep_ofapp.pipeline.acls import OF_INTERFACE, REGISTER, misses_of_routers
from vtep_ofapp.values.acls import Acl
from vtep_ofapp.values.routers import parse_interface
from vtep_ofapp.values.rows import Gone

from . import acl_rule
from .builders import BLUE, RED, logical_router
from .test_acl_sequences import INTERFACES, LISTS, ROUTER, AclSequences, State, list_row, words
from .walk import Frame, Pipeline

ROUTER_KEYS = st.sampled_from([*INTERFACES, "10.0.9.9"])


class RouterAclSequences(AclSequences):
    """The same, and an NVC that gives lists to the interfaces of a router."""

    @rule(lists=st.dictionaries(ROUTER_KEYS, LISTS))
    def bind_lists_to_router(self, lists: dict[str, int]) -> None:
        """A transaction makes the router, or changes its access lists."""
        there = {
            key: list_row(each) for key, each in lists.items() if list_row(each) in self.vtep.rows
        }
        red = (parse_interface("10.0.1.1/24"), parse_interface("2001:db8:1::1/64"))
        interfaces = {RED: red, BLUE: (parse_interface("10.0.2.1/24"),)}
        self.change(
            logical_router(row=ROUTER, name="r1", interfaces=interfaces, acls=there),
        )

    @rule()
    def remove_router(self) -> None:
        if ROUTER in self.vtep.rows:
            self.vtep.put(Gone(ROUTER))

    def judge_all(self) -> None:
        super().judge_all()
        self.judge_interfaces()

    def judge_interfaces(self) -> None:
        """Compare what the lists of the router do with packets that come to their tables."""
        made = self.made
        if made is None or made.physical is None or not self.switch.flows:
            return
        flows = {flow.key: flow for flow in misses_of_routers()}
        flows |= {
            key: f for key, f in self.switch.flows.items() if key.table in OF_INTERFACE.tables
        }
        pipeline, numbers = Pipeline(flows.values(), []), StableIds()
        for row in made.rows.values():
            if isinstance(row, Acl):
                numbers.add(row.uuid)
        for acl, table in product({*made.judging().values()}, OF_INTERFACE.tables):
            carried = {REGISTER[table]: numbers.number(acl)}
            for src, dst, packet in self.probes:
                result = pipeline.send(Frame(1, src, dst, packet=packet), table, carried)
                assert bool(result.unmatched) == acl_rule.permits(
                    made.entries(acl),
                    src,
                    dst,
                    packet,
                    is_egress=table == OF_INTERFACE.tables[True],
                    fails_open=self.POLICY.acl_fails_open,
                ), (acl, table, packet)

    def check(self) -> None:
        super().check()
        there = State(dict(self.vtep.rows), self.openvswitch.bridge())
        if there.physical is not None:
            self.check_steps(there)
            self.check_router(there)

    def check_steps(self, there: State) -> None:
        """Check which tables of access lists the packets of each interface pass."""
        (view,) = (each.view for each in self.components.switches.states())
        judging = there.judging()
        for packets in INTERFACES.values():
            acl = judging.get(packets)
            entries = there.entries(acl) if acl else []
            if self.POLICY.acl_fails_open:
                entries = [each for each in entries if each.match is not None]
            tables = {OF_INTERFACE.tables[entry.is_egress] for entry in entries}
            assert {step.table for step in view.steps(packets)} == tables

    def check_router(self, there: State) -> None:
        """Check that the column of the router says what of its lists cannot be used."""
        router = there.router()
        if router is None:
            return
        bad = [acl for acl in router.acls.values() if any(e.refused for e in there.entries(acl))]
        named = [INTERFACES.get(key) for key in router.acls]
        is_bad = bool(bad) or None in named or len(named) > len({*named})
        assert router.fault_status == words("invalid_ACL_binding", is_bad)


class OpenRouterAclSequences(RouterAclSequences):
    """The same where entries that cannot be used are left out."""

    POLICY = replace(RouterAclSequences.POLICY, acl_fails_open=True)


TestRouterAclSequences = RouterAclSequences.TestCase
TestRouterAclSequences.settings = settings(
    max_examples=max(5, settings().max_examples // 2), stateful_step_count=30
)
TestOpenRouterAclSequences = OpenRouterAclSequences.TestCase
TestOpenRouterAclSequences.settings = settings(
    max_examples=max(2, settings().max_examples // 5), stateful_step_count=30
)
