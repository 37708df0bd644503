"""Figures, targets, the table, and what is sent and awaited on the wire."""

from __future__ import annotations

import json
import os
import re
import socket
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from sim.__main__ import main, parser
from sim.bench import plot, rows, table
from sim.bench.kinds import KINDS
from sim.bench.measure import (
    EMULATOR,
    FLOOR,
    OURS,
    SMALLEST,
    Kind,
    Measure,
    Results,
    Target,
    percentile_99,
)
from sim.bench.overlay import SAMPLES, samples_of
from sim.bench.plan import QUICK, Plan
from sim.bench.run import SCENARIOS
from sim.bench.traffic import outer_destination, sent_to, with_vni
from sim.bench.watcher import Watcher
from sim.lab.state import LabState
from sim.wire.frames import Captured, lab_frame, vxlan_packet

EVERYWHERE = {OURS: "all", EMULATOR: "smallest", FLOOR: "all"}
FAST = Kind(
    "fast",
    "how fast",
    "ms",
    floor="the tools",
    targets=(Target(5), Target(2, SMALLEST), Target(3, FLOOR, 1000)),
    where=EVERYWHERE,
    is_plotted=True,
)


Sample = tuple[str, int, Sequence[float]]
"""Subject, size and values."""


def results(*samples: Sample) -> Results:
    filled = Results([FAST])
    for subject, size, values in samples:
        filled.add("fast", subject, size, *values)
    return filled


def measures(*samples: Sample) -> list[Measure]:
    return list(results(*samples).measures())


def test_the_figure_is_the_median_and_ratios_are_of_figures() -> None:
    [measure] = measures((OURS, 10, [1, 2, 9]), (EMULATOR, 10, [100]), (FLOOR, 10, [0.5]))
    assert measure.figure(OURS) == 2
    assert measure.times_faster == 50
    assert measure.times_floor == 4


def test_99_of_100_are_not_above_the_percentile() -> None:
    assert percentile_99([*range(1, 101)]) == 99
    assert percentile_99([3, 1, 2]) == 3
    assert percentile_99([7]) == 7


@pytest.mark.parametrize(
    ("small", "large", "floor", "met"),
    [
        (1, 2, 1, (True, True)),
        (6, 5, 2, (False, True)),  # above 5 ms
        (1, 3, 2, (True, False)),  # more than twice that of the smallest size
        (2, 4, 1, (True, False)),  # more than three times the floor
    ],
)
def test_all_targets_of_a_size_must_be_met(
    small: float, large: float, floor: float, met: tuple[bool, bool]
) -> None:
    found = measures((OURS, 10, [small]), (OURS, 1000, [large]), (FLOOR, 1000, [floor]))
    assert tuple(measure.is_met for measure in found) == met


def test_a_target_whose_base_is_missing_is_neither_met_nor_missed() -> None:
    _, large = measures((OURS, 10, [1]), (OURS, 1000, [1]))
    assert large.is_met is None
    assert [str(target) for target in large.targets] == [
        "≤ 5",
        "≤ 2 times that of the smallest size",
        "≤ 3 times the floor",
    ]


def test_where_a_kind_is_measured() -> None:
    sizes = (10, 100, 1000)
    kind = Kind("k", "", "", where={OURS: "ends", EMULATOR: "smallest", FLOOR: "largest"})
    places = {
        subject: [size for size in sizes if kind.is_at(subject, size, sizes)]
        for subject in (OURS, EMULATOR, FLOOR)
    }
    assert places == {OURS: [10, 1000], EMULATOR: [10], FLOOR: [1000]}
    assert not Kind("k", "", "", where={OURS: "all"}).is_at(FLOOR, 10, sizes)


def test_kinds_that_were_not_asked_for_are_not_due() -> None:
    assert results().is_due("fast", OURS, 10, [10])
    assert not results().is_due("slow", OURS, 10, [10])


@pytest.mark.parametrize(
    ("subject", "is_failure"), [(OURS, True), (FLOOR, True), (EMULATOR, False)]
)
def test_the_emulator_may_fail(subject: str, is_failure: bool) -> None:
    filled = results((OURS, 10, [1]), (FLOOR, 10, [1]))
    filled.fail("fast", subject, 20, "waited in vain")
    assert bool(filled.failed) == is_failure
    text = table.markdown(list(filled.measures()))
    assert f"- failed: fast at 20, {subject}: waited in vain" in text


