"""A record of what reaches the loop, and its replay."""

import gc
import json
import os
import subprocess
import sys
import weakref
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import settings

from vtep_ofapp.loop import bundles
from vtep_ofapp.loop.loop import Loop
from vtep_ofapp.loop.switches import ADDRESS_INTERVAL
from vtep_ofapp.pipeline.layout import LOGICAL_SWITCH, SOURCE_BINDING
from vtep_ofapp.process import host as this_host
from vtep_ofapp.recording.__main__ import main
from vtep_ofapp.recording.outcome import outcome
from vtep_ofapp.recording.reading import sessions
from vtep_ofapp.recording.recorder import Recorder
from vtep_ofapp.recording.replay import Replay
from vtep_ofapp.values.events import Away, Bridges, Disconnected, LockIs
from vtep_ofapp.values.flows import match
from vtep_ofapp.values.writes import PutPhysicalPort

from .app import BRIDGE, App, tunnel_port
from .builders import (
    DATABASE,
    FAR,
    MAC1,
    MAC2,
    OWN,
    RED,
    number_of,
    port,
    remote_mac,
    unknown_source,
)
from .doubles import Said
from .record import header, replayed
from .test_whole import Whole


class RecordedWhole(Whole):
    """One process after another appends to one record; the replay of each ends as it did."""

    def new_record(self) -> Recorder:
        if hasattr(self, "recorder"):
            self.compare()
        else:
            self.folder = TemporaryDirectory()
            self.path = Path(self.folder.name) / "record"
        self.recorder = Recorder(
            str(self.path), header(self.POLICY, self.time.now), self.time.clock
        )
        return self.recorder

    def compare(self) -> None:
        self.recorder.end()
        assert replayed(self.path) == outcome(self.components)

    def teardown(self) -> None:
        super().teardown()
        self.compare()
        self.folder.cleanup()


class Host:
    """A host on which the bridges are."""

    addresses: set[str]

    def has_interface(self, name: str, number: int, mac: str) -> bool:
        return True

    def has_address(self, address: str) -> bool:
        return address in self.addresses


TestRecordedWhole = RecordedWhole.TestCase
TestRecordedWhole.settings = settings(
    max_examples=settings().max_examples // 2, stateful_step_count=40
)


@pytest.fixture
def recorded(app: App) -> App:
    """br0 with a remote MAC and a learned one."""
    connection = app.start()
    app.tell(remote_mac(MAC1, FAR))
    (write,) = app.openvswitch[DATABASE].take()
    tunnel = tunnel_port(write)
    ports = {**BRIDGE.ports, tunnel.name: tunnel}
    app.turn(Bridges(DATABASE, {"br0": replace(BRIDGE, ports=ports)}))
    app.serve(connection)
    shown = match({SOURCE_BINDING: 1 << 12, LOGICAL_SWITCH: number_of(RED)})
    app.turn(unknown_source(connection, shown, MAC2))
    app.serve(connection)
    return app


def lines(app: App) -> list[str]:
    return app.record.path.read_text().splitlines()


def cut(app: App, length: int) -> Path:
    """Return a copy of the record without its end."""
    path = app.record.path.with_suffix(".cut")
    path.write_bytes(app.record.path.read_bytes()[:-length])
    return path


def test_the_replay_prints_what_was_desired(
    recorded: App, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(recorded.record.path)]) == 0
    said = capsys.readouterr()
    assert said.err.startswith("session 1 of 1: vtep_ofapp 0.1.0, from 2026-11-26T08:00:00Z\n")
    state = recorded.components.switches.drivers["br0"].switch
    for value in (*state.flows.wanted.values(), *state.groups.wanted.values()):
        assert f"\n{value}\n" in said.out
    for name in state.tunnel_ports.wanted:
        assert f"\n{name}: remote=" in said.out
    assert f"\nPutLocalMac logical_switch={RED} mac={MAC2} address={OWN}\n" in said.out
    assert f"# br0: {len(state.flows.wanted)} flows" in said.out


