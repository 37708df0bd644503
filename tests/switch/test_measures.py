"""What the running program measures of its own work."""

from __future__ import annotations

import json

from tests.switch.dummy import DummySwitch


def counts(vtep: DummySwitch) -> dict[str, int]:
    """Return how often each kind of work was measured."""
    shown = json.loads(vtep.app.ask("metrics/show", "--json"))
    return {each["work"]: each["counts"][-1] for each in shown["durations"]}


def test_turns_transactions_and_the_way_from_a_row_to_its_flows(joined: DummySwitch) -> None:
    begin = counts(joined)
    assert min(begin[work] for work in ("turn", "bundle", "read_back", "transaction")) > 0
    joined.place("00:00:00:00:00:01", "10.2.2.3")
    works = "row_to_flow", "turn", "bundle", "transaction"

    def all_have_grown() -> bool:
        now = counts(joined)
        return all(now[work] > begin[work] for work in works)

    joined.wait(all_have_grown, "a station's flows, and what they took")