def test_what_was_measured_before_a_failure_counts() -> None:
    filled = results((OURS, 10, [1]))
    filled.fail("fast", OURS, 10, "a later part")
    assert not filled.failed


def test_the_table_has_a_line_for_each_size() -> None:
    text = table.markdown(
        measures((OURS, 10, [1.234, 2]), (EMULATOR, 10, [1000]), (OURS, 1000, [6]))
    )
    rows_of_table = [re.split(r" *\| *", line)[1:-1] for line in text.splitlines() if "|" in line]
    assert rows_of_table[2][:5] == [
        "fast", "10", "1.62 ms (1.23 to 2, n=2)", "1,000 ms", "618",
    ]  # fmt: skip
    assert rows_of_table[3][1:3] == ["1,000", "6 ms"]
    assert [row[-1] for row in rows_of_table] == ["met", "---", "yes", "-"]
    assert "- fast (median, least to most): how fast\n  - its floor: the tools" in text


def test_the_record_is_json_and_has_every_sample() -> None:
    [record] = json.loads(json.dumps(table.record(measures((OURS, 10, [1, 3])))))
    assert record["samples"] == {OURS: [1, 3]}
    assert record["figures"] == {OURS: 2}
    assert record["met"] is True


def test_curves_have_the_points_that_there_are() -> None:
    found = measures((OURS, 10, [1]), (OURS, 1000, [2]), (EMULATOR, 10, [50]))
    [(kind, curves)] = plot.curves(found)
    assert kind is FAST
    assert curves == {
        OURS: [plot.Point(10, 1, 1, 1), plot.Point(1000, 2, 2, 2)],
        EMULATOR: [plot.Point(10, 50, 50, 50)],
    }


def test_a_point_has_the_spread_of_its_samples() -> None:
    [(_, curves)] = plot.curves(measures((OURS, 10, [3, 1, 9])))
    assert curves == {OURS: [plot.Point(10, 3, 1, 9)]}


def test_the_picture_says_why_the_line_of_the_emulator_ends() -> None:
    everywhere = replace(FAST, where={EMULATOR: "all"})
    curve = [plot.Point(100, 1, 1, 1), plot.Point(1_000, 10, 10, 10)]
    assert "measured at one size" in plot.why_it_ends(FAST, curve[:1], 100_000)
    # 10 s and 99,000 times 10 ms are 1,000 s.
    assert plot.why_it_ends(everywhere, curve, 100_000).endswith("100,000 would take 17 min")
    assert plot.why_it_ends(everywhere, curve, 1_000) == ""


