"""Answers of commands: their two forms, wrong words, and what a standby says first."""

import json
import logging

import pytest

from vtep_ofapp.commands.answer import Blocks, Content, Lines, Table, WrongWords, in_order
from vtep_ofapp.commands.rendering import json_parts, text_parts
from vtep_ofapp.process import log_tail
from vtep_ofapp.values.events import Disconnected, LockIs

from .app import App
from .asking import BY_NAME, Asking

CONTENT = {
    "a_word": "x",
    "nothing": None,
    "flag": True,
    "several": ("a", 2),
    "empty": Table(("mac",), []),
    "macs": Table(("mac", "moved_times"), [("02:00", 3), None, ("long one", None)]),
    "inner": {"deeper": {"ratio": 0.25}, "none": {}},
    "said": Lines(["first", "second"]),
    "ports": Blocks([{"port": "p0", "vlans": (0, 7)}, None, {"port": "p1", "up": False}]),
    "no_ports": Blocks([None]),
}


def test_text_is_for_people() -> None:
    assert "".join(text_parts(CONTENT)).splitlines() == [
        "a_word: x",
        "nothing: -",
        "flag: yes",
        "several: a, 2",
        "empty: none",
        "macs:",
        "    mac       moved_times",
        "    02:00     3",
        "    long one  -",
        "inner:",
        "    deeper:",
        "        ratio: 0.25",
        "    none: none",
        "first",
        "second",
        "p0",
        "    vlans: 0, 7",
        "p1",
        "    up: no",
        "no_ports: none",
    ]


def test_names_make_no_lines_of_their_own() -> None:
    name = "a\nb\x1b[1m\u2028 \u00e9"
    content: Content = {
        "word": name,
        "rows": Table(("name", "names"), [(name, [name, 7])]),
        "lines": Lines([name]),
        "inner": {name: {}},
        "blocks": Blocks([{"title": name}]),
    }
    text = "".join(text_parts(content))
    assert len(text.splitlines()) == 8
    assert text.count("a\\nb\\x1b[1m\\u2028 \u00e9") == 6
    assert text.replace("\n", "").isprintable()


def test_json_has_the_same() -> None:

    assert json.loads("".join(json_parts(CONTENT))) == {
        "a_word": "x",
        "nothing": None,
        "flag": True,
        "several": ["a", 2],
        "empty": [],
        "macs": [{"mac": "02:00", "moved_times": 3}, {"mac": "long one", "moved_times": None}],
        "inner": {"deeper": {"ratio": 0.25}, "none": {}},
        "said": ["first", "second"],
        "ports": [{"port": "p0", "vlans": [0, 7]}, {"port": "p1", "up": False}],
        "no_ports": [],
    }


def test_very_many_items_are_sorted_with_pauses() -> None:
    numbers = [(n * 7919) % 10_007 for n in range(10_007)]
    found = list(in_order(numbers, lambda number: number))
    assert [each for each in found if each is not None] == sorted(numbers)
    assert found.count(None) == 11


def test_very_many_items_are_looked_through_with_pauses() -> None:
    """Few of them may be asked about."""
    found = in_order(range(10_000), lambda number: -number, lambda number: number in (5, 9_995))
    assert list(found) == [None] * 10 + [9_995, 5]


@pytest.mark.parametrize("words", [["a"], ["--json", "a", "b"]])
def test_wrong_words_get_the_usage(app: App, words: list[str]) -> None:
    with pytest.raises(WrongWords, match=r"^usage: version$"):
        Asking(app).text("version", *words)


@pytest.mark.parametrize("option", ["", "=7", "vlan=", f"vlan={'9' * 5000}"])
def test_trace_takes_a_vlan_or_nothing(app: App, option: str) -> None:
    app.start()
    with pytest.raises(WrongWords, match=r"a frame at a port may|is no number"):
        Asking(app).text("trace", "br0", "p0", option, "02:00:00:00:00:01", "02:00:00:00:00:02")


def test_every_command_is_listed(app: App) -> None:
    listed = Asking(app).text("list-commands")
    assert [line.split()[0] for line in listed.splitlines()[1:]] == sorted(BY_NAME)


def test_a_standby_says_so_first(app: App) -> None:
    asking = Asking(app)
    app.start()
    assert asking.text("status").startswith("status: in charge of br0")
    assert asking.json("status")["role"] == "active"
    app.turn(LockIs(False))
    assert asking.text("vlog/list").startswith("role: standing by: another process has the lock\n")
    assert asking.json("status")["role"] == "standby"


def test_levels_of_the_log(app: App) -> None:
    asking = Asking(app)
    logger = logging.getLogger("vtep_ofapp.loop")
    former = logger.level
    try:
        asking.text("vlog/set", "loop:file:dbg")
        assert {"logger": "vtep_ofapp.loop", "level": "dbg"} in asking.json("vlog/list")["levels"]
        asking.text("vlog/set", "vtep_ofapp.loop:warn")
        assert logger.level == logging.WARNING
        for words in ("loop:loud", "nobody:dbg"):
            with pytest.raises(WrongWords):
                asking.text("vlog/set", words)
    finally:
        logger.setLevel(former)


def test_the_last_lines_of_the_log(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    asking = Asking(app)
    monkeypatch.setattr(logging.getLogger(), "handlers", [log_tail.Tail()])
    for number in range(300):
        logging.getLogger("vtep_ofapp.loop").warning("br%d is Strange", number)
    lines = asking.json("log/show")["log"]
    assert len(lines) == 200
    assert lines[-1].endswith("br299 is Strange")
    [line] = asking.json("log/show", "STRANGE", "br117")["log"]
    assert line.endswith("br117 is Strange")
    assert asking.json("log/show", "nothing", "like", "this")["log"] == []


def test_exit_ends_the_process(app: App) -> None:
    asking = Asking(app)
    asking.text("exit")
    assert asking.ended == 1


def test_show_is_one_screen(app: App) -> None:
    asking = Asking(app)
    connection = app.start()
    app.wait(7)
    shown = asking.json("show")
    assert [each["database"] for each in shown["databases"]] == ["hardware_vtep", "Open_vSwitch"]
    assert shown["switches"][0]["role"] == "master"
    assert shown["switches"][0]["is_settled"] is True
    assert shown["switches"][0]["connected_for_s"] == 7
    assert len(asking.text("show").splitlines()) < 24
    app.turn(Disconnected(connection))
    assert asking.json("show")["switches"][0]["connected_for_s"] is None
