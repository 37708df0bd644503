"""Any sequence of events, under several policies: see sequences.py."""

from collections.abc import Set
from unittest.mock import patch

from hypothesis import settings

from vtep_ofapp.engine import switch_state
from vtep_ofapp.engine.switch_flows import SwitchFlows
from vtep_ofapp.process.settings import Settings

from .reference import Place
from .sequences import OWN_OF, Sequences


class CrampedSequences(Sequences):
    """The same with hardly any room for stations and tunnels, and flooding without a row for it.

    Which stations are learned depends on who came first, so that frames are not judged.
    """

    POLICY = Settings(
        max_local_macs=2, max_local_macs_per_port=1, max_tunnels=1, flood_without_unknown_dst=True
    )

    def watch(self) -> None:
        """Judge how many tunnels there are: there is no room for a new one before the old goes."""
        for name in OWN_OF:
            assert len({remote for remote, _ in self.world.tunnels(name)}) <= 1

    def check_frame(
        self,
        name: str,
        place: Place,
        src: str,
        dst: str,
        dead: Set[str],
        inner: tuple[int, ...] = (),
    ) -> None:
        """Look at nothing but that frames pass."""
        for result in self.send(self.pipeline(name, dead), name, place, src, dst):
            self.arrivals(name, result)


class EagerSequences(Sequences):
    """The same where a logical switch without unknown-dst floods to all that its rows name."""

    POLICY = Settings(flood_without_unknown_dst=True)


class OpenSequences(Sequences):
    """The same where frames get in from any sender with the VNI of a logical switch."""

    POLICY = Settings(accept_from="any")


class SlicedSequences(Sequences):
    """The same where a turn has room for one station, so that flows pass on late.

    What an owner used before depends on when it had its turn, so that this is not judged.
    """

    def watch(self) -> None:
        """Judge nothing."""

    def __init__(self) -> None:
        self.patch = patch.object(switch_state, "PARTS_PER_TURN", 1)
        self.patch.start()
        super().__init__()
        for switch in self.world.switches.values():
            switch.flows = SwitchFlows(switch.flows.watchers)

    def teardown(self) -> None:
        super().teardown()
        self.patch.stop()


def examples(share: int) -> settings:
    return settings(max_examples=share * settings().max_examples, stateful_step_count=30)


TestSequences = Sequences.TestCase
TestSequences.settings = examples(2)
TestCrampedSequences = CrampedSequences.TestCase
TestCrampedSequences.settings = examples(1)
TestEagerSequences = EagerSequences.TestCase
TestEagerSequences.settings = examples(1)
TestOpenSequences = OpenSequences.TestCase
TestOpenSequences.settings = examples(1)
TestSlicedSequences = SlicedSequences.TestCase
TestSlicedSequences.settings = examples(1)
