"""What an operator does to a VTEP: a resync, a pause."""

from __future__ import annotations

import json
import tarfile
from typing import Any

import pytest

from sim.lab.namespaces import CommandFailed
from tests.switch.dummy import BROADCAST, DummySwitch
from tests.switch.state import OUR_TABLES

HOST, FAR, FURTHER = "00:00:00:00:00:01", "00:00:00:00:00:99", "00:00:00:00:00:98"


@pytest.fixture
def placed(joined: DummySwitch) -> DummySwitch:
    """The same with a station behind 10.2.2.2."""
    joined.place(FAR, "10.2.2.2")
    joined.wait(lambda: joined.sends("p0", FAR) == ["10.2.2.2 vni 33"], "the way to it")
    return joined


def test_a_resync_puts_back_what_others_changed_and_nothing_else(placed: DummySwitch) -> None:
    placed.come_to_rest("p1")
    rows = our_rows(placed)
    placed.ofctl("mod-flows", "br0", f"dl_dst={FAR},actions=drop")
    answer = ask(placed, "resync", "br0")["bridges"]
    assert [(row["bridge"], row["is_settled"], row["problem"]) for row in answer] == [
        ("br0", True, None)
    ]
    assert placed.sends("p0", FAR) == ["10.2.2.2 vni 33"]
    ages = min(placed.ages().values())
    assert ask(placed, "resync")["bridges"][0]["differed"] == 0
    assert min(placed.ages().values()) >= ages  # nothing is sent again
    assert our_rows(placed) == rows


def test_nothing_is_written_during_a_pause(placed: DummySwitch) -> None:
    assert ask(placed, "pause")["unanswered"] == []
    before = placed.flows()
    placed.ofctl("del-flows", "br0", f"dl_dst={FAR}")
    without_it = placed.flows()
    assert len(without_it) < len(before)
    placed.place(FURTHER, "10.2.2.3")
    placed.vtep_ctl("bind-ls", "br0", "p0", "20", "ls0")
    placed.receive("p0", HOST, BROADCAST)
    rows = our_rows(placed)
    # All of it is known, and worked out: only nothing is sent.
    placed.wait(lambda: not ask(placed, "show")["switches"][0]["is_settled"], "it to be known")
    placed.app.wait_to_say("someone changed")
    placed.wait(lambda: ask(placed, "show")["switches"][0]["learned_macs"] == 1, "the host")
    assert placed.flows() == without_it
    assert our_rows(placed) == rows
    assert ("10.2.2.3", "127.0.0.1") not in placed.tunnel_ports()
    assert placed.app.ask("status").startswith("role: paused by an operator; in charge of br0")
    ask(placed, "resume")
    placed.wait(lambda: placed.sends("p0", FAR) == ["10.2.2.2 vni 33"], "the flow to be put back")
    placed.wait(lambda: placed.sends("p0", FURTHER) == ["10.2.2.3 vni 33"], "the new station")
    placed.wait(lambda: placed.local_macs() == {HOST: "127.0.0.1"}, "the host's row")
    placed.wait(lambda: "dl_vlan=20" in "\n".join(placed.flows()), "the binding")


def test_a_restart_ends_a_pause(placed: DummySwitch) -> None:
    ask(placed, "pause")
    placed.place(FURTHER, "10.2.2.2")
    placed.restart_app()
    placed.wait(lambda: placed.sends("p0", FURTHER) == ["10.2.2.2 vni 33"], "the station")
    assert ask(placed, "status")["is_paused"] is False


def test_a_support_bundle_has_everything_but_keys(placed: DummySwitch) -> None:
    path = placed.folder / "report.tar.gz"
    answer = ask(placed, "supportbundle", str(path))
    with tarfile.open(path) as bundle:
        files = [(member.name, bundle.extractfile(member)) for member in bundle]
        found = {name: file.read().decode() for name, file in files if file is not None}
    assert answer["members"] == len(found)
    assert "[DEFAULT] ofp_tcp_listen_port = " in found["report/options.txt"]
    assert FAR in found["report/desired/br0.txt"]
    assert FAR in found["report/rows.txt"]
    assert "br0 is managed" in found["report/log.txt"]
    assert "in charge of br0" in found["report/commands/status.txt"]
    bugs = [name for name, text in found.items() if text == "a bug, which is in the log\n"]
    assert bugs == []
    with pytest.raises(CommandFailed, match="File exists"):
        placed.app.ask("supportbundle", "/dev/full")


def ask(switch: DummySwitch, *words: str) -> Any:
    """Return the answer of a command."""
    return json.loads(switch.app.ask(*words, "--json"))


def our_rows(switch: DummySwitch) -> dict[str, list[dict[str, Any]]]:
    """Return all rows that the application writes."""
    return switch.snapshot(*OUR_TABLES)