def test_the_replay_ends_where_it_is_told_to(
    recorded: App, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(recorded.record.path), "--json", "--until", "1"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["switches"]["br0"]["flows"]
    assert not any(MAC2 in row for row in found["rows"])
    assert main([str(recorded.record.path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == outcome(recorded.components)


def test_the_replay_is_the_same_in_a_process_whose_sets_have_another_order(recorded: App) -> None:
    for seed in ("1", "2"):
        command = [sys.executable, "-m", "vtep_ofapp.recording", "--json"]
        run = subprocess.run(
            [*command, str(recorded.record.path)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            check=True,
        )
        assert json.loads(run.stdout) == outcome(recorded.components)


def test_a_new_process_begins_a_session_after_a_line_that_is_cut(
    recorded: App, capsys: pytest.CaptureFixture[str]
) -> None:
    path = cut(recorded, 20)
    Recorder(str(path), header(), lambda: 0.0).begin_turn([LockIs(True)])
    assert main([str(path)]) == 0
    assert capsys.readouterr().err.splitlines()[1:] == ["1 turns"]
    assert main([str(path), "--session", "1", "--json"]) == 0
    said = capsys.readouterr()
    assert f"of {path}, the last one, is cut; it is left out" in said.err
    assert json.loads(said.out)["switches"]["br0"]["flows"]
    for number in ("3", "0"):
        with pytest.raises(SystemExit):
            main([str(path), "--session", number])
        assert f"{path} has 2 sessions" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "{path}: no line of it begins a record"),
        ("\x00\xff binary\n", "{path}: no line of it begins a record"),
        (
            '{"vtep_ofapp":"0.1.0","format":1',
            "line 1 of {path}: the header of a record, but damaged",
        ),
        ('{"vtep_ofapp":"1","format":1,"types":{"Header":[[]]},"header":[]}', "line 1 of {path}: "),
        ('{"vtep_ofapp":"1","format":1,"types":{},"header":["Header"]}', "line 1 of {path}: "),
        (
            '{"vtep_ofapp":"9.0","format":2,"types":{}}',
            "line 1 of {path}: a record of the form 2, ",
        ),
    ],
)
def test_what_is_no_record_is_refused_in_one_line(
    content: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "record"
    path.write_bytes(content.encode("latin-1"))
    assert main([str(path)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(reason.format(path=path))


@pytest.mark.parametrize(
    "line",
    [
        '{"turn":1,"at":1.0,"events":[["LockIs"',
        '{"turn":1,"at":1.0,"events":[["Popen","sh"]]}',
        '{"turn":1,"at":1.0}',
        '{"turn":1,"at":"now","events":[]}',
        '{"asked":[[]],"answer":true}',
        "[" * 100_000,
        "[]",
    ],
    ids=lambda line: line[:40],
)
def test_a_damaged_line_is_named(
    line: str, recorded: App, capsys: pytest.CaptureFixture[str]
) -> None:
    before = lines(recorded)
    path = recorded.record.path.with_suffix(".damaged")
    path.write_text("\n".join([*before[:3], line, *before[3:]]))
    assert main([str(path)]) == 1
    assert f"line 4 of {path}: " in capsys.readouterr().err.splitlines()[-1]


def test_names_of_a_stranger_do_not_steer_the_terminal(
    recorded: App, capsys: pytest.CaptureFixture[str]
) -> None:
    path = recorded.record.path.with_suffix(".strange")
    path.write_text(recorded.record.path.read_text().replace('"br0"', r'"b\u001b[2J\n\ud800é"'))
    assert main([str(path)]) == 0
    assert "\n# b\\x1b[2J\\n\\ud800é: " in f"\n{capsys.readouterr().out}"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (MemoryError(), "{path}: there is not enough memory to replay it"),
        (OSError(28, "No space left on device"), "[Errno 28] No space left on device"),
    ],
)
def test_without_memory_or_room_there_is_one_line(
    error: Exception, line: str, recorded: App, capsys: pytest.CaptureFixture[str]
) -> None:
    with patch("vtep_ofapp.recording.__main__.as_text", side_effect=error):
        assert main([str(recorded.record.path)]) == 1
    assert capsys.readouterr().err.splitlines()[2:] == [line.format(path=recorded.record.path)]


def test_what_is_no_file_is_not_waited_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        assert main([str(path)]) == 1
        assert capsys.readouterr().err == f"{path}: it is no regular file\n"


def test_a_line_that_is_nested_too_deeply_is_named(
    recorded: App, capsys: pytest.CaptureFixture[str]
) -> None:
    path = recorded.record.path.with_suffix(".deep")
    with patch.object(json, "dumps", side_effect=RecursionError("too deep")):
        path.write_text("\n".join([*lines(recorded)[:2], '{"turn":2,"at":1,"events":[[]]}', ""]))
        assert main([str(path)]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == f"line 3 of {path}: too deep"


def test_a_missing_file_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none")]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_full_disk_ends_the_record_and_nothing_else(said: Said) -> None:
    record = Recorder("/dev/full", header(), lambda: 0.0)
    assert said() == ["the record /dev/full ends here: No space left on device"]
    host, answer = record.host(this_host), this_host.has_address("127.0.0.1")
    assert host.has_address("127.0.0.1") == answer
    record.begin_turn([LockIs(True)])
    assert said() == []


def test_a_file_that_cannot_be_opened_harms_nothing(tmp_path: Path, said: Said) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "none" / "record", tmp_path / "pipe"):
        Recorder(str(path), header(), lambda: 0.0).begin_turn([LockIs(True)])
        (line,) = said()
        assert line.startswith("nothing is recorded: ")
        assert str(path) in line


def test_two_processes_do_not_record_into_one_file(tmp_path: Path, said: Said) -> None:
    path = tmp_path / "record"
    first = Recorder(str(path), header(), lambda: 0.0)
    Recorder(str(path), header(), lambda: 0.0).begin_turn([LockIs(True)])
    assert said() == [f"nothing is recorded: [Errno 11] another process records into it: '{path}'"]
    first.begin_turn([LockIs(False)])
    first.end()
    assert len(path.read_text().splitlines()) == 2


def test_a_pipe_that_nobody_empties_ends_the_record(tmp_path: Path, said: Said) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    record = Recorder(str(tmp_path / "pipe"), header(), lambda: 0.0)
    for _ in range(200):
        record.begin_turn([Away("x" * 10_000)])
    os.close(reader)
    (line,) = said()
    assert "ends here: Resource temporarily unavailable" in line


def test_a_bug_ends_the_record_and_nothing_else(tmp_path: Path, said: Said) -> None:
    record = Recorder(str(tmp_path / "record"), header(), lambda: 0.0)
    no_event: Any = object()
    for _ in range(2):
        record.begin_turn([no_event])
    (line,) = said()
    assert line.endswith("record ends here, because of a bug")


def test_others_cannot_read_a_record(tmp_path: Path) -> None:
    Recorder(str(tmp_path / "record"), header(), lambda: 0.0)
    assert (tmp_path / "record").stat().st_mode & 0o777 == 0o600


def test_a_closed_connection_is_not_kept(app: App) -> None:
    connection = weakref.ref(app.start())
    held = connection()
    assert held is not None
    app.turn(Disconnected(held))
    app.turn()
    del held
    gc.collect()
    assert connection() is None


def test_a_write_for_which_the_schema_has_no_columns_is_noted_once(app: App) -> None:
    app.vtep.lacks = (PutPhysicalPort,)
    connection = app.start()
    app.turn(Bridges(DATABASE, {"br0": replace(BRIDGE, ports={"p5": port("p5", 5)})}))
    app.serve(connection)
    app.turn()
    notes = [json.loads(line) for line in lines(app) if '"PutPhysicalPort"' in line]
    assert {"asked": ["takes", "hardware_vtep", "PutPhysicalPort"], "answer": False} in notes
    assert len(notes) == 1


def test_an_address_that_the_host_lacks_is_missed_in_the_replay() -> None:
    host = Host()
    app = App(host=host)
    app.timers.begin()
    app.start()
    app.turn(Bridges(DATABASE, {"br0": replace(BRIDGE, interface=(5, "02:00:00:00:00:05"))}))
    for addresses, faults in (({OWN}, 0), (set(), 1), ({OWN}, 0)):
        host.addresses = addresses
        app.wait(3 * ADDRESS_INTERVAL)
        lasting = app.components.faults.lasting()
        assert sum("no interface of this host" in fault for fault in lasting) == faults
        app.check_replay()


def test_a_replay_with_other_changes_says_so(recorded: App) -> None:
    notes: list[str] = []
    (session,) = sessions(recorded.record.path)
    replay = Replay(session.header, notes.append)
    with patch.object(bundles, "MAX_CHANGES", 1):
        replay.run(session)
    assert all("and the replay made 1" in note for note in notes)
    assert notes[0].startswith("turn 3: the switch answered to ")


def test_a_turn_that_failed_fails_in_the_replay(recorded: App, said: Said) -> None:
    (session,) = sessions(recorded.record.path)
    replay = Replay(session.header, lambda note: None)
    with patch.object(Loop, "turn", side_effect=RuntimeError):
        replay.run(session, until=1)
    assert said() == ["turn 1 failed"]
