"""vni/show: the VNI of each logical switch and where it comes from, or why there is none."""

from typing import Any

import pytest

from vtep_ofapp.commands.answer import WrongWords
from vtep_ofapp.values.events import LockIs

from .app import App, described
from .asking import Asking
from .builders import BLUE, FAR, FURTHER, GREEN, RED, logical_switch, physical_port, unknown_dst


def vnis(app: App, *words: str) -> dict[str, Any]:
    """Return the rows of vni/show by logical switch."""
    rows = Asking(app).json("vni/show", *words)["vnis"]
    return {row.pop("logical_switch"): row for row in rows}


def start(app: App, *rows: Any) -> None:
    app.start(described(physical_port("p0", {0: RED, 7: BLUE})), *rows)


def test_a_key_of_its_own(app: App) -> None:
    start(app, unknown_dst(FAR, FURTHER), logical_switch(GREEN, 5003))
    shown = vnis(app)
    assert list(shown) == ["green", "red"]
    assert shown["red"] == {
        "bridge": "br0",
        "tunnel_key": 5001,
        "vnis": [5001],
        "source": "tunnel_key",
        "bindings": 1,
        "remote_vteps": 2,
        "problem": None,
    }
    assert (shown["green"]["bridge"], shown["green"]["vnis"]) == (None, [])
    assert shown["green"]["problem"] == "no managed bridge binds it"
    assert list(vnis(app, "br0")) == ["red"]
    assert list(vnis(app, "green")) == list(vnis(app, str(GREEN))) == ["green"]
    assert list(vnis(app, "red", "br0")) == ["red"]


def test_keys_of_locators(app: App) -> None:
    start(app, logical_switch(RED, None), unknown_dst(FAR, key=8), logical_switch(BLUE, None))
    shown = vnis(app)
    assert (shown["red"]["vnis"], shown["red"]["source"]) == ([8], "locators")
    assert shown["red"]["tunnel_key"] is None
    assert (shown["blue"]["vnis"], shown["blue"]["source"]) == ([], None)
    assert shown["blue"]["problem"] == "it has no tunnel key yet; it switches locally only"


def test_a_conflict(app: App) -> None:
    start(app, logical_switch(BLUE, 5001))
    shown = vnis(app)
    for name, other in (("red", "blue"), ("blue", "red")):
        assert (shown[name]["tunnel_key"], shown[name]["vnis"]) == (5001, [])
        problem = f"its tunnel key is also that of {other}; none of them uses it"
        assert shown[name]["problem"] == problem


def test_a_standby_shows_the_same(app: App) -> None:
    start(app)
    app.turn(LockIs(False))
    assert vnis(app)["red"]["vnis"] == [5001]
    assert Asking(app).text("vni/show").startswith("role: standing by")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ["brx"],
            "there is no bridge or logical switch 'brx'; bridge: br0; logical switch: red",
        ),
        (["red", "red"], "'red' is one logical switch too many"),
    ],
)
def test_wrong_words(app: App, words: list[str], line: str) -> None:
    app.start()
    with pytest.raises(WrongWords) as error:
        Asking(app).text("vni/show", *words)
    assert str(error.value) == line


def test_before_anything_is_read(app: App) -> None:
    assert Asking(app).json("vni/show") == {"role": "waiting", "vnis": []}
    with pytest.raises(WrongWords, match="bridge: none; logical switch: none"):
        Asking(app).text("vni/show", "br0")