@pytest.mark.parametrize("theme", [plot.LIGHT, plot.DARK])
def test_each_text_of_the_picture_is_readable_on_its_page(theme: plot.Theme) -> None:
    """The contrast is at least 4.5, as WCAG 2.1 asks for in its criterion 1.4.3."""
    page = luminance(theme.page)
    for colour in (theme.text, *theme.subjects.values()):
        dark, light = sorted((page, luminance(colour)))
        assert (light + 0.05) / (dark + 0.05) >= 4.5, colour


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour, 0 to 1, by WCAG 2.1."""
    parts = [value / 255 for value in bytes.fromhex(colour[1:])]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_kinds_and_scenarios_agree() -> None:
    names = [kind.name for kind in KINDS]
    assert len(set(names)) == len(names)
    assert sorted(name for scenario in SCENARIOS for name in scenario.KINDS) == sorted(names)


@pytest.mark.parametrize("number", [1, 2, SAMPLES, 1000])
def test_samples_have_the_first_and_the_last_station(number: int) -> None:
    macs = rows.macs(number, 1)
    sampled = [mac for mac, _ in samples_of(macs)]
    assert len(set(macs)) == number
    assert len(set(sampled)) == len(sampled) == min(number, SAMPLES)
    assert (sampled[0], sampled[-1]) == (macs[0], macs[-1])


def test_frames_of_the_underlay_are_told_apart() -> None:
    inner = lab_frame("02:00:00:00:00:01", "02:00:00:00:00:02", b"")
    packet = bytes(14) + bytes(vxlan_packet("10.2.2.1", "10.2.2.3", 34, inner))
    frame = Captured(0.0, packet)
    assert outer_destination(frame) == "10.2.2.3"
    assert sent_to("10.2.2.3")(frame)
    assert not sent_to("10.2.2.4")(frame)
    assert with_vni(34)(frame)
    assert not with_vni(33)(frame)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Path, socket.socket]]:
    """A listening socket, which the test answers itself, with the path to connect to."""
    path = tmp_path / "server.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()
        yield path, listener


def test_messages_that_come_in_pieces_or_together(server: tuple[Path, socket.socket]) -> None:
    path, listener = server

    def serve() -> None:
        with listener.accept()[0] as peer:
            peer.recv(65536)
            reply = {"id": 1, "error": None, "result": [{"uuid": ["uuid", "x"]}]}
            change = {"r": {"new": {"MAC": "02:00:00:00:00:01"}}}
            update = {"id": None, "method": "update", "params": [None, {"T": change}]}
            text = (json.dumps(reply) + json.dumps(update)).encode()
            for begin in range(0, len(text), 7):
                peer.sendall(text[begin : begin + 7])
            peer.recv(65536)

    answering = threading.Thread(target=serve)
    answering.start()
    with Watcher(path) as connection:
        assert connection.transact(rows.delete("T")) == [{"uuid": ["uuid", "x"]}]
        assert connection.appeared("02:00:00:00:00:01") > 0
        assert connection.updates == 1
    answering.join()


def test_options() -> None:
    options = parser().parse_args(
        ["bench", "--sizes", "1000,10", "--only", "react", "learn", "--repeat", "5"]
    )
    assert (options.sizes, options.only, options.repeat) == ((10, 1000), ["react", "learn"], 5)
    assert not options.quick


@pytest.mark.parametrize(
    "wrong", [["--sizes", "0"], ["--sizes", "x"], ["--only", "nothing"], ["--repeat", "101"]]
)
def test_options_that_make_no_sense(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        parser().parse_args(["bench", *wrong])
    assert end.value.code == 2
    assert wrong[0] in capsys.readouterr().err


def test_a_lab_in_other_hands_ends_the_bench(capsys: pytest.CaptureFixture[str]) -> None:
    state = LabState(f"t{os.getpid()}busy")
    state.claim()
    try:
        assert main(["bench", "--name", state.name, "--only", "hosts"]) == 1
    finally:
        state.release()
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "another process" in printed.err


def test_the_plans_are_in_order() -> None:
    for plan in (Plan(), QUICK):
        assert list(plan.sizes) == sorted(plan.sizes)


def due(plan: Plan) -> set[tuple[str, int, str]]:
    """Return name, size and subject of all figures of ours and of the floor that are to come."""
    everything = Results(KINDS)
    scenarios = [scenario("due", plan, everything) for scenario in SCENARIOS]
    return {
        (name, size, subject)
        for scenario in scenarios
        for size in scenario.sizes
        for name in scenario.KINDS
        for subject in (OURS, FLOOR)
        if scenario.is_due(name, subject, size)
    }


@pytest.mark.timeout(600)
def test_everything_can_be_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The whole bench, at small sizes: every figure is there, whatever it is."""
    file, output = tmp_path / "bench.json", tmp_path / "bench.md"
    files = ["--json", str(file), "--output", str(output)]
    code = main(["bench", "--quick", "--name", f"t{os.getpid()}bench", *files])
    printed = capsys.readouterr()
    assert code == 0, printed.out + printed.err
    assert output.read_text() == printed.out
    measured = json.loads(file.read_text())["measures"]
    there = {
        (each["name"], each["size"], subject)
        for each in measured
        for subject, figure in each["figures"].items()
        if figure is not None
    }
    assert due(QUICK) <= there
    assert any(subject == EMULATOR for _, _, subject in there)
    counted = {each["name"]: each["figures"][OURS] for each in measured}
    assert counted["hosts-missing"] == counted["re-sent"] == counted["sessions"] == 0
